//! Tokens and keys that were revoked before their time, as the database says: in memory, so that a token is looked up without I/O.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::access::Principal;
use super::{Authority, Credentials};
use crate::storage::{Error, Revocation, Revoked, Storage};

/// What is revoked.
#[derive(Clone, Debug, Default)]
pub(super) struct RevokedSet {
    /// Number of the last row that is in it.
    last: i64,
    /// Ids, with when they expire.
    pub(super) tokens: HashMap<String, Option<u64>>,
    keys: HashSet<String>,
    /// For each key, up to when its tokens were minted, in seconds since the epoch.
    minted: HashMap<String, u64>,
}

/// What a client asks to be revoked.
#[derive(Debug, PartialEq, Eq)]
pub enum Revocable {
    /// A token of the client: the row that revokes it.
    Token(Revocation),
    /// No token of this server, or none that would be good for anything.
    Unknown,
    /// Of another key.
    Foreign,
    /// It has no id: only all tokens of its key can be revoked.
    Nameless,
}

impl RevokedSet {
    /// Whether a token is.
    pub(super) fn has(&self, principal: &Principal, issued_at: Option<f64>) -> bool {
        let is_old = |before: &u64| {
            issued_at.is_none_or(|issued_at| issued_at < std::time::Duration::from_secs(before + 1).as_secs_f64())
        };
        self.has_key(&principal.id)
            || (!self.tokens.is_empty()
                && principal.token_id.as_ref().is_some_and(|id| self.tokens.contains_key(&**id)))
            || (!self.minted.is_empty() && self.minted.get(&*principal.id).is_some_and(is_old))
    }

    /// Whether a key is.
    pub(super) fn has_key(&self, id: &str) -> bool {
        !self.keys.is_empty() && self.keys.contains(id)
    }

    fn add(&mut self, number: i64, revocation: Revocation) {
        self.last = number;
        let Revocation { kind, id, before, until } = revocation;
        match kind {
            Revoked::Token => drop(self.tokens.insert(id, until)),
            Revoked::Key => drop(self.keys.insert(id)),
            Revoked::Minted => {
                let time = self.minted.entry(id).or_default();
                *time = before.unwrap_or(u64::MAX - 1).max(*time);
            }
            Revoked::Restored => drop(self.keys.remove(&id)),
        }
    }
}

impl Authority {
    /// Takes over what the database says is revoked.
    ///
    /// # Errors
    ///
    /// As reads of the storage.
    pub async fn read_revocations(&self, storage: &Storage) -> Result<(), Error> {
        let _alone = self.reading.lock().await;
        loop {
            let known = self.revoked.load_full();
            let found = storage.revocations_after(known.last).await?;
            // Fewer than before: another database, or only rows that said nothing any more.
            if found.last.unwrap_or(0) < known.last {
                let rest = storage.revocations_after(0).await?;
                self.revoked.store(Arc::new(RevokedSet::default().with(rest.into_rows(), self.clock.seconds())));
                continue;
            }
            let mut rows = found.into_rows().peekable();
            if rows.peek().is_none() {
                return Ok(());
            }
            let set = RevokedSet::clone(&known).with(rows, self.clock.seconds());
            self.revoked.store(Arc::new(set));
        }
    }

    /// The id of the key whose secret this is.
    pub fn authenticate(&self, id: &str, api_key: &str) -> Option<Arc<str>> {
        self.key_scopes(id, api_key).map(|(id, _)| id)
    }

    /// What it takes to revoke a token for the owner of a key. Expired and revoked ones need nothing.
    pub fn revocable(&self, key_id: &str, token: &str) -> Revocable {
        match self.current.load().revocable(key_id, token, self.clock.seconds()) {
            Revocable::Token(revocation) if self.revoked.load().tokens.contains_key(&revocation.id) => {
                Revocable::Unknown
            }
            revocable => revocable,
        }
    }
}

impl RevokedSet {
    fn with(mut self, rows: impl Iterator<Item = (i64, Revocation)>, now: u64) -> Self {
        self.tokens.retain(|_, until| until.is_none_or(|until| until > now));
        for (number, revocation) in rows {
            self.add(number, revocation);
        }
        self
    }
}

impl Credentials {
    fn revocable(&self, key_id: &str, token: &str, now: u64) -> Revocable {
        let Some(claims) = self.tokens.signed(token) else { return Revocable::Unknown };
        if claims.get("id").and_then(Value::as_str) != Some(key_id) {
            return Revocable::Foreign;
        }
        let Some(until) = self.tokens.end(&claims).filter(|end| *end > now) else { return Revocable::Unknown };
        match claims.get("jti").and_then(Value::as_str) {
            Some(id) => Revocable::Token(Revocation {
                kind: Revoked::Token,
                id: id.to_owned(),
                before: None,
                until: Some(until),
            }),
            None => Revocable::Nameless,
        }
    }
}
