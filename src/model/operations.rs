//! What the fields of the operation roots do.

use std::sync::Arc;

use super::TypeId;

/// A field of the query root.
#[derive(Debug, Clone)]
pub enum QueryField {
    /// `Person(...)`: nodes of a type or interface.
    Nodes(TypeId),
    /// A declared query: nodes whose property matches an argument.
    Matches {
        /// Type of the nodes.
        ty: TypeId,
        /// Property compared.
        property: Arc<str>,
        /// Suffix of the filter key, such as `contains`; empty for equality.
        operator: Arc<str>,
        /// Argument that holds the operand.
        argument: Arc<str>,
    },
    /// A declared query: nodes found in the full-text index.
    Search(SearchField),
    /// A declared query that a built-in resolver of this name answers.
    Resolver(Arc<str>),
}

/// A query of the full-text index. Its arguments by what they are for.
#[derive(Debug, Clone)]
pub struct SearchField {
    /// Type of the nodes.
    pub ty: TypeId,
    /// Holds what is looked for.
    pub text: Arc<str>,
    /// Holds names of the properties to look in.
    pub fields: Option<Arc<str>>,
    /// Holds names of the types to look for.
    pub types: Option<Arc<str>>,
    /// Computed property of the nodes that shows how well they fit.
    pub score: Option<Arc<str>>,
}

/// A field of the mutation root.
#[derive(Debug, Clone)]
pub struct MutationField {
    /// What it does.
    pub kind: MutationKind,
    /// The scope a token needs: `Mutation:Type:Action`.
    pub scope: Arc<str>,
}

/// A field of the subscription root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionField {
    /// What happens to nodes of any type.
    Changes,
    /// A declared subscription that a built-in resolver of this name answers.
    Resolver(Arc<str>),
}

/// What a mutation does.
#[derive(Debug, Clone)]
pub enum MutationKind {
    /// `CreatePerson` and its like.
    Node {
        /// What happens to the node.
        action: NodeAction,
        /// Object type.
        ty: TypeId,
    },
    /// `AddPersonKnows` and its like.
    Relation {
        /// What happens to the relation.
        action: RelationAction,
        /// Type that owns the field; may be an interface.
        owner: TypeId,
        /// Field name.
        field: Arc<str>,
    },
    /// A declared mutation that a built-in resolver of this name answers.
    Resolver(Arc<str>),
}

/// Mutation of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeAction {
    /// A new node.
    Create,
    /// Given properties of a node that exists.
    Update,
    /// A node and its relations go.
    Delete,
    /// Update if it exists, create otherwise.
    Merge,
}

/// Mutation of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationAction {
    /// One more relation, also beside an equal one.
    Add,
    /// All relations of this name between the two nodes go.
    Remove,
    /// A relation unless there is one.
    Merge,
}

impl NodeAction {
    /// As in field names and scopes, in published order.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Merge];

    /// As in field names and scopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Merge => "Merge",
        }
    }
}

impl RelationAction {
    /// As in field names and scopes, in published order.
    pub const ALL: [Self; 3] = [Self::Add, Self::Remove, Self::Merge];

    /// As in field names and scopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Remove => "Remove",
            Self::Merge => "Merge",
        }
    }
}
