//! Nodes and relations in memory, as section 3 of the contract describes them.

use std::collections::HashMap;
use std::sync::Arc;

use clef::model::types::Direction;
use clef::model::{Model, NodeType, Property, PropertyType, Relation, TypeId};
use serde_json::Value as Json;

use super::temporal::Temporal;

/// A value of a property; an absent one is not stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    /// Text, number, boolean, list or custom value.
    Plain(Json),
    /// A date or a time.
    Temporal(Temporal),
}

/// A node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) ty: TypeId,
    pub(super) key: String,
    pub(super) values: HashMap<String, Stored>,
}

/// Position of a node in order of creation.
pub(super) type NodeId = usize;

/// The data behind an API.
#[derive(Debug)]
pub(super) struct World {
    pub(super) model: Arc<Model>,
    nodes: Vec<Option<Node>>,
    /// Stored name, source and target, in order of creation.
    relations: Vec<(String, NodeId, NodeId)>,
    ends: HashMap<(String, NodeId, bool), Vec<NodeId>>,
}

impl World {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self { model, nodes: Vec::new(), relations: Vec::new(), ends: HashMap::new() }
    }

    /// Nodes of these types in order of creation.
    pub(super) fn of_types<'a>(&'a self, types: &'a [TypeId]) -> impl Iterator<Item = (NodeId, &'a Node)> {
        let present = self.nodes.iter().enumerate().filter_map(|(id, node)| Some((id, node.as_ref()?)));
        present.filter(|(_, node)| types.contains(&node.ty))
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes[id].as_ref().expect("the node was deleted")
    }

    pub(super) fn type_of(&self, id: NodeId) -> &NodeType {
        self.model.node_type(self.node(id).ty)
    }

    pub(super) fn by_key(&self, types: &[TypeId], key: &str) -> Vec<NodeId> {
        self.of_types(types).filter(|(_, node)| node.key == key).map(|(id, _)| id).collect()
    }

    pub(super) fn insert(&mut self, node: Node) -> NodeId {
        self.nodes.push(Some(node));
        self.nodes.len() - 1
    }

    pub(super) fn values(&mut self, id: NodeId) -> &mut HashMap<String, Stored> {
        &mut self.nodes[id].as_mut().expect("the node was deleted").values
    }

    /// The node goes, and every relation to or from it.
    pub(super) fn delete(&mut self, id: NodeId) {
        self.nodes[id] = None;
        self.retain(|(_, source, target)| *source != id && *target != id);
    }

    /// Nodes of these types at the other end, once for each relation, in order of the relations' creation.
    pub(super) fn related(&self, owner: NodeId, relation: &Relation, types: &[TypeId]) -> Vec<NodeId> {
        let key = (relation.name.to_string(), owner, relation.direction == Direction::Out);
        let ends = self.ends.get(&key).map_or(&[][..], Vec::as_slice);
        ends.iter().copied().filter(|id| types.contains(&self.node(*id).ty)).collect()
    }

    pub(super) fn add(&mut self, name: &str, source: NodeId, target: NodeId) {
        self.relations.push((name.to_owned(), source, target));
        self.index(name, source, target);
    }

    pub(super) fn has(&self, name: &str, source: NodeId, target: NodeId) -> bool {
        self.ends.get(&(name.to_owned(), source, true)).is_some_and(|ends| ends.contains(&target))
    }

    pub(super) fn remove(&mut self, name: &str, source: NodeId, target: NodeId) {
        self.retain(|relation| (relation.0.as_str(), relation.1, relation.2) != (name, source, target));
    }

    fn retain(&mut self, keep: impl Fn(&(String, NodeId, NodeId)) -> bool) {
        self.relations.retain(keep);
        self.ends.clear();
        for (name, source, target) in self.relations.clone() {
            self.index(&name, source, target);
        }
    }

    fn index(&mut self, name: &str, source: NodeId, target: NodeId) {
        self.ends.entry((name.to_owned(), source, true)).or_default().push(target);
        self.ends.entry((name.to_owned(), target, false)).or_default().push(source);
    }
}

impl Stored {
    /// The value that an argument of a mutation gives; `None` for null.
    pub(super) fn from_argument(property: &Property, argument: &Json) -> Option<Self> {
        match argument {
            Json::Null => None,
            Json::Object(input) if property.ty.is_temporal() => {
                Some(Self::Temporal(Temporal::from_input(input, property.ty == PropertyType::Date)))
            }
            value if property.is_list => Some(Self::Plain(Json::Array(items(value).cloned().collect()))),
            value => Some(Self::Plain(value.clone())),
        }
    }
}

/// Items of a list; a single value is a list of one.
pub(super) fn items(value: &Json) -> impl Iterator<Item = &Json> {
    match value {
        Json::Array(items) => items.iter(),
        single => std::slice::from_ref(single).iter(),
    }
}
