//! Large answers.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use clef::http::Limits;
use serde_json::json;

use super::server::{JSON, QUERY, Server};

#[tokio::test]
async fn introspection_is_sent_once_and_compressed() {
    let server = Server::start().await;
    let body = br#"{"query":"{ __schema { types { name } } }"}"#;
    let plain = server.send("POST /", &[JSON], body).await;
    let etag = plain.header("etag").unwrap().as_bytes().to_vec();
    for encoding in ["gzip", "br"] {
        let accept = ("Accept-Encoding", encoding.as_bytes());
        let first = server.send("POST /", &[JSON, accept], body).await;
        assert_eq!(first.header("content-encoding"), Some(encoding), "ready or not");
        assert!(first.body.len() * 4 < plain.body.len(), "{encoding}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    for encoding in ["gzip", "br"] {
        let accept = ("Accept-Encoding", encoding.as_bytes());
        let ready = server.send("GET /?query=%7B__schema%7Btypes%7Bname%7D%7D%7D", &[accept], b"").await;
        assert_eq!(ready.header("content-encoding"), Some(encoding));
        // One form is kept; the other is made on the way.
        let length = (encoding == "gzip").then(|| ready.body.len().to_string());
        assert_eq!(ready.header("content-length"), length.as_deref());
        assert_eq!(ready.header("etag").map(str::as_bytes), Some(etag.as_slice()));
        assert_eq!(decoded(encoding, &ready.body).await, plain.body);
    }
    for line in ["POST /", "POST /graphql"] {
        let known = server.send(line, &[JSON, ("If-None-Match", &etag)], body).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
    let other = server.send("POST /", &[JSON, ("If-None-Match", b"\"x\"")], body).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let server = Server::start_with(Limits::default()).await;
    let text = "a page of a long description ".repeat(100);
    let fields: String = (0..50).map(|n| format!("n{n}: CreatePerson(description: \"{text}\") {{ _id }} ")).collect();
    let token = server.token("all", &["*"]).await;
    let created = json!({"query": format!("mutation {{ {fields} }}")}).to_string();
    server.send("POST /", &[JSON, ("Authorization", &token)], created.as_bytes()).await;
    let body = br#"{"query":"{ Person { description } }"}"#;
    let gzip = ("Accept-Encoding", b"gzip".as_slice());
    let plain = server.send("POST /", &[JSON], body).await;
    assert_eq!((plain.header("content-encoding"), plain.body.len() > 100_000), (None, true));
    let compressed = server.send("POST /", &[JSON, gzip], body).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert_eq!(decoded("gzip", &compressed.body).await, plain.body);
    let small = server.send("POST /", &[JSON, gzip], QUERY).await;
    assert_eq!(small.header("content-encoding"), None);
}

pub(super) async fn decoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    use async_compression::tokio::write::{BrotliDecoder, GzipDecoder};
    if encoding == "br" {
        let mut decoder = BrotliDecoder::new(Vec::new());
        decoder.write_all(body).await.unwrap();
        decoder.shutdown().await.unwrap();
        return decoder.into_inner();
    }
    let mut decoder = GzipDecoder::new(Vec::new());
    decoder.write_all(body).await.unwrap();
    decoder.shutdown().await.unwrap();
    decoder.into_inner()
}
