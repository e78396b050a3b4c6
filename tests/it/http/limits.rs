//! How often one may ask.

use clef::http::{ForwardedHeader, Limits, Proxies, Rates};
use serde_json::json;

use super::server::{JSON, MUTATION, QUERY, Server};

const WRONG: &[u8] = br#"{"id":"all","apiKey":"guess","scopes":["*"]}"#;

async fn server(change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits { rates: Rates { mints: None, mint_failures: None, anonymous: None }, ..Limits::default() };
    change(&mut limits);
    Server::start_with(limits).await
}

#[tokio::test]
async fn guessing_is_slowed_down_by_address_whatever_the_client_says_of_it() {
    let server = server(|limits| limits.rates.mint_failures = "1/m,5".parse().ok()).await;
    let mut statuses = Vec::new();
    for guess in 0..8 {
        let forwarded = format!("10.0.0.{guess}");
        let headers = [JSON, ("X-Forwarded-For", forwarded.as_bytes()), ("Forwarded", b"for=10.0.0.9")];
        let path = if guess % 2 == 0 { "POST /jwt" } else { "POST /jwt/" };
        statuses.push(server.send(path, &headers, WRONG).await.status);
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429, 429, 429]);
    let refused = server.send("POST /jwt", &[JSON], WRONG).await;
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&seconds), "{seconds}");
    let expected = json!({"success": false, "message": format!("too many requests: try again in {seconds} s")});
    assert_eq!(refused.json(), expected);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "a browser can read it");
    assert_eq!(refused.header("access-control-expose-headers"), Some("Retry-After"));
}

#[tokio::test]
async fn guessing_at_the_explanation_of_scopes_counts_as_well() {
    let server = server(|limits| limits.rates.mint_failures = "1/m,2".parse().ok()).await;
    let guess = br#"{"query":"{__typename}","keyId":"all","apiKey":"guess"}"#;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(server.send("POST /scopes/explain", &[JSON], guess).await.status);
    }
    statuses.push(server.send("POST /jwt", &[JSON], WRONG).await.status);
    assert_eq!(statuses, [403, 403, 429, 429]);
    let refused = server.send("POST /scopes/explain", &[JSON], guess).await;
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn a_trusted_proxy_tells_clients_apart() {
    let server = server(|limits| {
        limits.rates.mint_failures = "1/m,1".parse().ok();
        limits.proxies =
            Proxies { trusted: vec!["127.0.0.0/8".parse().unwrap()], header: ForwardedHeader::XForwardedFor };
    })
    .await;
    let guess = async |forwarded: &str| {
        server.send("POST /jwt", &[JSON, ("X-Forwarded-For", forwarded.as_bytes())], WRONG).await.status
    };
    assert_eq!(guess("203.0.113.1").await, 403);
    assert_eq!(guess("203.0.113.1").await, 429);
    assert_eq!(guess("198.51.100.7, 203.0.113.1").await, 429, "what the client wrote before the proxy does not count");
    assert_eq!(guess("203.0.113.2").await, 403);
}

#[tokio::test]
async fn a_key_mints_no_faster_than_it_may() {
    let server = server(|limits| limits.rates.mints = "1/m,2".parse().ok()).await;
    let order = |id: &str| json!({"id": id, "apiKey": format!("key of {id}"), "scopes": ["Mutation:Person:*"]});
    let mut statuses = Vec::new();
    for id in ["all", "all", "all", "people", "all"] {
        statuses.push(server.mint(&order(id)).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 200, 429]);
    let wrong = server.send("POST /jwt", &[JSON], WRONG).await;
    assert_eq!(wrong.status, 403, "others cannot use up what a key may");
}

#[tokio::test]
async fn requests_without_a_token_have_a_limit_of_their_own() {
    let server = server(|limits| limits.rates.anonymous = "1/m,3".parse().ok()).await;
    let token = server.token("people", &["Mutation:Person:*"]).await;
    let bearer: (&str, &[u8]) = ("Authorization", &token);
    for headers in [&[JSON] as &[_], &[JSON, ("Authorization", b"")], &[JSON, ("Authorization", b"Bearer a.b.c")]] {
        assert_eq!(server.send("POST /graphql", headers, QUERY).await.status, 200);
    }
    let refused = server.send("POST /", &[JSON], QUERY).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["extensions"]["code"]), (429, &json!("RATE_LIMITED")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.send("GET /graphql?query=%7B__typename%7D", &[], b"").await.status, 429);
    assert_eq!(server.send("OPTIONS /graphql", &[], b"").await.status, 204);
    for body in [QUERY, MUTATION] {
        assert_eq!(server.send("POST /graphql", &[JSON, bearer], body).await.status, 200);
    }
}

#[tokio::test]
async fn reads_have_no_limit_unless_one_is_set() {
    let server = Server::start().await;
    for _ in 0..300 {
        assert_eq!(server.send("POST /graphql", &[JSON], QUERY).await.status, 200);
    }
}
