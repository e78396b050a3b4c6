//! What has been done so far.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What has been done so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) statements: AtomicU64,
    pub(super) commits: AtomicU64,
    /// Of the reads, those that a standby answered.
    pub(super) standby_reads: AtomicU64,
    /// Whether the last write met a full, locked or read-only database.
    pub(super) is_failing: AtomicBool,
}

impl Counters {
    pub(super) fn add_statements(&self, count: u64) {
        self.statements.fetch_add(count, Ordering::Relaxed);
    }
}
