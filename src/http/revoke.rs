//! `POST /revoke`: the end of a token before its time (RFC 7009), asked for with the API key that it was minted for. In JSON, as `/jwt` is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Services;
use super::cors::preflight;
use super::error::{Problem, json_response, retry_after};
use super::jwt::{self, Trail};
use super::limit::{Stopped, network};
use crate::auth::Revocable;

const FORM: &str = r#"{"id": "…", "apiKey": "…", "token": "…"}"#;

pub(super) async fn handle(State(services): State<Arc<Services>>, request: Request) -> Response {
    match *request.method() {
        Method::POST => post(services, request).await,
        Method::OPTIONS => preflight(request.headers(), jwt::METHODS),
        _ => Problem::method_not_allowed(jwt::METHODS).into_response(),
    }
}

async fn post(services: Arc<Services>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = network(services.limits.proxies.client_address(&parts));
    let order = match jwt::read(&services, &parts, body, FORM).await {
        Ok(order) => order,
        Err((status, message)) => return refused(status, "invalid_request", &message),
    };
    let text = |name: &str| order.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let (Some(id), Some(api_key)) = (text("id"), text("apiKey")) else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "`id` or `apiKey` is missing");
    };
    let Some(token) = text("token") else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", &format!("`token` is missing: send {FORM}"));
    };
    if let Err(stopped) = services.look_at_guesses(address, &id).await {
        return stop(&stopped);
    }
    let trail = Trail::of_revocation(&services, &parts, &order);
    let claimed = id.clone();
    match services.check_key(move |services| services.authority.authenticate(&claimed, &api_key)).await {
        Some(Some(key_id)) => revoke(&services, trail, &key_id, &token).await,
        Some(None) => {
            trail.refused("wrong_credentials").await;
            match services.count_guess(address, &id).await {
                Ok(()) => {
                    refused(StatusCode::UNAUTHORIZED, "invalid_client", "the apiKey and id combination is not correct")
                }
                Err(stopped) => stop(&stopped),
            }
        }
        None => refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal error: try again later"),
    }
}

async fn revoke(services: &Services, trail: Trail, key_id: &str, token: &str) -> Response {
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let revocation = match services.authority.revocable(key_id, token) {
        Revocable::Token(revocation) => revocation,
        // Section 2.2: there is nothing that the client could do about it.
        Revocable::Unknown => return done(),
        Revocable::Foreign => {
            trail.refused("foreign_token").await;
            return refused(StatusCode::BAD_REQUEST, "invalid_grant", "the token is of another key: send that key");
        }
        Revocable::Nameless => {
            let message = "the token has no `jti`: the operator can revoke all tokens of its key";
            return refused(StatusCode::BAD_REQUEST, "unsupported_token_type", message);
        }
    };
    let storage = services.engine.storage();
    if !trail.revoked(&revocation.id).await
        || storage.revoke(&revocation, services.engine.clock().seconds()).await.is_err()
    {
        return stop(&Stopped::Unavailable);
    }
    // Other servers read it within half a second; so does this one, if it cannot now.
    services.authority.read_revocations(storage).await.ok();
    done()
}

fn done() -> Response {
    respond(StatusCode::OK, &json!({"success": true}))
}

fn stop(stopped: &Stopped) -> Response {
    match stopped {
        Stopped::TooOften(error) => {
            let seconds = error.retry_after_seconds;
            let message = format!("too many requests: try again in {seconds} s");
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, "slow_down", &message);
            retry_after(&mut response, seconds);
            response
        }
        Stopped::Unavailable => {
            let message = "no token can be revoked now: try again later";
            let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", message);
            retry_after(&mut response, 1);
            response
        }
    }
}

/// RFC 6749, section 5.2, with the members of `/jwt`.
fn refused(status: StatusCode, error: &str, message: &str) -> Response {
    respond(status, &json!({"success": false, "message": message, "error": error, "error_description": message}))
}

fn respond(status: StatusCode, body: &Value) -> Response {
    json_response(status, HeaderValue::from_static("application/json; charset=utf-8"), body)
}
