//! A cheap choice of candidates that covers everything: greedy, then branch and bound if there is little to cover.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::candidates::Candidate;

/// Steps of branch and bound.
const STEPS_MAX: usize = 50_000;

/// Positions of the chosen, ascending. Every element is covered by some candidate.
pub(super) fn cover(elements: usize, candidates: &[Candidate]) -> Vec<usize> {
    let mut chosen = greedy(elements, candidates);
    if elements <= 64 {
        let masks: Vec<u64> =
            candidates.iter().map(|it| it.covers.iter().fold(0, |mask, bit| mask | 1 << bit)).collect();
        let cost = cost(&chosen, candidates);
        let mut search = Search { candidates, masks, best: chosen, best_cost: cost, steps: 0 };
        let all = if elements == 64 { u64::MAX } else { (1 << elements) - 1 };
        search.branch(all, 0, &mut Vec::new());
        chosen = search.best;
    }
    chosen.sort_unstable();
    chosen
}

fn cost(chosen: &[usize], candidates: &[Candidate]) -> usize {
    chosen.iter().filter_map(|&index| candidates.get(index)).map(Candidate::cost).sum()
}

/// The candidate with the fewest bytes for each element newly covered, again and again; then those go that the others make needless.
fn greedy(elements: usize, candidates: &[Candidate]) -> Vec<usize> {
    let mut times_covered = vec![0_usize; elements];
    let mut missing = elements;
    let rank =
        |index: usize, fresh: usize| (fresh * 4096 / candidates.get(index).map_or(1, Candidate::cost), Reverse(index));
    let mut heap: BinaryHeap<_> =
        candidates.iter().enumerate().map(|(index, it)| rank(index, it.covers.len())).collect();
    let mut chosen = Vec::new();
    while missing > 0
        && let Some((promised, Reverse(index))) = heap.pop()
    {
        let Some(candidate) = candidates.get(index) else { continue };
        let fresh = candidate.covers.iter().filter(|&&element| times_covered.get(element) == Some(&0)).count();
        let now = rank(index, fresh);
        if fresh > 0 && now.0 < promised {
            heap.push(now);
        } else if fresh > 0 {
            count(&mut times_covered, candidate, 1);
            missing -= fresh;
            chosen.push(index);
        }
    }
    let mut kept = Vec::new();
    for &index in &chosen {
        let Some(candidate) = candidates.get(index) else { continue };
        let is_needless =
            candidate.covers.iter().all(|&element| times_covered.get(element).is_some_and(|times| *times > 1));
        if is_needless {
            count(&mut times_covered, candidate, usize::MAX);
        } else {
            kept.push(index);
        }
    }
    kept
}

/// `change` is added with wrap-around.
fn count(times_covered: &mut [usize], candidate: &Candidate, change: usize) {
    for &element in &candidate.covers {
        if let Some(times) = times_covered.get_mut(element) {
            *times = times.wrapping_add(change);
        }
    }
}

struct Search<'a> {
    candidates: &'a [Candidate],
    masks: Vec<u64>,
    best: Vec<usize>,
    best_cost: usize,
    steps: usize,
}

impl Search<'_> {
    /// Tries every candidate for the first element that is missing.
    fn branch(&mut self, missing: u64, cost: usize, chosen: &mut Vec<usize>) {
        self.steps += 1;
        if missing == 0 {
            if cost < self.best_cost {
                (self.best, self.best_cost) = (chosen.clone(), cost);
            }
            return;
        }
        let first = missing & missing.wrapping_neg();
        for (index, candidate) in self.candidates.iter().enumerate() {
            let Some(&mask) = self.masks.get(index) else { continue };
            if self.steps < STEPS_MAX && mask & first != 0 && cost + candidate.cost() < self.best_cost {
                chosen.push(index);
                self.branch(missing & !mask, cost + candidate.cost(), chosen);
                chosen.pop();
            }
        }
    }
}
