//! HTTP: one router with a file for each endpoint, and what holds for all of them.
//!
//! Knows no SQL, and of GraphQL only what a request and an answer are. After the CE-API (`docs`), RFC 9110 and
//! GraphQL over HTTP.

mod accept;
mod base_url;
mod challenge;
mod client_address;
mod cors;
mod compression;
mod document;
mod error;
mod event_stream;
mod explorer;
mod graphql;
mod health;
mod introspection;
mod landing;
mod limit;
mod jwt;
mod live;
mod metrics;
mod observe;
mod persisted;
mod guarded;
mod ready;
mod recency;
mod request_body;
mod revoke;
mod scopes;
mod server;
mod starting;
mod websocket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::http::request::Parts;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::sync::Semaphore;

use crate::audit::Origin;
use crate::auth::Authority;
use crate::document::Documents;
use crate::graphql::Engine;
use crate::metrics::Metrics;
use crate::scope::Scope;
use crate::trace::Traces;
use limit::{Guesses, Limiter};
use observe::{Observer, RequestId};
use persisted::PersistedQueries;
use ready::Readiness;

pub use axum::Router;
pub use client_address::{ForwardedHeader, Proxies};
pub use limit::{Rate, RateError, Rates};
pub use live::LiveLimits;
pub use metrics::{ROUTES, metrics_router};
pub use server::{Drained, Routes, serve};
pub use starting::starting_router;

/// Each may check several hashes, of at least 19 MiB each.
const SLOW_MINTS_MAX: usize = 2;

/// What a client may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of a GraphQL request.
    pub body_bytes: usize,
    /// GraphQL requests in one HTTP request; 1: no batches.
    pub batch: usize,
    /// Of all documents that clients may name by their hashes; 0: none.
    pub persisted_bytes: usize,
    /// At once; further ones wait.
    pub connections: usize,
    /// From the end of a request's head to the start of its response.
    pub request_timeout: Duration,
    /// Until the whole body has arrived.
    pub body_timeout: Duration,
    /// Until the whole head has arrived, also on an idle connection.
    pub head_timeout: Duration,
    /// How often it may ask.
    pub rates: Rates,
    /// Whose word counts about who it is.
    pub proxies: Proxies,
    /// `WebSocket`s and event streams.
    pub live: LiveLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            batch: 1,
            persisted_bytes: 16 << 20,
            connections: 10_000,
            request_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(15),
            head_timeout: Duration::from_secs(30),
            rates: Rates::default(),
            proxies: Proxies::default(),
            live: LiveLimits::default(),
        }
    }
}

/// What the endpoints work with.
#[derive(Debug)]
pub struct Services {
    engine: Arc<Engine>,
    documents: Documents,
    authority: Arc<Authority>,
    /// All scopes of the schema.
    scopes: Vec<Scope>,
    limits: Limits,
    persisted: PersistedQueries,
    /// Where clients reach the server, if that is known.
    public_url: Option<Box<str>>,
    seats: Arc<live::Seats>,
    introspection: introspection::Representations,
    /// What callers see who ask for what they may do.
    own_introspection: introspection::Representations,
    /// By key.
    mints: Limiter<String>,
    /// By address.
    mint_failures: Guesses,
    /// By address.
    anonymous: Limiter<IpAddr>,
    /// For what takes time and memory to mint, so that it never takes all.
    slow_mints: Arc<Semaphore>,
    has_explorer: bool,
    readiness: Readiness,
    metrics: Option<Arc<Metrics>>,
    traces: Option<Arc<Traces>>,
}

impl Services {
    /// Of a request, for the audit.
    fn origin(&self, parts: &Parts) -> Origin {
        let request_id = parts.extensions.get::<RequestId>().and_then(|RequestId(id)| id.to_str().ok());
        Origin { request_id: request_id.unwrap_or_default().into(), address: self.limits.proxies.client_address(parts) }
    }

    /// `scopes`: all of the schema.
    pub fn new(engine: Arc<Engine>, authority: impl Into<Arc<Authority>>, scopes: Vec<Scope>, limits: Limits) -> Self {
        let authority = authority.into();
        let rates = limits.rates;
        Self {
            documents: engine.documents(),
            readiness: Readiness::new(&engine),
            engine,
            authority,
            scopes,
            persisted: PersistedQueries::new(limits.persisted_bytes),
            limits,
            public_url: None,
            seats: Arc::default(),
            introspection: introspection::Representations::default(),
            own_introspection: introspection::Representations::default(),
            mints: Limiter::new(rates.mints),
            mint_failures: Guesses::new(rates.mint_failures),
            anonymous: Limiter::new(rates.anonymous),
            slow_mints: Arc::new(Semaphore::new(SLOW_MINTS_MAX)),
            has_explorer: true,
            metrics: None,
            traces: None,
        }
    }

    /// For the addresses of nodes: where clients reach the server, without a slash at its end.
    #[must_use]
    pub fn with_public_url(mut self, url: Option<&str>) -> Self {
        self.public_url = url.map(Into::into);
        self
    }

    /// Requests are counted.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Option<Arc<Metrics>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Requests are traced.
    #[must_use]
    pub fn with_traces(mut self, traces: Option<Arc<Traces>>) -> Self {
        self.traces = traces;
        self
    }

    /// From now on `/ready` says that the server is about to stop.
    pub fn stop(&self) {
        self.readiness.stop();
    }

    /// Without `GraphiQL` and GraphQL Playground.
    #[must_use]
    pub fn without_explorer(mut self) -> Self {
        self.has_explorer = false;
        self
    }
}

/// Everything that is served.
pub fn router(services: Arc<Services>) -> Router {
    let timeout = services.limits.request_timeout;
    let observer = Observer { timeout, metrics: services.metrics.clone(), traces: services.traces.clone() };
    endpoints(services).layer(middleware::from_fn_with_state(observer, observe::observe))
}

/// The endpoints alone.
pub fn endpoints(services: Arc<Services>) -> Router {
    Router::new()
        .route("/", any(graphql::handle))
        .route("/graphql", any(graphql::handle))
        .route("/graphql/", any(graphql::handle))
        .route("/graphiql", any(explorer::graphiql))
        .route("/graphiql/", any(explorer::graphiql))
        .route("/playground", any(explorer::playground))
        .route("/playground/", any(explorer::playground))
        .route("/explorer/{file}", any(explorer::asset))
        .route("/jwt", any(jwt::handle))
        .route("/jwt/", any(jwt::handle))
        .route("/revoke", any(revoke::handle))
        .route("/revoke/", any(revoke::handle))
        .route("/scopes/explain", any(scopes::explain))
        .route("/health", any(health::handle))
        .route("/health/", any(health::handle))
        .route("/ready", any(ready::handle))
        .route("/ready/", any(ready::handle))
        .route("/.well-known/apollo/server-health", any(health::apollo_server_health))
        .route("/{identifier}", any(document::handle))
        .route("/{identifier}/", any(document::handle))
        .fallback(not_found)
        .with_state(services)
}

/// What holds for every request: its id, its time limit, its line in the log, and an answer even if its handler panics.
pub fn observed(endpoints: Router, timeout: Duration) -> Router {
    endpoints.layer(middleware::from_fn_with_state(Observer { timeout, metrics: None, traces: None }, observe::observe))
}

async fn not_found(uri: Uri) -> Response {
    error::Problem::not_found(uri.path()).into_response()
}
