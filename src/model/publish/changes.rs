//! The subscription to what happens to nodes, whatever the schema: one field, an object, a union and two enums.

use std::sync::Arc;

use super::Publisher;
use crate::model::api::{ApiEnumValue, ApiField, ApiKind};
use crate::model::names;

const ACTIONS: [(&str, &str); 3] = [
    ("CREATED", "A node is new."),
    ("UPDATED", "Properties of a node were written."),
    ("DELETED", "A node and its relations are gone."),
];

impl Publisher<'_> {
    /// The field; adds its types.
    pub(super) fn node_changes(&mut self) -> ApiField {
        let types = self.types;
        let actions = ACTIONS.map(|(name, description)| self.enum_value(name, Some(description)));
        self.add(names::NODE_ACTION, Some("What happened to a node."), ApiKind::Enum(actions.into()));
        let values = types.iter().map(|ty| self.enum_value(&ty.name, None)).collect();
        self.add(names::NODE_TYPE, Some("Object types and interfaces."), ApiKind::Enum(values));
        let objects = types.iter().filter(|ty| !ty.is_interface).map(|ty| self.name(&ty.name)).collect();
        self.add(names::NODE, Some("A node of any type."), ApiKind::Union(objects));
        let (action, ty) = (self.named(names::NODE_ACTION).non_null(), self.named(names::NODE_TYPE).non_null());
        let (key, node) = (self.named("ID").non_null(), self.named(names::NODE));
        let described = "The node now; as it was, if it was deleted. Null if it is not to be had any more.";
        let fields = [
            self.output("action", "What happened.", Vec::new(), action),
            self.output("type", "Object type of the node.", Vec::new(), ty),
            self.output("key", "Value of the key field of the node.", Vec::new(), key),
            self.output("node", described, Vec::new(), node),
        ];
        let fields = fields.into_iter().map(|field| (Arc::clone(&field.name), field)).collect();
        let object = ApiKind::Object { implements: Vec::new(), fields };
        self.add(names::NODE_CHANGE, Some("Something happened to a node."), object);
        let types = self.named(names::NODE_TYPE).non_null().list();
        let actions = self.named(names::NODE_ACTION).non_null().list();
        let (key, change) = (self.named("ID"), self.named(names::NODE_CHANGE));
        let arguments = vec![self.input("types", types), self.input("actions", actions), self.input("key", key)];
        let described = "What happens to nodes, from now on: of these types (of all, if none are given), by these actions (by any), with this key (with any).";
        self.output(names::NODE_CHANGED, described, arguments, change)
    }

    fn enum_value(&mut self, name: &str, description: Option<&str>) -> ApiEnumValue {
        ApiEnumValue { name: self.name(name), description: description.map(Into::into), deprecated: None }
    }
}
