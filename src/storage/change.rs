//! What has to change in the database for the schema to fit, as data that can be read aloud before it is done.

use std::fmt;

use crate::sql::Sql;

/// What happens to data that the schema no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemovedPolicy {
    /// Opening fails and says what it is.
    #[default]
    Refuse,
    /// It stays, unused, and this is remembered.
    Keep,
    /// It is deleted, also what was kept before.
    Drop,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A property is new.
    AddColumn {
        /// Name in the database.
        name: String,
        /// Name of the property.
        property: String,
        /// Name of the storage type.
        storage: &'static str,
    },
    /// The property has another column name now, or makes room for one that has.
    RenameColumn {
        /// Name so far.
        from: String,
        /// New name.
        to: String,
    },
    /// A property came back whose column was kept.
    ReuseColumn {
        /// Name in the database.
        name: String,
    },
    /// The schema no longer has the property with this storage type.
    RemoveColumn {
        /// Name in the database.
        name: String,
        /// Name of the property.
        property: String,
        /// Name of the storage type.
        storage: String,
        /// Storage types that the property has now.
        now: Vec<&'static str>,
        /// Number of nodes that hold a value.
        nodes: i64,
    },
    /// An object type came back whose nodes were kept.
    ReuseType {
        /// Name of the type.
        name: String,
    },
    /// The schema no longer has the object type.
    RemoveType {
        /// Name of the type.
        name: String,
        /// Number of nodes of the type.
        nodes: i64,
    },
    /// A column is to be found and ordered by.
    AddIndex {
        /// Name of the index.
        name: String,
        /// Name of the column.
        column: String,
    },
    /// An index that nothing asks for any more.
    DropIndex {
        /// Name of the index.
        name: String,
    },
    /// The view of an object type is new or shows other columns.
    SetView {
        /// Name of the type.
        ty: String,
        /// Name of the view.
        view: String,
        /// The view so far.
        replaces: Option<String>,
        /// Makes it.
        statement: Sql,
    },
    /// The view of an object type that the schema no longer has.
    DropView {
        /// Name of the view.
        view: String,
    },
    /// The full-text index is new, or holds other properties or types than the schema asks for.
    MakeSearch {
        /// Names of the properties.
        properties: Vec<String>,
        /// Names of the types.
        types: Vec<String>,
    },
    /// No query looks into the full-text index any more.
    DropSearch,
}

impl Change {
    /// Whether it takes data away that nodes hold.
    pub fn removes_data(&self) -> bool {
        matches!(self, Self::RemoveColumn { nodes, .. } | Self::RemoveType { nodes, .. } if *nodes > 0)
    }

    /// Whether columns get another name or go, which the database refuses while a view shows them.
    pub(super) fn disturbs_views(&self) -> bool {
        matches!(self, Self::RenameColumn { .. } | Self::RemoveColumn { .. })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddColumn { name, property, storage } => {
                write!(out, "add column `{name}` for property `{property}` ({storage})")
            }
            Self::RenameColumn { from, to } => write!(out, "rename column `{from}` to `{to}`"),
            Self::ReuseColumn { name } => write!(out, "use kept column `{name}` again"),
            Self::RemoveColumn { property, storage, now, nodes, .. } if now.is_empty() => {
                write!(out, "remove property `{property}` ({storage}): {nodes} nodes hold a value")
            }
            Self::RemoveColumn { property, storage, now, nodes, .. } => {
                write!(
                    out,
                    "change property `{property}` from {storage} to {}: {nodes} nodes hold a value",
                    now.join(" and ")
                )
            }
            Self::ReuseType { name } => write!(out, "use kept type `{name}` again"),
            Self::RemoveType { name, nodes } => write!(out, "remove type `{name}`: {nodes} nodes exist"),
            Self::AddIndex { column, .. } => write!(out, "add index on column `{column}`"),
            Self::DropIndex { name } => write!(out, "drop index `{name}`"),
            Self::SetView { ty, view, .. } => write!(out, "make view `{view}` of type `{ty}`"),
            Self::DropView { view } => write!(out, "drop view `{view}`"),
            Self::MakeSearch { properties, types } => {
                write!(out, "make the full-text index of {} for {} types", properties.join(", "), types.len())
            }
            Self::DropSearch => write!(out, "drop the full-text index"),
        }
    }
}
