//! Field collection (GraphQL specification, section 6.3.2): fragments, directives, merged keys, and what a selection says of types.

use async_graphql::parser::types::{Directive, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned};
use indexmap::IndexMap;

use super::{Source, input};
use crate::model::{Model, NodeType, TypeId, names};

/// Fields by response key, in the order of the request.
pub type Collected<'a> = IndexMap<&'a Name, Vec<&'a Positioned<Field>>>;

/// Collects the fields that hold for a type; `applies` tells whether a type condition does.
pub fn collect<'a>(source: &Source<'a>, applies: impl Fn(&str) -> bool, sets: &[&'a SelectionSet]) -> Collected<'a> {
    let mut collected = IndexMap::new();
    for set in sets {
        collect_into(source, &applies, set, &mut collected);
    }
    collected
}

/// Selection sets below fields that share a response key.
pub fn children<'a>(fields: &[&'a Positioned<Field>]) -> Vec<&'a SelectionSet> {
    fields.iter().map(|field| &field.node.selection_set.node).collect()
}

fn collect_into<'a>(
    source: &Source<'a>,
    applies: &impl Fn(&str) -> bool,
    set: &'a SelectionSet,
    collected: &mut Collected<'a>,
) {
    for selection in &set.items {
        if !is_included(source, selection.node.directives()) {
            continue;
        }
        match &selection.node {
            Selection::Field(field) => collected.entry(&field.node.response_key().node).or_default().push(field),
            Selection::InlineFragment(fragment) => {
                if fragment.node.type_condition.as_ref().is_none_or(|condition| applies(&condition.node.on.node)) {
                    collect_into(source, applies, &fragment.node.selection_set.node, collected);
                }
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = source.document.fragments.get(&spread.node.fragment_name.node)
                    && applies(&fragment.node.type_condition.node.on.node)
                {
                    collect_into(source, applies, &fragment.node.selection_set.node, collected);
                }
            }
        }
    }
}

fn is_included(source: &Source<'_>, directives: &[Positioned<Directive>]) -> bool {
    directives.iter().all(|directive| {
        let condition =
            || directive.node.get_argument("if").is_some_and(|value| input::boolean(&value.node, source.variables));
        match directive.node.name.node.as_str() {
            "skip" => !condition(),
            "include" => condition(),
            _ => true,
        }
    })
}

/// Every type condition on the way from a selection set to its fields, once each.
pub fn conditions<'a>(source: &Source<'a>, set: &'a SelectionSet, found: &mut Vec<&'a str>) {
    for selection in &set.items {
        let (condition, inner) = match &selection.node {
            Selection::Field(_) => continue,
            Selection::InlineFragment(fragment) => {
                (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => match source.document.fragments.get(&spread.node.fragment_name.node) {
                Some(fragment) => (Some(&fragment.node.type_condition), &fragment.node.selection_set.node),
                None => continue,
            },
        };
        if let Some(condition) = condition
            && !found.contains(&condition.node.on.node.as_str())
        {
            found.push(&condition.node.on.node);
        }
        conditions(source, inner, found);
    }
}

/// Whether a type condition holds for nodes of an object type.
pub fn condition_holds(model: &Model, object: &NodeType, condition: &str) -> bool {
    *object.name == *condition
        || condition == names::NODE
        || object.implements.iter().any(|id| *model.node_type(*id).name == *condition)
}

/// Object types whose nodes a selection on `ty` asks for.
///
/// A selection on an interface that consists of nothing but fragments on object types (and `__typename`) asks for nodes of those
/// types only: clients of the Contributor Environment rely on it.
pub fn narrowed<'a>(source: &Source<'a>, ty: TypeId, sets: &[&'a SelectionSet]) -> Vec<TypeId> {
    let node_type = source.model.node_type(ty);
    if !node_type.is_interface {
        return node_type.possible.clone();
    }
    let mut named = Vec::new();
    for set in sets {
        if !only_object_fragments(source, node_type, set, &mut named) {
            return node_type.possible.clone();
        }
    }
    if named.is_empty() {
        node_type.possible.clone()
    } else {
        node_type.possible.iter().copied().filter(|id| named.contains(id)).collect()
    }
}

fn only_object_fragments(
    source: &Source<'_>,
    interface: &NodeType,
    set: &SelectionSet,
    named: &mut Vec<TypeId>,
) -> bool {
    let model = source.model;
    set.items.iter().filter(|selection| is_included(source, selection.node.directives())).all(|selection| {
        let (condition, inner) = match &selection.node {
            Selection::Field(field) => return field.node.name.node == "__typename",
            Selection::InlineFragment(fragment) => (
                fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node),
                &fragment.node.selection_set.node,
            ),
            Selection::FragmentSpread(spread) => {
                let Some(fragment) = source.document.fragments.get(&spread.node.fragment_name.node) else {
                    return true;
                };
                (Some(&fragment.node.type_condition.node.on.node), &fragment.node.selection_set.node)
            }
        };
        match condition.and_then(|name| model.type_named(name).map(|id| (name, id))) {
            Some((_, id)) if !model.node_type(id).is_interface => {
                named.push(id);
                true
            }
            Some((name, _)) if **name != *interface.name => false,
            _ => only_object_fragments(source, interface, inner, named),
        }
    })
}
