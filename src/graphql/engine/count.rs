//! Answers to what does not run or is not told, and what is counted of operations, if anybody may read it.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;

use super::{Engine, Resolved, failed};
use crate::auth::{Access, TokenError};
use crate::graphql::response::{self, GraphqlError};
use crate::graphql::{Answer, Challenge, Outcome};
use crate::metrics::{Kind, Metrics};
use crate::model::api::MUTATION;
use crate::plan::RootField;
use crate::trace;

impl Engine {
    /// Operations are counted.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Option<Arc<Metrics>>) -> Self {
        self.metrics = metrics;
        self
    }

    pub(super) fn count(&self, kind: Kind, code: Option<&str>) {
        trace::executed(kind, code);
        if let Some(metrics) = &self.metrics {
            metrics.operation(kind, code);
        }
    }

    pub(super) fn count_if_denied(&self, kind: Kind, resolved: &Resolved) {
        if !resolved.denied.is_empty() {
            self.count_denied(kind, resolved.errors.first());
        }
    }

    pub(super) fn count_denied(&self, kind: Kind, error: Option<&GraphqlError>) {
        if let Some(metrics) = &self.metrics {
            metrics.denied(kind, error.map_or("OTHER", GraphqlError::code));
        }
    }

    pub(super) fn request_error(&self, kind: Kind, errors: &[GraphqlError]) -> Answer {
        self.count(kind, Some(errors.first().map_or("OTHER", GraphqlError::code)));
        request_error(errors)
    }
}

pub(super) fn kind_of(ty: OperationType) -> Kind {
    match ty {
        OperationType::Query => Kind::Query,
        OperationType::Mutation => Kind::Mutation,
        OperationType::Subscription => Kind::Subscription,
    }
}

fn request_error(errors: &[GraphqlError]) -> Answer {
    Answer { body: response::refused(errors).into(), outcome: Outcome::RequestError, challenge: None }
}

pub(super) fn mutation_not_allowed() -> Answer {
    let error =
        GraphqlError::new("GET supports only query operations: send mutations with POST", "MUTATION_NOT_ALLOWED");
    Answer { body: response::refused(&[error]).into(), outcome: Outcome::MutationNotAllowed, challenge: None }
}

pub(in crate::graphql) fn too_long(root: &RootField<'_>, allowed: usize, root_type: &str) -> Resolved {
    let done = if root_type == MUTATION { "; what it asked to change is changed" } else { "" };
    let message = format!(
        "the answer has more than {allowed} bytes (MAX_RESPONSE_BYTES): ask for a page of it, or for fewer fields{done}"
    );
    failed(root, &message, "RESPONSE_TOO_LARGE")
}

/// Whether the database was not there for a field.
pub(super) fn is_unavailable(resolved: &Resolved) -> bool {
    resolved.errors.first().is_some_and(|error| error.code() == "SERVICE_UNAVAILABLE")
}

/// What to tell a caller that was denied scopes.
pub(super) fn challenge(mut denied: Vec<Arc<str>>, access: &Access) -> Option<Challenge> {
    // Another token would be no better than one that cannot be checked now.
    if denied.is_empty() || matches!(access, Access::Refused(TokenError::Unchecked)) {
        return None;
    }
    denied.sort_unstable();
    denied.dedup();
    Some(Challenge::new(access, denied))
}
