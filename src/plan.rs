//! From a selection to SQL: one statement for each root field, whatever its depth. Does no I/O.
//!
//! `input` checks values, `selection` collects fields, `node` shapes the JSON of nodes (`kept` with their document), `filter` and `page` say which nodes in which
//! order, `dialect` holds what differs between databases, `query`, `search`, `mutation`, `subscription` and `document` put statements together.

pub mod input;
pub mod selection;
pub mod dialect;
pub mod temporal;
pub mod filter;
pub mod page;
mod member;
pub mod object;
pub mod node;
pub mod kept;
pub mod query;
pub mod search;
pub mod mutation;
pub mod subscription;
pub mod document;
pub mod nulls;

use async_graphql::parser::types::{ExecutableDocument, Field};
use async_graphql::{Name, Pos, Positioned};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;

use crate::model::Model;
use crate::sql::Dialect;

pub use input::{Arguments, Variables};
pub use kept::KeptObjects;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The model.
    pub model: &'a Model,
    /// The validated document.
    pub document: &'a ExecutableDocument,
    /// What its selections compiled to before; of this document and this model.
    pub kept: &'a KeptObjects,
    /// Variables, coerced to their types.
    pub variables: &'a Variables,
    /// The time of the request.
    pub now: DateTime<Utc>,
    /// The database that statements are for.
    pub dialect: Dialect,
}

/// A root field with its merged selections.
#[derive(Debug, Clone)]
pub struct RootField<'a> {
    /// Key in the response.
    pub response_key: &'a Name,
    /// The fields of this key; all name the same field with equal arguments.
    pub fields: Vec<&'a Positioned<Field>>,
}

impl<'a> RootField<'a> {
    /// Name of the field.
    pub fn name(&self) -> &'a str {
        self.fields.first().map_or("", |field| field.node.name.node.as_str())
    }

    /// Where the field is in the document.
    pub fn position(&self) -> Pos {
        self.fields.first().map(|field| field.pos).unwrap_or_default()
    }
}

/// What a client did wrong in one field. The text may be read by anyone: it is made from the schema and the client's own values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value that cannot be used.
    #[error("{0}")]
    BadInput(String),
    /// A selection too large for one statement.
    #[error("{0}")]
    TooLarge(String),
    /// The field has no implementation in this server.
    #[error("`{0}` is part of the schema, but this server does not answer it yet")]
    NotImplemented(String),
}

impl Error {
    /// Value of `extensions.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadInput(_) => "BAD_USER_INPUT",
            Self::TooLarge(_) => "QUERY_TOO_LARGE",
            Self::NotImplemented(_) => "NOT_IMPLEMENTED",
        }
    }
}

/// Root fields of an operation in the order of the document.
pub fn root_fields<'a>(
    source: &Source<'a>,
    root_type: &str,
    selection_set: &'a async_graphql::parser::types::SelectionSet,
) -> Vec<RootField<'a>> {
    let collected: IndexMap<&Name, Vec<&Positioned<Field>>> =
        selection::collect(source, |condition| condition == root_type, &[selection_set]);
    collected.into_iter().map(|(response_key, fields)| RootField { response_key, fields }).collect()
}
