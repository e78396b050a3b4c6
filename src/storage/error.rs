//! What can go wrong: for clients while running, and for the administrator when opening.

use std::path::PathBuf;
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use thiserror::Error;

use super::change::Change;

/// Why a statement had no result. The texts may be read by anyone; causes are for the log.
#[derive(Debug, Clone, Error)]
pub enum Error {
    /// The unique index of type and key was violated.
    #[error("a node of this type with this key exists already")]
    Conflict,
    /// What the write itself carried as the reason not to run.
    #[error("{0}")]
    Refused(String),
    /// File, folder or file system cannot be written to.
    #[error("the database cannot be written to at present")]
    ReadOnly,
    /// No space left.
    #[error("the database has no space left")]
    Full,
    /// Locked by another process, no connection free, or too much waiting.
    #[error("the database is busy: try again")]
    Busy,
    /// No server answers.
    #[error("the database cannot be reached at present: try again later")]
    Unavailable,
    /// The server was lost before it confirmed a write, which has happened or not.
    #[error(
        "the database was lost before it confirmed the change: see whether it was made before you ask for it again"
    )]
    Unknown,
    /// The statement ran longer than allowed and was ended.
    #[error("the database took too long to answer: ask for less")]
    Timeout,
    /// [`super::Storage::close`] was called.
    #[error("the database is closed")]
    Closed,
    /// Anything else.
    #[error("the database failed")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// What ran the statement ended before it answered.
#[derive(Debug, Error)]
#[error("what ran the statement ended before it answered")]
pub(super) struct NotAnswered;

/// Why the database could not be opened. The texts are for the administrator.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The address cannot be read.
    #[error("`{url}` is not the address of a database: write sqlite://FOLDER/FILE.db?mode=rwc or sqlite::memory:")]
    Address {
        /// As configured, but for the password.
        url: String,
        /// Cause.
        #[source]
        source: sqlx::Error,
    },
    /// The address cannot be read. It is not shown: it may hold a password.
    #[error("the address of the database cannot be read: {0}")]
    PostgresAddress(&'static str),
    /// No server answers.
    #[error(
        "`{database}` cannot be reached: see whether the server runs, and correct the address if it is another one"
    )]
    Unreachable {
        /// Name, host and port.
        database: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No encrypted connection, or not to the right server.
    #[error(
        "the connection to `{database}` cannot be encrypted as the address wants it: correct `sslmode` or `sslrootcert`, or the certificate of the server"
    )]
    Tls {
        /// Name, host and port.
        database: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of certificates or of a key.
    #[error("`{}`, which the address of the database names, cannot be used: correct it, or the address", file.display())]
    Certificates {
        /// As configured.
        file: PathBuf,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// User, password or rights.
    #[error("`{database}` does not allow it: correct user and password, or give the user the right to create tables")]
    Denied {
        /// Name, host and port.
        database: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server has no database of this name.
    #[error("there is no database `{database}`: make it, or correct the address")]
    NoDatabase {
        /// Name, host and port.
        database: String,
    },
    /// PostgreSQL would cut them off.
    #[error("names have at most 63 characters in PostgreSQL; shorten in the schema files: {}", names.join(", "))]
    LongNames {
        /// Columns.
        names: Vec<String>,
    },
    /// The folder or the file cannot be made.
    #[error("cannot make `{}`: make it, or give the user of this process the right to", path.display())]
    Create {
        /// Folder or file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// There is no such file, and the address does not ask for one.
    #[error(
        "there is no file `{database}`: correct the address of the database, or add ?mode=rwc to it to have the file made"
    )]
    Missing {
        /// The database file.
        database: String,
    },
    /// Something else, or damaged.
    #[error("`{database}` is not a SQLite database, or is damaged: restore a backup, or name another file")]
    NotADatabase {
        /// File or address without its password.
        database: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A database of another program.
    #[error("`{database}` holds tables that Clef did not make ({}): name another database", tables.join(", "))]
    Foreign {
        /// File or address without its password.
        database: String,
        /// Names of the tables.
        tables: Vec<String>,
    },
    /// Used by a later version.
    #[error("`{database}` was used by a newer version of Clef ({}): start that version, or restore a backup from before", migrations.join(", "))]
    Newer {
        /// File or address without its password.
        database: String,
        /// Migrations that this version does not know.
        migrations: Vec<String>,
    },
    /// No right to write.
    #[error(
        "`{database}` cannot be written to: give the user of this process the right to write the file and its folder"
    )]
    ReadOnly {
        /// File or address without its password.
        database: String,
    },
    /// Another process holds the lock.
    #[error("`{database}` is locked by another process: end that process, then start again")]
    Locked {
        /// File or address without its password.
        database: String,
    },
    /// No space left.
    #[error("there is no space left for `{database}`: make room, then start again")]
    Full {
        /// File or address without its password.
        database: String,
    },
    /// The schema no longer has what nodes hold.
    #[error(
        "nodes in `{database}` hold what the schema files no longer have:\n{}\nput it back into the schema, or run `clef migrate --keep-removed` to keep the data unused, or `clef migrate --drop-removed` to delete it",
        list(removed)
    )]
    Removed {
        /// File or address without its password.
        database: String,
        /// Columns and types, each with the number of nodes.
        removed: Vec<Change>,
    },
    /// Anything else.
    #[error("`{database}` cannot be opened")]
    Internal {
        /// File or address without its password.
        database: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the driver said, if it did.
pub(super) fn cause(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

fn list(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {change}")).collect::<Vec<_>>().join("\n")
}
