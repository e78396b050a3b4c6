//! Whether every string one glob matches is matched by at least one of several others; if not, which one is not.

use std::collections::HashSet;

use regex_automata::util::primitives::StateID;

use super::automaton::Automaton;

/// How much work may still be spent, in transitions of single automata; some ten nanoseconds each.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
}

/// What it costs to remember one more place, in transitions.
const VISIT_STEPS: usize = 64;

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 750_000 }
    }
}

impl Budget {
    fn spend(&mut self, steps: usize) -> Result<(), Undecided> {
        self.steps = self.steps.checked_sub(steps).ok_or(Undecided)?;
        Ok(())
    }
}

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Undecided;

/// A string that `requested` matches and none of `allowed` does; none if there is no such string.
///
/// It is the shortest, unless the budget ends after it is certain that there is one.
pub(super) fn counter_example(
    requested: &Automaton,
    allowed: &[&Automaton],
    budget: &mut Budget,
) -> Result<Option<String>, Undecided> {
    let Some(shortest) = Walk::new(requested, &[]).run(budget)? else {
        return Ok(None);
    };
    let mut candidates = allowed.iter().filter(|one| one.matches(&shortest)).peekable();
    if candidates.peek().is_none() {
        return Ok(Some(shortest));
    }
    // One glob alone covers most requests, and two automata have few states together.
    for one in candidates {
        if covers(one, requested, budget)? {
            return Ok(None);
        }
    }
    Walk::new(requested, allowed).run(budget)
}

/// Whether `allowed` alone matches all that `requested` does.
fn covers(allowed: &Automaton, requested: &Automaton, budget: &mut Budget) -> Result<bool, Undecided> {
    let alphabet = alphabet(&[requested, allowed]);
    let start = (requested.start(), allowed.start());
    let mut seen = HashSet::from([start]);
    let mut waiting = vec![start];
    while let Some((from_requested, from_allowed)) = waiting.pop() {
        for &byte in &alphabet {
            budget.spend(2)?;
            let Some(next_requested) = requested.next(from_requested, byte) else {
                continue;
            };
            // What the requested glob has begun, it can end.
            let Some(next_allowed) = allowed.next(from_allowed, byte) else {
                return Ok(false);
            };
            if requested.accepts(next_requested) && !allowed.accepts(next_allowed) {
                return Ok(false);
            }
            if seen.insert((next_requested, next_allowed)) {
                budget.spend(VISIT_STEPS)?;
                waiting.push((next_requested, next_allowed));
            }
        }
    }
    Ok(true)
}

/// One byte for all bytes that no automaton tells apart; letters first, so that examples are readable.
fn alphabet(automata: &[&Automaton]) -> Vec<u8> {
    let letters = (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9');
    let others = (b'!'..=b'~').filter(|byte| !byte.is_ascii_alphanumeric());
    let mut seen = HashSet::new();
    let classes = |byte| automata.iter().map(|automaton| automaton.class(byte)).collect::<Vec<_>>();
    letters.chain(others).filter(|&byte| seen.insert(classes(byte))).collect()
}

/// The states in which a string leaves all automata: the requested one, and of the allowed ones those that can still
/// match, by their position.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    requested: StateID,
    allowed: Vec<(usize, StateID)>,
}

/// How a place was reached first, which is by a shortest string.
struct Visit {
    place: Place,
    /// The visit before, and the byte that leads here; none for the start.
    from: Option<(usize, u8)>,
}

/// A breadth-first walk through all automata at once.
struct Walk<'a> {
    requested: &'a Automaton,
    allowed: &'a [&'a Automaton],
    alphabet: Vec<u8>,
    visits: Vec<Visit>,
    seen: HashSet<Place>,
}

impl<'a> Walk<'a> {
    fn new(requested: &'a Automaton, allowed: &'a [&'a Automaton]) -> Self {
        let automata: Vec<_> = std::iter::once(requested).chain(allowed.iter().copied()).collect();
        let start = Place {
            requested: requested.start(),
            allowed: allowed.iter().map(|automaton| automaton.start()).enumerate().collect(),
        };
        Self::from_place(requested, allowed, alphabet(&automata), start)
    }

    fn from_place(requested: &'a Automaton, allowed: &'a [&'a Automaton], alphabet: Vec<u8>, start: Place) -> Self {
        let seen = HashSet::from([start.clone()]);
        Self { requested, allowed, alphabet, visits: vec![Visit { place: start, from: None }], seen }
    }

    fn run(mut self, budget: &mut Budget) -> Result<Option<String>, Undecided> {
        match self.search(budget) {
            Ok(found) => Ok(found),
            Err(Undecided) => self.complete().map(Some).ok_or(Undecided),
        }
    }

    /// The empty string at the start is no scope, so only what follows is looked at.
    fn search(&mut self, budget: &mut Budget) -> Result<Option<String>, Undecided> {
        let mut current = 0;
        while let Some(place) = self.visits.get(current).map(|visit| visit.place.clone()) {
            for position in 0..self.alphabet.len() {
                let Some(&byte) = self.alphabet.get(position) else {
                    continue;
                };
                budget.spend(1 + place.allowed.len())?;
                let Some(next) = self.step(&place, byte) else {
                    continue;
                };
                if self.seen.contains(&next) {
                    continue;
                }
                if self.escapes(&next) {
                    return Ok(Some(self.spell(current) + char::from(byte).encode_utf8(&mut [0])));
                }
                budget.spend(VISIT_STEPS)?;
                self.seen.insert(next.clone());
                self.visits.push(Visit { place: next, from: Some((current, byte)) });
            }
            current += 1;
        }
        Ok(None)
    }

    /// A string through the first place where no allowed glob can match any more, which is proof enough.
    fn complete(&self) -> Option<String> {
        let lost = self.visits.iter().position(|visit| visit.place.allowed.is_empty())?;
        let place = &self.visits.get(lost)?.place;
        // Alone, the requested automaton has only as many places as states.
        let mut budget = Budget { steps: usize::MAX };
        let rest = Self::from_place(self.requested, &[], self.alphabet.clone(), place.clone()).search(&mut budget);
        Some(self.spell(lost) + &rest.ok()??)
    }

    /// None if the requested glob matches nothing that starts so.
    fn step(&self, place: &Place, byte: u8) -> Option<Place> {
        let requested = self.requested.next(place.requested, byte)?;
        let next =
            |&(position, state): &(usize, StateID)| Some((position, self.allowed.get(position)?.next(state, byte)?));
        Some(Place { requested, allowed: place.allowed.iter().filter_map(next).collect() })
    }

    fn escapes(&self, place: &Place) -> bool {
        let accepts = |&(position, state): &(usize, StateID)| {
            self.allowed.get(position).is_some_and(|automaton| automaton.accepts(state))
        };
        self.requested.accepts(place.requested) && !place.allowed.iter().any(accepts)
    }

    /// The string that leads to a visit.
    fn spell(&self, visit: usize) -> String {
        let before = |&(visit, _): &(usize, u8)| self.visits.get(visit)?.from;
        let reversed: Vec<_> = std::iter::successors(self.visits.get(visit).and_then(|visit| visit.from), before)
            .map(|(_, byte)| char::from(byte))
            .collect();
        reversed.into_iter().rev().collect()
    }
}
