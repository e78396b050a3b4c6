//! Single settings: from texts to values, each with its default.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use super::problem::Problems;
use super::{Environment, Settings};
use crate::auth::{Leeway, PublicOperations, TokenType};
use crate::graphql;
use crate::http::{ForwardedHeader, Limits, LiveLimits, Proxies, Rate, Rates};
use crate::value::time_span;

const LIFETIME_SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
const SHUTDOWN_DELAY_MAX: Duration = Duration::from_mins(5);
const DATABASE_SCHEMES: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];
const LEEWAY_MAX: Duration = Duration::from_mins(10);

pub(super) fn environment(settings: &Settings, problems: &mut Problems) -> Environment {
    match settings.clef_env.as_deref().map(str::trim) {
        Some("development") => Environment::Development,
        Some("production") => Environment::Production,
        Some(other) => {
            problems.push("CLEF_ENV", format!("`{other}` is unknown: write `development` or `production`"));
            Environment::Production
        }
        None if settings.has_credentials() => Environment::Production,
        None => Environment::Development,
    }
}

pub(super) fn default_host(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => "127.0.0.1",
        Environment::Production => "0.0.0.0",
    }
}

pub(super) fn port(settings: &Settings, problems: &mut Problems) -> u16 {
    number("PORT", settings.port.as_deref(), 4000, 0..=u16::MAX, problems)
}

pub(super) fn database_url(settings: &Settings, problems: &mut Problems) -> SecretString {
    let url = settings.database_url.clone().unwrap_or_else(|| "sqlite://data/clef.db?mode=rwc".into());
    if !DATABASE_SCHEMES.iter().any(|scheme| url.expose_secret().starts_with(scheme)) {
        problems.push(
            "DATABASE_URL",
            "names no database that Clef can serve from: write `sqlite://data/clef.db?mode=rwc` or \
             `postgres://USER:PASSWORD@HOST/DATABASE`",
        );
    }
    url
}

/// Where the database file is, or would be.
pub(super) fn data_folder(database_url: &SecretString) -> PathBuf {
    let file = database_url
        .expose_secret()
        .strip_prefix("sqlite:")
        .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
        .and_then(|rest| rest.split('?').next())
        .filter(|file| !file.is_empty() && *file != ":memory:");
    file.map_or_else(|| PathBuf::from("data"), |file| Path::new(file).parent().unwrap_or(Path::new(".")).into())
}

pub(super) fn public_url(settings: &Settings, problems: &mut Problems) -> Option<String> {
    let text = settings.public_url.as_deref()?.trim().trim_end_matches('/');
    let uri = axum::http::Uri::from_str(text).ok();
    let is_base = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if !is_base {
        let message = format!("`{text}` is no address: write one such as `https://api.example.org`");
        problems.push("PUBLIC_URL", message);
    }
    Some(text.to_owned())
}

pub(super) fn lifetime(settings: &Settings, problems: &mut Problems) -> Duration {
    let text = settings.jwt_expires.as_deref().unwrap_or("1d").trim();
    let lifetime = problems.take("JWT_EXPIRES", time_span::parse(text)).unwrap_or(Duration::from_secs(1));
    if !(1..=LIFETIME_SECONDS_MAX).contains(&lifetime.as_secs()) {
        let message = format!("`{text}` is no lifetime for tokens: write one from 1 second to 10 years");
        problems.push("JWT_EXPIRES", message);
    }
    lifetime
}

/// Of what is unset, everything; of what is blank or `none`, nothing.
pub(super) fn public_operations(settings: &Settings, problems: &mut Problems) -> PublicOperations {
    let Some(text) = settings.public_operations.as_deref() else { return PublicOperations::default() };
    let mut public = PublicOperations { queries: false, subscriptions: false };
    for word in list(Some(text)) {
        match word.as_str() {
            "Query" => public.queries = true,
            "Subscription" => public.subscriptions = true,
            "none" if text.trim() == "none" => {}
            _ => problems.push(
                "PUBLIC_OPERATIONS",
                format!("`{word}` cannot be public: write `Query`, `Subscription`, both with a comma, or `none`"),
            ),
        }
    }
    public
}

pub(super) fn leeway(settings: &Settings, problems: &mut Problems) -> Leeway {
    let Some(text) = settings.jwt_leeway.as_deref().map(str::trim) else {
        return Leeway::default();
    };
    // Zero is no time span, but a leeway.
    let leeway = match text {
        "0" | "0s" => Duration::ZERO,
        text => problems.take("JWT_LEEWAY", time_span::parse(text)).unwrap_or_default(),
    };
    if leeway > LEEWAY_MAX {
        problems.push("JWT_LEEWAY", format!("`{text}` is more than clocks differ: write one from 0 to 10m"));
    }
    Leeway { before: leeway, after: leeway }
}

pub(super) fn token_types(settings: &Settings, audience: &[String], problems: &mut Problems) -> Vec<TokenType> {
    let mut types = Vec::new();
    for text in list(settings.jwt_type.as_deref()) {
        match TokenType::of(Some(&text)) {
            Some(ty) => types.push(ty),
            None => problems.push("JWT_TYPE", format!("`{text}` is unknown: write `JWT`, `at+jwt`, or both")),
        }
    }
    if types.contains(&TokenType::AccessToken) && audience.is_empty() {
        problems.push("JWT_TYPE", "`at+jwt` needs an audience (RFC 9068): set JWT_AUDIENCE");
    }
    types
}

pub(super) fn limits(settings: &Settings, problems: &mut Problems) -> Limits {
    let default = Limits::default();
    let timeout = settings.request_timeout.as_deref().map(str::trim).map(time_span::parse);
    Limits {
        body_bytes: number(
            "MAX_BODY_BYTES",
            settings.max_body_bytes.as_deref(),
            default.body_bytes,
            1024..=1 << 30,
            problems,
        ),
        batch: number("MAX_BATCH", settings.max_batch.as_deref(), default.batch, 1..=1000, problems),
        persisted_bytes: number(
            "MAX_PERSISTED_BYTES",
            settings.max_persisted_bytes.as_deref(),
            default.persisted_bytes,
            0..=1 << 30,
            problems,
        ),
        connections: number(
            "MAX_CONNECTIONS",
            settings.max_connections.as_deref(),
            default.connections,
            1..=1_000_000,
            problems,
        ),
        request_timeout: timeout
            .and_then(|timeout| problems.take("REQUEST_TIMEOUT", timeout))
            .unwrap_or(default.request_timeout),
        rates: rates(settings, default.rates, problems),
        proxies: proxies(settings, problems),
        live: live_limits(settings, problems),
        ..default
    }
}

pub(super) fn query_limits(settings: &Settings, problems: &mut Problems) -> graphql::Limits {
    let default = graphql::Limits::default();
    let mut count =
        |variable, text: &Option<String>, default| number(variable, text.as_deref(), default, 1..=1_000_000, problems);
    graphql::Limits {
        tokens: count("MAX_TOKENS", &settings.max_tokens, default.tokens),
        depth: count("MAX_DEPTH", &settings.max_depth, default.depth),
        fields: count("MAX_FIELDS", &settings.max_fields, default.fields),
        aliases: count("MAX_ALIASES", &settings.max_aliases, default.aliases),
        root_fields: count("MAX_ROOT_FIELDS", &settings.max_root_fields, default.root_fields),
        directives: count("MAX_DIRECTIVES", &settings.max_directives, default.directives),
        cost: number("MAX_COST", settings.max_cost.as_deref(), default.cost, 1..=1 << 53, problems),
        response_bytes: number(
            "MAX_RESPONSE_BYTES",
            settings.max_response_bytes.as_deref(),
            default.response_bytes,
            1024..=1 << 30,
            problems,
        ),
    }
}

/// How long a statement may run.
pub(super) fn statement_timeout(settings: &Settings, problems: &mut Problems) -> Duration {
    let default = Duration::from_secs(10);
    let Some(text) = settings.statement_timeout.as_deref().map(str::trim) else { return default };
    match problems.take("STATEMENT_TIMEOUT", time_span::parse(text)) {
        Some(timeout) if timeout.is_zero() => {
            problems.push("STATEMENT_TIMEOUT", "no statement ends in no time: write a span such as `10s`");
            default
        }
        timeout => timeout.unwrap_or(default),
    }
}

/// How long requests are still taken after the signal to stop.
pub(super) fn shutdown_delay(settings: &Settings, problems: &mut Problems) -> Duration {
    let delay = match settings.shutdown_delay.as_deref().map(str::trim) {
        None | Some("0" | "0s") => Duration::ZERO,
        Some(text) => problems.take("SHUTDOWN_DELAY", time_span::parse(text)).unwrap_or_default(),
    };
    if delay > SHUTDOWN_DELAY_MAX {
        problems.push("SHUTDOWN_DELAY", "is longer than anybody waits: write one from 0 to 5m");
    }
    delay
}

/// Unset: nowhere.
pub(super) fn metrics_address(settings: &Settings, problems: &mut Problems) -> Option<SocketAddr> {
    let text = settings.metrics_address.as_deref()?.trim();
    let address = text.parse().ok();
    if address.is_none() {
        let message = format!("`{text}` is no address with a port: write one such as `127.0.0.1:9464`");
        problems.push("METRICS_ADDRESS", message);
    }
    address
}

pub(super) fn audit_table(settings: &Settings, problems: &mut Problems) -> bool {
    truth("AUDIT_TABLE", settings.audit_table.as_deref(), false, problems)
}

/// Off for engines and poolers through which nobody can listen.
pub(super) fn database_notify(settings: &Settings, problems: &mut Problems) -> bool {
    truth("DATABASE_NOTIFY", settings.database_notify.as_deref(), true, problems)
}

/// On in production too: what they show is public by introspection.
pub(super) fn explorer(settings: &Settings, problems: &mut Problems) -> bool {
    truth("EXPLORER", settings.explorer.as_deref(), true, problems)
}

fn truth(variable: &'static str, text: Option<&str>, default: bool, problems: &mut Problems) -> bool {
    match text.map(str::trim) {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(other) => {
            problems.push(variable, format!("`{other}` is unknown: write `true` or `false`"));
            default
        }
    }
}

fn rates(settings: &Settings, default: Rates, problems: &mut Problems) -> Rates {
    let mut rate = |variable: &'static str, text: &Option<String>, default: Option<Rate>| match text {
        Some(text) => Rate::parse(text).unwrap_or_else(|error| {
            problems.push(variable, format!("`{text}` {error}"));
            None
        }),
        None => default,
    };
    Rates {
        mints: rate("RATE_LIMIT_JWT", &settings.rate_limit_jwt, default.mints),
        mint_failures: rate("RATE_LIMIT_JWT_FAILURES", &settings.rate_limit_jwt_failures, default.mint_failures),
        anonymous: rate("RATE_LIMIT_ANONYMOUS", &settings.rate_limit_anonymous, default.anonymous),
    }
}

fn proxies(settings: &Settings, problems: &mut Problems) -> Proxies {
    let mut trusted = Vec::new();
    for text in list(settings.trusted_proxies.as_deref()) {
        match text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => trusted.push(network),
            Err(_) => problems.push(
                "TRUSTED_PROXIES",
                format!("`{text}` is no network: write one such as `10.0.0.0/8`, or an address"),
            ),
        }
    }
    let header = match settings.forwarded_header.as_deref().map(str::trim) {
        None => ForwardedHeader::XForwardedFor,
        Some(name) if name.eq_ignore_ascii_case("x-forwarded-for") => ForwardedHeader::XForwardedFor,
        Some(name) if name.eq_ignore_ascii_case("forwarded") => ForwardedHeader::Forwarded,
        Some(name) => {
            problems.push("FORWARDED_HEADER", format!("`{name}` is unknown: write `X-Forwarded-For` or `Forwarded`"));
            ForwardedHeader::XForwardedFor
        }
    };
    Proxies { trusted, header }
}

fn live_limits(settings: &Settings, problems: &mut Problems) -> LiveLimits {
    let default = LiveLimits::default();
    let mut count =
        |variable, text: &Option<String>, default| number(variable, text.as_deref(), default, 1..=1_000_000, problems);
    let sockets = count("MAX_SOCKETS", &settings.max_sockets, default.sockets);
    let sockets_per_address =
        count("MAX_SOCKETS_PER_ADDRESS", &settings.max_sockets_per_address, default.sockets_per_address);
    let operations = count("MAX_OPERATIONS_PER_SOCKET", &settings.max_operations_per_socket, default.operations);
    let interval = settings.socket_ping_interval.as_deref().map(str::trim).map(time_span::parse);
    let ping_interval =
        interval.and_then(|interval| problems.take("SOCKET_PING_INTERVAL", interval)).unwrap_or(default.ping_interval);
    if !(1..=3600).contains(&ping_interval.as_secs()) {
        problems.push("SOCKET_PING_INTERVAL", "is from 1 second to 1 hour: write `30s`");
    }
    let origins = list(settings.allowed_origins.as_deref());
    for origin in &origins {
        if !is_origin(origin) {
            let message = format!("`{origin}` is no origin: write `https://app.example.org`, without a path");
            problems.push("ALLOWED_ORIGINS", message);
        }
    }
    LiveLimits { sockets, sockets_per_address, operations, ping_interval, origins, ..default }
}

/// As browsers send it (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/?#@".contains(c)))
}

pub(super) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
    variable: &'static str,
    text: Option<&str>,
    default: T,
    range: std::ops::RangeInclusive<T>,
    problems: &mut Problems,
) -> T {
    let Some(text) = text.map(str::trim) else {
        return default;
    };
    match text.parse() {
        Ok(number) if range.contains(&number) => number,
        _ => {
            let (start, end) = range.into_inner();
            problems.push(variable, format!("`{text}` is no whole number from {start} to {end}"));
            default
        }
    }
}

pub(super) fn log_filter(settings: &Settings, problems: &mut Problems) -> String {
    let filter = settings.rust_log.as_deref().unwrap_or("info,sea_orm_migration=warn").trim().to_owned();
    if tracing_subscriber::EnvFilter::try_new(&filter).is_err() {
        problems.push("RUST_LOG", format!("`{filter}` is no filter: write `info`, or `info,clef=debug`"));
    }
    filter
}

pub(super) fn list(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
