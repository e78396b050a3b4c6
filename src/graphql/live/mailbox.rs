//! What waits to be sent to one client. Holds nothing as long as nothing waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::End;

/// Payloads that may wait.
const WAITING_MAX: usize = 512;
/// Bytes that may wait, unless a single payload is larger.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A whole GraphQL response.
    Payload(Bytes),
    /// The last thing under its tag.
    End(End),
}

/// Deliveries to a client, each under the tag of its subscription.
#[derive(Debug, Default)]
pub struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    deliveries: VecDeque<(u64, Delivery)>,
    bytes: usize,
}

impl Mailbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room.
    #[must_use]
    pub(super) fn put(&self, tag: u64, payload: &Bytes) -> bool {
        let mut waiting = self.waiting();
        let is_full = waiting.deliveries.len() >= WAITING_MAX || waiting.bytes + payload.len() > WAITING_BYTES_MAX;
        if is_full && !waiting.deliveries.is_empty() {
            return false;
        }
        waiting.bytes += payload.len();
        waiting.deliveries.push_back((tag, Delivery::Payload(payload.clone())));
        drop(waiting);
        self.arrived.notify_one();
        true
    }

    /// Takes back what waits under a tag, and puts the end of it in its place.
    pub(super) fn end(&self, tag: u64, end: End) {
        let mut waiting = self.waiting();
        waiting.deliveries.retain(|(known, _)| *known != tag);
        waiting.bytes = waiting.deliveries.iter().map(|(_, delivery)| delivery.len()).sum();
        waiting.deliveries.push_back((tag, Delivery::End(end)));
        drop(waiting);
        self.arrived.notify_one();
    }

    /// The next delivery. May be given up and called again; nothing is lost.
    pub async fn next(&self) -> (u64, Delivery) {
        loop {
            if let Some(delivery) = self.take() {
                return delivery;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<(u64, Delivery)> {
        let mut waiting = self.waiting();
        let (tag, delivery) = waiting.deliveries.pop_front()?;
        waiting.bytes -= delivery.len();
        if waiting.deliveries.is_empty() {
            waiting.deliveries = VecDeque::new();
        }
        Some((tag, delivery))
    }
}

impl Delivery {
    fn len(&self) -> usize {
        match self {
            Self::Payload(bytes) => bytes.len(),
            Self::End(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_mailbox_takes_nothing_but_an_end() {
        let mailbox = Mailbox::default();
        let payload = Bytes::from_static(b"{}");
        let taken = (0..600).take_while(|_| mailbox.put(1, &payload)).count();
        assert_eq!(taken, WAITING_MAX);
        assert!(!mailbox.put(2, &payload));
        mailbox.end(1, End::TooSlow);
        assert_eq!(mailbox.next().await, (1, Delivery::End(End::TooSlow)));
        assert!(mailbox.put(2, &payload), "what waited under the tag is gone");
        assert_eq!(mailbox.next().await, (2, Delivery::Payload(payload)));
    }

    #[tokio::test]
    async fn a_payload_larger_than_the_room_passes_alone() {
        let mailbox = Mailbox::default();
        let large = Bytes::from(vec![b' '; 2 << 20]);
        assert!(mailbox.put(1, &large));
        assert!(!mailbox.put(1, &Bytes::from_static(b"{}")));
        assert_eq!(mailbox.next().await.0, 1);
        assert!(mailbox.put(1, &large));
    }
}
