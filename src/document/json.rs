//! A node as one flat JSON object: fields in SDL order, related nodes as URLs. Shapes are the CE-API's, but dates are texts.

use serde_json::value::RawValue;

use super::url;
use super::values::{Values, formatted, is_null, iso, keys, related};
use crate::model::documents::Embed;
use crate::model::{Field, Model, Property, Relation, TypeId};

pub(super) fn write(model: &Model, ty: TypeId, values: &Values, base: &str) -> String {
    let node_type = model.node_type(ty);
    let mut object = Object::default();
    for ((name, member), value) in model.document(ty).members.iter().zip(values.iter()) {
        match (node_type.fields.get(name), &member.embed) {
            (Some(Field::Property(property)), embed) => {
                object.member(name, &property_json(property, value, embed.is_some()));
            }
            (Some(Field::Relation(relation)), None) => {
                let urls: Vec<_> = keys(value).iter().map(|key| text(&url(base, key))).collect();
                object.member(name, &listed(relation, urls));
            }
            (Some(Field::Relation(relation)), Some(embed)) => {
                object.member(name, &embedded(model, relation, embed, value));
            }
            (None, _) => {}
        }
    }
    object.end()
}

fn embedded(model: &Model, relation: &Relation, embed: &Embed, value: &RawValue) -> String {
    let nodes = related(value).into_iter().map(|node| {
        let mut object = Object::default();
        object.member("FRAGMENT_TYPE", &text(&node.ty));
        let Some(ty) = model.type_named(&node.ty).map(|ty| model.node_type(ty)) else { return object.end() };
        object.member(&ty.key, &text(&node.key));
        for (name, value) in embed.fields.iter().zip(node.values) {
            match ty.fields.get(name) {
                Some(Field::Property(property)) => object.member(name, &property_json(property, value, false)),
                Some(Field::Relation(below)) => {
                    let names = Embed { fields: Vec::new(), order_by: None };
                    object.member(name, &embedded(model, below, &names, value));
                }
                None => {}
            }
        }
        object.end()
    });
    listed(relation, nodes.collect())
}

fn listed(relation: &Relation, nodes: Vec<String>) -> String {
    if relation.is_list {
        return ["[", &nodes.join(","), "]"].concat();
    }
    nodes.into_iter().next().unwrap_or_else(|| "null".to_owned())
}

fn property_json(property: &Property, value: &RawValue, is_object: bool) -> String {
    if !property.ty.is_temporal() || property.is_list {
        return value.get().to_owned();
    }
    let date = if is_object { formatted(property, value) } else { iso(property, value) };
    let date = date.map_or_else(|| "null".to_owned(), |date| text(&date));
    if is_object && !is_null(value) { [r#"{"formatted":"#, &date, "}"].concat() } else { date }
}

/// A JSON object under construction.
#[derive(Debug, Default)]
pub(super) struct Object(String);

impl Object {
    /// A member; `json` is its value.
    pub(super) fn member(&mut self, key: &str, json: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&text(key));
        self.0.push(':');
        self.0.push_str(json);
    }

    /// The whole.
    pub(super) fn end(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

/// A text as JSON.
pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
