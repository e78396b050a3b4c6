//! `POST /jwt`: a token for an API key. Bodies, codes and texts are the CE-API's; members after `jwt` and `message`
//! are ours.

mod trail;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Services;
use super::accept::is_json;
use super::cors::preflight;
use super::error::{Problem, json_response, retry_after};
use super::limit::{Stopped, network};
use super::request_body::{self, Unread};
use crate::auth::{MintError, Minted};
pub(super) use trail::Trail;

pub(super) const METHODS: &str = "OPTIONS, POST";
const BODY_BYTES_MAX: usize = 100 * 1024;
const FORM: &str = r#"{"id": "…", "apiKey": "…", "scopes": ["…"]}"#;

pub(super) async fn handle(State(services): State<Arc<Services>>, request: Request) -> Response {
    match *request.method() {
        Method::POST => post(services, request).await,
        Method::OPTIONS => preflight(request.headers(), METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

async fn post(services: Arc<Services>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = network(services.limits.proxies.client_address(&parts));
    let order = match read(&services, &parts, body, FORM).await {
        Ok(order) => order,
        Err((status, message)) => return failure(status, &message),
    };
    let id = order.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Err(stopped) = services.look_at_guesses(address, &id).await {
        return stop(&stopped);
    }
    let trail = Trail::new(&services, &parts, &order);
    let minting = move |services: &Services| services.authority.mint(&order, &services.scopes, Uuid::new_v4());
    match services.check_key(minting).await {
        Some(Ok(minted)) => match services.count_mint(&minted.id).await {
            Ok(()) if trail.done(&minted).await => success(&minted),
            Ok(()) => stop(&Stopped::Unavailable),
            Err(stopped) => {
                if let Stopped::TooOften(_) = stopped {
                    trail.refused("rate_limited").await;
                }
                stop(&stopped)
            }
        },
        Some(Err(error)) => {
            trail.refused(error.kind()).await;
            match error {
                MintError::WrongCredentials => {
                    services.count_guess(address, &id).await.map_or_else(|stopped| stop(&stopped), |()| refusal(&error))
                }
                error => refusal(&error),
            }
        }
        None => failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error. Please tell the operator the value of the header x-request-id.",
        ),
    }
}

/// The object that was sent; null for an empty body. Else what to answer.
pub(super) async fn read(
    services: &Services,
    parts: &Parts,
    body: Body,
    form: &str,
) -> Result<Value, (StatusCode, String)> {
    let refused = |status, message: &str| Err((status, message.to_owned()));
    let body = match request_body::read(parts, body, BODY_BYTES_MAX, services.limits.body_timeout).await {
        Ok(body) => body,
        Err(Unread::TooLarge) => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 102400 bytes: request fewer scopes");
        }
        Err(Unread::TooSlow) => {
            return refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time: send it again");
        }
        Err(Unread::BrokenOff) => {
            return refused(StatusCode::BAD_REQUEST, "the body did not arrive as a whole: send it again");
        }
    };
    // A request without a body says nothing, as it did to the CE-API.
    if !body.is_empty() && !is_json(&parts.headers) {
        return refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be sent as `content-type: application/json`, in UTF-8",
        );
    }
    parse(&body, form).map_err(|message| (StatusCode::BAD_REQUEST, message))
}

/// The members that decide, each at most once: of two, others might read the other one.
#[derive(Deserialize)]
struct Once {
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "apiKey")]
    _api_key: Option<IgnoredAny>,
    #[serde(rename = "scopes")]
    _scopes: Option<IgnoredAny>,
    #[serde(rename = "token")]
    _token: Option<IgnoredAny>,
}

fn parse(body: &Bytes, form: &str) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(_)) if serde_json::from_slice::<Once>(body).is_err() => {
            Err(format!("a member stands there twice: send {form}"))
        }
        Ok(order @ (Value::Object(_) | Value::Array(_))) => Ok(order),
        Ok(_) => Err(format!("the body is no object: send {form}")),
        Err(error) => {
            Err(format!("the body is no JSON from line {}, column {} on: send {form}", error.line(), error.column()))
        }
    }
}

fn success(minted: &Minted) -> Response {
    let body = json!({
        "success": true,
        "jwt": minted.jwt,
        "token_type": "Bearer",
        "expires_in": minted.expires_in_seconds,
        "scope": minted.scope,
    });
    respond(StatusCode::OK, &body)
}

fn refusal(error: &MintError) -> Response {
    let status = match error {
        MintError::MissingCredentials | MintError::MissingScopes => StatusCode::UNAUTHORIZED,
        MintError::TooManyScopes { .. } | MintError::TokenTooLong => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    };
    let mut body = json!({"success": false, "message": error.to_string()});
    if let MintError::NotAllowed { counter_example, reason, .. } = error
        && let Some(members) = body.as_object_mut()
    {
        let explanations = [("counterExample", counter_example), ("reason", reason)];
        members.extend(
            explanations.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.as_deref()?)))),
        );
    }
    respond(status, &body)
}

fn stop(stopped: &Stopped) -> Response {
    let (status, seconds, message) = match stopped {
        Stopped::TooOften(error) => {
            let seconds = error.retry_after_seconds;
            (StatusCode::TOO_MANY_REQUESTS, seconds, format!("too many requests: try again in {seconds} s"))
        }
        Stopped::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, 1, "no token can be minted now: try again later".to_owned())
        }
    };
    let mut response = failure(status, &message);
    retry_after(&mut response, seconds);
    response
}

fn failure(status: StatusCode, message: &str) -> Response {
    respond(status, &json!({"success": false, "message": message}))
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    json_response(status, content_type, body)
}
