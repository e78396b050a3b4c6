//! The database as it was at one moment, for those who want to see what was deleted since.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit};

use super::error::Error;
use super::{postgres, sqlite};
use crate::sql::Sql;

/// How long a snapshot answers: while it is held, the database keeps what was deleted or overwritten since.
const AGE_MAX: Duration = Duration::from_secs(5);

/// A connection in a transaction that began at that moment. It ends with the last who holds it.
#[derive(Debug)]
pub struct Snapshot(Mutex<Option<Connection>>);

/// The connection that holds the moment.
#[derive(Debug)]
pub(super) enum Connection {
    /// Of SQLite.
    Sqlite(sqlite::Connection),
    /// Of PostgreSQL, with its place among the snapshots.
    Postgres(Box<postgres::Connection>, #[expect(dead_code, reason = "held")] OwnedSemaphorePermit),
}

impl Snapshot {
    /// What the connection sees, for a while.
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        let snapshot = Arc::new(Self(Mutex::new(Some(connection))));
        let aged = Arc::downgrade(&snapshot);
        tokio::spawn(async move {
            tokio::time::sleep(AGE_MAX).await;
            if let Some(snapshot) = aged.upgrade() {
                drop(snapshot.0.lock().await.take());
            }
        });
        snapshot
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the snapshot has grown too old; others of the database.
    pub async fn read(&self, statement: Sql) -> Result<Option<String>, Error> {
        match self.0.lock().await.as_mut() {
            Some(Connection::Sqlite(connection)) => Ok(connection.first(statement).await?),
            Some(Connection::Postgres(connection, _)) => Ok(connection.first(&statement).await?),
            None => Err(Error::Busy),
        }
    }
}
