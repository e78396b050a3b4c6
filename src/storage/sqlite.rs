//! SQLite: a file in WAL mode, threads that read and one task that writes.

mod place;
mod prepare;
mod connection;
mod reader;
mod readers;
mod course;
mod writer;
mod session;
mod batch;
mod snapshot;
mod exchange;
mod log;
mod error;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use connection::Connection;
pub(super) use exchange::{Exporter, Importer};

use super::change::{Change, RemovedPolicy};
use super::counters::Counters;
use super::error::{Error, OpenError};
use super::events::{Announcement, Events};
use super::prepare::Outcome;
use super::settings::Settings;
use super::write::Write;
use crate::model::Model;
use crate::sql::Sql;
use place::{Place, Scratch};
use reader::Reader;
use readers::Readers;
use session::Session;
use writer::Writer;

/// Between two attempts to open a file that another process has locked.
const AGAIN: Duration = Duration::from_millis(20);

/// An open file.
#[derive(Debug)]
pub(super) struct Sqlite {
    readers: Readers,
    writer: Writer,
    _scratch: Option<Scratch>,
}

impl Sqlite {
    /// Opens the file, makes it if the address asks for that, and fits it to the model.
    pub(super) async fn open(
        settings: &Settings,
        model: &Model,
        policy: RemovedPolicy,
        counters: Arc<Counters>,
        events: Events,
    ) -> Result<Self, OpenError> {
        let place = Place::new(settings)?;
        place.create(settings)?;
        // Two processes that start at once hinder each other: while one reads, the other cannot switch a new file to WAL mode, and is not
        // made to wait for that (SQLite 3.51, `pragma journal_mode`).
        let deadline = Instant::now() + settings.busy_timeout;
        let session = loop {
            match Self::begin(&place, settings, model, policy, (&counters, &events)).await {
                Err(OpenError::Locked { .. }) if Instant::now() < deadline => tokio::time::sleep(AGAIN).await,
                begun => break begun?,
            }
        };
        let reader = Reader::new(reader::Settings {
            path: place.path.clone(),
            statement_timeout: settings.statement_timeout,
            busy_timeout: settings.busy_timeout,
        });
        let readers = Readers::start(&reader, settings.read_connections, settings.acquire_timeout);
        let readers = readers.map_err(|source| OpenError::Internal {
            database: place.path.display().to_string(),
            source: source.into(),
        })?;
        let writer = Writer::start(session, settings.acquire_timeout);
        Ok(Self { readers, writer, _scratch: place.scratch })
    }

    /// Fits the file to the model and opens the connection that writes.
    async fn begin(
        place: &Place,
        settings: &Settings,
        model: &Model,
        policy: RemovedPolicy,
        (counters, events): (&Arc<Counters>, &Events),
    ) -> Result<Session, OpenError> {
        prepare::prepare(place.first_connection(), &place.path, model, policy, Outcome::Commit).await?;
        let options = (place.write_connection(), place.read_connection());
        let session = Session::open(options, &place.path, settings, Arc::clone(counters), events.clone()).await;
        session.map_err(|error| error::not_opened(&place.path, error))
    }

    /// What [`Self::open`] would change. Changes nothing; a file that does not exist yet counts as an empty one.
    pub(super) async fn compare(
        settings: &Settings,
        model: &Model,
        policy: RemovedPolicy,
    ) -> Result<Vec<Change>, OpenError> {
        let mut place = Place::new(settings)?;
        if !place.path.exists() {
            place = Place::new(&Settings { url: "sqlite::memory:".to_owned(), ..settings.clone() })?;
        }
        prepare::prepare(place.first_connection(), &place.path, model, policy, Outcome::Undo).await
    }

    /// First column of the first row as text.
    pub(super) async fn read(&self, statement: Sql) -> Result<Option<String>, Error> {
        self.readers.first(statement).await
    }

    /// Runs a write and answers when it is on the disk.
    pub(super) async fn write(
        &self,
        write: Write,
        announcement: Option<Announcement>,
    ) -> Result<Option<String>, Error> {
        self.writer.write(write, announcement).await
    }

    /// Finishes what waits, moves the log into the database and closes all connections.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
