//! What a token says, and why it is good or not: for operators, who may know more than callers.

use jsonwebtoken::dangerous::insecure_decode;
use serde_json::Value;

use super::settings::TokenType;
use super::{Credentials, token};

/// A token, read without being trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The header parameter `typ`.
    pub typ: Option<String>,
    /// The header parameter `kid`.
    pub kid: Option<String>,
    /// The claim `id`.
    pub key_id: Option<String>,
    /// The claim `jti`.
    pub token_id: Option<String>,
    /// The claim `scopes`.
    pub scopes: Vec<String>,
    /// What its key allows today.
    pub key_scopes: Vec<String>,
    /// The claim `iat`.
    pub issued_at: Option<u64>,
    /// The claim `exp`.
    pub expires_at: Option<u64>,
    /// Why it is refused: everything that was found. None: it is good.
    pub faults: Vec<String>,
}

impl Credentials {
    pub(super) fn inspect(&self, token: &str, now: u64) -> Inspection {
        let Ok(data) = insecure_decode::<Value>(token) else {
            let fault = "it is no JSON Web Token of three parts, with a known `alg`".to_owned();
            return Inspection { faults: vec![fault], ..Inspection::default() };
        };
        let (header, claims) = (data.header, data.claims);
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let scopes = claims.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let key = text("id").and_then(|id| self.keys.any(&id));
        let mut inspection = Inspection {
            typ: header.typ.clone(),
            kid: header.kid.clone(),
            key_id: text("id"),
            token_id: text("jti"),
            scopes: scopes.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
            key_scopes: key.map(|key| key.scopes.patterns().map(str::to_owned).collect()).unwrap_or_default(),
            issued_at: claims.get("iat").and_then(Value::as_u64),
            expires_at: claims.get("exp").and_then(Value::as_u64),
            faults: Vec::new(),
        };
        if self.tokens.verify(token, &self.keys, now).is_ok() && token.len() <= token::TOKEN_BYTES_MAX {
            return inspection;
        }
        let mut faults = self.tokens.faults(token, &header, &claims, now);
        match (&inspection.key_id, key) {
            (None, _) => faults.push("it has no claim `id`".to_owned()),
            (Some(id), None) => faults.push(format!("there is no key `{}`", id.escape_debug())),
            (Some(id), Some(key)) => faults.extend(key.fault(now).map(|fault| format!("the key `{id}` {fault}"))),
        }
        if TokenType::of(header.typ.as_deref()).is_none() {
            faults.push("its `typ` is neither `JWT` nor `at+jwt`".to_owned());
        }
        if token.len() > token::TOKEN_BYTES_MAX {
            faults.push(format!("it has more than {} bytes", token::TOKEN_BYTES_MAX));
        }
        if faults.is_empty() {
            faults.push("a claim is missing, stands there twice or has another form than it should".to_owned());
        }
        inspection.faults = faults;
        inspection
    }
}
