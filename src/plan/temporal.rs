//! Temporal values: input objects to values, and selections of components to JSON.

use async_graphql::parser::types::Field;
use async_graphql::{Name, Positioned, Value};
use chrono::{DateTime as Timestamp, Utc};
use indexmap::IndexMap;

use super::{Error, Source, selection};
use crate::model::PropertyType;
use crate::sql::{Dialect, Parameter, Sql};
use crate::value::{Date, DateComponents, DateTime, DateTimeComponents};

/// An input object such as `{year: 1819}` or `{formatted: "1819"}`.
pub type Input = IndexMap<Name, Value>;

/// The stored form of the value that an input object means.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn stored(ty: &PropertyType, input: &Input, now: Timestamp<Utc>) -> Result<String, Error> {
    let formatted = formatted(input);
    let number = |name: &str| match input.get(name) {
        Some(Value::Number(number)) => number.as_i64(),
        _ => None,
    };
    let stored = match (ty, formatted) {
        (PropertyType::Date, Some(text)) => Date::parse(text).map(Date::to_stored),
        (PropertyType::Date, None) => {
            let components = DateComponents { year: number("year"), month: number("month"), day: number("day") };
            Date::from_components(&components).map(Date::to_stored)
        }
        (_, Some(text)) => DateTime::parse(text).map(DateTime::to_stored),
        (_, None) => {
            let timezone = match input.get("timezone") {
                Some(Value::String(zone)) => Some(zone.clone()),
                _ => None,
            };
            let components = DateTimeComponents {
                year: number("year"),
                month: number("month"),
                day: number("day"),
                hour: number("hour"),
                minute: number("minute"),
                second: number("second"),
                millisecond: number("millisecond"),
                microsecond: number("microsecond"),
                nanosecond: number("nanosecond"),
                timezone,
            };
            DateTime::from_components(&components, now).map(DateTime::to_stored)
        }
    };
    stored.map_err(|error| Error::BadInput(error.to_string()))
}

/// Equality: with the value of `formatted`, or of each component that is given. `None`: nothing is given.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn equals(source: &Source<'_>, ty: &PropertyType, column: &Sql, input: &Input) -> Result<Option<Sql>, Error> {
    if formatted(input).is_some() {
        let mut sql = column.clone();
        sql.push(" = ").bind(stored(ty, input, source.now)?);
        return Ok(Some(sql));
    }
    let mut conditions = Vec::new();
    for (name, value) in input {
        let operand: Parameter = match value {
            Value::Number(number) => number.as_i64().map_or(Parameter::Null, Parameter::Integer),
            Value::String(text) => text.as_str().into(),
            _ => continue,
        };
        let Some(mut sql) = component(source.dialect, ty, column, name) else { continue };
        sql.push(" = ").bind(operand);
        conditions.push(sql);
    }
    if conditions.is_empty() {
        return Ok(None);
    }
    let mut all = Sql::new("(");
    all.join(" and ", conditions).push(")");
    Ok(Some(all))
}

/// The components that are selected, as a JSON object. An absent value is an object of nulls: clients rely on it.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn object<'a>(
    source: &Source<'a>,
    ty: &PropertyType,
    column: &Sql,
    fields: &[&'a Positioned<Field>],
) -> Result<Sql, Error> {
    let type_name = if *ty == PropertyType::Date { "_Neo4jDate" } else { "_Neo4jDateTime" };
    let collected = selection::collect(source, |condition| condition == type_name, &selection::children(fields));
    let mut members = Vec::with_capacity(collected.len());
    for (key, fields) in collected {
        let name = fields.first().map_or("", |field| field.node.name.node.as_str());
        let value = if name == "__typename" {
            let mut sql = Sql::default();
            sql.literal(type_name);
            sql
        } else {
            component(source.dialect, ty, column, name)
                .ok_or_else(|| Error::BadInput(format!("`{type_name}` has no field `{name}`")))?
        };
        members.push((key.as_str(), value));
    }
    Ok(source.dialect.object(members))
}

fn formatted(input: &Input) -> Option<&str> {
    match input.get("formatted") {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn component(dialect: Dialect, ty: &PropertyType, column: &Sql, name: &str) -> Option<Sql> {
    if *ty == PropertyType::Date {
        dialect.date_component(column, name)
    } else {
        dialect.date_time_component(column, name)
    }
}
