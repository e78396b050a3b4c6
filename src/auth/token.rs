//! JSON Web Tokens, HS256 only: signing and verifying. Knows the keys, but no requests.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::access::{Principal, TokenError};
use super::keys::KeyRing;
use super::settings::{Leeway, Settings, TokenType};
use super::{Error, Secret};
use crate::scope::ScopeSet;

/// A token that is good for longer has its `exp` in milliseconds: 100 years.
const EXPIRY_SECONDS_MAX: u64 = 100 * 366 * 24 * 3600;

/// Larger tokens are neither minted nor looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Signs with the first secret and verifies with all, for one issuer.
pub(super) struct Tokens {
    encoding_key: EncodingKey,
    header: Header,
    decoding_keys: Vec<(Arc<str>, DecodingKey)>,
    validation: Validation,
    types: Vec<TokenType>,
    issuer: String,
    audience: Vec<String>,
    lifetime_seconds: u64,
    leeway: Leeway,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'claims str>,
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

/// A token that was sent and is good.
pub(super) struct Verified {
    pub(super) principal: Principal,
    pub(super) until: Until,
    /// Seconds since the epoch.
    pub(super) issued_at: Option<f64>,
}

/// How long a token stays good while nothing else changes, in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    token: f64,
    key: Option<u64>,
}

impl Until {
    /// # Errors
    ///
    /// A token is expired, a key makes it invalid.
    pub(super) fn check(self, now: u64) -> Result<(), TokenError> {
        if super::keys::has_passed(self.key, now) {
            Err(TokenError::Invalid)
        } else if as_numeric_date(now) >= self.token {
            // RFC 7519, section 4.1.4: the time must be before `exp`.
            Err(TokenError::Expired)
        } else {
            Ok(())
        }
    }
}

impl Tokens {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let first = settings.secrets.first().ok_or(Error::NoSecret)?;
        let bytes = |secret: &Secret| secret.secret.expose_secret().as_bytes().to_vec();
        let decoding_key = |secret: &Secret| (secret.key_id(), DecodingKey::from_secret(&bytes(secret)));
        let types = if settings.token_types.is_empty() { vec![TokenType::Jwt] } else { settings.token_types.clone() };
        // Clients may compare the header, so that it names the secret only where it must.
        let is_named = settings.secrets.len() > 1 || first.key_id.is_some();
        let header = Header {
            typ: types.first().map(|ty| ty.name().to_owned()),
            kid: is_named.then(|| first.key_id().as_ref().to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        Ok(Self {
            encoding_key: EncodingKey::from_secret(&bytes(first)),
            header,
            decoding_keys: settings.secrets.iter().map(decoding_key).collect(),
            validation: validation(&settings.issuer, &settings.audience),
            types,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime_seconds: settings.lifetime.as_secs(),
            leeway: settings.leeway,
        })
    }

    /// Of a token minted for a key that allows at most `lifetime_seconds_max`.
    pub(super) fn lifetime_seconds(&self, lifetime_seconds_max: Option<u64>) -> u64 {
        lifetime_seconds_max.map_or(self.lifetime_seconds, |max| self.lifetime_seconds.min(max))
    }

    /// None if it cannot be signed, or would be too long to be accepted.
    pub(super) fn sign(
        &self,
        id: &str,
        scopes: &[String],
        token_id: Uuid,
        now: u64,
        lifetime_seconds: u64,
    ) -> Option<String> {
        let aud = match self.audience.as_slice() {
            [] => None,
            [one] => Some(Audience::One(one)),
            several => Some(Audience::Several(several)),
        };
        let is_access_token = self.types.first() == Some(&TokenType::AccessToken);
        let claims = Issued {
            id,
            scopes,
            iat: now,
            exp: now.saturating_add(lifetime_seconds),
            iss: &self.issuer,
            sub: id,
            jti: token_id.to_string(),
            aud,
            client_id: is_access_token.then_some(id),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.encoding_key)
            .ok()
            .filter(|token| token.len() <= TOKEN_BYTES_MAX)
    }

    /// Whose token it is, and until when. A token is [`TokenError::Expired`] only if nothing else is wrong.
    pub(super) fn verify(&self, token: &str, keys: &KeyRing, now: u64) -> Result<Verified, TokenError> {
        let TokenData { header, claims } = self.decode(token)?;
        let is_ours = self.has_right_type(&header)
            // Nothing in the header had to be understood (RFC 7515, section 4.1.11), and no token is inside (section 4.1.10).
            && header.crit.is_none()
            && header.cty.is_none()
            && claims.exp <= as_numeric_date(now.saturating_add(EXPIRY_SECONDS_MAX))
            && claims.iss == self.issuer
            && claims.sub.as_ref().is_none_or(|sub| *sub == claims.id)
            && self.is_past(claims.nbf, now)
            && self.is_past(claims.iat, now);
        let Some(key) = keys.get(&claims.id, now).filter(|_| is_ours) else {
            return Err(TokenError::Invalid);
        };
        let mut expires_at = claims.exp;
        if let Some(lifetime) = key.lifetime_seconds_max {
            let issued_at = claims.iat.ok_or(TokenError::Invalid)?;
            expires_at = expires_at.min(issued_at + as_numeric_date(lifetime));
        }
        let until = Until { token: expires_at + self.leeway.after.as_secs_f64(), key: key.expires_at };
        // Of scopes that cannot be understood nothing is granted, not even by those beside them.
        let token_scopes = ScopeSet::compile(&claims.scopes).unwrap_or_default();
        until.check(now)?;
        let principal = Principal {
            id: Arc::clone(&key.id),
            token_id: claims.jti.map(Arc::from),
            token_scopes,
            key_scopes: key.scopes.clone(),
        };
        Ok(Verified { principal, until, issued_at: claims.iat })
    }

    /// What is wrong with a token that [`Self::verify`] refuses, apart from its key.
    pub(super) fn faults(&self, token: &str, header: &Header, claims: &Value, now: u64) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |is_wrong: bool, text: String| faults.extend(is_wrong.then_some(text));
        let number = |name: &str| claims.get(name).and_then(Value::as_f64);
        let is_known = |kid: &String| self.decoding_keys.iter().any(|(name, _)| **name == **kid);
        fault(header.alg != Algorithm::HS256, format!("its `alg` is {:?}, not HS256", header.alg));
        fault(header.kid.as_ref().is_some_and(|kid| !is_known(kid)), "its `kid` names none of the secrets".to_owned());
        let mut signature = Validation::new(Algorithm::HS256);
        signature.required_spec_claims.clear();
        (signature.validate_exp, signature.validate_aud) = (false, false);
        let is_signed =
            |(_, key): &(Arc<str>, DecodingKey)| jsonwebtoken::decode::<Value>(token, key, &signature).is_ok();
        let signer = self.decoding_keys.iter().find(|key| is_signed(key));
        fault(signer.is_none(), "its signature is by none of the secrets".to_owned());
        fault(!self.has_right_type(header), "tokens of its `typ` are not accepted: see JWT_TYPE".to_owned());
        fault(header.crit.is_some(), "its header has `crit`".to_owned());
        fault(header.cty.is_some(), "its header has `cty`".to_owned());
        let last = as_numeric_date(now.saturating_add(EXPIRY_SECONDS_MAX));
        fault(number("exp").is_some_and(|exp| exp > last), "its `exp` is no number of seconds since 1970".to_owned());
        fault(
            claims.get("iss").and_then(Value::as_str) != Some(&*self.issuer),
            format!("its `iss` is not {}", self.issuer),
        );
        fault(!self.has_audience(claims), format!("its `aud` is none of {}", self.audience.join(", ")));
        for name in ["nbf", "iat"] {
            fault(!self.is_past(number(name), now), format!("its `{name}` is in the future"));
        }
        let end = number("exp").map(|exp| exp + self.leeway.after.as_secs_f64());
        fault(end.is_some_and(|end| as_numeric_date(now) >= end), "it has expired".to_owned());
        faults
    }

    /// The claims of a token that was signed here, whatever else is wrong with it.
    pub(super) fn signed(&self, token: &str) -> Option<Value> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let mut signature = Validation::new(Algorithm::HS256);
        signature.required_spec_claims.clear();
        (signature.validate_exp, signature.validate_aud) = (false, false);
        let is_meant = |name: &str| header.kid.as_deref().is_none_or(|kid| kid == name);
        let keys = self.decoding_keys.iter().filter(|(name, _)| is_meant(name));
        keys.map(|(_, key)| jsonwebtoken::decode::<Value>(token, key, &signature))
            .find_map(Result::ok)
            .map(|data| data.claims)
    }

    /// When a token with these claims is no longer good, in seconds since the epoch.
    pub(super) fn end(&self, claims: &Value) -> Option<u64> {
        let exp =
            claims.get("exp")?.as_f64().filter(|exp| (0.0..=as_numeric_date(u64::from(u32::MAX) * 4)).contains(exp))?;
        Some((Duration::try_from_secs_f64(exp).ok()? + self.leeway.after).as_secs() + 1)
    }

    fn has_audience(&self, claims: &Value) -> bool {
        let is_ours = |value: &Value| value.as_str().is_some_and(|text| self.audience.iter().any(|own| own == text));
        self.audience.is_empty()
            || match claims.get("aud") {
                Some(Value::Array(list)) => list.iter().any(is_ours),
                Some(value) => is_ours(value),
                None => false,
            }
    }

    pub(super) fn self_test(&self) -> Result<(), Error> {
        let token = self.sign("self-test", &[], Uuid::nil(), 0, 1).ok_or(Error::SelfTest)?;
        self.decode(&token).map(drop).map_err(|_| Error::SelfTest)
    }

    /// With the secret that `kid` names; without `kid`, with any.
    fn decode(&self, token: &str) -> Result<TokenData<Presented>, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let is_meant = |name: &str| header.kid.as_deref().is_none_or(|kid| kid == name);
        for (_, key) in self.decoding_keys.iter().filter(|(name, _)| is_meant(name)) {
            match jsonwebtoken::decode(token, key, &self.validation) {
                Ok(data) => return Ok(data),
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
                Err(_) => return Err(TokenError::Invalid),
            }
        }
        Err(TokenError::Invalid)
    }

    fn has_right_type(&self, header: &Header) -> bool {
        TokenType::of(header.typ.as_deref()).is_some_and(|ty| self.types.contains(&ty))
    }

    fn is_past(&self, claim: Option<f64>, now: u64) -> bool {
        claim.is_none_or(|time| time <= as_numeric_date(now) + self.leeway.before.as_secs_f64())
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

fn as_numeric_date(seconds: u64) -> f64 {
    Duration::from_secs(seconds).as_secs_f64()
}
