//! A standby, from which queries are read as long as it answers and is far enough.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::place::Place;
use super::pool::{Pool, Purpose};
use crate::sql::Sql;
use crate::storage::counters::Counters;
use crate::storage::error::{Error, OpenError};
use crate::storage::figures::PoolFigures;
use crate::storage::settings::Settings;

/// How far it is. A server that is no standby has no such place, and is not read from by who has written.
const REPLAYED: &str = "select cast(pg_last_wal_replay_lsn() as text)";

/// Connections to it.
#[derive(Debug)]
pub(super) struct Standby {
    pool: Pool,
    replayed: Sql,
    counters: Arc<Counters>,
}

impl Standby {
    /// That of the settings, which need not be there yet.
    pub(super) fn new(settings: &Settings, counters: &Arc<Counters>) -> Result<Option<Self>, OpenError> {
        let Some(url) = &settings.read_url else { return Ok(None) };
        let pool = Pool::new(Place::new(url, settings)?, settings);
        Ok(Some(Self { pool, replayed: Sql::new(REPLAYED), counters: Arc::clone(counters) }))
    }

    /// As a read, or nothing: then it is not there, or not so far.
    pub(super) async fn read(&self, statement: &Sql, needed: u64) -> Option<Result<Option<String>, Error>> {
        let mut lease = self.pool.lease(self.pool.deadline(), Purpose::Read).await.ok()?;
        match lease.connection().ok()?.first_if_replayed(&self.replayed, needed, statement).await {
            Ok(Some(answer)) => {
                self.counters.standby_reads.fetch_add(1, Ordering::Relaxed);
                Some(Ok(answer.text))
            }
            Ok(None) => None,
            Err(failure) => {
                if failure.breaks_connection() {
                    self.pool.lose();
                }
                // It would take as long elsewhere. Anything else may be its own affair, such as tables that it does not have yet.
                let error = Error::from(failure);
                matches!(error, Error::Timeout).then_some(Err(error))
            }
        }
    }

    pub(super) fn figures(&self) -> PoolFigures {
        self.pool.figures()
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
