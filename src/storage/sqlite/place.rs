//! Where the database is: settings to connection options, folder and file with their rights.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::storage::error::OpenError;
use crate::storage::settings::{Settings, without_password};

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 512;
/// Of connections that read; the one that writes has the first two as well.
pub(super) const READ_PRAGMAS: [(&str, &str); 4] =
    [TEMP_STORE, MMAP_SIZE, ("cache_size", "-4096"), ("query_only", "on")];
const TEMP_STORE: (&str, &str) = ("temp_store", "memory");
/// A list of 1,000 nodes took 1.9 ms of CPU with the file mapped, 3.3 ms without, whatever the size of the cache.
const MMAP_SIZE: (&str, &str) = ("mmap_size", "2147418112");

/// A folder that goes when the last user of its database does.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(error = &error as &dyn std::error::Error, "temporary database not removed");
        }
    }
}

/// The file of the database and how to connect to it.
#[derive(Debug)]
pub(super) struct Place {
    /// The database file.
    pub(super) path: PathBuf,
    /// Set if the database is to end with the process.
    pub(super) scratch: Option<Scratch>,
    options: SqliteConnectOptions,
}

impl Place {
    /// Reads the address; makes nothing but a temporary folder.
    pub(super) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let address = |source| OpenError::Address { url: without_password(&settings.url), source };
        if !settings.url.starts_with("sqlite:") {
            return Err(address(sqlx::Error::Configuration("another database".into())));
        }
        let mut options = SqliteConnectOptions::from_str(&settings.url).map_err(address)?;
        let mut scratch = None;
        if settings.url.contains(":memory:") || settings.url.contains("mode=memory") {
            // A shared memory database makes readers wait for the writer; a file in WAL mode behaves as in production.
            let folder = std::env::temp_dir().join(format!("clef-{}", uuid::Uuid::new_v4()));
            options = SqliteConnectOptions::new().filename(folder.join("clef.db")).create_if_missing(true);
            create_folder(&folder)?;
            scratch = Some(Scratch(folder));
        }
        let options =
            options.busy_timeout(settings.busy_timeout).foreign_keys(true).with_regexp().disable_statement_logging();
        Ok(Self { path: options.get_filename().to_owned(), scratch, options })
    }

    /// Makes the folder and the file if the address asks for that.
    pub(super) fn create(&self, settings: &Settings) -> Result<(), OpenError> {
        if self.path.exists() || (self.scratch.is_none() && !settings.url.contains("mode=rwc")) {
            return Ok(());
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            create_folder(folder)?;
        }
        create_file(&self.path)
    }

    /// For the changes at start: no pragma that would alter a file which may not be ours.
    pub(super) fn first_connection(&self) -> SqliteConnectOptions {
        self.options.clone().pragma(TEMP_STORE.0, TEMP_STORE.1)
    }

    /// For the one writer.
    pub(super) fn write_connection(&self) -> SqliteConnectOptions {
        let synchronous = if self.scratch.is_some() { SqliteSynchronous::Off } else { SqliteSynchronous::Full };
        self.any_connection().synchronous(synchronous).pragma("cache_size", "-32768")
    }

    /// For snapshots. Not opened read-only: that needs the files of the log to be there already.
    pub(super) fn read_connection(&self) -> SqliteConnectOptions {
        let options = self.any_connection();
        READ_PRAGMAS.into_iter().fold(options, |options, (name, value)| options.pragma(name, value))
    }

    fn any_connection(&self) -> SqliteConnectOptions {
        self.options
            .clone()
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .statement_cache_capacity(STATEMENTS_KEPT)
            .pragma(TEMP_STORE.0, TEMP_STORE.1)
            .pragma(MMAP_SIZE.0, MMAP_SIZE.1)
    }
}

/// For what is not done through sqlx; no pragma was run yet. Not read-only: that needs the files of the log to be there already.
pub(super) fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

fn create_folder(path: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| OpenError::Create { path: path.to_owned(), source })
}

/// SQLite gives the files of the log the rights of the database file.
fn create_file(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
    Ok(())
}
