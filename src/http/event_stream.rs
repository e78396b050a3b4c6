//! Server-sent events: an operation for each request, its results as they come (graphql-sse, PROTOCOL.md, "distinct connections mode").

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Instant, sleep_until};

use super::Services;
use super::error::{GraphqlError, set};
use super::limit::network;
use super::live::{Seat, Stopping};
use super::metrics::Counted;
use crate::auth::{Access, TokenError};
use crate::graphql::{Delivery, End, Mailbox, Subscription};
use crate::metrics::Transport;

/// How often a token is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A stream under way.
struct Stream {
    services: Arc<Services>,
    stopping: Stopping,
    authorization: Vec<HeaderValue>,
    mailbox: Arc<Mailbox>,
    next_heartbeat: Instant,
    is_over: bool,
    subscription: Subscription,
    _seat: Seat,
    _counted: Counted,
}

/// The answer to an operation that is over at once.
pub(super) fn single(body: &[u8]) -> Response {
    response(Body::from([next(body), COMPLETE.to_vec()].concat()))
}

/// The answer to a subscription.
pub(super) fn subscribed(
    services: &Arc<Services>,
    parts: &Parts,
    mailbox: Arc<Mailbox>,
    subscription: Subscription,
) -> Result<Response, GraphqlError> {
    let address = network(services.limits.proxies.client_address(parts));
    let seat = services.seats.take(address, &services.limits.live).ok_or(GraphqlError::TooManyStreams)?;
    let stream = Stream {
        services: Arc::clone(services),
        stopping: Stopping::of(&parts.extensions),
        authorization: parts.headers.get_all(AUTHORIZATION).iter().cloned().collect(),
        mailbox,
        // At once, so that the client sees that it is connected.
        next_heartbeat: Instant::now(),
        is_over: false,
        subscription,
        _seat: seat,
        _counted: Counted::new(services.metrics.as_ref(), Transport::EventStream),
    };
    let chunks = stream::unfold(stream, async |mut stream| {
        let chunk = stream.chunk().await?;
        Some((Ok::<_, Infallible>(chunk), stream))
    });
    Ok(response(Body::from_stream(chunks)))
}

impl Stream {
    /// None at the end.
    async fn chunk(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        loop {
            let is_watched = !self.authorization.is_empty();
            let next_check = if is_watched { Instant::now() + CHECK_EVERY } else { self.next_heartbeat };
            tokio::select! {
                () = self.stopping.stopped() => return Some(self.last(&[])),
                (_, delivery) = self.mailbox.next() => return Some(match delivery {
                    Delivery::Payload(payload) => next(&payload).into(),
                    Delivery::End(end) => self.last(&next(&end.body())),
                }),
                () = sleep_until(self.next_heartbeat.min(next_check)) => {}
            }
            let access = self.services.authority.access(self.authorization.iter().map(HeaderValue::as_bytes));
            match *access {
                // It is as good as it was a moment ago, and may soon be told again.
                Access::Refused(TokenError::Unchecked) => {}
                Access::Refused(_) => return Some(self.last(&next(&GraphqlError::TokenEnded.body()))),
                _ if !self.subscription.is_allowed(&access) => return Some(self.last(&next(&End::Forbidden.body()))),
                Access::Anonymous | Access::Granted(_) => {}
            }
            if Instant::now() >= self.next_heartbeat {
                self.next_heartbeat = Instant::now() + self.services.limits.live.heartbeat;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
    }

    fn last(&mut self, event: &[u8]) -> Bytes {
        self.is_over = true;
        [event, COMPLETE].concat().into()
    }
}

const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

fn next(body: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(body.len() + 32);
    event.extend_from_slice(b"event: next\n");
    // JSON of the database may have line breaks between its tokens.
    for line in body.split(|byte| *byte == b'\n' || *byte == b'\r') {
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    event.push(b'\n');
    event
}

fn response(body: Body) -> Response {
    let mut response = body.into_response();
    set(&mut response, CONTENT_TYPE, "text/event-stream; charset=utf-8");
    set(&mut response, CACHE_CONTROL, "no-store");
    // Proxies are not to wait for more.
    set(&mut response, HeaderName::from_static("x-accel-buffering"), "no");
    response
}
