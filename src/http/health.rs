//! `/health` and Apollo's health check: whether the process answers. They do not look at the database.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::cors::preflight;
use super::error::{Problem, json_response};

const METHODS: &str = "OPTIONS, GET";

pub(super) async fn handle(method: Method, headers: HeaderMap) -> Response {
    match method {
        Method::GET => {
            let content_type = HeaderValue::from_static("application/json; charset=utf-8");
            json_response(StatusCode::OK, content_type, &json!({"message": "OK"}))
        }
        Method::OPTIONS => preflight(&headers, METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

pub(super) async fn apollo_server_health(method: Method, headers: HeaderMap) -> Response {
    match method {
        Method::GET | Method::POST => {
            let content_type = HeaderValue::from_static("application/health+json");
            json_response(StatusCode::OK, content_type, &json!({"status": "pass"}))
        }
        Method::OPTIONS => preflight(&headers, super::error::GRAPHQL_METHODS),
        _ => Problem::method_not_allowed(super::error::GRAPHQL_METHODS).into_response(),
    }
}
