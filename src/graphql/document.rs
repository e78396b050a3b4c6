//! Documents: parsed and validated once, kept by their text.

use std::sync::{Arc, Mutex};

use async_graphql::dynamic::Schema;
use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextValidation,
};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{
    CacheControl, Name, Positioned, Request, Response, ServerError, ServerResult, ValidationResult, Value, Variables,
};
use indexmap::IndexMap;
use quick_cache::sync::Cache;

use super::escapes;
use super::limits::{Exceeded, Limits};
use super::response::GraphqlError;
use super::schema::Verdicts;
use super::validation;
use crate::auth::Access;
use crate::clock::Clock;
use crate::model::Model;
use crate::plan::{KeptObjects, Source, input};
use crate::sql::Dialect;

/// Documents kept.
const DOCUMENTS_MAX: usize = 1_000;
/// Longest document kept, in bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// A validated document, and what its selections compiled to.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) executable: Arc<ExecutableDocument>,
    pub(super) kept: KeptObjects,
    /// What guards look at: root fields without what is in them. The engine takes a copy each time.
    guarded: ExecutableDocument,
}

impl Document {
    /// What planning an operation of it starts from.
    pub(super) fn source<'a>(
        &'a self,
        model: &'a Model,
        variables: &'a input::Variables,
        clock: &Clock,
        dialect: Dialect,
    ) -> Source<'a> {
        let now = clock.now().into();
        Source { model, document: &self.executable, kept: &self.kept, variables, now, dialect }
    }
}

/// Parses and validates with the engine, and asks its guards.
#[derive(Debug)]
pub(super) struct Documents {
    model: Arc<Model>,
    schema: Schema,
    limits: Limits,
    kept: Cache<String, Arc<Document>>,
}

impl Documents {
    /// Documents of one schema, which was built with [`factory`].
    pub(super) fn new(model: Arc<Model>, schema: Schema, limits: Limits) -> Self {
        Self { model, schema, limits, kept: Cache::new(DOCUMENTS_MAX) }
    }

    /// The validated document of this text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) async fn get(&self, text: &str) -> Result<Arc<Document>, Vec<GraphqlError>> {
        if let Some(document) = self.kept.get(text) {
            return Ok(document);
        }
        self.limits.check_text(text).map_err(|exceeded| vec![exceeded.into_error()])?;
        let pass = Pass::new(self.limits.clone());
        // Without variables: their values are checked for each request, the document once.
        let response = self.schema.execute(Request::new(escapes::resolve(text)).data(pass.clone())).await;
        let state = pass.take();
        if let Some(exceeded) = state.exceeded {
            return Err(vec![exceeded.into_error()]);
        }
        if !state.is_valid {
            let code = if state.document.is_some() { "GRAPHQL_VALIDATION_FAILED" } else { "GRAPHQL_PARSE_FAILED" };
            return Err(response.errors.into_iter().map(|error| GraphqlError::from_engine(error, code)).collect());
        }
        let Some(executable) = state.document else {
            return Err(vec![GraphqlError::new("the document is empty", "GRAPHQL_PARSE_FAILED")]);
        };
        let errors = validation::check(self.model.api(), &executable);
        if !errors.is_empty() {
            return Err(errors);
        }
        let document =
            Arc::new(Document { guarded: root_fields_only(&executable), executable, kept: KeptObjects::default() });
        if text.len() <= KEPT_BYTES_MAX {
            self.kept.insert(text.to_owned(), Arc::clone(&document));
        }
        Ok(document)
    }

    /// What the guards of every root field say, before any of them is resolved. Nothing else runs.
    pub(super) async fn guard(
        &self,
        document: &Document,
        name: Option<&str>,
        variables: &Variables,
        access: Arc<Access>,
    ) -> Verdicts {
        let verdicts = Verdicts::default();
        // Of the variables, only those of `@skip` and `@include` matter.
        let conditions = variables.iter().filter(|(_, value)| matches!(value, Value::Boolean(_)));
        let variables = conditions.map(|(name, value)| (name.clone(), value.clone())).collect::<IndexMap<_, _>>();
        let variables = Variables::from_value(Value::Object(variables));
        let mut request = Request::new("").variables(variables).data(access).data(verdicts.clone()).data(Checked);
        if let Some(name) = name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(document.guarded.clone());
        self.schema.execute(request).await;
        verdicts
    }
}

fn root_fields_only(document: &ExecutableDocument) -> ExecutableDocument {
    fn strip(set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    field.node.arguments.clear();
                    field.node.selection_set.node.items.clear();
                }
                Selection::InlineFragment(fragment) => strip(&mut fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    let mut stripped = document.clone();
    match &mut stripped.operations {
        DocumentOperations::Single(operation) => strip(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                strip(&mut operation.node.selection_set.node);
            }
        }
    }
    for fragment in stripped.fragments.values_mut() {
        strip(&mut fragment.node.selection_set.node);
    }
    stripped
}

/// The operation that a request names, or what to change.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Box<GraphqlError>> {
    let refused = |message: String| Box::new(GraphqlError::new(message, "BAD_USER_INPUT"));
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).ok_or_else(|| refused(format!("Unknown operation named \"{name}\".")))
        }
        (DocumentOperations::Single(_), Some(name)) => Err(refused(format!("Unknown operation named \"{name}\"."))),
        (DocumentOperations::Multiple(operations), None) => match operations.values().next() {
            Some(only) if operations.len() == 1 => Ok(only),
            _ => Err(refused("Must provide operation name if query contains multiple operations.".to_owned())),
        },
    }
}

/// The name of what [`operation`] finds.
pub(super) fn operation_name<'a>(document: &'a ExecutableDocument, name: Option<&'a str>) -> Option<&'a str> {
    name.or_else(|| document.operations.iter().next()?.0.map(Name::as_str))
}

/// What the engine saw of a document on its way to execution.
#[derive(Debug, Clone)]
struct Pass {
    limits: Limits,
    state: Arc<Mutex<PassState>>,
}

#[derive(Debug, Default)]
struct PassState {
    document: Option<Arc<ExecutableDocument>>,
    exceeded: Option<Exceeded>,
    is_valid: bool,
}

impl Pass {
    fn new(limits: Limits) -> Self {
        Self { limits, state: Arc::default() }
    }

    fn take(&self) -> PassState {
        std::mem::take(&mut *self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn update(&self, change: impl FnOnce(&mut PassState)) {
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// Marks a request whose document was validated before.
#[derive(Debug, Clone, Copy)]
struct Checked;

/// Makes the extension that [`Documents`] needs in its schema.
pub(super) fn factory() -> impl ExtensionFactory {
    Factory
}

struct Factory;

impl ExtensionFactory for Factory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Capture)
    }
}

struct Capture;

#[async_graphql::async_trait::async_trait]
impl Extension for Capture {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        if let Some(pass) = ctx.data_opt::<Pass>() {
            if let Err(exceeded) = pass.limits.check_document(&document) {
                // Before validation, which may take long for a document of any size. The text is never told.
                pass.update(|state| state.exceeded = Some(exceeded));
                return Err(ServerError::new("too large", None));
            }
            pass.update(|state| state.document = Some(Arc::new(document.clone())));
        }
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        if ctx.data_opt::<Checked>().is_some() {
            return Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 });
        }
        let result = next.run(ctx).await?;
        if let Some(pass) = ctx.data_opt::<Pass>() {
            pass.update(|state| state.is_valid = true);
        }
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        // A document is only looked at; guards alone are executed.
        if ctx.data_opt::<Verdicts>().is_none() {
            return Response::default();
        }
        next.run(ctx, operation_name).await
    }
}
