//! The settings of the database but its address: from texts to values, each with its default. Those that only concern PostgreSQL are
//! refused beside SQLite, where they would do nothing.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Settings;
use super::problem::Problems;
use super::values::number;
use crate::storage::Pooler;
use crate::value::time_span;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const ACQUIRE_TIMEOUT_MAX: Duration = Duration::from_secs(30);
const CONNECTIONS: u32 = 16;

/// How the database is used.
#[derive(Clone, Debug)]
pub struct Database {
    /// A standby that queries are read from. May hold a password.
    pub read_url: Option<SecretString>,
    /// At once, at most, to each server.
    pub connections: u32,
    /// How long a statement waits for a connection.
    pub acquire_timeout: Duration,
    /// What stands between.
    pub pooler: Pooler,
}

impl Database {
    pub(super) fn new(settings: &Settings, url: &SecretString, problems: &mut Problems) -> Self {
        let is_sqlite = url.expose_secret().starts_with("sqlite:");
        let only_postgres = [
            ("DATABASE_READ_URL", settings.database_read_url.is_some()),
            ("DATABASE_CONNECTIONS", settings.database_connections.is_some()),
            ("DATABASE_POOLER", settings.database_pooler.is_some()),
        ];
        for (variable, is_set) in only_postgres {
            if is_sqlite && is_set {
                problems
                    .push(variable, "is for PostgreSQL, and DATABASE_URL names a SQLite database: remove one of them");
            }
        }
        let read_url = settings.database_read_url.clone();
        let is_postgres = |url: &SecretString| {
            ["postgres://", "postgresql://"].iter().any(|scheme| url.expose_secret().starts_with(scheme))
        };
        if read_url.as_ref().is_some_and(|url| !is_postgres(url)) {
            problems.push("DATABASE_READ_URL", "names no standby: write `postgres://USER:PASSWORD@HOST/DATABASE`");
        }
        let connections = settings.database_connections.as_deref();
        Self {
            read_url,
            connections: number("DATABASE_CONNECTIONS", connections, CONNECTIONS, 1..=1000, problems),
            acquire_timeout: acquire_timeout(settings, problems),
            pooler: pooler(settings, problems),
        }
    }
}

fn acquire_timeout(settings: &Settings, problems: &mut Problems) -> Duration {
    let Some(text) = settings.database_acquire_timeout.as_deref().map(str::trim) else { return ACQUIRE_TIMEOUT };
    match problems.take("DATABASE_ACQUIRE_TIMEOUT", time_span::parse(text)) {
        Some(timeout) if timeout.is_zero() || timeout > ACQUIRE_TIMEOUT_MAX => {
            let message = format!("`{text}` is no time to wait: write one up to 30s, such as `3s`");
            problems.push("DATABASE_ACQUIRE_TIMEOUT", message);
            ACQUIRE_TIMEOUT
        }
        timeout => timeout.unwrap_or(ACQUIRE_TIMEOUT),
    }
}

fn pooler(settings: &Settings, problems: &mut Problems) -> Pooler {
    match settings.database_pooler.as_deref().map(str::trim) {
        None | Some("none") => Pooler::None,
        Some("transaction") => Pooler::Transaction,
        Some(other) => {
            let message = format!(
                "`{other}` is unknown: write `transaction` for pgbouncer in its transaction mode, or `none`; its session mode needs nothing"
            );
            problems.push("DATABASE_POOLER", message);
            Pooler::None
        }
    }
}
