//! `JWT_SECRET` and `JWT_AUTH_KEYS`, which depend on each other and on what the server is for.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::development::DevelopmentKeys;
use super::keys::{self, Samples};
use super::problem::Problems;
use super::{Environment, Settings, secrets};
use crate::auth;

/// Who may do what, before keys are made.
pub(super) enum Credentials {
    Configured { secret: SecretString, keys: Vec<auth::Key> },
    ToBeMade,
}

impl Credentials {
    /// With lifetime, issuer and audience still to be set.
    pub(super) fn into_auth(self, made: Option<&DevelopmentKeys>) -> auth::Settings {
        let (secret, keys) = match (self, made) {
            (Self::Configured { secret, keys }, _) => (secret, keys),
            (Self::ToBeMade, made) => {
                made.map_or_else(Default::default, |made| (made.secret.clone(), made.auth_key().into_iter().collect()))
            }
        };
        auth::Settings { secret, keys, lifetime: Duration::ZERO, issuer: String::new(), audience: Vec::new() }
    }
}

/// None if something is wrong with them.
pub(super) fn credentials(
    settings: &Settings,
    environment: Environment,
    problems: &mut Problems,
    notices: &mut Vec<&'static str>,
) -> Option<Credentials> {
    let is_named_development = settings.clef_env.is_some() && environment == Environment::Development;
    let samples = if is_named_development { Samples::Accepted } else { Samples::Refused };
    let keys = settings.jwt_auth_keys.as_ref().map(|text| {
        keys::parse(text.expose_secret(), samples).map_err(|found| {
            for problem in found {
                problems.push("JWT_AUTH_KEYS", problem);
            }
        })
    });
    let Some(secret) = settings.jwt_secret.clone() else {
        return match (keys, environment) {
            (None, Environment::Development) => Some(Credentials::ToBeMade),
            (None, Environment::Production) => {
                problems.push("JWT_SECRET", "is missing: set it to the output of `openssl rand -base64 32`");
                None
            }
            (Some(_), _) => {
                problems.push(
                    "JWT_SECRET",
                    "is missing, while JWT_AUTH_KEYS is set: set it to the output of `openssl rand -base64 32`",
                );
                None
            }
        };
    };
    match (secrets::weakness(&secret), samples) {
        (Some(weakness), Samples::Refused) => {
            problems.push("JWT_SECRET", format!("{weakness}, or set CLEF_ENV=development"));
        }
        (Some(_), Samples::Accepted) => {
            notices.push("JWT_SECRET is weak: anybody can make tokens, which only CLEF_ENV=development allows");
        }
        (None, _) => {}
    }
    if keys.is_none() {
        notices.push("JWT_AUTH_KEYS is not set: POST /jwt gives nobody a token");
    }
    let keys = keys.unwrap_or(Ok(Vec::new())).ok()?;
    Some(Credentials::Configured { secret, keys })
}
