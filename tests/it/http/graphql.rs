//! Requests that are right.

use serde_json::{Value, json};

use super::server::{JSON, QUERY, Server};

#[tokio::test]
async fn graphql_is_served_in_each_form() {
    let server = Server::start().await;
    let response_json = ("Accept", b"application/graphql-response+json".as_slice());
    let utf8 = ("Content-Type", b"application/json; charset=UTF-8".as_slice());
    for path in ["/", "/graphql", "/graphql/"] {
        let posted = server.send(&format!("POST {path}"), &[utf8], QUERY).await;
        let got = server.send(&format!("GET {path}?query=%7B__typename%7D"), &[], b"").await;
        for response in [posted, got] {
            assert_eq!((response.status, response.json()), (200, json!({"data": {"__typename": "Query"}})));
            assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        }
    }
    let typed = server.send("POST /", &[JSON, response_json], QUERY).await;
    assert_eq!(typed.header("content-type"), Some("application/graphql-response+json; charset=utf-8"));
    assert_eq!(typed.header("cache-control"), Some("no-store"));
    let batch = [b"[".as_slice(), QUERY, b",", br#"{"query":"{"}"#, b"]"].concat();
    let batch = server.send("POST /", &[JSON], &batch).await;
    assert_eq!((batch.status, batch.json().as_array().map(Vec::len)), (200, Some(2)));
    let invalid = server.send("POST /", &[JSON], br#"{"query":"{"}"#).await;
    assert_eq!((invalid.status, &invalid.json()["data"]), (400, &Value::Null));
}

#[tokio::test]
async fn browsers_may_ask_first() {
    let server = Server::start().await;
    let headers: &[(&str, &[u8])] = &[
        ("Origin", b"https://example.org"),
        ("Access-Control-Request-Method", b"POST"),
        ("Access-Control-Request-Headers", b"authorization,content-type"),
    ];
    let cases = [
        ("/", "OPTIONS, POST, GET", "OPTIONS,POST,GET"),
        ("/graphql", "OPTIONS, POST, GET", "OPTIONS,POST,GET"),
        ("/jwt", "OPTIONS, POST", "OPTIONS,POST"),
        ("/health", "OPTIONS, GET", "OPTIONS,GET"),
    ];
    for (path, allow, methods) in cases {
        let response = server.send(&format!("OPTIONS {path}"), headers, b"").await;
        assert_eq!((response.status, response.body.len()), (204, 0), "{path}");
        let expected = [
            ("allow", allow),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", "authorization,content-type"),
            ("vary", "Access-Control-Request-Headers"),
        ];
        for (name, value) in expected {
            assert_eq!(response.header(name), Some(value), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn health_is_told_to_both_kinds_of_callers() {
    let server = Server::start().await;
    let health = server.send("GET /health", &[], b"").await;
    assert_eq!((health.status, health.json()), (200, json!({"message": "OK"})));
    for method in ["GET", "POST"] {
        let line = format!("{method} /.well-known/apollo/server-health");
        let health = server.send(&line, &[], b"").await;
        assert_eq!((health.status, health.json()), (200, json!({"status": "pass"})));
        assert_eq!(health.header("content-type"), Some("application/health+json"));
    }
}
