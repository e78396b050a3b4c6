//! What can go wrong: for clients while running, and for the administrator when opening.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use thiserror::Error;

use super::change::Change;

/// Why a statement had no result. The texts may be read by anyone; causes are for the log.
#[derive(Debug, Clone, Error)]
pub enum Error {
    /// The unique index of key and type was violated.
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
    /// Locked by another process, no connection free, or too many writes waiting.
    #[error("the database is busy: try again")]
    Busy,
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
        /// As configured.
        url: String,
        /// Cause.
        #[source]
        source: sqlx::Error,
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
    #[error("there is no file `{}`: correct the address of the database, or add ?mode=rwc to it to have the file made", path.display())]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// Something else, or damaged.
    #[error("`{}` is not a SQLite database, or is damaged: restore a backup, or name another file", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A database of another program.
    #[error("`{}` holds tables that Clef did not make ({}): name another file", path.display(), tables.join(", "))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Names of the tables.
        tables: Vec<String>,
    },
    /// Used by a later version.
    #[error("`{}` was used by a newer version of Clef ({}): start that version, or restore a backup from before", path.display(), migrations.join(", "))]
    Newer {
        /// The file.
        path: PathBuf,
        /// Migrations that this version does not know.
        migrations: Vec<String>,
    },
    /// No right to write.
    #[error("`{}` cannot be written to: give the user of this process the right to write the file and its folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the lock.
    #[error("`{}` is locked by another process: end that process, then start again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// No space left.
    #[error("there is no space left for `{}`: make room, then start again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The schema no longer has what nodes hold.
    #[error(
        "nodes in `{}` hold what the schema files no longer have:\n{}\nput it back into the schema, or run `clef migrate --keep-removed` to keep the data unused, or `clef migrate --drop-removed` to delete it",
        path.display(),
        list(removed)
    )]
    Removed {
        /// The file.
        path: PathBuf,
        /// Columns and types, each with the number of nodes.
        removed: Vec<Change>,
    },
    /// Anything else.
    #[error("`{}` cannot be opened", path.display())]
    Internal {
        /// The file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(SQLITE_CONSTRAINT) if is_key_conflict(&error) => Self::Conflict,
            code => Self::from_code(code).unwrap_or_else(|| Self::Internal(Arc::new(error))),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::from_code(code_of_read(&error)).unwrap_or_else(|| Self::Internal(Arc::new(error)))
    }
}

impl Error {
    /// None for what is nobody's business but the log's.
    fn from_code(code: Option<i32>) -> Option<Self> {
        match code? {
            SQLITE_BUSY | SQLITE_LOCKED => Some(Self::Busy),
            SQLITE_READONLY => Some(Self::ReadOnly),
            SQLITE_FULL => Some(Self::Full),
            SQLITE_INTERRUPT => Some(Self::Timeout),
            _ => None,
        }
    }

    /// Whether the connection that met it may be used again.
    pub(super) fn spares_connection(&self) -> bool {
        match self {
            Self::Internal(source) => {
                let of_write = source.downcast_ref::<sqlx::Error>().and_then(primary_code);
                let code = of_write.or_else(|| source.downcast_ref().and_then(code_of_read));
                code.is_some_and(is_about_statement)
            }
            Self::ReadOnly => false,
            _ => true,
        }
    }
}

impl OpenError {
    /// By SQLite's result code, with the file's name.
    pub(super) fn from_sqlx(path: &Path, error: sqlx::Error) -> Self {
        let code = primary_code(&error);
        Self::from_code(path, code, Box::new(error))
    }

    /// By SQLite's result code, with the file's name.
    pub(super) fn from_orm(path: &Path, error: DbErr) -> Self {
        let code = match &error {
            DbErr::Conn(RuntimeErr::SqlxError(cause))
            | DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => primary_code(cause),
            _ => None,
        };
        Self::from_code(path, code, Box::new(error))
    }

    fn from_code(path: &Path, code: Option<i32>, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let path = path.to_owned();
        match code {
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Locked { path },
            Some(SQLITE_CANTOPEN) if !path.exists() => Self::Missing { path },
            Some(SQLITE_READONLY | SQLITE_CANTOPEN | SQLITE_PERM) => Self::ReadOnly { path },
            Some(SQLITE_FULL) => Self::Full { path },
            Some(SQLITE_NOTADB | SQLITE_CORRUPT) => Self::NotADatabase { path, source },
            _ => Self::Internal { path, source },
        }
    }
}

// Result codes, https://www.sqlite.org/rescode.html.
const SQLITE_ERROR: i32 = 1;
const SQLITE_PERM: i32 = 3;
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_INTERRUPT: i32 = 9;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_TOOBIG: i32 = 18;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_MISMATCH: i32 = 20;
const SQLITE_NOTADB: i32 = 26;

/// The low byte of the extended code.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// As [`primary_code`], of the driver that reads.
fn code_of_read(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code & 0xff)
}

/// Codes that blame the statement or its values, not the file.
fn is_about_statement(code: i32) -> bool {
    matches!(code, SQLITE_ERROR | SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH)
}

/// SQLite names the columns of the violated index in the message only.
fn is_key_conflict(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation() && error.message().contains("node.__key"))
}

fn list(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {change}")).collect::<Vec<_>>().join("\n")
}
