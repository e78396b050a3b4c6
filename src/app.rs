//! Putting the parts together: from a configuration to a server that runs and stops.

pub mod exchange;
mod metrics;
mod reload;
pub mod revocation;
mod schema;
pub mod scopes;
mod signals;
mod start;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::auth::{self, Authority};
use crate::clock::Clock;
use crate::config::{Config, SchemaSource};
use crate::graphql::{self, Engine};
use crate::http::{self, Drained, Routes, Services};
use crate::metrics::Metrics;
use crate::storage::{self, RemovedPolicy, Storage};
use crate::trace::{self, Traces};
use crate::{scope, sdl, terminal};
use start::database;

/// How long requests under way may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the server does not start, or a command fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else is there.
    #[error("port {port} of {host} is in use: stop what listens there, or set PORT to another one")]
    PortInUse {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
    },
    /// Any other reason not to listen.
    #[error("cannot listen on port {port} of {host}: correct HOST or PORT")]
    Listen {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Where metrics shall be served.
    #[error("cannot listen on {address}, METRICS_ADDRESS: stop what listens there, or correct it")]
    ListenMetrics {
        /// As configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system does not tell.
    #[error("cannot learn of signals")]
    Signals {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Tokens do not work.
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// Requests were cut off.
    #[error("some requests were still under way after {} seconds, and were cut off", DRAIN_TIMEOUT.as_secs())]
    NotDrained,
    /// The type definitions cannot be read.
    #[error(transparent)]
    Sources(#[from] sdl::Error),
    /// The type definitions are wrong.
    #[error("the schema cannot be used:\n{}", .0.text)]
    Schema(SchemaProblems),
    /// A file of documents cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Document {
        /// As given.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing to look at.
    #[error("there is no document: name files, or folders with *.graphql or *.gql files")]
    NoDocuments,
    /// GraphQL documents are wrong.
    #[error("the documents cannot be used:\n{text}")]
    Documents {
        /// Each problem with file and place.
        text: String,
    },
    /// Globs are wrong.
    #[error(transparent)]
    Globs(#[from] scope::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] storage::OpenError),
    /// An export or an import ended early.
    #[error(transparent)]
    Exchange(#[from] crate::exchange::Error),
    /// A revocation was not written.
    #[error("the database did not take it: nothing is revoked")]
    Revocation(#[source] storage::Error),
    /// Before an export or a revocation.
    #[error(
        "the database does not fit the schema: `clef migrate --dry-run` shows how; run `clef migrate`, then try again"
    )]
    NotFitted,
    /// The collector cannot be used.
    #[error(transparent)]
    Traces(#[from] trace::Error),
    /// The schema cannot be published.
    #[error(transparent)]
    Engine(#[from] graphql::Error),
}

/// Everything that is wrong with the type definitions.
#[derive(Debug)]
pub struct SchemaProblems {
    /// How many problems.
    pub count: usize,
    /// Each with file, line and what to change.
    pub text: String,
}

/// What `clef migrate` does about columns whose property has left the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Stop and list them.
    Refuse,
    /// Leave them where they are.
    Keep,
    /// Delete them with their values.
    Drop,
}

/// Whether `clef migrate` changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// Tell what would be done.
    DryRun,
    /// Do it.
    Apply,
}

/// What is open while the server runs.
struct Parts {
    services: Arc<Services>,
    authority: Arc<Authority>,
    engine: Arc<Engine>,
    storage: Storage,
    /// If anybody may read them.
    metrics: Option<Arc<Metrics>>,
    /// If they go anywhere.
    traces: Option<Arc<Traces>>,
    /// A mutation that can be sent as it is.
    example: Option<String>,
}

/// Serves until a signal asks to stop, then lets requests finish. While the database cannot be reached, requests are answered with 503.
///
/// # Errors
///
/// It cannot start, or not all requests could finish.
pub async fn serve(config: Config, clock: Clock) -> Result<(), Error> {
    let signals = signals::Signals::new().map_err(|source| Error::Signals { source })?;
    let listener = listen(&config.host, config.port).await?;
    let address = listener.local_addr().ok();
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    let (limits, development_keys) = (config.limits.clone(), config.development_keys.clone());
    let (reload, shutdown_delay, metrics_address) =
        (reload::Reload::new(&config), config.shutdown_delay, config.metrics_address);
    let routes = Routes::from(http::starting_router(limits.request_timeout));
    let (stop, again, hangup) = signals.split();
    let (started, is_late) = (OnceLock::new(), Notify::new());
    let starting = async {
        let parts = start::assemble(config, clock, &is_late).await?;
        let metrics = metrics::serve(metrics_address, &parts).await?;
        routes.replace(http::router(Arc::clone(&parts.services)));
        tokio::spawn(reload.run(Arc::clone(&parts.authority), Arc::clone(&parts.engine), hangup));
        Ok::<_, Error>(started.get_or_init(|| (parts, metrics)))
    };
    let stop = async {
        stop.await;
        if let Some((parts, _)) = started.get() {
            parts.services.stop();
            tokio::time::sleep(shutdown_delay).await;
        }
    };
    let serving = async {
        let mut starting = pin!(starting);
        let parts = tokio::select! {
            parts = &mut starting => Some(parts?),
            () = is_late.notified() => None,
        };
        tracing::info!(address = address.map(tracing::field::display), "listening");
        let mut served = pin!(http::serve(listener, routes.clone(), &limits, stop, DRAIN_TIMEOUT));
        let (parts, _) = if let Some(parts) = parts {
            parts
        } else {
            tokio::select! {
                parts = starting => parts?,
                drained = &mut served => return Ok(drained),
            }
        };
        if let (Some(keys), Some(address)) = (&development_keys, address) {
            let base = format!("http://{}", reachable(address));
            terminal::print(&terminal::welcome(&base, keys, parts.example.as_deref()));
        }
        Ok::<_, Error>(served.await)
    };
    let drained = tokio::select! {
        drained = serving => drained?,
        // Who asks twice does not want to wait.
        () = again => Drained::NotAll,
    };
    if let Some((parts, metrics)) = started.into_inner() {
        if let Some(metrics) = metrics {
            metrics.abort();
        }
        close(parts).await;
    }
    tracing::info!("stopped");
    match drained {
        Drained::All => Ok(()),
        Drained::NotAll => Err(Error::NotDrained),
    }
}

/// What must not be left open.
async fn close(parts: Parts) {
    if let Some(traces) = parts.traces {
        traces.stop().await;
    }
    parts.storage.close().await;
}

/// The type definitions as they are published.
///
/// # Errors
///
/// They cannot be read, or are wrong.
pub fn schema_text(source: &SchemaSource, public: auth::PublicOperations) -> Result<String, Error> {
    Ok(graphql::sdl::print(&schema::read(source)?, public))
}

/// What is wrong with the type definitions, if anything is.
///
/// # Errors
///
/// They cannot be read.
pub fn check_schema(source: &SchemaSource) -> Result<Option<SchemaProblems>, Error> {
    match schema::read(source) {
        Ok(_) => Ok(None),
        Err(Error::Schema(problems)) => Ok(Some(problems)),
        Err(error) => Err(error),
    }
}

/// Brings the database in line with the schema. Returns what was or would be done.
///
/// # Errors
///
/// It cannot be done.
pub async fn migrate(config: Config, migration: Migration, removed: Removed) -> Result<Vec<String>, Error> {
    let model = schema::read(&config.schema)?;
    let settings = database(&config);
    let policy = match removed {
        Removed::Refuse => RemovedPolicy::Refuse,
        Removed::Keep => RemovedPolicy::Keep,
        Removed::Drop => RemovedPolicy::Drop,
    };
    let changes = Storage::compare(&settings, &model, policy).await?;
    if migration == Migration::Apply {
        Storage::open(&settings, &model, policy).await?.close().await;
    }
    if changes.is_empty() {
        return Ok(vec!["the database fits the schema: nothing to do".to_owned()]);
    }
    Ok(changes.iter().map(ToString::to_string).collect())
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind((host, port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortInUse { host: host.to_owned(), port },
        _ => Error::Listen { host: host.to_owned(), port, source },
    })
}

/// An address to call: that of this machine, if the server listens on all.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
