//! Connections that are used one at a time: as many as are needed, up to a limit, the last used first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rand::Rng;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Connection;
use super::error::Failure;
use super::place::Place;
use super::pulse::Pulse;
use crate::storage::figures::PoolFigures;
use crate::storage::settings::Settings;

/// Statements that wait, for each connection: more are refused at once.
const WAITING_PER_CONNECTION: usize = 64;
/// How long a connection is kept that nobody uses.
const IDLE_MAX: Duration = Duration::from_mins(5);
/// How long a connection is kept at least; some live longer by up to a quarter, so that not all end at once.
const LIFETIME: Duration = Duration::from_mins(30);
/// How long the tasks of connections that are closed have to say so to the server.
const FAREWELL: Duration = Duration::from_millis(20);
/// Between two times of closing what is kept too long.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// The connections.
#[derive(Debug)]
pub(super) struct Pool {
    pulse: Arc<Pulse>,
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
    count: u32,
    waiting: AtomicUsize,
    acquire_timeout: Duration,
}

#[derive(Debug)]
struct Idle {
    kept: Mutex<Vec<Kept>>,
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    /// When it is too old.
    end: Instant,
    /// Of the pulse, when it was made.
    losses: u64,
    /// Since when nobody uses it.
    since: Instant,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// A connection and the right to it. Goes back to the pool if it can be used again.
#[derive(Debug)]
pub(super) struct Lease {
    kept: Option<Kept>,
    idle: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Opens nothing yet.
    pub(super) fn new(place: Place, settings: &Settings) -> Self {
        let pulse = Pulse::new(place);
        let idle = Arc::new(Idle { kept: Mutex::default(), pulse: Arc::clone(&pulse) });
        tokio::spawn(tidy(Arc::downgrade(&idle)));
        let count = settings.connections.max(1);
        Self {
            pulse,
            permits: Arc::new(Semaphore::new(count as usize)),
            idle,
            count,
            waiting: AtomicUsize::default(),
            acquire_timeout: settings.acquire_timeout,
        }
    }

    /// Where its server is, and whether it can be reached.
    pub(super) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// When a statement that comes now has waited long enough for a connection.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.acquire_timeout
    }

    /// Waits for a connection, unless the server is away; for one that was last used alike, if there is any.
    pub(super) async fn lease(&self, deadline: Instant, purpose: Purpose) -> Result<Lease, Failure> {
        if self.pulse.is_down() {
            return Err(Failure::Unreachable);
        }
        let permit = self.permit(deadline).await?;
        let kept = if let Some(kept) = self.idle.take(purpose) {
            kept
        } else {
            let losses = self.pulse.losses();
            Kept::new(self.pulse.connect(deadline).await?, losses)
        };
        Ok(Lease { kept: Some(kept), idle: Arc::clone(&self.idle), _permit: permit })
    }

    /// A connection broke: no other one from before is used again.
    pub(super) fn lose(&self) {
        self.pulse.lose();
        self.idle.lock().clear();
    }

    /// What it holds now.
    pub(super) fn figures(&self) -> PoolFigures {
        let idle = self.idle.lock().len();
        let leased = (self.count as usize).saturating_sub(self.permits.available_permits());
        PoolFigures { open: idle + leased, idle, waiting: self.waiting.load(Ordering::Relaxed) }
    }

    /// Waits for running statements, a while, and closes the connections.
    pub(super) async fn close(&self) {
        if tokio::time::timeout(self.acquire_timeout, self.permits.acquire_many(self.count)).await.is_err() {
            tracing::warn!("statements still ran when the database was closed");
        }
        self.permits.close();
        self.idle.lock().clear();
        sleep(FAREWELL).await;
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(Failure::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= WAITING_PER_CONNECTION * self.count as usize {
            return Err(Failure::Busy);
        }
        tokio::select! {
            biased;
            permit = Arc::clone(&self.permits).acquire_owned() => permit.map_err(|_: AcquireError| Failure::Closed),
            () = self.pulse.went_down() => Err(Failure::Unreachable),
            () = sleep_until(deadline) => Err(Failure::Busy),
        }
    }
}

/// Counted among those that wait.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    /// The connection, which is there until the lease ends.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Failure> {
        self.kept.as_mut().map(|kept| &mut kept.connection).ok_or(Failure::Closed)
    }
}

impl Kept {
    fn new(connection: Connection, losses: u64) -> Self {
        let now = Instant::now();
        let end = now + LIFETIME.mul_f64(rand::rng().random_range(1.0..1.25));
        Self { connection, end, losses, since: now }
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, purpose: Purpose) -> Option<Kept> {
        let now = Instant::now();
        let mut kept = self.lock();
        let is_alike = |kept: &Kept| kept.connection.is_writer() == (purpose == Purpose::Write);
        while let Some(last) = kept.len().checked_sub(1) {
            let position = kept.iter().rposition(is_alike).unwrap_or(last);
            let found = kept.remove(position);
            if self.is_good(&found, now) {
                return Some(found);
            }
        }
        None
    }

    fn is_good(&self, kept: &Kept, now: Instant) -> bool {
        let is_young = now < kept.end && now.duration_since(kept.since) < IDLE_MAX;
        is_young && kept.losses == self.pulse.losses() && kept.connection.is_usable()
    }
}

/// Closes what is too old, as long as the pool is there.
async fn tidy(idle: Weak<Idle>) {
    loop {
        sleep(TIDY_EVERY).await;
        let Some(idle) = idle.upgrade() else { return };
        let now = Instant::now();
        let mut kept = idle.lock();
        kept.retain(|kept| idle.is_good(kept, now));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else { return };
        kept.since = Instant::now();
        if self.idle.is_good(&kept, kept.since) {
            self.idle.lock().push(kept);
        }
    }
}
