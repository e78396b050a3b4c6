//! `GET /metrics`, on an address of its own: counts and what is read when somebody asks, in the text format of Prometheus (`OpenMetrics` 1.0).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Services;
use crate::metrics::{Figures, Metrics, Transport};

/// Templates of all paths that are served, for the label `route`.
pub const ROUTES: [&str; 12] = [
    "/",
    "/graphql",
    "/graphiql",
    "/playground",
    "/explorer/{file}",
    "/jwt",
    "/revoke",
    "/scopes/explain",
    "/health",
    "/ready",
    "/.well-known/apollo/server-health",
    "/{identifier}",
];
const OPEN_METRICS: &str = "application/openmetrics-text";

/// The only thing on the address of the metrics.
pub fn metrics_router(services: Arc<Services>, metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(handle)).with_state((services, metrics))
}

async fn handle(State((services, metrics)): State<(Arc<Services>, Arc<Metrics>)>, headers: HeaderMap) -> Response {
    let process = tokio::task::spawn_blocking(Process::read).await.unwrap_or_default();
    let Ok(text) = metrics.text(|figures| add(figures, &services, &process)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // The same text is good in the older format, whose comments it does not know.
    let wants_open =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|it| it.contains(OPEN_METRICS));
    let content_type = if wants_open {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")], text).into_response()
}

fn add(figures: &mut Figures, services: &Services, process: &Process) {
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    figures.info("clef_build", "This program", labels);
    let storage = services.engine.storage();
    let (reads, writes) = storage.requests();
    figures.counter("clef_database_reads", "Statements that read", reads);
    figures.counter("clef_database_writes", "Writes that were asked for, of one or more statements", writes);
    let of_writer = storage.statements().saturating_sub(reads);
    figures.counter("clef_database_write_statements", "Statements of the writer", of_writer);
    figures.counter("clef_database_commits", "Commits, each of one or more writes", storage.commits());
    let help = "Reads and writes that the database did not do";
    figures.counters("clef_database_failures", help, "reason", &storage.failures());
    if storage.has_standby() {
        let help = "Of the statements that read, those that the standby answered";
        figures.counter("clef_database_standby_reads", help, storage.standby_reads());
    }
    if let Some(pool) = storage.pool() {
        let gauges = [
            ("clef_database_connections", "Connections to PostgreSQL", pool.open),
            ("clef_database_connections_idle", "Connections that nobody uses", pool.idle),
            ("clef_database_waiting", "Statements that wait for a connection", pool.waiting),
        ];
        for (name, help, value) in gauges {
            figures.gauge(name, help, u64::try_from(value).unwrap_or(u64::MAX));
        }
    }
    let subscribers = u64::try_from(services.engine.subscribers()).unwrap_or(u64::MAX);
    figures.gauge("clef_subscriptions", "Subscriptions under way", subscribers);
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Resident memory", process.resident_bytes),
        ("process_open_fds", "Open file descriptors", process.open_files),
        ("process_max_fds", "Most file descriptors that may be open", process.open_files_max),
    ] {
        if let Some(value) = value {
            figures.gauge(name, help, value);
        }
    }
}

/// Of this process, where the system tells.
#[derive(Debug, Default)]
struct Process {
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
    open_files_max: Option<u64>,
}

impl Process {
    /// Reads `/proc` (proc(5)).
    fn read() -> Self {
        let text = |name: &str| std::fs::read_to_string(["/proc/self/", name].concat()).unwrap_or_default();
        let value = |text: &str, label: &str, skipped: usize| {
            let line = text.lines().find_map(|line| line.strip_prefix(label))?;
            line.split_whitespace().nth(skipped)?.parse::<u64>().ok()
        };
        let files = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        Self {
            resident_bytes: value(&text("status"), "VmRSS:", 0).map(|kilobytes| kilobytes * 1024),
            // Without the one that lists them.
            open_files: files.and_then(|files| u64::try_from(files.saturating_sub(1)).ok()),
            open_files_max: value(&text("limits"), "Max open files", 0),
        }
    }
}

/// A client that stays, counted until this is dropped.
#[derive(Debug)]
pub(super) struct Counted(Option<(Arc<Metrics>, Transport)>);

impl Counted {
    pub(super) fn new(metrics: Option<&Arc<Metrics>>, transport: Transport) -> Self {
        if let Some(metrics) = metrics {
            metrics.opened(transport);
        }
        Self(metrics.map(|metrics| (Arc::clone(metrics), transport)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some((metrics, transport)) = &self.0 {
            metrics.closed(*transport);
        }
    }
}
