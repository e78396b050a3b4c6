//! What is recorded of a request for a token.

use std::sync::Arc;

use axum::http::request::Parts;
use serde_json::Value;

use super::Services;
use crate::audit::{self, Event, Origin, Outcome, Record};
use crate::auth::Minted;

/// Who asked, from where, and for what.
pub(in crate::http) struct Trail {
    services: Arc<Services>,
    key_id: Option<Arc<str>>,
    origin: Origin,
    scopes: Vec<String>,
    event: Event,
}

impl Trail {
    pub(super) fn new(services: &Arc<Services>, parts: &Parts, order: &Value) -> Self {
        let scopes = order.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self {
            services: Arc::clone(services),
            key_id: services.authority.known_id(order),
            origin: services.origin(parts),
            scopes: scopes.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
            event: Event::Mint,
        }
    }

    /// Of a request to end a token.
    pub(in crate::http) fn of_revocation(services: &Arc<Services>, parts: &Parts, order: &Value) -> Self {
        Self { event: Event::Revoke, scopes: Vec::new(), ..Self::new(services, parts, order) }
    }

    /// Whether it could be recorded that a token is to end: else it does not.
    pub(in crate::http) async fn revoked(&self, token_id: &str) -> bool {
        self.keep(&Record { token_id: Some(token_id), ..self.record(Outcome::Done) }).await
    }

    /// Whether it could be recorded: else nobody gets the token.
    pub(super) async fn done(&self, minted: &Minted) -> bool {
        let token_id = minted.token_id.to_string();
        let is_kept = self.keep(&Record { token_id: Some(&token_id), ..self.record(Outcome::Done) }).await;
        self.count(if is_kept { "minted" } else { "other" });
        is_kept
    }

    pub(in crate::http) async fn refused(&self, code: &str) {
        if self.event == Event::Mint {
            self.count(code);
        }
        self.keep(&Record { code: Some(code), ..self.record(Outcome::Refused) }).await;
    }

    fn count(&self, outcome: &str) {
        if let Some(metrics) = &self.services.metrics {
            metrics.token(outcome);
        }
    }

    async fn keep(&self, record: &Record<'_>) -> bool {
        record.log();
        let engine = &self.services.engine;
        if !engine.has_audit_table() {
            return true;
        }
        let write = audit::write(vec![record.statement(engine.clock().now())]);
        let written = engine.storage().write(write).await;
        if let Err(error) = &written {
            tracing::error!(error = error as &dyn std::error::Error, "a request for a token not recorded");
        }
        written.is_ok()
    }

    fn record(&self, outcome: Outcome) -> Record<'_> {
        Record {
            event: self.event,
            outcome,
            code: None,
            key_id: self.key_id.as_deref(),
            token_id: None,
            origin: Some(&self.origin),
            operation: None,
            field: None,
            scopes: &self.scopes,
            nodes: &[],
        }
    }
}
