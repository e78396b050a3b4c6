//! `POST /jwt` without HTTP: who asks, for what, and the token for it. Texts and order of checks are the CE-API's.

use serde_json::Value;
use uuid::Uuid;

use super::keys::KeyRing;
use super::token::Tokens;
use crate::scope::{Refusal, Scope};

/// A token, and what it is good for.
pub struct Minted {
    /// To be sent as `Authorization: Bearer <jwt>`.
    pub jwt: String,
    /// From now on.
    pub expires_in_seconds: u64,
    /// As requested, separated by blanks (RFC 6749, section 3.3).
    pub scope: String,
    /// The key that it is for.
    pub id: String,
    /// The claim `jti`.
    pub token_id: Uuid,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Minted").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Why there is no token. The first five texts are the CE-API's, letter by letter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// Or one is empty.
    #[error("The `apiKey` or `id` property is missing in the request body")]
    MissingCredentials,
    /// Or it is empty, or no array.
    #[error("The `scopes` property is missing or not an Array with at least one scope")]
    MissingScopes,
    /// Which of the two is wrong is not told.
    #[error("The apiKey and id combination is not correct")]
    WrongCredentials,
    /// The first such scope.
    #[error("You don't have access to the requested '{requested}' scope")]
    NotAllowed {
        /// As it was sent, shortened if malformed.
        requested: String,
        /// A scope which it covers and the key does not.
        counter_example: Option<String>,
        /// What else is wrong with it.
        reason: Option<String>,
    },
    /// A number, say.
    #[error("Expected input to be a string")]
    NotAString,
    /// More than a token may hold.
    #[error("{requested} scopes are too many: request at most {allowed}")]
    TooManyScopes {
        /// As sent.
        requested: usize,
        /// As allowed.
        allowed: usize,
    },
    /// All of them together.
    #[error("the requested scopes make the token too long: request fewer, or use `*` in them")]
    TokenTooLong,
}

impl MintError {
    /// A fixed word for logs, since the text quotes what was sent.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MissingCredentials => "missing_credentials",
            Self::MissingScopes => "missing_scopes",
            Self::WrongCredentials => "wrong_credentials",
            Self::NotAllowed { .. } => "scope_not_allowed",
            Self::NotAString => "scope_not_a_string",
            Self::TooManyScopes { .. } => "too_many_scopes",
            Self::TokenTooLong => "token_too_long",
        }
    }
}

/// What a token shall be minted for, all checked.
pub(super) struct Order {
    id: String,
    scopes: Vec<String>,
    lifetime_seconds_max: Option<u64>,
}

impl Order {
    /// Of the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// Whether the request may have what it asks for.
pub(super) fn authorize(keys: &KeyRing, request: &Value, universe: &[Scope], now: u64) -> Result<Order, MintError> {
    let (id, api_key) = credentials(request)?;
    let requested = match request.get("scopes") {
        Some(Value::Array(scopes)) if !scopes.is_empty() => scopes,
        _ => return Err(MintError::MissingScopes),
    };
    let key = id
        .as_str()
        .zip(api_key.as_str())
        .and_then(|(id, api_key)| keys.authenticate(id, api_key, now))
        .ok_or(MintError::WrongCredentials)?;
    // The first offending scope is told, so those before one that is no text come first.
    let scopes: Vec<_> = requested.iter().map_while(|scope| scope.as_str().map(str::to_owned)).collect();
    key.scopes.grant(&scopes, universe)?;
    if scopes.len() < requested.len() {
        return Err(MintError::NotAString);
    }
    Ok(Order { id: key.id.as_ref().into(), scopes, lifetime_seconds_max: key.lifetime_seconds_max })
}

/// The token for an order.
pub(super) fn issue(tokens: &Tokens, order: Order, token_id: Uuid, now: u64) -> Result<Minted, MintError> {
    let expires_in_seconds = tokens.lifetime_seconds(order.lifetime_seconds_max);
    let jwt =
        tokens.sign(&order.id, &order.scopes, token_id, now, expires_in_seconds).ok_or(MintError::TokenTooLong)?;
    let scope = order.scopes.join(" ");
    Ok(Minted { jwt, expires_in_seconds, scope, id: order.id, token_id })
}

fn credentials(request: &Value) -> Result<(&Value, &Value), MintError> {
    request
        .get("id")
        .filter(|id| is_truthy(id))
        .zip(request.get("apiKey").filter(|api_key| is_truthy(api_key)))
        .ok_or(MintError::MissingCredentials)
}

/// As JavaScript sees it: what is falsy was "missing", anything else "not correct".
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => true,
    }
}

impl From<Refusal> for MintError {
    fn from(refusal: Refusal) -> Self {
        let explanation = refusal.to_string();
        match refusal {
            Refusal::Malformed { requested, reason } => {
                Self::NotAllowed { requested, counter_example: None, reason: Some(reason.to_string()) }
            }
            Refusal::NotContained { requested, counter_example } => {
                Self::NotAllowed { requested, counter_example: Some(counter_example), reason: None }
            }
            Refusal::Undecided { requested } => {
                Self::NotAllowed { requested, counter_example: None, reason: Some(explanation) }
            }
            Refusal::TooMany { patterns, patterns_max } => {
                Self::TooManyScopes { requested: patterns, allowed: patterns_max }
            }
        }
    }
}
