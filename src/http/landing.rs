//! What people see who open the address of the API in a browser. Runs no scripts and loads nothing.

use std::sync::LazyLock;

use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::error::set;
use super::{Services, explorer};

const PAGE: &str = include_str!("landing.html");
const EXPLORERS: &str =
    "<p class=\"explorers\"><a href=\"graphiql\">GraphiQL</a> <a href=\"playground\">GraphQL Playground</a></p>";
const OPEN: &str = "queries are open to everyone, every mutation needs a token with its scope";
const GUARDED: &str = "queries and mutations need a token with their scopes";

/// Nothing but the style that stands in the page, and in no frame.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let (_, rest) = PAGE.split_once("<style>")?;
    let (style, _) = rest.split_once("</style>")?;
    let digest = BASE64_STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// Whether a browser opens the address, and asks no query.
pub(super) fn is_wanted(parts: &Parts) -> bool {
    let accepted = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut names = accepted.flat_map(|value| value.split(',')).filter_map(|member| member.split(';').next());
    parts.method == Method::GET
        && !parts.uri.query().unwrap_or_default().split('&').any(|parameter| parameter.starts_with("query="))
        && names.any(|name| name.trim().eq_ignore_ascii_case("text/html"))
}

pub(super) fn page(services: &Services) -> Response {
    let model = services.engine.model();
    let example = explorer::example_type(model).map_or("Type", |ty| &ty.name);
    let names: Vec<&str> = model.objects().map(|(_, ty)| &*ty.name).collect();
    let explorers = if services.has_explorer { EXPLORERS } else { "" };
    let queries = if services.engine.explainer().public().queries { OPEN } else { GUARDED };
    // Names of GraphQL need no escape in HTML.
    let body = PAGE
        .replace("@explorers@", explorers)
        .replace("@open@", queries)
        .replace("@icon@", &explorer::ICON)
        .replace("@types@", &model.objects().count().to_string())
        .replace("@queries@", &model.queries().len().to_string())
        .replace("@mutations@", &thousands(model.mutations().len()))
        .replace("@example@", example)
        .replace("@names@", &names.join(" "));
    let mut response = body.into_response();
    set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, CACHE_CONTROL, "no-cache");
    set(&mut response, VARY, "Accept");
    set(&mut response, REFERRER_POLICY, "no-referrer");
    if let Some(policy) = &*POLICY {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
