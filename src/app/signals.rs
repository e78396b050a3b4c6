//! SIGTERM and SIGINT: the first asks to stop, the second not to wait. SIGHUP: to read secrets and keys again.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Caught from now on, so that none ends the process while it starts.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Two futures that must both be polled: one is done at the first signal to stop, the other at the second. Then the
    /// signals to read again.
    pub(super) fn split(self) -> (impl Future<Output = ()>, impl Future<Output = ()>, Signal) {
        let Self { mut terminate, mut interrupt, hangup } = self;
        let mut next = async move || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let first = Arc::new(Notify::new());
        let stop = Arc::clone(&first);
        let again = async move {
            next().await;
            tracing::info!("stopping");
            first.notify_one();
            next().await;
        };
        (async move { stop.notified().await }, again, hangup)
    }
}
