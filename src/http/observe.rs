//! Around each request: its id, its time limit, its line in the log, and an answer even if its handler panics.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use uuid::Uuid;

use super::accept::MediaType;
use super::error::{GraphqlError, set};
use crate::metrics::Metrics;
use crate::trace::Traces;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;

/// As in the header of the response: an extension of each request.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) HeaderValue);

/// What is done for each request.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    pub(super) timeout: Duration,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) traces: Option<Arc<Traces>>,
}

pub(super) async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let request_id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let method = request.method().clone();
    let uri = request.uri().clone();
    let is_template_told = observer.metrics.is_some() || observer.traces.is_some();
    let template = is_template_told.then(|| request.extensions().get::<MatchedPath>().cloned()).flatten();
    let span = observer.traces.as_ref().and_then(|traces| {
        let route = template.as_ref().map(MatchedPath::as_str);
        traces.request(method.as_str(), route, request_id.to_str().unwrap_or_default(), request.headers())
    });
    let mut response = {
        let answering = pin!(answer(observer.timeout, request, next, &request_id));
        match &span {
            Some(span) => span.clone().around(answering).await,
            None => answering.await,
        }
    };
    let (status, elapsed) = (response.status(), start.elapsed());
    if let Some(span) = span {
        span.answered(status.as_u16());
    }
    if let Some(metrics) = &observer.metrics {
        let template = template.as_ref().map(MatchedPath::as_str);
        metrics.request(template, method.as_str(), status.as_u16(), elapsed);
    }
    tracing::info!(
        http.method = %method,
        http.path = path(&uri),
        http.status = status.as_u16(),
        duration_ms = milliseconds(elapsed),
        request_id = request_id.to_str().unwrap_or_default(),
        "request"
    );
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

async fn answer(timeout: Duration, request: Request, next: Next, request_id: &HeaderValue) -> Response {
    let media_type = MediaType::preferred(request.headers());
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(timeout, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            let request_id = request_id.to_str().unwrap_or_default();
            tracing::error!(request_id, "request handler panicked");
            GraphqlError::Internal.into_response(media_type)
        }
        Err(_elapsed) => GraphqlError::Timeout.into_response(media_type),
    }
}

/// The client's, if it is short and plain, since it goes into the log; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |id: &&HeaderValue| {
        let id = id.as_bytes();
        (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(byte))
    };
    if let Some(id) = headers.get(REQUEST_ID).filter(is_plain) {
        return id.clone();
    }
    let mut buffer = Uuid::encode_buffer();
    let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("-"))
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Without its query, which may hold what is nobody's business.
fn path(uri: &Uri) -> &str {
    let path = uri.path();
    path.get(..200).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn get_from(path: &str, id: &str) -> (u16, String, String) {
        let router = Router::new()
            .route("/panic", get(async || -> () { panic!("for the test") }))
            .route("/sleep", get(std::future::pending::<()>))
            .layer(from_fn_with_state(
                Observer { timeout: Duration::from_millis(20), metrics: None, traces: None },
                observe,
            ));
        let request = Request::get(path).header(REQUEST_ID, id).body(Body::empty());
        let response = router.oneshot(request.unwrap()).await.unwrap();
        let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        (status, id, String::from_utf8(body.into()).unwrap())
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_for() {
        let (status, id, body) = get_from("/panic", "my-id").await;
        assert_eq!((status, id.as_str()), (500, "my-id"));
        assert!(body.contains("INTERNAL_SERVER_ERROR") && !body.contains("for the test"), "{body}");
    }

    #[tokio::test]
    async fn a_handler_that_takes_too_long_is_answered_for() {
        let (status, _, body) = get_from("/sleep", "my-id").await;
        assert_eq!(status, 503);
        assert!(body.contains("TIMEOUT"), "{body}");
    }

    #[tokio::test]
    async fn a_request_id_that_is_not_plain_is_replaced() {
        for id in ["", "a b", "a\"b", &"x".repeat(129)] {
            let (_, answered, _) = get_from("/panic", id).await;
            assert!(Uuid::parse_str(&answered).is_ok(), "{id}: {answered}");
        }
    }
}
