//! The database made ready for a model: migrations, comparison and changes in one transaction that no other process shares.

use clef_migrations::Migrator;
use sea_orm::{DatabaseTransaction, DbErr};
use sea_orm_migration::MigratorTrait;

use super::apply::apply;
use super::change::{Change, RemovedPolicy};
use super::compare::compare;
use super::error::OpenError;
use super::schema::Schema;
use crate::model::Model;
use crate::sql::{Dialect, Sql};

/// Whether changes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Commit them, unless they take data away against the policy.
    Commit,
    /// Undo everything; the changes found are the answer.
    Undo,
}

/// The database that is being made ready.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// What its statements are written for.
    pub(super) dialect: Dialect,
    /// Its name for the administrator.
    pub(super) name: &'a str,
    /// What an error of its driver means.
    pub(super) failed: &'a (dyn Fn(DbErr) -> OpenError + Sync),
}

/// Brings the database up to date with the model, within a transaction that is alone.
pub(super) async fn prepare(
    subject: Subject<'_>,
    transaction: DatabaseTransaction,
    model: &Model,
    policy: RemovedPolicy,
    outcome: Outcome,
) -> Result<Vec<Change>, OpenError> {
    let orm = subject.failed;
    let schema = Schema::new(&transaction, subject.dialect);
    check_owner(&schema, subject).await?;
    Migrator::up(&transaction, None).await.map_err(orm)?;
    let changes = compare(&schema, model, policy).await.map_err(orm)?;
    if outcome == Outcome::Undo {
        transaction.rollback().await.map_err(orm)?;
        return Ok(changes);
    }
    let removed: Vec<_> = changes.iter().filter(|change| change.removes_data()).cloned().collect();
    if policy == RemovedPolicy::Refuse && !removed.is_empty() {
        transaction.rollback().await.map_err(orm)?;
        return Err(OpenError::Removed { database: subject.name.to_owned(), removed });
    }
    for change in &changes {
        tracing::debug!(%change, "database changed");
    }
    apply(&schema, model, &changes, policy).await.map_err(orm)?;
    transaction.commit().await.map_err(orm)?;
    Ok(changes)
}

/// Refuses databases of other programs and of newer versions, before anything is written.
async fn check_owner(schema: &Schema<'_>, subject: Subject<'_>) -> Result<(), OpenError> {
    let orm = subject.failed;
    let found = schema.entries().await.map_err(orm)?;
    let is_ours = found.iter().any(|entry| entry.name == clef_migrations::TABLE);
    let mut tables = found.into_iter().filter(|entry| matches!(&*entry.kind, "table" | "view")).peekable();
    if !is_ours && tables.peek().is_some() {
        let tables = tables.map(|entry| entry.name).collect();
        return Err(OpenError::Foreign { database: subject.name.to_owned(), tables });
    }
    if !is_ours {
        return Ok(());
    }
    let applied = schema.texts(Sql::new("select version from clef_migration order by version")).await.map_err(orm)?;
    let known = Migrator::get_migration_files();
    let newer: Vec<_> =
        applied.into_iter().filter(|version| !known.iter().any(|migration| migration.name() == version)).collect();
    if newer.is_empty() {
        Ok(())
    } else {
        Err(OpenError::Newer { database: subject.name.to_owned(), migrations: newer })
    }
}
