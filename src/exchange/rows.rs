//! What a line of a file stands for, checked against the model.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::format::{End, Line};
use super::values;
use crate::model::types::Direction;
use crate::model::{Model, NodeType};
use crate::sql::Parameter;
use crate::storage::{NewNode, NewRelation, search};

/// What a line stands for.
pub(super) enum Row<'a> {
    Node(NewNode<'a>),
    Relation(NewRelation),
    End(End),
}

/// Reads a line.
///
/// # Errors
///
/// What to change.
pub(super) fn read<'a>(model: &'a Model, text: &[u8]) -> Result<Row<'a>, String> {
    let line: Line = serde_json::from_slice(text)
        .map_err(|error| format!("is no line of an export, at column {}", error.column()))?;
    match line {
        Line { node: Some(ty), key: Some(key), values: Some(values), relation: None, from: None, to: None, end: None } => {
            node(model, &ty, key, &values).map(Row::Node)
        }
        Line { relation: Some(name), from: Some(from), to: Some(to), node: None, key: None, values: None, end: None } => {
            relation(model, name, from, to).map(Row::Relation)
        }
        Line { end: Some(end), node: None, key: None, values: None, relation: None, from: None, to: None } => {
            Ok(Row::End(end))
        }
        _ => Err("is neither node nor relation: a node has `node`, `key` and `values`, a relation `relation`, `from` and `to`".to_owned()),
    }
}

fn node<'a>(
    model: &'a Model,
    name: &str,
    key: String,
    given: &IndexMap<String, Box<RawValue>>,
) -> Result<NewNode<'a>, String> {
    let ty = object(model, name)?;
    let is_found = model.search().types.iter().any(|id| ty.possible.first() == Some(id));
    let (mut stored, mut found) = (Vec::with_capacity(given.len()), Vec::new());
    for (name, raw) in given {
        let property =
            ty.property(name).ok_or_else(|| format!("`{name}` is no property of {} in the schema", ty.name))?;
        let Some(column) = property.column.map(|column| model.column(column)) else {
            let role = if property.is_key { "the key, which stands in `key`" } else { "computed" };
            return Err(format!("`{name}` of {} is {role}: remove it from `values`", ty.name));
        };
        let value = values::read(model, property, raw)?;
        if let Parameter::Text(text) = &value
            && is_found
            && property.is_searched
        {
            found.extend(search::found(model, column, text));
        }
        stored.push((column, value));
    }
    Ok(NewNode { ty: &ty.name, key, values: stored, found })
}

fn object<'a>(model: &'a Model, name: &str) -> Result<&'a NodeType, String> {
    let ty = model.type_named(name).map(|id| model.node_type(id)).filter(|ty| !ty.is_interface);
    ty.ok_or_else(|| format!("`{name}` is no type of nodes in the schema"))
}

fn relation(model: &Model, name: String, from: [String; 2], to: [String; 2]) -> Result<NewRelation, String> {
    let ([from_type, _], [to_type, _]) = (&from, &to);
    let (source, target) = (object(model, from_type)?, object(model, to_type)?);
    let joins = |owner: &NodeType, other: &NodeType, direction: Direction| {
        owner.relations().any(|relation| {
            let possible = &model.node_type(relation.target).possible;
            *relation.name == *name
                && relation.direction == direction
                && possible.iter().any(|id| other.possible.first() == Some(id))
        })
    };
    if !joins(source, target, Direction::Out) && !joins(target, source, Direction::In) {
        return Err(format!("`{name}` leads from no {from_type} to a {to_type} in the schema"));
    }
    Ok(NewRelation { name, from, to })
}
