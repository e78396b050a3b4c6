//! JSON Web Tokens, HS256 only: signing and verifying. Knows the keys, but no requests.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::{Principal, TokenError};
use super::keys::KeyRing;
use super::{Error, Settings};
use crate::scope::ScopeSet;

/// Larger tokens are neither minted nor looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// How far the clocks of two servers that share a secret may differ. An expired token has no grace.
const CLOCK_SKEW_SECONDS: u64 = 5;

/// Signs and verifies with one secret, for one issuer.
pub(super) struct Tokens {
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: Vec<String>,
    lifetime_seconds: u64,
}

/// The claims of a token to be signed, in the CE-API's order, then ours.
#[derive(Serialize)]
struct Issued<'claims> {
    id: &'claims str,
    scopes: &'claims [String],
    iat: u64,
    exp: u64,
    iss: &'claims str,
    sub: &'claims str,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'claims>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'claims> {
    One(&'claims str),
    Several(&'claims [String]),
}

/// The claims of a token that was sent. A claim that stands there twice or has another form is an error.
#[derive(Deserialize)]
struct Presented {
    id: String,
    scopes: Vec<String>,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    iss: String,
    sub: Option<String>,
    jti: Option<String>,
}

impl Tokens {
    pub(super) fn new(settings: &Settings) -> Self {
        let secret = settings.secret.expose_secret().as_bytes();
        Self {
            encoding_key: EncodingKey::from_secret(secret),
            decoding_key: DecodingKey::from_secret(secret),
            validation: validation(&settings.issuer, &settings.audience),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime_seconds: settings.lifetime.as_secs(),
        }
    }

    pub(super) fn lifetime_seconds(&self) -> u64 {
        self.lifetime_seconds
    }

    /// None if it cannot be signed, or would be too long to be accepted.
    pub(super) fn sign(&self, id: &str, scopes: &[String], token_id: Uuid, now: u64) -> Option<String> {
        let aud = match self.audience.as_slice() {
            [] => None,
            [one] => Some(Audience::One(one)),
            several => Some(Audience::Several(several)),
        };
        let claims = Issued {
            id,
            scopes,
            iat: now,
            exp: now.saturating_add(self.lifetime_seconds),
            iss: &self.issuer,
            sub: id,
            jti: token_id.to_string(),
            aud,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding_key)
            .ok()
            .filter(|token| token.len() <= TOKEN_BYTES_MAX)
    }

    /// Whose token it is, and when it expires. A token is [`TokenError::Expired`] only if nothing else is wrong.
    pub(super) fn verify(&self, token: &str, keys: &KeyRing, now: u64) -> Result<(Principal, f64), TokenError> {
        let TokenData { header, claims } =
            jsonwebtoken::decode::<Presented>(token, &self.decoding_key, &self.validation)
                .map_err(|_| TokenError::Invalid)?;
        let is_ours = is_plain_jwt(&header)
            && claims.iss == self.issuer
            && claims.sub.as_ref().is_none_or(|sub| *sub == claims.id)
            && is_past(claims.nbf, now)
            && is_past(claims.iat, now);
        let Some(key) = keys.get(&claims.id).filter(|_| is_ours) else {
            return Err(TokenError::Invalid);
        };
        let token_scopes = ScopeSet::compile(&claims.scopes).map_err(|_| TokenError::Invalid)?;
        if is_expired(claims.exp, now) {
            return Err(TokenError::Expired);
        }
        let principal = Principal {
            id: Arc::clone(&key.id),
            token_id: claims.jti.map(Arc::from),
            token_scopes,
            key_scopes: key.scopes.clone(),
        };
        Ok((principal, claims.exp))
    }

    pub(super) fn self_test(&self) -> Result<(), Error> {
        let token = self.sign("self-test", &[], Uuid::nil(), 0).ok_or(Error::SelfTest)?;
        jsonwebtoken::decode::<Presented>(&token, &self.decoding_key, &self.validation)
            .map(drop)
            .map_err(|_| Error::SelfTest)
    }
}

/// What the library checks. Times are left to us, since it asks the machine's clock.
fn validation(issuer: &str, audience: &[String]) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.required_spec_claims = HashSet::from(["exp".to_owned(), "iss".to_owned()]);
    // Alone, this does not ask for the claim (jsonwebtoken 11, validation.rs).
    validation.set_issuer(&[issuer]);
    if !audience.is_empty() {
        validation.set_audience(audience);
        validation.required_spec_claims.insert("aud".to_owned());
    }
    validation
}

/// No other kind of token, and nothing in the header that had to be understood (RFC 7515, section 4.1.11).
fn is_plain_jwt(header: &Header) -> bool {
    header.crit.is_none() && header.typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
}

fn is_past(claim: Option<f64>, now: u64) -> bool {
    claim.is_none_or(|time| time <= as_numeric_date(now.saturating_add(CLOCK_SKEW_SECONDS)))
}

/// RFC 7519, section 4.1.4: the time must be before `exp`.
pub(super) fn is_expired(expires_at: f64, now: u64) -> bool {
    as_numeric_date(now) >= expires_at
}

fn as_numeric_date(seconds: u64) -> f64 {
    Duration::from_secs(seconds).as_secs_f64()
}
