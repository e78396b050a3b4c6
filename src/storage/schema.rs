//! Statements about the schema, run within the transaction that makes the database ready.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, TryGetable, Value};

use super::catalogue::Entry;
use super::dialect;
use crate::sql::{Dialect, Parameter, Sql};

/// A transaction and the dialect that it understands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'a> {
    transaction: &'a DatabaseTransaction,
    /// What its statements are written in.
    pub(super) dialect: Dialect,
}

impl<'a> Schema<'a> {
    /// Within this transaction.
    pub(super) fn new(transaction: &'a DatabaseTransaction, dialect: Dialect) -> Self {
        Self { transaction, dialect }
    }

    /// Tables, indexes and views, also of a database that is not ours.
    pub(super) async fn entries(&self) -> Result<Vec<Entry>, DbErr> {
        let rows = self.rows(dialect::entries(self.dialect)).await?;
        let entry = |row: &QueryResult| {
            Ok(Entry { kind: row.try_get_by_index(0)?, name: row.try_get_by_index(1)?, text: row.try_get_by_index(2)? })
        };
        rows.iter().map(entry).collect()
    }

    /// Names of the columns that `node` really has, in order.
    pub(super) async fn columns(&self) -> Result<Vec<String>, DbErr> {
        self.texts(dialect::columns(self.dialect)).await
    }

    /// First column of all rows.
    pub(super) async fn texts(&self, sql: Sql) -> Result<Vec<String>, DbErr> {
        self.rows(sql).await?.iter().map(|row| row.try_get_by_index(0)).collect()
    }

    /// First column of the first row.
    pub(super) async fn first<T: TryGetable>(&self, sql: Sql) -> Result<Option<T>, DbErr> {
        let row = self.transaction.query_one_raw(self.statement(sql)).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }

    /// The number that a statement counts.
    pub(super) async fn count(&self, sql: Sql) -> Result<i64, DbErr> {
        Ok(self.first(sql).await?.unwrap_or_default())
    }

    /// Runs a statement that answers nothing.
    pub(super) async fn run(&self, sql: Sql) -> Result<(), DbErr> {
        self.transaction.execute_raw(self.statement(sql)).await?;
        Ok(())
    }

    /// All rows.
    pub(super) async fn rows(&self, sql: Sql) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(self.statement(sql)).await
    }

    fn statement(&self, sql: Sql) -> Statement {
        let (text, parameters) = sql.into_parts();
        let values = parameters.into_iter().map(|parameter| match parameter {
            Parameter::Null => Value::String(None),
            Parameter::Integer(number) => number.into(),
            Parameter::Real(number) => number.into(),
            Parameter::Text(text) => text.into(),
        });
        let (backend, text) = match self.dialect {
            Dialect::Sqlite => (DbBackend::Sqlite, text),
            Dialect::Postgres => (DbBackend::Postgres, dialect::numbered(&text)),
        };
        Statement::from_sql_and_values(backend, text, values)
    }
}
