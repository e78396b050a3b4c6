//! What writes did to nodes, told to everyone who listens once it is on the disk, and never before.
//!
//! Knows types and keys only. A database that several servers share feeds the channel with what all of them wrote, in one order.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use super::snapshot::Snapshot;
use super::write::Done;

/// Events that a listener may be behind; whoever is slower is told how many it missed.
const BEHIND_MAX: usize = 4096;
/// How long a listener or a writer waits for events that were committed before.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// It was there and was written to.
    Updated,
    /// It is gone.
    Deleted,
}

/// The mutation behind an event: merging creates or updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Create.
    Create,
    /// Update.
    Update,
    /// Merge.
    Merge,
    /// Delete.
    Delete,
}

/// What a write is about to do to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Object type of the node.
    pub ty: Arc<str>,
    /// Key of the node.
    pub key: Arc<str>,
    /// What the write is.
    pub cause: Cause,
    /// Whom else it concerns: name of a subscription and the value that its listeners wait for.
    pub topic: Option<(Cow<'static, str>, Arc<str>)>,
}

/// What happened to a node.
#[derive(Debug, Clone)]
pub struct Event {
    /// What became of the node.
    pub action: Action,
    /// What was announced.
    pub announced: Announcement,
    /// The database before the node was deleted, if anybody listened for deletions here.
    pub before: Option<Arc<Snapshot>>,
}

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Told {
    /// What happened to a node.
    Event(Arc<Event>),
    /// Something happened that cannot be told any more.
    Missed,
}

/// What the channel asks of a database that feeds it.
#[derive(Debug)]
pub(super) enum Ask {
    /// To tell everything that was committed before.
    CatchUp(oneshot::Sender<()>),
    /// To take note that deletions are watched.
    Watched,
    /// To wake the other servers: something was committed.
    Wake,
}

/// The channel of events. Clones share it.
#[derive(Debug, Clone)]
pub struct Events(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<Told>,
    deletion_watches: AtomicUsize,
    feed: OnceLock<mpsc::UnboundedSender<Ask>>,
}

/// As long as it lives, deletions keep the database as it was before them.
#[derive(Debug)]
pub struct DeletionWatch(Arc<Inner>);

impl Drop for DeletionWatch {
    fn drop(&mut self) {
        self.0.deletion_watches.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Events {
    pub(super) fn new() -> Self {
        let sender = broadcast::Sender::new(BEHIND_MAX);
        Self(Arc::new(Inner { sender, deletion_watches: AtomicUsize::new(0), feed: OnceLock::new() }))
    }

    /// Every event from now on.
    pub async fn listen(&self) -> broadcast::Receiver<Told> {
        self.catch_up().await;
        self.0.sender.subscribe()
    }

    /// Asks for [`Event::before`].
    pub fn watch_deletions(&self) -> DeletionWatch {
        self.0.deletion_watches.fetch_add(1, Ordering::Relaxed);
        self.ask(Ask::Watched);
        DeletionWatch(Arc::clone(&self.0))
    }

    /// What asks go to from now on.
    pub(super) fn set_feed(&self, feed: mpsc::UnboundedSender<Ask>) {
        // There is one feed at most.
        drop(self.0.feed.set(feed));
    }

    pub(super) fn ask(&self, ask: Ask) {
        if let Some(feed) = self.0.feed.get() {
            // An error means that the database is closed.
            drop(feed.send(ask));
        }
    }

    /// Waits until what was committed before is told, if the database tells it, and can be reached.
    pub(super) async fn catch_up(&self) {
        if self.0.feed.get().is_some() {
            let (done, caught_up) = oneshot::channel();
            self.ask(Ask::CatchUp(done));
            drop(tokio::time::timeout(CATCH_UP_MAX, caught_up).await);
        }
    }

    pub(super) fn are_heard(&self) -> bool {
        self.0.sender.receiver_count() > 0
    }

    pub(super) fn are_deletions_watched(&self) -> bool {
        self.0.deletion_watches.load(Ordering::Relaxed) > 0
    }

    /// Events that some listener has still to take.
    pub(super) fn waiting(&self) -> usize {
        self.0.sender.len()
    }

    pub(super) fn send(&self, told: Told) {
        // An error means that nobody listens.
        drop(self.0.sender.send(told));
    }

    /// Whether one of these writes deletes what somebody wants to see once more.
    pub(super) fn need_snapshot<'a>(&self, announced: impl IntoIterator<Item = &'a Announcement>) -> bool {
        self.are_deletions_watched() && announced.into_iter().any(|announced| announced.cause == Cause::Delete)
    }

    /// Tells what was committed.
    pub(super) fn tell<'a>(
        &self,
        committed: impl IntoIterator<Item = (&'a Announcement, &'a Done)>,
        before: Option<&Arc<Snapshot>>,
    ) {
        if !self.are_heard() {
            return;
        }
        for (announced, done) in committed {
            let Some(action) = action(announced.cause, done) else { continue };
            let before = before.filter(|_| action == Action::Deleted).map(Arc::clone);
            self.send(Told::Event(Arc::new(Event { action, announced: announced.clone(), before })));
        }
    }
}

/// None if there was no such node.
fn action(cause: Cause, done: &Done) -> Option<Action> {
    match cause {
        Cause::Create => Some(Action::Created),
        Cause::Merge if done.is_created => Some(Action::Created),
        Cause::Merge | Cause::Update => done.text.as_ref().map(|_| Action::Updated),
        Cause::Delete => done.text.as_ref().map(|_| Action::Deleted),
    }
}
