//! `JWT_AUTH_KEYS`: a JSON array of `{id, apiKey, scopes}` and more. Tells where something is wrong, never the key.

use std::collections::HashSet;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::secrets::is_sample;
use crate::auth::{ApiKey, ApiKeyHash, ApiKeySecret, Key};
use crate::scope::ScopeSet;
use crate::value::time_span;

/// Each may take a slow check for every wrong one.
const API_KEYS_MAX: usize = 4;

const MEMBERS: &[&str] =
    &["id", "apiKey", "apiKeyHash", "apiKeys", "scopes", "expiresAt", "disabled", "maxTtl", "comment"];

/// Whether keys printed in documentation are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Samples {
    Accepted,
    Refused,
}

/// The keys, or everything that is wrong with them.
pub(super) fn parse(text: &str, samples: Samples) -> Result<Vec<Key>, Vec<String>> {
    let entries = match serde_json::from_str(text) {
        Ok(Value::Array(entries)) if entries.is_empty() => {
            return Err(vec!["lists no key: add one, or remove the variable".to_owned()]);
        }
        Ok(Value::Array(entries)) => entries,
        Ok(_) => return Err(vec![format!("is no array: write {FORM}")]),
        Err(error) => {
            return Err(vec![format!(
                "is no JSON from line {}, column {} on: write {FORM}",
                error.line(),
                error.column()
            )]);
        }
    };
    let mut problems = Vec::new();
    let mut ids = HashSet::new();
    let mut keys = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut reader = Entry { index, value: entry, problems: &mut problems };
        let Some(key) = reader.read(samples) else {
            continue;
        };
        if !ids.insert(key.id.clone()) {
            reader.report("id", &format!("`{}` is another entry's, too: rename one", key.id));
        }
        keys.push(key);
    }
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}

const FORM: &str = r#"[{"id": "…", "apiKey": "…", "scopes": ["Mutation:Person:*"]}]"#;

/// One entry, and where to put what is wrong with it.
struct Entry<'list> {
    index: usize,
    value: &'list Value,
    problems: &'list mut Vec<String>,
}

impl Entry<'_> {
    /// None if something was reported.
    fn read(&mut self, samples: Samples) -> Option<Key> {
        let Some(members) = self.value.as_object() else {
            self.problems.push(format!("[{}] is no object: write {FORM}", self.index));
            return None;
        };
        let before = self.problems.len();
        let id = self.text("id");
        let api_keys = self.api_keys(samples);
        let scopes = self.scopes();
        let value = self.value;
        let expires_at = self.time(value, "", "expiresAt");
        let is_disabled = self.switch("disabled");
        let lifetime_seconds_max = self.seconds("maxTtl");
        if self.problems.len() == before {
            self.refuse_unknown(members, "", MEMBERS);
        }
        if self.problems.len() > before {
            return None;
        }
        let id = id?.into();
        Some(Key { id, api_keys: api_keys?, scopes: scopes?, expires_at, is_disabled, lifetime_seconds_max })
    }

    /// One of `apiKey`, `apiKeyHash` and `apiKeys`.
    fn api_keys(&mut self, samples: Samples) -> Option<Vec<ApiKey>> {
        let is_given = |name: &&str| self.value.get(*name).is_some_and(|value| !value.is_null());
        let given: Vec<_> = ["apiKey", "apiKeyHash", "apiKeys"].into_iter().filter(is_given).collect();
        let value = self.value;
        match given.as_slice() {
            ["apiKeys"] => {}
            [] | [_] => {
                let secret = self.api_key_secret(value, "", samples)?;
                return Some(vec![ApiKey { secret, expires_at: None }]);
            }
            [first, second, ..] => {
                self.report(second, &format!("stands beside {first}: keep one, or list both in `apiKeys`"));
                return None;
            }
        }
        let list = match value.get("apiKeys") {
            Some(Value::Array(list)) if (1..=API_KEYS_MAX).contains(&list.len()) => list,
            Some(Value::Array(list)) => {
                self.report("apiKeys", &format!("lists {} keys: list 1 to {API_KEYS_MAX}", list.len()));
                return None;
            }
            _ => {
                self.report("apiKeys", r#"is no array: write [{"apiKeyHash": "…"}, {"apiKeyHash": "…"}]"#);
                return None;
            }
        };
        let mut api_keys = Vec::new();
        for (position, entry) in list.iter().enumerate() {
            let place = format!("apiKeys[{position}].");
            let Some(members) = entry.as_object() else {
                self.report(place.trim_end_matches('.'), r#"is no object: write {"apiKeyHash": "…"}"#);
                continue;
            };
            self.refuse_unknown(members, &place, &["apiKey", "apiKeyHash", "expiresAt", "comment"]);
            if let Some(secret) = self.api_key_secret(entry, &place, samples) {
                api_keys.push(ApiKey { secret, expires_at: self.time(entry, &place, "expiresAt") });
            }
        }
        Some(api_keys)
    }

    /// `apiKey` or `apiKeyHash` of `value`.
    fn api_key_secret(&mut self, value: &Value, place: &str, samples: Samples) -> Option<ApiKeySecret> {
        let name = |member: &str| format!("{place}{member}");
        let is_given = |member: &str| value.get(member).is_some_and(|value| !value.is_null());
        if is_given("apiKey") && is_given("apiKeyHash") {
            self.report(&name("apiKeyHash"), "stands beside apiKey: keep one");
            return None;
        }
        if is_given("apiKeyHash") {
            let text = self.text_of(value.get("apiKeyHash"), &name("apiKeyHash"))?;
            let hash = ApiKeyHash::parse(text.trim());
            return hash
                .map(ApiKeySecret::Hashed)
                .map_err(|error| self.report(&name("apiKeyHash"), &error.to_string()))
                .ok();
        }
        let api_key = self.text_of(value.get("apiKey"), &name("apiKey"))?;
        if samples == Samples::Refused && is_sample(&api_key) {
            self.report(&name("apiKey"), "is a published sample: make one with `openssl rand -base64 32`");
            return None;
        }
        Some(ApiKeySecret::Plain(SecretString::from(api_key)))
    }

    fn text(&mut self, field: &str) -> Option<String> {
        self.text_of(self.value.get(field), field)
    }

    fn text_of(&mut self, value: Option<&Value>, field: &str) -> Option<String> {
        let reason = match value {
            Some(Value::String(text)) if !text.trim().is_empty() => return Some(text.clone()),
            Some(Value::String(_)) => "is empty",
            Some(Value::Null) | None => "is missing",
            Some(_) => "is no string",
        };
        self.report(field, reason);
        None
    }

    /// Seconds since the epoch, of a time such as 2027-01-31T00:00:00Z (RFC 3339).
    fn time(&mut self, value: &Value, place: &str, field: &str) -> Option<u64> {
        let value = value.get(field).filter(|value| !value.is_null())?;
        let time = value.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        let seconds = time.and_then(|time| u64::try_from(time.timestamp()).ok());
        if seconds.is_none() {
            self.report(&format!("{place}{field}"), "is no time: write one such as `2027-01-31T00:00:00Z`");
        }
        seconds
    }

    fn switch(&mut self, field: &str) -> bool {
        match self.value.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(switch)) => *switch,
            Some(_) => {
                self.report(field, "is neither true nor false");
                false
            }
        }
    }

    fn seconds(&mut self, field: &str) -> Option<u64> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        let span = match value {
            Value::Number(number) => time_span::parse(&number.to_string()).ok(),
            Value::String(text) => time_span::parse(text.trim()).ok(),
            _ => None,
        };
        let seconds = span.map(|span| span.as_secs()).filter(|seconds| *seconds > 0);
        if seconds.is_none() {
            self.report(field, "is no time span: write seconds, or one such as `1h`");
        }
        seconds
    }

    /// A misspelt `disabled` or `expiresAt` would leave a key alive.
    fn refuse_unknown(&mut self, members: &Map<String, Value>, place: &str, known: &[&str]) {
        for unknown in members.keys().filter(|name| !known.contains(&name.as_str())) {
            let unknown: String = unknown.escape_default().take(40).collect();
            self.report(&format!("{place}{unknown}"), &format!("is unknown: use {}", known.join(", ")));
        }
    }

    fn scopes(&mut self) -> Option<ScopeSet> {
        let texts = match self.value.get("scopes") {
            Some(Value::Array(scopes)) if !scopes.is_empty() => scopes,
            Some(Value::Array(_)) => {
                self.report("scopes", r#"is empty: list at least one scope, or ["*"] for all"#);
                return None;
            }
            Some(Value::Null) | None => {
                self.report("scopes", r#"is missing: list scopes, or ["*"] for all"#);
                return None;
            }
            Some(_) => {
                self.report("scopes", r#"is no array: write ["Mutation:Person:*"], or ["*"] for all"#);
                return None;
            }
        };
        let before = self.problems.len();
        for (position, scope) in texts.iter().enumerate() {
            let field = format!("scopes[{position}]");
            match scope.as_str().map(|scope| ScopeSet::compile(&[scope])) {
                Some(Ok(_)) => {}
                Some(Err(error)) => self.report(&field, &error.to_string()),
                None => self.report(&field, "is no string"),
            }
        }
        if self.problems.len() > before {
            return None;
        }
        let texts: Vec<_> = texts.iter().filter_map(Value::as_str).collect();
        ScopeSet::compile(&texts).map_err(|error| self.report("scopes", &error.to_string())).ok()
    }

    fn report(&mut self, field: &str, message: &str) {
        self.problems.push(format!("[{}].{field} {message}", self.index));
    }
}
