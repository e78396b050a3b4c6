//! The way of a request: document, operation, variables, guard, plan, storage, response.

use std::sync::Arc;

use async_graphql::Positioned;
use async_graphql::dynamic::SchemaError;
use async_graphql::parser::types::{OperationDefinition, OperationType};
use bytes::Bytes;
use futures_util::future::join_all;
use quick_cache::sync::Cache;

use super::document::{self, Documents};
use super::introspection::{self, SchemaSelection};
use super::response::{self, GraphqlError, Member};
use super::trail::Trail;
use super::{Answer, Outcome, Request, schema};
use crate::audit;
use crate::auth::Access;
use crate::clock::Clock;
use crate::model::Model;
use crate::model::api::{MUTATION, QUERY};
use crate::plan::nulls::NullCheck;
use crate::plan::{self, RootField, Source, input, mutation, query};
use crate::storage::{self, Storage};

/// Introspection answers of at least this size are kept.
const KEPT_INTROSPECTION_BYTES_MIN: usize = 64 * 1024;
/// How many of them.
const KEPT_INTROSPECTION_MAX: usize = 2;

/// Answers GraphQL requests.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    storage: Storage,
    documents: Documents,
    introspection: Cache<SchemaSelection, Bytes>,
    clock: Clock,
    new_key: fn() -> String,
    has_audit_table: bool,
}

/// Why there is no engine for a model.
#[derive(Debug, thiserror::Error)]
#[error("the schema cannot be published: {0}")]
pub struct Error(String);

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        Self(error.to_string())
    }
}

/// A request on its way.
struct Operation<'a> {
    source: Source<'a>,
    definition: &'a Positioned<OperationDefinition>,
    root_type: &'static str,
}

/// A root field's JSON and what went wrong in it.
struct Resolved {
    json: String,
    errors: Vec<GraphqlError>,
}

impl Engine {
    /// An engine for a model over its storage.
    ///
    /// # Errors
    /// The published schema breaks a rule of GraphQL that the schema files did not show.
    pub fn new(model: Arc<Model>, storage: Storage, clock: Clock, new_key: fn() -> String) -> Result<Self, Error> {
        let schema = schema::build(&model, |builder| builder.extension(document::factory()))?;
        let documents = Documents::new(Arc::clone(&model), schema);
        let introspection = Cache::new(KEPT_INTROSPECTION_MAX);
        Ok(Self { model, storage, documents, introspection, clock, new_key, has_audit_table: false })
    }

    /// The same engine, which writes a row for each mutation, in the mutation's transaction.
    #[must_use]
    pub fn with_audit_table(self) -> Self {
        Self { has_audit_table: true, ..self }
    }

    /// Whether it does.
    pub fn has_audit_table(&self) -> bool {
        self.has_audit_table
    }

    /// The model that is served.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The clock that it goes by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The storage that is served from.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Answers a request.
    pub async fn execute(&self, request: Request, access: Arc<Access>) -> Answer {
        match self.run(&request, access).await {
            Ok(answer) => answer,
            Err(errors) => Answer { body: response::refused(&errors).into(), outcome: Outcome::RequestError },
        }
    }

    /// Makes the answer to the introspection that tools send, so that the first of them does not wait.
    pub async fn warm(&self) {
        let request = Request { query: introspection::STANDARD.to_owned(), ..Request::default() };
        self.execute(request, Arc::new(Access::Anonymous)).await;
    }

    /// `Err` is a request error: nothing ran.
    async fn run(&self, request: &Request, access: Arc<Access>) -> Result<Answer, Vec<GraphqlError>> {
        let document = self.documents.get(&request.query).await?;
        let name = request.operation_name.as_deref();
        let definition = document::operation(&document.executable, name).map_err(|error| vec![*error])?;
        let root_type = match definition.node.ty {
            OperationType::Query => QUERY,
            OperationType::Mutation if request.queries_only => return Ok(mutation_not_allowed()),
            OperationType::Mutation => MUTATION,
            OperationType::Subscription => {
                let message = "subscriptions are not answered over this transport";
                return Err(vec![GraphqlError::new(message, "SUBSCRIPTION_NOT_SUPPORTED").at(definition.pos)]);
            }
        };
        let variables =
            input::coerce_variables(self.model.api(), &definition.node, &request.variables).map_err(|errors| {
                errors
                    .into_iter()
                    .map(|error| GraphqlError::new(error.message, "BAD_USER_INPUT").at(error.position))
                    .collect::<Vec<_>>()
            })?;
        let source = Source {
            model: &self.model,
            document: &document.executable,
            kept: &document.kept,
            variables: &variables,
            now: self.clock.now().into(),
        };
        let operation = Operation { source, definition, root_type };
        Ok(self.execute_operation(&operation, request, access).await)
    }

    async fn execute_operation(&self, operation: &Operation<'_>, request: &Request, access: Arc<Access>) -> Answer {
        let roots =
            plan::root_fields(&operation.source, operation.root_type, &operation.definition.node.selection_set.node);
        if let [only] = roots.as_slice()
            && only.name() == "__schema"
        {
            return self.introspect(operation, only);
        }
        let is_introspection = |root: &RootField<'_>| matches!(root.name(), "__schema" | "__type");
        let resolved: Vec<Resolved> = if operation.root_type == MUTATION {
            self.mutate(operation, &roots, request, access).await
        } else if let [only] = roots.as_slice() {
            vec![self.query(operation, only).await]
        } else {
            join_all(roots.iter().map(|root| self.query(operation, root))).await
        };
        let outcome = if !roots.is_empty() && operation.root_type == QUERY && roots.iter().all(is_introspection) {
            Outcome::Introspection
        } else {
            Outcome::Executed
        };
        let mut errors = Vec::new();
        let mut members = Vec::with_capacity(roots.len());
        for (root, resolved) in roots.iter().zip(resolved) {
            errors.extend(resolved.errors);
            members.push(Member { key: root.response_key, json: resolved.json });
        }
        Answer { body: response::executed(&members, &errors).into(), outcome }
    }

    fn introspect(&self, operation: &Operation<'_>, root: &RootField<'_>) -> Answer {
        match introspection::schema_selection(&operation.source, root) {
            Ok(selection) => {
                let kept = self.introspection.get(&selection);
                let body = kept.unwrap_or_else(|| {
                    let body = Bytes::from(introspection::schema_response(self.model.api(), &selection));
                    if body.len() >= KEPT_INTROSPECTION_BYTES_MIN {
                        self.introspection.insert(selection, body.clone());
                    }
                    body
                });
                Answer { body, outcome: Outcome::Introspection }
            }
            Err(error) => {
                let error = GraphqlError::new(error.to_string(), error.code()).at(root.position());
                Answer { body: response::refused(&[error]).into(), outcome: Outcome::RequestError }
            }
        }
    }

    async fn query(&self, operation: &Operation<'_>, root: &RootField<'_>) -> Resolved {
        let planned = match root.name() {
            "__typename" => return Resolved::json(type_name(QUERY)),
            "__schema" | "__type" => {
                return introspection::resolve(&operation.source, root)
                    .map_or_else(|error| bad_input(root, &error), Resolved::json);
            }
            _ => query::query(operation.source, root),
        };
        match planned {
            Ok(read) => answered(root, self.storage.read(read.statement).await, read.null_check.as_ref(), "[]"),
            Err(error) => bad_input(root, &error),
        }
    }

    /// Asks the guards of all fields, then runs the fields one after another, each in a transaction of its own.
    async fn mutate(
        &self,
        operation: &Operation<'_>,
        roots: &[RootField<'_>],
        request: &Request,
        access: Arc<Access>,
    ) -> Vec<Resolved> {
        let document = operation.source.document;
        let name = request.operation_name.as_deref();
        let guarding = self.documents.guard(document, name, request.variables.clone(), Arc::clone(&access));
        let verdicts = guarding.await;
        let trail = Trail::new(request, &access, &self.model, self.clock.now());
        let mut refusals = Vec::new();
        let mut resolved = Vec::with_capacity(roots.len());
        for root in roots {
            let result = if root.name() == "__typename" {
                Resolved::json(type_name(MUTATION))
            } else {
                match verdicts.of(root.response_key) {
                    Ok(()) => self.mutation(operation, root, &trail).await,
                    Err(refusal) => {
                        let result = refused(root, refusal);
                        let error = result.errors.first();
                        trail.log(root.name(), audit::Outcome::Refused, error, &[]);
                        if self.has_audit_table {
                            refusals.push(trail.refused(root.name(), error));
                        }
                        result
                    }
                }
            };
            resolved.push(result);
        }
        if !refusals.is_empty()
            && let Err(error) = self.storage.write(audit::write(refusals)).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "refused mutations not recorded");
        }
        resolved
    }

    async fn mutation(&self, operation: &Operation<'_>, root: &RootField<'_>, trail: &Trail<'_>) -> Resolved {
        let (resolved, outcome, nodes) = match mutation::mutation(operation.source, root, self.new_key) {
            Ok(change) => {
                let mut write = change.write;
                if self.has_audit_table {
                    write = write.with(trail.done(root.name(), &change.keys));
                }
                let result = self.storage.write(write).await;
                // What is null in the answer against the schema's promise is done all the same.
                let outcome = if result.is_ok() { audit::Outcome::Done } else { audit::Outcome::Failed };
                let resolved = match result {
                    Err(storage::Error::Conflict) => failed(root, &change.conflict, "CONFLICT"),
                    result => answered(root, result, change.null_check.as_ref(), "null"),
                };
                (resolved, outcome, change.keys)
            }
            Err(error) => (bad_input(root, &error), audit::Outcome::Failed, Vec::new()),
        };
        let error = resolved.errors.first().filter(|_| outcome == audit::Outcome::Failed);
        trail.log(root.name(), outcome, error, &nodes);
        resolved
    }
}

impl Resolved {
    fn json(json: String) -> Self {
        Self { json, errors: Vec::new() }
    }

    fn error(error: GraphqlError) -> Self {
        Self { json: "null".to_owned(), errors: vec![error] }
    }
}

fn answered(
    root: &RootField<'_>,
    result: Result<Option<String>, storage::Error>,
    null_check: Option<&NullCheck<'_>>,
    absent: &str,
) -> Resolved {
    let json = match result {
        Ok(Some(json)) => json,
        Ok(None) => return Resolved::json(absent.to_owned()),
        Err(error) => return storage_failed(root, &error),
    };
    let Some(check) = null_check else { return Resolved::json(json) };
    let (json, nulls) = check.apply(json);
    let errors = nulls.into_iter().map(|null| {
        let message = format!("Cannot return null for non-nullable field {}.", null.field);
        GraphqlError::new(message, "INTERNAL_SERVER_ERROR").at(root.position()).below(root.response_key, null.path)
    });
    Resolved { json, errors: errors.collect() }
}

fn bad_input(root: &RootField<'_>, error: &plan::Error) -> Resolved {
    failed(root, &error.to_string(), error.code())
}

fn failed(root: &RootField<'_>, message: &str, code: &str) -> Resolved {
    Resolved::error(GraphqlError::new(message, code).at(root.position()).below(root.response_key, Vec::new()))
}

fn refused(root: &RootField<'_>, refusal: Option<Box<GraphqlError>>) -> Resolved {
    let unasked = || GraphqlError::new("You are not authorized for this resource", "FORBIDDEN").at(root.position());
    let refusal = refusal.map_or_else(unasked, |refusal| *refusal);
    Resolved::error(refusal.below(root.response_key, Vec::new()))
}

fn storage_failed(root: &RootField<'_>, error: &storage::Error) -> Resolved {
    let code = match error {
        storage::Error::Conflict => "CONFLICT",
        storage::Error::Refused(_) => "BAD_USER_INPUT",
        storage::Error::ReadOnly | storage::Error::Full | storage::Error::Busy | storage::Error::Closed => {
            "SERVICE_UNAVAILABLE"
        }
        storage::Error::Timeout => "TIMEOUT",
        storage::Error::Internal(cause) => {
            tracing::error!(
                error = cause.as_ref() as &dyn std::error::Error,
                field = root.name(),
                "a statement failed"
            );
            "INTERNAL_SERVER_ERROR"
        }
    };
    failed(root, &error.to_string(), code)
}

fn type_name(root_type: &str) -> String {
    ["\"", root_type, "\""].concat()
}

fn mutation_not_allowed() -> Answer {
    let error =
        GraphqlError::new("GET supports only query operations: send mutations with POST", "MUTATION_NOT_ALLOWED");
    Answer { body: response::refused(&[error]).into(), outcome: Outcome::MutationNotAllowed }
}
