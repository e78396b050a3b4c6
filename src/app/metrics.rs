//! The metrics, on an address of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::{DRAIN_TIMEOUT, Error, Parts};
use crate::http::{self, Limits};

/// More than any number of collectors needs.
const CONNECTIONS_MAX: usize = 32;

/// Serves them until aborted. Nothing is served without an address.
pub(super) async fn serve(address: Option<SocketAddr>, parts: &Parts) -> Result<Option<AbortHandle>, Error> {
    let (Some(address), Some(metrics)) = (address, &parts.metrics) else {
        return Ok(None);
    };
    let listen = |source| Error::ListenMetrics { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    tracing::info!(address = listener.local_addr().ok().map(tracing::field::display), "metrics");
    let router = http::metrics_router(Arc::clone(&parts.services), Arc::clone(metrics));
    let limits = Limits { connections: CONNECTIONS_MAX, ..Limits::default() };
    let serving = async move {
        http::serve(listener, router, &limits, std::future::pending(), DRAIN_TIMEOUT).await;
    };
    Ok(Some(tokio::spawn(serving).abort_handle()))
}
