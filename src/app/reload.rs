//! Secrets and keys read again while the server runs: at SIGHUP, and when a file that holds them changes.
//!
//! The rest of the configuration is checked with them, but stays as it was at the start.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use tokio::signal::unix::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::auth::{self, Authority};
use crate::config::{self, Config, Environment};
use crate::graphql::Engine;

/// A file is taken as written once it looks the same twice, so that half of it is not. Looking at content finds files
/// that are swapped by a link as well.
const LOOK_EVERY: Duration = Duration::from_millis(400);

const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is read again.
#[derive(Debug)]
pub(super) struct Reload {
    environment: Environment,
    files: Arc<[PathBuf]>,
    applied: Look,
}

/// A digest of each file; none for one that cannot be read.
type Look = Vec<Option<[u8; 32]>>;

/// Why the earlier secrets and keys stay in use.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Auth(#[from] auth::Error),
    #[error("reading the configuration panicked")]
    Panic,
}

impl Reload {
    /// For a server that starts with this configuration, which was read a moment ago.
    pub(super) fn new(config: &Config) -> Self {
        let applied = look(&config.credential_files);
        Self { environment: config.environment, files: config.credential_files.as_slice().into(), applied }
    }

    /// Until the server ends.
    pub(super) async fn run(mut self, authority: Arc<Authority>, engine: Arc<Engine>, mut hangup: Signal) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = self.applied.clone();
        loop {
            let is_asked = tokio::select! {
                Some(()) = hangup.recv() => true,
                _ = ticks.tick(), if !self.files.is_empty() => false,
                else => return,
            };
            let files = Arc::clone(&self.files);
            let Ok(now) = spawn_blocking(move || look(&files)).await else {
                continue;
            };
            if is_asked || (now != self.applied && now == before) {
                self.read_again(&authority, &engine).await;
                self.applied.clone_from(&now);
            }
            before = now;
        }
    }

    async fn read_again(&self, authority: &Authority, engine: &Engine) {
        let environment = self.environment;
        let config = spawn_blocking(move || Config::read_again(environment, &mut OsRng)).await;
        let result = config.map_err(|_| Error::Panic).and_then(|config| apply(config?, authority, engine));
        match result {
            Ok(()) => {}
            Err(Error::Config(config::Error::Problems { problems })) => {
                for problem in problems {
                    let (variable, message) = (problem.variable, problem.message.as_str());
                    tracing::error!(
                        variable,
                        problem = message,
                        "reload refused: earlier secrets and keys stay in use"
                    );
                }
            }
            Err(error) => {
                let error = error.to_string();
                tracing::error!(problem = error.as_str(), "reload refused: earlier secrets and keys stay in use");
            }
        }
    }
}

fn apply(config: Config, authority: &Authority, engine: &Engine) -> Result<(), Error> {
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    super::start::warn_of_keys(engine.explainer().catalogue(), &config);
    let signs_with = config.auth.secrets.first().map(auth::Secret::key_id);
    let (secrets, keys) = (config.auth.secrets.len(), config.auth.keys.len());
    authority.replace(config.auth)?;
    tracing::info!(target: "audit", event = "reload", secrets, keys, signs_with = signs_with.as_deref(), "secrets and keys read again");
    Ok(())
}

fn look(files: &[PathBuf]) -> Look {
    files.iter().map(|file| digest(file).ok()).collect()
}

fn digest(file: &Path) -> std::io::Result<[u8; 32]> {
    let mut content = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok(Sha256::digest(&content).into())
}
