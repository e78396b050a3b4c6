//! Who calls, and what they may do: API keys, the tokens minted for them, and the guard over fields.
//!
//! Knows nothing of HTTP: a header is bytes, a request body is JSON. Tokens are checked as RFC 8725 has it.

mod access;
mod keys;
mod bearer;
mod token;
mod mint;
mod guard;
mod public;
mod subject;

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::scope::{Scope, ScopeSet};

pub use access::{Access, Denial, DenialReason, Principal, TokenError};
pub use guard::RequireScope;
pub use keys::{Key, KeyRing};
pub use mint::{MintError, Minted};
pub use public::PublicOperations;
pub use subject::{Subject, Verdict};
pub use token::TOKEN_BYTES_MAX;

const VERIFIED_TOKENS_MAX: usize = 4096;

/// What minting and verifying depend on.
#[derive(Debug)]
pub struct Settings {
    /// Signs the tokens (HS256).
    pub secret: SecretString,
    /// How long a token is valid.
    pub lifetime: Duration,
    /// Written into tokens, and required of them.
    pub issuer: String,
    /// Written into tokens; one of them is required. Empty: tokens have none.
    pub audience: Vec<String>,
    /// Who may mint; ids are distinct.
    pub keys: Vec<Key>,
}

/// Why an [`Authority`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was signed could not be verified.
    #[error("tokens cannot be signed and verified on this machine: this build of Clef is broken")]
    SelfTest,
}

/// Mints tokens and tells what a caller may do.
///
/// Secret and keys never change: with others, make another one.
pub struct Authority {
    keys: KeyRing,
    tokens: token::Tokens,
    verified: Cache<[u8; 32], Verified>,
    anonymous: Arc<Access>,
    clock: Clock,
}

/// A token that was verified before, so that only its age is left to check.
#[derive(Clone)]
struct Verified {
    expires_at: f64,
    access: Arc<Access>,
}

impl Authority {
    /// # Errors
    ///
    /// [`Error::SelfTest`]. The library panics here if it was built without its cryptography.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let tokens = token::Tokens::new(&settings);
        tokens.self_test()?;
        Ok(Self {
            keys: KeyRing::new(settings.keys),
            tokens,
            verified: Cache::new(VERIFIED_TOKENS_MAX),
            anonymous: Arc::new(Access::Anonymous),
            clock,
        })
    }

    /// What the caller may do who sent these values of the header `Authorization`, usually one or none.
    ///
    /// No header or a blank one is [`Access::Anonymous`], as clients without a token send it blank.
    pub fn access<'value>(&self, authorization: impl IntoIterator<Item = &'value [u8]>) -> Arc<Access> {
        match bearer::token(authorization) {
            Ok(None) => Arc::clone(&self.anonymous),
            Ok(Some(token)) => self.access_with(token),
            Err(bearer::Malformed) => Arc::new(Access::Refused(TokenError::Invalid)),
        }
    }

    /// A token for what `request` asks for: `{id, apiKey, scopes}`. `universe` makes refusals better to read.
    ///
    /// # Errors
    ///
    /// Why there is none, for the client to read.
    pub fn mint(&self, request: &serde_json::Value, universe: &[Scope], token_id: Uuid) -> Result<Minted, MintError> {
        let order = mint::authorize(&self.keys, request, universe)?;
        mint::issue(&self.tokens, &order, token_id, self.clock.seconds())
    }

    /// What a key allows, told only to who has its secret. Takes as long for an unknown id as for a wrong secret.
    pub fn key_scopes(&self, id: &str, api_key: &str) -> Option<(Arc<str>, ScopeSet)> {
        self.keys.authenticate(id, api_key).map(|entry| (Arc::clone(&entry.id), entry.scopes.clone()))
    }

    /// Whether there is anybody to mint for.
    pub fn can_mint(&self) -> bool {
        !self.keys.is_empty()
    }

    fn access_with(&self, token: &str) -> Arc<Access> {
        if token.len() > token::TOKEN_BYTES_MAX {
            return Arc::new(Access::Refused(TokenError::Invalid));
        }
        let now = self.clock.seconds();
        // By digest, so that no token stands in memory longer than its request.
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(verified) = self.verified.get(&digest) {
            if !token::is_expired(verified.expires_at, now) {
                return verified.access;
            }
            self.verified.remove(&digest);
        }
        match self.tokens.verify(token, &self.keys, now) {
            Ok((principal, expires_at)) => {
                let access = Arc::new(Access::Granted(principal));
                let verified = Verified { expires_at, access: Arc::clone(&access) };
                self.verified.insert(digest, verified);
                access
            }
            Err(error) => Arc::new(Access::Refused(error)),
        }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
