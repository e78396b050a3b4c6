//! Globs that cover some of the wanted scopes of an operation and no other.

use std::collections::{BTreeMap, BTreeSet};

use crate::scope::concrete::Scope;

/// Types and actions of one operation, each pair numbered by its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table<'a> {
    actions: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// A glob but for its operation.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) types: String,
    pub(super) actions: String,
    /// How many strings the actions stand for.
    pub(super) alternatives: usize,
    /// Numbers of the wanted scopes that it covers.
    pub(super) covers: Vec<usize>,
}

impl Candidate {
    /// In bytes, with the blank that separates scopes.
    pub(super) fn cost(&self) -> usize {
        self.types.len() + self.actions.len() + 2
    }
}

impl<'a> Table<'a> {
    pub(super) fn of(scopes: impl Iterator<Item = &'a Scope>, operation: &str) -> Self {
        let mut actions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, type_name, action) in scopes.map(Scope::parts).filter(|parts| parts.0 == operation) {
            actions.entry(type_name).or_default().insert(action);
        }
        Self { actions }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.actions.values().map(BTreeSet::len).sum()
    }

    fn numbers(&self) -> BTreeMap<(&'a str, &'a str), usize> {
        let pairs = self.actions.iter().flat_map(|(ty, actions)| actions.iter().map(move |action| (*ty, *action)));
        pairs.enumerate().map(|(number, pair)| (pair, number)).collect()
    }
}

/// All there are, in the order of their texts.
pub(super) fn candidates(wanted: &Table<'_>, all: &Table<'_>) -> Vec<Candidate> {
    let numbers = wanted.numbers();
    let nothing = BTreeSet::new();
    let patterns: BTreeSet<String> = wanted.actions.keys().flat_map(|name| type_patterns(name)).collect();
    let mut found = Vec::new();
    for pattern in patterns {
        let types: Vec<(&str, &BTreeSet<&str>)> = all
            .actions
            .iter()
            .filter(|(name, _)| matches(&pattern, name))
            .map(|(name, actions)| (*name, actions))
            .collect();
        let published: BTreeSet<&str> = types.iter().flat_map(|(_, actions)| actions.iter().copied()).collect();
        let is_wanted = |ty: &str, action: &str| wanted.actions.get(ty).unwrap_or(&nothing).contains(action);
        // An action counts if it is wanted of every type that has it.
        let allowed: Vec<&str> = published
            .iter()
            .copied()
            .filter(|action| types.iter().all(|(ty, actions)| !actions.contains(action) || is_wanted(ty, action)))
            .collect();
        let mut add = |actions: String, members: &[&str]| {
            let pairs = types.iter().flat_map(|(ty, _)| members.iter().map(move |action| (*ty, *action)));
            let covers: Vec<usize> = pairs.filter_map(|pair| numbers.get(&pair).copied()).collect();
            found.push(Candidate { types: pattern.clone(), actions, alternatives: members.len().max(1), covers });
        };
        match allowed.as_slice() {
            [] => {}
            members if members.len() == published.len() && members.len() > 1 => add("*".to_owned(), members),
            [_] => {}
            members => add(format!("{{{}}}", members.join(",")), members),
        }
        for action in &allowed {
            add((*action).to_owned(), std::slice::from_ref(action));
        }
    }
    found
}

/// The name, `*`, and `*` for what is before or after each border between its words.
fn type_patterns(name: &str) -> Vec<String> {
    let mut patterns = vec![name.to_owned(), "*".to_owned()];
    for (border, _) in name.char_indices().skip(1).filter(|(_, character)| !character.is_ascii_lowercase()) {
        if let Some((before, after)) = name.split_at_checked(border) {
            patterns.push([before, "*"].concat());
            patterns.push(["*", after].concat());
        }
    }
    patterns.push([name, "*"].concat());
    patterns.push(["*", name].concat());
    patterns
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(before), _) => name.starts_with(before),
        (None, Some(after)) => name.ends_with(after),
        (None, None) => name == pattern,
    }
}
