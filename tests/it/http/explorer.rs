//! The pages to try queries in, as a browser gets them; what they do in one is seen by tests/clients/explorer.mjs.

use clef::auth::PublicOperations;
use clef::http::{Limits, Services};
use serde_json::json;

use super::client::Response;
use super::compression::decoded;
use super::server::{JSON, Server};

const BROWSER: &[(&str, &[u8])] = &[("Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
const PAGES: [&str; 6] = ["/graphql", "/graphql/", "/graphiql", "/graphiql/", "/playground", "/playground/"];

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// What stands in quotes after `name="`.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!("{name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The document that a page begins with.
fn example(page: &str) -> &str {
    let (_, rest) = page.split_once("<pre id=\"query\" hidden>").unwrap();
    rest.split_once("</pre>").unwrap().0
}

#[tokio::test]
async fn an_explorer_runs_its_own_scripts_and_nothing_else() {
    let server = Server::start().await;
    for path in PAGES {
        let page = server.send(&format!("GET {path}"), BROWSER, b"").await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        let policy = page.header("content-security-policy").unwrap();
        let part = |name: &str| policy.split("; ").find_map(|part| part.strip_prefix(name)).unwrap_or_default().trim();
        assert_eq!((part("default-src"), part("script-src")), ("'none'", "'self'"), "{policy}");
        assert_eq!(part("connect-src"), "'self' ws://test wss://test");
        for name in ["frame-ancestors", "base-uri", "form-action"] {
            assert_eq!(part(name), "'none'", "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
        let nonce = attributes(&text(&page), "data-nonce")[0].to_owned();
        assert!(part("style-src").ends_with(&format!("'nonce-{nonce}'")) && nonce.len() == 32, "{policy}");
        let again = server.send(&format!("GET {path}"), BROWSER, b"").await;
        assert!(page.header("cache-control") == Some("no-store") && !text(&again).contains(&nonce), "{path}");
    }
}

#[tokio::test]
async fn what_an_explorer_loads_is_there_for_ever_in_each_encoding() {
    let server = Server::start().await;
    let mut seen = 0;
    for path in PAGES {
        let page = text(&server.send(&format!("GET {path}"), BROWSER, b"").await);
        let base = if path.ends_with('/') { "../" } else { "" };
        let (scripts, links) = (attributes(&page, " src"), attributes(&page, "rel=\"stylesheet\" href"));
        assert!(scripts.len() >= 3 && links.len() == 2, "{page}");
        for (address, media_type) in
            scripts.iter().map(|it| (it, "text/javascript")).chain(links.iter().map(|it| (it, "text/css")))
        {
            let file = address.strip_prefix(base).unwrap();
            let line = format!("GET /{file}");
            let plain = server.send(&line, &[], b"").await;
            assert_eq!(plain.status, 200, "{file}");
            assert_eq!(plain.header("content-type"), Some(format!("{media_type}; charset=utf-8").as_str()));
            assert_eq!(plain.header("cache-control"), Some("public, max-age=31536000, immutable"));
            assert_eq!(plain.header("x-content-type-options"), Some("nosniff"));
            assert_eq!((plain.header("vary"), plain.header("content-encoding")), (Some("accept-encoding"), None));
            if plain.body.len() > 1024 {
                let packed = server.send(&line, &[("Accept-Encoding", b"gzip, br")], b"").await;
                let encoding = packed.header("content-encoding").unwrap().to_owned();
                assert_eq!(decoded(&encoding, &packed.body).await, plain.body, "{file}");
                assert_eq!(packed.header("etag"), plain.header("etag"));
            }
            let etag = plain.header("etag").unwrap().as_bytes();
            let known = server.send(&line, &[("If-None-Match", etag)], b"").await;
            assert_eq!((known.status, known.body.len()), (304, 0));
            seen += 1;
        }
    }
    assert!(seen > 30);
    assert_eq!(server.send("GET /explorer/graphiql-000000000000.js", &[], b"").await.status, 404);
    assert_eq!(server.send("GET /explorer/..%2Fexplorer.rs", &[], b"").await.status, 404);
}

#[tokio::test]
async fn a_query_in_the_address_is_executed_and_other_methods_are_refused() {
    let server = Server::start().await;
    let query = server.send("GET /graphql?query=%7B__typename%7D", BROWSER, b"").await;
    assert_eq!(query.json(), json!({"data": {"__typename": "Query"}}));
    assert_eq!(server.send("GET /graphql", &[("Accept", b"application/json")], b"").await.status, 400);
    for path in ["/graphiql", "/playground"] {
        let posted = server.send(&format!("POST {path}"), &[JSON], b"{}").await;
        assert_eq!((posted.status, posted.header("allow")), (405, Some("OPTIONS, GET, HEAD")));
        let head = server.send(&format!("HEAD {path}"), &[], b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(server.send(&format!("OPTIONS {path}"), &[], b"").await.status, 204);
    }
}

#[tokio::test]
async fn the_example_runs_on_every_schema() {
    for (schema, expected) in [
        ("schema", json!({"data": {"Person": []}})),
        ("tests/schemas/library", json!({"data": {"Book": []}})),
        ("tests/schemas/archive", json!({"data": {"Score": []}})),
    ] {
        let server = Server::start_of(schema, |services| services).await;
        for path in ["/graphql", "/playground"] {
            let page = text(&server.send(&format!("GET {path}"), BROWSER, b"").await);
            let body = json!({ "query": example(&page) }).to_string();
            let answer = server.send("POST /graphql", &[JSON], body.as_bytes()).await;
            assert_eq!(answer.json(), expected, "{page}");
        }
    }
}

#[tokio::test]
async fn the_example_says_whether_queries_need_a_token() {
    let open = text(&Server::start().await.send("GET /graphiql", BROWSER, b"").await);
    assert!(example(&open).contains("Queries are open to everyone."), "{open}");
    let none = PublicOperations { queries: false, subscriptions: false };
    let server = Server::start_public(Limits::default(), none).await;
    let guarded = text(&server.send("GET /graphiql", BROWSER, b"").await);
    assert!(example(&guarded).contains("Queries and mutations need a token:"), "{guarded}");
    let landing = text(&server.send("GET /", BROWSER, b"").await);
    assert!(landing.contains("queries and mutations need a token"), "{landing}");
}

#[tokio::test]
async fn explorers_can_be_switched_off() {
    let server = Server::start().await;
    let page = text(&server.send("GET /graphiql", BROWSER, b"").await);
    let script = attributes(&page, " src")[0].to_owned();
    let landing = text(&server.send("GET /", BROWSER, b"").await);
    assert!(landing.contains("href=\"graphiql\"") && landing.contains("href=\"playground\""), "{landing}");
    let server = Server::start_of("schema", Services::without_explorer).await;
    for path in ["/graphiql", "/playground", &format!("/{script}")] {
        assert_eq!(server.send(&format!("GET {path}"), BROWSER, b"").await.status, 404, "{path}");
    }
    for path in ["/", "/graphql"] {
        let landing = text(&server.send(&format!("GET {path}"), BROWSER, b"").await);
        assert!(landing.contains("<h1>Clef</h1>") && !landing.contains("raphiQL"), "{landing}");
    }
}
