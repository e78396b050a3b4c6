//! What was revoked before its time; and, where several servers share the database, how full the buckets of rate limits are.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Times are seconds since the epoch: tokens minted up to `before`; a row that says nothing any more from `until` on.
const SQLITE: &str = r"
create table clef_revocation (
    number integer primary key autoincrement,
    kind text not null check (kind in ('token', 'key', 'minted', 'restored')),
    id text not null,
    before integer,
    until integer
) strict;
";

/// A bucket is full again at a time in microseconds since the epoch. After a crash all are: nothing of it is worth a log.
const POSTGRES: &str = r#"
create table clef_revocation (
    number bigint generated always as identity primary key,
    kind text collate "C" not null check (kind in ('token', 'key', 'minted', 'restored')),
    id text collate "C" not null,
    before bigint,
    until bigint
);
create unlogged table clef_rate (
    bucket text collate "C" primary key,
    full_at bigint not null
) with (fillfactor = 50);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, SQLITE, POSTGRES).await
    }
}
