//! Which scope each field of an operation root needs, if its operation is not public, and the catalogue of all.

use std::sync::Arc;

use indexmap::IndexMap;

use super::api::{ApiKind, ApiTypeRef, QUERY, SUBSCRIPTION};
use super::{Model, MutationKind, QueryField, SearchField, TypeId, names};
use crate::scope::Catalogue;

/// Scopes of what is public by default.
#[derive(Debug, Default)]
pub(super) struct ReadScopes {
    /// By the number of the type.
    types: Vec<Arc<str>>,
    /// Queries whose result is no node type, by field.
    queries: IndexMap<Arc<str>, Arc<str>>,
    /// By field.
    subscriptions: IndexMap<Arc<str>, Arc<str>>,
}

impl ReadScopes {
    pub(super) fn of(model: &Model) -> Self {
        let types = model.types().iter().map(|ty| names::read_scope(&ty.name).into()).collect();
        let other = model.queries().keys().filter(|field| model.query_type(field).is_none());
        let queries = other.map(|field| (Arc::clone(field), names::read_scope(field).into())).collect();
        let subscriptions = match model.api().get(SUBSCRIPTION).map(|root| &root.kind) {
            Some(ApiKind::Object { fields, .. }) => {
                fields.keys().map(|field| (Arc::clone(field), names::subscription_scope(field).into())).collect()
            }
            _ => IndexMap::new(),
        };
        Self { types, queries, subscriptions }
    }
}

impl Model {
    /// The scope of reading nodes of a type or interface: `Query:Person:Read`.
    pub fn read_scope(&self, ty: TypeId) -> Option<&Arc<str>> {
        self.read_scopes.types.get(ty.0)
    }

    /// The scope of a query: that of the type of its nodes.
    pub fn query_scope(&self, field: &str) -> Option<&Arc<str>> {
        match self.query_type(field) {
            Some(ty) => self.read_scope(ty),
            None => self.read_scopes.queries.get(field),
        }
    }

    /// The scope of a subscription: `Subscription:ThingCreateMutation:Receive`.
    pub fn subscription_scope(&self, field: &str) -> Option<&Arc<str>> {
        self.read_scopes.subscriptions.get(field)
    }

    fn query_type(&self, field: &str) -> Option<TypeId> {
        match self.queries().get(field)? {
            QueryField::Nodes(ty) | QueryField::Matches { ty, .. } | QueryField::Search(SearchField { ty, .. }) => {
                Some(*ty)
            }
            QueryField::Resolver(_) => self.type_named(self.api().field(QUERY, field).map(|it| it.ty.name())?),
        }
    }

    /// Scopes of mutations, then of queries, then of subscriptions.
    pub fn catalogue(&self) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut add = |scope: &str, field: &Arc<str>, owner: Arc<str>| {
            // The builder of the model makes all of them of GraphQL names.
            if let Ok(scope) = scope.parse() {
                catalogue.add(scope, Arc::clone(field), owner);
            }
        };
        for (field, mutation) in self.mutations() {
            let owner = match &mutation.kind {
                MutationKind::Node { ty, .. } | MutationKind::Relation { owner: ty, .. } => &self.node_type(*ty).name,
                MutationKind::Resolver(_) => self.result_name(super::api::MUTATION, field),
            };
            add(&mutation.scope, field, Arc::clone(owner));
        }
        for field in self.queries().keys() {
            if let Some(scope) = self.query_scope(field) {
                add(scope, field, Arc::clone(self.result_name(QUERY, field)));
            }
        }
        for (field, scope) in &self.read_scopes.subscriptions {
            add(scope, field, Arc::clone(self.result_name(SUBSCRIPTION, field)));
        }
        catalogue
    }

    fn result_name<'a>(&'a self, root: &str, field: &'a Arc<str>) -> &'a Arc<str> {
        self.api().field(root, field).map_or(field, |published| ApiTypeRef::name(&published.ty))
    }
}
