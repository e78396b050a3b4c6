//! The lines of a file.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::model::Model;

/// Of the format.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) clef: String,
    pub(super) version: u32,
    pub(super) schema: String,
}

/// A node to be written.
#[derive(Debug, Serialize)]
pub(super) struct Node<'a> {
    #[serde(rename = "node")]
    pub(super) ty: &'a str,
    pub(super) key: &'a str,
    pub(super) values: IndexMap<&'a str, Box<RawValue>>,
}

/// A relation to be written.
#[derive(Debug, Serialize)]
pub(super) struct Relation<'a> {
    #[serde(rename = "relation")]
    pub(super) name: &'a str,
    pub(super) from: [&'a str; 2],
    pub(super) to: [&'a str; 2],
}

/// How many lines there are of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) nodes: u64,
    pub(super) relations: u64,
}

/// The last line.
#[derive(Debug, Serialize)]
pub(super) struct Last {
    pub(super) end: End,
}

/// Any line but the first, as read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) node: Option<String>,
    pub(super) key: Option<String>,
    pub(super) values: Option<IndexMap<String, Box<RawValue>>>,
    pub(super) relation: Option<String>,
    pub(super) from: Option<[String; 2]>,
    pub(super) to: Option<[String; 2]>,
    pub(super) end: Option<End>,
}

impl Header {
    pub(super) fn of(model: &Model) -> Self {
        Self { clef: "export".to_owned(), version: VERSION, schema: schema_digest(model) }
    }
}

/// Changes whenever a type, a property or a relation does; not with the order of files.
fn schema_digest(model: &Model) -> String {
    let mut lines = Vec::new();
    for (_, ty) in model.objects() {
        lines.push(format!("{} {}", ty.name, ty.key));
        lines.extend(ty.properties().filter(|property| property.column.is_some()).map(|property| {
            let list = if property.is_list { "[]" } else { "" };
            format!("{}.{} {:?}{list}", ty.name, property.name, property.ty)
        }));
        lines.extend(ty.relations().map(|relation| format!("{}.{} {:?}", ty.name, relation.name, relation.direction)));
    }
    lines.sort_unstable();
    format!("{:x}", Sha256::digest(lines.join("\n")))
}
