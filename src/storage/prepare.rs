//! The database made ready for a model: migrations, comparison and changes in one transaction, under the write lock.

use std::path::Path;

use clef_migrations::Migrator;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, SqliteTransactionMode, SqlxSqliteConnector, TransactionOptions,
    TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::apply::apply;
use super::catalogue::{entries, texts};
use super::change::{Change, RemovedPolicy};
use super::compare::compare;
use super::error::OpenError;
use crate::model::Model;
use crate::sql::Sql;

/// Whether changes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Commit them, unless they take data away against the policy.
    Commit,
    /// Undo everything; the changes found are the answer.
    Undo,
}

/// Brings the database up to date with the model.
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
        .map_err(|error| OpenError::from_sqlx(path, error))?;
    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone());
    let result = in_transaction(&connection, path, model, policy, outcome).await;
    pool.close().await;
    result
}

async fn in_transaction(
    connection: &impl TransactionTrait<Transaction = DatabaseTransaction>,
    path: &Path,
    model: &Model,
    policy: RemovedPolicy,
    outcome: Outcome,
) -> Result<Vec<Change>, OpenError> {
    let orm = |error| OpenError::from_orm(path, error);
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(immediate).await.map_err(orm)?;
    check_owner(&transaction, path).await?;
    Migrator::up(&transaction, None).await.map_err(orm)?;
    let changes = compare(&transaction, model, policy).await.map_err(orm)?;
    if outcome == Outcome::Undo {
        transaction.rollback().await.map_err(orm)?;
        return Ok(changes);
    }
    let removed: Vec<_> = changes.iter().filter(|change| change.removes_data()).cloned().collect();
    if policy == RemovedPolicy::Refuse && !removed.is_empty() {
        transaction.rollback().await.map_err(orm)?;
        return Err(OpenError::Removed { path: path.to_owned(), removed });
    }
    for change in &changes {
        tracing::debug!(%change, "database changed");
    }
    apply(&transaction, model, &changes, policy).await.map_err(orm)?;
    transaction.commit().await.map_err(orm)?;
    Ok(changes)
}

/// Refuses databases of other programs and of newer versions, before anything is written.
async fn check_owner(connection: &impl ConnectionTrait, path: &Path) -> Result<(), OpenError> {
    let orm = |error: DbErr| OpenError::from_orm(path, error);
    let found = entries(connection).await.map_err(orm)?;
    let is_ours = found.iter().any(|entry| entry.name == clef_migrations::TABLE);
    if !is_ours && !found.is_empty() {
        let tables = found.into_iter().filter(|entry| entry.kind != "index").map(|entry| entry.name).collect();
        return Err(OpenError::Foreign { path: path.to_owned(), tables });
    }
    if !is_ours {
        return Ok(());
    }
    let applied =
        texts(connection, Sql::new("select version from clef_migration order by version")).await.map_err(orm)?;
    let known = Migrator::get_migration_files();
    let newer: Vec<_> =
        applied.into_iter().filter(|version| !known.iter().any(|migration| migration.name() == version)).collect();
    if newer.is_empty() { Ok(()) } else { Err(OpenError::Newer { path: path.to_owned(), migrations: newer }) }
}
