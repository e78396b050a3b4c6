//! The protocol `graphql-ws` of subscriptions-transport-ws, as the clients of the Contributor Environment speak it.

use std::time::Duration;

use clef::clock::Clock;
use clef::http::{Limits, LiveLimits};
use futures_util::StreamExt;
use serde_json::json;

use super::server::Server;
use super::socket::Socket;

const PROTOCOL: &str = "graphql-ws";
const THINGS: &str = "subscription { ThingCreateMutation { type } }";

fn start(id: &str, query: &str) -> String {
    json!({"id": id, "type": "start", "payload": {"variables": {}, "extensions": {}, "query": query}}).to_string()
}

#[tokio::test]
async fn frames_are_those_of_the_original_byte_for_byte() {
    let server = Server::start().await;
    let mut socket = Socket::speaking(&server, PROTOCOL).await;
    socket.send(r#"{"type":"connection_init","payload":{}}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"connection_ack"}"#);
    socket.send(start("1", THINGS)).await;
    socket.silence().await;
    server.create_person("Clara").await;
    assert_eq!(
        socket.text().await,
        r#"{"type":"data","id":"1","payload":{"data":{"ThingCreateMutation":{"type":"Person"}}}}"#
    );
    socket.send(r#"{"type":"stop","id":"1"}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"1","payload":null}"#);
    server.create_person("Clara").await;
    socket.silence().await;
    socket.send(r#"{"type":"connection_terminate"}"#).await;
    assert_eq!(socket.closed().await.0, 1000);
}

#[tokio::test]
async fn operations_start_without_an_init_and_end_as_they_did() {
    let server = Server::start_with(Limits {
        live: LiveLimits { init_timeout: Duration::from_millis(300), ..LiveLimits::default() },
        ..Limits::default()
    })
    .await;
    let mut idle = Socket::speaking(&server, "graphql-subscriptions").await;
    let mut socket = Socket::speaking(&server, PROTOCOL).await;
    socket.send(start("1", "{ __typename }")).await;
    assert_eq!(socket.text().await, r#"{"type":"data","id":"1","payload":{"data":{"__typename":"Query"}}}"#);
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"1","payload":null}"#);
    socket.send(start("2", "subscription { nobody }")).await;
    let refused = socket.json().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("data"), &json!("2")));
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"2","payload":null}"#);
    socket.send(start("3", "subscription {")).await;
    let refused = socket.json().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("3")));
    assert!(refused["payload"]["message"].as_str().unwrap().starts_with("Syntax error"), "{refused}");
    socket.send(r#"{"id":"4","type":"start","payload":{}}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"error","id":"4","payload":{"message":"Must provide query string."}}"#);
    socket.send(r#"{"id":"5","type":"subscribe"}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"error","id":"5","payload":{"message":"Invalid message type!"}}"#);
    socket.send("{").await;
    assert_eq!(socket.json().await["type"], "connection_error");
    socket.send(start("6", THINGS)).await;
    socket.silence().await;
    socket.send(start("6", "subscription { nodeChanged { key } }")).await;
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"6","payload":null}"#);
    socket.silence().await;
    server.create_person("Clara").await;
    assert!(socket.json().await["payload"]["data"]["nodeChanged"].is_object());
    socket.silence().await;
    assert_eq!(idle.closed().await.0, 4408);
}

#[tokio::test]
async fn nothing_keeps_a_socket_alive_but_the_client_hears_nothing_of_it() {
    let live = LiveLimits { ping_interval: Duration::from_millis(50), ..LiveLimits::default() };
    let server = Server::start_with(Limits { live, ..Limits::default() }).await;
    let mut socket = Socket::speaking(&server, PROTOCOL).await;
    socket.send(r#"{"type":"connection_init"}"#).await;
    socket.text().await;
    let frame = tokio::time::timeout(Duration::from_millis(400), socket.inner.next()).await;
    assert!(frame.is_err(), "not even a ping: {frame:?}");
}

#[tokio::test]
async fn a_token_is_told_in_the_payload_and_renewed_by_another() {
    let clock = Clock::at(1_700_000_000);
    let server = Server::start_at(Limits::default(), clock.clone()).await;
    let token = String::from_utf8(server.token("all", &["*"]).await).unwrap();
    let init = json!({"type": "connection_init", "payload": {"Authorization": token}}).to_string();
    let mutation = start("1", "mutation { CreatePerson(name: \"C\") { name } }");
    let mut socket = Socket::speaking(&server, PROTOCOL).await;
    socket.send(mutation.as_str()).await;
    assert_eq!(socket.json().await["payload"]["errors"][0]["message"], "No authorization token.");
    assert_eq!(socket.json().await["type"], "complete");
    for _ in 0..2 {
        socket.send(init.as_str()).await;
        assert_eq!(socket.text().await, r#"{"type":"connection_ack"}"#);
    }
    socket.send(mutation).await;
    assert_eq!(socket.json().await["payload"]["data"]["CreatePerson"]["name"], "C");
    assert_eq!(socket.json().await["type"], "complete");
    if let Clock::Set(now) = &clock {
        now.store(1_700_086_400, std::sync::atomic::Ordering::Relaxed);
    }
    let ended = socket.json().await;
    assert_eq!(ended, json!({"type": "connection_error", "payload": {"message": "Your token is expired"}}));
    assert_eq!(socket.closed().await.0, 4403);
}
