//! Conditions on properties.

use async_graphql::Value;
use chrono::{DateTime, Utc};

use super::{Conditions, property_column};
use crate::model::{Property, PropertyType};
use crate::plan::page::Alias;
use crate::plan::{Error, Source, dialect, temporal};
use crate::sql::{Dialect, Parameter, Sql};

/// Longest regular expression.
const PATTERN_MAX: usize = 1_000;

impl Conditions<'_, '_> {
    pub(super) fn property(
        &mut self,
        alias: Alias,
        property: &Property,
        operator: &str,
        value: &Value,
    ) -> Result<Option<Sql>, Error> {
        let model = self.source.model;
        let column = property_column(model, &alias, property).unwrap_or_else(|| Sql::new("null"));
        match (operator, value) {
            ("", Value::Null) => Ok(Some(followed(column, " is null"))),
            ("not", Value::Null) => Ok(Some(followed(column, " is not null"))),
            (_, Value::Null) => Ok(Some(Sql::new("false"))),
            _ if property.is_list => {
                let item = Alias::item(self.number());
                list(&self.source, &property.ty, column, item, operator, value).map(Some)
            }
            (_, Value::Object(_) | Value::List(_)) if property.ty.is_temporal() => {
                temporal_condition(&self.source, &property.ty, &column, operator, value)
                    .map_err(|error| Error::BadInput(format!("`{}`: {error}", property.name)))
            }
            _ => scalar(self.source.dialect, &property.ty, column, operator, value).map(Some),
        }
    }
}

/// Equality as an argument of a root query has it; the same as the filter key without suffix.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn equality(
    conditions: &mut Conditions<'_, '_>,
    alias: Alias,
    property: &Property,
    value: &Value,
) -> Result<Option<Sql>, Error> {
    conditions.property(alias, property, "", value)
}

/// A value as it is compared and stored, temporals and lists excepted.
pub fn parameter(ty: &PropertyType, value: &Value) -> Parameter {
    match (ty, value) {
        (_, Value::Null) => Parameter::Null,
        (PropertyType::Custom(_), other) => {
            other.clone().into_json().map_or(Parameter::Null, |json| json.to_string().into())
        }
        (PropertyType::Float, Value::Number(number)) => number.as_f64().map_or(Parameter::Null, Parameter::Real),
        (_, Value::Number(number)) => number.as_i64().map_or(Parameter::Null, Parameter::Integer),
        (_, Value::Boolean(value)) => Parameter::Integer(i64::from(*value)),
        (_, Value::String(text)) => text.as_str().into(),
        (_, Value::Enum(name)) => name.as_str().into(),
        (_, Value::Binary(_) | Value::List(_) | Value::Object(_)) => Parameter::Null,
    }
}

/// A value as it is stored in the property's column.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn stored(property: &Property, value: &Value, now: DateTime<Utc>) -> Result<Parameter, Error> {
    match value {
        Value::Null => Ok(Parameter::Null),
        Value::List(items) if property.is_list => {
            if items.contains(&Value::Null) {
                return Err(Error::BadInput(format!("`{}` is a list whose items must not be null", property.name)));
            }
            let json = value
                .clone()
                .into_json()
                .map_err(|_| Error::BadInput(format!("`{}` cannot be stored as JSON", property.name)))?;
            Ok(json.to_string().into())
        }
        Value::Object(input) if property.ty.is_temporal() => temporal::stored(&property.ty, input, now)
            .map(Parameter::Text)
            .map_err(|error| Error::BadInput(format!("`{}`: {error}", property.name))),
        other => Ok(parameter(&property.ty, other)),
    }
}

fn scalar(dialect: Dialect, ty: &PropertyType, column: Sql, operator: &str, value: &Value) -> Result<Sql, Error> {
    if let Some(comparison) = comparison(operator) {
        let mut sql = column;
        sql.push(comparison).bind(parameter(ty, value));
        return Ok(sql);
    }
    match (operator, value) {
        ("in", Value::List(values)) if values.is_empty() => Ok(Sql::new("false")),
        ("not_in", Value::List(values)) if values.is_empty() => Ok(Sql::new("true")),
        ("in", Value::List(values)) => {
            Ok(dialect.is_one_of(column, values.iter().map(|value| parameter(ty, value)).collect()))
        }
        ("not_in", Value::List(values)) => {
            Ok(negated(dialect.is_one_of(column, values.iter().map(|value| parameter(ty, value)).collect())))
        }
        (_, Value::String(text)) => text_condition(dialect, column, operator, text),
        _ => Err(Error::BadInput(format!("the operator `{operator}` cannot be used with this value"))),
    }
}

fn comparison(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "" => " = ",
        "not" => " <> ",
        "lt" => " < ",
        "lte" => " <= ",
        "gt" => " > ",
        "gte" => " >= ",
        _ => return None,
    })
}

fn text_condition(dialect: Dialect, text: Sql, operator: &str, operand: &str) -> Result<Sql, Error> {
    Ok(match operator {
        "contains" => dialect.contains(text, operand),
        "not_contains" => negated(dialect.contains(text, operand)),
        "starts_with" => dialect.starts_with(text, operand),
        "not_starts_with" => negated(dialect.starts_with(text, operand)),
        "ends_with" => dialect.ends_with(text, operand),
        "not_ends_with" if operand.is_empty() => Sql::new("false"),
        "not_ends_with" => negated(dialect.ends_with(text, operand)),
        "regexp" => matches(dialect, text, operand)?,
        _ => return Err(Error::BadInput(format!("`{operator}` is not an operator on text"))),
    })
}

fn matches(dialect: Dialect, text: Sql, pattern: &str) -> Result<Sql, Error> {
    dialect.matches(text, &anchored(pattern)?).ok_or_else(|| {
        Error::BadInput(format!(
            "`{}` is not a regular expression that this database can use: write it with fewer repetitions, and words without `\\b{{start}}`",
            pattern.chars().take(60).collect::<String>()
        ))
    })
}

/// A pattern that must match the whole value.
fn anchored(pattern: &str) -> Result<String, Error> {
    if pattern.len() > PATTERN_MAX {
        return Err(Error::BadInput(format!("a regular expression has at most {PATTERN_MAX} bytes")));
    }
    let anchored = [r"\A(?:", pattern, r")\z"].concat();
    let refused = |reason: &str| {
        Error::BadInput(format!(
            "`{}` is not a regular expression that can be used: {reason}",
            pattern.chars().take(60).collect::<String>()
        ))
    };
    match regex::RegexBuilder::new(&anchored).size_limit(1 << 20).build() {
        Ok(_) => Ok(anchored),
        Err(regex::Error::CompiledTooBig(_)) => Err(refused("it is too large; use fewer or smaller repetitions")),
        Err(_) => {
            Err(refused("write it without look-around and back-references, with balanced parentheses and brackets"))
        }
    }
}

/// Operators on a stored list: what holds for some item and some operand.
fn list(
    source: &Source<'_>,
    ty: &PropertyType,
    column: Sql,
    item: Alias,
    operator: &str,
    value: &Value,
) -> Result<Sql, Error> {
    let dialect = source.dialect;
    let operands: Vec<&Value> = match value {
        Value::List(operands) => operands.iter().collect(),
        single => vec![single],
    };
    match (operator, operands.is_empty()) {
        ("", true) => return Ok(followed(dialect.list_length(column), " = 0")),
        ("not", true) => return Ok(followed(dialect.list_length(column), " > 0")),
        (_, true) => return Ok(Sql::new("false")),
        _ => {}
    }
    if let "" | "not" = operator {
        let values = operands.iter().map(|value| parameter(&PropertyType::String, value)).collect();
        let overlap = dialect.any_item(column.clone(), item, dialect.is_one_of(dialect.item_value(item, ty), values));
        if operator.is_empty() {
            return Ok(overlap);
        }
        let mut sql = Sql::new("(");
        sql.append(column).push(" is not null and not ").append(overlap).push(")");
        return Ok(sql);
    }
    let mut conditions = Vec::new();
    for operand in operands {
        if let Value::String(operand) = operand {
            conditions.push(text_condition(dialect, dialect.item_value(item, ty), operator, operand)?);
        }
    }
    let mut any = Sql::new("(");
    any.join(" or ", conditions).push(")");
    Ok(dialect.any_item(column, item, any))
}

fn temporal_condition(
    source: &Source<'_>,
    ty: &PropertyType,
    column: &Sql,
    operator: &str,
    value: &Value,
) -> Result<Option<Sql>, Error> {
    match (operator, value) {
        ("", Value::Object(input)) => temporal::equals(source, ty, column, input),
        ("not", Value::Object(input)) => Ok(temporal::equals(source, ty, column, input)?.map(negated)),
        ("in" | "not_in", Value::List(entries)) => {
            let mut conditions = Vec::new();
            for entry in entries {
                let Value::Object(input) = entry else { continue };
                let equals = temporal::equals(source, ty, column, input)?;
                conditions.push(equals.unwrap_or_else(|| dialect::present(column.clone())));
            }
            if conditions.is_empty() {
                return Ok(Some(Sql::new(if operator == "in" { "false" } else { "true" })));
            }
            let mut any = Sql::new("(");
            any.join(" or ", conditions).push(")");
            Ok(Some(if operator == "in" { any } else { negated(any) }))
        }
        (_, Value::Object(input)) => {
            let Some(comparison) = comparison(operator) else {
                return Err(Error::BadInput(format!("`{operator}` is not an operator on dates")));
            };
            let mut sql = column.clone();
            sql.push(comparison).bind(temporal::stored(ty, input, source.now)?);
            Ok(Some(sql))
        }
        _ => Err(Error::BadInput(format!("the operator `{operator}` cannot be used with this value"))),
    }
}

fn negated(condition: Sql) -> Sql {
    let mut sql = Sql::new("not (");
    sql.append(condition).push(")");
    sql
}

fn followed(mut sql: Sql, syntax: &'static str) -> Sql {
    sql.push(syntax);
    sql
}
