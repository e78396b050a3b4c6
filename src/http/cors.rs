//! Cross-origin requests: all origins are welcome, since nothing here goes by cookies. Texts are the CE-API's.
//!
//! Not tower-http's layer, which answers each OPTIONS with 200 and without `Allow`.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ALLOW, VARY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::set;

/// The answer to OPTIONS. What the header `Access-Control-Allow-Origin` needs is added for all responses elsewhere.
pub(super) fn preflight(headers: &HeaderMap, allow: &'static str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    set(&mut response, ALLOW, allow);
    set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, without_blanks(allow));
    set(&mut response, ACCESS_CONTROL_MAX_AGE, "600");
    set(&mut response, VARY, "Access-Control-Request-Headers");
    if let Some(requested) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
    }
    response
}

fn without_blanks(allow: &'static str) -> &'static str {
    match allow {
        super::error::GRAPHQL_METHODS => "OPTIONS,POST,GET",
        super::jwt::METHODS => "OPTIONS,POST",
        super::document::METHODS => "OPTIONS,GET,HEAD",
        _ => "OPTIONS,GET",
    }
}
