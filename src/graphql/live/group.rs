//! Subscribers with the same document, operation and variables, and the payload that they share.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::mailbox::Mailbox;
use super::{End, Live};
use crate::graphql::document::{self, Document};
use crate::graphql::engine::{Resolved, answered, bad_input, storage_failed, too_long};
use crate::graphql::response::{self, Member};
use crate::model::api::SUBSCRIPTION;
use crate::plan::subscription::{Answer, Watch};
use crate::plan::{self, RootField, Source, Variables};
use crate::storage::{DeletionWatch, Event, Events};

/// Events that may wait for their payloads.
const PENDING_MAX: usize = 1024;

/// A subscription that was found good.
#[derive(Debug)]
pub(in crate::graphql) struct Prepared {
    pub(in crate::graphql) document: Arc<Document>,
    pub(in crate::graphql) operation_name: Option<String>,
    pub(in crate::graphql) variables: Variables,
    pub(in crate::graphql) watch: Watch,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) prepared: Arc<Prepared>,
    /// Mailboxes and tags by number.
    pub(super) members: HashMap<u64, (Arc<Mailbox>, u64), rustc_hash::FxBuildHasher>,
    /// Whether a task is making payloads.
    pub(super) is_working: bool,
    pending: VecDeque<Arc<Event>>,
    _deletions: Option<DeletionWatch>,
}

impl Group {
    pub(super) fn new(prepared: Prepared, events: &Events) -> Self {
        let deletions = prepared.watch.shows_deleted().then(|| events.watch_deletions());
        Self {
            prepared: Arc::new(prepared),
            members: HashMap::default(),
            is_working: false,
            pending: VecDeque::new(),
            _deletions: deletions,
        }
    }

    /// Whether there was room.
    #[must_use]
    pub(super) fn add(&mut self, event: &Arc<Event>) -> bool {
        let has_room = self.pending.len() < PENDING_MAX;
        if has_room {
            self.pending.push_back(Arc::clone(event));
        }
        has_room
    }

    /// The next event; none ends the work.
    pub(super) fn next(&mut self) -> Option<Arc<Event>> {
        let event = self.pending.pop_front();
        self.is_working = event.is_some();
        event
    }

    /// To all members; ends those that have no room.
    pub(super) fn deliver(&mut self, payload: &Bytes) {
        self.members.retain(|_, (mailbox, tag)| {
            let has_room = mailbox.put(*tag, payload);
            if !has_room {
                mailbox.end(*tag, End::TooSlow);
            }
            has_room
        });
    }

    /// Ends all members. The group itself goes with the last of their subscriptions.
    pub(super) fn end(&mut self, end: End) {
        self.pending.clear();
        for (_, (mailbox, tag)) in self.members.drain() {
            mailbox.end(tag, end);
        }
    }
}

impl Prepared {
    /// The response to an event; none if it concerns another node after all.
    pub(super) async fn payload(&self, live: &Live, event: &Event) -> Option<Bytes> {
        let definition = document::operation(&self.document.executable, self.operation_name.as_deref()).ok()?;
        let source = self.document.source(&live.model, &self.variables, &live.clock, live.storage.dialect());
        let roots = plan::root_fields(&source, SUBSCRIPTION, &definition.node.selection_set.node);
        let root = roots.first()?;
        let mut resolved = self.resolve(live, source, root, event).await?;
        if resolved.json.len() > live.bytes_max {
            resolved = too_long(root, live.bytes_max, SUBSCRIPTION);
        }
        let members = [Member { key: root.response_key, json: resolved.json }];
        Some(response::executed(&members, &resolved.errors).into())
    }

    async fn resolve<'a>(
        &self,
        live: &Live,
        source: Source<'a>,
        root: &RootField<'a>,
        event: &Event,
    ) -> Option<Resolved> {
        let read = async |statement| match &event.before {
            Some(before) => before.read(statement).await,
            None => live.storage.read(statement).await,
        };
        match self.watch.answer(source, root, event) {
            Ok(Answer::Known(json, None)) => Some(Resolved::json(json)),
            Ok(Answer::Known(json, Some(condition))) => match read(condition).await {
                Ok(found) => found.map(|_| Resolved::json(json)),
                Err(error) => Some(storage_failed(root, &error)),
            },
            Ok(Answer::Read(statement, null_check)) => match read(statement).await {
                Ok(None) => None,
                result => Some(answered(root, result, null_check.as_ref(), "null")),
            },
            Err(error) => Some(bad_input(root, &error)),
        }
    }
}
