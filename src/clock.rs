//! The time of day as a value to be passed on. Knows no time zones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time comes from. Clones of a set clock show the same time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// Stands still at these seconds since the epoch until it is set again: for tests.
    Set(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands still.
    pub fn at(seconds: u64) -> Self {
        Self::Set(Arc::new(AtomicU64::new(seconds)))
    }

    /// Now.
    pub fn now(&self) -> SystemTime {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
            Self::System => SystemTime::now(),
            Self::Set(seconds) => UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed)),
        }
    }

    /// Whole seconds since the epoch; 0 before it.
    pub fn seconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
