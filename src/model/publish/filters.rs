//! Filter inputs: which keys a property or relation gets, by its type.

use std::sync::Arc;

use super::{Publisher, property_type_name};
use crate::model::ByName;
use crate::model::api::{ApiInput, ApiKind, ApiTypeRef};
use crate::model::names;
use crate::model::types::{Field, NodeType, Property, PropertyType, Relation};

/// Suffixes of filter keys that take one operand of the property's type.
const TEXT: [&str; 7] =
    ["_regexp", "_contains", "_not_contains", "_starts_with", "_not_starts_with", "_ends_with", "_not_ends_with"];
const COMPARISON: [&str; 4] = ["_lt", "_lte", "_gt", "_gte"];

impl Publisher<'_> {
    pub(super) fn filter(&mut self, ty: &NodeType) {
        let name = names::filter(&ty.name);
        let own = self.named(&name).non_null().list();
        let mut keys = Keys { publisher: self, inputs: ByName::default() };
        keys.add("AND", &own);
        keys.add("OR", &own);
        for field in ty.fields.values() {
            match field {
                Field::Property(property) => keys.property(property),
                Field::Relation(relation) => keys.relation(relation),
            }
        }
        let inputs = keys.inputs;
        self.add(&name, None, ApiKind::Input(inputs.into()));
    }
}

struct Keys<'a, 'b> {
    publisher: &'a mut Publisher<'b>,
    inputs: ByName<ApiInput>,
}

impl Keys<'_, '_> {
    fn add(&mut self, name: &str, ty: &ApiTypeRef) {
        let input = self.publisher.input(name, ty.clone());
        self.inputs.insert(Arc::clone(&input.name), input);
    }

    fn add_all(&mut self, field: &str, suffixes: &[&str], ty: &ApiTypeRef) {
        for suffix in suffixes {
            self.add(&[field, suffix].concat(), ty);
        }
    }

    fn property(&mut self, property: &Property) {
        let name = &*property.name;
        let published = property_type_name(&property.ty);
        let one = if property.ty.is_temporal() {
            self.publisher.named(&[published, "Input"].concat())
        } else {
            self.publisher.named(published)
        };
        let many = one.clone().non_null().list();
        if property.is_list {
            self.add_all(name, &["", "_not"], &many);
            if matches!(property.ty, PropertyType::String | PropertyType::Id) {
                self.add(&[name, "_regexp"].concat(), &one);
                self.add_all(name, TEXT.get(1..).unwrap_or_default(), &many);
            }
            return;
        }
        match property.ty {
            PropertyType::Custom(_) => self.add(name, &one),
            PropertyType::Boolean => self.add_all(name, &["", "_not"], &one),
            PropertyType::Enum(_) => self.equality(name, &one, &many),
            PropertyType::Id | PropertyType::String => {
                self.equality(name, &one, &many);
                self.add_all(name, &TEXT, &one);
            }
            PropertyType::Int | PropertyType::Float | PropertyType::Date | PropertyType::DateTime => {
                self.equality(name, &one, &many);
                self.add_all(name, &COMPARISON, &one);
            }
        }
    }

    fn equality(&mut self, name: &str, one: &ApiTypeRef, many: &ApiTypeRef) {
        self.add_all(name, &["", "_not"], one);
        self.add_all(name, &["_in", "_not_in"], many);
    }

    fn relation(&mut self, relation: &Relation) {
        let types = self.publisher.types;
        let Some(target) = types.get(relation.target.0) else { return };
        let one = self.publisher.named(&names::filter(&target.name));
        let many = one.clone().non_null().list();
        self.equality(&relation.field, &one, &many);
        if relation.is_list {
            self.add_all(&relation.field, &["_some", "_none", "_single", "_every"], &one);
        }
    }
}
