//! Who calls, and what they may do: API keys, the tokens minted for them, and the guard over fields.
//!
//! Knows nothing of HTTP: a header is bytes, a request body is JSON. Tokens are checked as RFC 8725 has it.

mod access;
mod secrets;
mod api_key;
mod hash;
mod keys;
mod settings;
mod bearer;
mod token;
mod mint;
mod inspect;
mod revocation;
mod guard;
mod public;
mod subject;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::clock::Clock;
use crate::scope::{Scope, ScopeSet};

pub use access::{Access, Denial, DenialReason, Principal, TokenError};
pub use api_key::{ApiKeyForm, form as api_key_form, generate as generate_api_key};
pub use guard::RequireScope;
pub use hash::{ApiKeyHash, Argon2Hash, Digest, HashError};
pub use inspect::Inspection;
pub use keys::{ApiKey, ApiKeySecret, Key};
pub use mint::{MintError, Minted};
pub use public::PublicOperations;
pub use revocation::Revocable;
pub use secrets::Secret;
pub use settings::{Leeway, Settings, TokenType};
pub use subject::{Subject, Verdict};
pub use token::TOKEN_BYTES_MAX;

use keys::KeyRing;
use revocation::RevokedSet;

const VERIFIED_TOKENS_MAX: usize = 4096;

/// Why an [`Authority`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was signed could not be verified.
    #[error("tokens cannot be signed and verified on this machine: this build of Clef is broken")]
    SelfTest,
    /// The list is empty.
    #[error("there is no secret to sign tokens with")]
    NoSecret,
}

/// Mints tokens and tells what a caller may do.
pub struct Authority {
    /// Secrets and keys, all of which change at once.
    current: ArcSwap<Credentials>,
    revoked: ArcSwap<RevokedSet>,
    reading: tokio::sync::Mutex<()>,
    /// Whether what is revoked could not be read for so long that no token can be trusted.
    is_blind: AtomicBool,
    anonymous: Arc<Access>,
    clock: Clock,
}

/// Secrets and keys of one moment, and what was verified by them.
struct Credentials {
    keys: KeyRing,
    tokens: token::Tokens,
    verified: Cache<[u8; 32], Verified>,
}

/// A token that was verified before, so that only its age is left to check.
#[derive(Clone)]
struct Verified {
    until: token::Until,
    issued_at: Option<f64>,
    access: Arc<Access>,
}

impl Authority {
    /// # Errors
    ///
    /// [`Error::NoSecret`], [`Error::SelfTest`]. The library panics here if it was built without its cryptography.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Error> {
        let current = ArcSwap::from_pointee(Credentials::new(settings)?);
        let anonymous = Arc::new(Access::Anonymous);
        let (revoked, reading, is_blind) = (ArcSwap::default(), tokio::sync::Mutex::default(), AtomicBool::new(false));
        Ok(Self { current, revoked, reading, is_blind, anonymous, clock })
    }

    /// From now on no token is accepted, or tokens are again: whether it is known what is revoked.
    pub fn set_blind(&self, is_blind: bool) {
        self.is_blind.store(is_blind, Ordering::Relaxed);
    }

    /// From now on, these secrets and keys and no others: tokens are verified anew.
    ///
    /// # Errors
    ///
    /// As for [`Self::new`]; nothing is changed then.
    pub fn replace(&self, settings: Settings) -> Result<(), Error> {
        self.current.store(Arc::new(Credentials::new(settings)?));
        Ok(())
    }

    /// What the caller may do who sent these values of the header `Authorization`, usually one or none.
    ///
    /// No header or a blank one is [`Access::Anonymous`], as clients without a token send it blank.
    pub fn access<'value>(&self, authorization: impl IntoIterator<Item = &'value [u8]>) -> Arc<Access> {
        match bearer::token(authorization) {
            Ok(None) => Arc::clone(&self.anonymous),
            Ok(Some(_)) if self.is_blind.load(Ordering::Relaxed) => Arc::new(Access::Refused(TokenError::Unchecked)),
            Ok(Some(token)) => self.current.load().access(token, &self.revoked.load(), self.clock.seconds()),
            Err(bearer::Malformed) => Arc::new(Access::Refused(TokenError::Invalid)),
        }
    }

    /// A token for what `request` asks for: `{id, apiKey, scopes}`. `universe` makes refusals better to read.
    ///
    /// # Errors
    ///
    /// Why there is none, for the client to read.
    pub fn mint(&self, request: &serde_json::Value, universe: &[Scope], token_id: Uuid) -> Result<Minted, MintError> {
        let (current, now) = (self.current.load_full(), self.clock.seconds());
        let order = mint::authorize(&current.keys, request, universe, now)?;
        if self.revoked.load().has_key(order.id()) {
            return Err(MintError::WrongCredentials);
        }
        mint::issue(&current.tokens, order, token_id, now)
    }

    /// What a token says, and why it is good or not: not for callers.
    pub fn inspect(&self, token: &str) -> Inspection {
        self.current.load().inspect(token, self.clock.seconds())
    }

    /// The id of `request`, if there is such a key: others may be anything, perhaps a secret.
    pub fn known_id(&self, request: &serde_json::Value) -> Option<Arc<str>> {
        self.current.load().keys.known_id(request.get("id")?.as_str()?)
    }

    /// What a key allows, told only to who has its secret. Takes as long for an unknown id as for a wrong secret.
    pub fn key_scopes(&self, id: &str, api_key: &str) -> Option<(Arc<str>, ScopeSet)> {
        let (current, now) = (self.current.load(), self.clock.seconds());
        let entry =
            current.keys.authenticate(id, api_key, now).filter(|entry| !self.revoked.load().has_key(&entry.id))?;
        Some((Arc::clone(&entry.id), entry.scopes.clone()))
    }

    /// Whether there is anybody to mint for.
    pub fn can_mint(&self) -> bool {
        !self.current.load().keys.is_empty()
    }

    /// Whether [`Self::mint`] may take tens of milliseconds and megabytes, since keys are hashed to take them.
    pub fn is_slow_to_mint(&self) -> bool {
        self.current.load().keys.is_slow()
    }
}

impl Credentials {
    fn new(settings: Settings) -> Result<Self, Error> {
        let tokens = token::Tokens::new(&settings)?;
        tokens.self_test()?;
        Ok(Self { keys: KeyRing::new(settings.keys), tokens, verified: Cache::new(VERIFIED_TOKENS_MAX) })
    }

    fn access(&self, token: &str, revoked: &RevokedSet, now: u64) -> Arc<Access> {
        if token.len() > token::TOKEN_BYTES_MAX {
            return Arc::new(Access::Refused(TokenError::Invalid));
        }
        // By digest, so that no token stands in memory longer than its request.
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(verified) = self.verified.get(&digest) {
            if verified.until.check(now).is_ok() {
                return verified.unless(revoked);
            }
            self.verified.remove(&digest);
        }
        match self.tokens.verify(token, &self.keys, now) {
            Ok(token::Verified { principal, until, issued_at }) => {
                let verified = Verified { until, issued_at, access: Arc::new(Access::Granted(principal)) };
                self.verified.insert(digest, verified.clone());
                verified.unless(revoked)
            }
            Err(error) => Arc::new(Access::Refused(error)),
        }
    }
}

impl Verified {
    /// What it allows, unless it was revoked since.
    fn unless(self, revoked: &RevokedSet) -> Arc<Access> {
        match &*self.access {
            Access::Granted(principal) if revoked.has(principal, self.issued_at) => {
                Arc::new(Access::Refused(TokenError::Invalid))
            }
            _ => self.access,
        }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").field("keys", &self.current.load().keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
