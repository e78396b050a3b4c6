//! `JWT_AUTH_KEYS`: a JSON array of `{id, apiKey, scopes}`. Tells where something is wrong, never the key.

use std::collections::HashSet;

use secrecy::SecretString;
use serde_json::Value;

use super::secrets::is_sample;
use crate::auth::Key;
use crate::scope::ScopeSet;

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
        if !self.value.is_object() {
            self.problems.push(format!("[{}] is no object: write {FORM}", self.index));
            return None;
        }
        let id = self.text("id");
        let api_key = self.text("apiKey").filter(|api_key| {
            let is_refused = samples == Samples::Refused && is_sample(api_key);
            if is_refused {
                self.report("apiKey", "is a published sample: make one with `openssl rand -base64 32`");
            }
            !is_refused
        });
        let scopes = self.scopes();
        Some(Key { id: id?.into(), api_key: SecretString::from(api_key?), scopes: scopes? })
    }

    fn text(&mut self, field: &str) -> Option<String> {
        let reason = match self.value.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => return Some(text.clone()),
            Some(Value::String(_)) => "is empty",
            Some(Value::Null) | None => "is missing",
            Some(_) => "is no string",
        };
        self.report(field, reason);
        None
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
