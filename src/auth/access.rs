//! What a caller may do, and how a refusal reads.

use std::sync::Arc;

use crate::scope::ScopeSet;

/// What is known of a caller.
#[derive(Debug)]
pub enum Access {
    /// No token was sent.
    Anonymous,
    /// A token was sent that cannot be used.
    Refused(TokenError),
    /// A good token was sent.
    Granted(Principal),
}

/// Why a token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It was good once.
    Expired,
    /// Anything else. More is not told to callers.
    Invalid,
    /// It is not known whether it was revoked.
    Unchecked,
}

/// Who calls with a good token.
#[derive(Debug)]
pub struct Principal {
    /// The key it was minted for.
    pub id: Arc<str>,
    /// The claim `jti`.
    pub token_id: Option<Arc<str>>,
    /// What the token allows.
    pub token_scopes: ScopeSet,
    /// What the key allows today, which may be less than when the token was minted.
    pub key_scopes: ScopeSet,
}

impl Principal {
    /// Whether both the token and its key allow it.
    pub fn grants(&self, scope: &str) -> bool {
        self.token_scopes.grants(scope) && self.key_scopes.grants(scope)
    }
}

impl Access {
    /// Whether the caller may do what needs `scope`.
    ///
    /// # Errors
    ///
    /// Why not, for the client to read.
    pub fn check(&self, scope: &str) -> Result<(), Denial> {
        let reason = match self {
            Self::Granted(principal) if principal.grants(scope) => return Ok(()),
            Self::Granted(_) => DenialReason::MissingScope,
            Self::Anonymous => DenialReason::NoToken,
            Self::Refused(TokenError::Expired) => DenialReason::ExpiredToken,
            Self::Refused(TokenError::Invalid) => DenialReason::InvalidToken,
            Self::Refused(TokenError::Unchecked) => DenialReason::UncheckedToken,
        };
        Err(Denial { reason, required_scope: scope.into() })
    }

    /// The scopes that the caller lacks, and why the first of them is refused; none if nothing is.
    pub fn denied<'a>(&self, scopes: impl IntoIterator<Item = &'a Arc<str>>) -> Option<(Denial, Vec<Arc<str>>)> {
        let denials = scopes.into_iter().filter_map(|scope| Some((Arc::clone(scope), self.check(scope).err()?)));
        let (missing, denials): (Vec<_>, Vec<_>) = denials.unzip();
        Some((denials.into_iter().next()?, missing))
    }
}

/// A scope is needed that the caller does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .reason.message())]
pub struct Denial {
    /// Why.
    pub reason: DenialReason,
    /// What was needed.
    pub required_scope: Box<str>,
}

impl Denial {
    /// As the CE-API wrote it.
    pub fn message(&self) -> &'static str {
        self.reason.message()
    }

    /// For `extensions.code`.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }
}

/// Why a caller does not have a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialReason {
    /// No token was sent.
    NoToken,
    /// The token was good once.
    ExpiredToken,
    /// The token was never good here.
    InvalidToken,
    /// The token may have been revoked.
    UncheckedToken,
    /// The token is good for other things.
    MissingScope,
}

impl DenialReason {
    // The CE-API's texts, letter by letter: clients compare them.
    fn message(self) -> &'static str {
        match self {
            Self::NoToken => "No authorization token.",
            Self::ExpiredToken => "Your token is expired",
            Self::UncheckedToken => "Your token cannot be checked now: try again later",
            Self::InvalidToken | Self::MissingScope => "You are not authorized for this resource",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::NoToken | Self::ExpiredToken | Self::InvalidToken => "UNAUTHENTICATED",
            Self::UncheckedToken => "SERVICE_UNAVAILABLE",
            Self::MissingScope => "FORBIDDEN",
        }
    }
}
