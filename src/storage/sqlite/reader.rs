//! One connection that reads, on a thread of its own; its statement ends when it takes too long or nobody waits any more.
//!
//! Through rusqlite, not through the driver of the writes (sqlx), which has a thread of its own for each connection and puts it to sleep
//! between two statements: waking it cost as much as reading a node.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use regex::Regex;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};
use tokio::sync::oneshot;

use super::error::spares_connection;
use super::place;
use crate::sql::{Parameter, Sql};
use crate::storage::error::Error;

/// Steps of SQLite's virtual machine between two looks at the clock: well under a millisecond.
const STEPS_BETWEEN_CHECKS: i32 = 10_000;

/// First column of the first row as text; `None` without a row, or for NULL.
pub(super) type Answer = Result<Option<String>, Error>;

/// How to open a connection that reads.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The database file.
    pub(super) path: PathBuf,
    /// Of a statement.
    pub(super) statement_timeout: Duration,
    /// How long another process may hold the lock.
    pub(super) busy_timeout: Duration,
}

/// A connection, opened when it is first needed. A clone has a connection of its own.
#[derive(Debug)]
pub(super) struct Reader {
    settings: Settings,
    connection: Option<Connection>,
    running: Running,
}

/// The statement that runs, if one does. SQLite asks between its steps whether it is over.
#[derive(Debug, Clone, Default)]
struct Running(Arc<Mutex<Option<Statement>>>);

#[derive(Debug)]
struct Statement {
    end: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        Self::new(self.settings.clone())
    }
}

impl Reader {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, connection: None, running: Running::default() }
    }

    /// How long a statement may run.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.settings.statement_timeout
    }

    /// Runs a statement and answers. One that fails badly takes the connection with it.
    pub(super) fn first(&mut self, statement: Sql, answer: oneshot::Sender<Answer>) {
        self.running.begin(self.settings.statement_timeout, answer);
        let result = self.connected().and_then(|connection| Ok(first(connection, statement)?));
        if result.as_ref().err().is_some_and(|error| !spares_connection(error)) {
            self.connection = None;
        }
        self.running.end(result);
    }

    /// Gives up what is left of a statement and of its connection.
    pub(super) fn give_up(&mut self, error: Error) {
        self.connection = None;
        self.running.end(Err(error));
    }

    fn connected(&mut self) -> Result<&Connection, Error> {
        if self.connection.is_none() {
            self.connection = Some(open(&self.settings, self.running.clone())?);
        }
        self.connection.as_ref().ok_or(Error::Closed)
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Option<Statement>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, timeout: Duration, answer: oneshot::Sender<Answer>) {
        *self.lock() = Some(Statement { end: Instant::now() + timeout, answer });
    }

    fn is_over(&self) -> bool {
        self.lock().as_ref().is_none_or(|running| running.end < Instant::now() || running.answer.is_closed())
    }

    fn end(&self, result: Answer) {
        if let Some(running) = self.lock().take() {
            // Whoever gave up meanwhile needs no answer.
            running.answer.send(result).ok();
        }
    }
}

fn open(settings: &Settings, running: Running) -> Result<Connection, rusqlite::Error> {
    let connection = place::connect(&settings.path, settings.busy_timeout)?;
    for (name, value) in place::READ_PRAGMAS {
        connection.pragma_update(None, name, value)?;
    }
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("regexp", 2, flags, regexp)?;
    connection.progress_handler(STEPS_BETWEEN_CHECKS, Some(move || running.is_over()))?;
    Ok(connection)
}

fn first(connection: &Connection, statement: Sql) -> Result<Option<String>, rusqlite::Error> {
    let (text, parameters) = statement.into_parts();
    let mut statement = connection.prepare_cached(&text)?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(match row.get_ref(0)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        text @ (ValueRef::Text(_) | ValueRef::Blob(_)) => Some(text.as_str()?.to_owned()),
    })
}

/// `VALUE regexp PATTERN`; null if either is. The pattern is compiled once a statement.
fn regexp(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let (ValueRef::Text(_), ValueRef::Text(text)) = (context.get_raw(0), context.get_raw(1)) else { return Ok(None) };
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| rusqlite::Error::UserFunctionError(error);
    let pattern = context.get_or_create_aux(0, |pattern| {
        Regex::new(pattern.as_str()?).map_err(Box::<dyn std::error::Error + Send + Sync>::from)
    })?;
    let text = std::str::from_utf8(text).map_err(|error| failed(error.into()))?;
    Ok(Some(pattern.is_match(text)))
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
