//! Spans as a collector gets them, and a server whose collector is away.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Kind;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use super::program::{Folder, Program, SECRET, run};

const API_KEY: &str = "the-only-key-of-people";
const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["Mutation:Person:*"]}]"#;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// What was sent to it, as it came.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Its address.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let take = async |State(Self(kept)): State<Self>, headers: HeaderMap, body: Bytes| {
            if headers.get("x-collector-key").is_some_and(|key| key == "of the collector") {
                kept.lock().unwrap().push(body);
            }
        };
        let router = axum::Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(axum_serve(listener, router));
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.0.lock().unwrap().clone();
        let requests = bodies.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

async fn axum_serve(listener: tokio::net::TcpListener, router: axum::Router) {
    clef::http::serve(
        listener,
        clef::http::Routes::from(router),
        &clef::http::Limits::default(),
        std::future::pending(),
        Duration::from_secs(1),
    )
    .await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    match span.attributes.iter().find(|it| it.key == key)?.value.as_ref()?.value.as_ref()? {
        Kind::StringValue(text) => Some(text.clone()),
        Kind::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

/// The only span of this name in the trace.
fn only<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|it| it.name == name && hex(&it.trace_id) == trace).collect();
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

fn settings<'a>(endpoint: &'a str, ratio: &'a str) -> [(&'static str, &'a str); 7] {
    [
        ("JWT_SECRET", SECRET),
        ("JWT_AUTH_KEYS", KEYS),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ("OTEL_SERVICE_NAME", "the-name-of-the-service"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=the-environment"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=of%20the%20collector"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_with_those_of_its_operation_and_its_statements() {
    let (folder, collector) = (Folder::new("traces"), Collector::default());
    let endpoint = collector.start().await;
    let program = Program::start(&folder.0, &settings(&endpoint, "1"));
    let scopes = ["Mutation:Person:Create"];
    let jwt = program.mint("people", API_KEY, &scopes).await.json()["jwt"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {jwt}");
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let long = "N".repeat(200);
    let query =
        json!({"query": format!("mutation {long} {{ CreatePerson(identifier: \"hidden-id\") {{ identifier }} }}")});
    let headers: [(&str, &[u8]); 4] = [
        ("Authorization", bearer.as_bytes()),
        ("traceparent", parent.as_bytes()),
        ("tracestate", b"vendor=hidden-state"),
        ("X-Request-Id", b"my-request"),
    ];
    program.send("POST /graphql", &headers, &query).await;
    let refused = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let wrong = json!({"query": "{ hiddenField }", "variables": {"a": "hidden-variable"}});
    program.send("POST /graphql/", &[("traceparent", refused.as_bytes())], &wrong).await;
    let left_out = "00-11111111111111111111111111111111-b7ad6b7169203331-00";
    let read = json!({"query": "{ Person(identifier: \"hidden-id\") { identifier } }"});
    program.send("POST /graphql", &[("traceparent", left_out.as_bytes())], &read).await;
    program.send("GET /hidden-id", &[("traceparent", b"00-hidden-01")], &json!(null)).await;
    program.stop();

    let spans = collector.spans();
    let request = only(&spans, TRACE, "POST /graphql");
    assert_eq!(
        (hex(&request.parent_span_id).as_str(), request.kind),
        (PARENT, 2),
        "a child of the client's: {request:?}"
    );
    assert_eq!(attribute(request, "http.route").as_deref(), Some("/graphql"));
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(request, "clef.request_id").as_deref(), Some("my-request"));
    let operation = only(&spans, TRACE, "mutation");
    assert_eq!(operation.parent_span_id, request.span_id);
    assert_eq!(attribute(operation, "graphql.operation.name").as_deref(), Some(&long[..64]));
    assert_eq!(attribute(operation, "clef.graphql.root_fields").as_deref(), Some("1"));
    let write = only(&spans, TRACE, "write");
    assert_eq!((&write.parent_span_id, write.kind), (&operation.span_id, 3));
    assert!(attribute(write, "db.system.name").is_some());
    assert!(request.start_time_unix_nano <= write.start_time_unix_nano);
    assert!(write.end_time_unix_nano <= request.end_time_unix_nano);

    let failed = only(&spans, "0af7651916cd43dd8448eb211c80319c", "GraphQL operation");
    assert_eq!(attribute(failed, "error.type").as_deref(), Some("GRAPHQL_VALIDATION_FAILED"));
    assert_eq!(failed.status.as_ref().unwrap().code, 2);
    assert!(spans.iter().all(|it| hex(&it.trace_id) != "11111111111111111111111111111111"), "the client left it out");
    assert!(spans.iter().any(|it| it.name == "GET /{identifier}" && it.parent_span_id.is_empty()), "{spans:#?}");
    let bodies = collector.0.lock().unwrap().concat();
    let sent = String::from_utf8_lossy(&bodies);
    assert!(sent.contains("the-name-of-the-service") && sent.contains("the-environment"), "{sent}");
    for secret in ["hidden", "CreatePerson", "insert", "select", API_KEY, SECRET, &jwt] {
        assert!(!sent.contains(secret), "{secret}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ratio_leaves_out_is_not_sent_even_if_the_client_asks() {
    let (folder, collector) = (Folder::new("traces-none"), Collector::default());
    let endpoint = collector.start().await;
    let program = Program::start(&folder.0, &settings(&endpoint, "0"));
    let parent = format!("00-{TRACE}-{PARENT}-01");
    program.send("POST /graphql", &[("traceparent", parent.as_bytes())], &json!({"query": "{ __typename }"})).await;
    program.stop();
    assert_eq!(collector.spans(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_told_once_and_slows_nothing() {
    let folder = Folder::new("traces-away");
    // One refuses, the other takes the connection and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [refusing, silent.local_addr().unwrap()] {
        let endpoint = format!("http://{address}");
        let mut settings = settings(&endpoint, "1").to_vec();
        settings.push(("OTEL_BSP_SCHEDULE_DELAY", "100"));
        let program = Program::start(&folder.0, &settings);
        let mut slowest = Duration::ZERO;
        // More than the queue takes: two spans each.
        for _ in 0..1500 {
            let start = Instant::now();
            let response = program.send("POST /graphql", &[], &json!({"query": "{ __typename }"})).await;
            assert_eq!(response.status, 200);
            slowest = slowest.max(start.elapsed());
        }
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        if address == refusing {
            program.wait_for("the collector of traces does not answer");
            tokio::time::sleep(Duration::from_millis(500)).await;
            let told = program.log().into_iter().filter(|line| line.contains("collector")).count();
            assert_eq!(told, 1, "{:#?}", program.log());
        }
        let start = Instant::now();
        program.stop();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

#[test]
fn wrong_settings_stop_the_start() {
    let folder = Folder::new("traces-settings");
    for (endpoint, ratio, expected) in [
        ("localhost:4318", "1", "OTEL_EXPORTER_OTLP_ENDPOINT: is no address of a collector"),
        ("http://me:hidden@localhost:4318", "1", "OTEL_EXPORTER_OTLP_ENDPOINT: is no address of a collector"),
        ("http://localhost:4318", "2", "OTEL_TRACES_SAMPLER_ARG: `2` is no part of all traces"),
    ] {
        let output = run(&folder.0, &settings(endpoint, ratio), &[], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(expected) && !told.contains("hidden"), "{told}");
    }
}
