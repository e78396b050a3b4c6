//! The environment and the file `.env` as they are: texts by name. The only place that reads them.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::Error;

/// All variables, unread. A blank one counts as not set, but for the one where blank means none.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    pub(super) clef_env: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) database_url: Option<SecretString>,
    pub(super) database_url_file: Option<String>,
    pub(super) database_notify: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) database_read_url: Option<SecretString>,
    pub(super) database_connections: Option<String>,
    pub(super) database_acquire_timeout: Option<String>,
    pub(super) database_pooler: Option<String>,
    pub(super) schema_dir: Option<String>,
    pub(super) public_url: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) jwt_secret: Option<SecretString>,
    pub(super) jwt_secret_file: Option<String>,
    pub(super) jwt_expires: Option<String>,
    pub(super) jwt_issuer: Option<String>,
    pub(super) jwt_audience: Option<String>,
    pub(super) jwt_leeway: Option<String>,
    pub(super) jwt_type: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) jwt_auth_keys: Option<SecretString>,
    pub(super) public_operations: Option<String>,
    pub(super) jwt_auth_keys_file: Option<String>,
    pub(super) max_body_bytes: Option<String>,
    pub(super) max_batch: Option<String>,
    pub(super) max_persisted_bytes: Option<String>,
    pub(super) max_tokens: Option<String>,
    pub(super) max_depth: Option<String>,
    pub(super) max_fields: Option<String>,
    pub(super) max_aliases: Option<String>,
    pub(super) max_root_fields: Option<String>,
    pub(super) max_directives: Option<String>,
    pub(super) max_cost: Option<String>,
    pub(super) max_response_bytes: Option<String>,
    pub(super) statement_timeout: Option<String>,
    pub(super) shutdown_delay: Option<String>,
    pub(super) metrics_address: Option<String>,
    pub(super) otel_exporter_otlp_endpoint: Option<String>,
    pub(super) otel_service_name: Option<String>,
    pub(super) otel_traces_sampler_arg: Option<String>,
    pub(super) max_connections: Option<String>,
    pub(super) request_timeout: Option<String>,
    pub(super) rate_limit_jwt: Option<String>,
    pub(super) rate_limit_jwt_failures: Option<String>,
    pub(super) rate_limit_anonymous: Option<String>,
    pub(super) trusted_proxies: Option<String>,
    pub(super) forwarded_header: Option<String>,
    pub(super) audit_table: Option<String>,
    pub(super) explorer: Option<String>,
    pub(super) max_sockets: Option<String>,
    pub(super) max_sockets_per_address: Option<String>,
    pub(super) max_operations_per_socket: Option<String>,
    pub(super) socket_ping_interval: Option<String>,
    pub(super) allowed_origins: Option<String>,
    pub(super) rust_log: Option<String>,
}

impl Settings {
    /// From the environment, and from the file `.env` in the working directory or above what the environment lacks.
    ///
    /// # Errors
    ///
    /// The file is there but cannot be read.
    pub fn read() -> Result<Self, Error> {
        let mut pairs = dot_env()?;
        // Last wins. A value that is no UTF-8 belongs to somebody else.
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let environment = std::env::vars_os();
        pairs.extend(
            environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        Self::from_pairs(pairs)
    }

    /// From names and values; the last of one name counts.
    ///
    /// # Errors
    ///
    /// None that is known: everything is read as text.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Error> {
        // Serde refuses a name that comes twice.
        let mut named = std::collections::BTreeMap::new();
        for (name, value) in pairs {
            let name = name.to_uppercase();
            if value.trim().is_empty() && name != "PUBLIC_OPERATIONS" {
                named.remove(&name);
            } else {
                named.insert(name, value);
            }
        }
        envy::from_iter(named).map_err(|_unreachable| Error::Environment)
    }
}

fn dot_env() -> Result<Vec<(String, String)>, Error> {
    let lines = match dotenvy::dotenv_iter() {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(Vec::new()),
        Err(error) => return Err(dot_env_error(error)),
    };
    lines.collect::<Result<_, _>>().map_err(dot_env_error)
}

fn dot_env_error(error: dotenvy::Error) -> Error {
    match error {
        // The line may hold a secret: only its name is told.
        dotenvy::Error::LineParse(line, _) => {
            Error::DotEnvLine { name: line.split('=').next().unwrap_or_default().trim().chars().take(64).collect() }
        }
        dotenvy::Error::Io(source) => Error::DotEnv { source },
        // Its text may quote a value.
        _ => Error::DotEnv { source: std::io::Error::other("it refers to a variable that is no text") },
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
