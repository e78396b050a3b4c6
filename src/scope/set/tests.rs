//! What sets grant, and every escalation known of the original.

use super::{Escalation, Pattern, Refusal, Scope, ScopeSet};

fn set(patterns: &[&str]) -> ScopeSet {
    let compiled = ScopeSet::compile(patterns);
    assert!(compiled.is_ok(), "{patterns:?}: {compiled:?}");
    compiled.unwrap_or_default()
}

fn scopes(texts: &[&str]) -> Vec<Scope> {
    let scopes: Vec<_> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    assert_eq!(scopes.len(), texts.len());
    scopes
}

/// Asks for one scope; an empty string means that it is granted, else it is the reason.
fn ask(allowed: &[&str], requested: &str) -> String {
    match set(allowed).grant(&[requested], &[]) {
        Ok(_) => String::new(),
        Err(Refusal::Malformed { reason, .. }) => reason.to_string(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn any_pattern_suffices_and_the_first_is_named() {
    let set = set(&["Mutation:Place:*", "Mutation:*:Create", "Mutation:P*:*"]);
    assert!(set.grants("Mutation:Person:Create"));
    assert_eq!(set.granting("Mutation:Person:Create"), Some("Mutation:*:Create"));
    assert_eq!(set.granting("Mutation:Person:Delete"), Some("Mutation:P*:*"));
    assert_eq!(set.granting("Query:Person:Read"), None);
    assert!(set.patterns().eq(["Mutation:Place:*", "Mutation:*:Create", "Mutation:P*:*"]));
    assert_eq!(format!("{set:?}"), r#"ScopeSet["Mutation:Place:*", "Mutation:*:Create", "Mutation:P*:*"]"#);
}

#[test]
fn the_empty_set_grants_nothing() {
    let empty = set(&[]);
    assert!(!empty.grants("Mutation:Person:Create") && !empty.grants(""));
    assert!(empty.grant(&["Mutation:Person:Create"], &[]).is_err());
    assert_eq!(empty.grant(&[] as &[&str], &[]).map(|set| set.patterns().len()), Ok(0));
}

#[test]
fn what_is_contained_is_granted() {
    for (allowed, requested) in [
        (&["*"][..], "Mutation:*"),
        (&["**"], "*"),
        (&["Mutation:*"], "Mutation:*:*"),
        (&["Mutation:*"], "Mutation:Person:Create"),
        (&["Mutation:Person:*"], "Mutation:Person:*"),
        (&["Mutation:Person:*"], "Mutation:Person:**"),
        (&["Mutation:Person:*"], "Mutation:Person:{Create,Update}"),
        (&["Mutation:Person:{Create,Update}"], "Mutation:Person:{Create,Update}"),
        (&["Mutation:Person:{Create,Update}"], "Mutation:Person:{Update,Create}"),
        (&["Mutation:Person:Create", "Mutation:Person:Update"], "Mutation:Person:{Create,Update}"),
        (&["Mutation:Person:*", "Mutation:Place:*"], "Mutation:{Person,Place}:Delete"),
        (&["Mutation:*:Create"], "Mutation:P*:Create"),
        (&["Mutation:[a-m]*:x", "Mutation:[n-z]*:x"], "Mutation:[a-z]*:x"),
        (&["?*"], "*"),
        (&["Query:ControlAction"], "Query:ControlAction"),
        (&["Mutation:Person:?"], "Mutation:Person:[a-z]"),
    ] {
        assert_eq!(ask(allowed, requested), "", "{allowed:?} {requested}");
    }
}

/// Allowed, requested, and what the refusal must say (behaviour.md V3, REQUIREMENTS.md D2, SECURITY.md 0).
const ESCALATIONS: &[(&[&str], &str, &str)] = &[
    (&["Mutation:Person:*"], "Mutation:Person:(|*", "parenthesis"),
    (&["Mutation:Person:*"], "Mutation:Person:(|**", "parenthesis"),
    (&["Mutation:Person:*"], "Mutation:Person:||**", "the `|`"),
    (&["Mutation:Person:*"], "Mutation:Person:|(*)", "the `|`"),
    (&["Mutation:Person:*"], "Mutation:Person:x|(*)", "the `|`"),
    (&["Mutation:Person:*"], "Mutation:Person:x|(+(+(*))Z)", "the `|`"),
    (&["Mutation:Person:*"], "Mutation:*", "would also allow `Mutation:`"),
    (&["Mutation:Person:*"], "Mutation:*:*", "would also allow `Mutation::`"),
    (&["Mutation:Person:*"], "*", "would also allow `a`"),
    (&["Mutation:Person:*"], "Mutation:Person*:*", "would also allow `Mutation:Persona:`"),
    (&["Mutation:Person:*"], "{Mutation:Person:x,Mutation:Place:*}", "would also allow `Mutation:Place:`"),
    (&["Mutation:*:Create"], "Mutation:(|**|:Create", "parenthesis"),
    (&["*:*:Create"], "!a:b:Create", "no negation"),
    (&["*:*:Create"], "!Mutation:x:Create", "no negation"),
    (&["*:Person:*"], "!a:Person:b", "no negation"),
    (&["*:Person:*"], "{Mutation:Person:x,Mutation:Place:*}", "would also allow `Mutation:Place:`"),
    (&["Mutation:???????*:*"], "Mutation:*******:*", "would also allow `Mutation::`"),
    (&["Mutation:Person:?"], "Mutation:Person:*", "would also allow `Mutation:Person:`"),
    (&["?"], "*", "would also allow `aa`"),
    (&["Mutation:Person?:Create"], "Mutation:Person*:Create", "would also allow `Mutation:Person:Create`"),
    (&["Mutation:?????:Create"], "Mutation:*rson:Create", "would also allow `Mutation:rson:Create`"),
    (&["Mutation:Person:Create"], "Mutation:Person:Creat?", "would also allow `Mutation:Person:Creata`"),
    (&["Mutation:Person:Create"], "Mutation:Person:*", "would also allow `Mutation:Person:`"),
    (&["Mutation:Person:{Create,Update}"], "Mutation:Person:*", "would also allow `Mutation:Person:`"),
    (&["Mutation:Person:\\*"], "Mutation:Person:*", "would also allow `Mutation:Person:`"),
    (&["Mutation:Person:[*]"], "Mutation:Person:?", "would also allow `Mutation:Person:a`"),
    (&["Mutation:a*:x", "Mutation:b*:x"], "Mutation:?:x", "would also allow `Mutation:c:x`"),
];

#[test]
fn no_requested_glob_covers_more_than_the_key() {
    for (allowed, requested, expected) in ESCALATIONS {
        let reason = ask(allowed, requested);
        assert!(reason.contains(expected), "{allowed:?} {requested}: {reason:?}");
    }
}

#[test]
fn keys_that_deny_do_not_compile() {
    for key in ["Mutation:!(ControlAction):*", "Mutation:*:!(Delete)", "!Mutation:Secret:*", "Mutation:[^P]*:Create"] {
        assert!(ScopeSet::compile(&[key]).is_err(), "{key}");
    }
}

#[test]
fn a_counter_example_of_the_schema_is_preferred() {
    let universe = scopes(&["Mutation:Person:Create", "Mutation:Place:Delete", "Mutation:Place:Create"]);
    let refusal = set(&["Mutation:Person:*"]).grant(&["Mutation:Person:Create", "Mutation:*:*"], &universe);
    let expected =
        Refusal::NotContained { requested: "Mutation:*:*".into(), counter_example: "Mutation:Place:Delete".into() };
    assert_eq!(refusal.map(|_| ()), Err(expected));
}

#[test]
fn what_the_schema_has_no_example_for_is_refused_all_the_same() {
    let universe = scopes(&["Mutation:Person:Create"]);
    let refusal = set(&["Mutation:Person:Create"]).grant(&["Mutation:Person:*"], &universe);
    let message = refusal.err().map(|refusal| refusal.to_string());
    assert_eq!(message.as_deref(), Some("`Mutation:Person:*` would also allow `Mutation:Person:`"));
}

#[test]
fn a_malformed_request_is_named() {
    let refusal = set(&["*"]).grant(&["Mutation:*", "Mutation:(x):y"], &[]);
    assert!(matches!(refusal, Err(Refusal::Malformed { requested, .. }) if requested == "Mutation:(x):y"));
}

#[test]
fn a_set_has_at_most_64_patterns() {
    assert!(ScopeSet::compile(&["*"; 64]).is_ok());
    let message = ScopeSet::compile(&["*"; 65]).err().map(|error| error.to_string());
    assert_eq!(message.as_deref(), Some("65 scopes are too many: list at most 64"));
    assert!(matches!(set(&["*"]).grant(&["*"; 65], &[]), Err(Refusal::TooMany { patterns: 65, patterns_max: 64 })));
}

#[test]
fn a_set_that_takes_too_much_memory_does_not_compile() {
    let large = format!("*a{}", "?".repeat(11));
    let message = ScopeSet::compile(&[large.as_str(); 64]).err().map(|error| error.to_string());
    assert!(message.is_some_and(|message| message.contains("takes too much memory")));
}

#[test]
fn what_cannot_be_decided_within_the_bounds_is_refused() {
    let words = ["ab", "ba", "aab", "bba", "abab"];
    let allowed: Vec<_> =
        (0..20).zip(words.iter().cycle()).map(|(n, word)| format!("*{}*", word.repeat(1 + n / 5))).collect();
    let allowed = ScopeSet::compile(&allowed).unwrap_or_default();
    let requested = Pattern::parse("{ab,ba}*:x");
    let answer = requested.map(|requested| allowed.contains(&requested));
    assert!(matches!(answer, Ok(Err(Escalation::Undecided { .. }))), "{answer:?}");
}

#[test]
fn a_refusal_is_certain_before_its_shortest_example_is_found() {
    let allowed: Vec<_> = (0..64).map(|number| format!("Mutation:{number}x*:*")).collect();
    let requested = format!("*{}", "?".repeat(250));
    let message = ScopeSet::compile(&allowed).unwrap_or_default().grant(&[requested], &[]).err();
    assert!(matches!(message, Some(Refusal::NotContained { .. })), "{message:?}");
}

#[test]
fn a_full_set_can_be_granted_from_a_full_set() {
    let texts = |before: &str, after: &str| -> Vec<_> {
        (0..64).map(|number| format!("{before}Person{number:06b}{after}")).collect()
    };
    for (allowed, requested) in [
        (texts("Mutation:", "*:*"), texts("Mutation:", "*:*")),
        (texts("Mutation:*", ":*"), texts("Mutation:*", ":{Create,Update,Delete}")),
        (texts("*:*", "*:*"), texts("Mutation:*", "*:Create")),
    ] {
        let granted = ScopeSet::compile(&allowed).unwrap_or_default().grant(&requested, &[]);
        assert_eq!(granted.map(|set| set.patterns().len()), Ok(64));
    }
}

#[test]
fn a_set_grants_what_its_globs_grant_one_by_one() {
    let unlike: Vec<String> = (0..64_u8).map(|it| format!("*{0}*{0}{0}*", char::from(b'a' + it % 26))).collect();
    let alike: Vec<String> = (0..64).map(|number| format!("Mutation:Type{number}:*")).collect();
    let large: Vec<String> = (0..12).map(|number| format!("{number}*a????????")).collect();
    for globs in [unlike, alike, large] {
        let set = ScopeSet::compile(&globs).unwrap();
        let letters = (b'a'..=b'z').map(char::from);
        let scopes =
            letters.map(|it| format!("x{it}y{it}{it}z")).chain((0..70).map(|it| format!("Mutation:Type{it}:a")));
        for scope in scopes.chain(["7xa12345678".to_owned(), "7xa1234567".to_owned(), "a b".to_owned()]) {
            assert_eq!(set.grants(&scope), set.granting(&scope).is_some(), "{scope} {set:?}");
        }
    }
}
