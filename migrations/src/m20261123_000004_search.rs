//! The full-text index: which rules, types and columns it was made from. The index itself follows the schema, like the columns of `node`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// At most one row.
const SQLITE: &str = r"
create table clef_search_definition (
    id integer primary key check (id = 1),
    definition text not null
) strict;
";

const POSTGRES: &str = r#"
create table clef_search_definition (
    id bigint primary key check (id = 1),
    definition text collate "C" not null
);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, SQLITE, POSTGRES).await
    }
}
