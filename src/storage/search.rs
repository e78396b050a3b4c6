//! The full-text index fitted to the model: a row for each node that has something to be found by, in an FTS5 table or as a tsvector.
//!
//! Writes bring their own statements; what is here makes the index from the nodes that are there already. Deleting a node takes its row along.

pub mod postgres;
mod sqlite;

use std::time::Instant;

use sea_orm::DbErr;

use super::change::Change;
use super::schema::Schema;
use crate::model::columns::system;
use crate::model::{Column, Model, StorageType};
use crate::sql::{Dialect, Sql};
use crate::value::words;

pub use sqlite::inserted_row;

/// Nodes read at a time.
const PAGE: usize = 1_000;
/// Rows written at a time.
const ROWS: usize = 50;
/// Nodes between two lines of the log.
const NODES_BETWEEN_LINES: i64 = 50_000;

/// What the index would be made from, as text that changes whenever it has to be made anew; `None` if no query looks into it.
fn definition(model: &Model) -> Option<String> {
    if model.search().types.is_empty() {
        return None;
    }
    let types: Vec<_> = model.search().types.iter().map(|id| &*model.node_type(*id).name).collect();
    let columns: Vec<_> = columns(model).map(|column| column.name.as_str()).collect();
    Some(format!("rules {}\ntypes {}\ncolumns {}\n", words::RULES, types.join(" "), columns.join(" ")))
}

fn columns(model: &Model) -> impl Iterator<Item = &Column> {
    model.search().columns.iter().map(|id| model.column(*id))
}

/// Whether the index has to be made, made anew, or dropped.
pub(super) async fn compare(schema: &Schema<'_>, model: &Model) -> Result<Option<Change>, DbErr> {
    let recorded: Option<String> = schema.first(Sql::new("select definition from clef_search_definition")).await?;
    let wanted = definition(model);
    Ok(match wanted {
        same if same == recorded => None,
        Some(_) => Some(Change::MakeSearch {
            properties: columns(model).map(|column| column.property.clone()).collect(),
            types: model.search().types.iter().map(|id| model.node_type(*id).name.to_string()).collect(),
        }),
        None => Some(Change::DropSearch),
    })
}

/// Drops the index.
pub(super) async fn drop_index(schema: &Schema<'_>) -> Result<(), DbErr> {
    match schema.dialect {
        Dialect::Sqlite => sqlite::drop_index(schema).await?,
        Dialect::Postgres => postgres::drop_index(schema).await?,
    }
    schema.run(Sql::new("delete from clef_search_definition")).await
}

/// Makes the index from all nodes.
pub(super) async fn make_index(schema: &Schema<'_>, model: &Model) -> Result<(), DbErr> {
    drop_index(schema).await?;
    match schema.dialect {
        Dialect::Sqlite => {
            sqlite::make_tables(schema, model).await?;
            fill(schema, model).await?;
        }
        Dialect::Postgres => {
            postgres::make_tables(schema).await?;
            fill(schema, model).await?;
            postgres::make_indexes(schema).await?;
        }
    }
    let mut record = Sql::new("insert into clef_search_definition (id, definition) values (1, ");
    record.bind(definition(model).unwrap_or_default()).push(")");
    schema.run(record).await
}

/// A node that holds text.
struct Filled {
    id: i64,
    ty: String,
    /// What is found by each searched column.
    texts: Vec<Option<String>>,
}

async fn fill(schema: &Schema<'_>, model: &Model) -> Result<(), DbErr> {
    let started = Instant::now();
    let (mut last, mut nodes, mut told) = (0_i64, 0_i64, 0_i64);
    loop {
        let page = schema.rows(page(model, last)).await?;
        if page.is_empty() {
            break;
        }
        let mut texts = Vec::with_capacity(page.len());
        for row in &page {
            last = row.try_get_by_index(0)?;
            let mut folded = Vec::new();
            for (position, column) in columns(model).enumerate() {
                let value: Option<String> = row.try_get_by_index(position + 2)?;
                folded.push(value.and_then(|value| text(&value, column.storage)));
            }
            texts.push(Filled { id: last, ty: row.try_get_by_index(1)?, texts: folded });
        }
        for rows in texts.chunks(ROWS) {
            let insert = match schema.dialect {
                Dialect::Sqlite => sqlite::insert(model, rows),
                Dialect::Postgres => postgres::insert(rows),
            };
            schema.run(insert).await?;
        }
        nodes += i64::try_from(page.len()).unwrap_or_default();
        if nodes - told >= NODES_BETWEEN_LINES {
            told = nodes;
            tracing::info!(nodes, "full-text index being made");
        }
    }
    if nodes > 0 {
        tracing::info!(nodes, duration_ms = started.elapsed().as_millis(), "full-text index made");
    }
    Ok(())
}

/// The next nodes that hold any text, in the order of their numbers.
fn page(model: &Model, after: i64) -> Sql {
    let column = |column: &Column| {
        let mut sql = Sql::default();
        sql.ident(&column.name);
        sql
    };
    let mut sql = Sql::new("select ");
    sql.ident(system::ID).push(", ").ident(system::TYPE);
    for searched in columns(model) {
        sql.push(", ").append(column(searched));
    }
    sql.push(" from node where ").ident(system::ID).push(" > ").bind(after).push(" and ").ident(system::TYPE);
    sql.push(" in ").literal_list(model.search().types.iter().map(|id| &*model.node_type(*id).name));
    // Without a column nothing holds text.
    sql.push(" and coalesce(null");
    for searched in columns(model) {
        sql.push(", ").append(column(searched));
    }
    sql.push(", null) is not null order by ").ident(system::ID).push(" limit ").number(PAGE);
    sql
}

/// A text that a node is found by.
#[derive(Debug)]
pub struct Found<'a> {
    /// Column of `node`.
    pub column: &'a str,
    /// Its number among the searched ones.
    pub number: usize,
    /// Folded.
    pub text: String,
}

/// What a value is found by, if it is.
pub fn found<'a>(model: &Model, column: &'a Column, stored: &str) -> Option<Found<'a>> {
    let number = columns(model).position(|known| known.name == column.name)?;
    Some(Found { column: &column.name, number, text: text(stored, column.storage)? })
}

/// What is found of a stored value.
fn text(stored: &str, storage: StorageType) -> Option<String> {
    let folded = match storage {
        StorageType::List => {
            let items: Vec<Option<String>> = serde_json::from_str(stored).unwrap_or_default();
            words::folded(&items.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => words::folded(stored),
    };
    (!folded.is_empty()).then_some(folded)
}
