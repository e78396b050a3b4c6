//! Literals of a document against their types, before any variable has a value (GraphQL specification, sections 5.6.1 to 5.6.4 and 5.8.5).

use async_graphql::parser::types::VariableDefinition;
use async_graphql::{Name, Positioned, Value as ConstValue};
use async_graphql_value::Value;
use indexmap::IndexMap;

use super::{DEPTH_MAX, clipped, scalar, shown, type_ref};
use crate::model::api::{Api, ApiInputs, ApiKind, ApiTypeRef};

/// A literal in its place.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The published schema.
    pub api: &'a Api,
    /// Variables of the operation.
    pub variables: &'a [Positioned<VariableDefinition>],
}

impl Place<'_> {
    /// Checks a literal that may contain variables.
    ///
    /// # Errors
    /// What to change.
    pub fn check(self, ty: &ApiTypeRef, has_default: bool, value: &Value) -> Result<(), String> {
        self.value(ty, has_default, value, 0)
    }

    fn value(self, ty: &ApiTypeRef, has_default: bool, value: &Value, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
        match (ty, value) {
            (_, Value::Variable(name)) => self.variable(ty, has_default, name),
            (ApiTypeRef::NonNull(_), Value::Null) => Err(format!("expected a value of type \"{ty}\", found null")),
            (ApiTypeRef::NonNull(inner), value) => self.value(inner, has_default, value, depth),
            (_, Value::Null) => Ok(()),
            (ApiTypeRef::List(inner), Value::List(items)) => {
                items.iter().try_for_each(|item| self.value(inner, false, item, depth + 1))
            }
            (ApiTypeRef::List(inner), value) => self.value(inner, false, value, depth + 1),
            (ApiTypeRef::Named(name), value) => self.named(name, value, depth),
        }
    }

    fn named(self, name: &str, value: &Value, depth: usize) -> Result<(), String> {
        match (self.api.get(name).map(|ty| &ty.kind), value) {
            (Some(ApiKind::Input(fields)), Value::Object(given)) => self.object(name, fields, given, depth),
            (Some(ApiKind::Enum(values)), Value::Enum(given)) => {
                if values.iter().any(|value| *value.name == **given) {
                    return Ok(());
                }
                Err(format!("\"{}\" is not a value of enum \"{name}\"", clipped(given)))
            }
            (Some(ApiKind::Enum(_)), other) => {
                Err(format!("expected a value of enum \"{name}\", found {}", shown_literal(other)))
            }
            (Some(ApiKind::Input(_)), other) => {
                Err(format!("expected an object of type \"{name}\", found {}", shown_literal(other)))
            }
            (Some(ApiKind::Scalar), other) => match other.clone().into_const() {
                Some(value) => scalar(name, value).map(|_| ()),
                // Custom scalars alone take lists and objects, and those alone hold variables.
                None => Ok(()),
            },
            (Some(ApiKind::Object { .. } | ApiKind::Interface { .. } | ApiKind::Union(_)) | None, _) => {
                Err(format!("\"{name}\" is not an input type"))
            }
        }
    }

    fn object(self, name: &str, fields: &ApiInputs, given: &IndexMap<Name, Value>, depth: usize) -> Result<(), String> {
        for (key, value) in given {
            let Some(field) = fields.get(key.as_str()) else {
                return Err(format!("\"{}\" is not a field of \"{name}\"", clipped(key)));
            };
            self.value(&field.ty, field.default.is_some(), value, depth + 1)
                .map_err(|reason| format!("at \"{key}\": {reason}"))?;
        }
        let is_missing = |field: &&super::ApiInput| {
            field.ty.is_non_null() && field.default.is_none() && !given.contains_key(&*field.name)
        };
        match fields.to_complete().find(is_missing) {
            Some(field) => Err(format!("\"{}\" of required type \"{}\" is missing", field.name, field.ty)),
            None => Ok(()),
        }
    }

    /// Whether a variable may stand where a type is expected.
    fn variable(self, ty: &ApiTypeRef, has_default: bool, name: &Name) -> Result<(), String> {
        let Some(definition) = self.variables.iter().find(|definition| definition.node.name.node == *name) else {
            return Err(format!("variable \"${name}\" is not declared"));
        };
        let declared = type_ref(&definition.node.var_type.node);
        let has_value = definition.node.default_value.as_ref().is_some_and(|default| default.node != ConstValue::Null);
        let expected = match ty {
            ApiTypeRef::NonNull(inner) if !declared.is_non_null() && (has_value || has_default) => inner,
            other => other,
        };
        if is_compatible(&declared, expected) {
            return Ok(());
        }
        Err(format!("variable \"${name}\" of type \"{declared}\" cannot be used where \"{ty}\" is expected"))
    }
}

fn is_compatible(declared: &ApiTypeRef, expected: &ApiTypeRef) -> bool {
    match (declared, expected) {
        (ApiTypeRef::NonNull(declared), expected) => is_compatible(declared, expected.nullable()),
        (ApiTypeRef::List(declared), ApiTypeRef::List(expected)) => is_compatible(declared, expected),
        (ApiTypeRef::Named(declared), ApiTypeRef::Named(expected)) => declared == expected,
        _ => false,
    }
}

fn shown_literal(value: &Value) -> String {
    value.clone().into_const().map_or_else(|| "a value with variables".to_owned(), |value| shown(&value))
}
