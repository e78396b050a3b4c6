//! From the completed schema to plain data with typed directives. Checks nothing: what is malformed is left out, since validation reports it.

mod documents;

use apollo_compiler::ast::{self, DirectiveList, Type, Value};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::schema::{Component, ExtendedType, InterfaceType, ObjectType};
use apollo_compiler::{Name, Node, Schema};

use super::document::Places;
use super::syntax::{
    Definitions, Direction, EnumDefinition, EnumValue, FieldDefinition, FieldDirectives, InputDefinition, InputValue,
    Location, MatchesDirective, ObjectDefinition, RelationDirective, ScalarDefinition, SearchDirective, Timestamp,
    TypeExpression,
};
use documents::vocabularies;

/// A type name and where it is declared.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) location: Location,
}

/// Names of all types of any kind, in file order.
pub(super) fn declared(schema: &Schema, places: &Places) -> Vec<Declared> {
    let types = schema.types.values().filter(|ty| places.is_declared(ty.name().location()));
    types.map(|ty| Declared { name: ty.name().to_string(), location: places.locate(ty.name().location()) }).collect()
}

/// The schema as data.
pub(super) fn definitions(schema: &Schema, places: &Places) -> Definitions {
    let root = |name: &Option<apollo_compiler::schema::ComponentName>| name.as_ref().map(|it| it.name.clone());
    let operations = &schema.schema_definition;
    let (query, mutation, subscription) =
        (root(&operations.query), root(&operations.mutation), root(&operations.subscription));
    let mut definitions = Definitions { vocabularies: vocabularies(operations, places), ..Definitions::default() };
    for (name, ty) in schema.types.iter().filter(|(_, ty)| places.is_declared(ty.name().location())) {
        match ty {
            ExtendedType::Object(ty) if query.as_ref() == Some(name) => {
                definitions.queries = fields(&ty.fields, places);
            }
            ExtendedType::Object(ty) if mutation.as_ref() == Some(name) => {
                definitions.mutations = fields(&ty.fields, places);
            }
            ExtendedType::Object(ty) if subscription.as_ref() == Some(name) => {
                definitions.subscriptions = fields(&ty.fields, places);
            }
            ExtendedType::Object(ty) => {
                let object = object(ty, places);
                // A type that implements interfaces without a key is refused, but it is a node to the other rules.
                let is_node = !object.implements.is_empty() || object.fields.iter().any(|field| field.directives.id);
                if is_node { &mut definitions.objects } else { &mut definitions.payloads }.push(object);
            }
            ExtendedType::Interface(ty) => definitions.interfaces.push(interface(ty, places)),
            ExtendedType::Enum(ty) => definitions.enums.push(enumeration(ty)),
            ExtendedType::InputObject(ty) => definitions.inputs.push(InputDefinition {
                name: ty.name.to_string(),
                description: text(ty.description.as_ref()),
                fields: ty.fields.values().map(|field| input_value(field)).collect(),
            }),
            ExtendedType::Scalar(ty) => definitions
                .scalars
                .push(ScalarDefinition { name: ty.name.to_string(), description: text(ty.description.as_ref()) }),
            ExtendedType::Union(_) => {}
        }
    }
    definitions
}

fn object(ty: &ObjectType, places: &Places) -> ObjectDefinition {
    ObjectDefinition {
        name: ty.name.to_string(),
        description: text(ty.description.as_ref()),
        implements: ty.implements_interfaces.iter().map(ToString::to_string).collect(),
        classes: ty
            .directives
            .get("jsonld")
            .and_then(|jsonld| jsonld.specified_argument_by_name("type"))
            .map(|types| texts(types)),
        fields: fields(&ty.fields, places),
        location: places.locate(ty.name.location()),
    }
}

fn interface(ty: &InterfaceType, places: &Places) -> ObjectDefinition {
    ObjectDefinition {
        name: ty.name.to_string(),
        description: text(ty.description.as_ref()),
        implements: ty.implements_interfaces.iter().map(ToString::to_string).collect(),
        classes: None,
        fields: fields(&ty.fields, places),
        location: places.locate(ty.name.location()),
    }
}

fn enumeration(ty: &apollo_compiler::schema::EnumType) -> EnumDefinition {
    let value = |value: &Component<ast::EnumValueDefinition>| EnumValue {
        name: value.value.to_string(),
        description: text(value.description.as_ref()),
        deprecated: deprecated(&value.directives),
    };
    EnumDefinition {
        name: ty.name.to_string(),
        description: text(ty.description.as_ref()),
        values: ty.values.values().map(value).collect(),
    }
}

fn fields(fields: &IndexMap<Name, Component<ast::FieldDefinition>>, places: &Places) -> Vec<FieldDefinition> {
    let field = |field: &Component<ast::FieldDefinition>| FieldDefinition {
        name: field.name.to_string(),
        description: text(field.description.as_ref()),
        ty: type_expression(&field.ty),
        arguments: field.arguments.iter().map(|argument| input_value(argument)).collect(),
        directives: directives(&field.directives),
        location: places.locate(field.name.location()),
    };
    fields.values().map(field).collect()
}

fn input_value(value: &ast::InputValueDefinition) -> InputValue {
    InputValue {
        name: value.name.to_string(),
        description: text(value.description.as_ref()),
        ty: type_expression(&value.ty),
        default: value.default_value.as_ref().map(|value| json(value)),
    }
}

fn type_expression(ty: &Type) -> TypeExpression {
    match ty {
        Type::Named(name) => TypeExpression::Named(name.to_string()),
        Type::NonNullNamed(name) => TypeExpression::NonNull(Box::new(TypeExpression::Named(name.to_string()))),
        Type::List(inner) => TypeExpression::List(Box::new(type_expression(inner))),
        Type::NonNullList(inner) => {
            TypeExpression::NonNull(Box::new(TypeExpression::List(Box::new(type_expression(inner)))))
        }
    }
}

fn directives(list: &DirectiveList) -> FieldDirectives {
    FieldDirectives {
        relation: relation(list),
        id: list.has("id"),
        index: list.has("index"),
        url: list.has("url"),
        computed: list.has("computed"),
        timestamp: argument(list, "timestamp", "on")
            .map(|on| Timestamp { on_create: names(on).contains(&"CREATE"), on_update: names(on).contains(&"UPDATE") }),
        matches: matches(list),
        search: list.get("search").map(|_| SearchDirective {
            text: string(list, "search", "text"),
            fields: string(list, "search", "fields"),
            types: string(list, "search", "types"),
            score: string(list, "search", "score"),
        }),
        resolver: string(list, "resolver", "name"),
        jsonld: documents::jsonld(list),
        embed: documents::embed(list),
        deprecated: deprecated(list),
    }
}

fn relation(list: &DirectiveList) -> Option<RelationDirective> {
    let direction = match argument(list, "relation", "direction")?.as_enum()?.as_str() {
        "OUT" => Direction::Out,
        "IN" => Direction::In,
        _ => return None,
    };
    Some(RelationDirective { name: string(list, "relation", "name")?, direction })
}

fn matches(list: &DirectiveList) -> Option<MatchesDirective> {
    let operator = match argument(list, "matches", "operator")?.as_enum()?.as_str() {
        "CONTAINS" => "contains",
        "STARTS_WITH" => "starts_with",
        "ENDS_WITH" => "ends_with",
        "REGEXP" => "regexp",
        "EQUALS" => "",
        _ => return None,
    };
    Some(MatchesDirective {
        field: string(list, "matches", "field")?,
        argument: string(list, "matches", "argument")?,
        operator: operator.to_owned(),
    })
}

fn deprecated(list: &DirectiveList) -> Option<String> {
    // The specification's default.
    let default = || "No longer supported".to_owned();
    list.get("deprecated").map(|_| string(list, "deprecated", "reason").unwrap_or_else(default))
}

fn argument<'a>(list: &'a DirectiveList, directive: &str, argument: &str) -> Option<&'a Value> {
    list.get(directive)?.specified_argument_by_name(argument).map(|value| &**value)
}

fn string(list: &DirectiveList, directive: &str, name: &str) -> Option<String> {
    argument(list, directive, name)?.as_str().map(str::to_owned)
}

/// Strings in a list; GraphQL lets one value stand for a list of it.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::List(values) => values.iter().filter_map(|value| value.as_str()).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Enum names in a list; GraphQL lets one value stand for a list of it.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Enum(name) => vec![name.as_str()],
        Value::List(values) => values.iter().filter_map(|value| value.as_enum()).map(Name::as_str).collect(),
        _ => Vec::new(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null | Value::Variable(_) => serde_json::Value::Null,
        Value::Enum(name) => name.as_str().into(),
        Value::String(text) => text.as_str().into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Int(number) => {
            number.try_to_i32().map_or_else(|_| number.try_to_f64().unwrap_or_default().into(), Into::into)
        }
        Value::Float(number) => number.try_to_f64().unwrap_or_default().into(),
        Value::List(values) => values.iter().map(|value| json(value)).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(name, value)| (name.to_string(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn text(description: Option<&Node<str>>) -> Option<String> {
    description.map(ToString::to_string)
}
