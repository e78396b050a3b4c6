//! Batches of writes on one connection, which is opened anew when it is broken.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;

use super::batch::{Batch, alone, together};
use super::connection::Connection;
use super::course::Scope;
use super::error::spares_connection;
use super::log::Log;
use super::snapshot;
use super::writer::Request;
use crate::sql::Sql;
use crate::storage::counters::Counters;
use crate::storage::error::Error;
use crate::storage::events::{Announcement, Events};
use crate::storage::settings::Settings;
use crate::storage::snapshot::Snapshot;
use crate::storage::write::{Done, Outcome};

/// The write connection and what is needed to have another.
#[derive(Debug)]
pub(super) struct Session {
    options: SqliteConnectOptions,
    read_options: SqliteConnectOptions,
    statement_timeout: Duration,
    connection: Option<Connection>,
    /// Whether a batch began and did not end.
    is_unfinished: bool,
    /// Whether each write of a batch needs a savepoint: a write failed lately.
    is_careful: bool,
    log: Log,
    counters: Arc<Counters>,
    events: Events,
}

impl Session {
    /// Opens the connection. `options` are for writing and for reading.
    pub(super) async fn open(
        (options, read_options): (SqliteConnectOptions, SqliteConnectOptions),
        database: &Path,
        settings: &Settings,
        counters: Arc<Counters>,
        events: Events,
    ) -> Result<Self, sqlx::Error> {
        let connection = Connection::open(&options, settings.statement_timeout).await?;
        let log = Log::new(database, settings.busy_timeout);
        let mut session = Self {
            options,
            read_options,
            statement_timeout: settings.statement_timeout,
            connection: Some(connection),
            is_unfinished: false,
            is_careful: false,
            log,
            counters,
            events,
        };
        session.optimize().await;
        session.empty_log().await;
        Ok(session)
    }

    /// What a change of the schema left in the log would slow each read down: by 3 % where an index was made.
    async fn empty_log(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(error) = self.log.empty(connection, Duration::from_millis(50)).await
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "log not emptied");
        }
    }

    /// Runs the writes, commits, tells the listeners, and answers all. Tells whether another process held the lock all the time.
    pub(super) async fn serve(&mut self, requests: &mut Vec<Request>) -> bool {
        self.is_unfinished = true;
        let before =
            if self.events.need_snapshot(requests.iter().filter_map(announced)) { self.snapshot().await } else { None };
        let mut outcomes = Vec::new();
        while !requests.is_empty() {
            match self.try_together(requests).await {
                Ok(Batch::Ended(ended)) => {
                    outcomes.extend(requests.drain(..).zip(ended));
                }
                Ok(Batch::Again) => self.is_careful = true,
                Ok(Batch::Lost(position, error)) => outcomes.push((requests.remove(position), Err(error))),
                Err(error) => outcomes.extend(requests.drain(..).map(|request| (request, Err(error.clone())))),
            }
        }
        self.is_unfinished = false;
        self.note(&outcomes);
        self.events.tell(outcomes.iter().filter_map(committed), before.as_ref());
        let is_locked = outcomes.iter().any(|(_, outcome)| matches!(outcome, Err(Error::Busy)));
        for (request, outcome) in outcomes {
            self.counters.add_statements(request.write.len());
            request.answer(outcome);
        }
        if let Some(connection) = &mut self.connection {
            self.log.keep_small(connection).await;
        }
        is_locked
    }

    async fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let taken = snapshot::take(&self.read_options, self.statement_timeout).await;
        let warn = |error: &sqlx::Error| {
            tracing::warn!(error = error as &dyn std::error::Error, "deletions are told without their nodes");
        };
        taken.inspect_err(warn).ok()
    }

    /// Brings the statistics of the query planner up to date where tables have changed much.
    pub(super) async fn optimize(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = connection.run_unlimited(Sql::new("pragma analysis_limit = 400; pragma optimize")).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "statistics not brought up to date");
        }
    }

    /// Drops a connection that may be in the middle of something.
    pub(super) fn forget_if_unfinished(&mut self) {
        if std::mem::take(&mut self.is_unfinished) {
            self.connection = None;
        }
    }

    /// Empties the log and closes the connection.
    pub(super) async fn close(&mut self) {
        self.optimize().await;
        let Some(mut connection) = self.connection.take() else { return };
        let mut result = self.log.empty(&mut connection, Duration::from_secs(1)).await;
        result = result.and(connection.close().await);
        if let Err(error) = result {
            tracing::warn!(error = &error as &dyn std::error::Error, "write connection not closed");
        }
    }

    /// An error is one of the whole batch, of which nothing is kept.
    async fn try_together(&mut self, requests: &[Request]) -> Result<Batch, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.options, self.statement_timeout).await?),
        };
        let result = match requests {
            [request] => alone(connection, &request.write).await.map(|outcome| Batch::Ended(vec![Ok(outcome)])),
            _ if self.is_careful => together(connection, requests, Scope::Savepoint).await,
            _ => together(connection, requests, Scope::Bare).await,
        };
        if let Ok(Batch::Ended(_)) = result {
            self.counters.commits.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// A connection that met a failure of the file, not of a statement, may see it for ever: the next batch opens another.
    fn note(&mut self, outcomes: &[(Request, Outcome)]) {
        let errors = || outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err());
        if errors().any(|error| !spares_connection(error)) {
            self.connection = None;
        }
        self.is_careful = errors().any(|error| !matches!(error, Error::Refused(_)));
        let is_failing = errors().any(|error| matches!(error, Error::Full | Error::ReadOnly | Error::Busy));
        self.counters.is_failing.store(is_failing, Ordering::Relaxed);
        for error in errors() {
            if !matches!(error, Error::Conflict | Error::Refused(_)) {
                tracing::warn!(error = error as &dyn std::error::Error, "write failed");
            }
        }
    }
}

fn announced(request: &Request) -> Option<&Announcement> {
    request.announcement.as_deref()
}

fn committed((request, outcome): &(Request, Outcome)) -> Option<(&Announcement, &Done)> {
    Some((announced(request)?, outcome.as_ref().ok()?))
}
