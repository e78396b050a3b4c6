//! The definitions of a schema folder as plain data, directives already typed. Knows nothing of files, SQL or the generated API.

use std::sync::Arc;

/// Everything that the files of a schema folder define, in file order (files sorted by path).
///
/// Inheritance is already resolved: a type or interface carries the fields of every interface it implements, in the order of its
/// `implements` list, with restated fields in place of the inherited ones, followed by the fields of its own.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Node interfaces.
    pub interfaces: Vec<ObjectDefinition>,
    /// Node types: those with an `@id` field.
    pub objects: Vec<ObjectDefinition>,
    /// Output types without an `@id` field: payloads of declared operations, never stored.
    pub payloads: Vec<ObjectDefinition>,
    /// Enumerations.
    pub enums: Vec<EnumDefinition>,
    /// Input objects of declared operations.
    pub inputs: Vec<InputDefinition>,
    /// Custom scalars. `Date` and `DateTime` are built in and not among them.
    pub scalars: Vec<ScalarDefinition>,
    /// Fields of `type Query`.
    pub queries: Vec<FieldDefinition>,
    /// Fields of `type Mutation`.
    pub mutations: Vec<FieldDefinition>,
    /// Fields of `type Subscription`.
    pub subscriptions: Vec<FieldDefinition>,
    /// `extend schema @vocabulary(…)`, in file order.
    pub vocabularies: Vec<VocabularyDirective>,
}

/// Where something is written: file relative to the schema folder, line counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Location {
    /// Path relative to the schema folder, with `/`.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
}

/// An object type or an interface.
#[derive(Debug, Clone)]
pub struct ObjectDefinition {
    /// Type name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// Names of the interfaces it declares, in order.
    pub implements: Vec<String>,
    /// `@jsonld(type: […])`: what its nodes are in JSON-LD, if not the first IRI of the description.
    pub classes: Option<Vec<String>>,
    /// Fields, inherited ones included.
    pub fields: Vec<FieldDefinition>,
    /// Where the type is defined.
    pub location: Location,
}

/// A field of a type, an interface or an operation root.
#[derive(Debug, Clone)]
pub struct FieldDefinition {
    /// Field name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// Type as written.
    pub ty: TypeExpression,
    /// Declared arguments; empty on node types.
    pub arguments: Vec<InputValue>,
    /// Our directives, typed.
    pub directives: FieldDirectives,
    /// Where the field is written.
    pub location: Location,
}

/// `String`, `[String!]`, `[[Int]]!` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeExpression {
    /// A named type.
    Named(String),
    /// A list.
    List(Box<TypeExpression>),
    /// A non-null type.
    NonNull(Box<TypeExpression>),
}

/// The directives that a field may carry.
#[expect(clippy::struct_excessive_bools, reason = "one for each directive without arguments")]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldDirectives {
    /// `@relation(name: "COMPOSER", direction: OUT)`.
    pub relation: Option<RelationDirective>,
    /// `@id`: the key of the type, at most one field.
    pub id: bool,
    /// `@index`: equality, prefix and order on this field are served by an index.
    pub index: bool,
    /// `@url`: values given by clients must be absolute http or https URLs.
    pub url: bool,
    /// `@computed`: filled by the server; arguments of this name are accepted and ignored.
    pub computed: bool,
    /// `@timestamp(on: [CREATE, UPDATE])`: set by the server at these events.
    pub timestamp: Option<Timestamp>,
    /// `@matches(field: "name", argument: "substring", operator: CONTAINS)` on a field of `Query`.
    pub matches: Option<MatchesDirective>,
    /// `@search` on a property, `@search(text: "substring")` on a field of `Query`.
    pub search: Option<SearchDirective>,
    /// `@resolver(name: "RequestControlAction")` on a field of an operation root: what answers it is built into the server.
    pub resolver: Option<String>,
    /// `@jsonld(iri: ["https://schema.org/item"], link: true)`.
    pub jsonld: Option<JsonLdDirective>,
    /// `@embed(fields: ["name"], orderBy: "position")`.
    pub embed: Option<EmbedDirective>,
    /// `@deprecated(reason: "...")`.
    pub deprecated: Option<String>,
}

/// `@relation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationDirective {
    /// Stored name, shared by all fields that read the same relation.
    pub name: String,
    /// Which end the declaring type is.
    pub direction: Direction,
}

/// Direction of a relation, seen from the declaring type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The declaring type is the source.
    Out,
    /// The declaring type is the target.
    In,
}

/// `@timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Set when a node comes into being.
    pub on_create: bool,
    /// Set at every later write to the node itself.
    pub on_update: bool,
}

/// `@matches`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchesDirective {
    /// Property of the returned type.
    pub field: String,
    /// Argument that holds the operand.
    pub argument: String,
    /// How they are compared: the suffix of the filter key, for example `contains`.
    pub operator: String,
}

/// `@search`. On a property it has no arguments: the property is part of the full-text index. On a field of `Query` it names arguments of
/// the field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchDirective {
    /// Argument that holds what is looked for.
    pub text: Option<String>,
    /// Argument that holds the properties to look in, values of an enumeration.
    pub fields: Option<String>,
    /// Argument that holds the types to look for, values of an enumeration.
    pub types: Option<String>,
    /// Computed property of the returned type that shows how well a node fits.
    pub score: Option<String>,
}

/// `@vocabulary`: how IRIs that begin in one of several ways are written in JSON-LD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VocabularyDirective {
    /// How the IRIs begin.
    pub iri: Vec<String>,
    /// Written before the rest of the IRI, with a colon.
    pub prefix: Option<String>,
    /// The context document that knows the rest of the IRI as a name.
    pub context: Option<String>,
    /// Where it stands.
    pub location: Location,
}

/// `@jsonld` on a field: what its values are in JSON-LD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonLdDirective {
    /// Properties that the field stands for, in place of the IRIs of its description; `@type`: its values are types of the node.
    pub iri: Option<Vec<String>>,
    /// Types that a node has if the field has a value.
    pub types: Vec<String>,
    /// What is written before each value.
    pub base: Option<String>,
    /// Whether values are IRIs of other things, not texts.
    pub link: bool,
    /// What a text stands for.
    pub node: Option<JsonLdNode>,
}

/// A node that is not stored, but told by one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLdNode {
    /// Its type.
    pub ty: String,
    /// Its property that the text is.
    pub text: String,
    /// Its property that a text which is a web address is.
    pub url: Option<String>,
}

/// `@embed`: in documents, related nodes stand as objects with these fields, not as URLs; dates as objects with `formatted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedDirective {
    /// Fields, besides type and key, that nodes have whose type has them.
    pub fields: Vec<String>,
    /// The property that related nodes are ordered by. In JSON-LD, nodes of types that have it stand where they are related.
    pub order_by: Option<String>,
}

/// An argument or an input field.
#[derive(Debug, Clone)]
pub struct InputValue {
    /// Name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// Type as written.
    pub ty: TypeExpression,
    /// Default as JSON; an enum value is its name as a string.
    pub default: Option<serde_json::Value>,
}

/// An enumeration.
#[derive(Debug, Clone)]
pub struct EnumDefinition {
    /// Type name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// Names of the values with their descriptions, in order.
    pub values: Vec<EnumValue>,
}

/// A value of an enumeration.
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// Name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// `@deprecated(reason: "...")`.
    pub deprecated: Option<String>,
}

/// An input object.
#[derive(Debug, Clone)]
pub struct InputDefinition {
    /// Type name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
    /// Fields in order.
    pub fields: Vec<InputValue>,
}

/// A custom scalar: any JSON value, stored and returned unchanged.
#[derive(Debug, Clone)]
pub struct ScalarDefinition {
    /// Type name.
    pub name: String,
    /// Description as written, if any.
    pub description: Option<String>,
}

/// Whether a text is an absolute web IRI (RFC 3987), as vocabularies use them.
pub fn is_iri(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(char::is_alphanumeric)
            && !rest.contains(|it: char| it.is_whitespace() || it.is_control() || "\"'<>\\^`{|},".contains(it))
    })
}

impl TypeExpression {
    /// The named type inside all wrappers.
    pub fn named(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.named(),
        }
    }

    /// Whether the outermost wrapper is `!`.
    pub fn is_non_null(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    /// Whether there is a list wrapper anywhere.
    pub fn is_list(&self) -> bool {
        match self {
            Self::Named(_) => false,
            Self::List(_) => true,
            Self::NonNull(inner) => inner.is_list(),
        }
    }
}

impl std::fmt::Display for TypeExpression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::NonNull(inner) => write!(f, "{inner}!"),
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
