//! Compressing one response, if it is worth it.

use std::convert::Infallible;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::http::Request;
use axum::http::header::{ACCEPT_ENCODING, VARY};
use axum::response::Response;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::error::set;

/// Smaller ones fit into a packet or two as they are.
const BYTES_MIN: u64 = 1024;

/// The response in an encoding that the client accepts. Small ones pass through untouched.
pub(super) async fn compressed(headers: &HeaderMap, mut response: Response) -> Response {
    if response.body().size_hint().lower() < BYTES_MIN {
        return response;
    }
    if !response.headers().contains_key(VARY) {
        set(&mut response, VARY, "accept-encoding");
    }
    let Some(accepted) = headers.get(ACCEPT_ENCODING) else {
        return response;
    };
    let mut request = Request::new(());
    request.headers_mut().insert(ACCEPT_ENCODING, accepted.clone());
    let mut response = Some(response);
    let given = service_fn(move |_request| {
        let response = response.take().unwrap_or_default();
        async move { Ok::<_, Infallible>(response) }
    });
    let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
    match layer.layer(given).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}
