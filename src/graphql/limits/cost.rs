//! Rows that an operation may touch, estimated from its document alone: a list has as many as its `first`, and each has what is below it.

use async_graphql::Value;
use async_graphql::parser::types::{Field, Selection, SelectionSet};

use crate::model::QueryField;
use crate::model::api::{ApiField, ApiTypeRef};
use crate::plan::{RootField, Source, input};

/// Rows of a query without `first`.
const QUERY_ROWS: u64 = 1_000;
/// Rows of a list of related nodes without `first`.
const RELATED_ROWS: u64 = 10;

/// What the root fields of an operation cost together.
pub(super) fn cost(source: &Source<'_>, root_type: &str, roots: &[RootField<'_>]) -> u64 {
    let fields = roots.iter().flat_map(|root| &root.fields);
    fields.fold(0, |sum, field| sum.saturating_add(field_cost(source, root_type, &field.node, QUERY_ROWS)))
}

fn field_cost(source: &Source<'_>, parent: &str, field: &Field, rows: u64) -> u64 {
    if field.selection_set.node.items.is_empty() {
        return 0;
    }
    let Some(published) = source.model.api().field(parent, &field.name.node) else { return 0 };
    let ty = published.ty.name();
    let below = set_cost(source, ty, &field.selection_set.node);
    if source.model.type_named(ty).is_none() {
        // A payload or a date: what is in it counts.
        return below;
    }
    rows_of(source, published, field, rows).saturating_mul(below.saturating_add(1))
}

fn set_cost(source: &Source<'_>, parent: &str, set: &SelectionSet) -> u64 {
    set.items.iter().fold(0, |sum, selection| {
        let cost = match &selection.node {
            Selection::Field(field) => field_cost(source, parent, &field.node, RELATED_ROWS),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                set_cost(source, condition.unwrap_or(parent), &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => match source.document.fragments.get(&spread.node.fragment_name.node) {
                Some(fragment) => {
                    let condition = &fragment.node.type_condition.node.on.node;
                    set_cost(source, condition, &fragment.node.selection_set.node)
                }
                None => 0,
            },
        };
        sum.saturating_add(cost)
    })
}

/// Most rows that a field can have, or as many as is usual.
fn rows_of(source: &Source<'_>, published: &ApiField, field: &Field, usual: u64) -> u64 {
    if !matches!(published.ty.nullable(), ApiTypeRef::List(_)) {
        return 1;
    }
    let value = |name: &str| {
        let (_, value) = field.arguments.iter().find(|(argument, _)| argument.node == name)?;
        input::literal(&value.node, source.variables)
    };
    // A query by the key, or by the number, of a node.
    if let Some(QueryField::Nodes(ty)) = source.model.queries().get(&*published.name)
        && [&*source.model.node_type(*ty).key, "_id"]
            .into_iter()
            .any(|name| matches!(value(name), Some(Value::String(_))))
    {
        return 1;
    }
    match value("first") {
        Some(Value::Number(first)) => first.as_u64().unwrap_or(usual),
        _ => usual,
    }
}
