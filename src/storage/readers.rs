//! Connections that read, as many as settings allow, opened when needed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::connection::Connection;
use super::error::Error;
use crate::sql::Sql;

/// The read connections. Statements that are given up or fail badly take theirs with them.
#[derive(Debug)]
pub(super) struct Readers {
    options: SqliteConnectOptions,
    permits: Semaphore,
    count: u32,
    /// The last one used comes first: its caches are warm.
    idle: Mutex<Vec<Connection>>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
}

impl Readers {
    /// At most `count` connections.
    pub(super) fn new(
        options: SqliteConnectOptions,
        count: u32,
        acquire_timeout: Duration,
        statement_timeout: Duration,
    ) -> Self {
        let permits = Semaphore::new(usize::try_from(count).unwrap_or(1));
        Self { options, permits, count, idle: Mutex::default(), acquire_timeout, statement_timeout }
    }

    /// First column of the first row.
    pub(super) async fn first(&self, statement: Sql) -> Result<Option<String>, Error> {
        let _permit = self.permit().await?;
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => Connection::open(&self.options, self.statement_timeout).await?,
        };
        let result = connection.first(statement).await.map_err(Error::from);
        if result.as_ref().err().is_none_or(Error::spares_connection) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }

    /// Waits for running statements, a while, and closes the connections.
    pub(super) async fn close(&self) {
        let all = tokio::time::timeout(self.acquire_timeout, self.permits.acquire_many(self.count)).await;
        self.permits.close();
        if all.is_err() {
            tracing::warn!("statements still read when the database was closed");
        }
        while let Some(connection) = self.take_idle() {
            if let Err(error) = connection.close().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "read connection not closed");
            }
        }
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let permit =
            tokio::time::timeout(self.acquire_timeout, self.permits.acquire()).await.map_err(|_| Error::Busy)?;
        permit.map_err(|_: AcquireError| Error::Closed)
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
