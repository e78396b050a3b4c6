//! The database as it was before a deletion, here and on the servers beside this one: they open what one of them exports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Failure;
use super::pulse::Pulse;
use crate::sql::Sql;
use crate::storage::error::Error;
use crate::storage::snapshot::{self, Snapshot};

/// Snapshots at a time; each has a connection beside the pool.
const SNAPSHOTS_MAX: usize = 8;
const BEGIN: &str = "begin isolation level repeatable read read only";

/// Snapshots that are held here.
#[derive(Debug)]
pub(super) struct Snapshots {
    pulse: Arc<Pulse>,
    places: Arc<Semaphore>,
    /// By the names that stand in the outbox.
    own: Mutex<HashMap<String, Weak<Snapshot>>>,
}

/// Who wants to see what is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watchers {
    /// This server alone.
    Here,
    /// Others, too.
    Elsewhere,
}

/// A snapshot and its name.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    #[expect(dead_code, reason = "held")]
    pub(super) snapshot: Arc<Snapshot>,
}

impl Snapshots {
    pub(super) fn new(pulse: Arc<Pulse>) -> Self {
        Self { pulse, places: Arc::new(Semaphore::new(SNAPSHOTS_MAX)), own: Mutex::default() }
    }

    /// The database as it is now; none if there are too many, or none can be had.
    pub(super) async fn take(&self, watchers: Watchers) -> Option<Named> {
        let place = self.room()?;
        let taken = async {
            let mut connection = self.pulse.connect_apart().await?;
            // What a transaction sees is settled by its first statement.
            let first = match watchers {
                Watchers::Here => Sql::new("select cast(pg_backend_pid() as text)"),
                Watchers::Elsewhere => Sql::new("select pg_export_snapshot()"),
            };
            let name = connection.pipeline(Some(BEGIN), &[&first], 0, None).await?.text;
            Ok::<_, Failure>((connection, name.unwrap_or_default()))
        };
        let (connection, name) = noted(taken.await)?;
        let name = match watchers {
            Watchers::Here => ["own ", &name].concat(),
            Watchers::Elsewhere => name,
        };
        let snapshot = Snapshot::new(snapshot::Connection::Postgres(Box::new(connection), place));
        let mut own = self.own();
        own.retain(|_, held| held.strong_count() > 0);
        own.insert(name.clone(), Arc::downgrade(&snapshot));
        Some(Named { name, snapshot })
    }

    /// The one of that name, of this server or another; none if it is gone.
    pub(super) async fn named(&self, name: &str) -> Option<Arc<Snapshot>> {
        if let Some(own) = self.own().get(name).and_then(Weak::upgrade) {
            return Some(own);
        }
        if !name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return None;
        }
        let place = self.room()?;
        let opened = async {
            let mut connection = self.pulse.connect_apart().await?;
            let mut import = Sql::new("set transaction snapshot ");
            import.literal(name);
            connection.pipeline(Some(BEGIN), &[&import], 0, None).await?;
            Ok::<_, Failure>(connection)
        };
        let connection = noted(opened.await)?;
        Some(Snapshot::new(snapshot::Connection::Postgres(Box::new(connection), place)))
    }

    fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn own(&self) -> MutexGuard<'_, HashMap<String, Weak<Snapshot>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named {
    /// Lets others open it for a while.
    pub(super) fn hold(self, time: Duration) {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            drop(self);
        });
    }
}

fn noted<T>(result: Result<T, Failure>) -> Option<T> {
    let warn = |error: &Error| {
        tracing::warn!(error = error as &dyn std::error::Error, "a deletion is told without its node");
    };
    result.map_err(Error::from).inspect_err(warn).ok()
}
