//! `clef key` and `clef token`: making API keys and looking at tokens. Secrets come from standard input, never from
//! arguments, which other users of a machine can read.

use std::io::{self, Read};

use clap::Subcommand;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::auth::{self, ApiKeyForm, ApiKeyHash, Argon2Hash, Authority, Digest, Inspection, Revocable, TokenType};
use crate::clock::Clock;
use crate::config::Config;
use crate::scope::{self, ScopeSet};
use crate::storage::{Revocation, Revoked};
use crate::terminal;

const INPUT_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key: print it once, and the entry for `JWT_AUTH_KEYS`, which holds its hash only.
    New {
        /// Who the key is for.
        id: String,
        /// What its tokens may be good for at most, such as 'Mutation:Person:*'; may be repeated.
        #[arg(long = "scope", required = true, value_name = "GLOB", num_args = 1..)]
        scopes: Vec<String>,
    },
    /// Read an API key from standard input and print its hash, for `apiKeyHash`.
    Hash,
    /// Refuse a key and all its tokens from now on, on all servers that share the database, whatever `JWT_AUTH_KEYS` says.
    Revoke {
        /// Whose key.
        id: String,
        /// Only the tokens that were minted for it until now; it goes on minting.
        #[arg(long)]
        tokens: bool,
    },
    /// Take back that a key was revoked. Tokens revoked by `--tokens` stay revoked.
    Restore {
        /// Whose key.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Read a token from standard input; print whose it is, what for, until when, and whether it is good here; exit code
    /// 1 if it is not. Whether it was revoked is known to servers alone.
    Inspect,
    /// Read a token from standard input and refuse it from now on, on all servers that share the database.
    Revoke {
        /// The id of the token (`jti`), as the audit shows it, in place of the token itself.
        #[arg(long)]
        id: Option<String>,
    },
}

/// Why one of these commands fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id.
    #[error("the id is empty: name whom the key is for")]
    NoId,
    /// A glob.
    #[error(transparent)]
    Scope(#[from] scope::Error),
    /// From the machine.
    #[error("this machine gives no random numbers to make keys of")]
    Randomness,
    /// Nothing, or no text.
    #[error("standard input holds no {0}: pipe one into the command")]
    NoInput(&'static str),
    /// By its checksum.
    #[error("the API key is mistyped or cut: its last characters do not fit the others")]
    DamagedKey,
    /// The library's.
    #[error("the API key cannot be hashed")]
    Hash,
    /// Of this machine.
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// As printed.
    #[error("the token is not good here")]
    BadToken,
    /// Of a misspelt key.
    #[error("there is no key `{id}` in JWT_AUTH_KEYS: correct the id")]
    UnknownKey {
        /// As given.
        id: String,
    },
    /// Nothing that could be revoked.
    #[error("the token is none of this server, or it has expired: there is nothing to revoke")]
    ForeignToken,
    /// Without `jti`.
    #[error("the token has no id: `clef key revoke ID --tokens` revokes all tokens of its key")]
    NamelessToken,
}

impl KeyCommand {
    /// Whether it was done: it needs no settings, not even right ones.
    pub(super) fn run(&self) -> Result<bool, Error> {
        match self {
            Self::New { id, scopes } => new(id, scopes)?,
            Self::Hash => {
                let api_key = input("API key")?;
                terminal::print(&hash(api_key.expose_secret())?.to_string());
            }
            Self::Revoke { .. } | Self::Restore { .. } => return Ok(false),
        }
        Ok(true)
    }

    /// What is to be written.
    pub(super) fn revocation(&self, config: &Config, now: u64) -> Result<Option<Revocation>, Error> {
        let (kind, id, before) = match self {
            Self::New { .. } | Self::Hash => return Ok(None),
            Self::Revoke { id, tokens: false } => (Revoked::Key, id, None),
            Self::Revoke { id, tokens: true } => (Revoked::Minted, id, Some(now)),
            Self::Restore { id } => (Revoked::Restored, id, None),
        };
        if config.auth.keys.iter().all(|key| *key.id != **id) {
            return Err(Error::UnknownKey { id: id.clone() });
        }
        Ok(Some(Revocation { kind, id: id.clone(), before, until: None }))
    }
}

impl TokenCommand {
    /// What is to be written; nothing for looking at a token, which it prints.
    pub(super) fn run(&self, config: &Config) -> Result<Option<Revocation>, Error> {
        if let Self::Revoke { id: Some(id) } = self {
            // How long its token lives is not known.
            return Ok(Some(Revocation { kind: Revoked::Token, id: id.clone(), before: None, until: None }));
        }
        let token = input("token")?;
        let token = token.expose_secret().trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim_start();
        let authority = Authority::new(config.auth.clone(), Clock::System)?;
        let inspection = authority.inspect(token);
        if let Self::Revoke { .. } = self {
            let key_id = inspection.key_id.unwrap_or_default();
            return match authority.revocable(&key_id, token) {
                Revocable::Token(revocation) => Ok(Some(revocation)),
                Revocable::Unknown | Revocable::Foreign => Err(Error::ForeignToken),
                Revocable::Nameless => Err(Error::NamelessToken),
            };
        }
        terminal::print(&report(&inspection));
        if inspection.faults.is_empty() { Ok(None) } else { Err(Error::BadToken) }
    }
}

fn new(id: &str, scopes: &[String]) -> Result<(), Error> {
    if id.trim().is_empty() {
        return Err(Error::NoId);
    }
    ScopeSet::compile(scopes)?;
    let api_key = auth::generate_api_key(&mut OsRng).map_err(|_| Error::Randomness)?;
    let entry = json!({"id": id, "apiKeyHash": hash(api_key.expose_secret())?.to_string(), "scopes": scopes});
    terminal::print(&format!(
        "The API key, which is kept nowhere:\n  {}\n\nIts entry for JWT_AUTH_KEYS:\n  {entry}",
        api_key.expose_secret()
    ));
    Ok(())
}

/// Fast for keys made here, which nobody can guess; slow for all others.
fn hash(api_key: &str) -> Result<ApiKeyHash, Error> {
    match auth::api_key_form(api_key) {
        ApiKeyForm::Made => Ok(ApiKeyHash::Sha256(Digest::of(api_key))),
        ApiKeyForm::Damaged => Err(Error::DamagedKey),
        ApiKeyForm::Other => {
            let mut salt = [0; 16];
            OsRng.try_fill_bytes(&mut salt).map_err(|_| Error::Randomness)?;
            Argon2Hash::new(api_key, salt).map(ApiKeyHash::Argon2).ok_or(Error::Hash)
        }
    }
}

/// Without the line's end.
fn input(what: &'static str) -> Result<SecretString, Error> {
    let mut text = String::new();
    io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut text).map_err(|_| Error::NoInput(what))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() { Err(Error::NoInput(what)) } else { Ok(text.into()) }
}

fn report(inspection: &Inspection) -> String {
    let kind = match TokenType::of(inspection.typ.as_deref()) {
        Some(TokenType::Jwt) => "JWT, as the CE-API made them",
        Some(TokenType::AccessToken) => "at+jwt (RFC 9068)",
        None => "unknown",
    };
    let or_none = |text: Option<&String>| text.map_or("none".to_owned(), |text| text.escape_debug().to_string());
    let time = |seconds: Option<u64>| {
        let time = seconds.and_then(|seconds| chrono::DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0));
        time.map_or("unknown".to_owned(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    };
    let rows = [
        ("key", or_none(inspection.key_id.as_ref())),
        ("token", or_none(inspection.token_id.as_ref())),
        ("kind", kind.to_owned()),
        ("secret", or_none(inspection.kid.as_ref())),
        ("allows", inspection.scopes.join(" ").escape_debug().to_string()),
        ("key allows", inspection.key_scopes.join(" ")),
        ("issued", time(inspection.issued_at)),
        ("expires", time(inspection.expires_at)),
        (
            "good",
            if inspection.faults.is_empty() {
                "yes".to_owned()
            } else {
                format!("no: {}", inspection.faults.join("; "))
            },
        ),
    ];
    let lines: Vec<_> = rows.iter().map(|(name, value)| format!("{name:<11}{value}").trim_end().to_owned()).collect();
    lines.join("\n")
}
