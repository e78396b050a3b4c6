//! Subscriptions that run: events of the storage to payloads, and payloads to whoever subscribed.
//!
//! Subscribers with the same document, operation and variables are a group, whose payload is made once for each event. Groups work
//! independently, each through its events in order, so that one with a slow selection delays no other. Whatever ends a stream is
//! told to its subscriber.

mod group;
mod mailbox;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast};

pub use mailbox::{Delivery, Mailbox};

use super::response::{self, GraphqlError};
use crate::auth::Access;
use crate::clock::Clock;
use crate::model::Model;
use crate::storage::{Event, Storage, Told};
use group::Group;
pub(super) use group::Prepared;

/// Different subscriptions at once.
const GROUPS_MAX: usize = 20_000;
/// Statements for payloads at once: some readers are left for queries.
const READS_MAX: usize = 2;

/// What makes subscriptions the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    /// As JSON, names in order.
    pub(super) variables: String,
}

/// Why a stream ends that its subscriber has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It does not take its payloads, or they cannot be made fast enough.
    TooSlow,
    /// The database could not be reached for longer than it keeps events.
    Missed,
    /// Payloads could not be made.
    Internal,
    /// The caller has lost a scope that it needs.
    Forbidden,
}

impl End {
    /// A response that tells it: `{"errors": […]}`.
    pub fn body(self) -> Bytes {
        let (message, code) = match self {
            Self::TooSlow => (
                "events came faster than they were taken: subscribe again, and query what may have been missed",
                "SLOW_CONSUMER",
            ),
            Self::Missed => (
                "events were missed while the database was away: subscribe again, and query what may have been missed",
                "EVENTS_MISSED",
            ),
            Self::Forbidden => ("You are not authorized for this resource", "FORBIDDEN"),
            Self::Internal => {
                ("Internal error. Subscribe again, and query what may have been missed.", "INTERNAL_SERVER_ERROR")
            }
        };
        response::refused(&[GraphqlError::new(message, code)]).into()
    }
}

/// All groups.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) model: Arc<Model>,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    /// Of a payload.
    pub(super) bytes_max: usize,
    state: Mutex<State>,
    reads: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    groups: HashMap<Arc<Key>, Group>,
    subscribed: u64,
    is_listening: bool,
}

/// As long as it lives, payloads come.
#[derive(Debug)]
pub struct Subscription {
    live: Arc<Live>,
    key: Arc<Key>,
    number: u64,
    scopes: Box<[Arc<str>]>,
}

impl Subscription {
    pub(super) fn needing(mut self, scopes: Box<[Arc<str>]>) -> Self {
        self.scopes = scopes;
        self
    }

    /// Whether the caller may still receive it.
    pub fn is_allowed(&self, access: &Access) -> bool {
        self.scopes.iter().all(|scope| access.check(scope).is_ok())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.live.state();
        if let Some(group) = state.groups.get_mut(&self.key) {
            group.members.remove(&self.number);
            if group.members.is_empty() {
                state.groups.remove(&self.key);
            }
        }
    }
}

impl Live {
    pub(super) fn new(model: Arc<Model>, storage: Storage, clock: Clock, bytes_max: usize) -> Self {
        Self { model, storage, clock, bytes_max, state: Mutex::default(), reads: Semaphore::new(READS_MAX) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts payloads into a mailbox under a tag, from the first of these events on.
    ///
    /// # Errors
    /// There are too many subscriptions.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        key: Key,
        prepared: Prepared,
        (mailbox, tag): (&Arc<Mailbox>, u64),
        events: broadcast::Receiver<Told>,
    ) -> Result<Subscription, Box<GraphqlError>> {
        let mut state = self.state();
        let key = match state.groups.get_key_value(&key) {
            Some((known, _)) => Arc::clone(known),
            None if state.groups.len() >= GROUPS_MAX => {
                let message = "the server has too many different subscriptions: try again later";
                return Err(Box::new(GraphqlError::new(message, "SERVICE_UNAVAILABLE")));
            }
            None => Arc::new(key),
        };
        state.subscribed += 1;
        let number = state.subscribed;
        let storage = &self.storage;
        let group = state.groups.entry(Arc::clone(&key)).or_insert_with(|| Group::new(prepared, storage.events()));
        group.members.insert(number, (Arc::clone(mailbox), tag));
        if !state.is_listening {
            state.is_listening = true;
            tokio::spawn(listen(Arc::clone(self), events));
        }
        Ok(Subscription { live: Arc::clone(self), key, number, scopes: Box::default() })
    }

    /// How many subscribers there are.
    pub(super) fn subscribers(&self) -> usize {
        self.state().groups.values().map(|group| group.members.len()).sum()
    }

    fn route(self: &Arc<Self>, event: &Arc<Event>) {
        let mut state = self.state();
        for (key, group) in &mut state.groups {
            if !group.prepared.watch.is_for(&self.model, event) {
                continue;
            }
            if !group.add(event) {
                group.end(End::TooSlow);
            } else if !group.is_working {
                group.is_working = true;
                tokio::spawn(work(Arc::clone(self), Arc::clone(key), Arc::clone(&group.prepared)));
            }
        }
    }

    fn end_all(&self, end: End) {
        for group in self.state().groups.values_mut() {
            group.end(end);
        }
    }
}

/// Until nobody subscribes any more.
async fn listen(live: Arc<Live>, mut events: broadcast::Receiver<Told>) {
    let mut guard = OnPanic { live: &live, key: None, is_done: false };
    loop {
        let received = events.recv().await;
        {
            let mut state = live.state();
            if state.groups.is_empty() || matches!(received, Err(RecvError::Closed)) {
                state.is_listening = false;
                break;
            }
        }
        match received {
            Ok(Told::Event(event)) => live.route(&event),
            Ok(Told::Missed) => live.end_all(End::Missed),
            Err(_missed) => live.end_all(End::TooSlow),
        }
    }
    guard.is_done = true;
}

/// Until the group has no events left, or is another.
async fn work(live: Arc<Live>, key: Arc<Key>, prepared: Arc<Prepared>) {
    let mut guard = OnPanic { live: &live, key: Some(&key), is_done: false };
    let with_group = |action: &mut dyn FnMut(&mut Group)| {
        let mut state = live.state();
        let group = state.groups.get_mut(&key).filter(|group| Arc::ptr_eq(&group.prepared, &prepared));
        group.map(action);
    };
    loop {
        let mut next = None;
        with_group(&mut |group| next = group.next());
        let Some(event) = next else { break };
        let Ok(_permit) = live.reads.acquire().await else { break };
        if let Some(payload) = prepared.payload(&live, &event).await {
            with_group(&mut |group| group.deliver(&payload));
        }
    }
    guard.is_done = true;
}

/// A stream does not die silently.
struct OnPanic<'a> {
    live: &'a Arc<Live>,
    key: Option<&'a Arc<Key>>,
    is_done: bool,
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = self.live.state();
        let Some(key) = self.key else {
            state.is_listening = false;
            drop(state);
            return self.live.end_all(End::Internal);
        };
        if let Some(group) = state.groups.get_mut(key) {
            group.is_working = false;
            group.end(End::Internal);
        }
    }
}
