//! About whom one asks what is allowed, and by which glob. Decides as [`Access::check`] does.

use std::sync::Arc;

use super::access::{Access, Denial, DenialReason};
use crate::scope::ScopeSet;

/// Who would run a document.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Who sent, or did not send, a token.
    Caller(Arc<Access>),
    /// A token with these scopes, whatever its key allows.
    Scopes(ScopeSet),
    /// A token with all scopes of a key, or with those given.
    Key {
        /// Its id.
        id: Arc<str>,
        /// What it allows.
        key: ScopeSet,
        /// What the token would allow.
        token: Option<ScopeSet>,
    },
}

/// Why something is allowed, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The glob of the token that covers the scope.
    pub token_glob: Option<String>,
    /// The glob of the key that covers the scope.
    pub key_glob: Option<String>,
    /// None if it is allowed.
    pub denial: Option<Denial>,
}

impl Subject {
    /// A word for the kind of subject.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Caller(access) => match **access {
                Access::Anonymous => "anonymous",
                Access::Refused(_) => "refused",
                Access::Granted(_) => "token",
            },
            Self::Scopes(_) => "scopes",
            Self::Key { .. } => "key",
        }
    }

    /// The id of the key, if there is one.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Caller(access) => match &**access {
                Access::Granted(principal) => Some(&principal.id),
                Access::Anonymous | Access::Refused(_) => None,
            },
            Self::Scopes(_) => None,
            Self::Key { id, .. } => Some(id),
        }
    }

    /// Whether a scope is granted, by which globs, or why not.
    pub fn verdict(&self, scope: &str) -> Verdict {
        let (token, key) = self.sets();
        let glob = |set: Option<&ScopeSet>| set.and_then(|set| set.granting(scope)).map(str::to_owned);
        let denial = match self {
            Self::Caller(access) => access.check(scope).err(),
            Self::Scopes(_) | Self::Key { .. } => {
                let is_granted = [token, key].into_iter().flatten().all(|set| set.grants(scope));
                (!is_granted).then(|| Denial { reason: DenialReason::MissingScope, required_scope: scope.into() })
            }
        };
        Verdict { token_glob: glob(token), key_glob: glob(key), denial }
    }

    /// Of the token and of the key, as far as there are.
    fn sets(&self) -> (Option<&ScopeSet>, Option<&ScopeSet>) {
        match self {
            Self::Caller(access) => match &**access {
                Access::Granted(principal) => (Some(&principal.token_scopes), Some(&principal.key_scopes)),
                Access::Anonymous | Access::Refused(_) => (None, None),
            },
            Self::Scopes(scopes) => (Some(scopes), None),
            Self::Key { key, token, .. } => (token.as_ref(), Some(key)),
        }
    }

    /// Why a scope is not granted, in a sentence.
    pub fn reason(&self, verdict: &Verdict) -> Option<String> {
        let denial = verdict.denial.as_ref()?;
        let scope = &denial.required_scope;
        let (token, key) = self.sets();
        Some(match denial.reason {
            DenialReason::NoToken => format!("no token was given: mint one with the scope `{scope}`"),
            DenialReason::ExpiredToken => "the token is expired: mint another".to_owned(),
            DenialReason::InvalidToken => "the token is not valid here: mint one with `POST /jwt`".to_owned(),
            DenialReason::UncheckedToken => "it cannot be told now whether the token was revoked".to_owned(),
            DenialReason::MissingScope => {
                let lacks_token = token.is_some() && verdict.token_glob.is_none();
                let lacks_key = key.is_some() && verdict.key_glob.is_none();
                match (lacks_token, lacks_key) {
                    (true, true) => format!("neither a glob of the token nor one of its key covers `{scope}`"),
                    (false, _) => format!("no glob of the key covers `{scope}`: the operator has to add it"),
                    (true, false) if key.is_some() => {
                        format!("no glob of the token covers `{scope}`, but the key allows it: mint a token with it")
                    }
                    (true, false) => format!("no glob covers `{scope}`"),
                }
            }
        })
    }
}
