//! What the database answers: arrays of values, each kept as the text that it is.

use serde_json::value::RawValue;

use crate::model::{Property, PropertyType};
use crate::value::{Date, DateTime};

/// Values of a node, in the order of its type's members.
#[derive(Debug)]
pub(super) struct Values(Vec<Box<RawValue>>);

impl Values {
    /// From an array of arrays.
    pub(super) fn read(text: &str) -> Option<Self> {
        let chunks: Vec<Vec<Box<RawValue>>> = serde_json::from_str(text).ok()?;
        Some(Self(chunks.into_iter().flatten().collect()))
    }

    pub(super) fn get(&self, position: usize) -> Option<&RawValue> {
        self.0.get(position).map(|value| &**value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RawValue> {
        self.0.iter().map(|value| &**value)
    }
}

/// An embedded node.
#[derive(Debug)]
pub(super) struct Related<'a> {
    pub(super) ty: String,
    pub(super) key: String,
    /// In the order of the embedded fields.
    pub(super) values: Vec<&'a RawValue>,
}

/// Keys of related nodes.
pub(super) fn keys(value: &RawValue) -> Vec<String> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

/// Embedded nodes.
pub(super) fn related(value: &RawValue) -> Vec<Related<'_>> {
    fn text(value: Option<&RawValue>) -> Option<String> {
        serde_json::from_str(value?.get()).ok()
    }
    fn node(row: Vec<&RawValue>) -> Option<Related<'_>> {
        let mut row = row.into_iter();
        Some(Related { ty: text(row.next())?, key: text(row.next())?, values: row.collect() })
    }
    let rows: Vec<Vec<&RawValue>> = serde_json::from_str(value.get()).unwrap_or_default();
    rows.into_iter().filter_map(node).collect()
}

pub(super) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// A stored date, as ISO 8601 has it.
pub(super) fn iso(property: &Property, value: &RawValue) -> Option<String> {
    temporal(property, value, DateTime::iso)
}

/// A stored date, as GraphQL has it.
pub(super) fn formatted(property: &Property, value: &RawValue) -> Option<String> {
    temporal(property, value, DateTime::formatted)
}

fn temporal(property: &Property, value: &RawValue, write: fn(DateTime) -> String) -> Option<String> {
    if property.is_list || !property.ty.is_temporal() {
        return None;
    }
    let stored: String = serde_json::from_str(value.get()).ok()?;
    if property.ty == PropertyType::Date {
        Date::from_stored(&stored).map(Date::formatted)
    } else {
        DateTime::from_stored(&stored).map(write)
    }
}
