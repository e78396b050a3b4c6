//! Types, relations and columns that requests use, as the schema has them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Model, TypeId};

pub(super) const CONTROL_ACTION: &str = "ControlAction";
pub(super) const ENTRY_POINT: &str = "EntryPoint";
pub(super) const SOFTWARE_APPLICATION: &str = "SoftwareApplication";
pub(super) const PROPERTY: &str = "Property";
pub(super) const SPECIFICATION: &str = "PropertyValueSpecification";
pub(super) const PROPERTY_VALUE: &str = "PropertyValue";

/// What a request takes over from its template.
pub(super) const COPIED: [&str; 10] =
    ["name", "contributor", "title", "description", "creator", "source", "subject", "format", "language", "url"];
/// What is read of the properties of a template, whichever type they have.
pub(super) const READ: [&str; 7] =
    ["name", "title", "description", "valueName", "defaultValue", "valueRequired", "valuePattern"];
const WRITTEN: [&str; 8] =
    ["propertyID", "title", "description", "name", "valueReference", "value", "actionStatus", "endTime"];

/// Names in the database.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) control_action: TypeId,
    pub(super) application: Arc<str>,
    pub(super) potential_action: Arc<str>,
    pub(super) object: Arc<str>,
    pub(super) target: Arc<str>,
    pub(super) action_derived_from: Arc<str>,
    pub(super) value_derived_from: Arc<str>,
    pub(super) node_value: Arc<str>,
    /// By type and property.
    columns: HashMap<(&'static str, &'static str), String>,
}

impl Names {
    /// `None` if the schema is not that of the Contributor Environment.
    pub(super) fn of(model: &Model) -> Option<Self> {
        let ty = |name: &str| model.type_named(name).map(|id| model.node_type(id));
        let relation = |name: &str, field: &str| Some(Arc::clone(&ty(name)?.relation(field)?.name));
        let mut columns = HashMap::new();
        for name in [CONTROL_ACTION, PROPERTY, SPECIFICATION, PROPERTY_VALUE] {
            for property in COPIED.into_iter().chain(READ).chain(WRITTEN) {
                if let Some(column) = ty(name)?.property(property).and_then(|property| property.column) {
                    columns.insert((name, property), model.column(column).name.clone());
                }
            }
        }
        Some(Self {
            control_action: model.type_named(CONTROL_ACTION)?,
            application: relation(ENTRY_POINT, "actionApplication")?,
            potential_action: relation(ENTRY_POINT, "potentialAction")?,
            object: relation(CONTROL_ACTION, "object")?,
            target: relation(CONTROL_ACTION, "target")?,
            action_derived_from: relation(CONTROL_ACTION, "wasDerivedFrom")?,
            value_derived_from: relation(PROPERTY_VALUE, "wasDerivedFrom")?,
            node_value: relation(PROPERTY_VALUE, "nodeValue")?,
            columns,
        })
    }

    /// The column of a property, if the type has it.
    pub(super) fn column(&self, ty: &'static str, property: &'static str) -> Option<&str> {
        self.columns.get(&(ty, property)).map(String::as_str)
    }
}
