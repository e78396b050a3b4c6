//! The write-ahead log kept small. SQLite's own checkpoints give way to readers, so under steady reads the log would only grow.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::sql::Sql;

/// Above this the log is emptied, if readers let it within a moment.
const LARGE_BYTES: u64 = 16 << 20;
/// Above this writers wait longer for readers to let it.
const TOO_LARGE_BYTES: u64 = 40 << 20;
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Watches the size of the log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    busy_timeout: Duration,
    last_attempt: Option<Instant>,
}

impl Log {
    /// The log of a database file; `busy_timeout` is what the connection is to have outside of checkpoints.
    pub(super) fn new(database: &Path, busy_timeout: Duration) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), busy_timeout, last_attempt: None }
    }

    /// Empties the log if it is large. Fails no write: what does not succeed is tried again.
    pub(super) async fn keep_small(&mut self, connection: &mut Connection) {
        // Two microseconds, less than handing it to another thread.
        let bytes = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if bytes < LARGE_BYTES
            || (bytes < TOO_LARGE_BYTES && self.last_attempt.is_some_and(|last| last.elapsed() < PAUSE))
        {
            return;
        }
        let patience = if bytes < TOO_LARGE_BYTES { Duration::from_millis(50) } else { Duration::from_secs(1) };
        if let Err(error) = self.empty(connection, patience).await {
            tracing::warn!(error = &error as &dyn std::error::Error, wal_bytes = bytes, "log not emptied");
        }
        self.last_attempt = Some(Instant::now());
    }

    /// Moves the log into the database and cuts it off, waiting as long for readers.
    pub(super) async fn empty(&self, connection: &mut Connection, patience: Duration) -> Result<(), sqlx::Error> {
        let mut sql = busy_timeout(patience);
        sql.push("; pragma wal_checkpoint(truncate); ").append(busy_timeout(self.busy_timeout));
        connection.run_unlimited(sql).await?;
        Ok(())
    }
}

fn busy_timeout(duration: Duration) -> Sql {
    let mut sql = Sql::new("pragma busy_timeout = ");
    sql.number(usize::try_from(duration.as_millis()).unwrap_or(5000));
    sql
}
