//! Who did what: a record of each mutation and each minted token, as a line of the log and, by choice, as a row.
//!
//! Never holds a secret or a token. What clients choose is shortened, and escaped where it is written.

use std::net::IpAddr;
use std::time::SystemTime;

use serde_json::Value;

use crate::sql::{Parameter, Sql};
use crate::storage::Write;
use crate::value::DateTime;

/// Of the log lines.
pub const TARGET: &str = "audit";

/// Longer texts of clients are cut.
const TEXT_CHARACTERS_MAX: usize = 200;
/// More nodes and scopes are left out.
const LISTED_MAX: usize = 50;

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// As in the header `x-request-id`.
    pub request_id: Box<str>,
    /// Of the client, as far as proxies are trusted.
    pub address: IpAddr,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A root field of a mutation.
    Mutation,
    /// A token.
    Mint,
    /// The end of a token.
    Revoke,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was allowed and is done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed and could not be done: nothing has changed.
    Failed,
}

/// One thing that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What.
    pub event: Event,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused or failed, as clients are told.
    pub code: Option<&'a str>,
    /// Who: the key.
    pub key_id: Option<&'a str>,
    /// Who: the claim `jti`.
    pub token_id: Option<&'a str>,
    /// From where.
    pub origin: Option<&'a Origin>,
    /// The client's name for the operation.
    pub operation: Option<&'a str>,
    /// The root field.
    pub field: Option<&'a str>,
    /// What was needed; for a token, what was asked for.
    pub scopes: &'a [String],
    /// Keys of the nodes that are written.
    pub nodes: &'a [String],
}

impl Record<'_> {
    /// Writes the line.
    pub fn log(&self) {
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return;
        }
        let (scopes, nodes) = (list(self.scopes), list(self.nodes));
        let operation = self.operation.map(shortened);
        let address = self.origin.map(|origin| origin.address.to_string());
        tracing::info!(
            target: TARGET,
            event = self.event.name(),
            outcome = self.outcome.name(),
            code = self.code,
            key = self.key_id,
            token = self.token_id,
            request_id = self.origin.map(|origin| &*origin.request_id),
            address = address.as_deref(),
            operation = operation.as_deref(),
            field = self.field,
            scopes = scopes.as_deref(),
            nodes = nodes.as_deref(),
            "audit"
        );
    }

    /// Adds the row.
    pub fn statement(&self, now: SystemTime) -> Sql {
        let mut sql = Sql::new(
            "insert into clef_audit (at, event, outcome, code, key_id, token_id, request_id, address, operation, \
             field, scopes, nodes) values ",
        );
        let text = |text: Option<&str>| text.map_or(Parameter::Null, |text| shortened(text).into());
        let listed = |texts: &[String]| list(texts).map_or(Parameter::Null, Parameter::Text);
        sql.bind_list([
            DateTime::now_utc_millis(now.into()).to_stored().into(),
            self.event.name().into(),
            self.outcome.name().into(),
            text(self.code),
            text(self.key_id),
            text(self.token_id),
            text(self.origin.map(|origin| &*origin.request_id)),
            self.origin.map_or(Parameter::Null, |origin| origin.address.to_string().into()),
            text(self.operation),
            text(self.field),
            listed(self.scopes),
            listed(self.nodes),
        ]);
        sql
    }
}

/// A write of nothing but rows.
pub fn write(statements: Vec<Sql>) -> Write {
    Write::Change { statements, read: Sql::new("select 1") }
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Mint => "mint",
            Self::Revoke => "revoke",
        }
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A JSON array; none of none.
fn list(texts: &[String]) -> Option<String> {
    let mut listed: Vec<_> = texts.iter().take(LISTED_MAX).map(|text| Value::from(shortened(text))).collect();
    if texts.len() > LISTED_MAX {
        listed.push(format!("and {} more", texts.len() - LISTED_MAX).into());
    }
    (!texts.is_empty()).then(|| Value::from(listed).to_string())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_clients_are_shortened_and_listed_as_json() {
        let (long, line) = ("é".repeat(300), "a\n\"b\"".to_owned());
        assert_eq!(shortened(&long).chars().count(), 201);
        assert_eq!(list(&[line, "c".to_owned()]).unwrap(), r#"["a\n\"b\"","c"]"#);
        assert_eq!(list(&[]), None);
        let many: Vec<_> = (0..60).map(|it| it.to_string()).collect();
        assert!(list(&many).unwrap().ends_with(r#""49","and 10 more"]"#));
    }
}
