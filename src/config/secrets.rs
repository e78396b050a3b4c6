//! Which secrets are none: too short, too plain, or printed in documentation.

use secrecy::{ExposeSecret, SecretString};

/// RFC 7518, section 3.2: a key for HS256 has at least the size of its hash.
const SECRET_BYTES_MIN: usize = 32;
const DISTINCT_BYTES_MIN: usize = 8;

/// Secrets and API keys anybody can read somewhere: in `.env.example`, in the CE-API's files, in tutorials.
const SAMPLES: &[&str] = &[
    "replace-this-with-the-output-of-openssl-rand-base64-32",
    "replace-this-api-key-with-the-output-of-openssl-rand-base64-32",
    "not-so-secret",
    "secret",
    "jwt-secret",
    "changeme",
    "change-me",
    "password",
    "letmein",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
];

pub(super) fn is_sample(secret: &str) -> bool {
    let secret = secret.trim();
    SAMPLES.iter().any(|sample| sample.eq_ignore_ascii_case(secret))
}

/// What to change about a secret that shall sign tokens, if it is weak.
pub(super) fn weakness(secret: &SecretString) -> Option<&'static str> {
    let secret = secret.expose_secret();
    let mut is_used = [false; 256];
    for byte in secret.bytes() {
        if let Some(used) = is_used.get_mut(usize::from(byte)) {
            *used = true;
        }
    }
    if is_sample(secret) {
        Some("is a published sample: make one with `openssl rand -base64 32`")
    } else if secret.len() < SECRET_BYTES_MIN {
        Some("has fewer than 32 bytes: make one with `openssl rand -base64 32`")
    } else if is_used.iter().filter(|used| **used).count() < DISTINCT_BYTES_MIN {
        Some("repeats a few characters: make one with `openssl rand -base64 32`")
    } else {
        None
    }
}
