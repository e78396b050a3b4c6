//! Columns of the `node` table: one for each distinct name and storage type of a property.

use super::TypeId;

/// Position of a column in [`super::Model::columns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub(super) usize);

/// A column that follows the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in the database: the property's, with a suffix where two properties would collide.
    pub name: String,
    /// Name of the property.
    pub property: String,
    /// What it holds.
    pub storage: StorageType,
    /// Whether an index serves equality, prefix and order.
    pub is_indexed: bool,
}

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// Text: `ID`, `String`, enums.
    Text,
    /// Whole number.
    Integer,
    /// Floating point number.
    Real,
    /// 0 or 1.
    Boolean,
    /// Sortable text of a date, see [`crate::value`].
    Date,
    /// Sortable text of a date-time, see [`crate::value`].
    DateTime,
    /// JSON text: lists.
    List,
    /// JSON text: any value of a custom scalar.
    Json,
}

impl StorageType {
    /// Name in the catalogue. Frozen: databases in use hold it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::List => "list",
            Self::Json => "json",
        }
    }
}

/// What the full-text index holds: of nodes of these types, the values of these columns.
#[derive(Debug, Default)]
pub struct SearchIndex {
    /// Object types that some query looks for, in the order of the model.
    pub types: Vec<TypeId>,
    /// Columns, in the order of the model.
    pub columns: Vec<ColumnId>,
}

/// Names of the full-text index.
pub mod search {
    /// The index, a row for each node with a number of its own.
    pub const TABLE: &str = "clef_search";
    /// Its distinct words.
    pub const WORDS: &str = "clef_search_word";

    /// Column of the index for a column of `node`: FTS5 keeps some names for itself.
    pub fn column(name: &str) -> String {
        ["f_", name].concat()
    }
}

/// System columns of the `node` table. GraphQL reserves names that begin with two underscores, so no property can collide.
pub mod system {
    /// Number of the node, the primary key; published as `_id`.
    pub const ID: &str = "__id";
    /// Name of the object type.
    pub const TYPE: &str = "__type";
    /// Value of the key field.
    pub const KEY: &str = "__key";
}
