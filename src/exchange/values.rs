//! Values between the database and a file.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::api::ApiKind;
use crate::model::{Model, Property, PropertyType};
use crate::sql::Parameter;
use crate::value::{Date, DateTime, url};

/// JSON of a stored value; `None` for NULL.
///
/// # Errors
///
/// What it should be.
pub(super) fn written(property: &Property, stored: Parameter) -> Result<Option<Box<RawValue>>, &'static str> {
    let is_json = property.is_list || matches!(property.ty, PropertyType::Custom(_));
    let value = match stored {
        Parameter::Null => return Ok(None),
        Parameter::Text(text) if is_json => return json(text).map(Some),
        Parameter::Text(text) => Value::from(text),
        Parameter::Integer(number) if property.ty == PropertyType::Boolean => Value::from(number != 0),
        Parameter::Integer(number) => Value::from(number),
        // JSON has no infinity.
        Parameter::Real(number) if !number.is_finite() => return Err("finite number"),
        Parameter::Real(number) => Value::from(number),
    };
    serde_json::value::to_raw_value(&value).map(Some).map_err(|_| "JSON")
}

/// On one line, else as it is.
fn json(text: String) -> Result<Box<RawValue>, &'static str> {
    if text.contains(['\n', '\r']) {
        let value: Value = serde_json::from_str(&text).map_err(|_| "JSON")?;
        return serde_json::value::to_raw_value(&value).map_err(|_| "JSON");
    }
    RawValue::from_string(text).map_err(|_| "JSON")
}

/// What is stored for a value of a file.
///
/// # Errors
///
/// What to change.
pub(super) fn read(model: &Model, property: &Property, raw: &RawValue) -> Result<Parameter, String> {
    let name = &property.name;
    let value: Value = serde_json::from_str(raw.get()).map_err(|error| format!("`{name}`: {error}"))?;
    if value.is_null() {
        return Ok(Parameter::Null);
    }
    if !property.is_list {
        check(model, property, &value)?;
        return Ok(stored(property, &value, raw));
    }
    let Value::Array(items) = &value else { return Err(format!("`{name}` must be a list")) };
    for item in items {
        if item.is_null() {
            return Err(format!("`{name}` is a list whose items must not be null"));
        }
        check(model, property, item)?;
    }
    Ok(raw.get().into())
}

/// Whether a value, or an item of a list, has the type of its property.
fn check(model: &Model, property: &Property, value: &Value) -> Result<(), String> {
    let text = value.as_str();
    let expected = match &property.ty {
        PropertyType::Id | PropertyType::String if property.is_url => {
            (!text.is_some_and(url::is_valid)).then(|| "a valid URL with protocol".to_owned())
        }
        PropertyType::Id | PropertyType::String => text.is_none().then(|| "a text".to_owned()),
        PropertyType::Int => {
            let is_int = value.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
            (!is_int).then(|| "a whole number of 32 bits".to_owned())
        }
        PropertyType::Float => (!value.is_number()).then(|| "a number".to_owned()),
        PropertyType::Boolean => (!value.is_boolean()).then(|| "true or false".to_owned()),
        PropertyType::Enum(name) => {
            let is_value = |text: &str| match model.api().get(name).map(|ty| &ty.kind) {
                Some(ApiKind::Enum(values)) => values.iter().any(|value| &*value.name == text),
                _ => false,
            };
            (!text.is_some_and(is_value)).then(|| format!("a value of the enum `{name}`"))
        }
        PropertyType::Date => {
            let is_stored = |text: &str| Date::from_stored(text).is_some_and(|date| date.to_stored() == text);
            (!text.is_some_and(is_stored)).then(|| "a date as exports have it, such as `1819-09-13`".to_owned())
        }
        PropertyType::DateTime => {
            let is_stored = |text: &str| DateTime::from_stored(text).is_some_and(|time| time.to_stored() == text);
            let expected = "a date-time as exports have it, such as `2021-06-22T13:47:10.690000000Z`";
            (!text.is_some_and(is_stored)).then(|| expected.to_owned())
        }
        PropertyType::Custom(_) => None,
    };
    expected.map_or(Ok(()), |expected| Err(format!("`{}` must be {expected}", property.name)))
}

/// Of a value that was checked.
fn stored(property: &Property, value: &Value, raw: &RawValue) -> Parameter {
    match (&property.ty, value) {
        (PropertyType::Custom(_), _) => raw.get().into(),
        (_, Value::String(text)) => text.as_str().into(),
        (_, Value::Bool(truth)) => i64::from(*truth).into(),
        // From the text: the library's own reading may be off by the last bit. SQLite keeps no sign of zero.
        (PropertyType::Float, _) => {
            raw.get().parse::<f64>().map_or(Parameter::Null, |number| Parameter::from(number + 0.0))
        }
        (_, other) => other.as_i64().map_or(Parameter::Null, Parameter::from),
    }
}
