//! Servers without HTTP on one database, and what their subscribers hear.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clef::graphql::{Delivery, Engine, Limits, Mailbox, Request, Started, Subscription};
use clef::storage::{RemovedPolicy, Settings, Storage};
use serde_json::Value;

use crate::support::{access, cluster, model};

/// Servers on a new database, which wake each other or do not.
pub(super) async fn replicas(count: usize, notify: bool) -> (Vec<Arc<Engine>>, String) {
    let url = cluster::database();
    let model = model("schema");
    let mut engines = Vec::new();
    for _ in 0..count {
        let settings = Settings { url: url.clone(), notify, ..Settings::default() };
        let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap();
        let new_key = || uuid::Uuid::new_v4().to_string();
        let clock = clef::clock::Clock::System;
        engines.push(Arc::new(Engine::new(Arc::clone(&model), storage, Limits::default(), clock, new_key).unwrap()));
    }
    (engines, url)
}

/// A subscriber.
pub(super) struct Listener {
    mailbox: Arc<Mailbox>,
    _subscription: Subscription,
}

impl Listener {
    pub(super) async fn start(engine: &Engine, query: &str) -> Self {
        let request = Request { query: query.to_owned(), ..Request::default() };
        let mailbox = Arc::new(Mailbox::default());
        match engine.start(request, access(&[]), &mailbox, 1).await {
            Started::Stream(subscription) => Self { mailbox, _subscription: subscription },
            Started::Answer(answer) => panic!("{}", String::from_utf8_lossy(&answer.body)),
        }
    }

    /// The next payload's only field.
    pub(super) async fn next(&self) -> Value {
        self.within(Duration::from_secs(20)).await.expect("an event")
    }

    pub(super) async fn within(&self, time: Duration) -> Option<Value> {
        match tokio::time::timeout(time, self.mailbox.next()).await.ok()? {
            (1, Delivery::Payload(payload)) => {
                let payload: Value = serde_json::from_slice(&payload).unwrap();
                Some(payload["data"]["nodeChanged"].clone())
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn nothing(&self) {
        assert_eq!(self.within(Duration::from_millis(700)).await, None);
    }

    /// How often each key is told, and when it was first, until all are and nothing comes any more.
    pub(super) async fn keys(self, count: usize) -> BTreeMap<String, (usize, Instant)> {
        let mut told = BTreeMap::new();
        while let Some(change) =
            self.within(if told.len() < count { Duration::from_secs(20) } else { Duration::from_millis(700) }).await
        {
            let key = change["key"].as_str().unwrap().to_owned();
            told.entry(key).or_insert((0, Instant::now())).0 += 1;
        }
        told
    }
}
