//! The configuration: from the environment and `.env` to checked values. Everything that is wrong is told at once.
//!
//! The only module that reads the environment. Knows no database and no schema.

mod credentials;
mod database;
mod development;
mod files;
mod keys;
mod problem;
mod secrets;
mod settings;
mod traces;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::TryCryptoRng;
use secrecy::{ExposeSecret, SecretString};

use crate::http::Limits;
use crate::scope::ScopeSet;
use crate::{auth, graphql, trace};

use credentials::{Credentials, credentials};
use problem::Problems;
use traces::traces;
use values::{
    audit_table, data_folder, database_notify, database_url, default_host, environment, explorer, leeway, lifetime,
    limits, list, log_filter, metrics_address, port, public_operations, public_url, query_limits, shutdown_delay,
    statement_timeout, token_types,
};

pub use database::Database;
pub use development::{DevelopmentKeys, Error as DevelopmentError};
pub use problem::Problem;
pub use settings::Settings;

const SCHEMA_FOLDER: &str = "schema";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All settings that stop the start.
    #[error("the configuration is not right:{}", problem::lines(problems))]
    Problems {
        /// At least one.
        problems: Vec<Problem>,
    },
    /// A line of it.
    #[error("the line of `{name}` in the file .env cannot be read: write {name}='value'")]
    DotEnvLine {
        /// What stands left of the `=`.
        name: String,
    },
    /// All of it.
    #[error("the file .env cannot be read")]
    DotEnv {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Never seen.
    #[error("the environment cannot be read")]
    Environment,
    /// No keys were configured, and none could be made.
    #[error(transparent)]
    Development(#[from] DevelopmentError),
}

/// What the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Asked for, or nothing was configured that would make it anything else.
    Development,
    /// Whatever else.
    Production,
}

/// Where the type definitions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaSource {
    /// All `*.graphql` files in it.
    Folder(PathBuf),
    /// The CE's, compiled into the program.
    BuiltIn,
}

/// Everything that can be configured, checked.
#[derive(Debug)]
pub struct Config {
    /// What the server is for.
    pub environment: Environment,
    /// Name or address to listen on.
    pub host: String,
    /// 0 for any that is free.
    pub port: u16,
    /// May hold a password.
    pub database_url: SecretString,
    /// How it is used.
    pub database: Database,
    /// Where the type definitions are.
    pub schema: SchemaSource,
    /// Under which clients reach the server, without `/` at the end.
    pub public_url: Option<String>,
    /// Tokens and keys.
    pub auth: auth::Settings,
    /// What needs no scope.
    pub public_operations: auth::PublicOperations,
    /// Keys made here because none were configured.
    pub development_keys: Option<DevelopmentKeys>,
    /// Whether servers on one PostgreSQL wake each other by NOTIFY.
    pub database_notify: bool,
    /// What a client may take.
    pub limits: Limits,
    /// What a document may ask for.
    pub query_limits: graphql::Limits,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// How long requests are still taken once the server is told to stop.
    pub shutdown_delay: Duration,
    /// Where metrics are served.
    pub metrics_address: Option<SocketAddr>,
    /// Where traces go.
    pub traces: Option<trace::Settings>,
    /// Whether each mutation and each token leaves a row in the database.
    pub has_audit_table: bool,
    /// Whether there are pages to try queries in.
    pub has_explorer: bool,
    /// In the syntax of `RUST_LOG`.
    pub log_filter: String,
    /// To be told at start, although nothing is wrong.
    pub notices: Vec<String>,
    /// Files of secrets and keys: with others in them, the configuration is another one.
    pub credential_files: Vec<PathBuf>,
}

impl Config {
    /// Checks all settings; makes keys for development where none are configured.
    ///
    /// # Errors
    ///
    /// All problems, or that no keys could be made.
    pub fn from_settings(mut settings: Settings, random: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let (mut problems, mut notices) = (Problems::default(), Vec::new());
        settings.read_files(&mut problems, &mut notices);
        let environment = environment(&settings, &mut problems);
        let database_url = database_url(&settings, &mut problems);
        let database_notify = database_notify(&settings, &mut problems);
        let database = Database::new(&settings, &database_url, &mut problems);
        let schema = settings.schema_source(&mut problems);
        let (port, public_url) = (port(&settings, &mut problems), public_url(&settings, &mut problems));
        let limits = limits(&settings, &mut problems);
        let query_limits = query_limits(&settings, &mut problems);
        let statement_timeout = statement_timeout(&settings, &mut problems);
        let shutdown_delay = shutdown_delay(&settings, &mut problems);
        let metrics_address = metrics_address(&settings, &mut problems);
        let traces = traces(&settings, &mut problems);
        let public_operations = public_operations(&settings, &mut problems);
        let has_audit_table = audit_table(&settings, &mut problems);
        let has_explorer = explorer(&settings, &mut problems);
        let log_filter = log_filter(&settings, &mut problems);
        let credentials = credentials(&settings, environment, &mut problems, &mut notices);
        let (lifetime, leeway) = (lifetime(&settings, &mut problems), leeway(&settings, &mut problems));
        let audience = list(settings.jwt_audience.as_deref());
        let token_types = token_types(&settings, &audience, &mut problems);
        let problems = problems.into_vec();
        let (Some(credentials), true) = (credentials, problems.is_empty()) else {
            return Err(Error::Problems { problems });
        };
        let development_keys = match credentials {
            Credentials::Configured { .. } => None,
            Credentials::ToBeMade => Some(development::keys(&data_folder(&database_url), random)?),
        };
        let credential_files = settings.credential_files();
        Ok(Self {
            environment,
            host: settings.host.unwrap_or_else(|| default_host(environment).to_owned()),
            port,
            database_url,
            database,
            schema,
            public_url,
            auth: auth::Settings {
                lifetime,
                issuer: settings.jwt_issuer.unwrap_or_else(|| "https://trompamusic.eu".to_owned()),
                audience,
                token_types,
                leeway,
                ..credentials.into_auth(development_keys.as_ref())
            },
            public_operations,
            development_keys,
            database_notify,
            limits,
            query_limits,
            statement_timeout,
            shutdown_delay,
            metrics_address,
            traces,
            has_audit_table,
            has_explorer,
            log_filter,
            notices,
            credential_files,
        })
    }

    /// What the environment and all files say now, for a server that was started for `environment`.
    ///
    /// # Errors
    ///
    /// As at the start. Also if a server in production would now make its own keys.
    pub fn read_again(environment: Environment, random: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let mut settings = Settings::read()?;
        if environment == Environment::Production && !settings.has_credentials() {
            // Else their removal would look like a first start.
            settings.clef_env = Some("production".to_owned());
        }
        Self::from_settings(settings, random)
    }
}

/// What keys allow, and what needs none.
#[derive(Debug)]
pub struct Grants {
    /// Ids and globs, as configured.
    pub keys: Vec<(Arc<str>, ScopeSet)>,
    /// What needs no scope.
    pub public: auth::PublicOperations,
}

impl Settings {
    /// Where the type definitions are: all that commands need which start no server.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub fn schema(&self) -> Result<SchemaSource, Error> {
        let mut problems = Problems::default();
        let schema = self.schema_source(&mut problems);
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(schema) } else { Err(Error::Problems { problems }) }
    }

    /// What needs no scope.
    ///
    /// # Errors
    ///
    /// It is configured wrongly.
    pub fn public_operations(&self) -> Result<auth::PublicOperations, Error> {
        let mut problems = Problems::default();
        let public = public_operations(self, &mut problems);
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(public) } else { Err(Error::Problems { problems }) }
    }

    /// Keys and public operations: all that commands need besides the schema to tell what keys may do. No secret is kept.
    ///
    /// # Errors
    ///
    /// They are configured wrongly.
    pub fn grants(&self) -> Result<Grants, Error> {
        let mut problems = Problems::default();
        let mut settings = self.clone();
        settings.read_files(&mut problems, &mut Vec::new());
        let public = public_operations(&settings, &mut problems);
        let keys =
            settings.jwt_auth_keys.as_ref().map(|text| keys::parse(text.expose_secret(), keys::Samples::Accepted));
        let keys = match keys {
            Some(Ok(keys)) => keys.into_iter().map(|key| (key.id, key.scopes)).collect(),
            Some(Err(found)) => {
                for problem in found {
                    problems.push("JWT_AUTH_KEYS", problem);
                }
                Vec::new()
            }
            None => Vec::new(),
        };
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(Grants { keys, public }) } else { Err(Error::Problems { problems }) }
    }

    fn schema_source(&self, problems: &mut Problems) -> SchemaSource {
        match self.schema_dir.as_deref() {
            Some(folder) if !Path::new(folder).is_dir() => {
                let message =
                    format!("`{folder}` is no folder: name one with *.graphql files in it, or remove the variable");
                problems.push("SCHEMA_DIR", message);
                SchemaSource::BuiltIn
            }
            Some(folder) => SchemaSource::Folder(folder.into()),
            None if Path::new(SCHEMA_FOLDER).is_dir() => SchemaSource::Folder(SCHEMA_FOLDER.into()),
            None => SchemaSource::BuiltIn,
        }
    }
}

#[cfg(test)]
mod tests;
