//! The automaton of one glob or several: which strings of printable ASCII they match. Knows no glob syntax.

use regex_automata::dfa::Automaton as _;
use regex_automata::dfa::dense;
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

const DFA_BYTES_MAX: usize = 256 << 10;
const DETERMINIZE_BYTES_MAX: usize = 256 << 10;
const NFA_BYTES_MAX: usize = 1 << 20;

/// Larger than its limits, or otherwise not to be had.
#[derive(Debug)]
pub(super) struct TooLarge;

/// A complete deterministic automaton.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Automaton {
    /// From a regular expression with both anchors.
    pub(super) fn build(regex: &str) -> Result<Self, TooLarge> {
        Self::union(&[regex], DFA_BYTES_MAX)
    }

    /// From several; matches what any of them matches.
    pub(super) fn union(regexes: &[&str], bytes_max: usize) -> Result<Self, TooLarge> {
        let bytes_max = bytes_max.min(DFA_BYTES_MAX);
        let config = dense::Config::new()
            .start_kind(regex_automata::dfa::StartKind::Anchored)
            // Every thread is kept, so that the order of alternatives cannot hide one.
            .match_kind(MatchKind::All)
            .accelerate(false)
            .dfa_size_limit(Some(bytes_max))
            .determinize_size_limit(Some(DETERMINIZE_BYTES_MAX));
        // As globset compiles its own regular expressions (0.4.21, lib.rs, new_regex).
        let syntax = syntax::Config::new().utf8(false).dot_matches_new_line(true);
        let thompson = thompson::Config::new()
            .utf8(false)
            .which_captures(thompson::WhichCaptures::None)
            .nfa_size_limit(Some(NFA_BYTES_MAX));
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax)
            .thompson(thompson)
            .build_many(regexes)
            .map_err(|_too_large| TooLarge)?;
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).map_err(|_no_start| TooLarge)?;
        Ok(Self { dfa, start })
    }

    /// Whether the whole text is matched; never for the empty text nor for bytes outside printable ASCII.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut state = self.start;
        for byte in text.bytes() {
            if !byte.is_ascii_graphic() {
                return false;
            }
            state = self.dfa.next_state(state, byte);
            if self.dfa.is_dead_state(state) {
                return false;
            }
        }
        !text.is_empty() && self.accepts(state)
    }

    pub(super) fn start(&self) -> StateID {
        self.start
    }

    /// The state after one more byte; none if no continuation is matched.
    pub(super) fn next(&self, state: StateID, byte: u8) -> Option<StateID> {
        let next = self.dfa.next_state(state, byte);
        (!self.dfa.is_dead_state(next)).then_some(next)
    }

    /// Whether a text that ends in this state is matched.
    pub(super) fn accepts(&self, state: StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }

    /// Bytes of one class lead from every state to the same state.
    pub(super) fn class(&self, byte: u8) -> u8 {
        self.dfa.byte_classes().get(byte)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.dfa.memory_usage()
    }
}
