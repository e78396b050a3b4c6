//! An HTTP client that sends exactly what it is told, right or wrong, and reads one response.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A response, its header names in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Sends a request line, headers, a body, and its length unless `headers` tell it.
pub(crate) async fn send(address: SocketAddr, request_line: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Response {
    let mut request = format!("{request_line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    let has_length = |(name, _): &(&str, &[u8])| {
        ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
    };
    if !headers.iter().any(has_length) && !body.is_empty() {
        request.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
    }
    request.extend([b"\r\n", body].concat());
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    stream.write_all(&request).await.ok();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.ok();
    parse(&received)
}

fn parse(received: &[u8]) -> Response {
    let end = received.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
    let (head, body) = received.split_at(end + 4);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let is_chunked = headers.get("transfer-encoding").is_some_and(|it| it == "chunked");
    let body = if is_chunked { unchunked(body) } else { body.to_vec() };
    Response { status, headers, body }
}

fn unchunked(mut chunked: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunked.windows(2).position(|it| it == b"\r\n") {
        let length = usize::from_str_radix(str::from_utf8(&chunked[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&chunked[end + 2..end + 2 + length]);
        chunked = &chunked[end + 4 + length..];
    }
    body
}
