//! The address of a server, and sessions on it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::bridge::{Bridge, NoTls};
use super::tls::{Mode, Wish};
use crate::storage::error::OpenError;
use crate::storage::settings::{Pooler, Settings};

/// How long a server may take to let a session begin.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long nothing may come from the server before the system asks it whether it is still there, and between two times of asking.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(3);

/// How an address is written.
pub(super) const FORM: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with % and two digits for characters of the \
    password that are none of an address, and after a `?` only parameters that libpq knows";

/// What carries a session: to be run beside its client.
pub(super) type Wire = tokio_postgres::Connection<Socket, <Tls as MakeTlsConnect<Socket>>::Stream>;

/// What encrypts, if the address or the server wants it.
pub(super) type Tls = MakeRustlsConnect;

/// Where a server is, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Place {
    /// Its name for the administrator.
    pub(super) name: String,
    config: Config,
    host: Host,
    port: u16,
    mode: Mode,
    tls: Arc<ClientConfig>,
    pub(super) statement_timeout: Duration,
    /// What stands between.
    pub(super) pooler: Pooler,
    /// Whether it is to tell where its log ends after a commit.
    pub(super) tells_position: bool,
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Place").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether an address is one of PostgreSQL.
pub(in crate::storage) fn is_address(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl Place {
    /// Reads an address, and the files of certificates that it names.
    pub(super) fn new(url: &str, settings: &Settings) -> Result<Self, OpenError> {
        // What the parsers say may hold a part of the password.
        let (url, wish) = Wish::split(url).map_err(OpenError::PostgresAddress)?;
        let mut config = Config::from_str(&url).map_err(|_| OpenError::PostgresAddress(FORM))?;
        let host = match config.get_hosts() {
            [host] => host.clone(),
            [] => return Err(OpenError::PostgresAddress(FORM)),
            _ => return Err(OpenError::PostgresAddress("name one host; that may lead to several servers")),
        };
        let (host_name, mode) = match &host {
            Host::Tcp(host) => (host.clone(), wish.mode),
            // Nobody else can read what goes through it.
            Host::Unix(folder) => (folder.display().to_string(), Mode::Disable),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        let name = format!("{database} on {host_name}:{port}");
        if settings.pooler == Pooler::None {
            let milliseconds = settings.statement_timeout.as_millis();
            // Reading is all that a session may do until a write begins.
            let options = format!(
                "{} -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan -c jit=off \
                 -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} \
                 -c standard_conforming_strings=on -c client_min_messages=warning",
                config.get_options().unwrap_or_default()
            );
            config.options(options.trim_start());
        }
        config
            .application_name("clef")
            .ssl_mode(mode.driver())
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        Ok(Self {
            name,
            config,
            host,
            port,
            mode,
            tls: Arc::new(wish.config()?),
            statement_timeout: settings.statement_timeout,
            pooler: settings.pooler,
            tells_position: settings.read_url.is_some(),
        })
    }

    /// A session that has just begun, with what carries it; `None` if the server took too long.
    pub(super) async fn session(&self) -> Result<Option<(Client, Wire)>, tokio_postgres::Error> {
        let connect = self.config.connect(self.tls());
        tokio::time::timeout(CONNECT_TIMEOUT, connect).await.ok().transpose()
    }

    /// Name, or folder of the socket.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What encrypts.
    pub(super) fn tls(&self) -> Tls {
        Tls::new(ClientConfig::clone(&self.tls))
    }

    /// How the driver that changes tables connects, and what has to live as long as its connection.
    pub(super) async fn first_connection(&self) -> Result<(PgConnectOptions, Option<Bridge>), OpenError> {
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(self.port)
            .ssl_mode(PgSslMode::Disable)
            .extra_float_digits(None)
            .application_name("clef");
        if let Some(user) = self.config.get_user() {
            options = options.username(user);
        }
        if let Some(password) = self.config.get_password() {
            options = options.password(&String::from_utf8_lossy(password));
        }
        if let Some(database) = self.config.get_dbname().or(self.config.get_user()) {
            options = options.database(database);
        }
        let (options, bridge) = match &self.host {
            Host::Unix(folder) => (options.socket(folder), None),
            Host::Tcp(host) => {
                let bridge = Bridge::new(host, self.port, self.mode, Arc::clone(&self.tls));
                let bridge = tokio::time::timeout(CONNECT_TIMEOUT, bridge).await;
                let timed_out = |_| Err(std::io::ErrorKind::TimedOut.into());
                let bridge = bridge.unwrap_or_else(timed_out).map_err(|error| self.not_reached(error))?;
                (options.socket(bridge.folder()), Some(bridge))
            }
        };
        Ok((options.disable_statement_logging(), bridge))
    }

    fn not_reached(&self, error: std::io::Error) -> OpenError {
        let database = self.name.clone();
        let is_tls = error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>() || cause.is::<NoTls>());
        let source = error.into();
        if is_tls { OpenError::Tls { database, source } } else { OpenError::Unreachable { database, source } }
    }
}
