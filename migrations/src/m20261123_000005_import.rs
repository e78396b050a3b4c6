//! How far imports have come: of each file, how many lines are in the database, and the digest of these lines.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SQLITE: &str = r"
create table clef_import (
    digest text primary key,
    lines integer not null
) strict, without rowid;
";

const POSTGRES: &str = r#"
create table clef_import (
    digest text collate "C" primary key,
    lines bigint not null
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, SQLITE, POSTGRES).await
    }
}
