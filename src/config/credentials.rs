//! `JWT_SECRET` and `JWT_AUTH_KEYS`, which depend on each other and on what the server is for.

use secrecy::ExposeSecret;

use super::development::DevelopmentKeys;
use super::keys::{self, Samples};
use super::problem::Problems;
use super::{Environment, Settings, secrets};
use crate::auth::{self, ApiKeySecret, Key, Secret};

/// Fewer characters in an API key can be guessed.
const API_KEY_CHARACTERS_MIN: usize = 16;

/// Who may do what, before keys are made.
pub(super) enum Credentials {
    Configured { secrets: Vec<Secret>, keys: Vec<Key> },
    ToBeMade,
}

impl Credentials {
    /// With everything but secrets and keys still to be set.
    pub(super) fn into_auth(self, made: Option<&DevelopmentKeys>) -> auth::Settings {
        let (secrets, keys) = match (self, made) {
            (Self::Configured { secrets, keys }, _) => (secrets, keys),
            (Self::ToBeMade, Some(made)) => {
                (vec![Secret::unnamed(made.secret.clone())], made.auth_key().into_iter().collect())
            }
            (Self::ToBeMade, None) => Default::default(),
        };
        auth::Settings { secrets, keys, ..auth::Settings::default() }
    }
}

/// A setting that may be absent or wrong.
enum Found<T> {
    Absent,
    Wrong,
    Good(T),
}

/// None if something is wrong with them.
pub(super) fn credentials(
    settings: &Settings,
    environment: Environment,
    problems: &mut Problems,
    notices: &mut Vec<String>,
) -> Option<Credentials> {
    let is_named_development = settings.clef_env.is_some() && environment == Environment::Development;
    let samples = if is_named_development { Samples::Accepted } else { Samples::Refused };
    let keys = keys(settings, environment, samples, problems, notices);
    let secrets = secrets(settings, samples, problems, notices);
    match (secrets, keys) {
        (Found::Good(secrets), Found::Good(keys)) => Some(Credentials::Configured { secrets, keys }),
        (Found::Good(secrets), Found::Absent) => {
            notices.push("JWT_AUTH_KEYS is not set: POST /jwt gives nobody a token".to_owned());
            Some(Credentials::Configured { secrets, keys: Vec::new() })
        }
        (Found::Absent, Found::Absent) if environment == Environment::Development => Some(Credentials::ToBeMade),
        (Found::Absent, Found::Absent) => {
            problems.push("JWT_SECRET", "is missing: set it to the output of `openssl rand -base64 32`");
            None
        }
        (Found::Absent, _) => {
            problems.push(
                "JWT_SECRET",
                "is missing, while JWT_AUTH_KEYS is set: set it to the output of `openssl rand -base64 32`",
            );
            None
        }
        (Found::Wrong, _) | (_, Found::Wrong) => None,
    }
}

fn keys(
    settings: &Settings,
    environment: Environment,
    samples: Samples,
    problems: &mut Problems,
    notices: &mut Vec<String>,
) -> Found<Vec<Key>> {
    let variable = named("JWT_AUTH_KEYS", "JWT_AUTH_KEYS_FILE", settings.jwt_auth_keys_file.is_some());
    let Some(text) = &settings.jwt_auth_keys else {
        return if problems.has(variable) { Found::Wrong } else { Found::Absent };
    };
    match keys::parse(text.expose_secret(), samples) {
        Ok(keys) => {
            if environment == Environment::Production {
                notices.extend(keys.iter().filter(|key| is_weak(key)).map(|key| {
                    format!(
                        "{variable}: an apiKey of `{}` has fewer than 16 characters: make one with `clef key new`",
                        key.id
                    )
                }));
            }
            Found::Good(keys)
        }
        Err(found) => {
            for problem in found {
                problems.push(variable, problem);
            }
            Found::Wrong
        }
    }
}

fn is_weak(key: &Key) -> bool {
    key.api_keys.iter().any(|api_key| match &api_key.secret {
        ApiKeySecret::Plain(plain) => plain.expose_secret().chars().count() < API_KEY_CHARACTERS_MIN,
        ApiKeySecret::Hashed(_) => false,
    })
}

fn secrets(
    settings: &Settings,
    samples: Samples,
    problems: &mut Problems,
    notices: &mut Vec<String>,
) -> Found<Vec<Secret>> {
    let variable = named("JWT_SECRET", "JWT_SECRET_FILE", settings.jwt_secret_file.is_some());
    let Some(text) = &settings.jwt_secret else {
        return if problems.has(variable) { Found::Wrong } else { Found::Absent };
    };
    let secrets = match secrets::parse(text) {
        Ok(secrets) => secrets,
        Err(found) => {
            for problem in found {
                problems.push(variable, problem);
            }
            return Found::Wrong;
        }
    };
    let is_list = secrets.len() > 1;
    let mut is_weak = false;
    for (index, secret) in secrets.iter().enumerate() {
        let Some(weakness) = secrets::weakness(&secret.secret) else {
            continue;
        };
        is_weak = true;
        if samples == Samples::Refused {
            let place = if is_list { format!("[{index}] ") } else { String::new() };
            problems.push(variable, format!("{place}{weakness}, or set CLEF_ENV=development"));
        }
    }
    if is_weak && samples == Samples::Accepted {
        notices.push("JWT_SECRET is weak: anybody can make tokens, which only CLEF_ENV=development allows".to_owned());
    }
    if is_weak && samples == Samples::Refused { Found::Wrong } else { Found::Good(secrets) }
}

fn named(plain: &'static str, file: &'static str, is_file: bool) -> &'static str {
    if is_file { file } else { plain }
}
