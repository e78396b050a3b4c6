//! Export and import on SQLite. They block their thread.

use std::cell::Cell;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, ToSql};

use super::error::not_opened_to_read;
use super::place::{self, Place};
use crate::model::columns::system;
use crate::sql::{Parameter, Sql};
use crate::storage::exchange::{NewNode, NewRelation, NotAdded, Rejection};
use crate::storage::{Error, OpenError, Settings, search};

/// How long a server may hold the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two batches: SQLite wakes nobody who waits for the lock, they look again and again.
const PAUSE: Duration = Duration::from_millis(5);

/// The database as it is at one moment, for as long as this lives; the log of the database only grows meanwhile.
#[derive(Debug)]
pub(in crate::storage) struct Exporter(Connection);

/// Writes in batches. A batch that is not committed is undone.
#[derive(Debug)]
pub(in crate::storage) struct Importer {
    connection: Connection,
    /// Whether a batch was begun.
    has_begun: Cell<bool>,
}

impl Exporter {
    /// Of a database that was opened before, and fits.
    pub(in crate::storage) fn open(settings: &Settings) -> Result<Self, OpenError> {
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
    pub(in crate::storage) fn each<E: From<Error>>(
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
    pub(in crate::storage) fn open(settings: &Settings) -> Result<Self, OpenError> {
        let place = Place::new(settings)?;
        let opened = || {
            let connection = place::connect(&place.path, BUSY_TIMEOUT)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", "on")?;
            connection.pragma_update(None, "cache_size", "-32768")?;
            Ok::<_, rusqlite::Error>(Self { connection, has_begun: Cell::new(false) })
        };
        opened().map_err(|error| not_opened_to_read(&place.path, error))
    }

    /// All rows of a statement.
    pub(in crate::storage) fn rows(&self, statement: Sql) -> Result<Vec<Vec<Parameter>>, Error> {
        let (text, parameters) = statement.into_parts();
        let mut statement = self.connection.prepare_cached(&text)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(bound(&parameters)))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(values(row, columns)?);
        }
        Ok(all)
    }

    /// Begins a batch; others who write wait from here to its end.
    pub(in crate::storage) fn begin(&self) -> Result<(), Error> {
        if self.has_begun.replace(true) {
            std::thread::sleep(PAUSE);
        }
        Ok(self.connection.execute_batch("begin immediate")?)
    }

    /// Adds nodes in this order.
    pub(in crate::storage) fn add_nodes(&self, nodes: &[NewNode<'_>]) -> Result<(), NotAdded> {
        for (position, node) in nodes.iter().enumerate() {
            self.run(insert(node)).map_err(|error| not_added(position, error))?;
            let found = node.found.iter().map(|found| (found.column, found.text.clone()));
            if let Some(row) = search::inserted_row(found) {
                self.run(row)?;
            }
        }
        Ok(())
    }

    /// Adds relations in this order.
    pub(in crate::storage) fn add_relations(&self, relations: &[NewRelation]) -> Result<(), NotAdded> {
        for (position, relation) in relations.iter().enumerate() {
            if self.run(relate(relation)).map_err(|error| not_added(position, error))? == 0 {
                return Err(NotAdded::At(position, Rejection::NoEnd));
            }
        }
        Ok(())
    }

    /// Runs a statement. Returns how many rows it wrote. If it fails, what went before in the batch stays.
    pub(in crate::storage) fn run(&self, statement: Sql) -> Result<u64, Error> {
        let (text, parameters) = statement.into_parts();
        let mut statement = self.connection.prepare_cached(&text)?;
        let written = statement.execute(rusqlite::params_from_iter(bound(&parameters)))?;
        Ok(u64::try_from(written).unwrap_or(u64::MAX))
    }

    /// Ends a batch: it is on the disk.
    pub(in crate::storage) fn commit(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("commit")?)
    }

    /// Ends a batch: nothing of it is kept.
    pub(in crate::storage) fn rollback(&self) -> Result<(), Error> {
        // Some errors end the transaction by themselves.
        if self.connection.is_autocommit() {
            return Ok(());
        }
        Ok(self.connection.execute_batch("rollback")?)
    }
}

fn not_added(position: usize, error: Error) -> NotAdded {
    match Rejection::of(&error) {
        Some(rejection) => NotAdded::At(position, rejection),
        None => NotAdded::Database(error),
    }
}

fn insert(node: &NewNode<'_>) -> Sql {
    let mut sql = Sql::new("insert into node (");
    sql.ident(system::TYPE).push(", ").ident(system::KEY);
    for (column, _) in &node.values {
        sql.push(", ").ident(&column.name);
    }
    let identity = [node.ty.into(), node.key.as_str().into()];
    sql.push(") values ").bind_list(identity.into_iter().chain(node.values.iter().map(|(_, value)| value.clone())));
    sql
}

/// Writes no row if an end is missing.
fn relate(relation: &NewRelation) -> Sql {
    let mut sql = Sql::new("insert into relation (name, source, target) select ");
    sql.bind(relation.name.as_str()).push(", s.").ident(system::ID).push(", t.").ident(system::ID);
    sql.push(" from node s cross join node t where ");
    let end = |(alias, [ty, key]): (&str, &[String; 2])| {
        let mut sql = Sql::default();
        sql.ident(alias).push(".").ident(system::TYPE).push(" = ").bind(ty.as_str());
        sql.push(" and ").ident(alias).push(".").ident(system::KEY).push(" = ").bind(key.as_str());
        sql
    };
    sql.join(" and ", [("s", &relation.from), ("t", &relation.to)].into_iter().map(end));
    sql
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
