//! What is served until the database has been reached for the first time: whether the process answers, and for everything else 503.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::json;

use super::accept::MediaType;
use super::cors::preflight;
use super::error::{GRAPHQL_METHODS, GraphqlError, Problem, json_response, retry_after};
use super::observe::{Observer, observe};
use super::{document, health, jwt, ready};

const MESSAGE: &str = "the server has not reached its database yet: try again in a moment";
const RETRY_AFTER_SECONDS: u64 = 1;

/// The endpoints that there are already.
pub fn starting_router(request_timeout: Duration) -> Router {
    let observer = Observer { timeout: request_timeout, metrics: None, traces: None };
    Router::new()
        .route("/", any(graphql))
        .route("/graphql", any(graphql))
        .route("/graphql/", any(graphql))
        .route("/jwt", any(token))
        .route("/jwt/", any(token))
        .route("/health", any(health::handle))
        .route("/health/", any(health::handle))
        .route("/ready", any(readiness))
        .route("/ready/", any(readiness))
        .route("/.well-known/apollo/server-health", any(health::apollo_server_health))
        .fallback(other)
        .layer(middleware::from_fn_with_state(observer, observe))
}

async fn graphql(method: Method, headers: HeaderMap) -> Response {
    match method {
        Method::OPTIONS => preflight(&headers, GRAPHQL_METHODS),
        _ => GraphqlError::Starting.into_response(MediaType::preferred(&headers)),
    }
}

async fn token(method: Method, headers: HeaderMap) -> Response {
    if method == Method::OPTIONS {
        return preflight(&headers, jwt::METHODS);
    }
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    let body = json!({"success": false, "message": MESSAGE});
    later(json_response(StatusCode::SERVICE_UNAVAILABLE, content_type, &body))
}

async fn readiness(method: Method, headers: HeaderMap) -> Response {
    match method {
        Method::GET => ready::not_started(),
        Method::OPTIONS => preflight(&headers, ready::METHODS),
        _ => Problem::method_not_allowed(ready::METHODS).into_response(),
    }
}

async fn other(method: Method, headers: HeaderMap) -> Response {
    match method {
        Method::OPTIONS => preflight(&headers, document::METHODS),
        _ => later(Problem::new(StatusCode::SERVICE_UNAVAILABLE, MESSAGE).into_response()),
    }
}

fn later(mut response: Response) -> Response {
    retry_after(&mut response, RETRY_AFTER_SECONDS);
    response
}
