//! The database made ready for a model, by one process at a time.

use sea_orm::{ConnectionTrait, DbErr, SqlxPostgresConnector, TransactionTrait};
use sqlx::postgres::PgPoolOptions;

use super::error::{not_opened, not_prepared};
use super::place::{CONNECT_TIMEOUT, Place};
use crate::model::Model;
use crate::sql::Dialect;
use crate::storage::change::{Change, RemovedPolicy};
use crate::storage::dialect::NAME_BYTES_MAX;
use crate::storage::error::OpenError;
use crate::storage::prepare::{self, Outcome, Subject};

/// Held until the end of the transaction: several processes may start at once. The number is that of no other program: `clef` as bytes.
/// Statements that another user of a pooled session has prepared have the names that the driver takes.
const BEGIN: &str = "deallocate all; set local lock_timeout = '60s'; set local client_min_messages = warning; \
    select pg_advisory_xact_lock(1668048230)";

/// Brings the database up to date with the model.
pub(super) async fn prepare(
    place: &Place,
    model: &Model,
    policy: RemovedPolicy,
    outcome: Outcome,
) -> Result<Vec<Change>, OpenError> {
    check_names(model)?;
    let (options, _bridge) = place.first_connection().await?;
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_TIMEOUT).connect_with(options).await;
    let pool = pool.map_err(|error| not_opened(&place.name, error))?;
    let failed = |error| not_prepared(&place.name, error);
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
    let begun = async {
        let transaction = connection.begin().await?;
        transaction.execute_unprepared(BEGIN).await?;
        Ok::<_, DbErr>(transaction)
    };
    let subject = Subject { dialect: Dialect::Postgres, name: &place.name, failed: &failed };
    let result = match begun.await {
        Ok(transaction) => prepare::prepare(subject, transaction, model, policy, outcome).await,
        Err(error) => Err(failed(error)),
    };
    pool.close().await;
    result
}

/// Statements name columns as the model does; PostgreSQL would cut long names off.
fn check_names(model: &Model) -> Result<(), OpenError> {
    let long = |name: &&String| name.len() > NAME_BYTES_MAX;
    let names: Vec<_> = model.columns().iter().map(|column| &column.name).filter(long).cloned().collect();
    if names.is_empty() { Ok(()) } else { Err(OpenError::LongNames { names }) }
}
