//! The fuzz target of scopes on stable Rust: random lines made of what globs consist of, and every input that ever failed.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

#[path = "../fuzz/src/scopes.rs"]
mod scopes;

const PIECES: &[&str] = &[
    "Mutation",
    "Query",
    "Subscription",
    ":",
    ":",
    ":",
    "Person",
    "Place",
    "Create",
    "Read",
    "a",
    "b",
    "*",
    "**",
    "?",
    "{",
    "}",
    ",",
    "{a,b}",
    "{Create,Update}",
    "{a,{b,c}}",
    "{a..z}",
    "{a}",
    "{,a}",
    "[a-z]",
    "[ab]",
    "[^a]",
    "[!a]",
    "[a",
    "]",
    "[[:alpha:]]",
    "[a-c-e]",
    "[-]",
    "\\",
    "\\*",
    "\\,",
    "\\d",
    "!",
    "@(",
    "@(a|b)",
    "+(a|Create)",
    "(",
    ")",
    "|",
    "||**",
    "/",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "\r",
    "é",
    "\u{0}",
    ".",
    "..",
    "-",
    "_",
    "$",
    "\"",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "*a????????",
];

/// Inputs that are worth a look every time.
fn seeds() -> Vec<String> {
    let escalations =
        ["(|*", "(|**", "||**", "|(*)", "x|(*)", "!a:b:Create", "!(ControlAction):*", "@(a|b)", "*", "*:*"];
    let mut seeds: Vec<String> =
        escalations.iter().map(|it| format!("Mutation:Person:*\nMutation:Person:{it}")).collect();
    seeds.extend(
        ["", "\n", "\\", "[", "{", "{{{{", "*\n*", "?\n*", "{a\\,**,b}:x", "[a-c-e]*", "a\n\n\nb"].map(str::to_owned),
    );
    seeds.push("*?".repeat(128));
    seeds.push("{a,b}".repeat(60));
    seeds.push(format!("{}\n*", "*a????????\n".repeat(12)));
    seeds
}

#[test]
fn no_input_breaks_a_promise_of_scopes() {
    for seed in seeds() {
        scopes::check(seed.as_bytes());
    }
    let pieces = vec(select(PIECES.to_vec()), 0..24).prop_map(|pieces| pieces.concat().into_bytes());
    let bytes = vec(any::<u8>(), 0..200);
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop_oneof![9 => pieces, 1 => bytes], |data| {
            scopes::check(&data);
            Ok(())
        })
        .unwrap();
}
