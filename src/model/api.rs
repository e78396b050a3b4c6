//! The published schema as data: what introspection and SDL show, and what arguments are checked against.

use std::sync::Arc;

use super::ByName;

/// Every published type by name, system scalars included, in published order.
#[derive(Debug, Default)]
pub struct Api {
    /// Types by name.
    pub types: ByName<ApiType>,
    /// Whether there is a mutation root.
    pub has_mutations: bool,
    /// Whether there is a subscription root.
    pub has_subscriptions: bool,
}

/// Name of the query root.
pub const QUERY: &str = "Query";
/// Name of the mutation root.
pub const MUTATION: &str = "Mutation";
/// Name of the subscription root.
pub const SUBSCRIPTION: &str = "Subscription";

/// A published type.
#[derive(Debug)]
pub struct ApiType {
    /// Name.
    pub name: Arc<str>,
    /// Description.
    pub description: Option<Arc<str>>,
    /// What it is.
    pub kind: ApiKind,
}

/// What a published type is.
#[derive(Debug)]
pub enum ApiKind {
    /// A scalar.
    Scalar,
    /// An enum: values in order.
    Enum(Vec<ApiEnumValue>),
    /// An input object.
    Input(ApiInputs),
    /// An object type.
    Object {
        /// Names of its interfaces.
        implements: Vec<Arc<str>>,
        /// Fields by name.
        fields: ByName<ApiField>,
    },
    /// An interface.
    Interface {
        /// Names of its interfaces.
        implements: Vec<Arc<str>>,
        /// Names of the object types that implement it.
        possible: Vec<Arc<str>>,
        /// Fields by name.
        fields: ByName<ApiField>,
    },
    /// A union: names of its object types.
    Union(Vec<Arc<str>>),
}

/// A value of an enum.
#[derive(Debug)]
pub struct ApiEnumValue {
    /// Name.
    pub name: Arc<str>,
    /// Description.
    pub description: Option<Arc<str>>,
    /// Reason of deprecation.
    pub deprecated: Option<Arc<str>>,
}

/// A field of an object or interface.
#[derive(Debug, Clone)]
pub struct ApiField {
    /// Name.
    pub name: Arc<str>,
    /// Description.
    pub description: Option<Arc<str>>,
    /// Arguments in order; shared between fields that have the same.
    pub arguments: Arc<[ApiInput]>,
    /// Type.
    pub ty: ApiTypeRef,
    /// Reason of deprecation.
    pub deprecated: Option<Arc<str>>,
}

/// An argument or an input field.
#[derive(Debug, Clone)]
pub struct ApiInput {
    /// Name.
    pub name: Arc<str>,
    /// Description.
    pub description: Option<Arc<str>>,
    /// Type.
    pub ty: ApiTypeRef,
    /// Default value.
    pub default: Option<async_graphql::Value>,
}

/// A reference to a published type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiTypeRef {
    /// A named type.
    Named(Arc<str>),
    /// A list.
    List(Arc<ApiTypeRef>),
    /// A non-null type.
    NonNull(Arc<ApiTypeRef>),
}

impl Api {
    /// A type by name.
    pub fn get(&self, name: &str) -> Option<&ApiType> {
        self.types.get(name)
    }

    /// A field of an object or interface by name.
    pub fn field(&self, ty: &str, field: &str) -> Option<&ApiField> {
        match &self.types.get(ty)?.kind {
            ApiKind::Object { fields, .. } | ApiKind::Interface { fields, .. } => fields.get(field),
            ApiKind::Scalar | ApiKind::Enum(_) | ApiKind::Input(_) | ApiKind::Union(_) => None,
        }
    }
}

/// The fields of an input object.
#[derive(Debug)]
pub struct ApiInputs {
    by_name: ByName<ApiInput>,
    to_complete: Box<[usize]>,
}

impl From<ByName<ApiInput>> for ApiInputs {
    fn from(by_name: ByName<ApiInput>) -> Self {
        let positions = by_name.values().enumerate().filter(|(_, input)| input.must_be_completed());
        Self { to_complete: positions.map(|(position, _)| position).collect(), by_name }
    }
}

impl ApiInputs {
    /// A field by name.
    pub fn get(&self, name: &str) -> Option<&ApiInput> {
        self.by_name.get(name)
    }

    /// All fields in order.
    pub fn values(&self) -> impl Iterator<Item = &ApiInput> {
        self.by_name.values()
    }

    /// The fields where something is missing if no value is given: few of a filter's thousand.
    pub fn to_complete(&self) -> impl Iterator<Item = &ApiInput> {
        self.to_complete.iter().filter_map(|position| self.by_name.get_index(*position)).map(|(_, input)| input)
    }
}

impl ApiInput {
    /// Whether something is missing where no value is given.
    pub fn must_be_completed(&self) -> bool {
        self.default.is_some() || self.ty.is_non_null()
    }
}

impl ApiTypeRef {
    /// A nullable type of this name.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self::Named(name.into())
    }

    /// A nullable list of this type.
    #[must_use]
    pub fn list(self) -> Self {
        Self::List(Arc::new(self))
    }

    /// This type, non-null.
    #[must_use]
    pub fn non_null(self) -> Self {
        Self::NonNull(Arc::new(self))
    }

    /// The named type inside all wrappers.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.name(),
        }
    }

    /// Whether null is refused.
    pub fn is_non_null(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    /// The type without its outermost `!`.
    pub fn nullable(&self) -> &Self {
        match self {
            Self::NonNull(inner) => inner,
            Self::Named(_) | Self::List(_) => self,
        }
    }
}

impl std::fmt::Display for ApiTypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::NonNull(inner) => write!(f, "{inner}!"),
        }
    }
}
