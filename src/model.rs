//! The model: node types, properties, relations, operations and every generated name, resolved once and never changed.
//!
//! Made from [`crate::sdl::Definitions`]; knows nothing of SQL text, requests or tokens.

pub mod types;
pub mod columns;
pub mod names;
pub mod operations;
pub mod api;
mod build;
mod publish;
mod scopes;
pub mod documents;

use std::sync::Arc;

use indexmap::IndexMap;

pub use build::build;
pub use columns::{Column, ColumnId, SearchIndex, StorageType};
pub use operations::{
    MutationField, MutationKind, NodeAction, QueryField, RelationAction, SearchField, SubscriptionField,
};
pub use types::{Field, NodeType, Property, PropertyType, Relation, TypeId};

use api::Api;

/// What the schema names, in its order. Looked up several times in each request, filled by the operator alone: the hash need not withstand
/// chosen keys.
pub type ByName<T> = IndexMap<Arc<str>, T, rustc_hash::FxBuildHasher>;

/// Everything the server knows about its schema.
#[derive(Debug)]
pub struct Model {
    types: Vec<NodeType>,
    by_name: ByName<TypeId>,
    columns: Vec<Column>,
    search: SearchIndex,
    queries: ByName<QueryField>,
    mutations: ByName<MutationField>,
    subscriptions: ByName<SubscriptionField>,
    api: Api,
    read_scopes: scopes::ReadScopes,
    documents: Vec<documents::DocumentType>,
}

impl Model {
    /// Interfaces first, then object types, each in file order.
    pub fn types(&self) -> &[NodeType] {
        &self.types
    }

    /// Object types only.
    pub fn objects(&self) -> impl Iterator<Item = (TypeId, &NodeType)> {
        self.types.iter().enumerate().filter(|(_, ty)| !ty.is_interface).map(|(index, ty)| (TypeId(index), ty))
    }

    /// A node type by its number.
    #[expect(
        clippy::indexing_slicing,
        reason = "a TypeId is only made by the builder of this model, from positions in `types`"
    )]
    pub fn node_type(&self, id: TypeId) -> &NodeType {
        &self.types[id.0]
    }

    /// A node type by its name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// All columns of the `node` table that follow the schema.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by its number.
    #[expect(
        clippy::indexing_slicing,
        reason = "a ColumnId is only made by the builder of this model, from positions in `columns`"
    )]
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0]
    }

    /// What the full-text index holds; empty if no query looks into one.
    pub fn search(&self) -> &SearchIndex {
        &self.search
    }

    /// Fields of the query root, in published order.
    pub fn queries(&self) -> &ByName<QueryField> {
        &self.queries
    }

    /// Fields of the mutation root, in published order, each with its scope.
    pub fn mutations(&self) -> &ByName<MutationField> {
        &self.mutations
    }

    /// Fields of the subscription root, in published order.
    pub fn subscriptions(&self) -> &ByName<SubscriptionField> {
        &self.subscriptions
    }

    /// The published schema.
    pub fn api(&self) -> &Api {
        &self.api
    }
}
