//! Root fields: queries of sections 4 and 13, mutations of sections 9 to 11 of the contract.

use std::cell::Cell;

use async_graphql::parser::types::{ExecutableDocument, Field as Selected, OperationType, Selection};
use clef::model::types::Direction;
use clef::model::{MutationKind, NodeAction, QueryField, RelationAction, TypeId};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::read::Reader;
use super::temporal::Temporal;
use super::world::{Node, NodeId, Stored, World, items};

type Object = Map<String, Json>;

/// What a document is answered with.
pub(super) struct Answer {
    pub(super) data: Json,
    /// Number of errors.
    pub(super) errors: usize,
}

impl World {
    /// Runs a document of one operation; its root fields are distinct and not in fragments.
    pub(super) fn execute(&mut self, document: &ExecutableDocument, variables: &Object, now: &str) -> Answer {
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let mut answer = Answer { data: Json::Null, errors: 0 };
        let mut data = Object::new();
        let mut given = variables.clone();
        for definition in &operation.node.variable_definitions {
            let default = definition.node.default_value.as_ref().map(|value| value.node.clone().into_json().unwrap());
            if let Some(default) = default {
                given.entry(definition.node.name.node.as_str()).or_insert(default);
            }
        }
        for item in &operation.node.selection_set.node.items {
            let Selection::Field(field) = &item.node else { panic!("fragments at the root are not the oracle's") };
            let mut call = Call { world: self, document, variables: &given, field: &field.node, errors: 0 };
            if !call.reader(Cell::new(0)).is_included(&item.node) {
                continue;
            }
            let value = match operation.node.ty {
                OperationType::Query => call.query(),
                _ => call.mutation(now),
            };
            answer.errors += call.errors;
            data.insert(field.node.response_key().node.to_string(), value);
        }
        answer.data = data.into();
        answer
    }
}

/// A root field on its way.
struct Call<'c> {
    world: &'c mut World,
    document: &'c ExecutableDocument,
    variables: &'c Object,
    field: &'c Selected,
    errors: usize,
}

impl<'c> Call<'c> {
    fn reader(&self, errors: Cell<usize>) -> Reader<'_> {
        Reader { world: self.world, document: self.document, variables: self.variables, errors }
    }

    fn arguments(&self) -> Object {
        self.reader(Cell::new(0)).arguments(self.field)
    }

    fn query(&mut self) -> Json {
        let name = self.field.name.node.as_str();
        if name == "__typename" {
            return "Query".into();
        }
        let reader = self.reader(Cell::new(0));
        let arguments = reader.arguments(self.field);
        let model = &self.world.model;
        let (ty, matched) = match &model.queries()[name] {
            QueryField::Nodes(ty) => (*ty, None),
            QueryField::Matches { ty, property, operator, argument } => {
                (*ty, Some((property.clone(), operator.clone(), arguments[&**argument].clone())))
            }
            QueryField::Search(_) | QueryField::Resolver(_) => panic!("`{name}` is not the oracle's"),
        };
        let node_type = model.node_type(ty);
        let sets = [(&self.field.selection_set.node, ty)];
        let types = reader.narrowed(&sets);
        let is_match = |id: NodeId| {
            let by_arguments = arguments.iter().all(|(name, value)| match node_type.property(name) {
                Some(property) if matched.is_none() => self.world.property(id, property, "", value),
                _ => true,
            });
            let by_filter = arguments.get("filter").and_then(Json::as_object);
            by_arguments
                && by_filter.is_none_or(|filter| self.world.matches(ty, id, filter))
                && matched.as_ref().is_none_or(|(property, operator, operand)| {
                    self.world.property(id, node_type.property(property).expect("a property"), operator, operand)
                })
        };
        let mut ids: Vec<_> = self.world.of_types(&types).map(|(id, _)| id).filter(|id| is_match(*id)).collect();
        reader.sort_and_page(&mut ids, &arguments);
        let nodes = ids.into_iter().map(|id| reader.node(id, &sets).unwrap_or(Json::Null)).collect();
        self.errors = reader.errors.get();
        nodes
    }

    fn mutation(&mut self, now: &str) -> Json {
        let arguments = self.arguments();
        let model = self.world.model.clone();
        match &model.mutations()[self.field.name.node.as_str()].kind {
            MutationKind::Node { action, ty } => self.change_node(*action, *ty, &arguments, now),
            MutationKind::Relation { action, owner, field } => self.change_relation(*action, *owner, field, &arguments),
            MutationKind::Resolver(name) => panic!("`{name}` is not the oracle's"),
        }
    }

    fn change_node(&mut self, action: NodeAction, ty: TypeId, arguments: &Object, now: &str) -> Json {
        let model = self.world.model.clone();
        let node_type = model.node_type(ty);
        let key = arguments[&*node_type.key].as_str().expect("the oracle makes no keys").to_owned();
        let found = self.world.by_key(&[ty], &key).first().copied();
        let is_new = match action {
            NodeAction::Create if found.is_some() => return self.failed(),
            NodeAction::Update | NodeAction::Delete if found.is_none() => return Json::Null,
            NodeAction::Delete => {
                let id = found.expect("looked up");
                let answer = self.node(id, ty);
                self.world.delete(id);
                return answer;
            }
            _ => found.is_none(),
        };
        // What the server computes or sets by itself is not the client's (B15, section 11).
        let own = node_type.properties().filter(|it| !it.is_key && it.timestamp.is_none() && it.column.is_some());
        let own: Vec<_> = own.collect();
        let is_lacking = own.iter().any(|property| {
            let given = arguments.get(&*property.name);
            property.non_null && given.map_or(is_new, Json::is_null)
        });
        if is_lacking {
            return self.failed();
        }
        let id = found.unwrap_or_else(|| {
            let values = [(node_type.key.to_string(), Stored::Plain(key.as_str().into()))].into_iter().collect();
            self.world.insert(Node { ty, key, values })
        });
        for property in own {
            let Some(argument) = arguments.get(&*property.name) else { continue };
            match Stored::from_argument(property, argument) {
                Some(value) => self.world.values(id).insert(property.name.to_string(), value),
                None => self.world.values(id).remove(&*property.name),
            };
        }
        for property in node_type.properties() {
            let Some(timestamp) = property.timestamp else { continue };
            if if is_new { timestamp.on_create } else { timestamp.on_update } {
                let now = Stored::Temporal(Temporal::parse(now, false));
                self.world.values(id).insert(property.name.to_string(), now);
            }
        }
        self.node(id, ty)
    }

    fn change_relation(&mut self, action: RelationAction, owner: TypeId, field: &str, arguments: &Object) -> Json {
        let model = self.world.model.clone();
        let relation = model.node_type(owner).relation(field).expect("a relation");
        let (from, to) = match relation.direction {
            Direction::Out => (owner, relation.target),
            Direction::In => (relation.target, owner),
        };
        let ends = |end: &str, ty: TypeId| {
            let ty = model.node_type(ty);
            self.world.by_key(&ty.possible, arguments[end][&*ty.key].as_str().expect("a key"))
        };
        let (sources, targets) = (ends("from", from), ends("to", to));
        let (Some(&source), Some(&target)) = (sources.first(), targets.first()) else { return Json::Null };
        for &source in &sources {
            for &target in &targets {
                match action {
                    RelationAction::Merge if self.world.has(&relation.name, source, target) => {}
                    RelationAction::Add | RelationAction::Merge => self.world.add(&relation.name, source, target),
                    RelationAction::Remove => self.world.remove(&relation.name, source, target),
                }
            }
        }
        let payload = format!("_{}Payload", self.field.name.node);
        let mut members = IndexMap::new();
        let reader = self.reader(Cell::new(0));
        reader.collect_named(&payload, &self.field.selection_set.node, &mut members);
        let mut object = Object::new();
        for (key, name) in members {
            let (id, ty) = if name == "from" { (source, from) } else { (target, to) };
            let value = if name == "__typename" {
                payload.as_str().into()
            } else {
                reader.node(id, &self.sets(key, ty)).unwrap_or(Json::Null)
            };
            object.insert(key.to_owned(), value);
        }
        self.errors = reader.errors.get();
        object.into()
    }

    /// Selections below a key of a payload; payloads of random documents have no fragments.
    fn sets(&self, key: &str, ty: TypeId) -> Vec<(&'c async_graphql::parser::types::SelectionSet, TypeId)> {
        let fields = self.field.selection_set.node.items.iter().map(|item| match &item.node {
            Selection::Field(field) => &field.node,
            _ => panic!("fragments in payloads are not the oracle's"),
        });
        fields.filter(|field| field.response_key().node == key).map(|field| (&field.selection_set.node, ty)).collect()
    }

    fn node(&mut self, id: NodeId, ty: TypeId) -> Json {
        let reader = self.reader(Cell::new(0));
        let node = reader.node(id, &[(&self.field.selection_set.node, ty)]).unwrap_or(Json::Null);
        self.errors = reader.errors.get();
        node
    }

    fn failed(&mut self) -> Json {
        self.errors += 1;
        Json::Null
    }
}

/// Whether two answers are the same: keys in the same order, numbers by value.
pub(super) fn is_same(one: &Json, two: &Json) -> bool {
    match (one, two) {
        (Json::Object(one), Json::Object(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.0 == two.0 && is_same(one.1, two.1))
        }
        (Json::Array(one), Json::Array(two)) => {
            one.len() == two.len() && items(&Json::Array(one.clone())).zip(two).all(|(one, two)| is_same(one, two))
        }
        (Json::Number(one), Json::Number(two)) => one.as_f64() == two.as_f64(),
        _ => one == two,
    }
}
