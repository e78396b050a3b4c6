//! The filter language: conditions on properties and on related nodes, combined with AND and OR.
//!
//! A comparison with an absent property is unknown, which matches nothing, negated or not. Where an operand is empty or null, see
//! `docs/api.md`.

mod property;
mod relation;

use async_graphql::{Name, Value};
use indexmap::IndexMap;

use super::page::Alias;
use super::{Arguments, Error, Source};
use crate::model::columns::system;
use crate::model::{Field, Model, NodeType, Property, Relation, TypeId};
use crate::sql::Sql;

pub use property::{equality, parameter, stored};
pub use relation::related_rows;

/// A filter object, coerced.
pub type Filter = IndexMap<Name, Value>;

/// Suffixes of filter keys, longer ones before those they end with.
const SUFFIXES: [&str; 18] = [
    "_not_contains",
    "_not_starts_with",
    "_not_ends_with",
    "_not_in",
    "_contains",
    "_starts_with",
    "_ends_with",
    "_regexp",
    "_in",
    "_not",
    "_lte",
    "_lt",
    "_gte",
    "_gt",
    "_some",
    "_none",
    "_single",
    "_every",
];

/// Makes conditions; numbers the tables it needs.
#[derive(Debug)]
pub struct Conditions<'a, 'n> {
    /// Model, document, variables.
    pub source: Source<'a>,
    /// Number of the next alias.
    pub next: &'n mut usize,
}

impl Conditions<'_, '_> {
    /// A number no alias of the statement has.
    pub fn number(&mut self) -> usize {
        *self.next += 1;
        *self.next
    }

    /// All entries of a filter on the nodes of `alias`; `None` if there is no condition.
    ///
    /// # Errors
    /// Values and selections that cannot be used.
    pub fn filter(&mut self, ty: TypeId, alias: Alias, filter: &Filter) -> Result<Option<Sql>, Error> {
        let mut conditions = Vec::new();
        for (key, value) in filter {
            conditions.extend(self.entry(ty, alias, key, value)?);
        }
        Ok(all_of(conditions))
    }

    fn entry(&mut self, ty: TypeId, alias: Alias, key: &str, value: &Value) -> Result<Option<Sql>, Error> {
        match (key, value) {
            ("AND" | "OR", Value::Null) => Ok(None),
            ("AND", Value::List(entries)) => {
                let mut conditions = Vec::new();
                for entry in entries {
                    conditions.extend(self.nested(ty, alias, entry)?);
                }
                Ok(all_of(conditions))
            }
            ("OR", Value::List(entries)) => self.any_of(ty, alias, entries).map(Some),
            _ => match find(self.source.model.node_type(ty), key) {
                Some((Field::Property(property), operator)) => self.property(alias, property, operator, value),
                Some((Field::Relation(relation), operator)) => self.relation(alias, relation, operator, value),
                None => Err(Error::BadInput(format!(
                    "`{key}` is not a key of the filter of `{}`",
                    self.source.model.node_type(ty).name
                ))),
            },
        }
    }

    /// Any entry matches. An entry without a condition matches every node, and no entries match none.
    fn any_of(&mut self, ty: TypeId, alias: Alias, entries: &[Value]) -> Result<Sql, Error> {
        let mut conditions = Vec::new();
        for entry in entries {
            match self.nested(ty, alias, entry)? {
                Some(condition) => conditions.push(condition),
                None => return Ok(Sql::new("true")),
            }
        }
        if conditions.is_empty() {
            return Ok(Sql::new("false"));
        }
        let mut sql = Sql::new("(");
        sql.join(" or ", conditions).push(")");
        Ok(sql)
    }

    fn nested(&mut self, ty: TypeId, alias: Alias, entry: &Value) -> Result<Option<Sql>, Error> {
        match entry {
            Value::Object(filter) => self.filter(ty, alias, filter),
            _ => Ok(None),
        }
    }
}

/// The condition that a node is of one of these types.
pub fn has_type(model: &Model, alias: Alias, types: &[TypeId]) -> Sql {
    let mut sql = alias.column(system::TYPE);
    match types {
        [only] => {
            sql.push(" = ").literal(&model.node_type(*only).name);
        }
        many => {
            sql.push(" in ").literal_list(many.iter().map(|id| &*model.node_type(*id).name));
        }
    }
    sql
}

/// The column of a property; `None` if it is computed and so never stored.
pub fn property_column(model: &Model, alias: &Alias, property: &Property) -> Option<Sql> {
    if property.is_key {
        return Some(alias.column(system::KEY));
    }
    property.column.map(|id| alias.column(&model.column(id).name))
}

/// Conditions joined with `and`.
pub fn all_of(conditions: Vec<Sql>) -> Option<Sql> {
    if conditions.is_empty() {
        return None;
    }
    if conditions.len() == 1 {
        return conditions.into_iter().next();
    }
    let mut sql = Sql::new("(");
    sql.join(" and ", conditions).push(")");
    Some(sql)
}

/// Field and operator of a filter key.
fn find<'m>(ty: &'m NodeType, key: &'m str) -> Option<(&'m Field, &'m str)> {
    if let Some(field) = ty.fields.get(key) {
        return Some((field, ""));
    }
    SUFFIXES.iter().find_map(|suffix| {
        let name = key.strip_suffix(suffix)?;
        Some((ty.fields.get(name)?, suffix.trim_start_matches('_')))
    })
}

/// Whether arguments let only nodes through that have a value of this property: a comparison with an absent one matches nothing.
pub fn is_present(ty: &NodeType, arguments: &Arguments, property: &Property) -> bool {
    let is_own = |key: &str| matches!(find(ty, key), Some((Field::Property(own), _)) if own.name == property.name);
    // A list may be empty, and a null operand asks for absent values.
    let is_value =
        |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Boolean(_) | Value::Enum(_));
    let compared = |(key, value): (&Name, &Value)| is_value(value) && is_own(key);
    let in_filter = match arguments.get("filter") {
        Some(Value::Object(filter)) => filter.iter().any(compared),
        _ => false,
    };
    !property.is_list && (in_filter || arguments.get(&*property.name).is_some_and(is_value))
}

/// Whether a filter looks at nothing but this property.
pub fn is_about(ty: &NodeType, filter: &Filter, property: &Property) -> bool {
    filter.iter().all(|(key, value)| match (key.as_str(), value) {
        ("AND" | "OR", Value::List(entries)) => entries.iter().all(|entry| match entry {
            Value::Object(filter) => is_about(ty, filter, property),
            _ => true,
        }),
        ("AND" | "OR", _) => true,
        (key, _) => matches!(find(ty, key), Some((Field::Property(own), _)) if own.name == property.name),
    })
}

/// Whether a filter names nodes by their key, so that starting from them is cheaper than from the nodes filtered.
fn is_selective(ty: &NodeType, filter: &Filter) -> bool {
    filter.iter().any(|(key, value)| {
        let is_key = |operator: &str| key.strip_suffix(operator) == Some(&*ty.key);
        match value {
            Value::String(_) => is_key(""),
            Value::List(entries) if key.as_str() == "AND" => {
                entries.iter().any(|entry| matches!(entry, Value::Object(filter) if is_selective(ty, filter)))
            }
            Value::List(_) => is_key("_in"),
            _ => false,
        }
    })
}

/// A relation and its other end, from the node of `alias`.
#[derive(Debug, Clone, Copy)]
struct Related<'r> {
    relation: &'r Relation,
    owner: Alias,
}
