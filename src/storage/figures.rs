//! How often the database was asked, and why it did not do what was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;

const FAILURES: [&str; 9] =
    ["conflict", "refused", "read_only", "full", "busy", "timeout", "unavailable", "unknown", "other"];

/// What a pool of connections holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// Connections that are open, or about to be.
    pub open: usize,
    /// Of them, those that nobody uses.
    pub idle: usize,
    /// Statements that wait for one.
    pub waiting: usize,
}

/// Counts, since the start.
#[derive(Debug, Default)]
pub(super) struct Figures {
    reads: AtomicU64,
    writes: AtomicU64,
    failures: [AtomicU64; FAILURES.len()],
}

impl Figures {
    pub(super) fn read<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.failed(result)
    }

    pub(super) fn write<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.failed(result)
    }

    fn failed<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result
            && let Some(count) = self.failures.get(position(error))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> Vec<(&'static str, u64)> {
        FAILURES.into_iter().zip(&self.failures).map(|(kind, count)| (kind, count.load(Ordering::Relaxed))).collect()
    }
}

/// The word for an error, as failures are counted.
pub(super) fn reason(error: &Error) -> &'static str {
    FAILURES.get(position(error)).copied().unwrap_or("other")
}

fn position(error: &Error) -> usize {
    match error {
        Error::Conflict => 0,
        Error::Refused(_) => 1,
        Error::ReadOnly => 2,
        Error::Full => 3,
        Error::Busy => 4,
        Error::Timeout => 5,
        Error::Unavailable => 6,
        Error::Unknown => 7,
        Error::Closed | Error::Internal(_) => 8,
    }
}
