//! What is recorded of the root fields of a mutation.

use std::sync::Arc;
use std::time::SystemTime;

use super::Request;
use super::response::GraphqlError;
use crate::audit::{Event, Origin, Outcome, Record};
use crate::auth::Access;
use crate::model::Model;
use crate::sql::Sql;

/// Who sent a mutation, from where, and what for.
pub(super) struct Trail<'a> {
    access: &'a Access,
    origin: Option<&'a Origin>,
    operation: Option<&'a str>,
    model: &'a Model,
    now: SystemTime,
}

impl<'a> Trail<'a> {
    pub(super) fn new(request: &'a Request, access: &'a Arc<Access>, model: &'a Model, now: SystemTime) -> Self {
        let operation = request.operation_name.as_deref();
        Self { access, origin: request.origin.as_deref(), operation, model, now }
    }

    /// The row for a field that is about to be run. It is kept only if the field is done.
    pub(super) fn done(&self, field: &str, nodes: &[String]) -> Sql {
        let record = Record { nodes, ..self.record(Outcome::Done, None) };
        self.with_scopes(field, &[], record, |record| record.statement(self.now))
    }

    /// The row for a field that is refused for lack of `denied`.
    pub(super) fn refused(&self, field: &str, error: Option<&GraphqlError>, denied: &[Arc<str>]) -> Sql {
        let record = self.record(Outcome::Refused, error);
        self.with_scopes(field, denied, record, |record| record.statement(self.now))
    }

    /// The line for a field that is refused.
    pub(super) fn log_refused(&self, field: &str, error: Option<&GraphqlError>, denied: &[Arc<str>]) {
        self.with_scopes(field, denied, self.record(Outcome::Refused, error), |record| record.log());
    }

    /// The line for a field that was run.
    pub(super) fn log(&self, field: &str, outcome: Outcome, error: Option<&GraphqlError>, nodes: &[String]) {
        let record = Record { nodes, ..self.record(outcome, error) };
        self.with_scopes(field, &[], record, |record| record.log());
    }

    /// The scopes that a field needed: the denied ones or, if there are none, that of the mutation.
    fn with_scopes<T>(
        &self,
        field: &str,
        denied: &[Arc<str>],
        record: Record<'_>,
        with: impl FnOnce(Record<'_>) -> T,
    ) -> T {
        let own = self.model.mutations().get(field).map(|mutation| mutation.scope.to_string());
        let denied: Vec<_> = denied.iter().map(ToString::to_string).collect();
        let scopes = if denied.is_empty() { own.as_slice() } else { &denied };
        with(Record { field: Some(field), scopes, ..record })
    }

    fn record<'b>(&'b self, outcome: Outcome, error: Option<&'b GraphqlError>) -> Record<'b> {
        let principal = match self.access {
            Access::Granted(principal) => Some(principal),
            Access::Anonymous | Access::Refused(_) => None,
        };
        Record {
            event: Event::Mutation,
            outcome,
            code: error.map(GraphqlError::code),
            key_id: principal.map(|principal| &*principal.id),
            token_id: principal.and_then(|principal| principal.token_id.as_deref()),
            origin: self.origin,
            operation: self.operation,
            field: None,
            scopes: &[],
            nodes: &[],
        }
    }
}
