//! Queries of the full-text index: what a text asks for, and the nodes that fit, best first.
//!
//! Every word has to be found: as it is, as the beginning of a longer one, or, where no word begins with it, as one that differs in one
//! place (a letter too many, too few, another one, or two exchanged) and has the same first letter.

mod postgres;
mod sqlite;

use async_graphql::Value;

use super::node::{Score, Statement};
use super::nulls::NullCheck;
use super::page::{self, Alias};
use super::query::Read;
use super::{Arguments, Error, RootField, Source, filter, selection};
use crate::model::columns::system;
use crate::model::{Column, Model, SearchField, TypeId};
use crate::sql::{Dialect, Sql};
use crate::value::words;

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
    let mut conditions = Vec::new();
    if let Some(Value::Object(given)) = arguments.get("filter") {
        conditions.extend(statement.conditions().filter(field.ty, node, given)?);
    }
    let asked = Asked { model: source.model, field, arguments, types: &types, node };
    let found = asked.found(source.dialect, !conditions.is_empty())?;
    conditions.splice(0..0, found.conditions);
    let mut rows = Sql::new("select ");
    rows.append(found.id).push(", ").append(found.score.clone()).push(" as score from ").append(found.rows);
    if !conditions.is_empty() {
        rows.push(" where ").join(" and ", conditions);
    }
    rows.append(asked.order(found.order, &found.score));
    rows.append(page::limit(source.dialect, arguments));
    let null_check = statement.needs_null_check.then(|| NullCheck::list(source, &types, root));
    Ok(Read { statement: source.dialect.array_of_page(object, rows, page, node), null_check })
}

/// What is asked for.
struct Asked<'s> {
    model: &'s Model,
    field: &'s SearchField,
    arguments: &'s Arguments,
    types: &'s [TypeId],
    node: Alias,
}

/// Where the nodes come from.
struct Found {
    rows: Sql,
    /// The number of a node, named as in `node`.
    id: Sql,
    score: Sql,
    /// Best first, the rest by number.
    order: Sql,
    conditions: Vec<Sql>,
}

impl Asked<'_> {
    /// `is_filtered`: whether there are conditions on the nodes themselves.
    fn found(&self, dialect: Dialect, is_filtered: bool) -> Result<Found, Error> {
        let text = match self.arguments.get(&*self.field.text) {
            Some(Value::String(text)) => text.as_str(),
            _ => "",
        };
        let words = words::words(text);
        if words.len() > WORDS_MAX {
            return Err(Error::BadInput(format!(
                "`{}` has {} words, more than {WORDS_MAX}: search for fewer",
                self.field.text,
                words.len()
            )));
        }
        let columns = columns(self.model, self.field, self.arguments);
        Ok(match dialect {
            _ if words.is_empty() => self.everything(dialect, &columns),
            Dialect::Sqlite => sqlite::found(self, &columns, &words),
            Dialect::Postgres => postgres::found(self, &columns, &words, is_filtered || self.is_ordered_by_nodes()),
        })
    }

    /// Every node that has something to be found by.
    fn everything(&self, dialect: Dialect, columns: &[(usize, &Column)]) -> Found {
        let mut condition = Sql::new("coalesce(null");
        for (_, column) in columns {
            condition.push(", ").append(self.node.column(&column.name));
        }
        condition.push(", null) is not null");
        let mut rows = Sql::new("node ");
        rows.append(self.node.sql());
        let score = Sql::new(match dialect {
            Dialect::Sqlite => "0.0",
            Dialect::Postgres => "0.0::double precision",
        });
        let conditions = vec![filter::has_type(self.model, self.node, self.types), condition];
        Found { rows, id: self.node.column(system::ID), order: best_first(&score, self.node), score, conditions }
    }

    /// Whether `orderBy` names something else than how well nodes fit.
    fn is_ordered_by_nodes(&self) -> bool {
        let score = self.field.score.as_deref().unwrap_or_default();
        named(self.arguments, "orderBy").iter().any(|name| name.rsplit_once('_').is_none_or(|(name, _)| name != score))
    }

    /// `orderBy`, then how well nodes fit, then their creation.
    fn order(&self, last: Sql, score: &Sql) -> Sql {
        let ty = self.model.node_type(self.field.ty);
        page::order_with(self.model, ty, self.node, self.arguments, last, |name| {
            (self.field.score.as_deref() == Some(name)).then(|| score.clone())
        })
    }
}

fn best_first(score: &Sql, node: Alias) -> Sql {
    let mut sql = score.clone();
    sql.push(" desc, ").append(node.column(system::ID));
    sql
}

/// Columns to look in, with their numbers in the index. An empty list of fields is as none, and so is null.
fn columns<'m>(model: &'m Model, field: &SearchField, arguments: &Arguments) -> Vec<(usize, &'m Column)> {
    let all = model.search().columns.iter().map(|id| model.column(*id)).enumerate();
    let target = model.node_type(field.ty);
    let names = field.fields.as_ref().map(|name| named(arguments, name)).unwrap_or_default();
    all.filter(|(_, column)| target.property(&column.property).is_some_and(|property| property.is_searched))
        .filter(|(_, column)| names.is_empty() || names.contains(&column.property.as_str()))
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

/// Whether a word that no text has is taken for another one, and its first character.
fn misspelt(characters: &[char]) -> Option<char> {
    let is_misspelt = (MISSPELT_CHARACTERS_MIN..=MISSPELT_CHARACTERS_MAX).contains(&characters.len())
        && !characters.iter().any(|character| character.is_numeric());
    characters.first().copied().filter(|_| is_misspelt)
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
