//! Automatic persisted queries, as Apollo's clients send them.

use clef::http::Limits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::{JSON, Server};

const DOCUMENT: &str = "query Named($first: Int) { Person(first: $first) { name } }";

fn named(document: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": format!("{:x}", Sha256::digest(document))}})
}

async fn post(server: &Server, body: &Value) -> (u16, Value) {
    let response = server.send("POST /graphql", &[JSON], body.to_string().as_bytes()).await;
    (response.status, response.json())
}

fn told(answer: &(u16, Value)) -> (u16, &str, &str) {
    let error = &answer.1["errors"][0];
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned().leak() as &str;
    (answer.0, text(&error["message"]), text(&error["extensions"]["code"]))
}

const NOT_FOUND: (u16, &str, &str) = (200, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND");

#[tokio::test]
async fn a_document_is_sent_once_and_then_named_by_post_and_by_get() {
    let server = Server::start().await;
    let hash_only = json!({"extensions": named(DOCUMENT), "variables": {"first": 1}});
    assert_eq!(told(&post(&server, &hash_only).await), NOT_FOUND);
    let mut whole = hash_only.clone();
    whole["query"] = json!(DOCUMENT);
    let answer = (200, json!({"data": {"Person": []}}));
    assert_eq!(post(&server, &whole).await, answer);
    assert_eq!(post(&server, &hash_only).await, answer);
    let mut empty = hash_only.clone();
    empty["query"] = json!("");
    assert_eq!(post(&server, &empty).await, answer);
    let extensions = named(DOCUMENT).to_string().replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    for line in
        [format!("GET /?extensions={extensions}"), format!("GET /graphql?operationName=Named&extensions={extensions}")]
    {
        let response = server.send(&line, &[], b"").await;
        assert_eq!((response.status, response.json()), answer, "{line}");
    }
    let batch = json!([hash_only, {"extensions": named("{ unknown }")}]);
    let (status, answers) = post(&server, &batch).await;
    assert_eq!((status, &answers[0]), (200, &answer.1));
    assert_eq!(answers[1]["errors"][0]["message"], "PersistedQueryNotFound");
}

#[tokio::test]
async fn only_good_documents_of_their_own_hash_are_kept() {
    let server = Server::start().await;
    let mut wrong = json!({"query": DOCUMENT, "extensions": named("{ Place { name } }")});
    let mismatch = (400, "provided sha does not match query", "PERSISTED_QUERY_HASH_MISMATCH");
    assert_eq!(told(&post(&server, &wrong).await), mismatch);
    wrong["extensions"]["persistedQuery"]["version"] = json!(2);
    assert_eq!(told(&post(&server, &wrong).await), (400, "Unsupported persisted query version", "BAD_REQUEST"));
    for extensions in [
        json!({"persistedQuery": {}}),
        json!({"persistedQuery": 1}),
        json!({"persistedQuery": {"version": "1", "sha256Hash": 3}}),
    ] {
        let answer = post(&server, &json!({"query": DOCUMENT, "extensions": extensions})).await;
        assert_eq!(told(&answer).0, 400, "{extensions}");
    }
    for bad in ["{ nobody }", "{ Person {", "query ($a: Int!) { Person(first: $a) { name } }"] {
        let (status, _) = post(&server, &json!({"query": bad, "extensions": named(bad)})).await;
        assert_eq!(status, 400, "{bad}");
        assert_eq!(told(&post(&server, &json!({"extensions": named(bad)})).await), NOT_FOUND, "{bad}");
    }
}

#[tokio::test]
async fn a_mutation_is_guarded_however_it_is_named() {
    let server = Server::start().await;
    let mutation = "mutation { CreatePerson(name: \"a\") { name } }";
    let refused = post(&server, &json!({"query": mutation, "extensions": named(mutation)})).await;
    assert_eq!(told(&refused), (200, "No authorization token.", "UNAUTHENTICATED"));
    let hash_only = json!({"extensions": named(mutation)});
    assert_eq!(told(&post(&server, &hash_only).await), (200, "No authorization token.", "UNAUTHENTICATED"));
    let extensions = named(mutation).to_string().replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    let get = server.send(&format!("GET /?extensions={extensions}"), &[], b"").await;
    assert_eq!(get.status, 405, "a mutation never runs by GET");
    let token = server.token("people", &["Mutation:Person:Create"]).await;
    let done = server.send("POST /", &[JSON, ("Authorization", &token)], hash_only.to_string().as_bytes()).await;
    assert_eq!(done.json(), json!({"data": {"CreatePerson": {"name": "a"}}}));
}

#[tokio::test]
async fn switched_off_names_are_not_understood_and_documents_are() {
    let server = Server::start_with(Limits { persisted_bytes: 0, ..Limits::default() }).await;
    let off = (200, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED");
    assert_eq!(told(&post(&server, &json!({"extensions": named(DOCUMENT)})).await), off);
    let whole = json!({"query": DOCUMENT, "extensions": named(DOCUMENT)});
    assert_eq!(post(&server, &whole).await, (200, json!({"data": {"Person": []}})));
}
