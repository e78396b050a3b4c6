//! Scopes such as `Mutation:Person:Create`, globs over them, and the proof that one set of globs covers another.
//!
//! Knows nothing of HTTP, tokens or GraphQL: scopes and globs are text.
//!
//! # Globs
//!
//! A glob is read as globset reads it without separators: one flat string, case-sensitive, always the whole of it.
//!
//! | written | matches |
//! | --- | --- |
//! | `*`, `**` | any run of characters, `:` among them |
//! | `?` | one character |
//! | `[abc]`, `[a-z]` | one character of those listed |
//! | `{a,b}` | either; may be nested twice more |
//! | `\*` | the character itself |
//!
//! What micromatch 4.0.2 reads and globset reads otherwise is refused, with what to write instead: see [`Error`].
//! One difference is no matter of syntax: a `.` at the start is a character like any other here, while micromatch's
//! `*` and `?` do not match it.
//!
//! # Which strings there are
//!
//! Only non-empty strings of printable ASCII without blanks are ever granted, and containment is decided over
//! exactly these. Minting and use therefore cannot disagree.

mod concrete;
mod error;
mod syntax;
mod automaton;
mod pattern;
mod set;
mod containment;
mod catalogue;
mod minimal;
mod lint;

pub use catalogue::{Catalogue, Difference, Entry};
pub use concrete::{Operation, Scope};
pub use error::{Error, Escalation, Refusal};
pub use lint::{Finding, lint};
pub use minimal::Minimal;
pub use pattern::Pattern;
pub use set::ScopeSet;
