//! PostgreSQL's error codes (its manual, appendix A) and what they mean here.

use std::sync::Arc;

use sea_orm::DbErr;
use tokio_postgres::error::SqlState;

use crate::storage::error::{Error, OpenError, cause};

/// The unique index of type and key.
const KEY_INDEX: &str = "clef_node_key";

/// Why a statement had no result.
#[derive(Debug)]
pub(in crate::storage) enum Failure {
    /// The database or the driver says why.
    Driver(tokio_postgres::Error),
    /// What the write itself carried as the reason not to run.
    Refused(String),
    /// No connection can be made, or the one there was has ended before anything was sent.
    Unreachable,
    /// The server no longer answers anything.
    Silent,
    /// No answer, not even that the statement was ended.
    TimedOut,
    /// The connection was lost, or fell silent, between the order to commit and its answer.
    Unknown,
    /// No connection came free in time, or too many wait for one.
    Busy,
    /// The pool was closed.
    Closed,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl Failure {
    /// Whether the connection is not to be used again.
    pub(super) fn breaks_connection(&self) -> bool {
        // 26000 and 0A000: what was prepared is no longer as it was.
        self.is_loss() || self.code().is_some_and(|code| matches!(code, "26000" | "0A000"))
    }

    /// Whether the connection is lost, or nothing comes from it. What it ran may have happened or not.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Driver(_) => self.code().is_none_or(is_lost),
            Self::Unreachable | Self::Silent | Self::TimedOut | Self::Unknown => true,
            Self::Refused(_) | Self::Busy | Self::Closed => false,
        }
    }

    /// Whether nothing of a write was kept, for sure.
    pub(super) fn is_without_effect(&self) -> bool {
        !matches!(self, Self::Unknown | Self::Silent | Self::TimedOut)
    }

    /// Whether nothing came from the server for a while: who tries again waits again.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Silent | Self::TimedOut)
    }

    /// Whether the server has no room for a connection.
    pub(super) fn is_full(error: &tokio_postgres::Error) -> bool {
        error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)
    }

    /// Whether it is not the server that answers, or one that starts or stops.
    pub(super) fn is_network(error: &tokio_postgres::Error) -> bool {
        error.code().is_none_or(|code| is_lost(code.code()))
    }

    fn code(&self) -> Option<&str> {
        if let Self::Driver(error) = self { error.code().map(SqlState::code) } else { None }
    }

    /// Whether the same statements may succeed now: a deadlock, or another write came first.
    pub(super) fn is_collision(&self) -> bool {
        matches!(self, Self::Driver(error) if matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)))
    }

    /// Whether there is such a node already.
    pub(super) fn is_key_conflict(&self) -> bool {
        matches!(self, Self::Driver(error) if is_key_conflict(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(reason) => Self::Refused(reason),
            Failure::Unreachable | Failure::Silent => Self::Unavailable,
            Failure::TimedOut => Self::Timeout,
            Failure::Unknown => Self::Unknown,
            Failure::Busy => Self::Busy,
            Failure::Closed => Self::Closed,
            Failure::Driver(error) if is_key_conflict(&error) => Self::Conflict,
            Failure::Driver(error) => match error.code().map(SqlState::code) {
                Some("57014") => Self::Timeout,
                Some("53100") => Self::Full,
                Some("25006") => Self::ReadOnly,
                Some("53000" | "53200" | "53300" | "55P03" | "40001" | "40P01") => Self::Busy,
                Some("54000") => Self::Refused("a value is too long for its index: shorten it".to_owned()),
                Some("22021") => Self::Refused("text with the character U+0000 cannot be stored".to_owned()),
                Some(code) if is_lost(code) => Self::Unavailable,
                None if is_of_network(&error) => Self::Unavailable,
                _ => Self::Internal(Arc::new(error)),
            },
        }
    }
}

/// Connection exceptions, shutdown, crash, start and the end of an idle session.
fn is_lost(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || code == "25P03"
}

fn is_of_network(error: &tokio_postgres::Error) -> bool {
    let io = std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    error.is_closed() || io
}

fn is_key_conflict(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|error| *error.code() == SqlState::UNIQUE_VIOLATION && error.constraint() == Some(KEY_INDEX))
}

/// By PostgreSQL's error code, with the database's name.
pub(super) fn not_opened(database: &str, error: sqlx::Error) -> OpenError {
    from_open_code(database, code(&error).as_deref(), is_io(&error), Box::new(error))
}

/// By PostgreSQL's error code, with the database's name.
pub(super) fn not_connected(database: &str, failure: Failure) -> OpenError {
    match failure {
        Failure::Driver(error) => {
            let code = error.code().map(|code| code.code().to_owned());
            from_open_code(database, code.as_deref(), is_of_network(&error), Box::new(error))
        }
        other => OpenError::Unreachable { database: database.to_owned(), source: Box::new(Error::from(other)) },
    }
}

/// By PostgreSQL's error code, with the database's name.
pub(super) fn not_prepared(database: &str, error: DbErr) -> OpenError {
    let driver = cause(&error);
    from_open_code(database, driver.and_then(code).as_deref(), driver.is_some_and(is_io), Box::new(error))
}

fn from_open_code(
    database: &str,
    code: Option<&str>,
    is_io: bool,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> OpenError {
    let database = database.to_owned();
    match code {
        Some("55P03" | "40P01") => OpenError::Locked { database },
        Some("53100") => OpenError::Full { database },
        Some("25006") => OpenError::ReadOnly { database },
        Some("28000" | "28P01" | "42501") => OpenError::Denied { database, source },
        Some("3D000") => OpenError::NoDatabase { database },
        Some(code) if is_lost(code) || code == "53300" => OpenError::Unreachable { database, source },
        None if is_io => OpenError::Unreachable { database, source },
        _ => OpenError::Internal { database, source },
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

fn is_io(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_))
}
