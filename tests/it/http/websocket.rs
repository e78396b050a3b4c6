//! The protocol `graphql-transport-ws`, message by message, and what holds for all sockets.

use std::time::{Duration, Instant};

use clef::clock::Clock;
use clef::http::{Drained, Limits, LiveLimits};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::server::{JSON, Server};
use super::socket::{Received, Socket};

const PROTOCOL: &str = "graphql-transport-ws";
const INIT: &str = r#"{"type":"connection_init"}"#;
const ACK: &str = r#"{"type":"connection_ack"}"#;
const CHANGES: &str = "subscription { nodeChanged(types: [Person]) { action node { ... on Person { name } } } }";

fn live(live: LiveLimits) -> Limits {
    Limits { live, ..Limits::default() }
}

fn subscribe(id: &str, query: &str) -> String {
    json!({"type": "subscribe", "id": id, "payload": {"query": query}}).to_string()
}

async fn ready(server: &Server) -> Socket {
    let mut socket = Socket::speaking(server, PROTOCOL).await;
    socket.send(INIT).await;
    assert_eq!(socket.text().await, ACK);
    socket
}

/// Lets a subscription begin, which the protocol does not acknowledge.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

#[tokio::test]
async fn the_handshake_selects_a_protocol_on_both_paths() {
    let server = Server::start().await;
    for (path, requested, selected) in [
        ("/", "graphql-transport-ws", "graphql-transport-ws"),
        ("/graphql", "graphql-ws, graphql-transport-ws", "graphql-transport-ws"),
        ("/graphql?x=1", "graphql-ws", "graphql-ws"),
        ("/", "graphql-subscriptions", "graphql-subscriptions"),
    ] {
        let socket = Socket::open(&server, path, &[("Sec-WebSocket-Protocol", requested)]).await.unwrap();
        assert_eq!(socket.response.headers()["sec-websocket-protocol"], selected, "{requested}");
    }
    let mut none = Socket::open(&server, "/graphql", &[]).await.unwrap();
    assert_eq!(none.closed().await.0, 4406);
    assert!(Socket::open(&server, "/graphql", &[("Sec-WebSocket-Protocol", "mqtt")]).await.is_err());
    assert!(Socket::open(&server, "/health", &[]).await.is_err());
}

#[tokio::test]
async fn a_connection_is_initialised_once_and_in_time() {
    let server =
        Server::start_with(live(LiveLimits { init_timeout: Duration::from_millis(200), ..LiveLimits::default() }))
            .await;
    let mut late = Socket::speaking(&server, PROTOCOL).await;
    let mut twice = ready(&server).await;
    twice.send(INIT).await;
    assert_eq!(twice.closed().await, (4429, "Too many initialisation requests".to_owned()));
    let mut early = Socket::speaking(&server, PROTOCOL).await;
    early.send(subscribe("1", "{ __typename }")).await;
    assert_eq!(early.closed().await, (4401, "Unauthorized".to_owned()));
    assert_eq!(late.closed().await, (4408, "Connection initialisation timeout".to_owned()));
    let mut calm = ready(&server).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    calm.silence().await;
}

#[tokio::test]
async fn messages_that_are_none_close_the_socket() {
    let server = Server::start().await;
    for text in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"type":1}"#,
        r#"{"type":"nothing"}"#,
        r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":1}}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"ping","payload":1}"#,
    ] {
        let mut socket = ready(&server).await;
        socket.send(text).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4400, "{text}");
        assert!(reason.starts_with("Invalid message: "), "{reason}");
    }
    let mut socket = ready(&server).await;
    socket.inner.send(Message::binary(INIT)).await.unwrap();
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = ready(&server).await;
    socket.send(format!(r#"{{"type":"ping","payload":{{"a":"{}"}}}}"#, "a".repeat(70_000))).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn pings_are_answered_at_any_time() {
    let server = Server::start().await;
    let mut socket = Socket::speaking(&server, PROTOCOL).await;
    socket.send(r#"{"type":"ping"}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"pong"}"#);
    socket.send(r#"{"type":"pong","payload":{"a":1}}"#).await;
    socket.send(r#"{"type":"ping","payload":{"a":1}}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"pong"}"#);
    socket.send(INIT).await;
    assert_eq!(socket.text().await, ACK);
}

#[tokio::test]
async fn queries_and_mutations_give_one_result() {
    let server = Server::start().await;
    let mut socket = ready(&server).await;
    socket.send(r#"{"type":"subscribe","id":"q","payload":{"query":"query A { __typename } query B { b: __typename }","operationName":"B","variables":null,"extensions":{}}}"#).await;
    assert_eq!(socket.text().await, r#"{"type":"next","id":"q","payload":{"data":{"b":"Query"}}}"#);
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"q"}"#);
    socket.send(subscribe("q", "mutation { CreatePerson { name } }")).await;
    let refused = socket.json().await;
    assert_eq!(refused["payload"]["errors"][0]["message"], "No authorization token.");
    assert_eq!(socket.json().await["type"], "complete");
    for (query, code) in [
        ("{ nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nodeChanged { nobody } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ] {
        socket.send(subscribe("e", query)).await;
        let error = socket.json().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("e")));
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{error}");
    }
    socket.silence().await;
}

#[tokio::test]
async fn events_come_until_the_client_completes() {
    let server = Server::start().await;
    let mut socket = ready(&server).await;
    socket.send(subscribe("a \"1\"", CHANGES)).await;
    socket.send(subscribe("b", CHANGES)).await;
    settle().await;
    let start = Instant::now();
    server.create_person("Clara").await;
    let payload = json!({"data": {"nodeChanged": {"action": "CREATED", "node": {"name": "Clara"}}}});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let told = socket.json().await;
        assert_eq!((&told["type"], &told["payload"]), (&json!("next"), &payload));
        ids.push(told["id"].as_str().unwrap().to_owned());
    }
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    ids.sort();
    assert_eq!(ids, ["a \"1\"", "b"]);
    socket.send(json!({"type": "complete", "id": "a \"1\""}).to_string()).await;
    socket.send(r#"{"type":"complete","id":"unknown"}"#).await;
    settle().await;
    server.create_person("Robert").await;
    assert_eq!(socket.json().await["id"], "b");
    socket.silence().await;
    socket.send(subscribe("a \"1\"", CHANGES)).await;
    settle().await;
    socket.send(subscribe("b", CHANGES)).await;
    assert_eq!(socket.closed().await, (4409, "Subscriber for b already exists".to_owned()));
}

#[tokio::test]
async fn a_mutation_needs_a_token_that_covers_it() {
    let server = Server::start().await;
    let token = String::from_utf8(server.token("people", &["Mutation:Person:Create"]).await).unwrap();
    let bare = token.trim_start_matches("Bearer ").to_owned();
    let init = |payload: Value| json!({"type": "connection_init", "payload": payload}).to_string();
    let mut by_header =
        Socket::open(&server, "/", &[("Sec-WebSocket-Protocol", PROTOCOL), ("Authorization", &token)]).await.unwrap();
    by_header.send(INIT).await;
    let mut sockets = vec![by_header];
    for payload in [
        json!({"Authorization": token}),
        json!({"authorization": token}),
        json!({"authToken": bare}),
        json!({"headers": {"Authorization": token}}),
    ] {
        let mut socket = Socket::speaking(&server, PROTOCOL).await;
        socket.send(init(payload)).await;
        sockets.push(socket);
    }
    for mut socket in sockets {
        assert_eq!(socket.text().await, ACK);
        socket.send(subscribe("1", "mutation { CreatePerson(name: \"C\") { name } }")).await;
        assert_eq!(socket.json().await["payload"], json!({"data": {"CreatePerson": {"name": "C"}}}));
        assert_eq!(socket.json().await["type"], "complete");
        socket.send(subscribe("1", "mutation { CreatePlace(name: \"C\") { name } }")).await;
        let refused = socket.json().await;
        assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_eq!(refused["payload"]["data"], json!({"CreatePlace": null}));
    }
    for payload in [json!({"Authorization": "Bearer nonsense"}), json!({"authToken": 1})] {
        let mut socket = Socket::speaking(&server, PROTOCOL).await;
        socket.send(init(payload)).await;
        assert_eq!(socket.closed().await.0, 4403);
    }
    let mut anonymous = Socket::speaking(&server, PROTOCOL).await;
    anonymous.send(init(json!({"Authorization": ""}))).await;
    assert_eq!(anonymous.text().await, ACK);
}

#[tokio::test]
async fn a_socket_ends_with_its_token_unless_it_is_renewed() {
    let clock = Clock::at(1_700_000_000);
    let server = Server::start_at(Limits::default(), clock.clone()).await;
    let set = |seconds: u64| {
        if let Clock::Set(now) = &clock {
            now.store(seconds, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let first = String::from_utf8(server.token("all", &["*"]).await).unwrap();
    let init = json!({"type": "connection_init", "payload": {"Authorization": first}}).to_string();
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::speaking(&server, PROTOCOL).await;
        socket.send(init.as_str()).await;
        assert_eq!(socket.text().await, ACK);
        sockets.push(socket);
    }
    set(1_700_000_000 + 80_000);
    let second = String::from_utf8(server.token("all", &["*"]).await).unwrap();
    let [renewed, old] = sockets.as_mut_slice() else { panic!() };
    renewed.send(json!({"type": "ping", "payload": {"Authorization": second}}).to_string()).await;
    assert_eq!(renewed.text().await, r#"{"type":"pong"}"#);
    set(1_700_000_000 + 86_400);
    assert_eq!(old.closed().await, (4403, "Forbidden: Your token is expired".to_owned()));
    renewed.send(subscribe("1", "mutation { CreatePerson(name: \"C\") { name } }")).await;
    assert_eq!(renewed.json().await["payload"]["data"]["CreatePerson"]["name"], "C");
    assert_eq!(renewed.json().await["type"], "complete");
    renewed.send(r#"{"type":"ping","payload":{"Authorization":"Bearer x.y.z"}}"#).await;
    assert_eq!(renewed.closed().await.0, 4403);
}

#[tokio::test]
async fn a_silent_socket_is_pinged_and_then_closed() {
    let interval = Duration::from_millis(200);
    let server = Server::start_with(live(LiveLimits { ping_interval: interval, ..LiveLimits::default() })).await;
    let mut alive = ready(&server).await;
    let mut silent = ready(&server).await;
    // Reading answers pings, so that only one of them lives.
    let living = async { tokio::time::timeout(Duration::from_secs(1), alive.receive()).await.is_err() };
    assert!(living.await);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(silent.closed().await.0, 4408);
}

#[tokio::test]
async fn there_are_only_so_many() {
    let limits =
        LiveLimits { sockets: 2, operations: 1, origins: vec!["https://a.org".to_owned()], ..LiveLimits::default() };
    let server = Server::start_with(live(limits)).await;
    let mut first = ready(&server).await;
    let second = ready(&server).await;
    let refused = Socket::open(&server, "/", &[("Sec-WebSocket-Protocol", PROTOCOL)]).await.err().unwrap();
    let Error::Http(response) = *refused else { panic!("{refused}") };
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"5".parse().unwrap()));
    drop(second);
    settle().await;
    first.send(subscribe("1", CHANGES)).await;
    first.send(subscribe("2", CHANGES)).await;
    assert_eq!(first.json().await["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    let origin = |origin| [("Sec-WebSocket-Protocol", PROTOCOL), ("Origin", origin)];
    let refused = Socket::open(&server, "/", &origin("https://b.org")).await.err().unwrap();
    assert!(matches!(*refused, Error::Http(response) if response.status() == 403));
    assert!(Socket::open(&server, "/", &origin("https://a.org")).await.is_ok());
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let server = Server::start().await;
    for protocol in [PROTOCOL, "graphql-ws"] {
        let mut socket = Socket::speaking(&server, protocol).await;
        socket.send(INIT).await;
        socket.text().await;
        let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.inner.send(Message::Close(Some(frame))).await.unwrap();
        assert_eq!(socket.closed().await, (1000, "done".to_owned()));
        assert_eq!(socket.receive().await, Received::Gone);
    }
}

#[tokio::test]
async fn sockets_end_when_the_server_stops() {
    let server = Server::start().await;
    let mut socket = ready(&server).await;
    socket.send(subscribe("1", CHANGES)).await;
    settle().await;
    let start = Instant::now();
    server.stop.send(()).unwrap();
    assert_eq!(socket.text().await, r#"{"type":"complete","id":"1"}"#);
    assert_eq!(socket.closed().await.0, 1001);
    assert_eq!(socket.receive().await, Received::Gone);
    assert_eq!(server.served.await.unwrap(), Drained::All);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let limits = LiveLimits { send_timeout: Duration::from_millis(300), ..LiveLimits::default() };
    let server = Server::start_with(live(limits)).await;
    let mut socket = ready(&server).await;
    server.create_person_with("award", &"x".repeat(900_000)).await;
    for id in 0..30 {
        socket.send(subscribe(&id.to_string(), "{ Person { award } }")).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut received = 0;
    while let Received::Text(_) = socket.receive().await {
        received += 1;
    }
    assert!(received < 60, "{received}");
    assert_eq!(server.send("POST /", &[JSON], br#"{"query":"{ __typename }"}"#).await.status, 200);
}
