//! Several globs in few automata, so that matching a set costs little more than matching one glob.

use crate::scope::automaton::Automaton;
use crate::scope::pattern::Pattern;

/// Automata that are larger alone are not united: together they would hardly fit.
const MEMBERS_BYTES_MAX: usize = 1 << 20;
/// How often uniting may fail. Each failure costs up to some milliseconds.
const FAILURES_MAX: usize = 8;

/// What a set asks, one after the other.
#[derive(Debug)]
enum Member {
    /// A glob alone, by its position.
    Alone(usize),
    Union(Automaton),
}

/// The globs of a set, united as far as memory allows. Matches what any of them matches.
#[derive(Debug)]
pub(super) struct Union {
    members: Vec<Member>,
}

impl Union {
    pub(super) fn of(patterns: &[Pattern]) -> Self {
        // Neighbours begin alike, and what begins alike has states in common.
        let mut positions: Vec<usize> = (0..patterns.len()).collect();
        positions.sort_by_key(|&position| patterns.get(position).map(Pattern::as_str));
        let mut union = Self { members: Vec::new() };
        union.unite(patterns, &positions, &mut FAILURES_MAX.clone());
        union
    }

    pub(super) fn matches(&self, patterns: &[Pattern], scope: &str) -> bool {
        self.members.iter().any(|member| match member {
            Member::Alone(position) => patterns.get(*position).is_some_and(|pattern| pattern.matches(scope)),
            Member::Union(automaton) => automaton.matches(scope),
        })
    }

    /// One automaton for all, or else for each half.
    fn unite(&mut self, patterns: &[Pattern], positions: &[usize], failures_left: &mut usize) {
        if let [] | [_] = positions {
            self.members.extend(positions.iter().copied().map(Member::Alone));
            return;
        }
        let members: Vec<&Pattern> = positions.iter().filter_map(|&position| patterns.get(position)).collect();
        let bytes: usize = members.iter().map(|pattern| pattern.automaton().memory_bytes()).sum();
        if *failures_left > 0 && bytes <= MEMBERS_BYTES_MAX {
            let regexes: Vec<&str> = members.iter().map(|pattern| pattern.regex()).collect();
            if let Ok(automaton) = Automaton::build(&regexes) {
                self.members.push(Member::Union(automaton));
                return;
            }
            *failures_left -= 1;
        }
        let (first, second) = positions.split_at(positions.len() / 2);
        self.unite(patterns, first, failures_left);
        self.unite(patterns, second, failures_left);
    }
}
