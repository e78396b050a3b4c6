//! `GET /{identifier}`: a node as JSON or JSON-LD.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Services;
use super::accept::{DocumentType, is_known, languages};
use super::challenge::challenge;
use super::compression::compressed;
use super::cors::preflight;
use super::error::{Problem, json_response, retry_after, set};
use crate::auth::{Access, DenialReason, TOKEN_BYTES_MAX};
use crate::document::{Document, Refused, is_wanted};
use crate::graphql::Challenge;
use crate::storage;
use crate::value::DateTime;

pub(super) const METHODS: &str = "OPTIONS, GET, HEAD";
/// After which the database may answer again.
const RETRY_AFTER_SECONDS: u64 = 1;

pub(super) async fn handle(
    State(services): State<Arc<Services>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match parts.method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return preflight(&parts.headers, METHODS),
        _ => return Problem::method_not_allowed(METHODS).into_response(),
    }
    let Ok(Path(identifier)) = path else {
        return Problem::new(StatusCode::BAD_REQUEST, "the path is not UTF-8: encode the identifier anew")
            .into_response();
    };
    if let Err(too_often) = services.count_anonymous(&parts) {
        let seconds = too_often.retry_after_seconds;
        let message = format!("too many requests: try again in {seconds} s, or send a token");
        let mut response = Problem::new(StatusCode::TOO_MANY_REQUESTS, message).into_response();
        retry_after(&mut response, seconds);
        return response;
    }
    let response = respond(&services, &parts, &identifier).await.unwrap_or_else(|response| *response);
    compressed_with_its_tag(&parts.headers, response).await
}

async fn respond(services: &Services, parts: &Parts, identifier: &str) -> Result<Response, Box<Response>> {
    let media_type = DocumentType::preferred(&parts.headers).ok_or_else(|| {
        let message = "only `application/json` and `application/ld+json` are served here: accept one of them";
        boxed(Problem::new(StatusCode::NOT_ACCEPTABLE, message))
    })?;
    let base = services.base_url(parts).ok_or_else(|| {
        let message = "the header Host is no name or address of a host: correct it";
        boxed(Problem::new(StatusCode::BAD_REQUEST, message))
    })?;
    let authorization = parts.headers.get_all(AUTHORIZATION);
    if authorization.iter().any(|value| value.len() > TOKEN_BYTES_MAX + "Bearer ".len()) {
        let message = format!("the header Authorization has more than {TOKEN_BYTES_MAX} bytes: no token is that long");
        return Err(boxed(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)));
    }
    let access = services.authority.access(authorization.iter().map(HeaderValue::as_bytes));
    let finding = pin!(services.documents.find(identifier, &access));
    let (found, _) = services.visited(parts, &access, finding).await;
    let document = found.map_err(|refused| Box::new(refusal(services, identifier, &access, refused)))?;
    let body = match media_type {
        DocumentType::Json => document.json(&base),
        DocumentType::JsonLd => {
            check_language(&document, &parts.headers)?;
            document.json_ld(&base)
        }
    };
    Ok(whole(services, &parts.headers, media_type, &document, body))
}

/// As in the CE-API, JSON is sent in any language.
fn check_language(document: &Document<'_>, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let language = document.language();
    if is_wanted(language.as_deref(), &languages(headers)) {
        return Ok(());
    }
    let message = match language {
        Some(language) => format!("the document is in `{language}`, which the header {ACCEPT_LANGUAGE} excludes"),
        None => format!("the document has no language: add `*` to the header {ACCEPT_LANGUAGE}, or leave it out"),
    };
    Err(boxed(Problem::new(StatusCode::NOT_ACCEPTABLE, message)))
}

fn whole(
    services: &Services,
    headers: &HeaderMap,
    media_type: DocumentType,
    document: &Document<'_>,
    body: String,
) -> Response {
    let (caching, vary) = if services.documents.is_public() {
        ("no-cache", "accept, accept-language, accept-encoding")
    } else {
        ("private, no-cache", "accept, accept-language, accept-encoding, authorization")
    };
    let digest = Sha256::digest(&body);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default());
    // The client may have it in whatever encoding.
    let is_known = ["", "-gzip", "-br"].iter().any(|encoding| is_known(headers, format!("\"{tag}{encoding}\"")));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from(body).into_response();
        set(&mut response, CONTENT_TYPE, media_type.name());
        response
    };
    set(&mut response, CACHE_CONTROL, caching);
    set(&mut response, VARY, vary);
    set(&mut response, ACCESS_CONTROL_EXPOSE_HEADERS, "ETag");
    let texts = [
        (ETAG, Some(format!("\"{tag}\""))),
        (CONTENT_LANGUAGE, document.language()),
        (LAST_MODIFIED, document.modified().and_then(http_date)),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A strong tag is of one encoding.
async fn compressed_with_its_tag(headers: &HeaderMap, response: Response) -> Response {
    let mut response = compressed(headers, response).await;
    let encoding = response.headers().get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    if let (Some(encoding), Some(tag)) = (encoding, tag) {
        let tag = format!("\"{}-{encoding}\"", tag.trim_matches('"'));
        if let Ok(value) = HeaderValue::try_from(tag) {
            response.headers_mut().insert(ETAG, value);
        }
    }
    response
}

/// RFC 9110, section 5.6.7, which has four digits for the year.
fn http_date(date: DateTime) -> Option<String> {
    let is_writable = (1..=9999).contains(&date.year());
    is_writable.then(|| date.to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn refusal(services: &Services, identifier: &str, access: &Access, refused: Refused) -> Response {
    match refused {
        Refused::NotFound if services.documents.expects_uuids() && !is_uuid(identifier) => {
            // The CE-API's, letter by letter.
            let body = serde_json::json!({"error": {"message": "Identifier should be UUID"}});
            let content_type = HeaderValue::from_static("application/json; charset=utf-8");
            json_response(StatusCode::BAD_REQUEST, content_type, &body)
        }
        Refused::NotFound => Problem::no_node(identifier, services.documents.is_public()).into_response(),
        Refused::Denied { missing, denial } => {
            let status = match denial.reason {
                DenialReason::MissingScope => StatusCode::FORBIDDEN,
                _ => StatusCode::UNAUTHORIZED,
            };
            let lacking = Challenge::new(access, missing.clone());
            let mut response = Problem::new(status, denial.message()).requiring(missing).into_response();
            challenge(&mut response, &lacking);
            response
        }
        Refused::TooLong { bytes_max } => {
            let message = format!(
                "the document has more than {bytes_max} bytes (MAX_RESPONSE_BYTES): ask for a part of it by GraphQL"
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, message).into_response()
        }
        Refused::Storage(error) => {
            let status = match &error {
                storage::Error::Internal(cause) => {
                    tracing::error!(error = cause.as_ref() as &dyn std::error::Error, "a document was not read");
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut response = Problem::new(status, error.to_string()).into_response();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                retry_after(&mut response, RETRY_AFTER_SECONDS);
            }
            response
        }
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn boxed(problem: Problem) -> Box<Response> {
    Box::new(problem.into_response())
}
