//! Traces for OpenTelemetry, if asked for: a span for each HTTP request, in it one for the GraphQL operation, in that one for each read and write.
//!
//! Sent by OTLP over HTTP in the background. No text of a client is in them but the request id and the operation's name, both short.
//! Without traces there is no current span, and nothing is made.

mod collector;

use std::pin::Pin;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use crate::metrics::Kind;
use collector::Collector;

/// How long the last spans may take once the server has stopped.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
const NAME_CHARACTERS_MAX: usize = 64;
const METHODS: [&str; 9] = ["GET", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE"];

tokio::task_local! {
    static CURRENT: Span;
}

/// Where traces go, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Of the collector: the base, without a slash at its end.
    pub endpoint: String,
    /// The attribute `service.name`.
    pub service: String,
    /// Part of all traces, from 0 to 1.
    pub ratio: f64,
}

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}")]
pub struct Error(String);

/// Makes spans and sends them.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// A span that is recorded. It ends with its last clone.
#[derive(Clone, Debug)]
pub struct Span {
    tracer: SdkTracer,
    context: Context,
}

/// The one header that is read: `tracestate` is a text of the client, and there is no further server to pass it on to.
struct TraceParent<'a>(&'a HeaderMap);

impl Extractor for TraceParent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all("traceparent").iter();
        match (key, values.next(), values.next()) {
            ("traceparent", Some(only), None) => only.to_str().ok(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

impl Traces {
    /// Starts a thread that sends; needs the runtime that it is called in.
    ///
    /// # Errors
    ///
    /// The collector's address or TLS cannot be used. Whether the collector is there does not matter.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(&settings.endpoint).map_err(Error)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint([&settings.endpoint, "/v1/traces"].concat())
            .build()
            .map_err(|error| Error(error.to_string()))?;
        let ratio = || Sampler::TraceIdRatioBased(settings.ratio);
        let resource = Resource::builder()
            .with_service_name(settings.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            // A client may leave its requests out, but not decide that they are recorded.
            .with_sampler(Sampler::parent_based(ratio()).with_remote_parent_sampled(ratio()))
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("clef");
        Ok(Self { provider, tracer })
    }

    /// The span of an HTTP request, in the trace of its client if that has one. None if it is not recorded.
    pub fn request(&self, method: &str, route: Option<&str>, id: &str, headers: &HeaderMap) -> Option<Span> {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &TraceParent(headers));
        let known = METHODS.iter().copied().find(|known| *known == method);
        let (word, name) = (known.unwrap_or("_OTHER"), known.unwrap_or("HTTP"));
        let mut attributes =
            vec![KeyValue::new("http.request.method", word), KeyValue::new("clef.request_id", id.to_owned())];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        let name = route.map_or_else(|| name.to_owned(), |route| [name, " ", route].concat());
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = builder.start_with_context(&self.tracer, &parent);
        let tracer = self.tracer.clone();
        span.is_recording().then(|| Span { tracer, context: Context::new().with_span(span) })
    }

    /// Sends what is left, within two seconds; no more is recorded.
    pub async fn stop(&self) {
        let provider = self.provider.clone();
        let stopped = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        if !matches!(stopped, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent in time");
        }
    }
}

impl Span {
    /// What is done within it.
    pub async fn around<T>(self, work: Pin<&mut impl Future<Output = T>>) -> T {
        CURRENT.scope(self, work).await
    }

    /// The response's status; 5xx is an error.
    pub fn answered(&self, status: u16) {
        self.set("http.response.status_code", i64::from(status));
        if status >= 500 {
            self.failed(&status.to_string());
        }
    }

    /// An error, by its code.
    pub fn failed(&self, code: &str) {
        self.set("error.type", code.to_owned());
        self.context.span().set_status(Status::error(""));
    }

    fn set(&self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        self.context.span().set_attribute(KeyValue::new(key, value));
    }
}

/// Runs the work of a GraphQL operation, in a span of its own if the request has one.
pub async fn operation<T>(work: Pin<&mut impl Future<Output = T>>) -> T {
    match child("GraphQL operation", SpanKind::Internal, None) {
        Some(span) => span.around(work).await,
        None => work.await,
    }
}

/// What is known of the current operation before it runs.
pub fn running<'a>(root_fields: usize, name: impl FnOnce() -> Option<&'a str>) {
    CURRENT
        .try_with(|span| {
            span.set("clef.graphql.root_fields", i64::try_from(root_fields).unwrap_or(i64::MAX));
            if let Some(name) = name() {
                span.set("graphql.operation.name", name.chars().take(NAME_CHARACTERS_MAX).collect::<String>());
            }
        })
        .ok();
}

/// What came of the current operation; `code` is that of its first error.
pub fn executed(kind: Kind, code: Option<&str>) {
    CURRENT
        .try_with(|span| {
            if kind != Kind::None {
                span.set("graphql.operation.type", kind.word());
                span.context.span().update_name(kind.word());
            }
            if let Some(code) = code {
                span.failed(code);
            }
        })
        .ok();
}

/// A read or a write within what is current. `system`: the name of the database's kind.
pub fn database(name: &'static str, system: &'static str) -> Option<Span> {
    child(name, SpanKind::Client, Some(KeyValue::new("db.system.name", system)))
}

fn child(name: &'static str, kind: SpanKind, attribute: Option<KeyValue>) -> Option<Span> {
    CURRENT
        .try_with(|parent| {
            let builder = parent.tracer.span_builder(name).with_kind(kind).with_attributes(attribute);
            let span = builder.start_with_context(&parent.tracer, &parent.context);
            Span { tracer: parent.tracer.clone(), context: Context::new().with_span(span) }
        })
        .ok()
}
