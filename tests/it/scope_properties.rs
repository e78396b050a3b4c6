//! Whatever is granted covers nothing that the key does not, for 100,000 random pairs; and deciding it is cheap.

use std::cell::Cell;
use std::error::Error;
use std::io::Read;
use std::time::{Duration, Instant};

use clef::scope::{Escalation, Pattern, Refusal, Scope, ScopeSet};
use flate2::read::GzDecoder;
use globset::GlobBuilder;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};

type Fallible = Result<(), Box<dyn Error>>;

const PAIRS: u32 = 100_000;

/// The original's 3,700 scopes: one field and its scope a line, between them a tab.
fn schema_scopes() -> Result<Vec<Scope>, Box<dyn Error>> {
    let mut lines = String::new();
    GzDecoder::new(include_bytes!("../data/ce-scopes.tsv.gz").as_slice()).read_to_string(&mut lines)?;
    let scopes = lines.lines().filter_map(|line| line.split_once('\t'));
    Ok(scopes.map(|(_field, scope)| scope.parse()).collect::<Result<_, _>>()?)
}

/// All strings of one to five of a few characters.
fn short_strings() -> Vec<String> {
    let mut all = Vec::new();
    let mut last = vec![String::new()];
    for _length in 1..=5 {
        last = last.iter().flat_map(|text| ["a", "b", ":", "*"].map(|more| format!("{text}{more}"))).collect();
        all.extend_from_slice(&last);
    }
    all
}

/// A glob of few letters, which the short strings exhaust nearly.
fn short_glob() -> impl Strategy<Value = String> {
    let pieces = vec!["a", "b", ":", "*", "**", "?", "[ab]", "[a:]", "{a,b}", "{a*,?b}", "{:,ab}", "\\*", "\\a"];
    vec(select(pieces), 1..6).prop_map(|pieces| pieces.concat())
}

/// A glob as people write it, or nearly.
fn scope_glob() -> impl Strategy<Value = String> {
    let operations = vec!["Mutation", "Mutation", "Mutation", "*", "{Mutation,Query}", "M*", "?utation", "Query"];
    let types = vec![
        "*",
        "*",
        "**",
        "?*",
        "Person",
        "@(Person|Place)",
        "Person+(Knows|MemberOf)",
        "Person*",
        "*Person",
        "*Person*",
        "Person?*",
        "P*",
        "[P-R]*",
        "P?rson",
        "Place",
        "MusicComposition*",
        "{Person,Place}",
        "{Person,Place}*",
        "{Person*,*Action}",
        "*Action",
        "ControlAction",
        "??????",
        "[A-Z]*",
        "[A-Z]*[a-z]",
        "*e*",
        "{Person{MemberOf,Knows},Place}",
        "PersonMemberOf",
    ];
    let actions = vec![
        "*",
        "*",
        "Create",
        "Delete",
        "{Create,Update}",
        "+(Create|Update)",
        "@(Create|Delete)",
        "{Create,Update,Delete}",
        "Creat?",
        "*e",
        "?*",
        "[A-D]*",
        "Add",
        "Merge",
        "{Add,Remove}",
        "*e*e",
        "??????",
        "{C*,D*}",
        "Request",
    ];
    let three = (select(operations.clone()), select(types.clone()), select(actions))
        .prop_map(|(operation, ty, action)| format!("{operation}:{ty}:{action}"));
    let two = (select(operations), select(types)).prop_map(|(operation, ty)| format!("{operation}:{ty}"));
    prop_oneof![8 => three, 1 => two, 1 => select(vec!["*", "**", "*Create", "Mutation*"]).prop_map(Into::into)]
}

/// What a key allows, and what is requested of it.
fn pairs() -> impl Strategy<Value = (Vec<String>, String)> {
    let short = (vec(short_glob(), 1..4), short_glob());
    let scopes = (vec(scope_glob(), 1..5), scope_glob());
    let same = vec(scope_glob(), 1..4).prop_flat_map(|allowed| (Just(allowed.clone()), select(allowed)));
    prop_oneof![4 => short, 5 => scopes, 1 => same]
}

/// Globs that are malformed do not count as cases.
fn config(cases: u32) -> Config {
    Config { cases, max_global_rejects: cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn nothing_granted_covers_more_than_the_key_and_every_refusal_is_proved() -> Fallible {
    let universe = schema_scopes()?;
    assert_eq!(universe.len(), 3_700);
    let mut strings = short_strings();
    strings.extend(universe.iter().map(ToString::to_string));
    let (granted, refused, undecided) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = config(PAIRS);
    TestRunner::new(config).run(&pairs(), |(allowed, requested)| {
        let (Ok(key), Ok(pattern)) = (ScopeSet::compile(&allowed), Pattern::parse(&requested)) else {
            return Err(TestCaseError::reject("malformed"));
        };
        match key.contains(&pattern) {
            Ok(()) => {
                granted.set(granted.get() + 1);
                let escalation = strings.iter().find(|scope| pattern.matches(scope) && !key.grants(scope));
                prop_assert_eq!(escalation, None);
            }
            Err(Escalation::Exceeds { counter_example, .. }) => {
                refused.set(refused.get() + 1);
                prop_assert!(pattern.matches(&counter_example), "{counter_example} is not requested");
                prop_assert!(!key.grants(&counter_example), "{counter_example} is allowed");
            }
            Err(Escalation::Undecided { .. }) => undecided.set(undecided.get() + 1),
        }
        Ok(())
    })?;
    // Otherwise the generators say little, or the bounds are too narrow.
    let counts = (granted.get(), refused.get(), undecided.get());
    assert!(counts.0 > PAIRS / 10 && counts.1 > PAIRS / 4 && counts.2 < PAIRS / 500, "{counts:?}");
    Ok(())
}

#[test]
fn minting_decides_as_containment_does() -> Fallible {
    let universe = schema_scopes()?;
    let config = config(2_000);
    TestRunner::new(config).run(&pairs(), |(allowed, requested)| {
        let (Ok(key), Ok(pattern)) = (ScopeSet::compile(&allowed), Pattern::parse(&requested)) else {
            return Err(TestCaseError::reject("malformed"));
        };
        match key.grant(&[&requested], &universe) {
            Ok(granted) => {
                prop_assert_eq!(key.contains(&pattern), Ok(()));
                prop_assert!(granted.patterns().eq([requested.as_str()]));
            }
            Err(Refusal::NotContained { counter_example, .. }) => {
                prop_assert!(key.contains(&pattern).is_err());
                prop_assert!(pattern.matches(&counter_example) && !key.grants(&counter_example));
            }
            Err(Refusal::Undecided { .. }) => {
                let same = matches!(key.contains(&pattern), Err(Escalation::Undecided { .. }));
                prop_assert!(same);
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
        Ok(())
    })?;
    Ok(())
}

#[test]
fn a_glob_matches_what_globset_says() -> Fallible {
    let strings = short_strings();
    let config = config(2_000);
    TestRunner::new(config).run(&short_glob(), |text| {
        let Ok(pattern) = Pattern::parse(&text) else {
            return Err(TestCaseError::reject("malformed"));
        };
        let matcher = GlobBuilder::new(&text)
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))?
            .compile_matcher();
        for string in &strings {
            prop_assert_eq!(pattern.matches(string), matcher.is_match(string), "{}", string);
        }
        Ok(())
    })?;
    Ok(())
}

/// Globs of up to 256 bytes made to cost much.
fn nasty_globs() -> Vec<String> {
    vec![
        "*a".repeat(128),
        "*?".repeat(128),
        "?".repeat(250),
        "{a,b}".repeat(51),
        "{a,b}".repeat(10) + ":*",
        "*{a,b}".repeat(10),
        "[a-z]*".repeat(42),
        "*ab?".repeat(60),
        "*a??????".repeat(30),
        "*[ab]?".repeat(42),
        format!("*a{}", "?".repeat(9)),
        format!("*a{}", "?".repeat(250)),
        format!("{{*a{0},*b{0},*c{0}}}:*", "?".repeat(8)),
        "*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*q*r*s*t*u*v*w*x*y*z".into(),
        "[".repeat(256),
        "{".repeat(256),
        "\\*".repeat(128),
        "*:*:*".into(),
    ]
}

/// The best of five, as the machine may be busy.
fn fastest(mut work: impl FnMut()) -> Duration {
    let measure = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..5).map(measure).min().unwrap_or_default()
}

#[test]
fn an_adversarial_glob_is_decided_or_refused_in_50_milliseconds() -> Fallible {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 50 });
    let universe = schema_scopes()?;
    let mut keys: Vec<Vec<String>> = nasty_globs().into_iter().map(|glob| vec![glob]).collect();
    let types = || universe.iter().step_by(57).take(64).map(|scope| scope.parts().1);
    keys.push(types().map(|ty| format!("*:*{ty}*:*")).collect());
    keys.push(types().map(|ty| format!("Mutation:{ty}*:*")).collect());
    keys.push((0..64).map(|number| format!("*a{}", "?".repeat(number % 9))).collect());
    for key in keys {
        let Ok(key) = ScopeSet::compile(&key) else {
            continue;
        };
        for requested in nasty_globs() {
            let mut answer = None;
            let elapsed = fastest(|| answer = Some(key.grant(&[&requested], &[])));
            assert!(elapsed < limit, "{elapsed:?} {key:?} {requested} {answer:?}");
        }
    }
    Ok(())
}
