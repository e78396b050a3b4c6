//! Random queries. Fields, operators and arguments come from the model and its published schema; a map of what holds data only makes
//! the ones that have something to find more frequent.

use std::collections::{BTreeSet, HashMap};

use clef::model::api::{ApiInput, ApiKind, ApiTypeRef, QUERY};
use clef::model::{Field, Property, PropertyType, QueryField, TypeId};
use serde_json::{Map, Value as Json};

use super::filter::split;
use super::random::Random;
use super::values::Construct;
use super::world::{Stored, World};
use super::writer::Writer;

type Object = Map<String, Json>;

/// Where a world holds data.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// Types, interfaces among them, that have nodes.
    pub(super) types: Vec<TypeId>,
    relations: BTreeSet<(TypeId, String)>,
    values: HashMap<String, Vec<Stored>>,
}

impl Sample {
    pub(super) fn new(world: &World) -> Self {
        let mut sample = Self::default();
        let model = &world.model;
        let all: Vec<_> = model.objects().map(|(id, _)| id).collect();
        for (id, node) in world.of_types(&all) {
            for (name, value) in &node.values {
                sample.values.entry(name.clone()).or_default().push(value.clone());
            }
            let ty = model.node_type(node.ty);
            for owner in ty.implements.iter().chain([&node.ty]) {
                if !sample.types.contains(owner) {
                    sample.types.push(*owner);
                }
            }
            for relation in ty.relations() {
                if !world.related(id, relation, &all).is_empty() {
                    let owners = ty.implements.iter().chain([&node.ty]);
                    sample.relations.extend(owners.map(|owner| (*owner, relation.field.to_string())));
                }
            }
        }
        sample.types.sort();
        sample.values.values_mut().for_each(Vec::dedup);
        sample
    }
}

/// Writes random documents.
pub(super) struct Generator<'m> {
    pub(super) writer: Writer<'m>,
    pub(super) sample: &'m Sample,
}

impl<'m> Generator<'m> {
    pub(super) fn new(world: &'m World, sample: &'m Sample, random: Random) -> Self {
        Self { writer: Writer::new(&world.model, random), sample }
    }

    /// A query with this many root fields.
    pub(super) fn query(mut self, roots: usize) -> (String, Object, Random) {
        let fields: Vec<_> = (0..roots).map(|_| self.root()).collect();
        self.writer.finish("query", &fields)
    }

    fn root(&mut self) -> String {
        let model = self.writer.model;
        let matches = || {
            model.queries().iter().filter_map(|(name, query)| match query {
                QueryField::Matches { ty, argument, .. } => Some((name, *ty, argument)),
                _ => None,
            })
        };
        let own = |ty: TypeId| {
            model.queries().iter().find_map(|(name, query)| match query {
                QueryField::Nodes(id) if *id == ty => Some((name, ty, None)),
                _ => None,
            })
        };
        let (name, ty, argument) = if self.writer.random.percent(3) {
            let (name, ty, argument) = matches().next().expect("a declared query");
            (name, ty, Some(argument))
        } else {
            let types = &self.sample.types;
            own(*self.writer.random.one_of(types)).expect("each type has a query")
        };
        let inputs = &model.api().field(QUERY, name).expect("published").arguments;
        let mut arguments = self.page(ty, inputs);
        if let Some(argument) = argument {
            let text = self.stored_text("name", "contains");
            arguments.insert(argument.to_string(), text.into());
        } else {
            let properties: Vec<_> =
                model.node_type(ty).properties().filter(|it| it.is_key || it.column.is_some()).collect();
            for _ in 0..*self.writer.random.one_of(&[0, 0, 0, 0, 1, 1, 2]) {
                let property = *self.writer.random.one_of(&properties);
                let value = self.operand(property, "", &inputs.iter().find(|it| it.name == property.name).unwrap().ty);
                arguments.insert(property.name.to_string(), value);
            }
        }
        let (alias, directive) = (self.writer.fresh("r"), self.writer.directive());
        let arguments = self.writer.arguments(inputs, &arguments);
        let depth = *self.writer.random.one_of(&[0, 0, 0, 1, 1, 1, 1, 2, 2, 4]);
        let selection = self.selection(ty, depth);
        format!("{alias}: {name}{arguments}{directive} {selection}")
    }

    /// `filter`, `orderBy`, `first` and `offset`, as far as the field has them.
    pub(super) fn page(&mut self, target: TypeId, inputs: &[ApiInput]) -> Object {
        let mut arguments = Object::new();
        for input in inputs {
            let percent = match &*input.name {
                "filter" => 45,
                "orderBy" => 40,
                "first" | "offset" => 20,
                _ => 0,
            };
            if !self.writer.random.percent(percent) {
                continue;
            }
            let random = &mut self.writer.random;
            let value = match &*input.name {
                _ if random.percent(2) => Json::Null,
                "filter" => {
                    let depth = *random.one_of(&[0, 1, 1, 2, 3]);
                    self.filter(target, depth).into()
                }
                "orderBy" => self.order(input),
                "first" => (*random.one_of(&[0, 1, 2, 3, 5, 20, -1])).into(),
                _ => (*random.one_of(&[0, 1, 2, 5, -1])).into(),
            };
            arguments.insert(input.name.to_string(), value);
        }
        arguments
    }

    fn order(&mut self, input: &ApiInput) -> Json {
        let Some(ApiKind::Enum(values)) = self.writer.model.api().get(input.ty.name()).map(|ty| &ty.kind) else {
            panic!("an order is an enum")
        };
        let count = *self.writer.random.one_of(&[0, 1, 1, 1, 2, 2, 3]);
        (0..count).map(|_| Json::from(&*self.writer.random.one_of(values).name)).collect()
    }

    /// A filter of a type with relations nested up to `depth` levels.
    pub(super) fn filter(&mut self, ty: TypeId, depth: usize) -> Object {
        let model = self.writer.model;
        let node_type = model.node_type(ty);
        let name = clef::model::names::filter(&node_type.name);
        let Some(ApiKind::Input(keys)) = model.api().get(&name).map(|ty| &ty.kind) else { panic!("a filter") };
        let mut filter = Object::new();
        for _ in 0..*self.writer.random.one_of(&[0, 1, 1, 1, 1, 1, 1, 2, 3]) {
            let (wants_relation, any) = (self.writer.random.percent(45), self.writer.random.percent(5));
            if depth > 0 && self.writer.random.percent(12) {
                let key = *self.writer.random.one_of(&["AND", "OR"]);
                filter.insert(key.to_owned(), self.filters(ty, depth - 1));
                continue;
            }
            let candidates: Vec<_> = keys
                .values()
                .map(|input| (&input.name, input))
                .filter(|(key, _)| !matches!(&***key, "AND" | "OR"))
                .filter(|(key, _)| match split(node_type, key).0 {
                    Field::Property(_) => !wants_relation || depth == 0,
                    Field::Relation(relation) => {
                        let is_hot = self.sample.relations.contains(&(ty, relation.field.to_string()));
                        wants_relation && depth > 0 && (is_hot || any)
                    }
                })
                .collect();
            if candidates.is_empty() {
                continue;
            }
            let (key, input) = *self.writer.random.one_of(&candidates);
            let value = match split(node_type, key) {
                (Field::Property(property), operator) => self.operand(property, operator, &input.ty),
                (Field::Relation(relation), _) => {
                    if self.writer.random.percent(7) {
                        Json::Null
                    } else if matches!(input.ty.nullable(), ApiTypeRef::List(_)) {
                        self.filters(relation.target, depth - 1)
                    } else {
                        self.filter(relation.target, depth - 1).into()
                    }
                }
            };
            filter.insert(key.to_string(), value);
        }
        filter
    }

    fn filters(&mut self, ty: TypeId, depth: usize) -> Json {
        if self.writer.random.percent(3) {
            return Json::Null;
        }
        let count = *self.writer.random.one_of(&[0, 1, 1, 1, 2, 2, 3]);
        (0..count).map(|_| Json::Object(self.filter(ty, depth))).collect()
    }

    /// What a property is compared with.
    fn operand(&mut self, property: &Property, operator: &str, ty: &ApiTypeRef) -> Json {
        if self.writer.random.percent(7) {
            return Json::Null;
        }
        if matches!(ty.nullable(), ApiTypeRef::List(_)) {
            let count = *self.writer.random.one_of(&[0, 1, 1, 2, 3]);
            return (0..count).map(|_| self.single(property, operator, ty.name())).collect();
        }
        self.single(property, operator, ty.name())
    }

    fn single(&mut self, property: &Property, operator: &str, ty: &str) -> Json {
        let random = &mut self.writer.random;
        if property.ty.is_temporal() {
            let is_date = property.ty == PropertyType::Date;
            let is_compared = matches!(operator, "lt" | "lte" | "gt" | "gte");
            if !is_compared && random.percent(12) {
                return Object::new().into();
            }
            let construct = if is_compared { Construct::Yes } else { Construct::No };
            let stored = self.sample.values.get(&*property.name).filter(|_| random.percent(70));
            return match stored.map(|values| random.one_of(values)) {
                Some(Stored::Temporal(value)) if value.time.is_none() == is_date => {
                    random.input_of(value, is_date, construct)
                }
                _ => random.temporal_input(is_date, construct),
            };
        }
        if operator == "regexp" {
            return random.pattern();
        }
        if random.percent(25) {
            return random.operand(ty, self.writer.model);
        }
        if matches!(ty, "String" | "ID") {
            if random.percent(8) {
                return "".into();
            }
            return self.stored_text(&property.name, operator).into();
        }
        let found = self.sample.values.get(&*property.name).map(|values| random.one_of(values).clone());
        let is_fit = |value: &Json| match ty {
            "Int" => value.is_i64(),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            _ => false,
        };
        match found {
            Some(Stored::Plain(value)) if is_fit(&value) => value,
            _ => random.operand(ty, self.writer.model),
        }
    }

    /// A stored text of that property, or the part of it that an operator asks for.
    fn stored_text(&mut self, property: &str, operator: &str) -> String {
        let random = &mut self.writer.random;
        let found = self.sample.values.get(property).map(|values| random.one_of(values));
        let text = match found {
            Some(Stored::Plain(Json::String(text))) => text.as_str(),
            Some(Stored::Plain(Json::Array(items))) if !items.is_empty() => {
                random.one_of(items).as_str().unwrap_or_default()
            }
            _ => "a",
        };
        random.part_of(text, operator)
    }

    pub(super) fn is_hot(&self, owner: TypeId, field: &str) -> bool {
        self.sample.relations.contains(&(owner, field.to_owned()))
    }
}
