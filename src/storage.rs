//! The only module that runs statements: the database opened and fitted to the model, reads and writes, on SQLite or PostgreSQL.
//!
//! Knows the columns and types of the model, but not what a statement means.

mod settings;
mod dialect;
mod change;
mod catalogue;
mod schema;
mod compare;
mod view;
pub mod search;
mod apply;
mod prepare;
mod write;
mod events;
mod figures;
mod fit;
mod revocation;
mod rate;
mod snapshot;
mod counters;
mod recency;
mod error;
mod exchange;
mod sqlite;
mod postgres;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use change::{Change, RemovedPolicy};
pub use error::{Error, OpenError};
pub use events::{Action, Announcement, Cause, DeletionWatch, Event, Events, Told};
pub use exchange::{Exporter, Importer, NewNode, NewRelation, NotAdded, Rejection};
pub use figures::PoolFigures;
pub use fit::Fit;
pub use rate::Bucket;
pub use recency::{Client, NoPosition, Position};
pub use revocation::{Revocation, Revocations, Revoked};
pub use settings::{Pooler, Settings};
pub use snapshot::Snapshot;
pub use write::{Decision, Part, Write};

use crate::model::Model;
use crate::sql::{Dialect, Sql};
use crate::trace::{self, Span};
use counters::Counters;
use figures::Figures;
use postgres::Postgres;
use recency::Positions;
use sqlite::Sqlite;

/// An open database. Clones share it.
#[derive(Debug, Clone)]
pub struct Storage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    counters: Arc<Counters>,
    events: Events,
    figures: Figures,
    /// If queries are read from a standby.
    positions: Option<Arc<Positions>>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Storage {
    /// Opens the database, makes it if the address asks for that, and fits it to the model.
    ///
    /// # Errors
    ///
    /// When the database cannot be used, or `policy` refuses a change; nothing is changed then.
    pub async fn open(settings: &Settings, model: &Model, policy: RemovedPolicy) -> Result<Self, OpenError> {
        let counters = Arc::new(Counters::default());
        let events = Events::new();
        let positions = Positions::new();
        let (counts, told) = (Arc::clone(&counters), events.clone());
        let engine = if postgres::is_address(&settings.url) {
            Engine::Postgres(Postgres::open(settings, model, policy, counts, told).await?)
        } else {
            Engine::Sqlite(Sqlite::open(settings, model, policy, counts, told).await?)
        };
        Ok(Self(Arc::new(Inner {
            engine,
            counters,
            events,
            figures: Figures::default(),
            positions: settings.read_url.as_ref().map(|_| positions),
        })))
    }

    /// What [`Self::open`] would change, in order. Changes nothing; a database that does not exist yet counts as an empty one.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn compare(settings: &Settings, model: &Model, policy: RemovedPolicy) -> Result<Vec<Change>, OpenError> {
        if postgres::is_address(&settings.url) {
            return Postgres::compare(settings, model, policy).await;
        }
        Sqlite::compare(settings, model, policy).await
    }

    /// What its statements are written in.
    pub fn dialect(&self) -> Dialect {
        match &self.0.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if no connection came free in time, [`Error::Timeout`] if the statement ran too long; others of the database.
    pub async fn read(&self, statement: Sql) -> Result<Option<String>, Error> {
        self.0.counters.add_statements(1);
        let span = self.span("read");
        ended(span, self.0.figures.read(self.first(statement).await))
    }

    /// Runs a write and answers when it is on the disk. If the caller stops waiting, the write happens or not, but never in part.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] and [`Error::Refused`] of this write; others of the database, which concern all writes. Nothing is kept then.
    pub async fn write(&self, write: Write) -> Result<Option<String>, Error> {
        let span = self.span("write");
        ended(span, self.0.figures.write(self.run(write, None).await))
    }

    /// Like [`Self::write`], and tells the listeners of [`Self::events`] before it answers.
    ///
    /// # Errors
    ///
    /// As [`Self::write`]; nothing is told then.
    pub async fn write_announced(&self, write: Write, announcement: Announcement) -> Result<Option<String>, Error> {
        let span = self.span("write");
        ended(span, self.0.figures.write(self.run(write, Some(announcement)).await))
    }

    /// Whether queries are read from a standby.
    pub fn has_standby(&self) -> bool {
        self.0.positions.is_some()
    }

    /// Runs the work of a request whose reads are queries. They may be answered by a standby, if there is one that has replayed whatever these
    /// clients have written, and the log up to a place that the client names. Where the log ends after what was written meanwhile, if
    /// something was.
    pub async fn visited<T>(
        &self,
        clients: Vec<Client>,
        seen: Position,
        work: impl Future<Output = T>,
    ) -> (T, Option<Position>) {
        match &self.0.positions {
            Some(positions) => positions.visit(clients, seen, work).await,
            None => (work.await, None),
        }
    }

    /// Of the reads, those that a standby answered.
    pub fn standby_reads(&self) -> u64 {
        self.0.counters.standby_reads.load(Ordering::Relaxed)
    }

    /// What writes did to nodes.
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Statements that reads and writes have run so far.
    pub fn statements(&self) -> u64 {
        self.0.counters.statements.load(Ordering::Relaxed)
    }

    /// Reads and writes that were asked for so far.
    pub fn requests(&self) -> (u64, u64) {
        (self.0.figures.reads(), self.0.figures.writes())
    }

    /// How often a read or a write was not done so far, by reason.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        self.0.figures.failures()
    }

    /// Commits so far; each waits for the disk once.
    pub fn commits(&self) -> u64 {
        self.0.counters.commits.load(Ordering::Relaxed)
    }

    /// Connections to PostgreSQL.
    pub fn pool(&self) -> Option<PoolFigures> {
        match &self.0.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(engine) => Some(engine.figures()),
        }
    }

    /// Connections to the standby.
    pub fn standby_pool(&self) -> Option<PoolFigures> {
        match &self.0.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(engine) => engine.standby_figures(),
        }
    }

    /// Whether the database answers and, if the last write failed for want of space, rights or the lock, whether it can be written to again.
    ///
    /// # Errors
    ///
    /// As reads and writes.
    pub async fn check(&self) -> Result<(), Error> {
        self.first(Sql::new("select 1")).await?;
        // What follows fits into a page that is there.
        if self.0.counters.is_full() {
            return Err(Error::Full);
        }
        if self.0.counters.is_failing.load(Ordering::Relaxed) {
            let touch = Sql::new("update clef_schema set hash = hash where id = (select max(id) from clef_schema)");
            self.run(Write::Change { statements: vec![touch], read: Sql::new("select 1") }, None).await?;
        }
        Ok(())
    }

    /// Finishes what waits and closes all connections.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }

    /// In the trace of a request, if it has one.
    fn span(&self, name: &'static str) -> Option<Span> {
        trace::database(
            name,
            match &self.0.engine {
                Engine::Sqlite(_) => "sqlite",
                Engine::Postgres(_) => "postgresql",
            },
        )
    }

    async fn first(&self, statement: Sql) -> Result<Option<String>, Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.read(statement).await,
            Engine::Postgres(engine) => engine.read(&statement).await,
        }
    }

    async fn run(&self, write: Write, announcement: Option<Announcement>) -> Result<Option<String>, Error> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.write(write, announcement).await,
            Engine::Postgres(engine) => engine.write(write, announcement).await,
        }
    }
}

fn ended<T>(span: Option<Span>, result: Result<T, Error>) -> Result<T, Error> {
    if let (Some(span), Err(error)) = (span, &result) {
        span.failed(figures::reason(error));
    }
    result
}
