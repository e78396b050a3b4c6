//! The least that covers wanted scopes: the scopes themselves, and short globs that cover nothing else of a catalogue.
//!
//! A glob is made of an operation, a pattern for types and one for actions. A pattern for types is a name, `*`, or `*` after or before
//! whole words of a name; one for actions is a name, several in braces, or `*`. Only globs that cover wanted scopes alone are
//! candidates. They are chosen greedily, by length for each scope newly covered; where at most 64 scopes are wanted of an operation,
//! branch and bound then looks for a shorter choice, with a bounded number of steps. Last, globs with equal actions share braces.

mod candidates;
mod cover;

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::Catalogue;
use super::concrete::Scope;
use super::pattern::Pattern;
use super::set::ScopeSet;
use candidates::{Candidate, Table, candidates};

/// Longest glob that is made, in bytes.
const BYTES_MAX: usize = 256;
/// Most plain scopes that the braces of a glob stand for.
const EXPANSIONS_MAX: usize = 1024;

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimal {
    /// In alphabetical order; each is needed.
    pub scopes: Vec<Scope>,
    /// Cover these scopes and no other of the catalogue; those of a schema to come may be among them.
    pub globs: Vec<String>,
}

impl Minimal {
    /// For wanted scopes; those that the catalogue does not have are globs of their own.
    pub fn of(wanted: &BTreeSet<Scope>, catalogue: &Catalogue) -> Self {
        let scopes: Vec<Scope> = wanted.iter().cloned().collect();
        let (known, unknown): (Vec<&Scope>, Vec<&Scope>) = scopes.iter().partition(|it| catalogue.get(it).is_some());
        let mut globs: Vec<String> = if !known.is_empty() && known.len() == catalogue.scopes().len() {
            vec!["*".to_owned()]
        } else {
            by_operation(&known, catalogue)
        };
        if !covers_exactly(&globs, &known, catalogue) {
            globs = known.iter().map(ToString::to_string).collect();
        }
        globs.extend(unknown.iter().map(ToString::to_string));
        globs.sort_unstable();
        Self { scopes, globs }
    }

    /// Whether one token may hold all globs.
    pub fn fits_one_token(&self) -> bool {
        ScopeSet::compile(&self.globs).is_ok()
    }
}

fn by_operation(known: &[&Scope], catalogue: &Catalogue) -> Vec<String> {
    let mut globs = Vec::new();
    for operation in ["Mutation", "Query", "Subscription"] {
        let wanted = Table::of(known.iter().copied(), operation);
        if wanted.is_empty() {
            continue;
        }
        let all = Table::of(catalogue.scopes(), operation);
        if wanted == all {
            globs.push([operation, ":*"].concat());
            continue;
        }
        let candidates = candidates(&wanted, &all);
        let chosen = cover::cover(wanted.len(), &candidates);
        globs.extend(shared_braces(operation, chosen.into_iter().filter_map(|index| candidates.get(index))));
    }
    globs
}

/// One glob for all with equal actions, as far as its length goes.
fn shared_braces<'a>(operation: &str, chosen: impl Iterator<Item = &'a Candidate>) -> Vec<String> {
    let mut by_actions: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    for candidate in chosen {
        by_actions.entry(&candidate.actions).or_default().push(candidate);
    }
    let mut globs = Vec::new();
    for (actions, mut candidates) in by_actions {
        candidates.sort_by(|one, other| one.types.cmp(&other.types));
        let mut types: Vec<&str> = Vec::new();
        let glob = |types: &[&str]| match types {
            [one] => format!("{operation}:{one}:{actions}"),
            several => format!("{operation}:{{{}}}:{actions}", several.join(",")),
        };
        for candidate in candidates {
            types.push(&candidate.types);
            if glob(&types).len() > BYTES_MAX || types.len() * candidate.alternatives > EXPANSIONS_MAX {
                types.pop();
                accepted(&types, &glob, &mut globs);
                types = vec![&candidate.types];
            }
        }
        accepted(&types, &glob, &mut globs);
    }
    globs
}

/// A glob for all types, or for each half if it would take too much memory.
fn accepted(types: &[&str], glob: &impl Fn(&[&str]) -> String, globs: &mut Vec<String>) {
    let whole = glob(types);
    if types.len() < 2 || Pattern::parse(&whole).is_ok() {
        globs.push(whole);
        return;
    }
    let (first, second) = types.split_at(types.len() / 2);
    accepted(first, glob, globs);
    accepted(second, glob, globs);
}

/// The proof: with the sets that decide requests.
fn covers_exactly(globs: &[String], wanted: &[&Scope], catalogue: &Catalogue) -> bool {
    // A few at a time, as sets are limited in memory.
    let Ok(sets) = globs.chunks(8).map(ScopeSet::compile).collect::<Result<Vec<_>, _>>() else {
        return false;
    };
    let wanted: BTreeSet<&Scope> = wanted.iter().copied().collect();
    catalogue.scopes().all(|scope| sets.iter().any(|set| set.grants(scope.as_str())) == wanted.contains(scope))
}

#[cfg(test)]
mod tests;
