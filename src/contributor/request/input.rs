//! The arguments of a request as plain data. Their types were checked before.

use std::collections::HashMap;

use async_graphql::{Name, Value};
use indexmap::IndexMap;

use crate::plan::{Arguments, Error};
use crate::value::DateTime;

/// What a client asks a program for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) entry_point: String,
    pub(super) template: String,
    /// Values in place of the template's, by property.
    pub(super) potential_action: HashMap<&'static str, String>,
    /// As stored.
    pub(super) end_time: Option<String>,
    pub(super) nodes: Vec<GivenNode>,
    pub(super) values: Vec<GivenValue>,
}

/// A node for a `Property` of the template.
#[derive(Debug)]
pub(super) struct GivenNode {
    pub(super) property: String,
    pub(super) key: String,
    pub(super) ty: String,
}

/// A value for a `PropertyValueSpecification` of the template.
#[derive(Debug)]
pub(super) struct GivenValue {
    pub(super) property: String,
    pub(super) value: String,
    pub(super) pattern: String,
}

type Object = IndexMap<Name, Value>;

/// What a client may give in place of the template's, `endTime` apart.
const GIVEN: [&str; 5] = ["name", "title", "description", "url", "creator"];

impl Request {
    pub(super) fn from_arguments(arguments: &Arguments) -> Result<Self, Error> {
        let Some(Value::Object(given)) = arguments.get("controlAction") else {
            return Err(Error::BadInput(
                "`controlAction` is missing: name the entry point and the potential action that are asked for"
                    .to_owned(),
            ));
        };
        let potential_action = match given.get("potentialAction") {
            Some(Value::Object(object)) => object.clone(),
            _ => Object::new(),
        };
        let end_time = match potential_action.get("endTime") {
            Some(Value::String(text)) => {
                Some(DateTime::parse(text).map_err(|error| Error::BadInput(format!("`endTime`: {error}")))?.to_stored())
            }
            _ => None,
        };
        let nodes = objects(given, "propertyObject").map(|object| GivenNode {
            property: text(object, "potentialActionPropertyIdentifier"),
            key: text(object, "nodeIdentifier"),
            ty: text(object, "nodeType"),
        });
        let values = objects(given, "propertyValueObject").map(|object| GivenValue {
            property: text(object, "potentialActionPropertyValueSpecificationIdentifier"),
            value: text(object, "value"),
            pattern: text(object, "valuePattern"),
        });
        let request = Self {
            entry_point: text(given, "entryPointIdentifier"),
            template: text(given, "potentialActionIdentifier"),
            potential_action: GIVEN
                .into_iter()
                .filter(|name| matches!(potential_action.get(*name), Some(Value::String(_))))
                .map(|name| (name, text(&potential_action, name)))
                .collect(),
            end_time,
            nodes: nodes.collect(),
            values: values.collect(),
        };
        check_once("propertyObjects", request.nodes.iter().map(|node| node.property.as_str()))?;
        check_once("propertyValueObjects", request.values.iter().map(|value| value.property.as_str()))?;
        Ok(request)
    }
}

/// Of two answers to one question none would be the right one.
fn check_once<'a>(list: &str, properties: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut seen = std::collections::HashSet::new();
    for property in properties {
        if !seen.insert(property) {
            return Err(Error::BadInput(format!(
                "Request error: two of the passed {list} are for the property \"{property}\": keep one"
            )));
        }
    }
    Ok(())
}

fn objects<'a>(given: &'a Object, list: &str) -> impl Iterator<Item = &'a Object> {
    let items = match given.get(list) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match item {
        Value::Object(object) => Some(object),
        _ => None,
    })
}

fn text(object: &Object, name: &str) -> String {
    match object.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Enum(name)) => name.to_string(),
        _ => String::new(),
    }
}
