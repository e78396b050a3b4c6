//! Tokens: minting them, and using them.

use serde_json::json;

use super::server::{JSON, MUTATION, QUERY, Server};

type Headers<'row> = &'row [(&'row str, &'row [u8])];

#[tokio::test]
async fn minting_answers_as_the_original() {
    let server = Server::start().await;
    let missing = "The `apiKey` or `id` property is missing in the request body";
    let scopes = "The `scopes` property is missing or not an Array with at least one scope";
    let refused = "You don't have access to the requested 'Mutation:*:*' scope";
    let cases = [
        (json!({"id": "all", "scopes": ["*"]}), 401, missing),
        (json!({"id": "", "apiKey": "x", "scopes": ["*"]}), 401, missing),
        (json!({"id": "all", "apiKey": "x"}), 401, scopes),
        (json!({"id": "all", "apiKey": "x", "scopes": []}), 401, scopes),
        (json!({"id": "all", "apiKey": "x", "scopes": ["*"]}), 403, "The apiKey and id combination is not correct"),
        (json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:*:*"]}), 403, refused),
        (json!({"id": "all", "apiKey": "key of all", "scopes": [1]}), 403, "Expected input to be a string"),
        (json!([]), 401, missing),
    ];
    for (order, status, message) in cases {
        let response = server.mint(&order).await;
        let body = response.json();
        assert_eq!((response.status, &body["message"]), (status, &json!(message)), "{order}");
        assert_eq!(body["success"], false, "{order}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    let refused = server.mint(&json!({"id": "people", "apiKey": "key of people", "scopes": ["*"]})).await;
    assert!(refused.json()["counterExample"].is_string());
    let malformed = server.mint(&json!({"id": "people", "apiKey": "key of people", "scopes": ["!(a)"]})).await;
    assert_eq!(malformed.json()["message"], "You don't have access to the requested '!(a)' scope");
    assert!(malformed.json()["reason"].is_string());
}

#[tokio::test]
async fn a_minted_token_is_told_with_its_lifetime() {
    let server = Server::start().await;
    let order = json!({"id": "all", "apiKey": "key of all", "scopes": ["Query:ControlAction", "*"]});
    let response = server.mint(&order).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.starts_with(r#"{"success":true,"jwt":"ey"#), "{text}");
    assert!(text.ends_with(r#"","token_type":"Bearer","expires_in":86400,"scope":"Query:ControlAction *"}"#), "{text}");
}

#[tokio::test]
async fn a_mutation_needs_its_scope() {
    let server = Server::start().await;
    let good = server.token("people", &["Mutation:Person:*"]).await;
    let other = server.token("all", &["Mutation:Place:*"]).await;
    let bare = good.strip_prefix(b"Bearer ").unwrap();
    let name = "Authorization";
    let no_token = Some(("No authorization token.", "UNAUTHENTICATED"));
    let invalid = Some(("You are not authorized for this resource", "UNAUTHENTICATED"));
    let forbidden = Some(("You are not authorized for this resource", "FORBIDDEN"));
    let cases: &[(Headers<'_>, _)] = &[
        (&[], no_token),
        (&[(name, b"")], no_token),
        (&[(name, b"   ")], no_token),
        (&[(name, &good)], None),
        (&[(name, &other)], forbidden),
        (&[(name, bare)], invalid),
        (&[(name, b"Bearer a.b.c")], invalid),
        (&[(name, b"Bearer \xff")], invalid),
        (&[(name, &good), (name, &good)], invalid),
        (&[(name, b""), (name, &good)], invalid),
    ];
    for (headers, expected) in cases {
        let headers = [&[JSON], *headers].concat();
        let response = server.send("POST /", &headers, MUTATION).await;
        let body = response.json();
        let error = &body["errors"][0];
        let told = error["message"].as_str().zip(error["extensions"]["code"].as_str());
        assert_eq!((response.status, told), (200, *expected), "{headers:?}");
    }
    let read = server.send("POST /", &[JSON, (name, b"Bearer a.b.c")], QUERY).await;
    assert_eq!(read.json(), json!({"data": {"__typename": "Query"}}), "reads need no token");
}
