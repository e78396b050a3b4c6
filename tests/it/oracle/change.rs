//! Random mutations: first what fills a world, then what changes it.

use clef::model::api::MUTATION;
use clef::model::types::Direction;
use clef::model::{NodeAction, RelationAction, TypeId, names};
use serde_json::{Map, Value as Json, json};

use super::generate::Generator;
use super::random::Random;
use super::world::World;

type Object = Map<String, Json>;

/// A relation field among types that have nodes, with keys of the nodes that it may join.
pub(super) struct Link {
    owner: TypeId,
    field: String,
    from: Vec<(String, String)>,
    to: Vec<(String, String)>,
}

/// Every relation field that can join nodes of the world. Interfaces' fields are among them.
pub(super) fn links(world: &World, types: &[TypeId]) -> Vec<Link> {
    let model = &world.model;
    let keys = |ty: TypeId| -> Vec<_> {
        let of = &model.node_type(ty).possible;
        let key_name = model.node_type(ty).key.to_string();
        world.of_types(of).map(|(_, node)| (key_name.clone(), node.key.clone())).collect()
    };
    let mut links = Vec::new();
    for &owner in types {
        for relation in model.node_type(owner).relations() {
            let (from, to) = match relation.direction {
                Direction::Out => (owner, relation.target),
                Direction::In => (relation.target, owner),
            };
            let link = Link { owner, field: relation.field.to_string(), from: keys(from), to: keys(to) };
            if !link.from.is_empty() && !link.to.is_empty() {
                links.push(link);
            }
        }
    }
    links
}

impl Generator<'_> {
    /// `CreateX` of new nodes.
    pub(super) fn create(mut self, nodes: &[(TypeId, String)]) -> (String, Object, Random) {
        let fields: Vec<_> = nodes.iter().map(|(ty, key)| self.node(NodeAction::Create, *ty, key)).collect();
        self.writer.finish("mutation", &fields)
    }

    /// `AddXY` between nodes.
    pub(super) fn add(mut self, links: &[Link], count: usize) -> (String, Object, Random) {
        let fields: Vec<_> = (0..count).map(|_| self.relation_change(RelationAction::Add, links)).collect();
        self.writer.finish("mutation", &fields)
    }

    /// Changes of every kind to nodes with these keys.
    pub(super) fn changes(mut self, nodes: &[(TypeId, String)], links: &[Link], count: usize) -> (String, Object, Random) {
        let mut fields = Vec::new();
        for _ in 0..count {
            let (ty, key) = self.writer.random.one_of(nodes).clone();
            let key = if self.writer.random.percent(10) { self.writer.fresh("new") } else { key };
            let field = match self.writer.random.below(12) {
                0 => self.node(NodeAction::Create, ty, &key),
                1..=3 => self.node(NodeAction::Update, ty, &key),
                4..=5 => self.node(NodeAction::Merge, ty, &key),
                6 => self.node(NodeAction::Delete, ty, &key),
                7..=8 => self.relation_change(RelationAction::Add, links),
                9 => self.relation_change(RelationAction::Remove, links),
                _ => self.relation_change(RelationAction::Merge, links),
            };
            fields.push(field);
        }
        self.writer.finish("mutation", &fields)
    }

    fn node(&mut self, action: NodeAction, ty: TypeId, key: &str) -> String {
        let model = self.writer.model;
        let node_type = model.node_type(ty);
        let name = names::node_mutation(action.as_str(), &node_type.name);
        let inputs = &model.api().field(MUTATION, &name).expect("published").arguments;
        let mut arguments = Object::from_iter([(node_type.key.to_string(), json!(key))]);
        let share = if action == NodeAction::Create { 45 } else { 10 };
        for property in node_type.properties().filter(|property| !property.is_key) {
            let Some(input) = inputs.iter().find(|input| input.name == property.name) else { continue };
            if property.non_null && action != NodeAction::Update || self.writer.random.percent(share) {
                let is_null = !input.ty.is_non_null() && self.writer.random.percent(20);
                let value = self.writer.random.value(model, property);
                arguments.insert(property.name.to_string(), if is_null { Json::Null } else { value });
            }
        }
        let alias = self.writer.fresh("r");
        let arguments = self.writer.arguments(inputs, &arguments);
        let selection = self.selection(ty, 1);
        format!("{alias}: {name}{arguments} {selection}")
    }

    fn relation_change(&mut self, action: RelationAction, links: &[Link]) -> String {
        let link = self.writer.random.one_of(links);
        let owner = self.writer.model.node_type(link.owner);
        let name = names::relation_mutation(action.as_str(), &owner.name, &link.field);
        let random = &mut self.writer.random;
        // Few ends are used much, so that nodes have many relations and some are parallel.
        let mut end = |ends: &[(String, String)]| {
            let few = if random.percent(60) { ends.len().min(5) } else { ends.len() };
            let (key, value) = &ends[random.below(few)];
            format!("{{{key}: {}}}", json!(value))
        };
        let (from, to) = (end(&link.from), end(&link.to));
        let alias = self.writer.fresh("r");
        format!("{alias}: {name}(from: {from}, to: {to}) {{ __typename from {{ __typename }} to {{ __typename }} }}")
    }
}
