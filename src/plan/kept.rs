//! Objects of root fields, kept with their document: what a selection without variables compiles to stays the same.

use std::sync::{Arc, PoisonError, RwLock};

use async_graphql::parser::types::{Directive, Field, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};
use async_graphql_value::Value;

use super::Source;
use super::object::RootObject;

/// Longest object kept, in bytes of SQL.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// The kept objects of one document, by where their field is.
#[derive(Debug, Default)]
pub struct KeptObjects(RwLock<Vec<(Pos, Kept)>>);

/// What is known of a field.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// It is made anew for each request.
    Varies,
    /// It is always the same.
    Object(Arc<KeptObject>),
}

/// An object, and what making it did to the statement.
#[derive(Debug)]
pub(super) struct KeptObject {
    pub(super) object: RootObject,
    /// Number of the last alias before and after.
    pub(super) aliases: (usize, usize),
    pub(super) needs_null_check: bool,
}

impl KeptObjects {
    pub(super) fn get(&self, position: Pos) -> Option<Kept> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| *known == position).map(|(_, kept)| kept.clone())
    }

    /// Keeps what a field compiled to, if that depends on the document alone.
    pub(super) fn keep(&self, source: &Source<'_>, field: &Positioned<Field>, object: KeptObject) {
        let is_kept = object.object.size() <= KEPT_BYTES_MAX && is_constant(source, &field.node.selection_set.node);
        let entry = if is_kept { Kept::Object(Arc::new(object)) } else { Kept::Varies };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !kept.iter().any(|(known, _)| *known == field.pos) {
            kept.push((field.pos, entry));
        }
    }
}

/// Whether no variable stands in a selection, and no filter: one may be completed with the time of the request.
fn is_constant(source: &Source<'_>, set: &SelectionSet) -> bool {
    set.items.iter().all(|selection| {
        is_fixed(selection.node.directives())
            && match &selection.node {
                Selection::Field(field) => {
                    let is_plain =
                        |value: &Value| !matches!(value, Value::Variable(_) | Value::Object(_) | Value::List(_));
                    let is_page = |name: &str, value: &Value| name == "orderBy" && !has_variable(value);
                    let arguments = &field.node.arguments;
                    arguments.iter().all(|(name, value)| is_plain(&value.node) || is_page(&name.node, &value.node))
                        && is_fixed(&field.node.directives)
                        && is_constant(source, &field.node.selection_set.node)
                }
                Selection::InlineFragment(fragment) => is_constant(source, &fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => source
                    .document
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .is_none_or(|fragment| is_constant(source, &fragment.node.selection_set.node)),
            }
    })
}

fn is_fixed(directives: &[Positioned<Directive>]) -> bool {
    directives.iter().all(|directive| directive.node.arguments.iter().all(|(_, value)| !has_variable(&value.node)))
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(has_variable),
        Value::Object(fields) => fields.values().any(has_variable),
        _ => false,
    }
}
