//! Export and import: all nodes and relations as lines of JSON (NDJSON), whatever the database.
//!
//! # Format
//!
//! | line | |
//! | --- | --- |
//! | `{"clef":"export","version":1,"schema":"…"}` | the first; a digest of types, properties and relations |
//! | `{"node":"Person","key":"p1","values":{"name":"Clara","birthDate":"1819-09-13"}}` | each node, in the order of creation; members in the order of the schema, none for null |
//! | `{"relation":"KNOWS","from":["Person","p1"],"to":["Person","p2"]}` | each relation by its stored name, after all nodes, in the order of creation |
//! | `{"end":{"nodes":2,"relations":1}}` | the last: without it, the file was cut off |
//!
//! Dates are in the stored form of [`crate::value`]; numbers, truth values and lists are JSON's; a custom scalar is the JSON that it is.
//!
//! Knows the tables, but runs no statement by itself.

mod format;
mod values;
mod export;
mod rows;
mod batch;
mod import;
mod progress;
pub mod remote;

use std::path::PathBuf;

pub use export::export;
pub use import::{Imported, Told, Unusable, import};

use crate::storage;

/// How far it has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Nodes written.
    pub nodes: u64,
    /// Relations written.
    pub relations: u64,
}

/// Why an export or import ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file.
    #[error("`{}` cannot be read or written", path.display())]
    File {
        /// As given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database's.
    #[error(transparent)]
    Database(#[from] storage::Error),
    /// The database does not hold what it should.
    #[error(
        "{ty} `{key}` holds a value of `{property}` that is no {expected}: correct or delete the node, then export again"
    )]
    Stored {
        /// Of the node.
        ty: String,
        /// Of the node.
        key: String,
        /// Which.
        property: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A line cannot be used. All before it are in the database.
    #[error("{}:{line}: {reason}\nthe lines before it are imported: correct it and run the command again, which goes on there", path.display())]
    Line {
        /// As given.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What to change.
        reason: String,
    },
    /// Not the end that an export writes.
    #[error("`{}` is cut off after line {line}: all up to there is imported; run the command again with the whole file, which goes on there", path.display())]
    CutOff {
        /// As given.
        path: PathBuf,
        /// Whole ones.
        line: u64,
    },
    /// Two at once.
    #[error("another process imports `{}` into this database: let it finish, then run the command again", path.display())]
    Twice {
        /// As given.
        path: PathBuf,
    },
    /// A server that is read.
    #[error("`{url}` {reason}")]
    Server {
        /// Without what is secret.
        url: String,
        /// What it does.
        reason: String,
    },
    /// A server shows what cannot be used.
    #[error("{ty} `{key}`{}: {reason}\ncorrect it there, or leave out such values with --skip-invalid, and run the command again, which goes on there", of_field(field.as_deref()))]
    Shown {
        /// Of the node.
        ty: String,
        /// Of the node.
        key: String,
        /// Which, if not the node itself.
        field: Option<String>,
        /// What is wrong.
        reason: String,
    },
    /// Two at once.
    #[error("another process writes `{}`: let it finish, or name another file", path.display())]
    Writing {
        /// As given.
        path: PathBuf,
    },
    /// A file of something else.
    #[error("`{}` was not begun with this address and these schemas: remove it and `{}.state`, or name another file", path.display(), path.display())]
    OtherSource {
        /// As given.
        path: PathBuf,
    },
}

fn of_field(field: Option<&str>) -> String {
    field.map_or_else(String::new, |field| format!(", `{field}`"))
}
