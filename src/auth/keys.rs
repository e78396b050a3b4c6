//! API keys: who may have tokens minted, for what, and for how long.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::hash::{ApiKeyHash, Argon2Hash, Digest};
use crate::scope::ScopeSet;

/// One entry of `JWT_AUTH_KEYS`.
#[derive(Clone, Debug)]
pub struct Key {
    /// Like a user name.
    pub id: Arc<str>,
    /// Like passwords: any of them will do. Several while one takes over from another.
    pub api_keys: Vec<ApiKey>,
    /// The most its tokens may be good for.
    pub scopes: ScopeSet,
    /// Seconds since the epoch: from then on neither it nor its tokens are good.
    pub expires_at: Option<u64>,
    /// Whether neither it nor its tokens are good.
    pub is_disabled: bool,
    /// The longest life of its tokens, also of those that were minted before, in seconds.
    pub lifetime_seconds_max: Option<u64>,
}

/// Proves that a request comes from whom the key was given to.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// What it must be.
    pub secret: ApiKeySecret,
    /// Seconds since the epoch: from then on it mints nothing. Tokens are not touched.
    pub expires_at: Option<u64>,
}

/// An API key as it was configured.
#[derive(Clone, Debug)]
pub enum ApiKeySecret {
    /// Itself.
    Plain(SecretString),
    /// Only what it is checked against.
    Hashed(ApiKeyHash),
}

impl Key {
    /// A key that is good for ever.
    pub fn new(id: &str, api_key: impl Into<SecretString>, scopes: ScopeSet) -> Self {
        let api_key = ApiKey { secret: ApiKeySecret::Plain(api_key.into()), expires_at: None };
        Self {
            id: id.into(),
            api_keys: vec![api_key],
            scopes,
            expires_at: None,
            is_disabled: false,
            lifetime_seconds_max: None,
        }
    }
}

/// All keys, by id. Holds digests of the secrets only.
pub(super) struct KeyRing {
    keys: HashMap<Arc<str>, Entry>,
    /// What the most costly key takes; others are made to take as long.
    slow_checks_max: usize,
    /// Checked in place of what is not there.
    decoy: Option<Argon2Hash>,
}

pub(super) struct Entry {
    pub(super) id: Arc<str>,
    pub(super) scopes: ScopeSet,
    pub(super) expires_at: Option<u64>,
    pub(super) lifetime_seconds_max: Option<u64>,
    is_disabled: bool,
    fast: Vec<(Digest, Option<u64>)>,
    slow: Vec<(Argon2Hash, Option<u64>)>,
}

impl KeyRing {
    /// Of two keys with one id, the last remains.
    pub(super) fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let keys: HashMap<_, _> = keys.into_iter().map(|key| (Arc::clone(&key.id), Entry::new(key))).collect();
        let slow_checks_max = keys.values().map(|entry| entry.slow.len()).max().unwrap_or(0);
        let decoy = keys.values().find_map(|entry| entry.slow.first()).map(|(hash, _)| hash.clone());
        Self { keys, slow_checks_max, decoy }
    }

    /// Whether there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The id itself, if a key has it.
    pub(super) fn known_id(&self, id: &str) -> Option<Arc<str>> {
        self.keys.get_key_value(id).map(|(id, _)| Arc::clone(id))
    }

    /// Whether [`Self::authenticate`] may take much time and memory.
    pub(super) fn is_slow(&self) -> bool {
        self.slow_checks_max > 0
    }

    /// The key of that id, if it is good now.
    pub(super) fn get(&self, id: &str, now: u64) -> Option<&Entry> {
        self.keys.get(id).filter(|entry| entry.is_good(now))
    }

    /// The key of that id, good or not.
    pub(super) fn any(&self, id: &str) -> Option<&Entry> {
        self.keys.get(id)
    }

    /// The key of that id, if it is good now and its secret is right. A refusal takes as long for an unknown id, and for
    /// any other key, as for a wrong secret.
    pub(super) fn authenticate(&self, id: &str, api_key: &str, now: u64) -> Option<&Entry> {
        let entry = self.keys.get(id);
        let is_good = entry.is_some_and(|entry| entry.is_good(now));
        let digest = Digest::of(api_key);
        let none = [(Digest::default(), Some(0))];
        let fast = entry.map_or(none.as_slice(), |entry| entry.fast.as_slice());
        // All are compared, as stopping early would tell which is right.
        let mut is_right = fast.iter().fold(false, |is_right, (expected, expires_at)| {
            (is_good & digest.is(expected) & !has_passed(*expires_at, now)) | is_right
        });
        let slow = entry.map_or([].as_slice(), |entry| entry.slow.as_slice());
        let decoys = std::iter::repeat_with(|| self.decoy.as_ref().map(|hash| (hash, Some(0)))).flatten();
        let checks = slow.iter().map(|(hash, expires_at)| (hash, *expires_at)).chain(decoys);
        for (hash, expires_at) in checks.take(self.slow_checks_max) {
            if is_right {
                break;
            }
            is_right = is_good & hash.verifies(api_key) & !has_passed(expires_at, now);
        }
        entry.filter(|_| is_right)
    }
}

impl Entry {
    fn new(key: Key) -> Self {
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        for ApiKey { secret, expires_at } in key.api_keys {
            match secret {
                ApiKeySecret::Plain(plain) => fast.push((Digest::of(plain.expose_secret()), expires_at)),
                ApiKeySecret::Hashed(ApiKeyHash::Sha256(digest)) => fast.push((digest, expires_at)),
                ApiKeySecret::Hashed(ApiKeyHash::Argon2(hash)) => slow.push((hash, expires_at)),
            }
        }
        Self {
            id: key.id,
            scopes: key.scopes,
            expires_at: key.expires_at,
            lifetime_seconds_max: key.lifetime_seconds_max,
            is_disabled: key.is_disabled,
            fast,
            slow,
        }
    }

    /// Why it is not good.
    pub(super) fn fault(&self, now: u64) -> Option<&'static str> {
        if self.is_disabled { Some("is disabled") } else { has_passed(self.expires_at, now).then_some("has expired") }
    }

    fn is_good(&self, now: u64) -> bool {
        !self.is_disabled && !has_passed(self.expires_at, now)
    }
}

pub(super) fn has_passed(expires_at: Option<u64>, now: u64) -> bool {
    expires_at.is_some_and(|expires_at| now >= expires_at)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.keys.keys()).finish()
    }
}
