//! A node as JSON-LD 1.1. What fields are called and what their values are is the model's ([`DocumentMember`]).

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{Object, text};
use super::url;
use super::values::{Values, is_null, iso, keys, related};
use crate::model::documents::{DocumentMember, TextNode};
use crate::model::{Field, Model, Property, PropertyType, TypeId};

pub(super) fn write(model: &Model, ty: TypeId, values: &Values, base: &str) -> String {
    let document = model.document(ty);
    let node_type = model.node_type(ty);
    let mut node = Node::new(document.classes.iter().map(ToString::to_string).collect());
    for ((name, member), value) in document.members.iter().zip(values.iter()) {
        match node_type.fields.get(name) {
            Some(Field::Property(property)) if property.is_key => {
                node.id = serde_json::from_str::<String>(value.get()).ok().map(|key| url(base, &key));
                node.property(member, property, value);
            }
            Some(Field::Property(property)) => node.property(member, property, value),
            Some(Field::Relation(relation)) if member.embed.is_none() => {
                let links: Vec<_> = keys(value).iter().map(|key| link(&url(base, key))).collect();
                node.add(member, &links, relation.is_list);
            }
            Some(Field::Relation(relation)) => {
                node.add(member, &elements(model, member, value, base), relation.is_list);
            }
            None => {}
        }
    }
    node.end(Some(&document.context))
}

/// Related nodes: in full if their type is one that is ordered here, else as links.
fn elements(model: &Model, member: &DocumentMember, value: &RawValue, base: &str) -> Vec<String> {
    let Some(embed) = &member.embed else { return Vec::new() };
    let element = |related: super::values::Related<'_>| {
        let id = url(base, &related.key);
        let ty = model.type_named(&related.ty);
        let has_place = |ty: &TypeId| {
            embed.order_by.as_ref().is_some_and(|property| model.node_type(*ty).property(property).is_some())
        };
        let Some(ty) = ty.filter(has_place) else { return link(&id) };
        let (node_type, document) = (model.node_type(ty), model.document(ty));
        let mut node = Node::new(document.classes.iter().map(ToString::to_string).collect());
        if let Some(key) = document.members.get(&node_type.key) {
            node.add(key, &[text(&id)], false);
        }
        node.id = Some(id);
        for (name, value) in embed.fields.iter().zip(related.values) {
            match (node_type.fields.get(name), document.members.get(name)) {
                (Some(Field::Property(property)), Some(member)) => node.property(member, property, value),
                (Some(Field::Relation(_)), Some(member)) => {
                    let links: Vec<_> =
                        super::values::related(value).iter().map(|node| link(&url(base, &node.key))).collect();
                    // One stands by itself, as in the CE-API.
                    let is_list = links.len() > 1;
                    node.add(member, &links, is_list);
                }
                _ => {}
            }
        }
        node.end(None)
    };
    related(value).into_iter().map(element).collect()
}

/// A node object under construction.
struct Node {
    id: Option<String>,
    types: Vec<String>,
    /// By key: values, and whether they are a list even if there is one.
    members: IndexMap<String, (Vec<String>, bool)>,
}

impl Node {
    fn new(types: Vec<String>) -> Self {
        Self { id: None, types, members: IndexMap::new() }
    }

    fn property(&mut self, member: &DocumentMember, property: &Property, value: &RawValue) {
        if is_null(value) {
            return;
        }
        let parsed = || serde_json::from_str::<Value>(value.get()).unwrap_or_default();
        if member.is_type {
            // Keywords are no types, even if a client wrote them.
            let names = values_of(property, parsed()).into_iter().filter_map(|name| match name {
                Value::String(name) if !name.starts_with('@') && !name.is_empty() => Some(name),
                _ => None,
            });
            self.types.extend(names);
        }
        if member.keys.is_empty() && member.types.is_empty() {
            return;
        }
        let values = if let Some(date) = iso(property, value) {
            // XML Schema writes no sign before years after 9999.
            vec![text(date.trim_start_matches('+'))]
        } else if let PropertyType::Custom(_) = property.ty {
            vec![any_json(value)]
        } else if member.base.is_some() || member.is_link || member.node.is_some() || property.is_list {
            values_of(property, parsed()).into_iter().filter(|it| !it.is_null()).map(|it| meant(member, it)).collect()
        } else {
            vec![value.get().to_owned()]
        };
        self.add(member, &values, property.is_list);
    }

    /// Values under each key of a member. Two fields of one key share it.
    fn add(&mut self, member: &DocumentMember, values: &[String], is_list: bool) {
        if values.is_empty() {
            return;
        }
        for ty in &member.types {
            let without_scheme = |iri: &str| iri.split_once("://").map(|(_, rest)| rest.to_owned());
            if !self.types.iter().any(|known| without_scheme(known) == without_scheme(ty)) {
                self.types.push(ty.to_string());
            }
        }
        for key in &member.keys {
            let (known, is_known_list) = self.members.entry(key.to_string()).or_default();
            *is_known_list |= is_list;
            known.extend(values.iter().cloned());
        }
    }

    fn end(self, context: Option<&Value>) -> String {
        let mut object = Object::default();
        if let Some(context) = context.filter(|context| context.as_array().is_some_and(|it| !it.is_empty())) {
            object.member("@context", &context.to_string());
        }
        if let Some(id) = &self.id {
            object.member("@id", &text(id));
        }
        if !self.types.is_empty() {
            object.member("@type", &Value::from(self.types).to_string());
        }
        for (key, (values, is_list)) in self.members {
            match values.as_slice() {
                [only] if !is_list => object.member(&key, only),
                _ => object.member(&key, &["[", &values.join(","), "]"].concat()),
            }
        }
        object.end()
    }
}

fn values_of(property: &Property, value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) if property.is_list => values,
        value => vec![value],
    }
}

/// A value with what the model says of it.
fn meant(member: &DocumentMember, value: Value) -> String {
    let Value::String(own) = value else { return value.to_string() };
    let whole = [member.base.as_deref().unwrap_or_default(), &own].concat();
    match &member.node {
        _ if member.is_link => link(&whole),
        Some(node) => stands_for(node, &whole),
        None => text(&whole),
    }
}

fn stands_for(node: &TextNode, value: &str) -> String {
    let is_address = value.starts_with("http://") || value.starts_with("https://");
    let key = node.url.as_ref().filter(|_| is_address).unwrap_or(&node.text);
    let mut object = Object::default();
    object.member("@type", &text(&node.ty));
    object.member(key, &text(value));
    object.end()
}

/// Any JSON: what is no plain value is a JSON literal, so that its members are not taken for terms.
fn any_json(value: &RawValue) -> String {
    if value.get().starts_with(['{', '[']) {
        return [r#"{"@type":"@json","@value":"#, value.get(), "}"].concat();
    }
    value.get().to_owned()
}

fn link(iri: &str) -> String {
    [r#"{"@id":"#, &text(iri), "}"].concat()
}
