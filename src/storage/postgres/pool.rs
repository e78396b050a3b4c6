//! Connections that are used one at a time: as many as are needed, up to a limit, the last used first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Connection;
use super::place::Place;
use crate::storage::error::Error;
use crate::storage::settings::Settings;

/// The connections.
#[derive(Debug)]
pub(super) struct Pool {
    place: Place,
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
    count: u32,
    acquire_timeout: Duration,
}

#[derive(Debug, Default)]
struct Idle(Mutex<Vec<Connection>>);

/// A connection and the right to it. Goes back to the pool if it can be used again.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<Connection>,
    idle: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Opens nothing yet.
    pub(super) fn new(place: Place, settings: &Settings) -> Self {
        let count = settings.connections.max(1);
        Self {
            place,
            permits: Arc::new(Semaphore::new(count as usize)),
            idle: Arc::default(),
            count,
            acquire_timeout: settings.acquire_timeout,
        }
    }

    /// Waits for a connection.
    pub(super) async fn lease(&self) -> Result<Lease, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(self.acquire_timeout, permit).await.map_err(|_| Error::Busy)?;
        let permit = permit.map_err(|_| Error::Closed)?;
        let connection = match self.idle.take() {
            Some(connection) => connection,
            None => self.place.connect().await?,
        };
        Ok(Lease { connection: Some(connection), idle: Arc::clone(&self.idle), _permit: permit })
    }

    /// Waits for running statements, a while, and closes the connections.
    pub(super) async fn close(&self) {
        if tokio::time::timeout(self.acquire_timeout, self.permits.acquire_many(self.count)).await.is_err() {
            tracing::warn!("statements still ran when the database was closed");
        }
        self.permits.close();
        self.idle.lock().clear();
    }
}

impl Lease {
    /// The connection, which is there until the lease ends.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.connection.as_mut().ok_or(Error::Closed)
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Connection> {
        let mut connections = self.lock();
        while let Some(connection) = connections.pop() {
            if connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(Connection::is_usable) {
            self.idle.lock().push(connection);
        }
    }
}
