//! Several globs in few automata, so that matching a set costs little more than matching one glob.

use crate::scope::automaton::Automaton;
use crate::scope::pattern::Pattern;

/// Globs that are united first: so few multiply to some hundreds of states at most, whatever they are.
const GROUP: usize = 3;
/// By how much such a group may exceed its members.
const GROUP_GROWTH_MAX: usize = 16;

/// What a set asks, one after the other.
#[derive(Debug)]
enum Member {
    /// A glob alone, by its position.
    Alone(usize),
    Union(Box<Automaton>),
}

/// The globs of a set, united as far as memory allows. Matches what any of them matches.
#[derive(Debug)]
pub(super) struct Union {
    members: Vec<Member>,
}

impl Union {
    pub(super) fn of(patterns: &[Pattern]) -> Self {
        // Making an automaton takes longer than a few globs ever cost.
        if patterns.len() <= GROUP {
            return Self { members: (0..patterns.len()).map(Member::Alone).collect() };
        }
        // Neighbours begin alike, and what begins alike has states in common.
        let mut positions: Vec<usize> = (0..patterns.len()).collect();
        positions.sort_by_key(|&position| patterns.get(position).map(Pattern::as_str));
        let mut members = Vec::new();
        let mut has_grown = false;
        for group in positions.chunks(GROUP) {
            if let Some(automaton) = united(patterns, group, GROUP_GROWTH_MAX) {
                has_grown |= automaton.memory_bytes() > bytes(patterns, group);
                members.push(Member::Union(Box::new(automaton)));
            } else {
                has_grown = true;
                members.extend(group.iter().copied().map(Member::Alone));
            }
        }
        // Where groups grow, the whole would multiply.
        if members.len() > 1
            && !has_grown
            && let Some(automaton) = united(patterns, &positions, 1)
        {
            members = vec![Member::Union(Box::new(automaton))];
        }
        Self { members }
    }

    pub(super) fn matches(&self, patterns: &[Pattern], scope: &str) -> bool {
        self.members.iter().any(|member| match member {
            Member::Alone(position) => patterns.get(*position).is_some_and(|pattern| pattern.matches(scope)),
            Member::Union(automaton) => automaton.matches(scope),
        })
    }
}

/// One automaton for several globs, unless it is larger than these by more than a factor.
fn united(patterns: &[Pattern], positions: &[usize], growth_max: usize) -> Option<Automaton> {
    let regexes: Vec<&str> = positions.iter().filter_map(|&position| Some(patterns.get(position)?.regex())).collect();
    Automaton::union(&regexes, growth_max * bytes(patterns, positions)).ok()
}

fn bytes(patterns: &[Pattern], positions: &[usize]) -> usize {
    positions.iter().filter_map(|&position| Some(patterns.get(position)?.automaton().memory_bytes())).sum()
}
