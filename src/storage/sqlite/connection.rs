//! One connection to SQLite: statements run through the driver, and ended when they take too long or nobody waits any more.
//!
//! The driver is used without SeaORM's pool, which has no place for a deadline and pings each connection that comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection as _, Either, Executor, Row, SqliteConnection};

use crate::sql::{Parameter, Sql};
use crate::storage::write::Answer;

/// Steps of SQLite's virtual machine between two looks at the clock: well under a millisecond.
const STEPS_BETWEEN_CHECKS: i32 = 10_000;

/// An open connection, which interrupts its statement when dropped.
#[derive(Debug)]
pub(in crate::storage) struct Connection {
    // Before `inner`: fields are dropped in this order.
    watch: Interrupt,
    inner: SqliteConnection,
    timeout: Duration,
}

impl Connection {
    /// Opens a connection whose statements may run for `timeout`.
    pub(super) async fn open(options: &SqliteConnectOptions, timeout: Duration) -> Result<Self, sqlx::Error> {
        let mut inner = options.connect().await?;
        let watch = Arc::new(Watch { origin: Instant::now(), end_ms: AtomicU64::new(u64::MAX) });
        let handler = Arc::clone(&watch);
        inner.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_CHECKS, move || handler.is_open());
        Ok(Self { watch: Interrupt(watch), inner, timeout })
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    pub(in crate::storage) async fn first(&mut self, statement: Sql) -> Result<Option<String>, sqlx::Error> {
        self.watch.0.start(self.timeout);
        let (text, parameters) = statement.into_parts();
        let row = sqlx::query_with(AssertSqlSafe(text), arguments(parameters)?).fetch_optional(&mut self.inner).await?;
        row.map_or(Ok(None), |row| first_text(&row))
    }

    /// Runs statements that one text holds, separated by semicolons: one round trip to the driver's thread. Stops at the first that
    /// fails. The answer is that of the statement at `position`.
    pub(super) async fn run(&mut self, statements: Sql, position: usize) -> Result<Answer, sqlx::Error> {
        Ok(self.run_rounds(statements, position, usize::MAX, 1).await?.pop().unwrap_or_default())
    }

    /// Like [`Self::run`], for a text that holds the same `length` statements several times over; an answer for each round.
    pub(super) async fn run_rounds(
        &mut self,
        statements: Sql,
        position: usize,
        length: usize,
        rounds: usize,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        self.watch.0.start(self.timeout);
        let (text, parameters) = statements.into_parts();
        // Through the trait: the method of the same name is deprecated in sqlx 0.9, since only this driver takes several statements.
        let mut steps = self.inner.fetch_many(sqlx::query_with(AssertSqlSafe(text), arguments(parameters)?));
        let mut answers: Vec<_> = (0..rounds).map(|_| Answer::default()).collect();
        let mut current = 0;
        while let Some(step) = steps.try_next().await? {
            match step {
                Either::Left(_) => current += 1,
                Either::Right(row) if current % length == position => match answers.get_mut(current / length) {
                    Some(answer) if !answer.is_found => *answer = Answer { is_found: true, text: first_text(&row)? },
                    _ => {}
                },
                Either::Right(_) => {}
            }
        }
        Ok(answers)
    }

    /// Like [`Self::run`], for as long as it takes.
    pub(super) async fn run_unlimited(&mut self, statements: Sql) -> Result<Answer, sqlx::Error> {
        let timeout = std::mem::replace(&mut self.timeout, Duration::MAX);
        let result = self.run(statements, usize::MAX).await;
        self.timeout = timeout;
        result
    }

    /// Ends the connection; the last one moves the log into the database.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.inner.close().await
    }
}

/// Decides on the driver's thread whether a statement goes on.
#[derive(Debug)]
struct Watch {
    origin: Instant,
    /// Milliseconds after `origin`; 0 once the connection is dropped.
    end_ms: AtomicU64,
}

impl Watch {
    fn start(&self, timeout: Duration) {
        let end = self.origin.elapsed().saturating_add(timeout).as_millis();
        self.end_ms.store(u64::try_from(end).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        self.origin.elapsed().as_millis() < u128::from(self.end_ms.load(Ordering::Relaxed))
    }
}

/// Ends the running statement when its connection is dropped, as happens when a request is cancelled.
#[derive(Debug)]
struct Interrupt(Arc<Watch>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.end_ms.store(0, Ordering::Relaxed);
    }
}

fn arguments(parameters: Vec<Parameter>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(parameters.len(), 0);
    for parameter in parameters {
        let added = match parameter {
            Parameter::Null => arguments.add(None::<String>),
            Parameter::Integer(number) => arguments.add(number),
            Parameter::Real(number) => arguments.add(number),
            Parameter::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// SQLite turns numbers into text, so no type is checked.
fn first_text(row: &SqliteRow) -> Result<Option<String>, sqlx::Error> {
    row.try_get_unchecked(0)
}
