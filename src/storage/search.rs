//! The full-text index fitted to the model: an FTS5 table with a row for each node that has something to be found by.
//!
//! Writes bring their own statements; what is here makes the index from the nodes that are there already. Deleting a node takes its row along.

use std::time::Instant;

use sea_orm::DbErr;

use super::change::Change;
use super::schema::Schema;
use crate::model::columns::{search, system};
use crate::model::{Column, Model, StorageType};
use crate::sql::{Dialect, Parameter, Sql};
use crate::value::words;

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
    // There is no full-text index for PostgreSQL yet.
    if schema.dialect == Dialect::Postgres {
        return Ok(None);
    }
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
    schema.run(Sql::new("drop trigger if exists clef_search_delete")).await?;
    for table in [search::WORDS, search::TABLE] {
        let mut sql = Sql::new("drop table if exists ");
        sql.ident(table);
        schema.run(sql).await?;
    }
    schema.run(Sql::new("delete from clef_search_definition")).await
}

/// Makes the index from all nodes.
pub(super) async fn make_index(schema: &Schema<'_>, model: &Model) -> Result<(), DbErr> {
    drop_index(schema).await?;
    schema.run(table(model)).await?;
    let mut words = Sql::new("create virtual table ");
    words.ident(search::WORDS).push(" using fts5vocab(").ident(search::TABLE).push(", row)");
    schema.run(words).await?;
    let mut trigger = Sql::new("create trigger clef_search_delete after delete on node begin delete from ");
    trigger.ident(search::TABLE).push(" where rowid = old.").ident(system::ID).push("; end");
    schema.run(trigger).await?;
    fill(schema, model).await?;
    let mut record = Sql::new("insert into clef_search_definition (id, definition) values (1, ");
    record.bind(definition(model).unwrap_or_default()).push(")");
    schema.run(record).await
}

/// Texts come folded and with a blank between tokens, so that the simplest tokenizer is enough.
fn table(model: &Model) -> Sql {
    let mut sql = Sql::new("create virtual table ");
    sql.ident(search::TABLE).push(" using fts5(");
    for column in columns(model) {
        sql.ident(&search::column(&column.name)).push(", ");
    }
    sql.push("tokenize = 'ascii')");
    sql
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
                let value: Option<String> = row.try_get_by_index(position + 1)?;
                folded.push(value.and_then(|value| text(&value, column.storage)));
            }
            texts.push((last, folded));
        }
        for texts in texts.chunks(ROWS) {
            schema.run(insert(model, texts)).await?;
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
    sql.ident(system::ID);
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

/// The row of the node that was inserted just before, from the names of columns of `node` and what is found by them; `None` without any.
pub fn inserted_row<'a>(texts: impl IntoIterator<Item = (&'a str, String)>) -> Option<Sql> {
    let texts: Vec<_> = texts.into_iter().collect();
    if texts.is_empty() {
        return None;
    }
    let mut sql = Sql::new("insert into ");
    sql.ident(search::TABLE).push(" (rowid");
    for (column, _) in &texts {
        sql.push(", ").ident(&search::column(column));
    }
    sql.push(") values (last_insert_rowid()");
    for (_, text) in texts {
        sql.push(", ").bind(text);
    }
    sql.push(")");
    Some(sql)
}

/// What is found of a stored value.
pub fn text(stored: &str, storage: StorageType) -> Option<String> {
    let folded = match storage {
        StorageType::List => {
            let items: Vec<Option<String>> = serde_json::from_str(stored).unwrap_or_default();
            words::folded(&items.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        _ => words::folded(stored),
    };
    (!folded.is_empty()).then_some(folded)
}

fn insert(model: &Model, texts: &[(i64, Vec<Option<String>>)]) -> Sql {
    let mut sql = Sql::new("insert into ");
    sql.ident(search::TABLE).push(" (rowid");
    for column in columns(model) {
        sql.push(", ").ident(&search::column(&column.name));
    }
    sql.push(") values ");
    let row = |(id, texts): &(i64, Vec<Option<String>>)| {
        let texts = texts.iter().map(|text| text.clone().map_or(Parameter::Null, Parameter::from));
        let mut sql = Sql::default();
        sql.bind_list(std::iter::once(Parameter::from(*id)).chain(texts));
        sql
    };
    sql.join(", ", texts.iter().map(row));
    sql
}
