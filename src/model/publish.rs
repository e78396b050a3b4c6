//! Types and mutations to the published schema: every type, field and argument that introspection shows.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::api::{Api, ApiEnumValue, ApiField, ApiInput, ApiKind, ApiType, ApiTypeRef, MUTATION, QUERY, SUBSCRIPTION};
use super::types::{Field, NodeType, Property, PropertyType, Relation};
use super::{ByName, MutationField, MutationKind, NodeAction, RelationAction, names};
use crate::sdl::syntax::{Definitions, Direction, FieldDefinition, InputValue, ObjectDefinition, TypeExpression};

mod changes;
mod filters;
mod fixed;

/// Derives the published schema.
pub(super) fn publish(definitions: &Definitions, types: &[NodeType], mutations: &ByName<MutationField>) -> Api {
    let mut publisher = Publisher { definitions, types, names: HashSet::new(), api: Api::default() };
    publisher.api.has_mutations = !mutations.is_empty();
    publisher.api.has_subscriptions = true;
    publisher.query_root();
    publisher.mutation_root(mutations);
    publisher.subscription_root();
    let by_name: IndexMap<&str, &ObjectDefinition> = definitions
        .interfaces
        .iter()
        .chain(&definitions.objects)
        .map(|definition| (definition.name.as_str(), definition))
        .collect();
    for ty in types {
        if let Some(definition) = by_name.get(&*ty.name) {
            publisher.node_type(ty, definition);
        }
    }
    publisher.relation_payloads();
    publisher.declared_types();
    publisher.fixed_types();
    publisher.introspection_types();
    publisher.api
}

struct Publisher<'a> {
    definitions: &'a Definitions,
    types: &'a [NodeType],
    names: HashSet<Arc<str>>,
    api: Api,
}

impl Publisher<'_> {
    /// One allocation for each distinct name.
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    fn named(&mut self, name: &str) -> ApiTypeRef {
        ApiTypeRef::Named(self.name(name))
    }

    fn add(&mut self, name: &str, description: Option<&str>, kind: ApiKind) {
        let name = self.name(name);
        let description = description.map(|text| self.name(text));
        self.api.types.insert(Arc::clone(&name), ApiType { name, description, kind });
    }

    fn input(&mut self, name: &str, ty: ApiTypeRef) -> ApiInput {
        ApiInput { name: self.name(name), description: None, ty, default: None }
    }

    fn output(&mut self, name: &str, description: &str, arguments: Vec<ApiInput>, ty: ApiTypeRef) -> ApiField {
        let description = (!description.is_empty()).then(|| self.name(description));
        ApiField { name: self.name(name), description, arguments: arguments.into(), ty, deprecated: None }
    }

    fn query_root(&mut self) {
        let mut fields = ByName::default();
        for field in &self.definitions.queries {
            let published = self.declared_field(field);
            fields.insert(Arc::clone(&published.name), published);
        }
        for ty in self.types {
            let mut arguments = Vec::new();
            for property in ty.properties() {
                let property_type = self.property_input(property);
                arguments.push(self.input(&property.name, property_type));
            }
            let string = self.named("String");
            arguments.push(self.input("_id", string));
            arguments.extend(self.page_arguments(ty));
            let listed = self.named(&ty.name).list();
            let description =
                ["Nodes of type `", &*ty.name, "` that equal every given argument and match the filter."].concat();
            let published = self.output(&ty.name, &description, arguments, listed);
            fields.insert(Arc::clone(&published.name), published);
        }
        self.add(QUERY, None, ApiKind::Object { implements: Vec::new(), fields });
    }

    /// `first`, `offset`, `orderBy`, `filter`, as every list of nodes has.
    fn page_arguments(&mut self, ty: &NodeType) -> Vec<ApiInput> {
        let int = self.named("Int");
        let mut arguments = vec![self.input("first", int.clone()), self.input("offset", int)];
        if ty.properties().any(|property| !property.is_list) || !ty.is_interface {
            let ordering = self.named(&names::ordering(&ty.name)).list();
            arguments.push(self.input("orderBy", ordering));
        }
        arguments.push(self.filter_argument(ty));
        arguments
    }

    fn filter_argument(&mut self, ty: &NodeType) -> ApiInput {
        let filter = self.named(&names::filter(&ty.name));
        self.input("filter", filter)
    }

    fn mutation_root(&mut self, mutations: &ByName<MutationField>) {
        if mutations.is_empty() {
            return;
        }
        let mut fields = ByName::default();
        for (name, mutation) in mutations {
            let mut published = match &mutation.kind {
                MutationKind::Resolver(_) => {
                    let Some(field) = self.definitions.mutations.iter().find(|field| field.name == **name) else {
                        continue;
                    };
                    self.declared_field(field)
                }
                MutationKind::Node { action, ty } => self.node_mutation(name, *action, ty.0),
                MutationKind::Relation { action, owner, field } => {
                    self.relation_mutation(name, *action, owner.0, field)
                }
            };
            let text =
                [published.description.as_deref().unwrap_or_default(), " Requires the scope `", &*mutation.scope, "`."]
                    .concat();
            published.description = Some(text.trim_start().into());
            fields.insert(Arc::clone(name), published);
        }
        self.add(MUTATION, None, ApiKind::Object { implements: Vec::new(), fields });
    }

    fn node_mutation(&mut self, name: &str, action: NodeAction, ty: usize) -> ApiField {
        let types = self.types;
        let Some(ty) = types.get(ty) else { return self.output(name, "", Vec::new(), ApiTypeRef::named("Boolean")) };
        let mut arguments = Vec::new();
        for property in ty.properties() {
            if action == NodeAction::Delete && !property.is_key {
                continue;
            }
            let mut published = self.property_input(property);
            let is_required = if property.is_key {
                action != NodeAction::Create
            } else {
                action == NodeAction::Create && property.non_null
            };
            if is_required {
                published = published.non_null();
            }
            arguments.push(self.input(&property.name, published));
        }
        let effect = match action {
            NodeAction::Create => "Creates a node.",
            NodeAction::Update => "Changes the given properties of a node; null if there is none with this key.",
            NodeAction::Delete => {
                "Deletes a node and its relations, and answers what it was; null if there is none with this key."
            }
            NodeAction::Merge => "Changes the node with this key, or creates it.",
        };
        let returned = self.named(&ty.name);
        self.output(name, effect, arguments, returned)
    }

    /// `from` is always the source of the stored relation, whichever end owns the field.
    fn relation_mutation(&mut self, name: &str, action: RelationAction, owner: usize, field: &str) -> ApiField {
        let types = self.types;
        let ends = types.get(owner).and_then(|ty| Some((ty, ty.relation(field)?)));
        let Some((from, to)) = ends.and_then(|(ty, relation)| self.ends(ty, relation)) else {
            return self.output(name, "", Vec::new(), ApiTypeRef::named("Boolean"));
        };
        let (from, to) = (names::key_input(&from), names::key_input(&to));
        let (from, to) = (self.named(&from).non_null(), self.named(&to).non_null());
        let arguments = vec![self.input("from", from), self.input("to", to)];
        let effect = match action {
            RelationAction::Add => "Adds a relation, also beside an equal one; null if a node is missing.",
            RelationAction::Remove => "Removes all such relations between the two nodes; null if a node is missing.",
            RelationAction::Merge => "Adds a relation unless there is one; null if a node is missing.",
        };
        let payload = self.named(&["_", name, "Payload"].concat());
        self.output(name, effect, arguments, payload)
    }

    fn ends(&self, owner: &NodeType, relation: &Relation) -> Option<(Arc<str>, Arc<str>)> {
        let target = self.types.get(relation.target.0)?;
        Some(match relation.direction {
            Direction::Out => (Arc::clone(&owner.name), Arc::clone(&target.name)),
            Direction::In => (Arc::clone(&target.name), Arc::clone(&owner.name)),
        })
    }

    fn relation_payloads(&mut self) {
        let types = self.types;
        for ty in types {
            for relation in ty.relations() {
                let Some((from, to)) = self.ends(ty, relation) else { continue };
                for action in RelationAction::ALL {
                    let (from_type, to_type) = (self.named(&from), self.named(&to));
                    let from = self.output("from", "The source of the relation.", Vec::new(), from_type);
                    let to = self.output("to", "The target of the relation.", Vec::new(), to_type);
                    let fields = [from, to].into_iter().map(|field| (Arc::clone(&field.name), field)).collect();
                    let name = names::relation_payload(action.as_str(), &ty.name, &relation.field);
                    self.add(&name, None, ApiKind::Object { implements: Vec::new(), fields });
                }
            }
        }
    }

    fn subscription_root(&mut self) {
        let mut fields = ByName::default();
        for field in &self.definitions.subscriptions {
            let published = self.declared_field(field);
            fields.insert(Arc::clone(&published.name), published);
        }
        let changes = self.node_changes();
        fields.insert(Arc::clone(&changes.name), changes);
        self.add(SUBSCRIPTION, None, ApiKind::Object { implements: Vec::new(), fields });
    }

    /// A field of an operation root as declared; a list of nodes gets the arguments of every list that it does not declare itself.
    fn declared_field(&mut self, field: &FieldDefinition) -> ApiField {
        let mut arguments: Vec<_> = field.arguments.iter().map(|argument| self.declared_input(argument)).collect();
        let types = self.types;
        if field.ty.is_list()
            && let Some(ty) = types.iter().find(|ty| *ty.name == *field.ty.named())
        {
            for argument in self.page_arguments(ty) {
                if arguments.iter().all(|declared| declared.name != argument.name) {
                    arguments.push(argument);
                }
            }
        }
        let ty = self.expression(&field.ty);
        let mut published = self.output(&field.name, field.description.as_deref().unwrap_or_default(), arguments, ty);
        published.deprecated = field.directives.deprecated.as_deref().map(Into::into);
        published
    }

    fn declared_input(&mut self, input: &InputValue) -> ApiInput {
        let ty = self.expression(&input.ty);
        let default = input.default.clone().and_then(|value| async_graphql::Value::from_json(value).ok());
        let description = input.description.as_deref().map(Into::into);
        ApiInput { name: self.name(&input.name), description, ty, default }
    }

    fn expression(&mut self, ty: &TypeExpression) -> ApiTypeRef {
        match ty {
            TypeExpression::Named(name) => self.named(published_name(name)),
            TypeExpression::List(inner) => self.expression(inner).list(),
            TypeExpression::NonNull(inner) => self.expression(inner).non_null(),
        }
    }

    fn node_type(&mut self, ty: &NodeType, definition: &ObjectDefinition) {
        let mut fields = ByName::default();
        for field in &definition.fields {
            let arguments = match ty.fields.get(field.name.as_str()) {
                Some(Field::Relation(relation)) => self.relation_arguments(relation),
                Some(Field::Property(_)) => Vec::new(),
                None => continue,
            };
            let expression = self.expression(&field.ty);
            let mut published =
                self.output(&field.name, field.description.as_deref().unwrap_or_default(), arguments, expression);
            published.deprecated = field.directives.deprecated.as_deref().map(Into::into);
            fields.insert(Arc::clone(&published.name), published);
        }
        let implements = definition.implements.iter().map(|name| self.name(name)).collect();
        let description = definition.description.as_deref();
        if ty.is_interface {
            let types = self.types;
            let possible =
                ty.possible.iter().filter_map(|id| types.get(id.0)).map(|object| self.name(&object.name)).collect();
            self.add(&ty.name, description, ApiKind::Interface { implements, possible, fields });
        } else {
            let string = self.named("String");
            let id = self.output(
                "_id",
                "Number of the node in this database. Use the key field to refer to nodes.",
                Vec::new(),
                string,
            );
            fields.insert(Arc::clone(&id.name), id);
            self.add(&ty.name, description, ApiKind::Object { implements, fields });
        }
        let id = self.named("ID").non_null();
        let key = self.input(&ty.key, id);
        self.add(
            &names::key_input(&ty.name),
            None,
            ApiKind::Input(ByName::from_iter([(Arc::clone(&key.name), key)]).into()),
        );
        self.ordering(ty);
        self.filter(ty);
    }

    fn relation_arguments(&mut self, relation: &Relation) -> Vec<ApiInput> {
        let types = self.types;
        let Some(target) = types.get(relation.target.0) else { return Vec::new() };
        if relation.is_list { self.page_arguments(target) } else { vec![self.filter_argument(target)] }
    }

    fn ordering(&mut self, ty: &NodeType) {
        let mut values: Vec<String> = Vec::new();
        for property in ty.properties().filter(|property| !property.is_list) {
            values.extend([names::ascending(&property.name), names::descending(&property.name)]);
        }
        if !ty.is_interface {
            values.extend([names::ascending("_id"), names::descending("_id")]);
        }
        if values.is_empty() {
            return;
        }
        let values = values
            .iter()
            .map(|name| ApiEnumValue { name: self.name(name), description: None, deprecated: None })
            .collect();
        self.add(&names::ordering(&ty.name), None, ApiKind::Enum(values));
    }

    /// The type of a property as an argument, nullable: lists as lists, temporals as their input objects.
    fn property_input(&mut self, property: &Property) -> ApiTypeRef {
        let name = property_type_name(&property.ty);
        let ty = if property.ty.is_temporal() { self.named(&[name, "Input"].concat()) } else { self.named(name) };
        if property.is_list { ty.list() } else { ty }
    }
}

/// Name of the published type of a property; `Date` and `DateTime` are published under the names clients know.
fn property_type_name(ty: &PropertyType) -> &str {
    match ty {
        PropertyType::Id => "ID",
        PropertyType::String => "String",
        PropertyType::Int => "Int",
        PropertyType::Float => "Float",
        PropertyType::Boolean => "Boolean",
        PropertyType::Date => "_Neo4jDate",
        PropertyType::DateTime => "_Neo4jDateTime",
        PropertyType::Enum(name) | PropertyType::Custom(name) => name,
    }
}

fn published_name(name: &str) -> &str {
    match name {
        "Date" => "_Neo4jDate",
        "DateTime" => "_Neo4jDateTime",
        other => other,
    }
}
