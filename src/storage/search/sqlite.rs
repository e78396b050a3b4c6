//! The full-text index of SQLite: an FTS5 table with a column for each searched column, and the words that it has.

use sea_orm::DbErr;

use super::{Filled, columns};
use crate::model::Model;
use crate::model::columns::{search, system};
use crate::sql::{Parameter, Sql};
use crate::storage::schema::Schema;

/// Drops the index.
pub(super) async fn drop_index(schema: &Schema<'_>) -> Result<(), DbErr> {
    schema.run(Sql::new("drop trigger if exists clef_search_delete")).await?;
    for table in [search::WORDS, search::TABLE] {
        let mut sql = Sql::new("drop table if exists ");
        sql.ident(table);
        schema.run(sql).await?;
    }
    Ok(())
}

/// Makes an empty index.
pub(super) async fn make_tables(schema: &Schema<'_>, model: &Model) -> Result<(), DbErr> {
    schema.run(table(model)).await?;
    let mut words = Sql::new("create virtual table ");
    words.ident(search::WORDS).push(" using fts5vocab(").ident(search::TABLE).push(", row)");
    schema.run(words).await?;
    let mut trigger = Sql::new("create trigger clef_search_delete after delete on node begin delete from ");
    trigger.ident(search::TABLE).push(" where rowid = old.").ident(system::ID).push("; end");
    schema.run(trigger).await
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

/// Rows of nodes that were there before.
pub(super) fn insert(model: &Model, rows: &[Filled]) -> Sql {
    let mut sql = Sql::new("insert into ");
    sql.ident(search::TABLE).push(" (rowid");
    for column in columns(model) {
        sql.push(", ").ident(&search::column(&column.name));
    }
    sql.push(") values ");
    let row = |row: &Filled| {
        let texts = row.texts.iter().map(|text| text.clone().map_or(Parameter::Null, Parameter::from));
        let mut sql = Sql::default();
        sql.bind_list(std::iter::once(Parameter::from(row.id)).chain(texts));
        sql
    };
    sql.join(", ", rows.iter().map(row));
    sql
}
