//! Which nodes match: arguments of section 4 and filters of section 5 of the contract. An unknown comparison does not match, and what
//! is negated on related nodes is whether they match.

use std::cmp::Ordering;

use clef::model::{Field, NodeType, Property, PropertyType, Relation, TypeId};
use serde_json::{Map, Value as Json};

use super::temporal::Temporal;
use super::world::{NodeId, Stored, World, items};

type Object = Map<String, Json>;

/// Suffixes of keys, longest first where one ends with another.
const OPERATORS: [&str; 20] = [
    "not_contains",
    "contains",
    "not_starts_with",
    "starts_with",
    "not_ends_with",
    "ends_with",
    "not_in",
    "in",
    "not",
    "regexp",
    "lte",
    "lt",
    "gte",
    "gt",
    "some",
    "none",
    "single",
    "every",
    "AND",
    "OR",
];

/// Field and operator of a filter's key.
pub(super) fn split<'k, 't>(ty: &'t NodeType, key: &'k str) -> (&'t Field, &'k str) {
    if let Some(field) = ty.fields.get(key) {
        return (field, "");
    }
    for operator in OPERATORS {
        if let Some(field) = key.strip_suffix(operator).and_then(|name| ty.fields.get(name.strip_suffix('_')?)) {
            return (field, operator);
        }
    }
    panic!("`{key}` is not a key of a filter of `{}`", ty.name);
}

impl World {
    /// Whether a node matches a filter of a type that it has.
    pub(super) fn matches(&self, ty: TypeId, id: NodeId, filter: &Object) -> bool {
        filter.iter().all(|(key, operand)| match (key.as_str(), operand) {
            ("AND" | "OR", Json::Null) => true,
            ("AND", entries) => items(entries).all(|entry| self.matches_value(ty, id, entry)),
            ("OR", entries) => items(entries).any(|entry| self.matches_value(ty, id, entry)),
            (key, operand) => match split(self.model.node_type(ty), key) {
                (Field::Property(property), operator) => self.property(id, property, operator, operand),
                (Field::Relation(relation), operator) => self.relation(id, relation, operator, operand),
            },
        })
    }

    fn matches_value(&self, ty: TypeId, id: NodeId, filter: &Json) -> bool {
        self.matches(ty, id, filter.as_object().expect("a filter is an object"))
    }

    fn relation(&self, id: NodeId, relation: &Relation, operator: &str, operand: &Json) -> bool {
        let target = relation.target;
        let related = self.related(id, relation, &self.model.node_type(target).possible);
        let any = !related.is_empty();
        let one = |node: &NodeId| self.matches_value(target, *node, operand);
        let listed = |node: &NodeId| items(operand).any(|entry| self.matches_value(target, *node, entry));
        match (operator, operand) {
            ("", Json::Null) => !any,
            ("not", Json::Null) => any,
            (_, Json::Null) => true,
            ("" | "every", _) => any && related.iter().all(one),
            ("some", _) => related.iter().any(one),
            ("none" | "not", _) => any && !related.iter().any(one),
            ("single", _) => related.iter().filter(|node| one(node)).count() == 1,
            ("in", _) => any && related.iter().all(listed),
            ("not_in", _) => any && !related.iter().any(listed),
            _ => panic!("`{operator}` is not an operator on relations"),
        }
    }

    /// A comparison of a property; also what the argument of that name means, with the empty operator.
    pub(super) fn property(&self, id: NodeId, property: &Property, operator: &str, operand: &Json) -> bool {
        let stored = self.node(id).values.get(&*property.name);
        match (operator, operand) {
            ("", Json::Null) => return stored.is_none(),
            ("not", Json::Null) => return stored.is_some(),
            (_, Json::Null) => return false,
            ("not_in", operand) if items(operand).next().is_none() => return true,
            ("" | "not", Json::Object(input)) if property.ty.is_temporal() && input.is_empty() => return true,
            _ => {}
        }
        match stored {
            None => false,
            Some(Stored::Temporal(value)) => temporal(value, property.ty == PropertyType::Date, operator, operand),
            Some(Stored::Plain(Json::Array(list))) if property.is_list => in_list(list, operator, operand),
            Some(Stored::Plain(value)) => scalar(value, operator, operand),
        }
    }

    /// The order of two nodes by one key: nulls last ascending, first descending.
    pub(super) fn compare(&self, one: NodeId, two: NodeId, key: &str) -> Ordering {
        let (name, is_ascending) = match key.strip_suffix("_asc") {
            Some(name) => (name, true),
            None => (key.strip_suffix("_desc").expect("an order"), false),
        };
        let ascending = if name == "_id" {
            one.cmp(&two)
        } else {
            match (self.node(one).values.get(name), self.node(two).values.get(name)) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(Stored::Temporal(one)), Some(Stored::Temporal(two))) => one.compare(two),
                (Some(Stored::Plain(one)), Some(Stored::Plain(two))) => plain_order(one, two).expect("one type"),
                _ => panic!("`{name}` has two types"),
            }
        };
        if is_ascending { ascending } else { ascending.reverse() }
    }
}

fn scalar(value: &Json, operator: &str, operand: &Json) -> bool {
    let is_in = || items(operand).any(|item| is_equal(value, item));
    let order = || plain_order(value, operand).expect("operands of one type");
    match operator {
        "" => is_equal(value, operand),
        "not" => !is_equal(value, operand),
        "in" => is_in(),
        "not_in" => !is_in(),
        "lt" => order().is_lt(),
        "lte" => order().is_le(),
        "gt" => order().is_gt(),
        "gte" => order().is_ge(),
        _ => text(text_of(value), operator, text_of(operand)),
    }
}

fn in_list(list: &[Json], operator: &str, operand: &Json) -> bool {
    let given: Vec<_> = items(operand).collect();
    let overlaps = || list.iter().any(|item| given.iter().any(|given| is_equal(item, given)));
    match operator {
        "" if given.is_empty() => list.is_empty(),
        "not" if given.is_empty() => !list.is_empty(),
        "" => overlaps(),
        "not" => !overlaps(),
        _ => list.iter().any(|item| given.iter().any(|given| text(text_of(item), operator, text_of(given)))),
    }
}

fn temporal(value: &Temporal, is_date: bool, operator: &str, operand: &Json) -> bool {
    let equals = |input: &Json| {
        let input = input.as_object().expect("a temporal operand is an object");
        if input.contains_key("formatted") {
            return *value == Temporal::from_input(input, is_date);
        }
        input.iter().all(|(name, given)| is_equal(&value.component(name), given))
    };
    let order = || value.compare(&Temporal::from_input(operand.as_object().expect("an object"), is_date));
    match operator {
        "" => equals(operand),
        "not" => !equals(operand),
        "in" => items(operand).any(equals),
        "not_in" => !items(operand).any(equals),
        "lt" => order().is_lt(),
        "lte" => order().is_le(),
        "gt" => order().is_gt(),
        "gte" => order().is_ge(),
        _ => panic!("`{operator}` is not an operator on temporals"),
    }
}

/// Operators on text.
pub(super) fn text(value: &str, operator: &str, operand: &str) -> bool {
    if let Some(positive) = operator.strip_prefix("not_") {
        return !text(value, positive, operand);
    }
    match operator {
        "contains" => value.contains(operand),
        "starts_with" => value.starts_with(operand),
        "ends_with" => value.ends_with(operand),
        "regexp" => regex::Regex::new(&format!(r"\A(?:{operand})\z")).expect("a regular expression").is_match(value),
        _ => panic!("`{operator}` is not an operator on text"),
    }
}

fn text_of(value: &Json) -> &str {
    value.as_str().expect("text")
}

fn is_equal(one: &Json, two: &Json) -> bool {
    match (one.as_f64(), two.as_f64()) {
        (Some(one), Some(two)) => one.total_cmp(&two).is_eq() || (one == 0.0 && two == 0.0),
        _ => one == two,
    }
}

/// Numbers by value, text by code point, false before true.
fn plain_order(one: &Json, two: &Json) -> Option<Ordering> {
    match (one, two) {
        (Json::Number(one), Json::Number(two)) => one.as_f64()?.partial_cmp(&two.as_f64()?),
        (Json::String(one), Json::String(two)) => Some(one.chars().cmp(two.chars())),
        (Json::Bool(one), Json::Bool(two)) => Some(one.cmp(two)),
        _ => None,
    }
}
