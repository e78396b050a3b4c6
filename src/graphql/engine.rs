//! The way of a request: document, operation, variables, guard, plan, storage, response.

mod count;
mod mutate;
mod start;

use std::pin::pin;
use std::sync::Arc;

use async_graphql::dynamic::SchemaError;
use async_graphql::parser::types::OperationType;
use bytes::Bytes;
use futures_util::future::join_all;
use quick_cache::sync::Cache;

use super::document::{self, Document};
use super::explain::Explainer;
use super::introspection::{self, Hidden, SchemaSelection};
use super::limits::Limits;
use super::live::Live;
use super::needs::{self, Values};
use super::response::{self, GraphqlError, Member};
use super::{Answer, Outcome, Request, Visible};
use crate::auth::{Access, PublicOperations};
use crate::clock::Clock;
use crate::document::Documents;
use crate::metrics::{Kind, Metrics};
use crate::model::Model;
use crate::model::api::{MUTATION, QUERY};
use crate::plan::nulls::NullCheck;
use crate::plan::{self, RootField, Source, input, query};
use crate::storage::{self, Storage};
use crate::trace;

pub use start::Started;

pub(super) use count::too_long;
use count::{challenge, is_unavailable, kind_of, mutation_not_allowed};

/// Introspection answers of at least this size are kept.
const KEPT_INTROSPECTION_BYTES_MIN: usize = 64 * 1024;
/// How many of them: two forms of the whole schema, and what two callers see of it.
const KEPT_INTROSPECTION_MAX: usize = 4;

/// Answers GraphQL requests.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    storage: Storage,
    explainer: Explainer,
    live: Arc<Live>,
    /// By the mutations that are seen, if not all are, and the selection.
    introspection: Cache<(Option<Vec<u8>>, SchemaSelection), Bytes>,
    clock: Clock,
    new_key: fn() -> String,
    has_audit_table: bool,
    metrics: Option<Arc<Metrics>>,
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
    root_type: &'static str,
    /// What introspection leaves out.
    hidden: Option<Hidden<'a>>,
    /// For the guards.
    document: &'a Document,
}

/// A root field's JSON and what went wrong in it.
pub(super) struct Resolved {
    pub(super) json: String,
    pub(super) errors: Vec<GraphqlError>,
    /// Scopes for whose lack it was refused.
    denied: Vec<Arc<str>>,
}

impl Engine {
    /// An engine for a model over its storage.
    ///
    /// # Errors
    /// The published schema breaks a rule of GraphQL that the schema files did not show.
    pub fn new(
        model: Arc<Model>,
        storage: Storage,
        limits: Limits,
        clock: Clock,
        new_key: fn() -> String,
    ) -> Result<Self, Error> {
        let live = Live::new(Arc::clone(&model), storage.clone(), clock.clone(), limits.response_bytes);
        let live = Arc::new(live);
        let explainer = Explainer::new(Arc::clone(&model), PublicOperations::default(), limits, clock.clone())?;
        let introspection = Cache::new(KEPT_INTROSPECTION_MAX);
        Ok(Self {
            model,
            storage,
            explainer,
            live,
            introspection,
            clock,
            new_key,
            has_audit_table: false,
            metrics: None,
        })
    }

    /// With other operations public than the usual ones.
    #[must_use]
    pub fn with_public(mut self, public: PublicOperations) -> Self {
        self.explainer.public = public;
        self
    }

    /// With a row for each mutation, in the mutation's transaction.
    #[must_use]
    pub fn with_audit_table(mut self) -> Self {
        self.has_audit_table = true;
        self
    }

    /// Whether there are such rows.
    pub fn has_audit_table(&self) -> bool {
        self.has_audit_table
    }

    /// The clock that it goes by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Tells what documents need, without running them.
    pub fn explainer(&self) -> &Explainer {
        &self.explainer
    }

    /// Nodes by their identifiers, with what holds for queries.
    pub fn documents(&self) -> Documents {
        let (public, limits) = (self.explainer.public, &self.explainer.limits);
        Documents::new(Arc::clone(&self.model), self.storage.clone(), public, limits.response_bytes)
    }

    /// The model that is served.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The storage that is served from.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Answers a request.
    pub async fn execute(&self, request: Request, access: Arc<Access>) -> Answer {
        trace::operation(pin!(self.answer(request, access))).await
    }

    async fn answer(&self, request: Request, access: Arc<Access>) -> Answer {
        let mut kind = Kind::None;
        match self.run(&request, access, &mut kind).await {
            Ok(answer) => answer,
            Err(errors) => self.request_error(kind, &errors),
        }
    }

    /// Makes the answer to the introspection that tools send, so that the first of them does not wait.
    pub async fn warm(&self) {
        let request = Request { query: introspection::STANDARD.to_owned(), ..Request::default() };
        self.execute(request, Arc::new(Access::Anonymous)).await;
    }

    /// `Err` is a request error: nothing ran.
    async fn run(&self, request: &Request, access: Arc<Access>, kind: &mut Kind) -> Result<Answer, Vec<GraphqlError>> {
        let document = self.explainer.documents.get(&request.query).await?;
        let name = request.operation_name.as_deref();
        let definition = document::operation(&document.executable, name).map_err(|error| vec![*error])?;
        *kind = kind_of(definition.node.ty);
        let root_type = match definition.node.ty {
            OperationType::Query => QUERY,
            OperationType::Mutation if request.queries_only => {
                self.count(*kind, Some("MUTATION_NOT_ALLOWED"));
                return Ok(mutation_not_allowed());
            }
            OperationType::Mutation => MUTATION,
            OperationType::Subscription => {
                let message =
                    "a subscription is answered over WebSocket, or over HTTP with `accept: text/event-stream`";
                return Err(vec![GraphqlError::new(message, "SUBSCRIPTION_NOT_SUPPORTED").at(definition.pos)]);
            }
        };
        let variables = input::coerce_variables(self.model.api(), &definition.node, &request.variables)
            .map_err(GraphqlError::from_variables)?;
        let source = document.source(&self.model, &variables, &self.clock, self.storage.dialect());
        let is_narrowed = request.visible == Visible::Mine && root_type == QUERY && request.query.contains("__");
        let hidden = is_narrowed.then(|| Hidden::of(&self.model, |scope| access.check(scope).is_ok()));
        let operation = Operation { source, root_type, hidden, document: &document };
        let roots = plan::root_fields(&source, root_type, &definition.node.selection_set.node);
        trace::running(roots.len(), || document::operation_name(&document.executable, name));
        self.explainer
            .limits
            .check_operation(&source, root_type, &roots, definition.pos)
            .map_err(|error| vec![*error])?;
        Ok(self.execute_operation(&operation, &roots, request, access).await)
    }

    async fn execute_operation(
        &self,
        operation: &Operation<'_>,
        roots: &[RootField<'_>],
        request: &Request,
        access: Arc<Access>,
    ) -> Answer {
        if let [only] = roots
            && only.name() == "__schema"
        {
            return self.introspect(operation, only);
        }
        let is_introspection = |root: &RootField<'_>| matches!(root.name(), "__schema" | "__type");
        let resolved: Vec<Resolved> = if operation.root_type == MUTATION {
            self.mutate(operation, roots, request, Arc::clone(&access)).await
        } else if let [only] = roots {
            vec![self.query(operation, only, &access).await]
        } else {
            join_all(roots.iter().map(|root| self.query(operation, root, &access))).await
        };
        let outcome = if !roots.is_empty() && operation.root_type == QUERY && roots.iter().all(is_introspection) {
            Outcome::Introspection
        } else if !resolved.is_empty() && resolved.iter().all(is_unavailable) {
            Outcome::Unavailable
        } else {
            Outcome::Executed
        };
        let kind = if operation.root_type == MUTATION { Kind::Mutation } else { Kind::Query };
        let mut errors: Vec<GraphqlError> = Vec::new();
        let mut members = Vec::with_capacity(roots.len());
        let mut denied = Vec::new();
        let allowed = self.explainer.limits.response_bytes;
        let mut room = allowed;
        for (root, mut resolved) in roots.iter().zip(resolved) {
            match room.checked_sub(resolved.json.len()) {
                Some(left) => room = left,
                None => resolved = too_long(root, allowed, operation.root_type),
            }
            self.count_if_denied(kind, &resolved);
            errors.extend(resolved.errors);
            denied.extend(resolved.denied);
            members.push(Member { key: root.response_key, json: resolved.json });
        }
        self.count(kind, errors.first().map(GraphqlError::code));
        Answer { body: response::executed(&members, &errors).into(), outcome, challenge: challenge(denied, &access) }
    }

    fn introspect(&self, operation: &Operation<'_>, root: &RootField<'_>) -> Answer {
        match introspection::schema_selection(&operation.source, root) {
            Ok(selection) => {
                let hidden = operation.hidden.as_ref();
                let key = (hidden.map(|hidden| hidden.seen.clone()), selection);
                let kept = self.introspection.get(&key);
                let body = kept.unwrap_or_else(|| {
                    let body = Bytes::from(introspection::schema_response(self.model.api(), &key.1, hidden));
                    if body.len() >= KEPT_INTROSPECTION_BYTES_MIN {
                        self.introspection.insert(key, body.clone());
                    }
                    body
                });
                self.count(Kind::Query, None);
                Answer { body, outcome: Outcome::Introspection, challenge: None }
            }
            Err(error) => {
                let error = GraphqlError::new(error.to_string(), error.code()).at(root.position());
                self.request_error(Kind::Query, &[error])
            }
        }
    }

    async fn query(&self, operation: &Operation<'_>, root: &RootField<'_>, access: &Access) -> Resolved {
        if let Err(refusal) = self.may_read(operation, root, access) {
            return *refusal;
        }
        let planned = match root.name() {
            "__typename" => return Resolved::json(type_name(QUERY)),
            "__schema" | "__type" => {
                return introspection::resolve(&operation.source, root, operation.hidden.as_ref())
                    .map_or_else(|error| bad_input(root, &error), Resolved::json);
            }
            _ => query::query(operation.source, root),
        };
        match planned {
            Ok(read) => answered(root, self.storage.read(read.statement).await, read.null_check.as_ref(), "[]"),
            Err(error) => bad_input(root, &error),
        }
    }

    /// Whether the caller has the scopes that a field needs beside that of a mutation. Free where queries are public.
    fn may_read(&self, operation: &Operation<'_>, root: &RootField<'_>, access: &Access) -> Result<(), Box<Resolved>> {
        if self.explainer.public.queries {
            return Ok(());
        }
        let (source, root_type) = (&operation.source, operation.root_type);
        let needed = needs::needed(source, root_type, root, self.explainer.public, Values::Sent);
        let Some((denial, missing)) = access.denied(&needed.scopes) else { return Ok(()) };
        let refusal = GraphqlError::denied(&denial, &missing, root.position()).below(root.response_key, Vec::new());
        Err(Box::new(Resolved::error(refusal).denying(missing)))
    }
}

impl Resolved {
    pub(super) fn json(json: String) -> Self {
        Self { json, errors: Vec::new(), denied: Vec::new() }
    }

    fn error(error: GraphqlError) -> Self {
        Self { json: "null".to_owned(), errors: vec![error], denied: Vec::new() }
    }

    fn denying(mut self, scopes: impl IntoIterator<Item = Arc<str>>) -> Self {
        self.denied.extend(scopes);
        self
    }
}

pub(super) fn answered(
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
    Resolved { json, errors: errors.collect(), denied: Vec::new() }
}

pub(super) fn bad_input(root: &RootField<'_>, error: &plan::Error) -> Resolved {
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

pub(super) fn storage_failed(root: &RootField<'_>, error: &storage::Error) -> Resolved {
    let code = match error {
        storage::Error::Conflict => "CONFLICT",
        storage::Error::Refused(_) => "BAD_USER_INPUT",
        storage::Error::ReadOnly
        | storage::Error::Full
        | storage::Error::Busy
        | storage::Error::Unavailable
        | storage::Error::Closed => "SERVICE_UNAVAILABLE",
        storage::Error::Unknown => "OUTCOME_UNKNOWN",
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
