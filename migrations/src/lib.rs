//! Migrations of the system tables. A migration that has landed is never changed: databases in use were made by it.
//!
//! Columns that follow the schema files are no migrations; the server adds them when it starts.

mod m20261122_000001_graph;
mod m20261122_000002_catalogue;
mod m20261123_000003_audit;
mod m20261123_000004_search;
mod m20261123_000005_import;
mod m20261123_000006_event;
mod m20261123_000007_revocation;

use sea_orm_migration::prelude::*;

/// Brings the system tables up to date.
#[derive(Debug)]
pub struct Migrator;

/// Table that records which migrations have run.
pub const TABLE: &str = "clef_migration";

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_graph::Migration),
            Box::new(m20261122_000002_catalogue::Migration),
            Box::new(m20261123_000003_audit::Migration),
            Box::new(m20261123_000004_search::Migration),
            Box::new(m20261123_000005_import::Migration),
            Box::new(m20261123_000006_event::Migration),
            Box::new(m20261123_000007_revocation::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        TABLE.into_iden()
    }
}

/// Runs the text for the database at hand: no builder says STRICT or identity columns in both dialects.
async fn run(manager: &SchemaManager<'_>, sqlite: &'static str, postgres: &'static str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let text = match manager.get_database_backend() {
        sea_orm_migration::sea_orm::DbBackend::Sqlite => sqlite,
        sea_orm_migration::sea_orm::DbBackend::Postgres => postgres,
        other => return Err(DbErr::Migration(format!("there are no system tables for {other:?}"))),
    };
    connection.execute_unprepared(text).await?;
    Ok(())
}
