//! Queries of the full-text index: what a text asks for in the terms of FTS5, and the nodes that fit, best first.
//!
//! Every word has to be found: as it is, as the beginning of a longer one, or, where no word begins with it, as one that differs in one
//! place (a letter too many, too few, another one, or two exchanged) and has the same first letter.

use async_graphql::Value;

use super::node::{Score, Statement};
use super::nulls::NullCheck;
use super::page::{self, Alias};
use super::query::Read;
use super::{Arguments, Error, RootField, Source, filter, selection};
use crate::model::columns::{search, system};
use crate::model::{Model, SearchField, TypeId};
use crate::sql::Sql;
use crate::value::words::{self, Word};

/// Words of one search.
const WORDS_MAX: usize = 32;
/// Shortest word that is taken for another: fewer letters have too many neighbours.
const MISSPELT_CHARACTERS_MIN: usize = 4;
/// Longest word that is taken for another.
const MISSPELT_CHARACTERS_MAX: usize = 40;

/// Most words that one is taken for; those that most nodes have.
const NEIGHBOURS_MAX: usize = 50;

/// Plans a query of the full-text index.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn search<'a>(
    source: Source<'a>,
    field: &SearchField,
    root: &RootField<'a>,
    arguments: &Arguments,
) -> Result<Read<'a>, Error> {
    let sets = selection::children(&root.fields);
    let mut types = selection::narrowed(&source, field.ty, &sets);
    types.retain(|id| is_asked_for(source.model, field, *id, arguments));
    let mut statement = Statement::new(source);
    let (node, page) = (statement.node_alias(), statement.page_alias());
    let score = field.score.clone();
    statement.score = score.map(|property| Score { node, property, value: page.column("score") });
    let object = statement.root_object(&types, node, root)?;
    let mut rows = Sql::new("select ");
    rows.append(node.column(system::ID));
    let found = found(source.model, field, arguments, node)?;
    let score = if found.is_scored { Sql::new("s.score") } else { Sql::new("0.0") };
    rows.push(", ").append(score.clone()).push(" as score from ").append(found.rows);
    rows.push(" where ").append(filter::has_type(source.model, node, &types));
    if let Some(condition) = found.condition {
        rows.push(" and ").append(condition);
    }
    if let Some(Value::Object(given)) = arguments.get("filter")
        && let Some(condition) = statement.conditions().filter(field.ty, node, given)?
    {
        rows.push(" and ").append(condition);
    }
    rows.append(order(source.model, field, node, arguments, &score));
    rows.append(page::limit(source.dialect, arguments));
    let null_check = statement.needs_null_check.then(|| NullCheck::list(source, &types, root));
    Ok(Read { statement: source.dialect.array_of_page(object, rows, page, node), null_check })
}

/// Where the nodes come from.
struct Found {
    rows: Sql,
    is_scored: bool,
    condition: Option<Sql>,
}

fn found(model: &Model, field: &SearchField, arguments: &Arguments, node: Alias) -> Result<Found, Error> {
    let text = match arguments.get(&*field.text) {
        Some(Value::String(text)) => text.as_str(),
        _ => "",
    };
    let words = words::words(text);
    if words.len() > WORDS_MAX {
        return Err(Error::BadInput(format!(
            "`{}` has {} words, more than {WORDS_MAX}: search for fewer",
            field.text,
            words.len()
        )));
    }
    let columns = columns(model, field, arguments);
    let mut rows = Sql::default();
    if words.is_empty() {
        // Every node that has something to be found by.
        let mut condition = Sql::new("coalesce(null");
        for column in columns {
            condition.push(", ").append(node.column(column));
        }
        condition.push(", null) is not null");
        rows.push("node ").append(node.sql());
        return Ok(Found { rows, is_scored: false, condition: Some(condition) });
    }
    // The limit keeps SQLite from merging the sub-select with the outer one, where bm25 cannot be asked.
    rows.push("(select rowid as id, -bm25(").ident(search::TABLE).push(") as score from ").ident(search::TABLE);
    rows.push(" where ").ident(search::TABLE).push(" match ").append(operand(model, &columns, &words));
    rows.push(" limit -1) s cross join node ").append(node.sql());
    let mut condition = node.column(system::ID);
    condition.push(" = s.id");
    Ok(Found { rows, is_scored: true, condition: Some(condition) })
}

/// Columns to look in, by their names in `node`. An empty list of fields is as none, and so is null.
fn columns<'m>(model: &'m Model, field: &SearchField, arguments: &Arguments) -> Vec<&'m str> {
    let all = model.search().columns.iter().map(|id| model.column(*id));
    let target = model.node_type(field.ty);
    let names = field.fields.as_ref().map(|name| named(arguments, name)).unwrap_or_default();
    all.filter(|column| target.property(&column.property).is_some_and(|property| property.is_searched))
        .filter(|column| names.is_empty() || names.contains(&column.property.as_str()))
        .map(|column| column.name.as_str())
        .collect()
}

fn is_asked_for(model: &Model, field: &SearchField, id: TypeId, arguments: &Arguments) -> bool {
    let names = field.types.as_ref().map(|name| named(arguments, name)).unwrap_or_default();
    names.is_empty() || names.contains(&&*model.node_type(id).name)
}

/// Values of an argument that lists an enumeration.
fn named<'v>(arguments: &'v Arguments, argument: &str) -> Vec<&'v str> {
    match arguments.get(argument) {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::Enum(name) => Some(name.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// `orderBy`, then how well nodes fit, then their creation.
fn order(model: &Model, field: &SearchField, node: Alias, arguments: &Arguments, score: &Sql) -> Sql {
    let mut best_first = score.clone();
    best_first.push(" desc, ").append(node.column(system::ID));
    page::order_with(model, model.node_type(field.ty), node, arguments, best_first, |name| {
        (field.score.as_deref() == Some(name)).then(|| score.clone())
    })
}

/// The right side of `match`, put together by the database: which words there are is known to it alone.
fn operand(model: &Model, columns: &[&str], words: &[Word]) -> Sql {
    let mut sql = Sql::default();
    if columns.len() < model.search().columns.len() {
        let names: Vec<_> = columns.iter().map(|column| ["\"", &search::column(column), "\""].concat()).collect();
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
    let is_misspelt = (MISSPELT_CHARACTERS_MIN..=MISSPELT_CHARACTERS_MAX).contains(&characters.len())
        && !characters.iter().any(|character| character.is_numeric());
    if let Some(first) = characters.first().filter(|_| is_misspelt) {
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

/// A pattern of the words that differ in one place after the first letter.
fn neighbours(characters: &[char]) -> String {
    let text = |part: &[char]| part.iter().collect::<String>();
    let mut patterns = Vec::new();
    for position in 1..=characters.len() {
        let (before, after) = characters.split_at(position);
        // A letter forgotten.
        patterns.push([text(before), ".".to_owned(), text(after)].concat());
        if let [_, rest @ ..] = after {
            // A letter too many, or another one.
            patterns.push([text(before), ".?".to_owned(), text(rest)].concat());
        }
        // Two exchanged.
        if let [one, other, rest @ ..] = after {
            patterns.push([text(before), text(&[*other, *one]), text(rest)].concat());
        }
    }
    ["^(?:", &patterns.join("|"), ")$"].concat()
}
