//! Connections of their own for export and import, beside those of a server: a snapshot that is read as a stream, and batches of writes
//! between which others write. They block their thread.

use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, ToSql};

use super::error::not_opened_to_read;
use super::place::{self, Place};
use crate::sql::{Parameter, Sql};
use crate::storage::{Error, OpenError, Settings};

/// How long a server may hold the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The database as it is at one moment, for as long as this lives; the log of the database only grows meanwhile.
#[derive(Debug)]
pub struct Exporter(Connection);

/// Writes in batches. A batch that is not committed is undone.
#[derive(Debug)]
pub struct Importer(Connection);

impl Exporter {
    /// Of a database that was opened before, and fits.
    ///
    /// # Errors
    ///
    /// The address cannot be read, or the file not opened.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let place = Place::new(settings)?;
        let opened = || {
            let connection = place::connect(&place.path, BUSY_TIMEOUT)?;
            connection.pragma_update(None, "query_only", "on")?;
            // A transaction begins with its first read (SQLite, "BEGIN DEFERRED").
            connection.execute_batch("begin; select 1 from clef_schema limit 1")?;
            Ok::<_, rusqlite::Error>(Self(connection))
        };
        opened().map_err(|error| not_opened_to_read(&place.path, error))
    }

    /// Hands over one row after the other.
    ///
    /// # Errors
    ///
    /// The database's, and those of `take`.
    pub fn each<E: From<Error>>(
        &self,
        statement: Sql,
        mut take: impl FnMut(Vec<Parameter>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (text, parameters) = statement.into_parts();
        let failed = |error: rusqlite::Error| E::from(error.into());
        let mut statement = self.0.prepare(&text).map_err(failed)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(bound(&parameters))).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            take(values(row, columns).map_err(failed)?)?;
        }
        Ok(())
    }
}

impl Importer {
    /// Of a database that was opened before, and fits.
    ///
    /// # Errors
    ///
    /// The address cannot be read, or the file not opened.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let place = Place::new(settings)?;
        let opened = || {
            let connection = place::connect(&place.path, BUSY_TIMEOUT)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", "on")?;
            connection.pragma_update(None, "cache_size", "-32768")?;
            Ok::<_, rusqlite::Error>(Self(connection))
        };
        opened().map_err(|error| not_opened_to_read(&place.path, error))
    }

    /// All rows of a statement.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn rows(&self, statement: Sql) -> Result<Vec<Vec<Parameter>>, Error> {
        let (text, parameters) = statement.into_parts();
        let mut statement = self.0.prepare_cached(&text)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(bound(&parameters)))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(values(row, columns)?);
        }
        Ok(all)
    }

    /// Begins a batch; others who write wait from here to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if others write all the time; the database's.
    pub fn begin(&self) -> Result<(), Error> {
        Ok(self.0.execute_batch("begin immediate")?)
    }

    /// Runs a statement. Returns how many rows it wrote. If it fails, what went before in the batch stays.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if there is a node of this type with this key; the database's.
    pub fn run(&self, statement: Sql) -> Result<usize, Error> {
        let (text, parameters) = statement.into_parts();
        Ok(self.0.prepare_cached(&text)?.execute(rusqlite::params_from_iter(bound(&parameters)))?)
    }

    /// Ends a batch: it is on the disk.
    ///
    /// # Errors
    ///
    /// The database's; nothing of the batch is kept then.
    pub fn commit(&self) -> Result<(), Error> {
        Ok(self.0.execute_batch("commit")?)
    }
}

fn bound(parameters: &[Parameter]) -> impl Iterator<Item = &dyn ToSql> {
    parameters.iter().map(|parameter| parameter as &dyn ToSql)
}

fn values(row: &Row<'_>, columns: usize) -> Result<Vec<Parameter>, rusqlite::Error> {
    let value = |column| {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Parameter::Null,
            ValueRef::Integer(number) => Parameter::Integer(number),
            ValueRef::Real(number) => Parameter::Real(number),
            text @ (ValueRef::Text(_) | ValueRef::Blob(_)) => Parameter::Text(text.as_str()?.to_owned()),
        })
    };
    (0..columns).map(value).collect()
}
