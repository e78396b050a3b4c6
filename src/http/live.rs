//! What `WebSocket`s and event streams have in common: how many there may be, and when the server stops.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Extensions;
use tokio::sync::watch;

/// What clients may take that stay.
#[derive(Clone, Debug)]
pub struct LiveLimits {
    /// `WebSocket`s and event streams at once.
    pub sockets: usize,
    /// Of them, from one address.
    pub sockets_per_address: usize,
    /// Operations at once on one WebSocket.
    pub operations: usize,
    /// Of a message on a WebSocket.
    pub message_bytes: usize,
    /// Until a WebSocket has been initialised.
    pub init_timeout: Duration,
    /// Between two pings; a WebSocket that is silent for two of them is closed.
    pub ping_interval: Duration,
    /// Until the client has taken a message.
    pub send_timeout: Duration,
    /// Between two comments on an event stream where nothing happens.
    pub heartbeat: Duration,
    /// Web pages that may open a WebSocket, by origin; empty: all.
    pub origins: Vec<String>,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self {
            sockets: 10_000,
            sockets_per_address: 1_000,
            operations: 100,
            message_bytes: 64 * 1024,
            init_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(30),
            send_timeout: Duration::from_secs(15),
            heartbeat: Duration::from_secs(12),
            origins: Vec::new(),
        }
    }
}

/// Counts those that stay.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<HashMap<IpAddr, usize>>);

/// A place among those that stay, given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None if all are taken, or all that the address may have.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, limits: &LiveLimits) -> Option<Seat> {
        let mut counts = self.counts();
        // Behind few addresses the sum is short; behind many, one more look is nothing beside a handshake.
        if counts.values().sum::<usize>() >= limits.sockets {
            return None;
        }
        let count = counts.entry(address).or_default();
        if *count >= limits.sockets_per_address {
            return None;
        }
        *count += 1;
        Some(Seat { seats: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.seats.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// When the server stops: an extension of each request.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopping(Option<watch::Receiver<bool>>);

impl Stopping {
    pub(super) fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(Some(receiver))
    }

    /// Of a request that no server brought, never.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Done when the server stops. As long as this is kept, the server waits for it.
    pub(super) async fn stopped(&mut self) {
        match &mut self.0 {
            // An error means that the server is gone.
            Some(stopping) => drop(stopping.wait_for(|is_stopping| *is_stopping).await),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_limited_in_all_and_by_address() {
        let seats = Arc::new(Seats::default());
        let limits = LiveLimits { sockets: 3, sockets_per_address: 2, ..LiveLimits::default() };
        let [one, other]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let first = seats.take(one, &limits);
        let second = seats.take(one, &limits);
        assert!(first.is_some() && second.is_some() && seats.take(one, &limits).is_none());
        let third = seats.take(other, &limits);
        assert!(third.is_some() && seats.take(other, &limits).is_none());
        drop(first);
        assert!(seats.take(one, &limits).is_some());
        drop((second, third));
        assert!(seats.counts().is_empty());
    }
}
