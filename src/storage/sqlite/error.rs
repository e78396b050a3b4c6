//! SQLite's result codes and what they mean here.

use std::path::Path;
use std::sync::Arc;

use sea_orm::DbErr;

use crate::storage::error::{Error, OpenError, cause};

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(SQLITE_CONSTRAINT) if is_key_conflict(&error) => Self::Conflict,
            code => from_code(code).unwrap_or_else(|| Self::Internal(Arc::new(error))),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match code_of_read(&error) {
            Some(SQLITE_CONSTRAINT) if error.to_string().contains(KEY_COLUMN) => Self::Conflict,
            code => from_code(code).unwrap_or_else(|| Self::Internal(Arc::new(error))),
        }
    }
}

/// None for what is nobody's business but the log's.
fn from_code(code: Option<i32>) -> Option<Error> {
    match code? {
        SQLITE_BUSY | SQLITE_LOCKED => Some(Error::Busy),
        SQLITE_READONLY => Some(Error::ReadOnly),
        SQLITE_FULL => Some(Error::Full),
        SQLITE_INTERRUPT => Some(Error::Timeout),
        _ => None,
    }
}

/// Whether the connection that met it may be used again.
pub(super) fn spares_connection(error: &Error) -> bool {
    match error {
        Error::Internal(source) => {
            let of_write = source.downcast_ref::<sqlx::Error>().and_then(primary_code);
            let code = of_write.or_else(|| source.downcast_ref().and_then(code_of_read));
            code.is_some_and(is_about_statement)
        }
        Error::ReadOnly => false,
        _ => true,
    }
}

/// By SQLite's result code, with the file's name.
pub(super) fn not_opened(path: &Path, error: sqlx::Error) -> OpenError {
    from_open_code(path, primary_code(&error), Box::new(error))
}

/// As [`not_opened`], of the driver that reads.
pub(super) fn not_opened_to_read(path: &Path, error: rusqlite::Error) -> OpenError {
    from_open_code(path, code_of_read(&error), Box::new(error))
}

/// By SQLite's result code, with the file's name.
pub(super) fn not_prepared(path: &Path, error: DbErr) -> OpenError {
    from_open_code(path, cause(&error).and_then(primary_code), Box::new(error))
}

fn from_open_code(path: &Path, code: Option<i32>, source: Box<dyn std::error::Error + Send + Sync>) -> OpenError {
    let database = path.display().to_string();
    match code {
        Some(SQLITE_BUSY | SQLITE_LOCKED) => OpenError::Locked { database },
        Some(SQLITE_CANTOPEN) if !path.exists() => OpenError::Missing { database },
        Some(SQLITE_READONLY | SQLITE_CANTOPEN | SQLITE_PERM) => OpenError::ReadOnly { database },
        Some(SQLITE_FULL) => OpenError::Full { database },
        Some(SQLITE_NOTADB | SQLITE_CORRUPT) => OpenError::NotADatabase { database, source },
        _ => OpenError::Internal { database, source },
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

/// As [`primary_code`], of the driver that reads, exports and imports.
fn code_of_read(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code & 0xff)
}

/// Codes that blame the statement or its values, not the file.
fn is_about_statement(code: i32) -> bool {
    matches!(code, SQLITE_ERROR | SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH)
}

/// SQLite names the columns of the violated index in the message only.
const KEY_COLUMN: &str = "node.__key";

fn is_key_conflict(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation() && error.message().contains(KEY_COLUMN))
}
