//! Random selections: properties, relations with arguments, fragments of every kind, aliases and keys that merge.

use std::collections::HashMap;

use clef::model::TypeId;

use super::generate::Generator;

/// Response keys of one level: what else may stand under them.
#[derive(Debug, Default)]
struct Keys {
    /// Field, its type, and whether it may be selected again.
    taken: HashMap<String, (String, String)>,
    /// Whether every key has to be new, because the level is merged with another.
    is_fresh: bool,
}

impl Generator<'_> {
    /// `{ … }` on nodes of a type, `depth` levels of relations deep.
    pub(super) fn selection(&mut self, ty: TypeId, depth: usize) -> String {
        let mut keys = Keys::default();
        self.level(ty, depth, &mut keys)
    }

    fn level(&mut self, ty: TypeId, depth: usize, keys: &mut Keys) -> String {
        let node_type = self.writer.model.node_type(ty);
        if node_type.is_interface && self.writer.random.percent(30) {
            return self.object_fragments(ty, depth, keys);
        }
        let mut items = Vec::new();
        for _ in 0..=self.writer.random.below(3) {
            let item = match self.writer.random.below(100) {
                0..5 => self.type_name(keys),
                5..20 => self.fragment(ty, depth, keys),
                20..45 if depth > 0 => self.relation(ty, depth, keys),
                _ => self.property(ty, keys),
            };
            items.push(item);
        }
        format!("{{ {} }}", items.join(" "))
    }

    fn type_name(&mut self, keys: &Keys) -> String {
        let alias = if keys.is_fresh { format!("{}: ", self.writer.fresh("t")) } else { String::new() };
        // No variables: the validator does not look at the directives of `__typename` (async-graphql 7.2.1, validation/visitor.rs), and
        // would say that the variable is not used.
        let directive = *self.writer.random.one_of(&["", "", "", "", " @include(if: true)", " @skip(if: true)"]);
        format!("{alias}__typename{directive}")
    }

    /// Fragments on object types, and perhaps `__typename`: what narrows a result.
    fn object_fragments(&mut self, ty: TypeId, depth: usize, keys: &mut Keys) -> String {
        let possible = self.objects_with_data(ty);
        let mut items = Vec::new();
        for _ in 0..=self.writer.random.below(2) {
            let object = *self.writer.random.one_of(&possible);
            items.push(self.fragment_on(Some(object), object, depth, keys));
        }
        if self.writer.random.percent(40) {
            items.push(self.type_name(keys));
        }
        if self.writer.random.percent(15) {
            let inner = format!("{{ {} }}", items.join(" "));
            return format!("{{ ... {inner} }}");
        }
        format!("{{ {} }}", items.join(" "))
    }

    fn objects_with_data(&self, ty: TypeId) -> Vec<TypeId> {
        let possible = &self.writer.model.node_type(ty).possible;
        let with_data: Vec<_> = possible.iter().copied().filter(|id| self.sample.types.contains(id)).collect();
        if with_data.is_empty() { possible.clone() } else { with_data }
    }

    /// A fragment on any type that nodes of this one may have.
    fn fragment(&mut self, ty: TypeId, depth: usize, keys: &mut Keys) -> String {
        let model = self.writer.model;
        let node_type = model.node_type(ty);
        let condition = match self.writer.random.below(4) {
            0 => None,
            1 => Some(ty),
            2 => Some(*self.writer.random.one_of(&self.objects_with_data(ty))),
            _ => {
                let meets = |other: TypeId| {
                    model.node_type(other).possible.iter().any(|object| node_type.possible.contains(object))
                };
                let others: Vec<_> = self.sample.types.iter().copied().filter(|other| meets(*other)).collect();
                others.get(self.writer.random.below(others.len())).copied()
            }
        };
        self.fragment_on(condition, condition.unwrap_or(ty), depth, keys)
    }

    fn fragment_on(&mut self, condition: Option<TypeId>, ty: TypeId, depth: usize, keys: &mut Keys) -> String {
        let inner = self.level(ty, depth, keys);
        let directive = self.writer.directive();
        let name = self.writer.model.node_type(ty).name.clone();
        match condition {
            None => format!("...{directive} {inner}"),
            Some(_) if self.writer.random.percent(60) => format!("... on {name}{directive} {inner}"),
            Some(_) => {
                let fragment = self.writer.fresh("F");
                let definition = format!("fragment {fragment} on {name} {inner}\n");
                self.writer.fragments.push_str(&definition);
                let again = if self.writer.random.percent(10) { format!(" ...{fragment}") } else { String::new() };
                format!("...{fragment}{directive}{again}")
            }
        }
    }

    fn property(&mut self, ty: TypeId, keys: &mut Keys) -> String {
        let model = self.writer.model;
        let properties: Vec<_> = model.node_type(ty).properties().collect();
        let property = *self.writer.random.one_of(&properties);
        let name = &*property.name;
        let published = &model.api().field(&model.node_type(ty).name, name).expect("published").ty;
        let key = self.key(name, &published.to_string(), keys);
        let directive = self.writer.directive();
        if !property.ty.is_temporal() {
            return format!("{key}{name}{directive}");
        }
        let is_date = property.ty == clef::model::PropertyType::Date;
        let names: &[&str] = if is_date { &["formatted", "year", "month", "day"] } else { &COMPONENTS };
        let mut components = Vec::new();
        for _ in 0..=self.writer.random.below(3) {
            let component = *self.writer.random.one_of(names);
            if self.writer.random.percent(20) {
                components.push(format!("{}: {component}", self.writer.fresh("c")));
            } else {
                components.push(component.to_owned());
            }
        }
        format!("{key}{name}{directive} {{ {} }}", components.join(" "))
    }

    fn relation(&mut self, ty: TypeId, depth: usize, keys: &mut Keys) -> String {
        let model = self.writer.model;
        let node_type = model.node_type(ty);
        let any = self.writer.random.percent(6);
        let fields: Vec<_> = node_type.relations().filter(|relation| any || self.is_hot(ty, &relation.field)).collect();
        if fields.is_empty() {
            return self.property(ty, keys);
        }
        let relation = *self.writer.random.one_of(&fields);
        let name = &*relation.field;
        let inputs = &model.api().field(&node_type.name, name).expect("published").arguments;
        let values =
            if self.writer.random.percent(50) { self.page(relation.target, inputs) } else { serde_json::Map::new() };
        let arguments = self.writer.arguments(inputs, &values);
        let is_merged = arguments.is_empty() && !keys.is_fresh && self.writer.random.percent(15);
        let directive = self.writer.directive();
        if is_merged && !keys.taken.contains_key(name) {
            keys.taken.insert(name.to_owned(), (name.to_owned(), "nodes".to_owned()));
            let one = self.selection(relation.target, depth - 1);
            let mut fresh = Keys { is_fresh: true, ..Keys::default() };
            let two = self.level(relation.target, depth - 1, &mut fresh);
            return format!("{name}{directive} {one} {name} {two}");
        }
        let key = if keys.taken.contains_key(name) || self.writer.random.percent(40) {
            format!("{}: ", self.writer.fresh("a"))
        } else {
            self.key(name, "nodes", keys)
        };
        let selection = self.selection(relation.target, depth - 1);
        format!("{key}{name}{arguments}{directive} {selection}")
    }

    /// An alias, or nothing where the field's own name can be the key.
    fn key(&mut self, field: &str, ty: &str, keys: &mut Keys) -> String {
        let wanted = (field.to_owned(), ty.to_owned());
        let is_free = keys.taken.get(field).is_none_or(|taken| *taken == wanted && ty != "nodes");
        if keys.is_fresh || !is_free || self.writer.random.percent(15) {
            return format!("{}: ", self.writer.fresh("a"));
        }
        keys.taken.insert(field.to_owned(), wanted);
        String::new()
    }
}

const COMPONENTS: [&str; 11] = [
    "formatted",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
    "timezone",
];
