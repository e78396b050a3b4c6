//! Introspection, answered from the published schema (GraphQL specification, section 4).
//!
//! A selection is compiled once and then written for each of the tens of thousands of elements.

use async_graphql::Value;
use async_graphql::parser::types::SelectionSet;

use crate::model::api::{
    Api, ApiEnumValue, ApiField, ApiInput, ApiKind, ApiType, ApiTypeRef, MUTATION, QUERY, SUBSCRIPTION,
};
use crate::plan::{Error, RootField, Source, input, selection};

mod directives;
mod visible;

pub(super) use visible::Hidden;

use directives::{DIRECTIVES, Directive};

/// The introspection that tools send (`getIntrospectionQuery` of graphql-js with its defaults).
pub(super) const STANDARD: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } \
    types { ...FullType } directives { name description locations args { ...InputValue } } } } \
    fragment FullType on __Type { kind name description \
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields { ...InputValue } interfaces { ...TypeRef } \
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

/// A type reference has at most this many wrappers: `[T!]!`. What is selected below them is never answered.
const WRAPPERS_MAX: usize = 3;

/// A compiled selection on `__schema`. Equal ones have equal answers, however their documents are written.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SchemaSelection {
    response_key: String,
    selected: Vec<Selected>,
}

/// Compiles a selection on `__schema`.
///
/// # Errors
/// Arguments that cannot be used.
pub(super) fn schema_selection(source: &Source<'_>, root: &RootField<'_>) -> Result<SchemaSelection, Error> {
    let selected = compile(source, "__Schema", &selection::children(&root.fields), 0)?;
    Ok(SchemaSelection { response_key: root.response_key.to_string(), selected })
}

/// The whole response to a request for `__schema` and nothing else.
pub(super) fn schema_response(api: &Api, selection: &SchemaSelection, hidden: Option<&Hidden<'_>>) -> Vec<u8> {
    let mut out = ["{\"data\":{\"", &selection.response_key, "\":"].concat();
    Writer { api, hidden }.object(&mut out, &selection.selected, Meta::Schema);
    out.push_str("}}");
    out.shrink_to_fit();
    out.into_bytes()
}

/// The JSON of `__schema` or `__type`.
///
/// # Errors
/// Arguments that cannot be used.
pub(super) fn resolve(source: &Source<'_>, root: &RootField<'_>, hidden: Option<&Hidden<'_>>) -> Result<String, Error> {
    let writer = Writer { api: source.model.api(), hidden };
    let mut out = String::new();
    let sets = selection::children(&root.fields);
    if root.name() == "__schema" {
        writer.object(&mut out, &compile(source, "__Schema", &sets, 0)?, Meta::Schema);
        return Ok(out);
    }
    let selected = compile(source, "__Type", &sets, 0)?;
    let name = root.fields.first().and_then(|field| field.node.get_argument("name"));
    let name = match name.map(|value| &value.node) {
        Some(async_graphql_value::Value::String(name)) => Some(name.as_str()),
        Some(async_graphql_value::Value::Variable(name)) => match source.variables.get(name) {
            Some(Value::String(name)) => Some(name.as_str()),
            _ => None,
        },
        _ => None,
    };
    match name.and_then(|name| writer.shown(name)) {
        Some(ty) => writer.object(&mut out, &selected, Meta::Type(TypeOf::Definition(ty))),
        None => out.push_str("null"),
    }
    Ok(out)
}

/// A member of the answer: `"key":`, which field of the meta type, and what is selected below.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Selected {
    key: String,
    field: String,
    include_deprecated: bool,
    type_name: &'static str,
    below: Vec<Selected>,
}

/// `wrappers`: how many times `ofType` was followed without another field between.
fn compile<'a>(
    source: &Source<'a>,
    meta: &'static str,
    sets: &[&'a SelectionSet],
    wrappers: usize,
) -> Result<Vec<Selected>, Error> {
    let api = source.model.api();
    let mut compiled = Vec::new();
    for (key, fields) in selection::collect(source, |condition| condition == meta, sets) {
        let Some(field) = fields.first() else { continue };
        let name = field.node.name.node.as_str();
        let arguments = match api.field(meta, name) {
            Some(published) => input::coerce_arguments(api, &published.arguments, &field.node, source.variables)?,
            None => input::Arguments::new(),
        };
        let wrappers = if name == "ofType" { wrappers + 1 } else { 0 };
        let below = match below(name) {
            Some(below) if wrappers <= WRAPPERS_MAX => compile(source, below, &selection::children(&fields), wrappers)?,
            _ => Vec::new(),
        };
        let include_deprecated = matches!(arguments.get("includeDeprecated"), Some(Value::Boolean(true)));
        let key = ["\"", key.as_str(), "\":"].concat();
        compiled.push(Selected { key, field: name.to_owned(), include_deprecated, type_name: meta, below });
    }
    Ok(compiled)
}

/// The meta type of a meta field; no two meta types give one name different types.
fn below(field: &str) -> Option<&'static str> {
    Some(match field {
        "types" | "queryType" | "mutationType" | "subscriptionType" | "interfaces" | "possibleTypes" | "ofType"
        | "type" => "__Type",
        "fields" => "__Field",
        "args" | "inputFields" => "__InputValue",
        "enumValues" => "__EnumValue",
        "directives" => "__Directive",
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Meta<'a> {
    Schema,
    Type(TypeOf<'a>),
    Field(&'a ApiField),
    Input(&'a ApiInput),
    EnumValue(&'a ApiEnumValue),
    Directive(&'a Directive),
}

#[derive(Clone, Copy)]
enum TypeOf<'a> {
    Definition(&'a ApiType),
    Reference(&'a ApiTypeRef),
    /// A built-in scalar by name, in arguments of directives.
    NonNullNamed(&'a str),
}

struct Writer<'a> {
    api: &'a Api,
    hidden: Option<&'a Hidden<'a>>,
}

impl<'a> Writer<'a> {
    fn shown(&self, name: &str) -> Option<&'a ApiType> {
        self.api.get(name).filter(|ty| self.hidden.is_none_or(|hidden| !hidden.has_type(&ty.name)))
    }

    fn object(&self, out: &mut String, selected: &[Selected], meta: Meta<'a>) {
        out.push('{');
        for (position, member) in selected.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            out.push_str(&member.key);
            if member.field == "__typename" {
                string(out, member.type_name);
                continue;
            }
            match meta {
                Meta::Schema => self.schema(out, member),
                Meta::Type(TypeOf::Definition(ty)) => self.definition(out, member, ty),
                Meta::Type(TypeOf::Reference(reference)) => self.reference(out, member, reference),
                Meta::Type(TypeOf::NonNullNamed(name)) => self.non_null_named(out, member, name),
                Meta::Field(field) => self.field(out, member, field),
                Meta::Input(input) => self.input(out, member, input),
                Meta::EnumValue(value) => enum_value(out, member, value),
                Meta::Directive(directive) => self.directive(out, member, directive),
            }
        }
        out.push('}');
    }

    fn list(&self, out: &mut String, selected: &[Selected], items: impl Iterator<Item = Meta<'a>>) {
        out.push('[');
        for (position, item) in items.enumerate() {
            if position > 0 {
                out.push(',');
            }
            self.object(out, selected, item);
        }
        out.push(']');
    }

    fn named(&self, out: &mut String, selected: &[Selected], name: &str) {
        match self.shown(name) {
            Some(ty) => self.object(out, selected, Meta::Type(TypeOf::Definition(ty))),
            None => out.push_str("null"),
        }
    }

    fn schema(&self, out: &mut String, member: &Selected) {
        match member.field.as_str() {
            "types" => {
                let is_hidden = |ty: &&ApiType| self.hidden.is_some_and(|hidden| hidden.has_type(&ty.name));
                let shown = self.api.types.values().filter(|ty| !is_hidden(ty));
                self.list(out, &member.below, shown.map(|ty| Meta::Type(TypeOf::Definition(ty))));
            }
            "queryType" => self.named(out, &member.below, QUERY),
            "mutationType" => self.named(out, &member.below, MUTATION),
            "subscriptionType" => self.named(out, &member.below, SUBSCRIPTION),
            "directives" => self.list(out, &member.below, DIRECTIVES.iter().map(Meta::Directive)),
            _ => out.push_str("null"),
        }
    }

    fn definition(&self, out: &mut String, member: &Selected, ty: &'a ApiType) {
        let below = &member.below;
        match (member.field.as_str(), &ty.kind) {
            ("kind", kind) => string(out, kind_name(kind)),
            ("name", _) => string(out, &ty.name),
            ("description", _) => optional(out, ty.description.as_deref()),
            ("fields", ApiKind::Object { fields, .. } | ApiKind::Interface { fields, .. }) => {
                let is_hidden =
                    |field: &ApiField| self.hidden.is_some_and(|hidden| hidden.has_field(&ty.name, &field.name));
                let shown = fields
                    .values()
                    .filter(|field| (member.include_deprecated || field.deprecated.is_none()) && !is_hidden(field));
                self.list(out, below, shown.map(Meta::Field));
            }
            ("interfaces", ApiKind::Object { implements, .. } | ApiKind::Interface { implements, .. }) => {
                self.types(out, below, implements);
            }
            ("possibleTypes", ApiKind::Interface { possible, .. } | ApiKind::Union(possible)) => {
                self.types(out, below, possible);
            }
            ("enumValues", ApiKind::Enum(values)) => {
                let shown = values.iter().filter(|value| member.include_deprecated || value.deprecated.is_none());
                self.list(out, below, shown.map(Meta::EnumValue));
            }
            ("inputFields", ApiKind::Input(inputs)) => self.list(out, below, inputs.values().map(Meta::Input)),
            ("isOneOf", ApiKind::Input(_)) => out.push_str("false"),
            _ => out.push_str("null"),
        }
    }

    fn types(&self, out: &mut String, selected: &[Selected], names: &'a [std::sync::Arc<str>]) {
        let found = names.iter().filter_map(|name| self.shown(name));
        self.list(out, selected, found.map(|ty| Meta::Type(TypeOf::Definition(ty))));
    }

    fn reference(&self, out: &mut String, member: &Selected, reference: &'a ApiTypeRef) {
        let (kind, inner) = match reference {
            ApiTypeRef::Named(name) => {
                match self.api.get(name) {
                    Some(ty) => self.definition(out, member, ty),
                    None => out.push_str("null"),
                }
                return;
            }
            ApiTypeRef::List(inner) => ("LIST", inner),
            ApiTypeRef::NonNull(inner) => ("NON_NULL", inner),
        };
        match member.field.as_str() {
            "kind" => string(out, kind),
            "ofType" => self.object(out, &member.below, Meta::Type(TypeOf::Reference(inner))),
            _ => out.push_str("null"),
        }
    }

    fn non_null_named(&self, out: &mut String, member: &Selected, name: &str) {
        match member.field.as_str() {
            "kind" => string(out, "NON_NULL"),
            "ofType" => self.named(out, &member.below, name),
            _ => out.push_str("null"),
        }
    }

    fn field(&self, out: &mut String, member: &Selected, field: &'a ApiField) {
        match member.field.as_str() {
            "name" => string(out, &field.name),
            "description" => optional(out, field.description.as_deref()),
            "args" => self.list(out, &member.below, field.arguments.iter().map(Meta::Input)),
            "type" => self.object(out, &member.below, Meta::Type(TypeOf::Reference(&field.ty))),
            "isDeprecated" => out.push_str(if field.deprecated.is_some() { "true" } else { "false" }),
            "deprecationReason" => optional(out, field.deprecated.as_deref()),
            _ => out.push_str("null"),
        }
    }

    fn input(&self, out: &mut String, member: &Selected, input: &'a ApiInput) {
        match member.field.as_str() {
            "name" => string(out, &input.name),
            "description" => optional(out, input.description.as_deref()),
            "type" => self.object(out, &member.below, Meta::Type(TypeOf::Reference(&input.ty))),
            "defaultValue" => optional(out, input.default.as_ref().map(ToString::to_string).as_deref()),
            "isDeprecated" => out.push_str("false"),
            _ => out.push_str("null"),
        }
    }

    fn directive(&self, out: &mut String, member: &Selected, directive: &'a Directive) {
        match member.field.as_str() {
            "name" => string(out, directive.name),
            "description" => string(out, directive.description),
            "isRepeatable" => out.push_str("false"),
            "locations" => {
                out.push('[');
                for (position, location) in directive.locations.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    string(out, location);
                }
                out.push(']');
            }
            "args" => self.directive_argument(out, &member.below, directive),
            _ => out.push_str("null"),
        }
    }

    /// Each of the standard directives has one argument.
    fn directive_argument(&self, out: &mut String, selected: &[Selected], directive: &'a Directive) {
        out.push_str("[{");
        for (position, member) in selected.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            out.push_str(&member.key);
            match member.field.as_str() {
                "__typename" => string(out, member.type_name),
                "name" => string(out, directive.argument),
                "description" => string(out, directive.argument_description),
                "type" if directive.is_required => {
                    self.object(out, &member.below, Meta::Type(TypeOf::NonNullNamed(directive.argument_type)));
                }
                "type" => self.named(out, &member.below, directive.argument_type),
                "defaultValue" => optional(out, directive.default),
                "isDeprecated" => out.push_str("false"),
                _ => out.push_str("null"),
            }
        }
        out.push_str("}]");
    }
}

fn enum_value(out: &mut String, member: &Selected, value: &ApiEnumValue) {
    match member.field.as_str() {
        "name" => string(out, &value.name),
        "description" => optional(out, value.description.as_deref()),
        "isDeprecated" => out.push_str(if value.deprecated.is_some() { "true" } else { "false" }),
        "deprecationReason" => optional(out, value.deprecated.as_deref()),
        _ => out.push_str("null"),
    }
}

fn kind_name(kind: &ApiKind) -> &'static str {
    match kind {
        ApiKind::Scalar => "SCALAR",
        ApiKind::Enum(_) => "ENUM",
        ApiKind::Input(_) => "INPUT_OBJECT",
        ApiKind::Object { .. } => "OBJECT",
        ApiKind::Interface { .. } => "INTERFACE",
        ApiKind::Union(_) => "UNION",
    }
}

fn optional(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.push_str("null"),
    }
}

/// A JSON string. Names need no escape; descriptions may.
fn string(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}
