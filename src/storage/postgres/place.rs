//! The address of the database, and sessions on it.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc::UnboundedSender;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls, Notification};

use super::connection::Connection;
use super::error::Failure;
use crate::storage::error::OpenError;
use crate::storage::settings::Settings;

/// How long changes at start wait for others on the database.
const LOCK_TIMEOUT: &str = "60s";
/// How long nothing may come from the server before it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its name for the administrator.
    pub(super) name: String,
    /// For the changes at start.
    pub(super) first_connection: PgConnectOptions,
    /// For everything else.
    config: Config,
    /// How long a server may take to answer.
    pub(super) connect_timeout: Duration,
    statement_timeout: Duration,
}

/// Whether an address is one of PostgreSQL.
pub(in crate::storage) fn is_address(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl Place {
    /// Reads the address.
    pub(super) fn new(settings: &Settings) -> Result<Self, OpenError> {
        // What the parsers say may hold a part of the password.
        let mut config = Config::from_str(&settings.url).map_err(|_| OpenError::PostgresAddress)?;
        let first_connection = PgConnectOptions::from_str(&settings.url).map_err(|_| OpenError::PostgresAddress)?;
        let host = match config.get_hosts() {
            [Host::Tcp(host)] => host.clone(),
            [Host::Unix(folder)] => folder.display().to_string(),
            _ => return Err(OpenError::PostgresAddress),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        let name = format!("{database} on {host}:{port}");
        let milliseconds = settings.statement_timeout.as_millis();
        // Reading is all that a session may do until a write begins.
        let options = format!(
            "{} -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan -c jit=off \
             -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} \
             -c standard_conforming_strings=on -c client_min_messages=warning",
            config.get_options().unwrap_or_default()
        );
        config
            .options(options.trim_start())
            .application_name("clef")
            .connect_timeout(settings.acquire_timeout)
            .keepalives_idle(KEEPALIVE)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        let first_connection = first_connection
            .application_name("clef")
            .options([("lock_timeout", LOCK_TIMEOUT), ("client_min_messages", "warning")])
            .disable_statement_logging();
        Ok(Self {
            name,
            first_connection,
            config,
            connect_timeout: settings.acquire_timeout,
            statement_timeout: settings.statement_timeout,
        })
    }

    /// A session for reads and writes.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let connect = self.config.connect(NoTls);
        let connected = tokio::time::timeout(self.connect_timeout, connect).await;
        let (client, session) = connected.map_err(|_| Failure::Unreachable)??;
        Ok(Connection::new(client, session, self.statement_timeout))
    }

    /// A session that hands on what others notify it of, and gives up sooner.
    pub(super) async fn notified(
        &self,
        timeout: Duration,
        notifications: UnboundedSender<Notification>,
    ) -> Result<Connection, Failure> {
        let connect = self.config.connect(NoTls);
        let connected = tokio::time::timeout(self.connect_timeout, connect).await;
        let (client, session) = connected.map_err(|_| Failure::Unreachable)??;
        Ok(Connection::notified(client, session, timeout, notifications))
    }
}
