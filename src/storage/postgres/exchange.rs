//! Export and import on PostgreSQL: rows as the server sends them, nodes by `copy`, relations a thousand to a statement.

use std::collections::BTreeMap;
use std::future::Future;

use futures_util::TryStreamExt;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::connection::Connection;
use super::error::{Failure, not_connected};
use super::parameter::type_of;
use super::place::Place;
use super::pulse::Pulse;
use crate::model::columns::system;
use crate::model::{Column, StorageType};
use crate::sql::{Parameter, Sql};
use crate::storage::dialect::numbered;
use crate::storage::error::{Error, OpenError};
use crate::storage::exchange::{NewNode, NewRelation, NotAdded, Rejection};
use crate::storage::search::postgres::{new_words, vector};
use crate::storage::settings::Settings;

/// What a transaction sees is settled by its first statement.
const SNAPSHOT: &str = "begin isolation level repeatable read read only; select 1 from clef_schema limit 1";
/// A file takes as long as it takes. Only for the transaction: the next one may be another client's (pgbouncer).
const NO_TIMEOUT: &str = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
/// Rows come from indexes in their order, and none is kept for a sort or a hash table.
const STREAMED: &str = "set local enable_sort = off; set local enable_hashjoin = off; set local enable_mergejoin = off; \
     set local enable_bitmapscan = off";
/// Beside other writes.
const BEGIN: &str = "begin read write";
/// Nodes are found by the index of their keys, whatever the statistics of a table say that was empty a moment ago.
const BY_KEY: &str =
    "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

/// The database as it is at one moment: a transaction that is open for as long as this lives.
#[derive(Debug)]
pub(in crate::storage) struct Exporter(Connection);

/// Writes in batches.
#[derive(Debug)]
pub(in crate::storage) struct Importer(Connection);

impl Exporter {
    /// Of a database that was opened before, and fits.
    pub(in crate::storage) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let place = Place::new(&settings.url, settings)?;
        let opened = async {
            let mut connection = Pulse::once(place.clone()).await?;
            connection.begin(SNAPSHOT).await?;
            connection.client().batch_execute(&[NO_TIMEOUT, STREAMED].join("; ")).await?;
            Ok(Self(connection))
        };
        opened.await.map_err(|failure| not_connected(&place.name, failure))
    }

    /// Hands over one row after the other.
    pub(in crate::storage) async fn each<E: From<Error>>(
        &self,
        statement: &Sql,
        mut take: impl FnMut(Vec<Parameter>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: tokio_postgres::Error| E::from(Failure::from(error).into());
        let text = numbered(statement.text());
        let rows = self.0.client().query_typed_raw(&text, typed(statement)).await.map_err(failed)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            take(values(&row).map_err(failed)?)?;
        }
        Ok(())
    }
}

impl Importer {
    /// Of a database that was opened before, and fits.
    pub(in crate::storage) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let place = Place::new(&settings.url, settings)?;
        let connection = Pulse::once(place.clone()).await;
        connection.map(Self).map_err(|failure| not_connected(&place.name, failure))
    }

    /// All rows of a statement.
    pub(in crate::storage) async fn rows(&self, statement: &Sql) -> Result<Vec<Vec<Parameter>>, Error> {
        let read = async {
            let rows = self.client().query_typed_raw(&numbered(statement.text()), typed(statement)).await?;
            rows.and_then(|row| std::future::ready(values(&row))).try_collect().await
        };
        read.await.map_err(error)
    }

    /// Begins a batch.
    pub(in crate::storage) async fn begin(&self) -> Result<(), Error> {
        self.client().batch_execute(&[BEGIN, NO_TIMEOUT, BY_KEY].join("; ")).await.map_err(error)
    }

    /// Adds nodes in this order.
    pub(in crate::storage) async fn add_nodes(&self, nodes: &[NewNode<'_>]) -> Result<(), NotAdded> {
        self.add(nodes, Rejection::Exists, |nodes| copy_nodes(self.client(), nodes)).await
    }

    /// Adds relations in this order.
    pub(in crate::storage) async fn add_relations(&self, relations: &[NewRelation]) -> Result<(), NotAdded> {
        self.add(relations, Rejection::NoEnd, |relations| insert_relations(self.client(), relations)).await
    }

    /// Runs a statement. Returns how many rows it wrote.
    pub(in crate::storage) async fn run(&self, statement: &Sql) -> Result<u64, Error> {
        let parameters: Vec<_> =
            typed(statement).map(|(parameter, ty)| (parameter as &(dyn ToSql + Sync), ty)).collect();
        self.client().execute_typed(&numbered(statement.text()), &parameters).await.map_err(error)
    }

    /// Ends a batch.
    pub(in crate::storage) async fn commit(&self) -> Result<(), Error> {
        self.client().batch_execute("commit").await.map_err(error)
    }

    /// Ends a batch: nothing of it is kept.
    pub(in crate::storage) async fn rollback(&self) -> Result<(), Error> {
        self.client().batch_execute("rollback").await.map_err(error)
    }

    fn client(&self) -> &Client {
        self.0.client()
    }

    /// All at once; if that fails because of one of them, ever fewer, until it is the next one alone. `store` tells how many it wrote, and
    /// those it leaves out are there for the reason `left_out`.
    async fn add<'a, T, F>(
        &self,
        rows: &'a [T],
        left_out: Rejection,
        store: impl Fn(&'a [T]) -> F,
    ) -> Result<(), NotAdded>
    where
        F: Future<Output = Result<u64, tokio_postgres::Error>>,
    {
        let (mut rest, mut size) = (rows, rows.len());
        while !rest.is_empty() {
            size = size.min(rest.len());
            let (some, others) = rest.split_at(size);
            self.client().batch_execute("savepoint added").await.map_err(error)?;
            let rejection = match store(some).await {
                Ok(written) if written == u64::try_from(some.len()).unwrap_or(u64::MAX) => {
                    self.client().batch_execute("release savepoint added").await.map_err(error)?;
                    rest = others;
                    continue;
                }
                Ok(_) => None,
                Err(failed) => {
                    let failed = error(failed);
                    Some(Rejection::of(&failed).ok_or(failed)?)
                }
            };
            self.client().batch_execute("rollback to savepoint added").await.map_err(error)?;
            if size == 1 {
                return Err(NotAdded::At(rows.len() - rest.len(), rejection.unwrap_or(left_out)));
            }
            size /= 2;
        }
        Ok(())
    }
}

/// Those columns only that some node has.
async fn copy_nodes(client: &Client, nodes: &[NewNode<'_>]) -> Result<u64, tokio_postgres::Error> {
    let mut columns: BTreeMap<&str, (usize, &Column)> = BTreeMap::new();
    for (column, _) in nodes.iter().flat_map(|node| &node.values) {
        let position = columns.len();
        columns.entry(&column.name).or_insert((position, *column));
    }
    let mut ordered: Vec<_> = columns.values().collect();
    ordered.sort_by_key(|(position, _)| *position);
    let mut sql = Sql::new("copy node (");
    sql.ident(system::TYPE).push(", ").ident(system::KEY);
    let mut types = vec![Type::TEXT, Type::TEXT];
    for (_, column) in ordered {
        sql.push(", ").ident(&column.name);
        types.push(column_type(column.storage));
    }
    sql.push(") from stdin (format binary)");
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(client.copy_in(sql.text()).await?, &types));
    let mut row: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(types.len());
    for node in nodes {
        row.clear();
        row.extend([&node.ty as &(dyn ToSql + Sync), &node.key]);
        row.resize(types.len(), &Parameter::Null);
        for (column, value) in &node.values {
            let position = columns.get(column.name.as_str()).map(|(position, _)| position + 2);
            if let Some(place) = position.and_then(|position| row.get_mut(position)) {
                *place = value;
            }
        }
        writer.as_mut().write(&row).await?;
    }
    let copied = writer.finish().await?;
    index_nodes(client, nodes).await?;
    Ok(copied)
}

/// Their rows in the full-text index.
async fn index_nodes(client: &Client, nodes: &[NewNode<'_>]) -> Result<(), tokio_postgres::Error> {
    let (mut types, mut keys, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    for node in nodes.iter().filter(|node| !node.found.is_empty()) {
        types.push(node.ty);
        keys.push(node.key.as_str());
        vectors.push(vector(node.ty, node.found.iter().map(|found| (found.number, found.text.as_str()))));
    }
    if types.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("insert into clef_search (id, words) select n.");
    sql.ident(system::ID)
        .push(", f.words::tsvector from unnest($1::text[], $2::text[], $3::text[]) f (type, key, words) ");
    sql.push("join node n on n.").ident(system::TYPE).push(" = f.type and n.").ident(system::KEY).push(" = f.key");
    let parameters: [(&(dyn ToSql + Sync), Type); 3] =
        [(&types, Type::TEXT_ARRAY), (&keys, Type::TEXT_ARRAY), (&vectors, Type::TEXT_ARRAY)];
    client.execute_typed(sql.text(), &parameters).await?;
    if let Some(words) = new_words(nodes.iter().flat_map(|node| &node.found).map(|found| found.text.as_str())) {
        let parameters: Vec<_> = typed(&words).map(|(parameter, ty)| (parameter as &(dyn ToSql + Sync), ty)).collect();
        client.execute_typed(&numbered(words.text()), &parameters).await?;
    }
    Ok(())
}

/// Leaves out those whose ends are not there.
async fn insert_relations(client: &Client, relations: &[NewRelation]) -> Result<u64, tokio_postgres::Error> {
    let mut sql = Sql::new("insert into relation (name, source, target) select r.name, s.");
    sql.ident(system::ID).push(", t.").ident(system::ID);
    sql.push(
        " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) \
         with ordinality r (name, from_type, from_key, to_type, to_key, position)",
    );
    for (alias, ty, key) in [("s", "r.from_type", "r.from_key"), ("t", "r.to_type", "r.to_key")] {
        sql.push(" join node ")
            .ident(alias)
            .push(" on ")
            .ident(alias)
            .push(".")
            .ident(system::TYPE)
            .push(" = ")
            .push(ty);
        sql.push(" and ").ident(alias).push(".").ident(system::KEY).push(" = ").push(key);
    }
    sql.push(" order by r.position");
    let texts = |text: fn(&NewRelation) -> &str| relations.iter().map(text).collect::<Vec<_>>();
    let columns = [
        texts(|relation| &relation.name),
        texts(|relation| &relation.from[0]),
        texts(|relation| &relation.from[1]),
        texts(|relation| &relation.to[0]),
        texts(|relation| &relation.to[1]),
    ];
    let parameters: Vec<_> = columns.iter().map(|column| (column as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
    client.execute_typed(sql.text(), &parameters).await
}

fn column_type(storage: StorageType) -> Type {
    match storage {
        StorageType::Integer | StorageType::Boolean => Type::INT8,
        StorageType::Real => Type::FLOAT8,
        StorageType::Text | StorageType::Date | StorageType::DateTime | StorageType::List | StorageType::Json => {
            Type::TEXT
        }
    }
}

fn typed(statement: &Sql) -> impl ExactSizeIterator<Item = (&Parameter, Type)> {
    statement.parameters().iter().map(|parameter| (parameter, type_of(parameter)))
}

fn values(row: &Row) -> Result<Vec<Parameter>, tokio_postgres::Error> {
    let value = |(position, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(position)?.map_or(Parameter::Null, Parameter::from),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(position)?.map_or(Parameter::Null, Parameter::from),
            _ => row.try_get::<_, Option<&str>>(position)?.map_or(Parameter::Null, Parameter::from),
        })
    };
    row.columns().iter().enumerate().map(value).collect()
}

fn error(error: tokio_postgres::Error) -> Error {
    Failure::from(error).into()
}
