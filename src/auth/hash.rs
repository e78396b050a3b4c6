//! What an API key is checked against when the key itself is not kept: `sha256:<hex>`, or argon2id as a PHC string.

use std::fmt;

use argon2::password_hash::{PasswordHashString, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Argon2, Params};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Larger ones would let a few requests take all memory.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;

/// The SHA-256 of an API key. Digests are of one length, so that comparing them tells nothing about the key's.
#[derive(Clone, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a key.
    pub fn of(api_key: &str) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(api_key).into())
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_fold((), |(), byte| write!(formatter, "{byte:02x}"))
    }
}

/// A hash that takes time on purpose, for keys that people have chosen.
#[derive(Clone)]
pub struct Argon2Hash(PasswordHashString);

impl Argon2Hash {
    /// A new one: 19 MiB and two passes, as OWASP recommends.
    pub fn new(api_key: &str, salt: [u8; 16]) -> Option<Self> {
        let salt = SaltString::encode_b64(&salt).ok()?;
        Argon2::default().hash_password(api_key.as_bytes(), &salt).ok().map(|hash| Self(hash.serialize()))
    }

    /// Takes some 20 milliseconds and 19 MiB, or what the hash says.
    pub(super) fn verifies(&self, api_key: &str) -> bool {
        Argon2::default().verify_password(api_key.as_bytes(), &self.0.password_hash()).is_ok()
    }
}

/// One of the two.
#[derive(Clone)]
pub enum ApiKeyHash {
    /// For random keys of at least 128 bits.
    Sha256(Digest),
    /// For all others.
    Argon2(Argon2Hash),
}

/// Why a text is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Something else.
    #[error("is neither `sha256:` with 64 hexadecimal digits nor `$argon2id$…`: make it with `clef key hash`")]
    Form,
    /// Memory or passes.
    #[error("takes more than 256 MiB or 16 passes to check: make it with `clef key hash`")]
    TooCostly,
}

impl ApiKeyHash {
    /// Reads `sha256:<hex>` or `$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>`.
    ///
    /// # Errors
    ///
    /// It is neither, or would take too much to check.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if let Some(hex) = text.strip_prefix("sha256:") {
            return digest(hex).map(Self::Sha256).ok_or(HashError::Form);
        }
        if !text.starts_with("$argon2id$") {
            return Err(HashError::Form);
        }
        let hash = PasswordHashString::new(text).map_err(|_| HashError::Form)?;
        let parameters = Params::try_from(&hash.password_hash()).map_err(|_| HashError::Form)?;
        if hash.hash().is_none() || hash.salt().is_none() {
            return Err(HashError::Form);
        }
        if parameters.m_cost() > MEMORY_KIB_MAX || parameters.t_cost() > PASSES_MAX {
            return Err(HashError::TooCostly);
        }
        Ok(Self::Argon2(Argon2Hash(hash)))
    }
}

fn digest(hex: &str) -> Option<Digest> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * position..2 * position + 2)?, 16).ok()?;
    }
    Some(Digest(bytes))
}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => write!(formatter, "sha256:{digest}"),
            Self::Argon2(Argon2Hash(hash)) => formatter.write_str(hash.as_str()),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digest(…)")
    }
}

impl fmt::Debug for Argon2Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Argon2Hash(…)")
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sha256(_) => "Sha256(…)",
            Self::Argon2(_) => "Argon2(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "sha256:0d2a5c9e7f1e0d44b5bcb8bd2dbd8a7b74ea3d6aaf02d5d2a3e5cc59f9cd2f70";

    #[test]
    fn a_hash_is_read_or_refused() {
        let good = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$";
        let hash = ["U", &"A".repeat(42)].concat();
        let cases = [
            (SHA256.to_owned(), None),
            (SHA256.to_uppercase().replace("SHA256", "sha256"), None),
            (format!("{good}{hash}"), None),
            (format!("{good}{hash}").replace("m=64", "m=300000"), Some(HashError::TooCostly)),
            (format!("{good}{hash}").replace("t=1", "t=17"), Some(HashError::TooCostly)),
            (good.trim_end_matches('$').to_owned(), Some(HashError::Form)),
            (format!("{good}{hash}").replace("argon2id", "argon2i"), Some(HashError::Form)),
            (SHA256.replace("sha256:0d", "sha256:0"), Some(HashError::Form)),
            (SHA256.replace("sha256:0d", "sha256:+d"), Some(HashError::Form)),
            ("a key".to_owned(), Some(HashError::Form)),
            (String::new(), Some(HashError::Form)),
        ];
        for (text, expected) in cases {
            assert_eq!(ApiKeyHash::parse(&text).err(), expected, "{text}");
        }
    }

    #[test]
    fn a_hash_is_not_printed() {
        let printed = format!("{:?}", ApiKeyHash::parse(SHA256).unwrap());
        assert!(!printed.contains("0d2a5c"), "{printed}");
    }
}
