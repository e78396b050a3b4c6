//! Which scopes a root field needs: its own if its operation is not public, and where queries are not public, that of every type whose
//! nodes the field reads or filters by, however deep.
//!
//! A node that a mutation answers is read only if more than its key and `__typename` is selected.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::parser::types::{Directive, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as ConstValue};
use async_graphql_value::Value;
use indexmap::{IndexMap, IndexSet};

use crate::auth::PublicOperations;
use crate::model::api::{ApiKind, MUTATION, QUERY};
use crate::model::{Model, TypeId, names};
use crate::plan::{RootField, Source, input};

/// What is known of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// All that were sent: the scopes are those that execution asks for.
    Sent,
    /// None yet: whatever `@skip` and `@include` may let through counts, and filters in variables are told, not looked into.
    Open,
}

/// What one root field needs.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// The field's own first.
    pub(super) scopes: IndexSet<Arc<str>>,
    /// Variables whose value may add scopes.
    pub(super) open_variables: IndexSet<String>,
}

/// Root fields in the order of the document.
pub(super) fn root_fields<'a>(
    source: &Source<'a>,
    root_type: &str,
    set: &'a SelectionSet,
    values: Values,
) -> Vec<RootField<'a>> {
    if values == Values::Sent {
        return crate::plan::root_fields(source, root_type, set);
    }
    let mut collected: IndexMap<&Name, Vec<&Positioned<Field>>> = IndexMap::new();
    collect(source, set, &mut collected, &mut HashSet::new());
    collected.into_iter().map(|(response_key, fields)| RootField { response_key, fields }).collect()
}

fn collect<'a>(
    source: &Source<'a>,
    set: &'a SelectionSet,
    collected: &mut IndexMap<&'a Name, Vec<&'a Positioned<Field>>>,
    visited: &mut HashSet<&'a str>,
) {
    for selection in set.items.iter().filter(|it| may_be_included(source, it.node.directives(), Values::Open)) {
        match &selection.node {
            Selection::Field(field) => collected.entry(&field.node.response_key().node).or_default().push(field),
            Selection::InlineFragment(fragment) => {
                collect(source, &fragment.node.selection_set.node, collected, visited);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(fragment) = source.document.fragments.get(name)
                    && visited.insert(name)
                {
                    collect(source, &fragment.node.selection_set.node, collected, visited);
                }
            }
        }
    }
}

/// The scopes of a root field; empty if it is public.
pub(super) fn needed(
    source: &Source<'_>,
    root_type: &str,
    root: &RootField<'_>,
    public: PublicOperations,
    values: Values,
) -> Needed {
    let model = source.model;
    let name = root.name();
    let mut walk = Walk { source, values, needed: Needed::default(), fragments: HashSet::new() };
    if name.starts_with("__") {
        return walk.needed;
    }
    let own = match root_type {
        QUERY => model.query_scope(name).filter(|_| !public.queries),
        MUTATION => model.mutations().get(name).map(|mutation| &mutation.scope),
        _ => model.subscription_scope(name).filter(|_| !public.subscriptions),
    };
    walk.needed.scopes.extend(own.cloned());
    if !public.queries {
        for field in &root.fields {
            walk.field(root_type, &field.node, root_type != QUERY);
        }
    }
    walk.needed
}

struct Walk<'a, 's> {
    source: &'s Source<'a>,
    values: Values,
    needed: Needed,
    /// A fragment needs the same wherever it is spread, but for what an answer may show.
    fragments: HashSet<(&'s str, bool)>,
}

impl<'s> Walk<'_, 's> {
    /// `is_answer`: the field's node was written or announced, not asked for.
    fn field(&mut self, parent: &str, field: &'s Field, is_answer: bool) {
        let source = self.source;
        let Some(published) = source.model.api().field(parent, &field.name.node) else { return };
        for argument in published.arguments.iter() {
            if let Some(value) = field.get_argument(&argument.name) {
                self.value(argument.ty.name(), &value.node);
            }
        }
        let child = published.ty.name();
        let set = &field.selection_set.node;
        match source.model.type_named(child) {
            Some(ty) if is_answer && self.is_key_only(ty, set) => {}
            Some(ty) => {
                self.read(ty);
                self.set(child, set, false);
            }
            // What is read of a node of any type is told by the fragments on its type.
            None => self.set(child, set, is_answer && **child != *names::NODE),
        }
    }

    fn set(&mut self, parent: &str, set: &'s SelectionSet, is_answer: bool) {
        for selection in &set.items {
            if !may_be_included(self.source, selection.node.directives(), self.values) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.field(parent, &field.node, is_answer),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|it| it.node.on.node.as_str());
                    let condition = condition.unwrap_or(parent);
                    self.condition(parent, condition);
                    self.set(condition, &fragment.node.selection_set.node, is_answer);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.source.document.fragments.get(name) else { continue };
                    let condition = &fragment.node.type_condition.node.on.node;
                    self.condition(parent, condition);
                    if self.fragments.insert((name, is_answer)) {
                        self.set(condition, &fragment.node.selection_set.node, is_answer);
                    }
                }
            }
        }
    }

    /// A fragment on another type reads that type.
    fn condition(&mut self, parent: &str, condition: &str) {
        if condition != parent
            && let Some(ty) = self.source.model.type_named(condition)
        {
            self.read(ty);
        }
    }

    fn read(&mut self, ty: TypeId) {
        self.needed.scopes.extend(self.source.model.read_scope(ty).cloned());
    }

    /// Whether nothing but the key and `__typename` is selected.
    fn is_key_only(&self, ty: TypeId, set: &SelectionSet) -> bool {
        let node_type = self.source.model.node_type(ty);
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                name == "__typename" || name == &*node_type.key
            }
            Selection::InlineFragment(_) | Selection::FragmentSpread(_) => false,
        })
    }

    /// A value of an argument or below one: filters by a type say something of its nodes.
    fn value(&mut self, type_name: &str, value: &Value) {
        let filtered = filtered_type(self.source.model, type_name);
        if let (Value::Variable(name), Some(_)) = (value, filtered) {
            match self.source.variables.get(name) {
                Some(value) => self.const_value(type_name, value),
                None if self.values == Values::Open => {
                    self.needed.open_variables.insert(name.to_string());
                }
                None => {}
            }
            return;
        }
        if let Some(ty) = filtered {
            self.read(ty);
        }
        match value {
            Value::List(items) => items.iter().for_each(|item| self.value(type_name, item)),
            Value::Object(members) => {
                for (name, member) in members {
                    if let Some(below) = self.input_type(type_name, name) {
                        self.value(&below, member);
                    }
                }
            }
            _ => {}
        }
    }

    /// As [`Self::value`], without variables.
    fn const_value(&mut self, type_name: &str, value: &ConstValue) {
        if let Some(ty) = filtered_type(self.source.model, type_name) {
            self.read(ty);
        }
        match value {
            ConstValue::List(items) => items.iter().for_each(|item| self.const_value(type_name, item)),
            ConstValue::Object(members) => {
                for (name, member) in members {
                    if let Some(below) = self.input_type(type_name, name) {
                        self.const_value(&below, member);
                    }
                }
            }
            _ => {}
        }
    }

    fn input_type(&self, parent: &str, name: &str) -> Option<Arc<str>> {
        match &self.source.model.api().get(parent)?.kind {
            ApiKind::Input(fields) => fields.get(name).map(|field| Arc::clone(field.ty.name())),
            _ => None,
        }
    }
}

/// The type whose nodes an input type filters.
fn filtered_type(model: &Model, input: &str) -> Option<TypeId> {
    let name = input.strip_prefix('_')?.strip_suffix("Filter")?;
    model.type_named(name).filter(|_| names::filter(name) == input)
}

fn may_be_included(source: &Source<'_>, directives: &[Positioned<Directive>], values: Values) -> bool {
    directives.iter().all(|directive| {
        let Some(condition) = directive.node.get_argument("if").map(|value| &value.node) else { return true };
        if values == Values::Open && matches!(condition, Value::Variable(_)) {
            return true;
        }
        match directive.node.name.node.as_str() {
            "skip" => !input::boolean(condition, source.variables),
            "include" => input::boolean(condition, source.variables),
            _ => true,
        }
    })
}
