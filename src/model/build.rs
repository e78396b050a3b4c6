//! Definitions to model, in stages: types, columns, operations, and last the published schema.

use std::collections::HashMap;
use std::sync::Arc;

use super::scopes::ReadScopes;
use super::types::{Field, NodeType, Property, PropertyType, Relation, TypeId};
use super::{
    ByName, Column, ColumnId, Model, MutationField, MutationKind, NodeAction, QueryField, RelationAction, SearchField,
    SearchIndex, StorageType, SubscriptionField, documents, names, publish,
};
use crate::sdl::syntax::{Definitions, FieldDefinition, FieldDirectives, ObjectDefinition, TypeExpression};

/// What a schema can have wrong that only shows when its types are seen together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The types of an interface are keyed by different fields.
    #[error(
        "{location}: interface `{interface}` is implemented by types whose `@id` fields differ (`{first}` and `{second}`): give them one name, since the generated `_{interface}Input` has one key"
    )]
    MixedKeys {
        /// Interface.
        interface: String,
        /// One key field.
        first: String,
        /// Another.
        second: String,
        /// Where the interface is.
        location: String,
    },
    /// An interface that no type implements.
    #[error("{location}: no type implements interface `{interface}`: let one implement it, or remove it")]
    Unimplemented {
        /// Interface.
        interface: String,
        /// Where the interface is.
        location: String,
    },
    /// A field of a type nobody defines.
    #[error("{location}: `{field}` has type `{ty}`, which no file of the schema defines")]
    UnknownType {
        /// `Type.field`.
        field: String,
        /// The type it names.
        ty: String,
        /// Where the field is.
        location: String,
    },
    /// More columns than a database can hold.
    #[error(
        "the schema has {count} distinct properties, more than the {limit} columns that a table can have: give properties of the same meaning the same name and type"
    )]
    TooManyProperties {
        /// Distinct properties.
        count: usize,
        /// Columns possible.
        limit: usize,
    },
}

/// PostgreSQL allows 1,600 columns in a table, three of which are the system's.
const COLUMNS_MAX: usize = 1_597;

/// Resolves definitions into a model.
///
/// # Errors
/// All problems that [`crate::sdl`] cannot see in a single definition.
pub fn build(definitions: &Definitions) -> Result<Model, Vec<Error>> {
    let mut builder = Builder {
        definitions,
        by_name: ByName::default(),
        columns: Vec::new(),
        column_ids: HashMap::new(),
        errors: Vec::new(),
    };
    let types = builder.types();
    if builder.columns.len() > COLUMNS_MAX {
        builder.errors.push(Error::TooManyProperties { count: builder.columns.len(), limit: COLUMNS_MAX });
    }
    if !builder.errors.is_empty() {
        return Err(builder.errors);
    }
    let queries = builder.queries(&types);
    let mutations = builder.mutations(&types);
    let search = search_index(&types, &queries);
    let subscriptions = builder.subscriptions();
    let Builder { by_name, columns, .. } = builder;
    let api = publish::publish(definitions, &types, &mutations);
    let read_scopes = ReadScopes::default();
    let documents = documents::documents(definitions, &types);
    let mut model =
        Model { types, by_name, columns, search, queries, mutations, subscriptions, api, read_scopes, documents };
    model.read_scopes = ReadScopes::of(&model);
    Ok(model)
}

struct Builder<'a> {
    definitions: &'a Definitions,
    by_name: ByName<TypeId>,
    columns: Vec<Column>,
    column_ids: HashMap<(String, StorageType), ColumnId>,
    errors: Vec<Error>,
}

impl<'a> Builder<'a> {
    fn node_definitions(&self) -> impl Iterator<Item = (bool, &'a ObjectDefinition)> + use<'a> {
        let definitions = self.definitions;
        let interfaces = definitions.interfaces.iter().map(|definition| (true, definition));
        interfaces.chain(definitions.objects.iter().map(|definition| (false, definition)))
    }

    fn types(&mut self) -> Vec<NodeType> {
        for (index, (_, definition)) in self.node_definitions().enumerate() {
            self.by_name.insert(definition.name.as_str().into(), TypeId(index));
        }
        let mut types = Vec::new();
        for (index, (is_interface, definition)) in self.node_definitions().enumerate() {
            let possible = if is_interface { self.possible(definition) } else { vec![TypeId(index)] };
            let key = if is_interface { self.interface_key(definition) } else { object_key(definition) };
            types.push(NodeType {
                name: definition.name.as_str().into(),
                is_interface,
                implements: definition
                    .implements
                    .iter()
                    .filter_map(|name| self.by_name.get(name.as_str()).copied())
                    .collect(),
                possible,
                key: key.into(),
                fields: definition.fields.iter().filter_map(|field| self.field(definition, field)).collect(),
            });
        }
        types
    }

    fn implementing(&self, interface: &str) -> impl Iterator<Item = &'a ObjectDefinition> {
        self.definitions.objects.iter().filter(move |object| object.implements.iter().any(|name| name == interface))
    }

    fn possible(&mut self, interface: &ObjectDefinition) -> Vec<TypeId> {
        let possible: Vec<_> = self
            .implementing(&interface.name)
            .filter_map(|object| self.by_name.get(object.name.as_str()).copied())
            .collect();
        if possible.is_empty() {
            self.errors.push(Error::Unimplemented {
                interface: interface.name.clone(),
                location: interface.location.to_string(),
            });
        }
        possible
    }

    fn interface_key(&mut self, interface: &'a ObjectDefinition) -> &'a str {
        let keys: Vec<_> = self.implementing(&interface.name).map(object_key).collect();
        let first = keys.first().copied().unwrap_or_default();
        if let Some(second) = keys.iter().find(|key| **key != first) {
            self.errors.push(Error::MixedKeys {
                interface: interface.name.clone(),
                first: first.to_owned(),
                second: (*second).to_owned(),
                location: interface.location.to_string(),
            });
        }
        first
    }

    fn field(&mut self, owner: &ObjectDefinition, field: &FieldDefinition) -> Option<(Arc<str>, Field)> {
        let name: Arc<str> = field.name.as_str().into();
        let (is_list, non_null, item_non_null) = wrappers(&field.ty);
        let built = if let Some(relation) = &field.directives.relation {
            let Some(target) = self.by_name.get(field.ty.named()).copied() else {
                self.unknown(owner, field);
                return None;
            };
            Field::Relation(Relation {
                field: name.clone(),
                name: relation.name.as_str().into(),
                direction: relation.direction,
                target,
                is_list,
                non_null,
                item_non_null,
            })
        } else {
            let Some(ty) = self.property_type(field.ty.named()) else {
                self.unknown(owner, field);
                return None;
            };
            let is_key = field.directives.id;
            let column =
                (!is_key && !field.directives.computed).then(|| self.column(field, storage_type(&ty, is_list)));
            Field::Property(Property {
                name: name.clone(),
                ty,
                is_list,
                non_null,
                item_non_null,
                column,
                is_key,
                is_url: field.directives.url,
                is_searched: field.directives.search.is_some(),
                timestamp: field.directives.timestamp,
            })
        };
        Some((name, built))
    }

    fn unknown(&mut self, owner: &ObjectDefinition, field: &FieldDefinition) {
        self.errors.push(Error::UnknownType {
            field: [&owner.name, ".", &field.name].concat(),
            ty: field.ty.named().to_owned(),
            location: field.location.to_string(),
        });
    }

    fn property_type(&self, name: &str) -> Option<PropertyType> {
        Some(match name {
            "ID" => PropertyType::Id,
            "String" => PropertyType::String,
            "Int" => PropertyType::Int,
            "Float" => PropertyType::Float,
            "Boolean" => PropertyType::Boolean,
            "Date" => PropertyType::Date,
            "DateTime" => PropertyType::DateTime,
            _ if self.definitions.enums.iter().any(|definition| definition.name == name) => {
                PropertyType::Enum(name.into())
            }
            _ if self.definitions.scalars.iter().any(|definition| definition.name == name) => {
                PropertyType::Custom(name.into())
            }
            _ => return None,
        })
    }

    /// Databases compare column names without case, so a name that is taken gets its storage type, then a number, as a suffix.
    fn column(&mut self, field: &FieldDefinition, storage: StorageType) -> ColumnId {
        let key = (field.name.clone(), storage);
        if let Some(&id) = self.column_ids.get(&key) {
            if let Some(column) = self.columns.get_mut(id.0) {
                column.is_indexed |= field.directives.index;
            }
            return id;
        }
        let is_taken = |name: &str| self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let mut name = field.name.clone();
        if is_taken(&name) {
            name = [&field.name, "__", storage.as_str()].concat();
        }
        let mut number = 2;
        while is_taken(&name) {
            name = [&field.name, "__", storage.as_str(), &number.to_string()].concat();
            number += 1;
        }
        let id = ColumnId(self.columns.len());
        self.columns.push(Column { name, property: field.name.clone(), storage, is_indexed: field.directives.index });
        self.column_ids.insert(key, id);
        id
    }

    fn queries(&self, types: &[NodeType]) -> ByName<QueryField> {
        let mut queries: ByName<QueryField> = ByName::default();
        for field in &self.definitions.queries {
            let FieldDirectives { matches, search, resolver, .. } = &field.directives;
            let query = match (matches, search, self.by_name.get(field.ty.named())) {
                (Some(matches), _, Some(&ty)) => QueryField::Matches {
                    ty,
                    property: matches.field.as_str().into(),
                    operator: matches.operator.as_str().into(),
                    argument: matches.argument.as_str().into(),
                },
                (_, Some(search), Some(&ty)) => QueryField::Search(SearchField {
                    ty,
                    text: search.text.as_deref().unwrap_or_default().into(),
                    fields: search.fields.as_deref().map(Into::into),
                    types: search.types.as_deref().map(Into::into),
                    score: search.score.as_deref().map(Into::into),
                }),
                _ => QueryField::Resolver(resolver.as_deref().unwrap_or(&field.name).into()),
            };
            queries.insert(field.name.as_str().into(), query);
        }
        for (index, ty) in types.iter().enumerate() {
            queries.insert(ty.name.clone(), QueryField::Nodes(TypeId(index)));
        }
        queries
    }

    fn mutations(&self, types: &[NodeType]) -> ByName<MutationField> {
        let mut mutations: ByName<MutationField> = ByName::default();
        for field in &self.definitions.mutations {
            let resolver = field.directives.resolver.as_deref().unwrap_or(&field.name).into();
            let mutation = MutationField {
                kind: MutationKind::Resolver(resolver),
                scope: names::declared_scope(&field.name).into(),
            };
            mutations.insert(field.name.as_str().into(), mutation);
        }
        for (index, ty) in types.iter().enumerate() {
            let owner = TypeId(index);
            for relation in ty.relations() {
                for action in RelationAction::ALL {
                    let name = names::relation_mutation(action.as_str(), &ty.name, &relation.field);
                    let scope = names::relation_scope(action.as_str(), &ty.name, &relation.field);
                    let kind = MutationKind::Relation { action, owner, field: relation.field.clone() };
                    mutations.insert(name.into(), MutationField { kind, scope: scope.into() });
                }
            }
            for action in NodeAction::ALL.into_iter().filter(|_| !ty.is_interface) {
                let name = names::node_mutation(action.as_str(), &ty.name);
                let scope = names::node_scope(action.as_str(), &ty.name);
                mutations.insert(
                    name.into(),
                    MutationField { kind: MutationKind::Node { action, ty: owner }, scope: scope.into() },
                );
            }
        }
        mutations
    }

    fn subscriptions(&self) -> ByName<SubscriptionField> {
        let declared = self.definitions.subscriptions.iter().map(|field| {
            let resolver = field.directives.resolver.as_deref().unwrap_or(&field.name);
            (field.name.as_str().into(), SubscriptionField::Resolver(resolver.into()))
        });
        declared.chain([(names::NODE_CHANGED.into(), SubscriptionField::Changes)]).collect()
    }
}

/// Nodes that no query looks for are not in the index.
fn search_index(types: &[NodeType], queries: &ByName<QueryField>) -> SearchIndex {
    let mut index = SearchIndex::default();
    let targets = queries.values().filter_map(|query| match query {
        QueryField::Search(search) => types.get(search.ty.0),
        _ => None,
    });
    index.types = targets.flat_map(|target| target.possible.iter().copied()).collect();
    index.types.sort_unstable();
    index.types.dedup();
    let objects = index.types.iter().filter_map(|id| types.get(id.0));
    let searched = objects.flat_map(NodeType::properties).filter(|property| property.is_searched);
    index.columns = searched.filter_map(|property| property.column).collect();
    index.columns.sort_unstable();
    index.columns.dedup();
    index
}

fn object_key(object: &ObjectDefinition) -> &str {
    object.fields.iter().find(|field| field.directives.id).map(|field| field.name.as_str()).unwrap_or_default()
}

/// List, non-null, items non-null.
fn wrappers(ty: &TypeExpression) -> (bool, bool, bool) {
    let inner = match ty {
        TypeExpression::NonNull(inner) => inner,
        other => other,
    };
    let item_non_null = matches!(inner, TypeExpression::List(item) if item.is_non_null());
    (ty.is_list(), ty.is_non_null(), item_non_null)
}

fn storage_type(ty: &PropertyType, is_list: bool) -> StorageType {
    if is_list {
        return StorageType::List;
    }
    match ty {
        PropertyType::Id | PropertyType::String | PropertyType::Enum(_) => StorageType::Text,
        PropertyType::Int => StorageType::Integer,
        PropertyType::Float => StorageType::Real,
        PropertyType::Boolean => StorageType::Boolean,
        PropertyType::Date => StorageType::Date,
        PropertyType::DateTime => StorageType::DateTime,
        PropertyType::Custom(_) => StorageType::Json,
    }
}
