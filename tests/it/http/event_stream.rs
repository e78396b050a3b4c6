//! Server-sent events over real HTTP.

use std::time::Duration;

use clef::http::{Drained, Limits, LiveLimits};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::{JSON, Server};

const STREAM: (&str, &[u8]) = ("Accept", b"text/event-stream");
const CHANGES: &str = "subscription { nodeChanged(types: [Person]) { action node { ... on Person { name } } } }";

struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    async fn open(server: &Server, head: &str, body: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!(
            "{head} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n{length}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self { stream, text: String::new() };
        assert!(events.until("\r\n\r\n").await.starts_with("HTTP/1.1 200"), "{}", events.text);
        events
    }

    async fn post(server: &Server, query: &str) -> Self {
        Self::open(server, "POST /graphql", &json!({"query": query}).to_string()).await
    }

    /// What was read so far, once this is part of it.
    async fn until(&mut self, expected: &str) -> &str {
        let read = async {
            let mut buffer = [0; 4096];
            while !self.text.contains(expected) {
                let length = self.stream.read(&mut buffer).await.unwrap();
                assert!(length > 0, "the end, before {expected}: {}", self.text);
                self.text.push_str(str::from_utf8(&buffer[..length]).unwrap());
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(5), read).await.is_ok();
        assert!(in_time, "no {expected}: {}", self.text);
        &self.text
    }
}

#[tokio::test]
async fn events_are_streamed_until_the_server_stops() {
    let limits = Limits {
        live: LiveLimits { heartbeat: Duration::from_millis(100), ..LiveLimits::default() },
        ..Limits::default()
    };
    let server = Server::start_with(limits).await;
    let mut posted = Events::post(&server, CHANGES).await;
    assert!(posted.text.contains("content-type: text/event-stream"), "{}", posted.text);
    let query: String = CHANGES.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D");
    let mut got = Events::open(&server, &format!("GET /?query={query}"), "").await;
    posted.until(":\n\n").await;
    got.until(":\n\n").await;
    server.create_person("Clara").await;
    let event =
        "event: next\ndata: {\"data\":{\"nodeChanged\":{\"action\":\"CREATED\",\"node\":{\"name\":\"Clara\"}}}}\n\n";
    posted.until(event).await;
    got.until(event).await;
    server.stop.send(()).unwrap();
    posted.until("event: complete\ndata:\n\n").await;
    got.until("0\r\n\r\n").await;
    assert_eq!(server.served.await.unwrap(), Drained::All);
}

#[tokio::test]
async fn anything_else_is_one_event() {
    let server = Server::start().await;
    let query = server.send("POST /", &[JSON, STREAM], br#"{"query":"{ __typename }"}"#).await;
    assert_eq!(
        String::from_utf8(query.body.clone()).unwrap(),
        "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}\n\nevent: complete\ndata:\n\n"
    );
    assert_eq!(query.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let invalid = server.send("POST /", &[JSON, STREAM], br#"{"query":"{ nobody }"}"#).await;
    assert_eq!(invalid.status, 200);
    let text = String::from_utf8(invalid.body).unwrap();
    assert!(
        text.starts_with("event: next\ndata: {\"errors\":[") && text.ends_with("event: complete\ndata:\n\n"),
        "{text}"
    );
    let mutation = server.send("POST /", &[JSON, STREAM], super::server::MUTATION).await;
    assert!(String::from_utf8(mutation.body).unwrap().contains("No authorization token."));
    let got = server.send("GET /?query=mutation%7BCreatePerson%7Bidentifier%7D%7D", &[STREAM], b"").await;
    assert_eq!(got.status, 405);
    let batch = server.send("POST /", &[JSON, STREAM], br#"[{"query":"{a}"}]"#).await;
    assert_eq!(batch.status, 400);
    let either = ("Accept", b"application/json, text/event-stream".as_slice());
    let query = server.send("POST /", &[JSON, either], br#"{"query":"{ __typename }"}"#).await;
    assert_eq!(query.json()["data"]["__typename"], "Query");
    let plain = server.send("POST /", &[JSON], br#"{"query":"subscription { nodeChanged { key } }"}"#).await;
    assert_eq!(plain.json()["errors"][0]["extensions"]["code"], "SUBSCRIPTION_NOT_SUPPORTED");
}

#[tokio::test]
async fn streams_have_seats_which_those_that_leave_give_back() {
    let limits = Limits {
        live: LiveLimits { sockets_per_address: 1, heartbeat: Duration::from_millis(50), ..LiveLimits::default() },
        ..Limits::default()
    };
    let server = Server::start_with(limits).await;
    let first = Events::post(&server, CHANGES).await;
    let body = json!({"query": CHANGES}).to_string();
    let refused = server.send("POST /", &[JSON, STREAM], body.as_bytes()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    Events::post(&server, CHANGES).await;
}
