//! What a document needs, and whether somebody has it: told without running anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::Variables;
use async_graphql::parser::types::OperationType;
use bytes::Bytes;
use serde::Serialize;

use super::document::{self, Documents};
use super::limits::Limits;
use super::needs::{self, Values};
use super::response::{self, GraphqlError};
use super::{Error, schema};
use crate::auth::{PublicOperations, Subject};
use crate::clock::Clock;
use crate::model::Model;
use crate::model::api::{MUTATION, QUERY, SUBSCRIPTION};
use crate::plan::input;
use crate::scope::{Catalogue, Minimal, Scope};
use crate::sql::Dialect;

/// Looks at documents of one schema. Has no storage.
#[derive(Debug)]
pub struct Explainer {
    pub(super) model: Arc<Model>,
    pub(super) documents: Documents,
    pub(super) public: PublicOperations,
    pub(super) limits: Limits,
    catalogue: Catalogue,
    clock: Clock,
}

/// What to look at.
#[derive(Debug, Default)]
pub struct Question {
    /// Document text.
    pub query: String,
    /// Which operation of the document.
    pub operation_name: Option<String>,
    /// With them, scopes are those that execution asks for; without, those that any values may need.
    pub variables: Option<Variables>,
}

/// What the root fields of an operation need.
#[derive(Debug, Clone)]
pub struct Needs {
    /// `Query`, `Mutation` or `Subscription`.
    pub root_type: &'static str,
    /// As the document has it.
    pub operation_name: Option<String>,
    /// In the order of the response.
    pub fields: Vec<FieldNeeds>,
}

/// What a root field needs.
#[derive(Debug, Clone)]
pub struct FieldNeeds {
    /// Key in the response.
    pub response_key: String,
    /// Name.
    pub field: String,
    /// Type, with its wrappers.
    pub ty: String,
    /// The field's own first; none if it is public.
    pub scopes: Vec<Arc<str>>,
    /// Variables whose values may add scopes.
    pub open_variables: Vec<String>,
}

/// What somebody may do of an operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// `query`, `mutation` or `subscription`.
    pub operation: String,
    /// As the document has it.
    pub operation_name: Option<String>,
    /// For whom: `anonymous`, `refused`, `token`, `scopes` or `key`.
    pub subject: &'static str,
    /// The key, if there is one.
    pub key_id: Option<String>,
    /// Whether all fields are allowed.
    pub allowed: bool,
    /// In the order of the response.
    pub fields: Vec<FieldExplanation>,
    /// What to ask for, whoever asks.
    pub minimal_scopes: MinimalScopes,
}

/// What somebody may do of a root field.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldExplanation {
    /// Key in the response.
    pub response_key: String,
    /// Name.
    pub field: String,
    /// Type, with its wrappers.
    #[serde(rename = "type")]
    pub ty: String,
    /// The first scope that it needs; null if it is public.
    pub scope: Option<Arc<str>>,
    /// Whether the guard lets it pass.
    pub allowed: bool,
    /// `UNAUTHENTICATED` or `FORBIDDEN`, as execution would say.
    pub code: Option<&'static str>,
    /// As execution would say.
    pub message: Option<&'static str>,
    /// Every scope that it needs.
    pub scopes: Vec<ScopeExplanation>,
    /// Variables whose values may add scopes, if none were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on_variables: Vec<String>,
}

/// Whether a scope is granted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeExplanation {
    /// Needed.
    pub scope: Arc<str>,
    /// By token and key.
    pub allowed: bool,
    /// Of the token, which covers it.
    pub token_glob: Option<String>,
    /// Of the key, which covers it.
    pub key_glob: Option<String>,
    /// Why not, and what to do.
    pub reason: Option<String>,
}

/// The least that suffices.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MinimalScopes {
    /// Each is needed.
    pub scopes: Vec<String>,
    /// Short globs that cover these of the schema and no other.
    pub globs: Vec<String>,
    /// Whether one token may hold the globs.
    pub fits_one_token: bool,
}

impl From<Minimal> for MinimalScopes {
    fn from(minimal: Minimal) -> Self {
        let fits_one_token = minimal.fits_one_token();
        let scopes = minimal.scopes.iter().map(ToString::to_string).collect();
        Self { scopes, globs: minimal.globs, fits_one_token }
    }
}

impl Explainer {
    /// For a model.
    ///
    /// # Errors
    /// The published schema breaks a rule of GraphQL that the schema files did not show.
    pub fn new(model: Arc<Model>, public: PublicOperations, limits: Limits, clock: Clock) -> Result<Self, Error> {
        let schema = schema::build(&model, |builder| builder.extension(document::factory()))?;
        let documents = Documents::new(Arc::clone(&model), schema, limits.clone());
        let catalogue = model.catalogue();
        Ok(Self { model, documents, public, limits, catalogue, clock })
    }

    /// All scopes of the schema.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Which operations need no scope.
    pub fn public(&self) -> PublicOperations {
        self.public
    }

    /// What an operation needs.
    ///
    /// # Errors
    /// The GraphQL response that execution would give to a document that it does not run.
    pub async fn needs(&self, question: &Question) -> Result<Needs, Bytes> {
        self.look(question).await.map_err(|errors| response::refused(&errors).into())
    }

    /// What all operations of a document need, in its order.
    ///
    /// # Errors
    /// As for [`Self::needs`].
    pub async fn all_needs(&self, query: &str) -> Result<Vec<Needs>, Bytes> {
        let refused = |errors: Vec<GraphqlError>| Bytes::from(response::refused(&errors));
        let document = self.documents.get(query).await.map_err(refused)?;
        let mut all = Vec::new();
        // The parser keeps them in no order.
        let mut operations: Vec<_> = document.executable.operations.iter().collect();
        operations.sort_by_key(|(_, operation)| (operation.pos.line, operation.pos.column));
        for (name, _) in operations {
            let operation_name = name.map(ToString::to_string);
            all.push(self.needs(&Question { query: query.to_owned(), operation_name, variables: None }).await?);
        }
        Ok(all)
    }

    async fn look(&self, question: &Question) -> Result<Needs, Vec<GraphqlError>> {
        let document = self.documents.get(&question.query).await?;
        let name = question.operation_name.as_deref();
        let definition = document::operation(&document.executable, name).map_err(|error| vec![*error])?;
        let root_type = match definition.node.ty {
            OperationType::Query => QUERY,
            OperationType::Mutation => MUTATION,
            OperationType::Subscription => SUBSCRIPTION,
        };
        let (variables, values) = match &question.variables {
            Some(sent) => {
                let coerced = input::coerce_variables(self.model.api(), &definition.node, sent);
                (coerced.map_err(GraphqlError::from_variables)?, Values::Sent)
            }
            None => (input::Variables::new(), Values::Open),
        };
        // No statement is made of it.
        let source = document.source(&self.model, &variables, &self.clock, Dialect::Sqlite);
        let roots = needs::root_fields(&source, root_type, &definition.node.selection_set.node, values);
        if values == Values::Sent {
            self.limits.check_operation(&source, root_type, &roots, definition.pos).map_err(|error| vec![*error])?;
        }
        let fields = roots.iter().map(|root| {
            let needed = needs::needed(&source, root_type, root, self.public, values);
            let published = self.model.api().field(root_type, root.name());
            FieldNeeds {
                response_key: root.response_key.to_string(),
                field: root.name().to_owned(),
                ty: published.map_or_else(|| meta_type(root.name()).to_owned(), |field| field.ty.to_string()),
                scopes: needed.scopes.into_iter().collect(),
                open_variables: needed.open_variables.into_iter().collect(),
            }
        });
        let operation_name = question.operation_name.clone();
        Ok(Needs { root_type, operation_name, fields: fields.collect() })
    }

    /// The least that suffices for operations.
    pub fn minimal<'needs>(&self, needs: impl IntoIterator<Item = &'needs Needs>) -> Minimal {
        let scopes = needs.into_iter().flat_map(|needs| &needs.fields).flat_map(|field| &field.scopes);
        let wanted: BTreeSet<Scope> = scopes.filter_map(|scope| scope.parse().ok()).collect();
        Minimal::of(&wanted, &self.catalogue)
    }

    /// What somebody may do of an operation.
    pub fn explain(&self, needs: &Needs, subject: &Subject) -> Explanation {
        let fields: Vec<_> = needs.fields.iter().map(|field| explain_field(field, subject)).collect();
        Explanation {
            operation: needs.root_type.to_lowercase(),
            operation_name: needs.operation_name.clone(),
            subject: subject.kind(),
            key_id: subject.key_id().map(str::to_owned),
            allowed: fields.iter().all(|field| field.allowed),
            fields,
            minimal_scopes: self.minimal([needs]).into(),
        }
    }
}

fn explain_field(needs: &FieldNeeds, subject: &Subject) -> FieldExplanation {
    let mut denial = None;
    let mut scopes = Vec::new();
    for scope in &needs.scopes {
        let verdict = subject.verdict(scope);
        let reason = subject.reason(&verdict);
        denial = denial.or_else(|| verdict.denial.clone());
        scopes.push(ScopeExplanation {
            scope: Arc::clone(scope),
            allowed: verdict.denial.is_none(),
            token_glob: verdict.token_glob,
            key_glob: verdict.key_glob,
            reason,
        });
    }
    FieldExplanation {
        response_key: needs.response_key.clone(),
        field: needs.field.clone(),
        ty: needs.ty.clone(),
        scope: needs.scopes.first().cloned(),
        allowed: denial.is_none(),
        code: denial.as_ref().map(crate::auth::Denial::code),
        message: denial.as_ref().map(crate::auth::Denial::message),
        scopes,
        depends_on_variables: needs.open_variables.clone(),
    }
}

/// Types of the fields that every schema has.
fn meta_type(field: &str) -> &'static str {
    match field {
        "__schema" => "__Schema!",
        "__type" => "__Type",
        _ => "String!",
    }
}
