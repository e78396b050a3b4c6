//! The file made ready for a model, under the write lock.

use std::path::Path;

use sea_orm::{SqliteTransactionMode, SqlxSqliteConnector, TransactionOptions, TransactionTrait};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::error::{not_opened, not_prepared};
use crate::model::Model;
use crate::sql::Dialect;
use crate::storage::change::{Change, RemovedPolicy};
use crate::storage::error::OpenError;
use crate::storage::prepare::{self, Outcome, Subject};

/// Brings the file up to date with the model.
pub(super) async fn prepare(
    options: SqliteConnectOptions,
    path: &Path,
    model: &Model,
    policy: RemovedPolicy,
    outcome: Outcome,
) -> Result<Vec<Change>, OpenError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(|error| not_opened(path, error))?;
    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone());
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let failed = |error| not_prepared(path, error);
    let name = path.display().to_string();
    let subject = Subject { dialect: Dialect::Sqlite, name: &name, failed: &failed };
    let result = match connection.begin_with_options(immediate).await {
        Ok(transaction) => prepare::prepare(subject, transaction, model, policy, outcome).await,
        Err(error) => Err(failed(error)),
    };
    pool.close().await;
    result
}
