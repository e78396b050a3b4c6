//! What holds for any text that is taken for globs. Panics if it does not.

use std::str::FromStr;

use clef::scope::{Escalation, Pattern, Refusal, Scope, ScopeSet};

/// Lines of text: the last is requested, those before it are allowed.
pub(super) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines: Vec<&str> = text.split('\n').take(20).collect();
    for line in &lines {
        parsing(line);
    }
    let requested = lines.pop().unwrap_or_default();
    lines.retain(|line| Pattern::parse(line).is_ok());
    let Ok(allowed) = ScopeSet::compile(&lines) else { return };
    let probes = probes(&text);
    granting(&allowed, &probes);
    if let Ok(requested) = Pattern::parse(requested) {
        containment(&allowed, &requested, &probes);
    }
}

/// What parses is printed as what parses again, and covers what it covered; what does not is told in words that quote it briefly.
fn parsing(text: &str) {
    match Pattern::parse(text) {
        Ok(pattern) => {
            let printed = pattern.to_string();
            assert_eq!(printed, text);
            let again = Pattern::parse(&printed).expect("what was printed");
            for probe in probes(text) {
                assert_eq!(pattern.matches(&probe), again.matches(&probe), "{text:?} {probe:?}");
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.len() < 4096 && !message.contains(char::is_control), "{message:?}");
        }
    }
    if let Ok(scope) = Scope::from_str(text) {
        let (operation, type_name, action) = scope.parts();
        assert_eq!([operation, type_name, action].join(":"), text);
        assert!(
            Pattern::parse(text).is_ok_and(|literal| literal.matches(text)),
            "a scope is a glob for itself: {text:?}"
        );
    }
}

/// A set grants what one of its globs covers, and names it; nothing is granted that is not printable.
fn granting(allowed: &ScopeSet, probes: &[String]) {
    for probe in probes {
        let granting = allowed.granting(probe);
        assert_eq!(allowed.grants(probe), granting.is_some(), "{allowed:?} {probe:?}");
        assert!(granting.is_none() || probe.bytes().all(|byte| byte.is_ascii_graphic()), "{probe:?}");
    }
}

/// What is contained covers nothing else, and what is not is proved by an example; minting decides alike.
fn containment(allowed: &ScopeSet, requested: &Pattern, probes: &[String]) {
    let decided = allowed.contains(requested);
    match &decided {
        Ok(()) => {
            let escalation = probes.iter().find(|probe| requested.matches(probe) && !allowed.grants(probe));
            assert_eq!(escalation, None, "{requested} from {allowed:?}");
        }
        Err(Escalation::Exceeds { counter_example, .. }) => {
            assert!(requested.matches(counter_example), "{requested} does not match {counter_example:?}");
            assert!(!allowed.grants(counter_example), "{allowed:?} grants {counter_example:?}");
        }
        Err(Escalation::Undecided { .. }) => {}
    }
    match (allowed.grant(&[requested.as_str()], &[]), decided) {
        (Ok(granted), Ok(())) => assert!(granted.patterns().eq([requested.as_str()])),
        (Err(Refusal::NotContained { .. }), Err(Escalation::Exceeds { .. }))
        | (Err(Refusal::Undecided { .. }), Err(Escalation::Undecided { .. })) => {}
        (minted, decided) => panic!("minting says {minted:?}, containment {decided:?}"),
    }
}

/// Texts near the globs: themselves, and with their wildcards filled in.
fn probes(text: &str) -> Vec<String> {
    let plain = |line: &str| line.replace(['\\', '{', '}', '[', ']'], "");
    let filled = |line: &str, with: &str| plain(line).replace('*', with).replace('?', "x");
    let mut probes: Vec<String> = text
        .split('\n')
        .take(20)
        .filter(|line| line.len() <= 256)
        .flat_map(|line| {
            let first = line.split(',').map(plain).collect::<Vec<_>>();
            let mut all = vec![line.to_owned(), plain(line), filled(line, ""), filled(line, "ab:c"), filled(line, "a")];
            all.extend(first);
            all
        })
        .collect();
    probes.extend(["Mutation:Person:Create", "Query:Person:Read", "a", ":", "a\n", "a b", "é", ""].map(str::to_owned));
    probes
}
