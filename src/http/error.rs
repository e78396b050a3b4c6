//! What goes wrong before GraphQL or outside of it, and how it is told: always JSON, always with what to change.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::accept::MediaType;

/// Where GraphQL is served, and `Allow` says so.
pub(super) const GRAPHQL_METHODS: &str = "OPTIONS, POST, GET";

/// A request that is not executed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GraphqlError {
    // The next three texts are the CE-API's.
    #[error("GET query missing.")]
    GetQueryMissing,
    #[error("Must provide query string.")]
    QueryMissing,
    #[error("Variables are invalid JSON.")]
    VariablesNoJson,
    #[error("the body is no JSON from line {line}, column {column} on: send {{\"query\": \"…\"}}")]
    NoJson { line: usize, column: usize },
    #[error("the body is empty: send {{\"query\": \"…\"}}")]
    Empty,
    #[error("{subject} is no object: send {{\"query\": \"…\"}}, or an array of such objects")]
    NoObject { subject: String },
    #[error("`{member}` is no {expected}: correct it or leave it out")]
    WrongType { member: &'static str, expected: &'static str },
    #[error("batches are not served here: send an object, not an array (MAX_BATCH)")]
    NoBatches,
    #[error("the batch is empty: send at least one request")]
    EmptyBatch,
    #[error("{requests} requests are too many: send at most {requests_max} in a batch (MAX_BATCH)")]
    BatchTooLarge { requests: usize, requests_max: usize },
    #[error("in the query string, {0}")]
    QueryString(&'static str),
    #[error("`visible` in the query string and the header `X-Clef-Visible` can only be `mine` or `all`")]
    Visible,
    #[error("the body must be sent as `content-type: application/json`, in UTF-8")]
    MediaType,
    // The next four texts are Apollo's, which its clients compare.
    #[error("PersistedQueryNotFound")]
    PersistedNotFound,
    #[error("PersistedQueryNotSupported")]
    PersistedOff,
    #[error("Unsupported persisted query version")]
    PersistedVersion,
    #[error("provided sha does not match query")]
    PersistedMismatch,
    #[error("the body has more than {bytes_max} bytes: send less, or page through lists")]
    TooLarge { bytes_max: usize },
    #[error("the body did not arrive in time: send it faster, or less of it")]
    TooSlow,
    #[error("the body did not arrive as a whole: send it again")]
    BrokenOff,
    #[error("the address has more than {bytes_max} bytes: send the query by POST")]
    UriTooLong { bytes_max: usize },
    #[error("the header Authorization has more than {bytes_max} bytes: no token is that long")]
    TokenTooLong { bytes_max: usize },
    #[error("no such protocol is spoken here: ask for `graphql-transport-ws` or `graphql-ws`")]
    SocketProtocol,
    #[error("the method is not allowed here: send a query by POST or GET, a mutation by POST")]
    Method,
    #[error("a page of this origin may not open a WebSocket here: add it to ALLOWED_ORIGINS")]
    Origin,
    #[error(
        "there are too many WebSockets and event streams, in all or from your address: close some, or try again later"
    )]
    TooManyStreams,
    #[error("{operations_max} operations on one WebSocket are the most: complete some first")]
    TooManyOperations { operations_max: usize },
    #[error("a batch is not answered as `text/event-stream`: send each operation by itself")]
    BatchStreamed,
    #[error("Your token is no longer good: subscribe again with another one")]
    TokenEnded,
    #[error("the server has not reached its database yet: try again in a moment")]
    Starting,
    #[error("the request took too long: ask for less at once")]
    Timeout,
    #[error("too many requests: try again in {seconds} s, or send a token")]
    TooOften { seconds: u64 },
    #[error("Internal error. Please tell the operator the value of the header x-request-id.")]
    Internal,
}

impl GraphqlError {
    fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            // As Apollo Server: a step on the way, not a mistake.
            Self::PersistedNotFound | Self::PersistedOff => StatusCode::OK,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::TokenTooLong { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout | Self::TooManyStreams | Self::Starting => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::PersistedNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedOff => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedMismatch => "PERSISTED_QUERY_HASH_MISMATCH",
            Self::TooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::UriTooLong { .. } => "URI_TOO_LONG",
            Self::TokenTooLong { .. } | Self::TokenEnded => "UNAUTHENTICATED",
            Self::Method => "METHOD_NOT_ALLOWED",
            Self::TooSlow | Self::Timeout => "TIMEOUT",
            Self::TooOften { .. } => "RATE_LIMITED",
            Self::Origin => "FORBIDDEN",
            Self::TooManyStreams | Self::Starting => "SERVICE_UNAVAILABLE",
            Self::TooManyOperations { .. } => "TOO_MANY_OPERATIONS",
            Self::Internal => "INTERNAL_SERVER_ERROR",
            _ => "BAD_REQUEST",
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "errors": [{"message": self.to_string(), "extensions": {"code": self.code()}}]
        })
    }

    /// A whole GraphQL response.
    pub(super) fn body(&self) -> Vec<u8> {
        self.json().to_string().into()
    }

    pub(super) fn into_response(self, media_type: MediaType) -> Response {
        let body = self.json();
        let mut response = json_response(self.status(), media_type.header(), &body);
        let seconds = match self {
            Self::TooOften { seconds } => Some(seconds),
            Self::Timeout | Self::TooManyStreams => Some(5),
            Self::Starting => Some(1),
            _ => None,
        };
        if let Some(seconds) = seconds {
            retry_after(&mut response, seconds);
        }
        let extra = match self {
            Self::Method => Some((ALLOW, GRAPHQL_METHODS)),
            Self::TokenTooLong { .. } => Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            set(&mut response, name, value);
        }
        response
    }
}

/// What goes wrong elsewhere, as RFC 9457 has it, with the `message` that the CE-API's clients look for.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    message: Cow<'static, str>,
    allow: Option<&'static str>,
    required_scopes: Vec<Arc<str>>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), allow: None, required_scopes: Vec::new() }
    }

    /// With the scopes that are missing.
    pub(super) fn requiring(mut self, scopes: Vec<Arc<str>>) -> Self {
        self.required_scopes = scopes;
        self
    }

    pub(super) fn no_node(identifier: &str, is_public: bool) -> Self {
        let identifier: String = identifier.chars().take(200).collect();
        let readable = if is_public { "" } else { " and may be read with your token" };
        let message =
            format!("no node has the identifier `{identifier}`{readable}: correct it, or look for the node by GraphQL");
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn not_found(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        let message = format!("`{path}` is nothing here: GraphQL is at /graphql, tokens are at /jwt");
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("the method is not allowed here: use one of {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "status": self.status.as_u16(),
            "title": self.status.canonical_reason(),
            "message": self.message,
        });
        if let Some(members) = body.as_object_mut().filter(|_| !self.required_scopes.is_empty()) {
            members.insert("requiredScopes".to_owned(), json!(self.required_scopes));
        }
        let content_type = HeaderValue::from_static("application/problem+json; charset=utf-8");
        let mut response = json_response(self.status, content_type, &body);
        if let Some(allow) = self.allow {
            set(&mut response, ALLOW, allow);
        }
        response
    }
}

/// A small body that nobody may keep.
pub(super) fn json_response(status: StatusCode, content_type: HeaderValue, body: &serde_json::Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// Scripts of other origins may read it.
pub(super) fn retry_after(response: &mut Response, seconds: u64) {
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    set(response, ACCESS_CONTROL_EXPOSE_HEADERS, "Retry-After");
}

pub(super) fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
