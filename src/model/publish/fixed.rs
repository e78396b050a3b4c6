//! Types that every schema has: temporal and spatial types under the names clients know, scalars, and what the schema files declare as they are.

use std::sync::Arc;

use super::Publisher;
use crate::model::ByName;
use crate::model::api::{ApiEnumValue, ApiInput, ApiKind, ApiTypeRef};

const DATE: &[(&str, &str)] = &[("year", "Int"), ("month", "Int"), ("day", "Int")];
const TIME: &[(&str, &str)] = &[
    ("hour", "Int"),
    ("minute", "Int"),
    ("second", "Int"),
    ("millisecond", "Int"),
    ("microsecond", "Int"),
    ("nanosecond", "Int"),
];
const ZONE: &[(&str, &str)] = &[("timezone", "String")];
const FORMATTED: &[(&str, &str)] = &[("formatted", "String")];
const POINT: &[(&str, &str)] = &[
    ("x", "Float"),
    ("y", "Float"),
    ("z", "Float"),
    ("longitude", "Float"),
    ("latitude", "Float"),
    ("height", "Float"),
    ("crs", "String"),
    ("srid", "Int"),
];

const INTROSPECTION: &[(&str, &[(&str, &str)])] = &[
    (
        "__Schema",
        &[
            ("description", "String"),
            ("types", "[__Type!]!"),
            ("queryType", "__Type!"),
            ("mutationType", "__Type"),
            ("subscriptionType", "__Type"),
            ("directives", "[__Directive!]!"),
        ],
    ),
    (
        "__Type",
        &[
            ("kind", "__TypeKind!"),
            ("name", "String"),
            ("description", "String"),
            ("specifiedByURL", "String"),
            ("fields", "[__Field!]"),
            ("interfaces", "[__Type!]"),
            ("possibleTypes", "[__Type!]"),
            ("enumValues", "[__EnumValue!]"),
            ("inputFields", "[__InputValue!]"),
            ("ofType", "__Type"),
            ("isOneOf", "Boolean"),
        ],
    ),
    (
        "__Field",
        &[
            ("name", "String!"),
            ("description", "String"),
            ("args", "[__InputValue!]!"),
            ("type", "__Type!"),
            ("isDeprecated", "Boolean!"),
            ("deprecationReason", "String"),
        ],
    ),
    (
        "__InputValue",
        &[
            ("name", "String!"),
            ("description", "String"),
            ("type", "__Type!"),
            ("defaultValue", "String"),
            ("isDeprecated", "Boolean!"),
            ("deprecationReason", "String"),
        ],
    ),
    (
        "__EnumValue",
        &[
            ("name", "String!"),
            ("description", "String"),
            ("isDeprecated", "Boolean!"),
            ("deprecationReason", "String"),
        ],
    ),
    (
        "__Directive",
        &[
            ("name", "String!"),
            ("description", "String"),
            ("isRepeatable", "Boolean!"),
            ("locations", "[__DirectiveLocation!]!"),
            ("args", "[__InputValue!]!"),
        ],
    ),
];
const INCLUDE_DEPRECATED: &[(&str, &str)] = &[
    ("__Type", "fields"),
    ("__Type", "enumValues"),
    ("__Type", "inputFields"),
    ("__Field", "args"),
    ("__Directive", "args"),
];
const TYPE_KINDS: &[&str] = &["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL"];
const LOCATIONS: &[&str] = &[
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

impl Publisher<'_> {
    /// Enums, inputs, payloads and scalars as the schema files declare them.
    pub(super) fn declared_types(&mut self) {
        let definitions = self.definitions;
        for payload in &definitions.payloads {
            let fields = payload
                .fields
                .iter()
                .map(|field| self.declared_field(field))
                .map(|field| (Arc::clone(&field.name), field))
                .collect();
            let implements = payload.implements.iter().map(|name| self.name(name)).collect();
            self.add(&payload.name, payload.description.as_deref(), ApiKind::Object { implements, fields });
        }
        for definition in &definitions.enums {
            let values = definition.values.iter().map(|value| ApiEnumValue {
                name: self.name(&value.name),
                description: value.description.as_deref().map(Into::into),
                deprecated: value.deprecated.as_deref().map(Into::into),
            });
            let values = values.collect();
            self.add(&definition.name, definition.description.as_deref(), ApiKind::Enum(values));
        }
        for definition in &definitions.inputs {
            let inputs: ByName<_> = definition
                .fields
                .iter()
                .map(|field| self.declared_input(field))
                .map(|input| (Arc::clone(&input.name), input))
                .collect();
            self.add(&definition.name, definition.description.as_deref(), ApiKind::Input(inputs.into()));
        }
        for definition in &definitions.scalars {
            self.add(&definition.name, definition.description.as_deref(), ApiKind::Scalar);
        }
    }

    pub(super) fn fixed_types(&mut self) {
        self.components("_Neo4jTime", &[TIME, ZONE, FORMATTED]);
        self.components("_Neo4jDate", &[DATE, FORMATTED]);
        self.components("_Neo4jDateTime", &[DATE, TIME, ZONE, FORMATTED]);
        self.components("_Neo4jLocalTime", &[TIME, FORMATTED]);
        self.components("_Neo4jLocalDateTime", &[DATE, TIME, FORMATTED]);
        self.components("_Neo4jPoint", &[POINT]);
        let point = self.named("_Neo4jPointInput").non_null();
        let float = self.named("Float").non_null();
        let inputs: ByName<ApiInput> = [self.input("point", point), self.input("distance", float)]
            .into_iter()
            .map(|input| (Arc::clone(&input.name), input))
            .collect();
        self.add("_Neo4jPointDistanceFilter", None, ApiKind::Input(inputs.into()));
        let directions =
            ["IN", "OUT"].map(|name| ApiEnumValue { name: self.name(name), description: None, deprecated: None });
        self.add("_RelationDirections", None, ApiKind::Enum(directions.into()));
        for scalar in ["Boolean", "Float", "ID", "Int", "String"] {
            self.add(scalar, None, ApiKind::Scalar);
        }
    }

    /// The types of introspection themselves (GraphQL specification, section 4.2).
    pub(super) fn introspection_types(&mut self) {
        for (name, fields) in INTROSPECTION {
            let mut published = ByName::default();
            for (field, ty) in *fields {
                let arguments = if INCLUDE_DEPRECATED.contains(&(*name, *field)) {
                    vec![self.include_deprecated(field)]
                } else {
                    Vec::new()
                };
                let ty = self.written(ty);
                let field = self.output(field, "", arguments, ty);
                published.insert(Arc::clone(&field.name), field);
            }
            self.add(name, None, ApiKind::Object { implements: Vec::new(), fields: published });
        }
        for (name, values) in [("__TypeKind", TYPE_KINDS), ("__DirectiveLocation", LOCATIONS)] {
            let values = values
                .iter()
                .map(|value| ApiEnumValue { name: self.name(value), description: None, deprecated: None })
                .collect();
            self.add(name, None, ApiKind::Enum(values));
        }
    }

    fn include_deprecated(&mut self, field: &str) -> ApiInput {
        let boolean = self.named("Boolean");
        let ty = if field == "args" { boolean.non_null() } else { boolean };
        ApiInput { default: Some(async_graphql::Value::Boolean(false)), ..self.input("includeDeprecated", ty) }
    }

    /// `[__Type!]!` and the like.
    fn written(&mut self, ty: &str) -> ApiTypeRef {
        if let Some(inner) = ty.strip_suffix('!') {
            return self.written(inner).non_null();
        }
        match ty.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => self.written(inner).list(),
            None => self.named(ty),
        }
    }

    /// An output object and the input object of the same components.
    fn components(&mut self, name: &str, groups: &[&[(&str, &str)]]) {
        let mut fields = ByName::default();
        let mut inputs = ByName::default();
        for (component, ty) in groups.iter().copied().flatten() {
            let ty = self.named(ty);
            let field = self.output(component, "", Vec::new(), ty.clone());
            fields.insert(Arc::clone(&field.name), field);
            let input = self.input(component, ty);
            inputs.insert(Arc::clone(&input.name), input);
        }
        self.add(name, None, ApiKind::Object { implements: Vec::new(), fields });
        self.add(&[name, "Input"].concat(), None, ApiKind::Input(inputs.into()));
    }
}
