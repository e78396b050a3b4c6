//! `GraphiQL` and GraphQL Playground, with everything they load: nothing comes from elsewhere, no script stands in a page.

mod assets;
mod example;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::Services;
use super::base_url::is_host;
use super::cors::preflight;
use super::error::{Problem, set};
use crate::graphql::Engine;

pub(super) use assets::ICON;
pub(super) use example::example_type;

const METHODS: &str = "OPTIONS, GET, HEAD";

/// Of an empty text. Both tools add empty style elements and fill them by script, which a policy does not restrict. A
/// library of `GraphiQL` writes text into them, and takes the nonce. Thus neither needs `unsafe-inline`.
const EMPTY_STYLE: &str = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Explorer {
    Graphiql,
    Playground,
}

pub(super) async fn graphiql(State(services): State<Arc<Services>>, request: Request) -> Response {
    handle(&services, &request.into_parts().0, Explorer::Graphiql)
}

pub(super) async fn playground(State(services): State<Arc<Services>>, request: Request) -> Response {
    handle(&services, &request.into_parts().0, Explorer::Playground)
}

pub(super) async fn asset(
    State(services): State<Arc<Services>>,
    Path(file): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let found = assets::find(&file).filter(|_| services.has_explorer);
    match (method, found) {
        (_, None) => Problem::not_found(uri.path()).into_response(),
        (Method::GET | Method::HEAD, Some(asset)) => asset.respond(&headers).await,
        (Method::OPTIONS, Some(_)) => preflight(&headers, METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

fn handle(services: &Services, parts: &Parts, explorer: Explorer) -> Response {
    match parts.method {
        _ if !services.has_explorer => Problem::not_found(parts.uri.path()).into_response(),
        Method::GET | Method::HEAD => page(&services.engine, parts, explorer),
        Method::OPTIONS => preflight(&parts.headers, METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

/// All its addresses are relative, so that it also works below a path of a proxy.
pub(super) fn page(engine: &Engine, parts: &Parts, explorer: Explorer) -> Response {
    let template = match explorer {
        Explorer::Graphiql => include_str!("explorer/graphiql.html"),
        Explorer::Playground => include_str!("explorer/playground.html"),
    };
    let base = if parts.uri.path().ends_with('/') { "../" } else { "" };
    let document = example::document(engine.model(), engine.explainer().public());
    let nonce = Uuid::new_v4().simple().to_string();
    let body = assets::linked(template, base)
        .replace("@icon@", &ICON)
        .replace("@nonce@", &nonce)
        .replace("@query@", &document);
    let mut response = body.into_response();
    set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    // Its nonce is for once.
    set(&mut response, CACHE_CONTROL, "no-store");
    set(&mut response, VARY, "Accept");
    set(&mut response, REFERRER_POLICY, "no-referrer");
    if let Ok(policy) = HeaderValue::from_str(&policy(&parts.headers, &nonce)) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Fonts stand in the style sheet of `GraphiQL` as `data:`.
fn policy(headers: &HeaderMap, nonce: &str) -> String {
    let sockets = host(headers).map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
    format!(
        "default-src 'none'; script-src 'self'; connect-src 'self'{sockets}; style-src 'self' {EMPTY_STYLE} 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// For browsers to which `'self'` does not mean `WebSocket`s: where the page was asked for, if a policy can say it (no IPv6 address).
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    (is_host(host) && !host.contains(['[', '_'])).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_allowed_to_the_host_alone_and_nothing_gets_into_the_policy() {
        let cases = [
            ("localhost:4000", Some("localhost:4000")),
            ("api.example.org", Some("api.example.org")),
            ("[::1]:4000", None),
            ("a; script-src *", None),
            ("a:1 http://b", None),
            ("*", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(text))]);
            assert_eq!(host(&headers), expected, "{text}");
            let sockets = expected.map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
            assert!(policy(&headers, "n").contains(&format!("connect-src 'self'{sockets};")), "{text}");
        }
    }

    #[test]
    fn no_page_has_a_script_or_a_style_in_it_or_loads_from_elsewhere() {
        for template in [include_str!("explorer/graphiql.html"), include_str!("explorer/playground.html")] {
            let page = assets::linked(template, "../");
            assert!(!page.contains("@asset:") && !page.contains("<style") && !page.contains("//"), "{page}");
            assert_eq!(page.matches("<script").count(), page.matches("<script src=\"../explorer/").count(), "{page}");
            assert!(!page.contains(" style=") && !page.contains(" on"), "{page}");
        }
    }
}
