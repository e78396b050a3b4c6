//! What minting and verifying depend on.

use std::time::Duration;

use super::{Key, Secret};

/// What minting and verifying depend on.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The first signs the tokens (HS256), all verify them; at least one.
    pub secrets: Vec<Secret>,
    /// How long a token is valid.
    pub lifetime: Duration,
    /// Written into tokens, and required of them.
    pub issuer: String,
    /// Written into tokens; one of them is required. Empty: tokens have none.
    pub audience: Vec<String>,
    /// The first is minted, all are accepted. Empty: [`TokenType::Jwt`] only.
    pub token_types: Vec<TokenType>,
    /// How far clocks may differ.
    pub leeway: Leeway,
    /// Who may mint; ids are distinct.
    pub keys: Vec<Key>,
}

/// How far the clocks of two servers that share a secret may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeway {
    /// A token is accepted that much before its `iat` and `nbf`.
    pub before: Duration,
    /// A token is accepted that much after its `exp`.
    pub after: Duration,
}

impl Default for Leeway {
    /// An expired token has no grace, as with the CE-API.
    fn default() -> Self {
        Self { before: Duration::from_secs(5), after: Duration::ZERO }
    }
}

/// The header parameter `typ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// `JWT` or none, as the CE-API has it.
    Jwt,
    /// `at+jwt`, an access token by RFC 9068.
    AccessToken,
}

impl TokenType {
    /// As it is minted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AccessToken => "at+jwt",
        }
    }

    /// None for what is neither. The prefix `application/` may be left out (RFC 7515, section 4.1.9).
    pub fn of(typ: Option<&str>) -> Option<Self> {
        let Some(typ) = typ else {
            return Some(Self::Jwt);
        };
        if typ.eq_ignore_ascii_case("JWT") {
            Some(Self::Jwt)
        } else if typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt") {
            Some(Self::AccessToken)
        } else {
            None
        }
    }
}
