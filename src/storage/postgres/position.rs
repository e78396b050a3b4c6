//! How far the events are known. Numbers are given in another order than transactions end: what is missing below the highest one may come
//! late, and is looked for until no transaction can still hold it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Missing numbers that are looked for at most; of more, the lowest are given up.
const GAPS_MAX: usize = 4096;

/// The highest number seen, and those below it that were not there.
#[derive(Debug, Default)]
pub(super) struct Position {
    highest: i64,
    gaps: BTreeMap<i64, Instant>,
}

impl Position {
    /// After these numbers; what is missing between them may still come.
    pub(super) fn after(numbers: impl IntoIterator<Item = i64>, now: Instant) -> Self {
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_unstable();
        let mut position = Self { highest: numbers.first().map_or(0, |first| first - 1), gaps: BTreeMap::new() };
        for number in numbers {
            position.take(number, now);
        }
        position
    }

    /// Before whatever comes after this number.
    pub(super) fn at(highest: i64) -> Self {
        Self { highest, gaps: BTreeMap::new() }
    }

    /// The highest number seen.
    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    /// Whether the number was not seen before.
    pub(super) fn take(&mut self, number: i64, now: Instant) -> bool {
        if number <= self.highest {
            return self.gaps.remove(&number).is_some();
        }
        let room = i64::try_from(GAPS_MAX).unwrap_or(i64::MAX);
        for missing in (self.highest + 1).max(number.saturating_sub(room))..number {
            self.gaps.insert(missing, now);
        }
        while self.gaps.len() > GAPS_MAX {
            self.gaps.pop_first();
        }
        self.highest = number;
        true
    }

    /// What is missing, as an array of PostgreSQL; none if nothing is.
    pub(super) fn gaps(&self) -> Option<String> {
        let numbers: Vec<_> = self.gaps.keys().map(ToString::to_string).collect();
        (!numbers.is_empty()).then(|| ["{", &numbers.join(","), "}"].concat())
    }

    /// Gives up what has been missing for so long.
    pub(super) fn give_up(&mut self, age: Duration, now: Instant) {
        self.gaps.retain(|_, since| now.duration_since(*since) < age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once_whenever_it_comes() {
        let now = Instant::now();
        let mut position = Position::after([3, 5], now);
        assert_eq!((position.highest(), position.gaps().as_deref()), (5, Some("{4}")));
        let taken: Vec<_> = [5, 9, 4, 7, 7, 2, 6, 8, 9].iter().map(|number| position.take(*number, now)).collect();
        assert_eq!(taken, [false, true, true, true, false, false, true, true, false]);
        assert_eq!(position.gaps(), None);
    }

    #[test]
    fn what_is_missing_for_long_is_given_up() {
        let start = Instant::now();
        let mut position = Position::at(0);
        position.take(2, start);
        position.take(4, start + Duration::from_secs(20));
        position.give_up(Duration::from_secs(30), start + Duration::from_secs(29));
        assert_eq!(position.gaps().as_deref(), Some("{1,3}"));
        position.give_up(Duration::from_secs(30), start + Duration::from_secs(31));
        assert_eq!(position.gaps().as_deref(), Some("{3}"));
        assert!(!position.take(1, start));
    }

    #[test]
    fn a_leap_leaves_no_more_gaps_than_can_be_looked_for() {
        let mut position = Position::at(0);
        position.take(i64::MAX, Instant::now());
        assert_eq!(position.gaps.len(), GAPS_MAX);
    }
}
