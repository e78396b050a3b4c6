//! A WebSocket client that sends exactly what it is told.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::server::Server;

pub(crate) struct Socket {
    pub(crate) inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) response: Response<Option<Vec<u8>>>,
}

/// What a client receives.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    Text(String),
    Close(u16, String),
    Gone,
}

impl Socket {
    pub(crate) async fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Result<Self, Box<Error>> {
        let mut request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let (inner, response) = tokio_tungstenite::connect_async(request).await.map_err(Box::new)?;
        Ok(Self { inner, response })
    }

    pub(crate) async fn speaking(server: &Server, protocol: &str) -> Self {
        Self::open(server, "/graphql", &[("Sec-WebSocket-Protocol", protocol)]).await.unwrap()
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.inner.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Received {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(5), self.inner.next()).await.expect("a message");
            return match message {
                Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
                Some(Ok(Message::Close(Some(frame)))) => Received::Close(frame.code.into(), frame.reason.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => Received::Gone,
            };
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.receive().await {
            Received::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.receive().await {
            Received::Close(code, reason) => (code, reason),
            other => panic!("{other:?}"),
        }
    }

    /// Nothing comes, of what a client is shown.
    pub(crate) async fn silence(&mut self) {
        let received = tokio::time::timeout(Duration::from_millis(200), self.receive()).await;
        assert!(received.is_err(), "{received:?}");
    }
}
