//! What has been done so far.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a write that found no space is remembered.
const FULL_REMEMBERED: Duration = Duration::from_secs(1);

/// What has been done so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) statements: AtomicU64,
    pub(super) commits: AtomicU64,
    /// Of the reads, those that a standby answered.
    pub(super) standby_reads: AtomicU64,
    /// Whether the last write met a full, locked or read-only database.
    pub(super) is_failing: AtomicBool,
    /// When a write last found no space, where others may fit into pages that are there.
    full: Mutex<Option<Instant>>,
}

impl Counters {
    pub(super) fn add_statements(&self, count: u64) {
        self.statements.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn set_full(&self) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a write found no space a moment ago.
    pub(super) fn is_full(&self) -> bool {
        let last = *self.full.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < FULL_REMEMBERED)
    }
}
