//! Sets of globs: what they grant, and what may be granted from them.

mod union;

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::concrete::Scope;
use super::containment::{Budget, Undecided, counter_example};
use super::error::{Error, Escalation, Refusal, excerpt};
use super::pattern::Pattern;
use union::Union;

const PATTERNS_MAX: usize = 64;
const MEMORY_BYTES_MAX: usize = 4 << 20;

/// Globs of which any one suffices; the empty set grants nothing. Cloning shares them.
#[derive(Clone, Default)]
pub struct ScopeSet {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    patterns: Vec<Pattern>,
    /// Made at first use: sets that are only compared need none.
    union: OnceLock<Union>,
}

impl ScopeSet {
    /// # Errors
    ///
    /// The first text that is no glob, or too many of them.
    pub fn compile(patterns: &[impl AsRef<str>]) -> Result<Self, Error> {
        check_count(patterns.len())?;
        let mut compiled = Collector::default();
        for pattern in patterns {
            compiled.push(Pattern::parse(pattern.as_ref())?)?;
        }
        Ok(compiled.into_set())
    }

    /// Whether any glob covers the scope. Allocates nothing, but for the first time.
    pub fn grants(&self, scope: &str) -> bool {
        let Shared { patterns, union } = &*self.shared;
        union.get_or_init(|| Union::of(patterns)).matches(patterns, scope)
    }

    /// The text of the first glob that covers the scope.
    pub fn granting(&self, scope: &str) -> Option<&str> {
        self.globs().iter().find(|pattern| pattern.matches(scope)).map(Pattern::as_str)
    }

    /// The texts as given, in order.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.globs().iter().map(Pattern::as_str)
    }

    pub(super) fn globs(&self) -> &[Pattern] {
        &self.shared.patterns
    }

    /// Whether every string that `requested` matches is granted by this set.
    ///
    /// # Errors
    ///
    /// [`Escalation::Exceeds`] with a string that is not, or [`Escalation::Undecided`] if the search for one was
    /// given up.
    pub fn contains(&self, requested: &Pattern) -> Result<(), Escalation> {
        self.contains_within(requested, &mut Budget::default())
    }

    /// The first of `scopes` that `requested` covers and this set does not.
    pub fn counter_example_among<'scopes>(
        &self,
        requested: &Pattern,
        scopes: &'scopes [Scope],
    ) -> Option<&'scopes Scope> {
        scopes.iter().find(|scope| requested.matches(scope.as_str()) && !self.grants(scope.as_str()))
    }

    /// The requested globs as a set of their own, if this set contains them all.
    ///
    /// `universe` only makes the counter-example better to read: what covers a string that this set does not is
    /// refused even if no scope of the universe is such a string.
    ///
    /// # Errors
    ///
    /// The first that is malformed or not contained, and why.
    pub fn grant(&self, requested: &[impl AsRef<str>], universe: &[Scope]) -> Result<Self, Refusal> {
        let patterns = requested.len();
        if patterns > PATTERNS_MAX {
            return Err(Refusal::TooMany { patterns, patterns_max: PATTERNS_MAX });
        }
        // One budget for all, so that a request cannot multiply the cost of its worst scope.
        let mut budget = Budget::default();
        let mut granted = Collector::default();
        for text in requested.iter().map(AsRef::as_ref) {
            let malformed = |reason| Refusal::Malformed { requested: excerpt(text), reason };
            let pattern = Pattern::parse(text).map_err(malformed)?;
            self.contains_within(&pattern, &mut budget)
                .map_err(|escalation| self.refusal(&pattern, escalation, universe))?;
            granted.push(pattern).map_err(malformed)?;
        }
        Ok(granted.into_set())
    }

    fn contains_within(&self, requested: &Pattern, budget: &mut Budget) -> Result<(), Escalation> {
        let allowed: Vec<_> = self.globs().iter().map(Pattern::automaton).collect();
        match counter_example(requested.automaton(), &allowed, budget) {
            Ok(None) => Ok(()),
            Ok(Some(counter_example)) => {
                Err(Escalation::Exceeds { requested: requested.as_str().into(), counter_example })
            }
            Err(Undecided) => Err(Escalation::Undecided { requested: requested.as_str().into() }),
        }
    }

    /// A scope of the universe proves as much as any other string, and is better to read.
    fn refusal(&self, pattern: &Pattern, escalation: Escalation, universe: &[Scope]) -> Refusal {
        match self.counter_example_among(pattern, universe) {
            Some(scope) => {
                Refusal::NotContained { requested: pattern.as_str().into(), counter_example: scope.to_string() }
            }
            None => escalation.into(),
        }
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ScopeSet")?;
        formatter.debug_list().entries(self.patterns()).finish()
    }
}

fn check_count(patterns: usize) -> Result<(), Error> {
    if patterns > PATTERNS_MAX {
        return Err(Error::TooManyPatterns { patterns, patterns_max: PATTERNS_MAX });
    }
    Ok(())
}

/// Globs on their way into a set, with the memory they take together.
#[derive(Default)]
struct Collector {
    patterns: Vec<Pattern>,
    memory_bytes: usize,
}

impl Collector {
    fn push(&mut self, pattern: Pattern) -> Result<(), Error> {
        self.memory_bytes += pattern.automaton().memory_bytes();
        if self.memory_bytes > MEMORY_BYTES_MAX {
            return Err(Error::TooLarge { pattern: excerpt(pattern.as_str()) });
        }
        self.patterns.push(pattern);
        Ok(())
    }

    fn into_set(self) -> ScopeSet {
        ScopeSet { shared: Arc::new(Shared { patterns: self.patterns, union: OnceLock::new() }) }
    }
}

#[cfg(test)]
mod tests;
