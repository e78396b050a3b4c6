//! How a socket ends: with which code, and what is told.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::{Duration, timeout};
use tungstenite::error::{CapacityError, Error as TransportError};

/// How long a client may take to agree to the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest reason of a close frame, in bytes (RFC 6455, section 5.5).
const REASON_BYTES_MAX: usize = 123;

/// Why the server ends a socket; none if the client did.
pub(super) type Ended = Option<(u16, String)>;

/// A client that speaks no protocol that is spoken here.
pub(super) async fn refuse_protocol(socket: WebSocket) {
    close(socket, 4406, "Subprotocol not acceptable: use graphql-transport-ws or graphql-ws").await;
}

pub(super) fn broken(error: axum::Error) -> Ended {
    let told = |code, reason: &str| Some((code, reason.to_owned()));
    match error.into_inner().downcast_ref::<TransportError>() {
        Some(TransportError::Capacity(CapacityError::MessageTooLong { max_size, .. })) => {
            Some((1009, format!("a message has at most {max_size} bytes: send large documents over HTTP")))
        }
        Some(TransportError::Utf8(_)) => told(1007, "a message is text in UTF-8"),
        Some(TransportError::Protocol(_)) => told(1002, ""),
        _ => None,
    }
}

/// Reads to the end, for a while, by which a close frame of the client is answered.
pub(super) async fn drain(socket: &mut WebSocket) {
    let reading = async { while let Some(Ok(_)) = socket.recv().await {} };
    drop(timeout(CLOSE_TIMEOUT, reading).await);
}

pub(super) async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    let end = (0..=REASON_BYTES_MAX.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    let reason = reason.get(..end.unwrap_or(0)).unwrap_or_default();
    let frame = CloseFrame { code, reason: reason.into() };
    let agreed = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            drain(&mut socket).await;
        }
    };
    // A client that does not agree is cut off.
    drop(timeout(CLOSE_TIMEOUT, agreed).await);
}
