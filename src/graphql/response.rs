//! The JSON of a response, written without a tree: members of `data` come as JSON text.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Name, Pos, ServerError};
use serde::Serialize;
use serde_json::Value as Json;

use crate::auth::Denial;
use crate::plan::input::VariableError;

/// Most errors that one response tells.
const ERRORS_MAX: usize = 10;
/// Longest message, in characters: what a client sent is not echoed at length.
const MESSAGE_MAX: usize = 500;

/// An error as a response has it (GraphQL specification, section 7.1.2).
#[derive(Debug, Clone, Serialize)]
pub(super) struct GraphqlError {
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Pos>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<Json>,
    extensions: Json,
}

impl GraphqlError {
    /// An error with a code.
    pub(super) fn new(message: impl Into<String>, code: &str) -> Self {
        let message: String = message.into();
        let message = if message.chars().count() > MESSAGE_MAX {
            message.chars().take(MESSAGE_MAX).chain("…".chars()).collect()
        } else {
            message
        };
        Self { message, locations: Vec::new(), path: Vec::new(), extensions: serde_json::json!({ "code": code }) }
    }

    /// A further extension.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: Json) -> Self {
        if let Json::Object(extensions) = &mut self.extensions {
            extensions.insert(name.to_owned(), value);
        }
        self
    }

    /// For programs.
    pub(super) fn code(&self) -> &str {
        self.extensions.get("code").and_then(Json::as_str).unwrap_or_default()
    }

    /// Where in the document.
    #[must_use]
    pub(super) fn at(mut self, position: Pos) -> Self {
        if position.line > 0 {
            self.locations.push(position);
        }
        self
    }

    /// Where in the response: a root field and what is below it.
    #[must_use]
    pub(super) fn below(mut self, root: &Name, path: Vec<Json>) -> Self {
        self.path.push(root.as_str().into());
        self.path.extend(path);
        self
    }

    /// What a guard said.
    pub(super) fn from_guard(error: async_graphql::Error, position: Pos) -> Self {
        let mut refusal = Self::new(error.message, "FORBIDDEN").at(position);
        if let Some(extensions) = error.extensions.and_then(|values| extensions(&values)) {
            refusal.extensions = extensions;
        }
        refusal
    }

    /// What keeps variables from being used.
    pub(super) fn from_variables(errors: Vec<VariableError>) -> Vec<Self> {
        errors.into_iter().map(|error| Self::new(error.message, "BAD_USER_INPUT").at(error.position)).collect()
    }

    /// Scopes that are missing.
    pub(super) fn denied(denial: &Denial, missing: &[Arc<str>], position: Pos) -> Self {
        let mut refusal = Self::new(denial.message(), denial.code()).at(position);
        refusal.extensions = serde_json::json!({ "code": denial.code(), "requiredScopes": missing });
        refusal
    }

    /// What the engine's parser or validator said.
    pub(super) fn from_engine(error: ServerError, code: &str) -> Self {
        let mut refused = Self::new(engine_message(&error.message), code);
        refused.locations = error.locations;
        refused
    }
}

/// A root field of the response.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Response key.
    pub(super) key: &'a Name,
    /// JSON text.
    pub(super) json: String,
}

/// A response whose operation ran.
pub(super) fn executed(members: &[Member<'_>], errors: &[GraphqlError]) -> Vec<u8> {
    let length = members.iter().map(|member| member.json.len() + member.key.len() + 4).sum::<usize>();
    let mut body = Vec::with_capacity(length + 32);
    body.push(b'{');
    if !errors.is_empty() {
        body.extend_from_slice(b"\"errors\":");
        write_errors(&mut body, errors);
        body.push(b',');
    }
    body.extend_from_slice(b"\"data\":{");
    for (position, member) in members.iter().enumerate() {
        if position > 0 {
            body.push(b',');
        }
        // Response keys are GraphQL names: nothing in them needs escaping.
        body.push(b'"');
        body.extend_from_slice(member.key.as_bytes());
        body.extend_from_slice(b"\":");
        body.extend_from_slice(member.json.as_bytes());
    }
    body.extend_from_slice(b"}}");
    body
}

/// A response to a request that was not executed: no `data` (GraphQL specification, section 7.1).
pub(super) fn refused(errors: &[GraphqlError]) -> Vec<u8> {
    let mut body = b"{\"errors\":".to_vec();
    write_errors(&mut body, errors);
    body.push(b'}');
    body
}

fn write_errors(body: &mut Vec<u8>, errors: &[GraphqlError]) {
    let told = errors.get(..ERRORS_MAX).unwrap_or(errors);
    // Writing strings and numbers into memory does not fail.
    if serde_json::to_writer(&mut *body, told).is_err() {
        body.extend_from_slice(b"[]");
    }
}

fn extensions(values: &ErrorExtensionValues) -> Option<Json> {
    serde_json::to_string(values).ok().and_then(|text| serde_json::from_str(&text).ok())
}

/// The parser draws a picture of the source; what it expected is in the last line.
fn engine_message(message: &str) -> String {
    match message.rsplit_once("= ") {
        Some((picture, expected)) if picture.contains("-->") => ["Syntax error: ", expected.trim()].concat(),
        _ => message.lines().next().unwrap_or_default().trim().to_owned(),
    }
}
