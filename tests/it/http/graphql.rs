//! Requests that are right.

use serde_json::{Value, json};

use clef::http::Limits;

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
async fn a_refused_document_has_the_status_that_its_client_understands() {
    let server = Server::start().await;
    let documents: [&[u8]; 4] = [
        br#"{"query":"{"}"#,
        br#"{"query":"{ none }"}"#,
        br#"{"query":"query($a: Int!) { Person(first: $a) { name } }"}"#,
        br#"{"query":"{ a: __typename }","operationName":"none"}"#,
    ];
    let accepted: [(&[u8], u16); 4] = [
        (b"application/json", 200),
        (b"application/graphql-response+json", 400),
        (b"application/json, text/plain, */*", 400),
        (b"*/*", 400),
    ];
    for document in documents {
        for (accept, status) in accepted {
            let response = server.send("POST /", &[JSON, ("Accept", accept)], document).await;
            let answer = response.json();
            assert_eq!(response.status, status, "{answer}");
            assert!(answer["errors"][0]["message"].is_string() && answer.get("data").is_none(), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_document_that_asks_for_too_much_is_told_the_setting() {
    let server = Server::start_with(Limits::default()).await;
    let nested =
        |levels: usize| format!("{{ Person {}{{ identifier }}{} }}", "{ knows ".repeat(levels), "}".repeat(levels));
    let cases = [
        (nested(14), "MAX_DEPTH", 15),
        ("{ Person { name } } ".repeat(1_300), "MAX_TOKENS", 5_000),
        (format!("{{ Person {{ {} }} }}", "a: name ".repeat(51)), "MAX_ALIASES", 50),
        (format!("{{ {} }}", "__typename ".repeat(51)), "MAX_ROOT_FIELDS", 50),
        (format!("{{ {} }}", "__typename @skip(if: true) @include(if: true) ".repeat(26)), "MAX_DIRECTIVES", 50),
        ("{ Person(first: 100000001) { knows { name } } }".to_owned(), "MAX_COST", 100_000_000),
        (
            "{ Person(first: 1000) { knows(first: 1000) { knows(first: 1000) { name } } } }".to_owned(),
            "MAX_COST",
            100_000_000,
        ),
    ];
    for (document, setting, allowed) in cases {
        let document = json!({ "query": document }).to_string();
        let response = server.send("POST /", &[JSON], document.as_bytes()).await;
        let error = &response.json()["errors"][0];
        assert_eq!((response.status, error["extensions"]["code"].as_str()), (400, Some("QUERY_TOO_LARGE")), "{error}");
        assert_eq!(error["extensions"]["limit"]["setting"], setting, "{error}");
        assert_eq!(error["extensions"]["limit"]["allowed"], allowed, "{error}");
        assert!(error["message"].as_str().unwrap().contains(setting), "{error}");
    }
    let whole = json!({ "query": nested(13) }).to_string();
    let response = server.send("POST /", &[JSON], whole.as_bytes()).await;
    assert_eq!(response.json()["errors"][0]["extensions"]["limit"]["setting"], "MAX_COST");
    let paged =
        json!({ "query": "{ Person(identifier: \"a\") { knows(first: 1000) { knows(first: 1000) { name } } } }" });
    let response = server.send("POST /", &[JSON], paged.to_string().as_bytes()).await;
    assert_eq!(response.json(), json!({"data": {"Person": []}}));
}

#[tokio::test]
async fn a_browser_is_shown_a_page_that_runs_nothing() {
    let server = Server::start().await;
    let browser: &[(&str, &[u8])] = &[("Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    let page = server.send("GET /", browser, b"").await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(text.contains("Mutation:Person:*") && text.contains("3,7") && text.contains("MusicComposition"), "{text}");
    assert!(!text.replace("@media", "").contains('@') && !text.contains("<script"), "{text}");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("frame-ancestors 'none'"));
    let query = server.send("GET /?query=%7B__typename%7D", browser, b"").await;
    assert_eq!(query.json(), json!({"data": {"__typename": "Query"}}));
    assert_eq!(server.send("GET /", &[], b"").await.status, 400);
}

#[tokio::test]
async fn batches_are_served_only_if_they_are_allowed() {
    let server = Server::start_with(Limits::default()).await;
    let batch = [b"[".as_slice(), QUERY, b"]"].concat();
    let response = server.send("POST /", &[JSON], &batch).await;
    let message = response.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(response.status == 400 && message.contains("MAX_BATCH"), "{message}");
}

#[tokio::test]
async fn a_token_that_is_too_long_is_not_looked_at() {
    let server = Server::start().await;
    let long = [b"Bearer ".as_slice(), &b"a".repeat(clef::auth::TOKEN_BYTES_MAX + 1)].concat();
    let response = server.send("POST /", &[JSON, ("Authorization", &long)], QUERY).await;
    assert_eq!(response.status, 431);
    assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
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
