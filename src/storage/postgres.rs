//! PostgreSQL 15 or later: a pool of connections, on which reads and writes run side by side.

mod tls;
mod bridge;
mod place;
mod prepare;
mod parameter;
mod rows;
mod cancel;
mod connection;
mod pulse;
mod pool;
mod standby;
mod course;
mod outbox;
mod position;
mod session;
mod peers;
mod snapshots;
mod words;
mod feed;
mod exchange;
mod error;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::AbortHandle;

pub(super) use connection::Connection;
pub(super) use exchange::{Exporter, Importer};
pub(super) use place::is_address;

use super::change::{Change, RemovedPolicy};
use super::counters::Counters;
use super::error::{Error, NotAnswered, OpenError};
use super::events::{Announcement, Ask, Cause, Events};
use super::figures::PoolFigures;
use super::prepare::Outcome;
use super::recency::Visit;
use super::settings::{Pooler, Settings};
use super::write::{Outcome as Written, Write};
use crate::model::Model;
use crate::sql::Sql;
use feed::Feed;
use outbox::Entry;
use peers::Peers;
use place::Place;
use pool::{Pool, Purpose};
use snapshots::{Named, Snapshots, Watchers};
use standby::Standby;
use words::Known;

/// How often a write is tried that others on the database stand in the way of.
const ATTEMPTS: usize = 10;
/// Writes that wait or run.
const WRITES_MAX: u32 = 1024;
/// How long a snapshot is held for other servers, which hear of it at once, or look twice a second.
const HELD_IF_NOTIFIED: Duration = Duration::from_millis(500);
const HELD_IF_NOT: Duration = Duration::from_millis(1200);

/// Settings of the server that are off, although writes are only safe with them.
const SETTINGS_OFF: &str = "select concat_ws(', ', \
    case when current_setting('fsync', true) = 'off' then 'fsync' end, \
    case when current_setting('synchronous_commit', true) = 'off' then 'synchronous_commit' end)";

/// An open database.
#[derive(Debug)]
pub(super) struct Postgres(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    standby: Option<Standby>,
    writes: Semaphore,
    snapshots: Arc<Snapshots>,
    peers: Arc<Peers>,
    feed: AbortHandle,
    is_notified: bool,
    words: Known,
    acquire_timeout: Duration,
    counters: Arc<Counters>,
    events: Events,
}

impl Postgres {
    /// Connects and fits the database to the model.
    pub(super) async fn open(
        settings: &Settings,
        model: &Model,
        policy: RemovedPolicy,
        counters: Arc<Counters>,
        events: Events,
    ) -> Result<Self, OpenError> {
        let place = Place::new(&settings.url, settings)?;
        let standby = Standby::new(settings, &counters)?;
        prepare::prepare(&place, model, policy, Outcome::Commit).await?;
        let pool = Pool::new(place, settings);
        let pulse = Arc::clone(pool.pulse());
        let (peers, snapshots) = (Arc::new(Peers::new()), Arc::new(Snapshots::new(Arc::clone(&pulse))));
        // Whoever listens must keep the session.
        let is_notified = settings.notify && settings.pooler == Pooler::None;
        let feed = Feed::new(
            (pulse, is_notified),
            settings.statement_timeout,
            events.clone(),
            Arc::clone(&peers),
            Arc::clone(&snapshots),
        );
        let feed = tokio::spawn(feed.run()).abort_handle();
        let engine = Self(Arc::new(Inner {
            pool,
            standby,
            writes: Semaphore::new(WRITES_MAX as usize),
            snapshots,
            peers,
            feed,
            is_notified,
            words: Known::new(),
            acquire_timeout: settings.acquire_timeout,
            counters,
            events,
        }));
        engine.warn_of_losses().await;
        Ok(engine)
    }

    /// With these settings, writes that were answered may be gone after a power failure, or the whole database.
    async fn warn_of_losses(&self) {
        match self.read(&Sql::new(SETTINGS_OFF)).await {
            Ok(settings) => {
                if let Some(settings) = settings.filter(|settings| !settings.is_empty()) {
                    tracing::warn!(settings, "the database may lose writes in a power failure: switch these on");
                }
            }
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "settings not read"),
        }
    }

    /// What [`Self::open`] would change. Changes nothing.
    pub(super) async fn compare(
        settings: &Settings,
        model: &Model,
        policy: RemovedPolicy,
    ) -> Result<Vec<Change>, OpenError> {
        prepare::prepare(&Place::new(&settings.url, settings)?, model, policy, Outcome::Undo).await
    }

    /// First column of the first row as text. A connection that turns out to be broken is replaced once.
    pub(super) async fn read(&self, statement: &Sql) -> Result<Option<String>, Error> {
        if let Some(standby) = &self.0.standby
            && let Some(visit) = Visit::current()
            && let Some(answer) = standby.read(statement, visit.needed()).await
        {
            return answer;
        }
        let pool = &self.0.pool;
        let deadline = pool.deadline();
        let mut is_first = true;
        loop {
            match pool.lease(deadline, Purpose::Read).await?.connection()?.first(statement).await {
                Ok(text) => return Ok(text),
                Err(failure) => {
                    let is_broken = failure.breaks_connection();
                    if is_broken {
                        pool.lose();
                    }
                    if !is_first || !is_broken || failure.is_silence() {
                        return Err(failure.into());
                    }
                    is_first = false;
                }
            }
        }
    }

    /// What the pool holds now.
    pub(super) fn figures(&self) -> PoolFigures {
        self.0.pool.figures()
    }

    /// What that of the standby holds.
    pub(super) fn standby_figures(&self) -> Option<PoolFigures> {
        self.0.standby.as_ref().map(Standby::figures)
    }

    /// Runs a write and answers when it is on the disk; it goes on if nobody waits any more.
    pub(super) async fn write(
        &self,
        mut write: Write,
        announcement: Option<Announcement>,
    ) -> Result<Option<String>, Error> {
        let (inner, visit) = (Arc::clone(&self.0), Visit::current());
        let task = tokio::spawn(async move {
            let words = inner.words.leave_out(&mut write);
            let answer = inner.write(&write, announcement.as_ref(), visit.as_deref()).await?;
            inner.words.add(words);
            Ok(answer)
        });
        task.await.unwrap_or_else(|_| Err(Error::Internal(Arc::new(NotAnswered))))
    }

    /// Lets what runs finish, a while, and closes the connections.
    pub(super) async fn close(&self) {
        let writes = self.0.writes.acquire_many(WRITES_MAX);
        if tokio::time::timeout(self.0.acquire_timeout, writes).await.is_err() {
            tracing::warn!("statements still wrote when the database was closed");
        }
        self.0.writes.close();
        self.0.feed.abort();
        self.0.pool.close().await;
        if let Some(standby) = &self.0.standby {
            standby.close().await;
        }
    }
}

impl Inner {
    async fn write(
        &self,
        write: &Write,
        announcement: Option<&Announcement>,
        visit: Option<&Visit>,
    ) -> Result<Option<String>, Error> {
        let _place = match self.writes.try_acquire() {
            Ok(place) => place,
            Err(TryAcquireError::NoPermits) => return Err(Error::Busy),
            Err(TryAcquireError::Closed) => return Err(Error::Closed),
        };
        let before = self.before(announcement).await;
        let snapshot = before.as_ref().map(|before| before.name.as_str());
        let outcome = self.attempts(write, announcement.map(|announced| Entry { announced, snapshot }), visit).await;
        self.note(&outcome);
        self.counters.add_statements(write.len());
        let done = outcome?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        if announcement.is_some() {
            self.tell(before).await;
        }
        Ok(done.text)
    }

    /// The database as it is before the write, if that is a deletion which somebody wants to see.
    async fn before(&self, announcement: Option<&Announcement>) -> Option<Named> {
        if announcement?.cause != Cause::Delete {
            return None;
        }
        if self.peers.see_deleted() {
            return self.snapshots.take(Watchers::Elsewhere).await;
        }
        if self.events.are_deletions_watched() { self.snapshots.take(Watchers::Here).await } else { None }
    }

    /// Wakes the other servers, and waits until the listeners of this one are told: all by way of the outbox, in one order.
    async fn tell(&self, before: Option<Named>) {
        if self.peers.listen() {
            self.events.ask(Ask::Wake);
        }
        if self.events.are_heard() {
            self.events.catch_up().await;
        }
        if let Some(before) = before.filter(|_| self.peers.see_deleted()) {
            before.hold(if self.is_notified { HELD_IF_NOTIFIED } else { HELD_IF_NOT });
        }
    }

    /// Again, if it met a write that came between, or a connection that was broken already: nothing is kept of the attempt then.
    async fn attempts(&self, write: &Write, entry: Option<Entry<'_>>, visit: Option<&Visit>) -> Written {
        let deadline = self.pool.deadline();
        let (mut attempt, mut is_replaced) = (1, false);
        loop {
            let mut lease = self.pool.lease(deadline, Purpose::Write).await?;
            let connection = lease.connection()?;
            let failure = match course::run(connection, write, entry).await {
                Ok(done) => {
                    // What is written in no visit, such as counts of tokens, is nothing that queries show.
                    if let (Some(visit), Some(position)) = (visit, connection.committed()) {
                        visit.wrote(position);
                    }
                    return Ok(done);
                }
                Err(failure) => failure,
            };
            drop(lease);
            if failure.breaks_connection() {
                self.pool.lose();
            }
            if failure.breaks_connection() && failure.is_without_effect() && !is_replaced {
                is_replaced = true;
            } else if attempt < ATTEMPTS && course::is_worth_another(&failure, write) {
                attempt += 1;
            } else {
                return Err(failure.into());
            }
        }
    }

    fn note(&self, outcome: &Written) {
        let error = outcome.as_ref().err();
        let is_failing = matches!(error, Some(Error::Full | Error::ReadOnly | Error::Busy));
        self.counters.is_failing.store(is_failing, Ordering::Relaxed);
        if matches!(error, Some(Error::Full)) {
            self.counters.set_full();
        }
        if let Some(error) =
            error.filter(|error| !matches!(error, Error::Conflict | Error::Refused(_) | Error::Unavailable))
        {
            tracing::warn!(error = error as &dyn std::error::Error, "write failed");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.feed.abort();
    }
}
