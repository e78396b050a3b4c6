//! `JWT_SECRET`: one secret or a list of them, and which are none: too short, too plain, or printed in documentation.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::auth::Secret;

/// RFC 7518, section 3.2: a key for HS256 has at least the size of its hash.
const SECRET_BYTES_MIN: usize = 32;
const DISTINCT_BYTES_MIN: usize = 8;

/// Each costs a little for every token that names none of them.
const SECRETS_MAX: usize = 8;
const KEY_ID_BYTES_MAX: usize = 64;
const FORM: &str = r#"["…", "…"] or [{"kid": "…", "secret": "…"}]"#;

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

/// What stands in `JWT_SECRET`, or everything that is wrong with its form. What starts with `[` is a list.
pub(super) fn parse(text: &SecretString) -> Result<Vec<Secret>, Vec<String>> {
    if !text.expose_secret().trim_start().starts_with('[') {
        return Ok(vec![Secret { key_id: None, secret: text.clone() }]);
    }
    let entries = match serde_json::from_str(text.expose_secret()) {
        Ok(Value::Array(entries)) => entries,
        Ok(_) => return Err(vec![format!("is no array: write {FORM}")]),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Err(vec![format!("is no JSON from line {line}, column {column} on: write {FORM}")]);
        }
    };
    if !(1..=SECRETS_MAX).contains(&entries.len()) {
        return Err(vec![format!("lists {} secrets: list 1 to {SECRETS_MAX}", entries.len())]);
    }
    let mut problems = Vec::new();
    let mut secrets: Vec<Secret> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match one(entry) {
            Ok(secret) if secrets.iter().any(|other| other.key_id() == secret.key_id()) => {
                problems
                    .push(format!("[{index}] has the kid or the secret of an entry before it: change or remove one"));
            }
            Ok(secret) => secrets.push(secret),
            Err(problem) => problems.push(format!("[{index}]{problem}")),
        }
    }
    if problems.is_empty() { Ok(secrets) } else { Err(problems) }
}

fn one(entry: &Value) -> Result<Secret, String> {
    let members = match entry {
        Value::String(secret) => return Ok(Secret::unnamed(secret.as_str())),
        Value::Object(members) => members,
        _ => return Err(format!(" is no secret: write {FORM}")),
    };
    if let Some(unknown) = members.keys().find(|name| !["kid", "secret"].contains(&name.as_str())) {
        let unknown: String = unknown.escape_default().take(40).collect();
        return Err(format!(".{unknown} is unknown: write {FORM}"));
    }
    let key_id = match members.get("kid") {
        None => None,
        Some(Value::String(kid))
            if (1..=KEY_ID_BYTES_MAX).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Some(kid.as_str().into())
        }
        Some(_) => return Err(".kid is no name: write up to 64 letters, digits and signs, without blanks".to_owned()),
    };
    match members.get("secret") {
        Some(Value::String(secret)) => Ok(Secret { key_id, secret: secret.as_str().into() }),
        Some(_) => Err(".secret is no string".to_owned()),
        None => Err(".secret is missing".to_owned()),
    }
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
