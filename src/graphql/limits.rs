//! What a document may ask for, decided before anything of it runs.

mod cost;
mod shape;

use async_graphql::Pos;
use async_graphql::parser::types::ExecutableDocument;

use super::response::GraphqlError;
use crate::plan::{RootField, Source};

/// What one GraphQL request may ask for. Each has its setting, which its error names.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Tokens of a document, comments and commas not counted.
    pub tokens: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Fields once fragments are spread.
    pub fields: usize,
    /// Fields with an alias, once fragments are spread.
    pub aliases: usize,
    /// Fields of an operation's root.
    pub root_fields: usize,
    /// Directives in a document.
    pub directives: usize,
    /// Rows that an operation may touch, estimated from its `first` and its nested lists.
    pub cost: u64,
    /// Size of a query's answer.
    pub response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 5_000,
            depth: 15,
            fields: 5_000,
            aliases: 50,
            root_fields: 50,
            directives: 50,
            cost: 100_000_000,
            response_bytes: 64 << 20,
        }
    }
}

/// A limit that a document exceeds.
#[derive(Debug)]
pub(super) struct Exceeded {
    what: &'static str,
    /// `None` if it cannot be changed.
    setting: Option<&'static str>,
    found: u64,
    allowed: u64,
}

impl Exceeded {
    fn check(what: &'static str, setting: Option<&'static str>, found: usize, allowed: usize) -> Result<(), Self> {
        let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        if found <= allowed {
            Ok(())
        } else {
            Err(Self { what, setting, found: as_u64(found), allowed: as_u64(allowed) })
        }
    }

    /// What a client is told.
    pub(super) fn into_error(self) -> GraphqlError {
        let Self { what, setting, found, allowed } = self;
        // Counting stops somewhere past the limit.
        let setting_shown = setting.map(|setting| [" (", setting, ")"].concat()).unwrap_or_default();
        let message = format!(
            "the document has too many {what}: at most {allowed} are allowed{setting_shown}; ask for less at once"
        );
        let limit = serde_json::json!({ "setting": setting, "allowed": allowed, "found": found });
        GraphqlError::new(message, "QUERY_TOO_LARGE").with("limit", limit)
    }
}

impl Limits {
    /// Refuses a text with too many tokens before it is parsed.
    pub(super) fn check_text(&self, text: &str) -> Result<(), Exceeded> {
        // No token is shorter than a byte.
        if text.len() <= self.tokens {
            return Ok(());
        }
        let tokens = apollo_parser::Lexer::new(text)
            .filter(|token| {
                use apollo_parser::TokenKind::{Comma, Comment, Eof, Whitespace};
                !token.as_ref().is_ok_and(|token| matches!(token.kind(), Whitespace | Comment | Comma | Eof))
            })
            .take(self.tokens.saturating_add(1))
            .count();
        Exceeded::check("tokens", Some("MAX_TOKENS"), tokens, self.tokens)
    }

    /// Refuses a document by its shape, before it is validated.
    pub(super) fn check_document(&self, document: &ExecutableDocument) -> Result<(), Exceeded> {
        shape::check(self, document)
    }

    /// Refuses an operation, which stands at `position`, that may touch too many rows.
    pub(super) fn check_operation(
        &self,
        source: &Source<'_>,
        root_type: &str,
        roots: &[RootField<'_>],
        position: Pos,
    ) -> Result<(), Box<GraphqlError>> {
        let cost = cost::cost(source, root_type, roots);
        if cost <= self.cost {
            return Ok(());
        }
        let exceeded = Exceeded {
            what: "rows to look at, by its `first` and its nested lists",
            setting: Some("MAX_COST"),
            found: cost,
            allowed: self.cost,
        };
        Err(Box::new(exceeded.into_error().at(position)))
    }
}
