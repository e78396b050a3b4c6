//! What looks wrong with the globs of a key, although each of them is well-formed.

use std::collections::BTreeSet;

use super::catalogue::Catalogue;
use super::concrete::Scope;
use super::minimal::Minimal;
use super::pattern::Pattern;
use super::set::ScopeSet;

/// Names this alike are proposed: 1 is equal (Jaro and Winkler).
const LIKENESS_MIN: f64 = 0.8;
/// Most scopes and globs that a finding lists.
const LISTED_MAX: usize = 8;

/// One thing that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No scope of the schema is covered.
    Nothing {
        /// As given.
        glob: String,
        /// A glob of nearly the same letters that covers something.
        suggestion: Option<String>,
    },
    /// A name before `*` is that of a type, and so is the beginning of another's.
    Neighbour {
        /// As given.
        glob: String,
        /// The type that was probably meant.
        meant: String,
        /// The other types, alphabetically.
        caught: Vec<String>,
        /// Globs that cover the same without the other types.
        instead: Vec<String>,
    },
    /// All that needs a scope is covered.
    Everything,
    /// One glob covers all that another does.
    Covered {
        /// The one to leave out.
        glob: String,
        /// The larger one.
        by: String,
    },
}

impl Finding {
    /// A fixed word, such as `neighbour`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "nothing",
            Self::Neighbour { .. } => "neighbour",
            Self::Everything => "everything",
            Self::Covered { .. } => "covered",
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing { glob, suggestion: Some(suggestion) } => {
                write!(formatter, "`{glob}` covers nothing of the schema: did you mean `{suggestion}`?")
            }
            Self::Nothing { glob, suggestion: None } => {
                write!(formatter, "`{glob}` covers nothing of the schema: correct it or leave it out")
            }
            Self::Neighbour { glob, meant, caught, instead } => {
                let caught = caught.join("`, `");
                write!(formatter, "`{glob}` covers not only `{meant}` and its relations, but also `{caught}`")?;
                if instead.len() > LISTED_MAX {
                    return write!(formatter, ": list the relations of `{meant}` one by one");
                }
                write!(formatter, ": without, write `{}`", instead.join("`, `"))
            }
            Self::Everything => {
                write!(formatter, "the globs cover all that needs a scope: list what the key is for")
            }
            Self::Covered { glob, by } => write!(formatter, "`{glob}` is covered by `{by}`: leave one of them out"),
        }
    }
}

/// All findings in the order of the globs. `is_guarded`: whether a scope is needed at all.
pub fn lint(globs: &ScopeSet, catalogue: &Catalogue, is_guarded: impl Fn(&Scope) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pattern in globs.globs() {
        if !catalogue.scopes().any(|scope| pattern.matches(scope.as_str())) {
            let glob = pattern.as_str().to_owned();
            findings.push(Finding::Nothing { suggestion: suggestion(&glob, catalogue), glob });
        } else if let Some(finding) = neighbour(pattern, catalogue) {
            findings.push(finding);
        }
    }
    findings.extend(covered(globs));
    let mut guarded = catalogue.scopes().filter(|scope| is_guarded(scope)).peekable();
    if guarded.peek().is_some() && guarded.all(|scope| globs.grants(scope.as_str())) {
        findings.push(Finding::Everything);
    }
    findings
}

/// Each of a pair of equal globs covers the other: the later one is told.
fn covered(globs: &ScopeSet) -> Vec<Finding> {
    let single: Vec<(&Pattern, ScopeSet)> = globs
        .globs()
        .iter()
        .filter_map(|pattern| Some((pattern, ScopeSet::compile(&[pattern.as_str()]).ok()?)))
        .collect();
    let mut findings = Vec::new();
    for (position, (pattern, set)) in single.iter().enumerate() {
        let larger = single.iter().enumerate().find(|(other_position, (other, other_set))| {
            *other_position != position
                && other_set.contains(pattern).is_ok()
                && (*other_position < position || set.contains(other).is_err())
        });
        if let Some((_, (other, _))) = larger {
            findings.push(Finding::Covered { glob: pattern.as_str().to_owned(), by: other.as_str().to_owned() });
        }
    }
    findings
}

/// `Mutation:Property*:*`, which covers those of `PropertyValue` as well.
fn neighbour(pattern: &Pattern, catalogue: &Catalogue) -> Option<Finding> {
    let glob = pattern.as_str();
    let meant = glob.split(':').nth(1)?.trim_end_matches('*');
    let covered = || catalogue.entries().filter(|(scope, _)| pattern.matches(scope.as_str()));
    let is_prefix = glob.split(':').nth(1)?.ends_with('*') && covered().any(|(_, entry)| *entry.owner == *meant);
    if !is_prefix {
        return None;
    }
    let caught: BTreeSet<&str> = covered().map(|(_, entry)| &*entry.owner).filter(|owner| *owner != meant).collect();
    if caught.is_empty() {
        return None;
    }
    let wanted = covered().filter(|(_, entry)| *entry.owner == *meant).map(|(scope, _)| scope.clone()).collect();
    Some(Finding::Neighbour {
        glob: glob.to_owned(),
        meant: meant.to_owned(),
        caught: caught.into_iter().map(str::to_owned).collect(),
        instead: Minimal::of(&wanted, catalogue).globs,
    })
}

/// The glob with each part that is nearly a known word made that word, and parts that lack made `*`.
fn suggestion(glob: &str, catalogue: &Catalogue) -> Option<String> {
    let mut given = glob.split(':');
    let mut words: [BTreeSet<&str>; 3] = Default::default();
    for (operation, type_name, action) in catalogue.scopes().map(Scope::parts) {
        for (known, word) in words.iter_mut().zip([operation, type_name, action]) {
            known.insert(word);
        }
    }
    let parts: Vec<String> = words.iter().map(|known| corrected(given.next().unwrap_or("*"), known)).collect();
    let proposed = parts.join(":");
    let pattern = Pattern::parse(&proposed).ok()?;
    catalogue.scopes().any(|scope| pattern.matches(scope.as_str())).then_some(proposed)
}

/// The known word that is most alike, `*` at the end kept; the part itself if it has other wildcards, or nothing is alike.
fn corrected(part: &str, known: &BTreeSet<&str>) -> String {
    let word = part.trim_end_matches('*');
    let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let likeness = |candidate: &str| strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase());
    let best = known.iter().copied().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match best {
        Some(best) if is_name && likeness(best) >= LIKENESS_MIN => {
            [best, part.get(word.len()..).unwrap_or("")].concat()
        }
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests;
