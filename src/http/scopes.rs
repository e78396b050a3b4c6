//! `POST /scopes/explain`: what each root field of a document needs, and whether somebody has it. Runs nothing.
//!
//! Whoever asks tells for whom: a token, an API key with its secret, or scopes. Nothing is told of a key to those who have neither.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Services;
use super::accept::is_json;
use super::cors::preflight;
use super::error::{Problem, json_response, retry_after};
use super::limit::{TooOften, network};
use super::request_body::{self, Unread};
use crate::auth::Subject;
use crate::graphql::Question;
use crate::scope::ScopeSet;

pub(super) const METHODS: &str = "OPTIONS, POST";

const FORM: &str =
    r#"{"query": "…", "operationName": "…", "variables": {…}}, and one of "token", "keyId" with "apiKey", or "scopes""#;

/// What is asked. Members that nobody knows are refused, since a misspelt one would change for whom the answer holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    #[serde(alias = "document")]
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    token: Option<String>,
    #[serde(alias = "id")]
    key_id: Option<String>,
    api_key: Option<String>,
    scopes: Option<Vec<String>>,
}

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the body must be sent as `content-type: application/json`, in UTF-8")]
    MediaType,
    #[error("the body has more than {bytes_max} bytes: send a shorter document")]
    TooLarge { bytes_max: usize },
    #[error("the body did not arrive in time: send it again")]
    TooSlow,
    #[error("the body did not arrive as a whole: send it again")]
    BrokenOff,
    #[error("the body cannot be read from line {line}, column {column} on: send {FORM}")]
    Body { line: usize, column: usize },
    #[error("`keyId` and `apiKey` belong together: send both, or neither")]
    HalfKey,
    #[error("`token` cannot stand beside `keyId` or `scopes`: send one of them")]
    TwoSubjects,
    #[error("{0}")]
    Scopes(#[from] crate::scope::Error),
    #[error("too many requests: try again in {seconds} s")]
    TooOften { seconds: u64 },
    #[error("Internal error. Please tell the operator the value of the header x-request-id.")]
    Internal,
    // The text of `POST /jwt`.
    #[error("The apiKey and id combination is not correct")]
    WrongKey,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::WrongKey => StatusCode::FORBIDDEN,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::TooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::TooSlow => "TIMEOUT",
            Self::WrongKey => "FORBIDDEN",
            Self::TooOften { .. } => "RATE_LIMITED",
            Self::Internal => "INTERNAL_SERVER_ERROR",
            _ => "BAD_REQUEST",
        }
    }
}

impl From<TooOften> for Refused {
    fn from(error: TooOften) -> Self {
        Self::TooOften { seconds: error.retry_after_seconds }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"message": self.to_string(), "extensions": {"code": self.code()}}]});
        let mut response = respond(self.status(), &body);
        if let Self::TooOften { seconds } = self {
            retry_after(&mut response, seconds);
        }
        response
    }
}

pub(super) async fn explain(State(services): State<Arc<Services>>, request: Request) -> Response {
    match *request.method() {
        Method::POST => post(&services, request).await.unwrap_or_else(IntoResponse::into_response),
        Method::OPTIONS => preflight(request.headers(), METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

async fn post(services: &Arc<Services>, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    services.count_anonymous(&parts)?;
    if !is_json(&parts.headers) {
        return Err(Refused::MediaType);
    }
    let limits = &services.limits;
    let body =
        request_body::read(&parts, body, limits.body_bytes, limits.body_timeout).await.map_err(
            |unread| match unread {
                Unread::TooLarge => Refused::TooLarge { bytes_max: limits.body_bytes },
                Unread::TooSlow => Refused::TooSlow,
                Unread::BrokenOff => Refused::BrokenOff,
            },
        )?;
    let asked: Asked =
        serde_json::from_slice(&body).map_err(|error| Refused::Body { line: error.line(), column: error.column() })?;
    let subject = subject(services, &parts, &asked).await?;
    let variables = asked.variables.map(|variables| async_graphql::Variables::from_json(Value::Object(variables)));
    let question = Question { query: asked.query, operation_name: asked.operation_name, variables };
    match services.engine.explainer().needs(&question).await {
        Ok(needs) => {
            // The least scopes of thousands of fields take their time, in which other requests should go on.
            let services = Arc::clone(services);
            let explaining =
                tokio::task::spawn_blocking(move || json!(services.engine.explainer().explain(&needs, &subject)));
            let explanation = explaining.await.map_err(|_panicked| Refused::Internal)?;
            Ok(respond(StatusCode::OK, &explanation))
        }
        Err(errors) => {
            let errors = serde_json::from_slice(&errors).unwrap_or(Value::Null);
            Ok(respond(StatusCode::BAD_REQUEST, &errors))
        }
    }
}

/// For whom the answer shall hold.
async fn subject(services: &Arc<Services>, parts: &Parts, asked: &Asked) -> Result<Subject, Refused> {
    let authority = &services.authority;
    let scopes = asked.scopes.as_ref().map(|scopes| ScopeSet::compile(scopes)).transpose()?;
    match (&asked.token, &asked.key_id, &asked.api_key, scopes) {
        (Some(token), None, None, None) => {
            let header = ["Bearer ", token].concat();
            Ok(Subject::Caller(authority.access([header.as_bytes()])))
        }
        (Some(_), _, _, _) => Err(Refused::TwoSubjects),
        (None, Some(id), Some(api_key), token) => {
            let address = network(services.limits.proxies.client_address(parts));
            services.mint_failures.look(address, id)?;
            let (guessed, api_key) = (id.clone(), api_key.clone());
            let checked = services.check_key(move |services| services.authority.key_scopes(&guessed, &api_key)).await;
            let Some((id, key)) = checked.ok_or(Refused::Internal)? else {
                services.mint_failures.count(address, id)?;
                return Err(Refused::WrongKey);
            };
            Ok(Subject::Key { id, key, token })
        }
        (None, Some(_), None, _) | (None, None, Some(_), _) => Err(Refused::HalfKey),
        (None, None, None, Some(scopes)) => Ok(Subject::Scopes(scopes)),
        (None, None, None, None) => {
            let authorization = parts.headers.get_all(AUTHORIZATION);
            Ok(Subject::Caller(authority.access(authorization.iter().map(HeaderValue::as_bytes))))
        }
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    json_response(status, HeaderValue::from_static("application/json; charset=utf-8"), body)
}
