//! API keys: who may have tokens minted, and for what.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::scope::ScopeSet;

/// One entry of `JWT_AUTH_KEYS`.
#[derive(Debug)]
pub struct Key {
    /// Like a user name.
    pub id: Arc<str>,
    /// Like a password.
    pub api_key: SecretString,
    /// The most its tokens may be good for.
    pub scopes: ScopeSet,
}

/// All keys, by id. Holds digests of the secrets only.
pub struct KeyRing {
    keys: HashMap<Arc<str>, Entry>,
}

pub(super) struct Entry {
    pub(super) id: Arc<str>,
    pub(super) scopes: ScopeSet,
    digest: [u8; 32],
}

impl KeyRing {
    /// Of two keys with one id, the last remains.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let entry = |key: Key| {
            let entry =
                Entry { id: Arc::clone(&key.id), digest: digest(key.api_key.expose_secret()), scopes: key.scopes };
            (key.id, entry)
        };
        Self { keys: keys.into_iter().map(entry).collect() }
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.keys.get(id)
    }

    /// The key of that id, if its secret is right. Takes as long for an unknown id as for a wrong secret.
    pub(super) fn authenticate(&self, id: &str, api_key: &str) -> Option<&Entry> {
        let entry = self.keys.get(id);
        // Digests are of one length, so that the comparison tells nothing about the secret's.
        let expected = entry.map_or([0; 32], |entry| entry.digest);
        let is_right = bool::from(digest(api_key).ct_eq(&expected));
        entry.filter(|_| is_right)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.keys.keys()).finish()
    }
}
