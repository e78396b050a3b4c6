//! Nodes of a page, as lines.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::pages::Read;
use super::{Fetch, Told, steps};
use crate::exchange::format::Node;
use crate::exchange::{Error, values};
use crate::model::{Model, Property, PropertyType};
use crate::value::{Date, DateComponents, DateTime, DateTimeComponents};

/// A date as servers show it; null in all members if there is none.
#[derive(Debug, Default, Deserialize)]
struct Components {
    formatted: Option<String>,
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    millisecond: Option<i64>,
    microsecond: Option<i64>,
    nanosecond: Option<i64>,
    timezone: Option<String>,
}

impl<T: FnMut(Told<'_>)> Fetch<'_, T> {
    /// Writes the nodes of a page.
    pub(super) fn nodes(&mut self, step: &steps::Nodes<'_>, reads: &[Read]) -> Result<(), Error> {
        let ty = &*step.paging.ty.name;
        for read in reads {
            let Some(key) = &read.key else {
                let reason = format!("has no `{}`, nor have those after it", step.paging.ty.key);
                self.unusable(unusable(ty, &format!("number {}", read.number), None, reason))?;
                continue;
            };
            for problem in read.problems.iter().filter(|problem| !problem.is_of_null()) {
                self.unusable(unusable(ty, key, problem.field(), format!("the server says: {}", problem.message)))?;
            }
            let mut shown = IndexMap::new();
            for (property, _) in &step.properties {
                let Some(raw) = read.get(&property.name) else { continue };
                match exported(self.model, property, raw) {
                    Ok(value) => shown.extend(value.map(|value| (&*property.name, value))),
                    Err(reason) => self.unusable(unusable(ty, key, Some(&*property.name), reason))?,
                }
            }
            self.spool.node(&Node { ty, key, values: shown })?;
        }
        Ok(())
    }
}

pub(super) fn unusable(ty: &str, key: &str, field: Option<&str>, reason: String) -> Error {
    Error::Shown { ty: ty.to_owned(), key: key.to_owned(), field: field.map(str::to_owned), reason }
}

/// What an export has for a value of the API; `None` for null.
fn exported(model: &Model, property: &Property, raw: &RawValue) -> Result<Option<Box<RawValue>>, String> {
    let converted;
    let raw = if property.ty.is_temporal() {
        let value: Value = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let stored = match value {
            Value::Array(items) if property.is_list => {
                let items: Result<Vec<_>, _> = items.into_iter().map(|item| temporal(property, item)).collect();
                Value::Array(items?)
            }
            value => temporal(property, value)?,
        };
        converted = serde_json::value::to_raw_value(&stored).map_err(|error| error.to_string())?;
        &*converted
    } else {
        raw
    };
    let parameter = values::read(model, property, raw)?;
    values::written(property, parameter).map_err(|expected| format!("is no {expected}"))
}

/// The stored form of a date, or null.
fn temporal(property: &Property, value: Value) -> Result<Value, String> {
    let shown = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(formatted) => Components { formatted: Some(formatted), ..Components::default() },
        object => serde_json::from_value(object).map_err(|_| format!("`{}` is no date", property.name))?,
    };
    let failed = |error: crate::value::Error| format!("`{}`: {error}", property.name);
    let stored = match (&property.ty, &shown.formatted) {
        (PropertyType::Date, Some(text)) => Date::parse(text).map_err(failed)?.to_stored(),
        (_, Some(text)) => DateTime::parse(text).map_err(failed)?.to_stored(),
        (_, None) if shown.is_empty() => return Ok(Value::Null),
        (PropertyType::Date, None) => {
            let Components { year, month, day, .. } = shown;
            Date::from_components(&DateComponents { year, month, day }).map_err(failed)?.to_stored()
        }
        // Without a year it would be the present.
        (_, None) if shown.year.is_none() => return Err(format!("`{}` is a time without a year", property.name)),
        (_, None) => {
            DateTime::from_components(&shown.into_time(), chrono::DateTime::UNIX_EPOCH).map_err(failed)?.to_stored()
        }
    };
    Ok(Value::String(stored))
}

impl Components {
    fn is_empty(&self) -> bool {
        let numbers = [self.year, self.month, self.day, self.hour, self.minute, self.second, self.millisecond];
        numbers.iter().chain(&[self.microsecond, self.nanosecond]).all(Option::is_none) && self.timezone.is_none()
    }

    /// Each part of a second is the whole fraction, and the finest counts.
    fn into_time(self) -> DateTimeComponents {
        let microsecond = self.microsecond.filter(|_| self.nanosecond.is_none());
        let millisecond = self.millisecond.filter(|_| self.nanosecond.is_none() && microsecond.is_none());
        DateTimeComponents {
            year: self.year,
            month: self.month,
            day: self.day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            millisecond,
            microsecond,
            nanosecond: self.nanosecond,
            timezone: self.timezone,
        }
    }
}
