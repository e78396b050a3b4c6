//! Connections that are slow, break or are ended.

use std::time::Duration;

use clef::http::{Drained, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::{JSON, QUERY, Server};

#[tokio::test]
async fn the_server_lives_on_after_a_panic() {
    let server = Server::start().await;
    let response = server.send("GET /panic", &[("X-Request-Id", b"mine-1")], b"").await;
    assert_eq!((response.status, response.header("x-request-id")), (500, Some("mine-1")));
    assert_eq!(response.json()["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(server.send("POST /", &[JSON], QUERY).await.status, 200);
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let soon = Duration::from_millis(200);
    let server = Server::start_with(Limits { head_timeout: soon, body_timeout: soon, ..Limits::default() }).await;
    let sent: [(&[u8], &str); 2] = [
        (b"POST / HTTP/1.1\r\nHost: te", ""),
        (
            b"POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
            "HTTP/1.1 408",
        ),
    ];
    for (request, expected) in sent {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(3), read).await.expect("closed").ok();
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn what_runs_is_answered_before_the_server_stops() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        QUERY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "no more connections");
    stream.write_all(QUERY).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.served.await.unwrap(), Drained::All);
}

#[tokio::test]
async fn a_request_on_its_way_is_answered_and_told_to_be_the_last() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        QUERY.len()
    );
    stream.write_all(&[head.as_bytes(), QUERY].concat()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    assert_eq!(server.served.await.unwrap(), Drained::All);
}
