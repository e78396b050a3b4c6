//! GraphQL requests against the model: parse, validate, guard, plan, run, answer. Knows nothing of HTTP.

mod schema;
mod escapes;
mod validation;
mod limits;
mod document;
mod response;
mod introspection;
mod needs;
mod explain;
mod trail;
mod engine;
mod live;
pub mod sdl;

use std::sync::Arc;

use async_graphql::Variables;
use bytes::Bytes;

use crate::audit::Origin;
use crate::auth::{Access, TokenError};

pub use engine::{Engine, Error, Started};
pub use explain::{
    Explainer, Explanation, FieldExplanation, FieldNeeds, MinimalScopes, Needs, Question, ScopeExplanation,
};
pub use limits::Limits;
pub use live::{Delivery, End, Mailbox, Subscription};

/// A GraphQL request, whatever brought it.
#[derive(Debug, Default)]
pub struct Request {
    /// Document text.
    pub query: String,
    /// Which operation of the document.
    pub operation_name: Option<String>,
    /// Variables as sent.
    pub variables: Variables,
    /// Whether mutations are refused, as for HTTP GET.
    pub queries_only: bool,
    /// What introspection shows.
    pub visible: Visible,
    /// Where it came from, for the audit.
    pub origin: Option<Arc<Origin>>,
}

/// What introspection shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Visible {
    /// The whole schema, equal for everyone.
    #[default]
    All,
    /// Without mutations that the caller may not run, and types that only these reach.
    Mine,
}

/// The JSON text of a response and what it means.
#[derive(Debug)]
pub struct Answer {
    /// A whole GraphQL response: `{"data": …}`, `{"errors": …}` or both.
    pub body: Bytes,
    /// How far the request came.
    pub outcome: Outcome,
    /// What the caller lacked, if anything was refused for that.
    pub challenge: Option<Challenge>,
}

/// Why a caller was refused, for the header `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// No token was sent.
    NoToken,
    /// The token cannot be used.
    InvalidToken {
        /// Whether it was good once.
        is_expired: bool,
    },
    /// The token lacks these scopes.
    MissingScopes(Vec<Arc<str>>),
}

impl Challenge {
    /// For a caller that was denied these scopes.
    pub fn new(access: &Access, denied: Vec<Arc<str>>) -> Self {
        match access {
            Access::Anonymous => Self::NoToken,
            Access::Refused(error) => Self::InvalidToken { is_expired: *error == TokenError::Expired },
            Access::Granted(_) => Self::MissingScopes(denied),
        }
    }
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was executed; single fields may have failed.
    Executed,
    /// It was executed, and the body is the answer to a pure introspection request, equal for everyone who sees the same until the next start.
    Introspection,
    /// It was executed, and the database was there for none of its fields: nothing was done.
    Unavailable,
    /// Nothing ran: it did not parse, validate or coerce. There is no `data`.
    RequestError,
    /// Nothing ran: a mutation where only queries are allowed.
    MutationNotAllowed,
}
