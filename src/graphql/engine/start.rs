//! Requests where streams are possible: a subscription starts, anything else is answered at once.

use std::pin::pin;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;

use super::{Engine, challenge, kind_of};
use crate::auth::Access;
use crate::contributor;
use crate::graphql::live::{Key, Mailbox, Prepared, Subscription};
use crate::graphql::needs::{self, Values};
use crate::graphql::response::GraphqlError;
use crate::graphql::{Answer, Request, document};
use crate::metrics::Kind;
use crate::model::api::SUBSCRIPTION;
use crate::plan::{self, RootField, Source, input, subscription};
use crate::trace;

/// What became of a request where streams are possible.
#[derive(Debug)]
pub enum Started {
    /// It is answered.
    Answer(Answer),
    /// Payloads come into the mailbox.
    Stream(Subscription),
}

/// Why a subscription does not start.
enum Refused {
    Errors(Vec<GraphqlError>),
    Denied(Box<Answer>),
}

impl From<Vec<GraphqlError>> for Refused {
    fn from(errors: Vec<GraphqlError>) -> Self {
        Self::Errors(errors)
    }
}

impl From<GraphqlError> for Refused {
    fn from(error: GraphqlError) -> Self {
        Self::Errors(vec![error])
    }
}

impl Engine {
    /// Answers a request, or sends what it subscribes to into a mailbox, each payload under the tag, as long as the subscription lives.
    pub async fn start(&self, request: Request, access: Arc<Access>, mailbox: &Arc<Mailbox>, tag: u64) -> Started {
        trace::operation(pin!(self.started(request, access, mailbox, tag))).await
    }

    async fn started(&self, request: Request, access: Arc<Access>, mailbox: &Arc<Mailbox>, tag: u64) -> Started {
        let mut kind = Kind::None;
        match self.subscription(&request, &access, mailbox, tag, &mut kind).await {
            Ok(Some(subscription)) => {
                self.count(Kind::Subscription, None);
                Started::Stream(subscription)
            }
            Ok(None) => Started::Answer(self.answer(request, access).await),
            Err(Refused::Errors(errors)) => Started::Answer(self.request_error(kind, &errors)),
            Err(Refused::Denied(answer)) => Started::Answer(*answer),
        }
    }

    /// How many subscriptions there are.
    pub fn subscribers(&self) -> usize {
        self.live.subscribers()
    }

    /// None if the request is for another operation.
    async fn subscription(
        &self,
        request: &Request,
        access: &Access,
        mailbox: &Arc<Mailbox>,
        tag: u64,
        kind: &mut Kind,
    ) -> Result<Option<Subscription>, Refused> {
        let document = self.explainer.documents.get(&request.query).await?;
        let name = request.operation_name.as_deref();
        let definition = document::operation(&document.executable, name).map_err(|error| *error)?;
        *kind = kind_of(definition.node.ty);
        if definition.node.ty != OperationType::Subscription {
            return Ok(None);
        }
        let variables = input::coerce_variables(self.model.api(), &definition.node, &request.variables)
            .map_err(GraphqlError::from_variables)?;
        let source = document.source(&self.model, &variables, &self.clock, self.storage.dialect());
        let roots = plan::root_fields(&source, SUBSCRIPTION, &definition.node.selection_set.node);
        trace::running(roots.len(), || document::operation_name(&document.executable, name));
        // GraphQL specification, section 5.2.3.1.
        let only = match roots.as_slice() {
            [only] if only.name() != "__typename" => only,
            _ => {
                let message = "a subscription must select one field, and none of introspection";
                return Err(GraphqlError::new(message, "GRAPHQL_VALIDATION_FAILED").at(definition.pos).into());
            }
        };
        self.explainer.limits.check_operation(&source, SUBSCRIPTION, &roots, definition.pos).map_err(|error| *error)?;
        let scopes = self.may_receive(&source, only, access)?;
        let watch = subscription::watch(source, only, contributor::subscription)
            .map_err(|error| GraphqlError::new(error.to_string(), error.code()).at(only.position()))?;
        let key = Key {
            query: request.query.clone(),
            operation_name: request.operation_name.clone(),
            variables: serde_json::to_string(&request.variables).unwrap_or_default(),
        };
        let operation_name = request.operation_name.clone();
        let prepared = Prepared { document: Arc::clone(&document), operation_name, variables, watch };
        let events = self.storage.events().listen().await;
        let subscription = self.live.subscribe(key, prepared, (mailbox, tag), events).map_err(|error| *error)?;
        Ok(Some(subscription.needing(scopes)))
    }

    /// The scopes that a subscription needs, all of which the caller has; none where they are public.
    fn may_receive(
        &self,
        source: &Source<'_>,
        root: &RootField<'_>,
        access: &Access,
    ) -> Result<Box<[Arc<str>]>, Refused> {
        let needed = needs::needed(source, SUBSCRIPTION, root, self.explainer.public, Values::Sent);
        let Some((denial, missing)) = access.denied(&needed.scopes) else {
            return Ok(needed.scopes.into_iter().collect());
        };
        let error = GraphqlError::denied(&denial, &missing, root.position());
        self.count_denied(Kind::Subscription, Some(&error));
        let mut answer = self.request_error(Kind::Subscription, &[error]);
        answer.challenge = challenge(missing, access);
        Err(Refused::Denied(Box::new(answer)))
    }
}
