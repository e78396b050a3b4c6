//! Whom a client is known as where queries are read from a standby, and the header `Clef-Position`: how far the database was after what the
//! client wrote. A client that sends it back sees its write through any server.

use std::net::IpAddr;
use std::pin::Pin;

use axum::http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use super::Services;
use crate::auth::Access;
use crate::storage::{Client, Position};

const POSITION: HeaderName = HeaderName::from_static("clef-position");

impl Services {
    /// Runs the work of a request whose reads are queries. How far the database is after what it wrote, if it wrote and that matters.
    pub(super) async fn visited<T>(
        &self,
        parts: &Parts,
        access: &Access,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> (T, Option<Position>) {
        if !self.engine.storage().has_standby() {
            return (work.await, None);
        }
        self.visited_from(self.limits.proxies.client_address(parts), seen(parts), access, work).await
    }

    /// As [`Self::visited`], for a client at this address that has seen the database so far.
    pub(super) async fn visited_from<T>(
        &self,
        address: IpAddr,
        seen: Position,
        access: &Access,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> (T, Option<Position>) {
        let storage = self.engine.storage();
        if !storage.has_standby() {
            return (work.await, None);
        }
        let mut clients = vec![Client::Address(address)];
        if let Access::Granted(principal) = access {
            clients.push(Client::Principal((&*principal.id).into()));
        }
        storage.visited(clients, seen, work).await
    }
}

/// What cannot be read might stand for anything: no standby is far enough.
fn seen(parts: &Parts) -> Position {
    let named = parts.headers.get_all(POSITION).iter();
    let positions =
        named.map(|value| value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(Position::NEVER));
    positions.max().unwrap_or_default()
}

/// Tells the client.
pub(super) fn tell(response: &mut Response, position: Option<Position>) {
    let value = position.and_then(|position| HeaderValue::try_from(position.to_string()).ok());
    if let Some(value) = value {
        response.headers_mut().insert(POSITION, value);
        response.headers_mut().append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Clef-Position"));
    }
}
