//! Non-null fields that storage cannot promise: a relation that is declared `!`, a property that became required after nodes were stored.
//!
//! Statements mark what is missing: `"!!Type.field"` in place of a required related node, `"!key!Type.field"` in place of a node whose
//! required property, selected as `key`, is null. Marks become nulls and errors here (GraphQL specification, section 6.4.4).

use async_graphql::Name;
use async_graphql::parser::types::SelectionSet;
use indexmap::IndexMap;
use serde_json::Value;

use super::selection;
use super::{RootField, Source};
use crate::model::{Field, TypeId};

/// What may be null where in an answer.
#[derive(Debug)]
pub struct NullCheck<'a> {
    expected: Expected<'a>,
}

/// A null where none may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NullError {
    /// Path below the root field: response keys and list positions.
    pub path: Vec<Value>,
    /// `Type.field`.
    pub field: String,
}

/// The mark of a null; `key` is empty where the mark stands in the field's own place.
pub(super) fn mark(key: &str, ty: &str, field: &str) -> String {
    ["!", key, "!", ty, ".", field].concat()
}

/// Where nodes stand, and whether they may be null there.
#[derive(Debug)]
struct Expected<'a> {
    is_list: bool,
    non_null: bool,
    item_non_null: bool,
    members: IndexMap<&'a Name, Expected<'a>>,
}

impl<'a> NullCheck<'a> {
    /// For a list of nodes of these types.
    pub fn list(source: Source<'a>, types: &[TypeId], root: &RootField<'a>) -> Self {
        let members = members(source, types, &selection::children(&root.fields));
        Self { expected: Expected { is_list: true, non_null: false, item_non_null: false, members } }
    }

    /// For one node of one of these types.
    pub fn node(source: Source<'a>, types: &[TypeId], root: &RootField<'a>) -> Self {
        let members = members(source, types, &selection::children(&root.fields));
        Self { expected: Expected { is_list: false, non_null: false, item_non_null: false, members } }
    }

    /// For a payload whose members are nodes.
    pub fn payload(ends: impl IntoIterator<Item = (&'a Name, NullCheck<'a>)>) -> Self {
        let members = ends.into_iter().map(|(key, check)| (key, check.expected)).collect();
        Self { expected: Expected { is_list: false, non_null: false, item_non_null: false, members } }
    }

    /// The answer with marks made nulls, and the errors that they are.
    pub fn apply(&self, json: String) -> (String, Vec<NullError>) {
        let Ok(mut value) = serde_json::from_str::<Value>(&json) else { return (json, Vec::new()) };
        let mut errors = Vec::new();
        self.expected.check(&mut value, &mut Vec::new(), &mut errors);
        if errors.is_empty() { (json, errors) } else { (value.to_string(), errors) }
    }
}

impl Expected<'_> {
    /// Returns whether null has to go to the parent.
    fn check(&self, value: &mut Value, path: &mut Vec<Value>, errors: &mut Vec<NullError>) -> bool {
        let mut is_null = false;
        if let (Value::Array(items), true) = (&mut *value, self.is_list) {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.into());
                is_null |= self.check_node(item, path, errors) && self.item_non_null;
                path.pop();
            }
        } else {
            is_null = self.check_node(value, path, errors);
        }
        if is_null {
            *value = Value::Null;
        }
        is_null && self.non_null
    }

    /// Returns whether the node is null because of something in it.
    fn check_node(&self, node: &mut Value, path: &mut Vec<Value>, errors: &mut Vec<NullError>) -> bool {
        match node {
            Value::String(mark) => {
                let (key, field) =
                    mark.trim_start_matches('!').split_once('!').unwrap_or(("", mark.trim_start_matches('!')));
                let mut path = path.clone();
                if !key.is_empty() {
                    path.push(key.into());
                }
                errors.push(NullError { path, field: field.to_owned() });
                *node = Value::Null;
                true
            }
            Value::Object(object) => {
                let mut is_lost = false;
                for (key, expected) in &self.members {
                    if let Some(value) = object.get_mut(key.as_str()) {
                        path.push(key.as_str().into());
                        is_lost |= expected.check(value, path, errors);
                        path.pop();
                    }
                }
                if is_lost {
                    *node = Value::Null;
                }
                is_lost
            }
            _ => false,
        }
    }
}

/// Members that hold nodes, of all types together: GraphQL lets fields of one key differ in type only where they cannot meet.
fn members<'a>(source: Source<'a>, types: &[TypeId], sets: &[&'a SelectionSet]) -> IndexMap<&'a Name, Expected<'a>> {
    let mut members = IndexMap::new();
    for &id in types {
        let node_type = source.model.node_type(id);
        let collected = selection::collect(
            &source,
            |condition| selection::condition_holds(source.model, node_type, condition),
            sets,
        );
        for (key, fields) in collected {
            let name = fields.first().map_or("", |field| field.node.name.node.as_str());
            let Some(Field::Relation(relation)) = node_type.fields.get(name) else { continue };
            if members.contains_key(key) {
                continue;
            }
            let children = selection::children(&fields);
            let targets = selection::narrowed(&source, relation.target, &children);
            let below = self::members(source, &targets, &children);
            members.insert(
                key,
                Expected {
                    is_list: relation.is_list,
                    non_null: relation.non_null,
                    item_non_null: relation.item_non_null,
                    members: below,
                },
            );
        }
    }
    members
}
