//! SIGTERM and SIGINT: the first asks to stop, the second not to wait.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Caught from now on, so that none ends the process while it starts.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Two futures that must both be polled: one is done at the first signal, the other at the second.
    pub(super) fn split(mut self) -> (impl Future<Output = ()>, impl Future<Output = ()>) {
        let first = Arc::new(Notify::new());
        let stop = Arc::clone(&first);
        let again = async move {
            self.next().await;
            tracing::info!("stopping");
            first.notify_one();
            self.next().await;
        };
        (async move { stop.notified().await }, again)
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
