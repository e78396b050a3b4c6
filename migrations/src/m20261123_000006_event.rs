//! What crosses between servers on one PostgreSQL: what writes did to nodes, numbered, for some minutes; and who listens.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A file of SQLite has one server.
const SQLITE: &str = "select 1";

/// No second index: a write pays for one row. Rows are deleted from the oldest on, so that they are vacuumed by number, not by share.
const POSTGRES: &str = r#"
create table clef_event (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    action smallint not null,
    cause smallint not null,
    type text collate "C" not null,
    key text collate "C" not null,
    topic text collate "C",
    topic_value text collate "C",
    snapshot text collate "C"
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = -1);
comment on column clef_event.action is '1 created, 2 updated, 3 deleted';
comment on column clef_event.cause is '1 Create, 2 Update, 3 Merge, 4 Delete';
create table clef_listener (
    id bigint primary key,
    seen timestamptz not null,
    sees_deleted boolean not null
) with (fillfactor = 50);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, SQLITE, POSTGRES).await
    }
}
