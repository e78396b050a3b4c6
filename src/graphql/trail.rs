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
        self.record(field, Outcome::Done, None, nodes, |record| record.statement(self.now))
    }

    /// The row for a field that is refused.
    pub(super) fn refused(&self, field: &str, error: Option<&GraphqlError>) -> Sql {
        let code = error.map(GraphqlError::code);
        self.record(field, Outcome::Refused, code, &[], |record| record.statement(self.now))
    }

    /// The line for a field that is answered.
    pub(super) fn log(&self, field: &str, outcome: Outcome, error: Option<&GraphqlError>, nodes: &[String]) {
        self.record(field, outcome, error.map(GraphqlError::code), nodes, |record| record.log());
    }

    fn record<T>(
        &self,
        field: &str,
        outcome: Outcome,
        code: Option<&str>,
        nodes: &[String],
        with: impl FnOnce(Record<'_>) -> T,
    ) -> T {
        let scope = self.model.mutations().get(field).map(|mutation| mutation.scope.to_string());
        let principal = match self.access {
            Access::Granted(principal) => Some(principal),
            Access::Anonymous | Access::Refused(_) => None,
        };
        with(Record {
            event: Event::Mutation,
            outcome,
            code,
            key_id: principal.map(|principal| &*principal.id),
            token_id: principal.and_then(|principal| principal.token_id.as_deref()),
            origin: self.origin,
            operation: self.operation,
            field: Some(field),
            scopes: scope.as_slice(),
            nodes,
        })
    }
}
