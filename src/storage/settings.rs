//! How to reach the database, and how much of it to use at once.

use std::time::Duration;

/// How to reach the database, and how much of it to use at once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, `sqlite://FOLDER/FILE.db?mode=rwc`, or `sqlite::memory:` for one that ends with the
    /// process.
    pub url: String,
    /// A standby, by its address, that queries are read from.
    pub read_url: Option<String>,
    /// Statements that read at the same time, on SQLite.
    pub read_connections: u32,
    /// Connections to each PostgreSQL at most, for reads and writes.
    pub connections: u32,
    /// Whether servers on one PostgreSQL wake each other by NOTIFY, rather than look twice a second only.
    pub notify: bool,
    /// What stands between Clef and PostgreSQL.
    pub pooler: Pooler,
    /// How long a statement waits for a connection or a place in the queue.
    pub acquire_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// How long the writer waits for another process to unlock the file, on SQLite.
    pub busy_timeout: Duration,
}

/// What stands between Clef and PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooler {
    /// Nothing that matters: a connection is a session.
    #[default]
    None,
    /// What gives each transaction another session, such as pgbouncer in its transaction mode: nothing is set or prepared in one.
    Transaction,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| u32::try_from(cores.get()).unwrap_or(8));
        Self {
            url: "sqlite://data/clef.db?mode=rwc".to_owned(),
            read_url: None,
            read_connections: cores.clamp(2, 8),
            connections: 16,
            notify: true,
            pooler: Pooler::None,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// An address as it may be shown.
pub(super) fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let (head, tail) = (url.get(..scheme + 3), url.get(at..));
            [head.unwrap_or_default(), "...", tail.unwrap_or_default()].concat()
        }
        _ => url.to_owned(),
    }
}
