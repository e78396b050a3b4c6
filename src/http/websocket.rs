//! GraphQL over WebSocket (RFC 6455), on `/` and `/graphql`: the handshake.
//!
//! Two protocols: `graphql-transport-ws` (of the library graphql-ws) and the older `graphql-ws` (of subscriptions-transport-ws).

mod close;
mod credentials;
mod message;
mod session;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::Services;
use super::accept::MediaType;
use super::error::GraphqlError;
use super::limit::network;
use super::live::Stopping;
use super::metrics::Counted;
use crate::metrics::Transport;
use credentials::Credentials;
use message::Protocol;
use session::Session;

/// Of each socket, to read and to write. Most messages are smaller.
const BUFFER_BYTES: usize = 4096;
/// Names in the handshake, the preferred one first.
const PROTOCOLS: [&str; 3] = ["graphql-transport-ws", "graphql-ws", "graphql-subscriptions"];

/// Whether a client wants to change to WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

pub(super) async fn handle(services: Arc<Services>, request: Request) -> Response {
    let (mut parts, _body) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    match open(services, &parts, upgrade) {
        Ok(response) => response,
        Err(error) => error.into_response(MediaType::preferred(&parts.headers)),
    }
}

fn open(services: Arc<Services>, parts: &Parts, upgrade: WebSocketUpgrade) -> Result<Response, GraphqlError> {
    let limits = &services.limits.live;
    if !is_allowed(parts.headers.get(ORIGIN), &limits.origins) {
        return Err(GraphqlError::Origin);
    }
    let upgrade = upgrade.protocols(PROTOCOLS);
    if parts.headers.contains_key(SEC_WEBSOCKET_PROTOCOL) && upgrade.selected_protocol().is_none() {
        return Err(GraphqlError::SocketProtocol);
    }
    let origin = Arc::new(services.origin(parts));
    let seat = services.seats.take(network(origin.address), limits).ok_or(GraphqlError::TooManyStreams)?;
    let upgrade = upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(limits.message_bytes)
        .max_frame_size(limits.message_bytes);
    let protocol = match upgrade.selected_protocol().map(HeaderValue::as_bytes) {
        Some(b"graphql-transport-ws") => Some(Protocol::Transport),
        Some(_) => Some(Protocol::Legacy),
        None => None,
    };
    let credentials = Credentials::from_headers(parts.headers.get_all(AUTHORIZATION));
    let stopping = Stopping::of(&parts.extensions);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _counted = Counted::new(services.metrics.as_ref(), Transport::WebSocket);
        match protocol {
            Some(protocol) => Session::new(services, socket, protocol, stopping, origin, credentials).run().await,
            None => close::refuse_protocol(socket).await,
        }
        drop(seat);
    }))
}

/// Programs send no origin; only web pages are restricted.
fn is_allowed(origin: Option<&HeaderValue>, allowed: &[String]) -> bool {
    let Some(origin) = origin else { return true };
    allowed.is_empty() || allowed.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
}
