//! What is counted for Prometheus. Labels are made of words of this program alone, so that clients cannot make more series.
//!
//! Knows nothing of what it counts. Counters are looked up by position, not by name: counting a request takes well under 100 ns.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

const METHODS: [&str; 5] = ["GET", "POST", "OPTIONS", "HEAD", "other"];
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];
const KINDS: [&str; 4] = ["query", "mutation", "subscription", "none"];
/// Codes of GraphQL errors; one that is not here counts as the last.
const CODES: [&str; 16] = [
    "OK",
    "BAD_USER_INPUT",
    "CONFLICT",
    "FORBIDDEN",
    "UNAUTHENTICATED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "QUERY_TOO_LARGE",
    "RESPONSE_TOO_LARGE",
    "MUTATION_NOT_ALLOWED",
    "SUBSCRIPTION_NOT_SUPPORTED",
    "SERVICE_UNAVAILABLE",
    "OUTCOME_UNKNOWN",
    "TIMEOUT",
    "INTERNAL_SERVER_ERROR",
    "OTHER",
];
/// What became of requests for tokens; one that is not here counts as the last.
const TOKENS: [&str; 10] = [
    "minted",
    "missing_credentials",
    "missing_scopes",
    "wrong_credentials",
    "scope_not_allowed",
    "scope_not_a_string",
    "too_many_scopes",
    "token_too_long",
    "rate_limited",
    "other",
];
/// Seconds.
const BUCKETS: [f64; 14] =
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    kind: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StreamLabels {
    transport: &'static str,
}

/// Kind of a GraphQL operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Query.
    Query,
    /// Mutation.
    Mutation,
    /// Subscription.
    Subscription,
    /// Not known: the document has no such operation, or none that can be read.
    None,
}

impl Kind {
    /// In lower case.
    pub fn word(self) -> &'static str {
        at(&KINDS, self as usize)
    }
}

/// What a client that stays is connected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 6455.
    WebSocket,
    /// Server-sent events.
    EventStream,
}

/// Everything that is counted as it happens.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    routes: Vec<Route>,
    requests: Family<RequestLabels, Counter>,
    operations: Cells<OperationLabels>,
    denials: Cells<OperationLabels>,
    tokens: Cells<TokenLabels>,
    web_sockets: Gauge,
    event_streams: Gauge,
}

#[derive(Debug)]
struct Route {
    template: &'static str,
    durations: Histogram,
    counts: [OnceLock<Counter>; METHODS.len() * CLASSES.len()],
}

/// A family with a place for each set of labels that can occur.
#[derive(Debug)]
struct Cells<L> {
    family: Family<L, Counter>,
    cells: Box<[OnceLock<Counter>]>,
}

impl<L: Clone + std::hash::Hash + Eq> Cells<L> {
    fn new(count: usize) -> Self {
        Self { family: Family::default(), cells: (0..count).map(|_| OnceLock::new()).collect() }
    }

    fn count(&self, position: usize, labels: impl FnOnce() -> L) {
        if let Some(cell) = self.cells.get(position) {
            cell.get_or_init(|| self.family.get_or_create_owned(&labels())).inc();
        }
    }
}

impl Metrics {
    /// `routes`: templates of paths; requests elsewhere count as the route `other`.
    pub fn new(routes: &[&'static str]) -> Self {
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let route = |template| Route {
            template,
            durations: durations.get_or_create_owned(&RouteLabels { route: template }),
            counts: std::array::from_fn(|_| OnceLock::new()),
        };
        let routes = routes.iter().copied().chain(["other"]).map(route).collect();
        let streams = Family::<StreamLabels, Gauge>::default();
        let stream = |transport| streams.get_or_create_owned(&StreamLabels { transport });
        let mut metrics = Self {
            registry: Registry::default(),
            routes,
            requests: Family::default(),
            operations: Cells::new(KINDS.len() * CODES.len()),
            denials: Cells::new(KINDS.len() * CODES.len()),
            tokens: Cells::new(TOKENS.len()),
            web_sockets: stream("websocket"),
            event_streams: stream("sse"),
        };
        let registry = &mut metrics.registry;
        registry.register("clef_http_requests", "HTTP requests that were answered", metrics.requests.clone());
        let help = "From the end of a request's head to the start of its response";
        registry.register_with_unit("clef_http_request_duration", help, Unit::Seconds, durations);
        registry.register("clef_graphql_operations", "GraphQL operations", metrics.operations.family.clone());
        let help = "Root fields that were refused for want of a scope";
        registry.register("clef_graphql_denied_fields", help, metrics.denials.family.clone());
        registry.register("clef_token_requests", "Requests for tokens", metrics.tokens.family.clone());
        registry.register("clef_streams", "WebSockets and event streams that are open", streams);
        metrics
    }

    /// A request that was answered. `template` is that of its path, with or without a slash at its end.
    pub fn request(&self, template: Option<&str>, method: &str, status: u16, duration: Duration) {
        let name =
            template.map(|template| template.strip_suffix('/').filter(|name| !name.is_empty()).unwrap_or(template));
        let known = name.and_then(|name| self.routes.iter().find(|route| route.template == name));
        let Some(route) = known.or(self.routes.last()) else { return };
        let method = position(&METHODS, method);
        let class = usize::from(status / 100).wrapping_sub(1).min(CLASSES.len() - 1);
        if let Some(cell) = route.counts.get(method * CLASSES.len() + class) {
            let labels =
                || RequestLabels { route: route.template, method: at(&METHODS, method), status: at(&CLASSES, class) };
            cell.get_or_init(|| self.requests.get_or_create_owned(&labels())).inc();
        }
        route.durations.observe(duration.as_secs_f64());
    }

    /// An operation that was answered; `code` is that of its first error.
    pub fn operation(&self, kind: Kind, code: Option<&str>) {
        let code = position(&CODES, code.unwrap_or("OK"));
        let labels = || OperationLabels { kind: at(&KINDS, kind as usize), code: at(&CODES, code) };
        self.operations.count(kind as usize * CODES.len() + code, labels);
    }

    /// A root field that was refused for want of a scope.
    pub fn denied(&self, kind: Kind, code: &str) {
        let code = position(&CODES, code);
        let labels = || OperationLabels { kind: at(&KINDS, kind as usize), code: at(&CODES, code) };
        self.denials.count(kind as usize * CODES.len() + code, labels);
    }

    /// A request for a token: `minted`, or why not.
    pub fn token(&self, outcome: &str) {
        let outcome = position(&TOKENS, outcome);
        self.tokens.count(outcome, || TokenLabels { outcome: at(&TOKENS, outcome) });
    }

    /// A client that stays has come.
    pub fn opened(&self, transport: Transport) {
        self.stream(transport).inc();
    }

    /// A client that stays has gone.
    pub fn closed(&self, transport: Transport) {
        self.stream(transport).dec();
    }

    fn stream(&self, transport: Transport) -> &Gauge {
        match transport {
            Transport::WebSocket => &self.web_sockets,
            Transport::EventStream => &self.event_streams,
        }
    }

    /// All of it in the text format, and the values that `add` puts beside it.
    ///
    /// # Errors
    ///
    /// Never seen: it is written into memory.
    pub fn text(&self, add: impl FnOnce(&mut Figures)) -> Result<String, std::fmt::Error> {
        use prometheus_client::encoding::text::{encode_eof, encode_registry};
        let mut figures = Figures(Registry::default());
        add(&mut figures);
        let mut text = String::with_capacity(16 * 1024);
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &figures.0)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Values that are read when somebody asks.
#[derive(Debug)]
pub struct Figures(Registry);

impl Figures {
    /// What only grows.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.0.register(name, help, counter(value));
    }

    /// What only grows, by the values of one label.
    pub fn counters(&mut self, name: &str, help: &str, label: &'static str, values: &[(&'static str, u64)]) {
        let family = Family::<[(&'static str, &'static str); 1], Counter>::default();
        for (word, value) in values {
            family.get_or_create(&[(label, *word)]).inc_by(*value);
        }
        self.0.register(name, help, family);
    }

    /// What grows and shrinks.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.0.register(name, help, gauge);
    }

    /// What never changes.
    pub fn info(&mut self, name: &str, help: &str, labels: Vec<(&'static str, String)>) {
        self.0.register(name, help, prometheus_client::metrics::info::Info::new(labels));
    }
}

fn counter(value: u64) -> Counter<u64, AtomicU64> {
    let counter = Counter::default();
    counter.inc_by(value);
    counter
}

/// The last word stands for all others.
fn position(words: &[&str], word: &str) -> usize {
    words.iter().position(|known| *known == word).unwrap_or(words.len() - 1)
}

fn at<const N: usize>(words: &[&'static str; N], position: usize) -> &'static str {
    words.get(position).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_makes_no_series() {
        let metrics = Metrics::new(&["/graphql", "/{identifier}"]);
        for method in ["GET", "POST", "BREW", "a\"b"] {
            for template in [Some("/graphql"), Some("/graphql/"), Some("/{identifier}"), Some("/x"), None] {
                for status in [0, 101, 200, 404, 500, 999] {
                    metrics.request(template, method, status, Duration::from_micros(300));
                }
            }
        }
        for code in [None, Some("FORBIDDEN"), Some("whatever"), Some("a\"b")] {
            metrics.operation(Kind::Query, code);
        }
        metrics.token("a\"b");
        let text = metrics.text(|_| {}).unwrap();
        let requests = text.lines().filter(|line| line.starts_with("clef_http_requests_total{")).count();
        assert_eq!(requests, 3 * 3 * 5, "{text}");
        let series = text.lines().filter(|line| line.starts_with("clef_graphql_operations_total{")).collect::<Vec<_>>();
        assert_eq!(series.len(), 3, "{series:?}");
        assert!(text.contains("clef_graphql_operations_total{kind=\"query\",code=\"OTHER\"} 2"), "{text}");
        assert!(!text.contains("BREW") && !text.contains("a\\\"b") && text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn a_request_and_its_duration_are_counted() {
        let metrics = Metrics::new(&["/"]);
        metrics.request(Some("/"), "GET", 200, Duration::from_micros(300));
        let text = metrics.text(|figures| figures.counter("x", "y", 7)).unwrap();
        for line in [
            "clef_http_requests_total{route=\"/\",method=\"GET\",status=\"2xx\"} 1",
            "clef_http_request_duration_seconds_bucket{le=\"0.00025\",route=\"/\"} 0",
            "clef_http_request_duration_seconds_bucket{le=\"0.0005\",route=\"/\"} 1",
            "x_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
