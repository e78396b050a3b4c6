//! What the engine's validator leaves unchecked (async-graphql 7.2): values of arguments down to the last field of an input object,
//! variables in nested places, directives on `__typename`, `@skip` and `@include` without a condition.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};

use super::response::GraphqlError;
use crate::model::api::{Api, ApiTypeRef, MUTATION, QUERY, SUBSCRIPTION};
use crate::plan::input::Place;

/// Everything that is wrong with the values in a document.
pub(super) fn check(api: &Api, document: &ExecutableDocument) -> Vec<GraphqlError> {
    let mut errors = Vec::new();
    for (_, operation) in document.operations.iter() {
        let place = Place { api, variables: &operation.node.variable_definitions };
        let mut walk = Walk { document, place, fragments: HashSet::new(), errors: &mut errors };
        walk.directives(&operation.node.directives);
        walk.selection_set(root_type(&operation.node), &operation.node.selection_set.node);
    }
    errors
}

fn root_type(operation: &OperationDefinition) -> &'static str {
    match operation.ty {
        OperationType::Query => QUERY,
        OperationType::Mutation => MUTATION,
        OperationType::Subscription => SUBSCRIPTION,
    }
}

struct Walk<'a, 'e> {
    document: &'a ExecutableDocument,
    place: Place<'a>,
    fragments: HashSet<&'a str>,
    errors: &'e mut Vec<GraphqlError>,
}

impl<'a> Walk<'a, '_> {
    fn selection_set(&mut self, parent: &str, set: &'a SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => self.field(parent, field),
                Selection::InlineFragment(fragment) => {
                    let condition =
                        fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.selection_set(condition.unwrap_or(parent), &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.fragments.insert(name)
                    {
                        self.directives(&fragment.node.directives);
                        let condition = &fragment.node.type_condition.node.on.node;
                        self.selection_set(condition, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &str, field: &'a Positioned<Field>) {
        let api = self.place.api;
        let name = field.node.name.node.as_str();
        let below = match (name, api.field(parent, name)) {
            ("__schema", None) => "__Schema",
            ("__type", None) => "__Type",
            (_, Some(published)) => {
                for (argument, value) in &field.node.arguments {
                    let Some(input) = published.arguments.iter().find(|input| *input.name == *argument.node) else {
                        continue;
                    };
                    if let Err(reason) = self.place.check(&input.ty, input.default.is_some(), &value.node) {
                        let message =
                            format!("Argument \"{}\" of \"{name}\" has an invalid value: {reason}.", argument.node);
                        self.errors.push(GraphqlError::new(message, "GRAPHQL_VALIDATION_FAILED").at(value.pos));
                    }
                }
                published.ty.name()
            }
            (_, None) => return,
        };
        self.selection_set(below, &field.node.selection_set.node);
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        let condition = ApiTypeRef::named("Boolean").non_null();
        for directive in directives {
            let name = directive.node.name.node.as_str();
            let mut refuse =
                |message| self.errors.push(GraphqlError::new(message, "GRAPHQL_VALIDATION_FAILED").at(directive.pos));
            if name != "skip" && name != "include" {
                refuse(format!("Unknown directive \"@{name}\": only \"@skip\" and \"@include\" may stand here."));
                continue;
            }
            if directives.iter().filter(|other| other.node.name.node == name).nth(1).is_some() {
                refuse(format!("The directive \"@{name}\" can only be used once at this location."));
                return;
            }
            let checked = match directive.node.get_argument("if") {
                Some(value) => self.place.check(&condition, false, &value.node),
                None => Err("\"if\" of required type \"Boolean!\" is missing".to_owned()),
            };
            if let Err(reason) = checked {
                refuse(format!("Directive \"@{name}\" has an invalid condition: {reason}."));
            }
        }
    }
}
