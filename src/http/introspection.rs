//! Answers to introspection: megabytes, equal for everyone until the next start. Hashed and compressed once.

use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_compression::Level;
use async_compression::tokio::write::GzipEncoder;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;

use super::accept::{MediaType, accepts_encoding, is_known};
use super::compression::compressed;
use crate::graphql::Visible;

/// Smaller answers are hashed each time and compressed as any other.
const KEPT_BYTES_MIN: usize = 64 * 1024;
/// Tools ask in a few forms; each takes its size once and a fifth of it.
const KEPT_MAX: usize = 4;

/// The large answers seen last.
#[derive(Debug, Default)]
pub(super) struct Representations {
    kept: Mutex<Vec<Arc<Representation>>>,
}

/// One answer and its other forms.
#[derive(Debug)]
struct Representation {
    body: Bytes,
    etag: HeaderValue,
    is_compressing: AtomicBool,
    gzip: OnceLock<Bytes>,
}

impl Representations {
    pub(super) async fn respond(
        &self,
        headers: &HeaderMap,
        media_type: MediaType,
        visible: Visible,
        body: Bytes,
    ) -> Response {
        let representation = self.representation(body);
        let mut response_headers = representation.headers(media_type, visible);
        if is_known(headers, &representation.etag) {
            return (StatusCode::NOT_MODIFIED, response_headers).into_response();
        }
        if representation.body.len() >= KEPT_BYTES_MIN {
            if let Some((encoding, body)) = representation.encoded(headers) {
                response_headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
                return (response_headers, Body::from(body)).into_response();
            }
            representation.start_compression();
        }
        let response = (response_headers, Body::from(representation.body.clone())).into_response();
        compressed(headers, response).await
    }

    fn representation(&self, body: Bytes) -> Arc<Representation> {
        if body.len() < KEPT_BYTES_MIN {
            return Arc::new(Representation::new(body));
        }
        // The body is kept, so that no other one can have its address.
        let is_same =
            |kept: &&Arc<Representation>| kept.body.as_ptr() == body.as_ptr() && kept.body.len() == body.len();
        if let Some(kept) = self.lock().iter().find(is_same) {
            return Arc::clone(kept);
        }
        let made = Representation::new(body);
        let mut kept = self.lock();
        if let Some(equal) = kept.iter().find(|kept| kept.etag == made.etag) {
            return Arc::clone(equal);
        }
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        let made = Arc::new(made);
        kept.push(Arc::clone(&made));
        made
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Representation>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Representation {
    fn new(body: Bytes) -> Self {
        Self { etag: etag(&body), body, is_compressing: AtomicBool::new(false), gzip: OnceLock::new() }
    }

    fn headers(&self, media_type: MediaType, visible: Visible) -> HeaderMap {
        let (caching, vary) = match visible {
            Visible::All => ("no-cache", "accept, accept-encoding, x-clef-visible"),
            Visible::Mine => ("private, no-cache", "accept, accept-encoding, x-clef-visible, authorization"),
        };
        HeaderMap::from_iter([
            (CONTENT_TYPE, media_type.header()),
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static(caching)),
            (VARY, HeaderValue::from_static(vary)),
        ])
    }

    /// The smallest form that the client accepts, if it is ready.
    fn encoded(&self, headers: &HeaderMap) -> Option<(&'static str, Bytes)> {
        let compressed = self.gzip.get().filter(|_| accepts_encoding(headers, "gzip"))?;
        Some(("gzip", compressed.clone()))
    }

    /// Once, in the background.
    fn start_compression(self: &Arc<Self>) {
        if self.is_compressing.swap(true, Ordering::Relaxed) {
            return;
        }
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || match Handle::current().block_on(gzip(&this.body)) {
            Ok(compressed) => drop(this.gzip.set(compressed)),
            Err(error) => tracing::warn!(error = %error, "introspection is sent uncompressed"),
        });
    }
}

async fn gzip(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzipEncoder::with_quality(Vec::new(), Level::Precise(6));
    encoder.write_all(body).await?;
    encoder.shutdown().await?;
    Ok(encoder.into_inner().into())
}

/// Weak, since all encodings share it (RFC 9110, section 8.8.1). Tells answers apart, and is not meant to withstand anyone: SipHash with fixed keys.
fn etag(body: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    let text = format!("W/\"{:016x}-{:x}\"", hasher.finish(), body.len());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("W/\"\""))
}
