//! The only module that runs statements: the database opened and fitted to the model, readers, and the one writer.
//!
//! Knows the columns and types of the model, but not what a statement means.

mod place;
mod change;
mod prepare;
mod catalogue;
mod compare;
mod view;
mod search;
mod apply;
mod connection;
mod reader;
mod readers;
mod write;
mod writer;
mod session;
mod batch;
mod snapshot;
mod events;
mod exchange;
mod figures;
mod fit;
mod log;
mod error;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use change::{Change, RemovedPolicy};
pub use error::{Error, OpenError};
pub use events::{Action, Announcement, Cause, DeletionWatch, Event, Events};
pub use exchange::{Exporter, Importer};
pub use fit::Fit;
pub use place::Settings;
pub use snapshot::Snapshot;
pub use write::{Decision, Write};

use crate::model::Model;
use crate::sql::{Dialect, Sql};
use figures::Figures;
use place::{Place, Scratch};
use prepare::{Outcome, prepare};
use reader::Reader;
use readers::Readers;
use session::Session;
use writer::{Counters, Writer};

/// An open database. Clones share it.
#[derive(Debug, Clone)]
pub struct Storage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Writer,
    counters: Arc<Counters>,
    events: Events,
    figures: Figures,
    _scratch: Option<Scratch>,
}

impl Storage {
    /// Opens the database, makes it if the address asks for that, and fits it to the model.
    ///
    /// # Errors
    ///
    /// When the file cannot be used, or `policy` refuses a change; nothing is changed then.
    pub async fn open(settings: &Settings, model: &Model, policy: RemovedPolicy) -> Result<Self, OpenError> {
        let place = Place::new(settings)?;
        place.create(settings)?;
        prepare(place.first_connection(), &place.path, model, policy, Outcome::Commit).await?;
        let counters = Arc::new(Counters::default());
        let events = Events::new();
        let options = (place.write_connection(), place.read_connection());
        let session = Session::open(options, &place.path, settings, Arc::clone(&counters), events.clone()).await;
        let session = session.map_err(|error| OpenError::from_sqlx(&place.path, error))?;
        let reader = Reader::new(reader::Settings {
            path: place.path.clone(),
            statement_timeout: settings.statement_timeout,
            busy_timeout: settings.busy_timeout,
        });
        let readers = Readers::start(&reader, settings.read_connections, settings.acquire_timeout);
        let readers =
            readers.map_err(|source| OpenError::Internal { path: place.path.clone(), source: source.into() })?;
        let writer = Writer::start(session, settings.acquire_timeout);
        Ok(Self(Arc::new(Inner {
            readers,
            writer,
            counters,
            events,
            figures: Figures::default(),
            _scratch: place.scratch,
        })))
    }

    /// What [`Self::open`] would change, in order. Changes nothing; a database that does not exist yet counts as an empty one.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub async fn compare(settings: &Settings, model: &Model, policy: RemovedPolicy) -> Result<Vec<Change>, OpenError> {
        let mut place = Place::new(settings)?;
        if !place.path.exists() {
            place = Place::new(&Settings { url: "sqlite::memory:".to_owned(), ..settings.clone() })?;
        }
        prepare(place.first_connection(), &place.path, model, policy, Outcome::Undo).await
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if no connection came free in time, [`Error::Timeout`] if the statement ran too long; others of the database.
    pub async fn read(&self, statement: Sql) -> Result<Option<String>, Error> {
        self.0.counters.add_statements(1);
        self.0.figures.read(self.0.readers.first(statement).await)
    }

    /// Runs a write and answers when it is on the disk. If the caller stops waiting, the write happens or not, but never in part.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] and [`Error::Refused`] of this write; others of the database, which concern all writes. Nothing is kept then.
    pub async fn write(&self, write: Write) -> Result<Option<String>, Error> {
        self.0.figures.write(self.0.writer.write(write, None).await)
    }

    /// Like [`Self::write`], and tells the listeners of [`Self::events`] before it answers.
    ///
    /// # Errors
    ///
    /// As [`Self::write`]; nothing is told then.
    pub async fn write_announced(&self, write: Write, announcement: Announcement) -> Result<Option<String>, Error> {
        self.0.figures.write(self.0.writer.write(write, Some(announcement)).await)
    }

    /// The database that statements have to be written for.
    pub fn dialect(&self) -> Dialect {
        Dialect::Sqlite
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

    /// Whether the database answers and, if the last write failed for want of space, rights or the lock, whether it can be written to again.
    ///
    /// # Errors
    ///
    /// As reads and writes.
    pub async fn check(&self) -> Result<(), Error> {
        self.0.readers.first(Sql::new("select 1")).await?;
        if self.0.counters.is_failing.load(Ordering::Relaxed) {
            let touch = Sql::new("update clef_schema set hash = hash where id = (select max(id) from clef_schema)");
            self.0.writer.write(Write::Change { statements: vec![touch], read: Sql::new("select 1") }, None).await?;
        }
        Ok(())
    }

    /// Finishes what waits, moves the log into the database and closes all connections.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}
