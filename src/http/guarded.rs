//! What may not be done too often, or too much of it at once.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};

use super::Services;
use super::limit::{TooOften, network};
use crate::auth::Access;

impl Services {
    /// Counts a request of a caller without a good token.
    pub(super) fn count_anonymous(&self, parts: &Parts) -> Result<(), TooOften> {
        if !self.anonymous.is_on() || parts.method == Method::OPTIONS {
            return Ok(());
        }
        let authorization = parts.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        match *self.authority.access(authorization) {
            Access::Granted(_) => Ok(()),
            Access::Anonymous | Access::Refused(_) => {
                self.anonymous.count(&network(self.limits.proxies.client_address(parts)))
            }
        }
    }

    /// Does what checks an API key. None after a panic.
    ///
    /// Comparing globs, and checking hashes, may take some milliseconds, in which other requests should go on.
    pub(super) async fn check_key<T: Send + 'static>(
        self: &Arc<Self>,
        check: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let room = if self.authority.is_slow_to_mint() {
            Some(Arc::clone(&self.slow_mints).acquire_owned().await.ok()?)
        } else {
            None
        };
        let services = Arc::clone(self);
        let checking = tokio::task::spawn_blocking(move || {
            // Kept to the end, also if the client is gone by then.
            let _room = room;
            check(&services)
        });
        checking.await.ok()
    }
}
