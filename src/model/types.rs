//! Node types, their properties and their relations.

use std::sync::Arc;

use super::{ByName, ColumnId};
pub use crate::sdl::syntax::{Direction, Timestamp};

/// Position of a type in [`super::Model::types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(super) usize);

/// An object type whose nodes are stored, or an interface of such types.
#[derive(Debug)]
pub struct NodeType {
    /// Name in SDL and API; the value of `__typename`.
    pub name: Arc<str>,
    /// Whether it is an interface.
    pub is_interface: bool,
    /// Interfaces that it implements, in declared order.
    pub implements: Vec<TypeId>,
    /// Object types that a node of this type can have: the implementing ones, or the type itself.
    pub possible: Vec<TypeId>,
    /// Name of the key field, for example `identifier`.
    pub key: Arc<str>,
    /// Fields by name, in SDL order.
    pub fields: ByName<Field>,
}

/// A field of a node type.
#[derive(Debug, Clone)]
pub enum Field {
    /// A value stored in the node.
    Property(Property),
    /// Other nodes.
    Relation(Relation),
}

/// A value stored in a node, or computed by the server.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says another thing of the property, and all combinations occur"
)]
pub struct Property {
    /// Field name.
    pub name: Arc<str>,
    /// Type of the value, or of the items of a list.
    pub ty: PropertyType,
    /// Whether the value is a list.
    pub is_list: bool,
    /// Whether the field is declared non-null.
    pub non_null: bool,
    /// Whether the items of the list are declared non-null.
    pub item_non_null: bool,
    /// Where the value is stored; `None` for computed properties, which are null in storage.
    pub column: Option<ColumnId>,
    /// Whether this is the type's key.
    pub is_key: bool,
    /// Whether values must be absolute http or https URLs.
    pub is_url: bool,
    /// Whether it is part of the full-text index.
    pub is_searched: bool,
    /// When the server sets the value by itself.
    pub timestamp: Option<Timestamp>,
}

/// Type of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyType {
    /// `ID`.
    Id,
    /// `String`.
    String,
    /// `Int`.
    Int,
    /// `Float`.
    Float,
    /// `Boolean`.
    Boolean,
    /// An enum, by name.
    Enum(Arc<str>),
    /// `Date`.
    Date,
    /// `DateTime`.
    DateTime,
    /// A custom scalar, by name: any JSON value.
    Custom(Arc<str>),
}

/// A relation as seen from one of its ends.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Field name.
    pub field: Arc<str>,
    /// Stored name.
    pub name: Arc<str>,
    /// Which end the owner of the field is.
    pub direction: Direction,
    /// Type of the other end.
    pub target: TypeId,
    /// Whether the field is a list.
    pub is_list: bool,
    /// Whether the field is declared non-null.
    pub non_null: bool,
    /// Whether the items of the list are declared non-null.
    pub item_non_null: bool,
}

impl NodeType {
    /// Properties in SDL order.
    pub fn properties(&self) -> impl Iterator<Item = &Property> {
        self.fields.values().filter_map(|field| match field {
            Field::Property(property) => Some(property),
            Field::Relation(_) => None,
        })
    }

    /// Relations in SDL order.
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.fields.values().filter_map(|field| match field {
            Field::Relation(relation) => Some(relation),
            Field::Property(_) => None,
        })
    }

    /// A property by its name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        match self.fields.get(name) {
            Some(Field::Property(property)) => Some(property),
            _ => None,
        }
    }

    /// A relation by the name of its field.
    pub fn relation(&self, name: &str) -> Option<&Relation> {
        match self.fields.get(name) {
            Some(Field::Relation(relation)) => Some(relation),
            _ => None,
        }
    }
}

impl PropertyType {
    /// Whether the published type is an object of components.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::DateTime)
    }
}
