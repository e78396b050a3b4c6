//! A snapshot of the file: a reading transaction of its own.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;

use super::connection::Connection;
use crate::sql::Sql;
use crate::storage::snapshot::{self, Snapshot};

/// The database as it is now. As long as it is held, the log only grows.
pub(super) async fn take(options: &SqliteConnectOptions, timeout: Duration) -> Result<Arc<Snapshot>, sqlx::Error> {
    let mut connection = Connection::open(options, timeout).await?;
    // A transaction begins with its first read (SQLite, "BEGIN DEFERRED").
    connection.run(Sql::new("begin; select 1 from clef_schema limit 1"), 0).await?;
    Ok(Snapshot::new(snapshot::Connection::Sqlite(connection)))
}
