//! What is revoked, read from the database again and again by a server; and revoked by `clef token revoke` and `clef key revoke`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::{Error, database, schema};
use crate::auth::Authority;
use crate::clock::Clock;
use crate::config::Config;
use crate::storage::{RemovedPolicy, Revocation, Storage};

const READ_EVERY: Duration = Duration::from_millis(400);
/// Without knowing for so long, no token is accepted.
const BLIND_AFTER: Duration = Duration::from_secs(30);

/// From now on; no token is accepted before it is known what is revoked.
pub(super) async fn start(authority: &Arc<Authority>, storage: &Storage) {
    let is_blind = authority.read_revocations(storage).await.is_err();
    authority.set_blind(is_blind);
    tokio::spawn(watch(Arc::clone(authority), storage.clone(), is_blind));
}

/// Until the server ends.
async fn watch(authority: Arc<Authority>, storage: Storage, mut is_blind: bool) {
    let mut ticks = interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Instant::now();
    loop {
        ticks.tick().await;
        match authority.read_revocations(&storage).await {
            Ok(()) => {
                known = Instant::now();
                if std::mem::take(&mut is_blind) {
                    authority.set_blind(false);
                    tracing::info!("revocations are read again: tokens are accepted");
                }
            }
            Err(error) if !is_blind && known.elapsed() > BLIND_AFTER => {
                is_blind = true;
                authority.set_blind(true);
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "revocations cannot be read for 30 seconds: no token is accepted until they are"
                );
            }
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "revocations not read"),
        }
    }
}

/// Writes a revocation, which all servers on the database notice within a second.
///
/// # Errors
///
/// The database does not fit the schema; the database's.
pub async fn revoke(config: Config, clock: &Clock, revocation: &Revocation) -> Result<(), Error> {
    let model = schema::read(&config.schema)?;
    let settings = database(&config);
    if !Storage::compare(&settings, &model, RemovedPolicy::Keep).await?.is_empty() {
        return Err(Error::NotFitted);
    }
    let storage = Storage::open(&settings, &model, RemovedPolicy::Keep).await?;
    let written = storage.revoke(revocation, clock.seconds()).await;
    storage.close().await;
    written.map_err(Error::Revocation)
}
