//! What passes and what is refused, with its reason.

use super::check;

fn message(text: &str) -> String {
    check(text).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_both_engines_read_alike_passes() {
    for text in [
        "*",
        "**",
        "?",
        "M*",
        "*Create",
        "Mutation:*",
        "Query:ControlAction",
        "Mutation:Person:Create",
        "Mutation?Person?Create",
        "Mutation:[A-Z]*:[a-zA-Z_]*",
        "Mutation:[-a]*:*",
        "Mutation:[a-]*:*",
        "Mutation:[*]:*",
        "Mutation:{Person,Place}:{Create,Update}",
        "{Mutation:Person:Create,Query:*}",
        "Mutation:{a,{b,{c,d}}}:*",
        "Mutation:Person:a,b",
        "Mutation:.Person:*",
        "Mutation:Person\\:Create",
        "Mutation:\\*:\\{",
        "\\Mutation:*",
        "@(Mutation|Query):*",
        "Mutation:Person:+(Create|Update)",
    ] {
        assert_eq!(message(text), "", "{text}");
    }
}

#[test]
fn runs_of_stars_are_one_star() {
    let glob = check("***:{a\\,**,[*]**}:**").map(|checked| checked.glob);
    assert_eq!(glob.as_deref(), Ok("*:{a\\,*,[*]*}:*"));
}

/// Every refusal: the text, and what its message must say.
const REFUSED: &[(&str, &str)] = &[
    ("", "leave it out"),
    ("!Mutation:Person:*", "there is no negation"),
    ("!!*", "there is no negation"),
    ("!*", "there is no negation"),
    ("@(Mutation:a|Query):*", "`@(` in"),
    ("@(*):*", "`@(` in"),
    ("[a@(b)c]:*", "`[a@(b)c]` in"),
    ("\\:@(b):*", "`@(` in"),
    ("@():*", "`@(` in"),
    ("@(a|):*", "`@(` in"),
    ("{@(a|b),c}:*", "`@(` in"),
    ("*@(a|b):*", "`@(` in"),
    ("+(a|b)*", "`+(` in"),
    ("+(+(a)):*", "`+(` in"),
    ("+(a):+(b", "`+(` in"),
    ("Mutation:!(Person):Create", "`!(` in"),
    ("!(*)", "`!(` in"),
    ("Mutation:+(Person|*):Create", "`+(` in"),
    ("Mutation:?(Person):Create", "`?(` in"),
    ("Mutation:*(Person):Create", "`*(` in"),
    ("Mutation:(Person|Place):Create", "the parenthesis in"),
    ("Mutation:Person:(|*", "the parenthesis in"),
    ("Mutation:Person)", "the parenthesis in"),
    ("Mutation:Person:Create|x", "write `{a,b}`"),
    ("Mutation:Person:||**", "the `|` in"),
    ("Mutation:[!P]erson:Create", "`[!` in"),
    ("Mutation:[^P]erson:Create", "`[^` in"),
    ("Mutation:[[:upper:]]erson:Create", "the named class in"),
    ("Mutation:[]:Create", "`[]` in"),
    ("Mutation:[]a]:Create", "`[]` in"),
    ("Mutation:[z-a]:Create", "`[z-a]` in"),
    ("Mutation:[a-c-e]:Create", "`[a-c-e]` in"),
    ("Mutation:[a--]:Create", "`[a--]` in"),
    ("Mutation:[a[b]:Create", "`[a[b]` in"),
    ("Mutation:{[,],a}:Create", "`[,]` in"),
    ("Mutation:[\\]]:Create", "`[\\]` in"),
    ("Mutation:{P..S}erson:Create", "the range in braces"),
    ("Mutation:{1..3}:x", "the range in braces"),
    ("Mutation:{Person}:Create", "write it without braces"),
    ("Mutation:{,Person}:Create", "an empty alternative"),
    ("Mutation:{Person,}:Create", "an empty alternative"),
    ("Mutation:{}:Create", "an empty alternative"),
    ("Mutation:Person:{Create,Update", "the `{` in"),
    ("Mutation:Person:Create}", "the `}` in"),
    ("Mutation:[Person:Create", "the `[` in"),
    ("Mutation:Person]:Create", "the `]` in"),
    ("Mutation:{a,{b,{c,{d,e}}}}:*", "more than 3 deep"),
    ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}:*", "more than 1024"),
    ("Mutation:Person:Create\\", "escapes nothing"),
    ("Mutation:\\d:*", "escapes nothing"),
    ("Mutation:\\1:*", "escapes nothing"),
    ("Mutation:*/Create", "the `/` in"),
    ("./*", "the `/` in"),
    (" Mutation:Person:Create", "a blank or a control character"),
    ("Mutation:Person:Create\n", "`Mutation:Person:Create\\n` holds a blank"),
    ("Mutation:\0:*", "a blank or a control character"),
    ("Mutation:P\u{e9}rson:Create", "`é` in"),
    ("Mutation:\u{202e}:*", "`\\u{202e}` in"),
    ("Mutation:\"*\":Create", "`\"` in"),
    ("Mutation:Person:Create$", "`$` in"),
    ("Mutation:.+", "`+` in"),
    ("a!b:*", "`!` in"),
    ("Mutation", "write `Mutation:*`"),
    ("{Mutation,Query}", "one part and no wildcard"),
    ("Mutation:Person:Create:Extra", "more than three parts"),
    ("*:*:*:*", "more than three parts"),
    ("Mutation:{a,b:c}:d", "more than three parts"),
];

#[test]
fn what_they_read_differently_is_refused_with_a_reason() {
    for (text, expected) in REFUSED {
        let message = message(text);
        assert!(message.contains(expected), "{text:?}: {message}");
        assert!(!message.ends_with('.') && message.chars().all(|it| !it.is_control()), "{text:?}: {message}");
    }
}

#[test]
fn a_glob_has_at_most_256_bytes_and_the_message_does_not_repeat_it() {
    assert_eq!(message(&"a*".repeat(128)), "");
    assert_eq!(message(&"a*".repeat(129)), "a scope of 258 bytes is too long: write at most 256");
}
