//! Answers of the original's glob library, micromatch 4.0.2, beside ours: alike but for the differences listed here.

use std::collections::BTreeMap;
use std::error::Error;

use clef::scope::ScopeSet;
use flate2::read::GzDecoder;
use serde_json::Value;

type Fallible = Result<(), Box<dyn Error>>;

/// Measured: `cases` of one pattern, `array_cases` of several.
fn measured() -> Result<Value, Box<dyn Error>> {
    let bytes = include_bytes!("../data/micromatch-cases.json.gz").as_slice();
    Ok(serde_json::from_reader(GzDecoder::new(bytes))?)
}

/// Why an answer of ours differs. Each is deliberate, and the numbers are those of the measured cases concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Difference {
    /// Less: we grant only printable ASCII without blanks, so no scope with a newline at its end either.
    Unprintable,
    /// Less: micromatch takes a pattern to match its own text, whatever its wildcards say.
    OwnText,
    /// More: a dot at the start is a character like any other here; no scope of a schema has one.
    LeadingDot,
    /// More: so is a slash, which `*` does not cross in micromatch; no scope of a schema has one.
    Slash,
}

fn difference(scope: &str, pattern: &str, measured: bool) -> Option<Difference> {
    match measured {
        true if !scope.bytes().all(|byte| byte.is_ascii_graphic()) => Some(Difference::Unprintable),
        true if scope == pattern => Some(Difference::OwnText),
        false if scope.contains('/') => Some(Difference::Slash),
        false if scope.starts_with('.') && !pattern.starts_with('.') => Some(Difference::LeadingDot),
        _ => None,
    }
}

#[test]
fn single_patterns_grant_as_measured() -> Fallible {
    let measured = measured()?;
    let (mut compared, mut differences) = (0, BTreeMap::new());
    for case in measured.get("cases").and_then(Value::as_array).ok_or("no cases")? {
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let (Some(scope), Some(pattern)) = (text("scope"), text("pattern")) else {
            return Err(format!("{case} is not a case").into());
        };
        let expected = case.get("isMatch").and_then(Value::as_bool);
        // What is refused is the subject of the unit tests.
        let (Ok(set), Some(expected)) = (ScopeSet::compile(&[pattern]), expected) else {
            continue;
        };
        compared += 1;
        if set.grants(scope) != expected {
            let difference = difference(scope, pattern, expected);
            assert!(difference.is_some(), "{scope:?} {pattern:?}: measured {expected}");
            *differences.entry(difference).or_insert(0) += 1;
        }
    }
    assert_eq!(compared, 2_769);
    let expected = [
        (Some(Difference::Unprintable), 124),
        (Some(Difference::OwnText), 2),
        (Some(Difference::LeadingDot), 14),
        (Some(Difference::Slash), 69),
    ];
    assert_eq!(differences, BTreeMap::from(expected));
    Ok(())
}

/// Random globs with groups: pattern, scope, and what micromatch 4.0.2 (picomatch 2.2.2) answered.
#[test]
fn groups_of_names_grant_as_measured() -> Fallible {
    let bytes = include_bytes!("../data/micromatch-groups.json.gz").as_slice();
    let cases: Vec<(String, String, bool)> = serde_json::from_reader(GzDecoder::new(bytes))?;
    let (mut granted, mut refused) = (0, 0);
    for (pattern, scope, expected) in &cases {
        let Ok(set) = ScopeSet::compile(&[pattern]) else {
            // Where more than names and colons are beside a group.
            assert!(pattern.contains(")@(") || pattern.contains(")+("), "{pattern}");
            refused += 1;
            continue;
        };
        assert_eq!(set.grants(scope), *expected, "{pattern:?} {scope:?}");
        granted += usize::from(*expected);
    }
    assert_eq!((cases.len(), granted, refused), (2_000, 1_048, 0));
    Ok(())
}

#[test]
fn several_patterns_grant_as_measured() -> Fallible {
    let measured = measured()?;
    let mut compared = 0;
    for case in measured.get("array_cases").and_then(Value::as_array).ok_or("no cases")? {
        let patterns = case["patterns"].as_array().map(|patterns| patterns.iter().map(Value::as_str).collect());
        let (Some(scope), Some(patterns)) = (case.get("scope").and_then(Value::as_str), patterns.flatten()) else {
            continue;
        };
        let patterns: Vec<&str> = patterns;
        match (ScopeSet::compile(&patterns), case.get("isMatch").and_then(Value::as_bool)) {
            (Ok(set), Some(expected)) => {
                compared += 1;
                assert_eq!(set.grants(scope), expected, "{case}");
            }
            // Negation, which did not subtract but add, and the empty string.
            (Err(_), _) => assert!(patterns.iter().any(|pattern| pattern.is_empty() || pattern.starts_with('!'))),
            (Ok(set), None) => {
                return Err(format!("{set:?} compiles, but was an error: {case}").into());
            }
        }
    }
    assert_eq!(compared, 4);
    Ok(())
}
