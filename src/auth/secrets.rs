//! What signs tokens: one secret, or several while one takes over from another.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A secret for HS256, and the name that tokens give it.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The header parameter `kid` (RFC 7515, section 4.1.4), if one was chosen; else it is made from the secret.
    pub key_id: Option<Arc<str>>,
    /// At least 32 bytes (RFC 7518, section 3.2).
    pub secret: SecretString,
}

impl Secret {
    /// Without a name of its own.
    pub fn unnamed(secret: impl Into<SecretString>) -> Self {
        Self { key_id: None, secret: secret.into() }
    }

    /// The name in `kid`. One that is made stays the same for a secret wherever it stands in the list.
    pub fn key_id(&self) -> Arc<str> {
        // A part of a digest tells no more of the secret than any token that it signed.
        self.key_id.clone().unwrap_or_else(|| {
            let digest = Sha256::new().chain_update(b"clef kid\0").chain_update(self.secret.expose_secret()).finalize();
            digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}")).into()
        })
    }
}
