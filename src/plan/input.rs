//! Input coercion: values of clients to values of their types (GraphQL specification, sections 3 and 6.1.2 and 6.4.1).

mod literal;

use async_graphql::parser::types::{Field, OperationDefinition, Type};
use async_graphql::{Name, Pos, Positioned, Value as ConstValue};
use async_graphql_value::Value;
use indexmap::IndexMap;

use super::Error;
use crate::model::api::{Api, ApiInput, ApiInputs, ApiKind, ApiTypeRef};

pub use literal::Place;

/// Coerced variables; one that was not given and has no default is absent.
pub type Variables = IndexMap<Name, ConstValue>;
/// Coerced arguments; one that was not given and has no default is absent.
pub type Arguments = IndexMap<Name, ConstValue>;

/// A variable that cannot be used. The whole request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableError {
    /// What to change.
    pub message: String,
    /// Where the variable is declared.
    pub position: Pos,
}

/// Longest list and deepest nesting that a value may have.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// In the document: an enum value is a name.
    Literal,
    /// In JSON: an enum value is a string.
    Json,
}

/// Checks and completes the variables of an operation.
///
/// # Errors
/// Every variable that is missing or whose value does not fit its type.
pub fn coerce_variables(
    api: &Api,
    operation: &OperationDefinition,
    given: &async_graphql::Variables,
) -> Result<Variables, Vec<VariableError>> {
    let mut variables = Variables::with_capacity(operation.variable_definitions.len());
    let mut errors = Vec::new();
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let ty = &definition.node.var_type.node;
        let refused = |message: String| VariableError { message, position: definition.pos };
        match (given.get(name), &definition.node.default_value) {
            (Some(value), _) => match coerce(api, &type_ref(ty), value.clone(), Origin::Json, 0) {
                Ok(value) => {
                    variables.insert(name.clone(), value);
                }
                Err(reason) if *value == ConstValue::Null => {
                    errors.push(refused(format!(
                        "Variable \"${name}\" of non-null type \"{ty}\" must not be null: {reason}"
                    )));
                }
                Err(reason) => errors
                    .push(refused(format!("Variable \"${name}\" of type \"{ty}\" got an invalid value: {reason}"))),
            },
            (None, Some(default)) => match coerce(api, &type_ref(ty), default.node.clone(), Origin::Literal, 0) {
                Ok(value) => {
                    variables.insert(name.clone(), value);
                }
                Err(reason) => errors
                    .push(refused(format!("Variable \"${name}\" of type \"{ty}\" has an invalid default: {reason}"))),
            },
            (None, None) if !ty.nullable => {
                errors.push(refused(format!("Variable \"${name}\" of required type \"{ty}\" was not provided.")));
            }
            (None, None) => {}
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

/// Checks and completes the arguments of a field.
///
/// # Errors
/// The first argument that is missing or does not fit its type.
pub fn coerce_arguments(
    api: &Api,
    inputs: &[ApiInput],
    field: &Field,
    variables: &Variables,
) -> Result<Arguments, Error> {
    let mut arguments = Arguments::with_capacity(field.arguments.len());
    for (name, value) in &field.arguments {
        let Some(input) = inputs.iter().find(|input| *input.name == *name.node) else {
            return Err(Error::BadInput(format!(
                "Unknown argument \"{}\" on field \"{}\"",
                name.node, field.name.node
            )));
        };
        let coerced = resolve(value, variables)
            .map(|value| coerce(api, &input.ty, value, Origin::Literal, 0))
            .transpose()
            .map_err(|reason| {
                Error::BadInput(format!(
                    "Argument \"{}\" of \"{}\" got an invalid value: {reason}",
                    name.node, field.name.node
                ))
            })?;
        if let Some(value) = coerced {
            arguments.insert(name.node.clone(), value);
        }
    }
    for input in inputs {
        if !input.must_be_completed() || arguments.contains_key(&*input.name) {
            continue;
        }
        match &input.default {
            Some(default) => {
                arguments.insert(Name::new(&*input.name), default.clone());
            }
            None if input.ty.is_non_null() => {
                return Err(Error::BadInput(format!(
                    "Argument \"{}\" of required type \"{}\" was not provided.",
                    input.name, input.ty
                )));
            }
            None => {}
        }
    }
    Ok(arguments)
}

/// A literal with its variables filled in. An absent variable is absent in an object and null in a list.
fn resolve(value: &Positioned<Value>, variables: &Variables) -> Option<ConstValue> {
    fill(&value.node, variables)
}

fn fill(value: &Value, variables: &Variables) -> Option<ConstValue> {
    Some(match value {
        Value::Variable(name) => variables.get(name)?.clone(),
        Value::List(items) => {
            ConstValue::List(items.iter().map(|item| fill(item, variables).unwrap_or(ConstValue::Null)).collect())
        }
        Value::Object(fields) => ConstValue::Object(
            fields.iter().filter_map(|(name, value)| Some((name.clone(), fill(value, variables)?))).collect(),
        ),
        Value::Null => ConstValue::Null,
        Value::Number(number) => ConstValue::Number(number.clone()),
        Value::String(text) => ConstValue::String(text.clone()),
        Value::Boolean(value) => ConstValue::Boolean(*value),
        Value::Binary(bytes) => ConstValue::Binary(bytes.clone()),
        Value::Enum(name) => ConstValue::Enum(name.clone()),
    })
}

/// A literal with its variables filled in, not coerced; `None` for a variable that was not given.
pub fn literal(value: &Value, variables: &Variables) -> Option<ConstValue> {
    fill(value, variables)
}

/// The boolean of `if` in `@skip` and `@include`.
pub fn boolean(value: &Value, variables: &Variables) -> bool {
    matches!(fill(value, variables), Some(ConstValue::Boolean(true)))
}

fn type_ref(ty: &Type) -> ApiTypeRef {
    let base = match &ty.base {
        async_graphql::parser::types::BaseType::Named(name) => ApiTypeRef::named(name.as_str()),
        async_graphql::parser::types::BaseType::List(inner) => type_ref(inner).list(),
    };
    if ty.nullable { base } else { base.non_null() }
}

/// The value as its type has it, or what to change.
fn coerce(api: &Api, ty: &ApiTypeRef, value: ConstValue, origin: Origin, depth: usize) -> Result<ConstValue, String> {
    if depth > DEPTH_MAX {
        return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
    }
    match (ty, value) {
        (ApiTypeRef::NonNull(_), ConstValue::Null) => Err(format!("expected a value of type \"{ty}\", found null")),
        (ApiTypeRef::NonNull(inner), value) => coerce(api, inner, value, origin, depth),
        (_, ConstValue::Null) => Ok(ConstValue::Null),
        (ApiTypeRef::List(inner), ConstValue::List(items)) => {
            let items = items.into_iter().enumerate().map(|(index, item)| {
                coerce(api, inner, item, origin, depth + 1).map_err(|reason| format!("at index {index}: {reason}"))
            });
            items.collect::<Result<_, _>>().map(ConstValue::List)
        }
        (ApiTypeRef::List(inner), value) => Ok(ConstValue::List(vec![coerce(api, inner, value, origin, depth + 1)?])),
        (ApiTypeRef::Named(name), value) => named(api, name, value, origin, depth),
    }
}

fn named(api: &Api, name: &str, value: ConstValue, origin: Origin, depth: usize) -> Result<ConstValue, String> {
    match api.get(name).map(|ty| &ty.kind) {
        Some(ApiKind::Scalar) => scalar(name, value),
        Some(ApiKind::Enum(values)) => {
            let given = match (&value, origin) {
                (ConstValue::Enum(name), _) => name.as_str(),
                (ConstValue::String(text), Origin::Json) => text,
                _ => return Err(format!("expected a value of enum \"{name}\", found {}", shown(&value))),
            };
            if values.iter().any(|value| *value.name == *given) {
                return Ok(ConstValue::Enum(Name::new(given)));
            }
            let known: Vec<_> = values.iter().take(12).map(|value| &*value.name).collect();
            Err(format!(
                "\"{}\" is not a value of enum \"{name}\" ({}{})",
                clipped(given),
                known.join(", "),
                if values.len() > 12 { ", …" } else { "" }
            ))
        }
        Some(ApiKind::Input(fields)) => {
            let ConstValue::Object(given) = value else {
                return Err(format!("expected an object of type \"{name}\", found {}", shown(&value)));
            };
            object(api, name, fields, given, origin, depth)
        }
        Some(ApiKind::Object { .. } | ApiKind::Interface { .. } | ApiKind::Union(_)) | None => {
            Err(format!("\"{name}\" is not an input type"))
        }
    }
}

fn object(
    api: &Api,
    name: &str,
    fields: &ApiInputs,
    given: IndexMap<Name, ConstValue>,
    origin: Origin,
    depth: usize,
) -> Result<ConstValue, String> {
    let mut coerced = IndexMap::with_capacity(given.len());
    for (key, value) in given {
        let Some(field) = fields.get(key.as_str()) else {
            return Err(format!("\"{}\" is not a field of \"{name}\"", clipped(&key)));
        };
        let value =
            coerce(api, &field.ty, value, origin, depth + 1).map_err(|reason| format!("at \"{key}\": {reason}"))?;
        coerced.insert(key, value);
    }
    for field in fields.to_complete() {
        if coerced.contains_key(&*field.name) {
            continue;
        }
        if let Some(default) = &field.default {
            coerced.insert(Name::new(&*field.name), default.clone());
        } else if field.ty.is_non_null() {
            return Err(format!("\"{}\" of required type \"{}\" is missing", field.name, field.ty));
        }
    }
    Ok(ConstValue::Object(coerced))
}

fn scalar(name: &str, value: ConstValue) -> Result<ConstValue, String> {
    match (name, value) {
        ("Int", ConstValue::Number(number)) => whole_number(&number)
            .filter(|number| i32::try_from(*number).is_ok())
            .map(|number| ConstValue::Number(number.into()))
            .ok_or_else(|| {
                format!("Int is a whole number from -2147483648 to 2147483647, found {}", clipped(&number.to_string()))
            }),
        ("Float", ConstValue::Number(number)) => match number.as_f64() {
            Some(float) if float.is_finite() => Ok(ConstValue::Number(number)),
            _ => Err("Float is a finite number".to_owned()),
        },
        ("Boolean", value @ ConstValue::Boolean(_)) => Ok(value),
        ("ID", ConstValue::Number(number)) if whole_number(&number).is_some() => {
            Ok(ConstValue::String(number.to_string()))
        }
        ("String" | "ID", ConstValue::String(text)) => {
            if text.contains('\0') {
                return Err("text must not contain the character NUL (U+0000)".to_owned());
            }
            Ok(ConstValue::String(text))
        }
        ("Int" | "Float" | "Boolean" | "ID" | "String", value) => {
            Err(format!("expected a value of type \"{name}\", found {}", shown(&value)))
        }
        (_, value) if has_raw_json(&value) => {
            Err("a key that contains \"::private::\" is reserved: rename it".to_owned())
        }
        (_, value) => Ok(value),
    }
}

/// By this key `serde_json` knows text that is to be written as it is (1.0, raw.rs), which a client's is not.
const RAW_JSON: &str = "$serde_json::private::RawValue";

fn has_raw_json(value: &ConstValue) -> bool {
    match value {
        ConstValue::List(items) => items.iter().any(has_raw_json),
        ConstValue::Object(members) => members.iter().any(|(key, value)| key == RAW_JSON || has_raw_json(value)),
        _ => false,
    }
}

fn whole_number(number: &serde_json::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the float is whole and below 2^53, so the cast is exact")]
    number.as_i64().or_else(|| {
        number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).map(|float| float as i64)
    })
}

fn shown(value: &ConstValue) -> String {
    match value {
        ConstValue::Object(_) => "an object".to_owned(),
        ConstValue::List(_) => "a list".to_owned(),
        ConstValue::Binary(_) => "binary data".to_owned(),
        other => clipped(&other.to_string()),
    }
}

/// At most 60 characters: an error does not echo a large value.
fn clipped(text: &str) -> String {
    let mut clipped: String = text.chars().take(60).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped
}
