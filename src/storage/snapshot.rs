//! The database as it was at one moment, for those who want to see what was deleted since.

use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Mutex;

use super::connection::Connection;
use super::error::Error;
use crate::sql::Sql;

/// How long a snapshot answers: while it is held, the log of the database only grows.
const AGE_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// A connection in a transaction that began at that moment. It ends with the last who holds it.
#[derive(Debug)]
pub struct Snapshot {
    connection: Mutex<Option<Connection>>,
}

impl Snapshot {
    /// The database as it is now.
    pub(super) async fn take(
        options: &SqliteConnectOptions,
        timeout: std::time::Duration,
    ) -> Result<std::sync::Arc<Self>, sqlx::Error> {
        let mut connection = Connection::open(options, timeout).await?;
        // A transaction begins with its first read (SQLite, "BEGIN DEFERRED").
        connection.run(Sql::new("begin; select 1 from clef_schema limit 1"), 0).await?;
        let snapshot = std::sync::Arc::new(Self { connection: Mutex::new(Some(connection)) });
        let aged = std::sync::Arc::downgrade(&snapshot);
        tokio::spawn(async move {
            tokio::time::sleep(AGE_MAX).await;
            if let Some(snapshot) = aged.upgrade() {
                drop(snapshot.connection.lock().await.take());
            }
        });
        Ok(snapshot)
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the snapshot has grown too old; others of the database.
    pub async fn read(&self, statement: Sql) -> Result<Option<String>, Error> {
        let mut connection = self.connection.lock().await;
        let Some(connection) = connection.as_mut() else { return Err(Error::Busy) };
        Ok(connection.first(statement).await?)
    }
}
