//! What writes did to nodes, told to everyone who listens once it is on the disk, and never before.
//!
//! Knows types and keys only. A database that several servers share feeds the same channel with what the others wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::broadcast;

use super::snapshot::Snapshot;
use super::write::Done;

/// Events that a listener may be behind; whoever is slower is told how many it missed.
const BEHIND_MAX: usize = 4096;

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
    pub topic: Option<(&'static str, Arc<str>)>,
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

/// The channel of events. Clones share it.
#[derive(Debug, Clone)]
pub struct Events(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: broadcast::Sender<Arc<Event>>,
    deletion_watches: AtomicUsize,
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
        Self(Arc::new(Inner { sender: broadcast::Sender::new(BEHIND_MAX), deletion_watches: AtomicUsize::new(0) }))
    }

    /// Every event from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.sender.subscribe()
    }

    /// Asks for [`Event::before`].
    pub fn watch_deletions(&self) -> DeletionWatch {
        self.0.deletion_watches.fetch_add(1, Ordering::Relaxed);
        DeletionWatch(Arc::clone(&self.0))
    }

    /// Whether one of these writes deletes what somebody wants to see once more.
    pub(super) fn need_snapshot<'a>(&self, announced: impl IntoIterator<Item = &'a Announcement>) -> bool {
        self.0.deletion_watches.load(Ordering::Relaxed) > 0
            && announced.into_iter().any(|announced| announced.cause == Cause::Delete)
    }

    /// Tells what was committed.
    pub(super) fn tell<'a>(
        &self,
        committed: impl IntoIterator<Item = (&'a Announcement, &'a Done)>,
        before: Option<&Arc<Snapshot>>,
    ) {
        if self.0.sender.receiver_count() == 0 {
            return;
        }
        for (announced, done) in committed {
            let Some(action) = action(announced.cause, done) else { continue };
            let before = before.filter(|_| action == Action::Deleted).map(Arc::clone);
            // An error means that nobody listens.
            drop(self.0.sender.send(Arc::new(Event { action, announced: announced.clone(), before })));
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
