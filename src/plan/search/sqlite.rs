//! The terms of FTS5.

use super::{Asked, Found, NEIGHBOURS_MAX, best_first, misspelt, neighbours};
use crate::model::columns::{search, system};
use crate::model::{Column, Model};
use crate::plan::filter;
use crate::sql::Sql;
use crate::value::words::Word;

/// Nodes with these words in these columns.
pub(super) fn found(asked: &Asked<'_>, columns: &[(usize, &Column)], words: &[Word]) -> Found {
    let (model, node) = (asked.model, asked.node);
    // The limit keeps SQLite from merging the sub-select with the outer one, where bm25 cannot be asked.
    let mut rows = Sql::new("(select rowid as id, -bm25(");
    rows.ident(search::TABLE).push(") as score from ").ident(search::TABLE);
    rows.push(" where ").ident(search::TABLE).push(" match ").append(operand(model, columns, words));
    rows.push(" limit -1) s cross join node ").append(node.sql());
    let mut condition = node.column(system::ID);
    condition.push(" = s.id");
    let score = Sql::new("s.score");
    let conditions = vec![filter::has_type(model, node, asked.types), condition];
    Found { rows, id: node.column(system::ID), order: best_first(&score, node), score, conditions }
}

/// The right side of `match`, put together by the database: which words there are is known to it alone.
fn operand(model: &Model, columns: &[(usize, &Column)], words: &[Word]) -> Sql {
    let mut sql = Sql::default();
    if columns.len() < model.search().columns.len() {
        let names: Vec<_> =
            columns.iter().map(|(_, column)| ["\"", &search::column(&column.name), "\""].concat()).collect();
        sql.literal(&["{", &names.join(" "), "} : ("].concat());
    } else {
        sql.literal("(");
    }
    for (position, word) in words.iter().enumerate() {
        sql.push(if position > 0 { " || ' AND ' || " } else { " || " }).append(alternatives(word));
    }
    sql.push(" || ')'");
    sql
}

/// A word as a part of the operand. Words consist of letters, marks and digits, so that nothing in them has a meaning to FTS5.
fn alternatives(word: &Word) -> Sql {
    let [token] = word.as_slice() else {
        // The last character may be one of a word with blanks, as in `第5`.
        let mut sql = Sql::default();
        sql.bind(["\"", &word.join(" "), "\" *"].concat());
        return sql;
    };
    let whole = ["\"", token, "\""].concat();
    let beginning = [&whole, " *"].concat();
    // The whole word counts twice where there are longer ones, and so comes before them. Asked for only then: each phrase takes its time.
    let mut sql = Sql::new("coalesce(case when exists (select 1 from ");
    sql.ident(search::WORDS).push(" where term > ").bind(token.as_str());
    sql.push(" and term < ").bind(end_of(token)).push(") then case when exists (").append(same_word(token));
    sql.push(") then ").bind(["(", &whole, " OR ", &beginning, ")"].concat()).push(" else ").bind(beginning.as_str());
    sql.push(" end when exists (").append(same_word(token)).push(") then ").bind(whole).push(" end, ");
    let characters: Vec<char> = token.chars().collect();
    if let Some(first) = misspelt(&characters) {
        sql.push("(select '(' || group_concat('\"' || term || '\"', ' OR ') || ')' from (select term from ");
        sql.ident(search::WORDS).push(" where term >= ").bind(first.to_string()).push(" and term < ");
        sql.bind(end_of(&first.to_string())).push(" and term regexp ").bind(neighbours(&characters));
        sql.push(" order by doc desc limit ").number(NEIGHBOURS_MAX).push(")), ");
    }
    sql.bind(beginning).push(")");
    sql
}

fn same_word(token: &str) -> Sql {
    let mut sql = Sql::new("select 1 from ");
    sql.ident(search::WORDS).push(" where term = ").bind(token);
    sql
}

/// Comes after all words with this beginning.
fn end_of(beginning: &str) -> String {
    [beginning, "\u{10ffff}"].concat()
}
