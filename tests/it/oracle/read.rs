//! What a selection on nodes answers: sections 6 to 8 of the contract, and field collection as the GraphQL specification has it.

use std::cell::Cell;

use async_graphql::parser::types::{ExecutableDocument, Field as Selected, Selection, SelectionSet};
use async_graphql_value::Value;
use clef::model::{Field, NodeType, Property, Relation, TypeId};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::world::{NodeId, Stored, World};

type Object = Map<String, Json>;

/// A selection set, and the type that its fields are validated against.
type Typed<'d> = (&'d SelectionSet, TypeId);

/// A null that has to go to the parent.
pub(super) struct Lost;

/// Answers selections of one document.
pub(super) struct Reader<'d> {
    pub(super) world: &'d World,
    pub(super) document: &'d ExecutableDocument,
    pub(super) variables: &'d Object,
    /// Nulls found where none may be.
    pub(super) errors: Cell<usize>,
}

impl<'d> Reader<'d> {
    /// The JSON of a node.
    pub(super) fn node(&self, id: NodeId, sets: &[Typed<'d>]) -> Result<Json, Lost> {
        let ty = self.world.type_of(id);
        let mut object = Object::new();
        for (key, fields) in self.collect(ty, sets) {
            let (first, _) = fields[0];
            let name = first.name.node.as_str();
            let value = match ty.fields.get(name) {
                Some(Field::Property(property)) => self.property(id, property, &fields)?,
                Some(Field::Relation(relation)) => self.relation(id, relation, &fields)?,
                None if name == "__typename" => ty.name.to_string().into(),
                None => panic!("the oracle does not answer `{name}`"),
            };
            object.insert(key.to_owned(), value);
        }
        Ok(object.into())
    }

    fn property(&self, id: NodeId, property: &Property, fields: &[(&'d Selected, TypeId)]) -> Result<Json, Lost> {
        let stored = self.world.node(id).values.get(&*property.name);
        if property.non_null && stored.is_none() {
            return Err(self.lost());
        }
        let value = match stored {
            Some(Stored::Plain(value)) => return Ok(value.clone()),
            None if !property.ty.is_temporal() => return Ok(Json::Null),
            Some(Stored::Temporal(value)) => Some(value),
            None => None,
        };
        let type_name = if property.ty == clef::model::PropertyType::Date { "_Neo4jDate" } else { "_Neo4jDateTime" };
        let mut components = IndexMap::new();
        for (field, _) in fields {
            self.collect_named(type_name, &field.selection_set.node, &mut components);
        }
        let component = |(key, name): (&str, &str)| {
            let component = match value {
                _ if name == "__typename" => type_name.into(),
                Some(value) => value.component(name),
                None => Json::Null,
            };
            (key.to_owned(), component)
        };
        Ok(Json::Object(components.into_iter().map(component).collect()))
    }

    fn relation(&self, id: NodeId, relation: &Relation, fields: &[(&'d Selected, TypeId)]) -> Result<Json, Lost> {
        let model = &self.world.model;
        let target_of = |owner: TypeId| model.node_type(owner).relation(&relation.field).expect("a relation").target;
        let sets: Vec<_> =
            fields.iter().map(|(field, owner)| (&field.selection_set.node, target_of(*owner))).collect();
        let (first, owner) = fields[0];
        let arguments = self.arguments(first);
        let asked = self.narrowed(&sets);
        let mut types = model.node_type(relation.target).possible.clone();
        types.retain(|ty| asked.contains(ty));
        let mut ids = self.world.related(id, relation, &types);
        if let Some(Json::Object(filter)) = arguments.get("filter") {
            ids.retain(|id| self.world.matches(target_of(owner), *id, filter));
        }
        self.sort_and_page(&mut ids, &arguments);
        if !relation.is_list {
            let node = ids.first().map_or(Ok(Json::Null), |id| self.node(*id, &sets).or(Ok(Json::Null)));
            return match node {
                Ok(Json::Null) if relation.non_null => Err(self.lost()),
                other => other,
            };
        }
        let mut nodes = Vec::new();
        for id in ids {
            match self.node(id, &sets) {
                Err(Lost) if relation.item_non_null => return if relation.non_null { Err(Lost) } else { Ok(Json::Null) },
                node => nodes.push(node.unwrap_or(Json::Null)),
            }
        }
        Ok(Json::Array(nodes))
    }

    fn lost(&self) -> Lost {
        self.errors.set(self.errors.get() + 1);
        Lost
    }

    pub(super) fn sort_and_page(&self, ids: &mut Vec<NodeId>, arguments: &Object) {
        if let Some(order) = arguments.get("orderBy").filter(|order| !order.is_null()) {
            let keys: Vec<_> = super::world::items(order).filter_map(Json::as_str).collect();
            ids.sort_by(|one, two| {
                keys.iter().map(|key| self.world.compare(*one, *two, key)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        let whole = |name: &str| arguments.get(name).and_then(Json::as_u64).map(|it| usize::try_from(it).unwrap());
        ids.drain(..whole("offset").unwrap_or(0).min(ids.len()));
        ids.truncate(whole("first").unwrap_or(usize::MAX));
    }

    /// Object types whose nodes selections ask for: section 7, "Fragments narrow the result".
    pub(super) fn narrowed(&self, sets: &[Typed<'d>]) -> Vec<TypeId> {
        let mut named = Vec::new();
        let is_narrow = sets.iter().all(|(set, ty)| self.only_object_fragments(set, *ty, &mut named));
        if is_narrow && !named.is_empty() {
            return named;
        }
        sets.iter().flat_map(|(_, ty)| self.world.model.node_type(*ty).possible.clone()).collect()
    }

    fn only_object_fragments(&self, set: &SelectionSet, ty: TypeId, named: &mut Vec<TypeId>) -> bool {
        let model = &self.world.model;
        if !model.node_type(ty).is_interface {
            return false;
        }
        set.items.iter().filter(|item| self.is_included(&item.node)).all(|item| {
            let (condition, inner) = match self.fragment(&item.node) {
                Ok(fragment) => fragment,
                Err(field) => return field.name.node == "__typename",
            };
            let condition = condition.map_or(ty, |name| model.type_named(name).expect("a node type"));
            if condition == ty {
                return self.only_object_fragments(inner, ty, named);
            }
            named.push(condition);
            !model.node_type(condition).is_interface
        })
    }

    /// Type condition and selection set of a fragment, or the field that is none.
    fn fragment(&self, item: &'d Selection) -> Result<(Option<&'d str>, &'d SelectionSet), &'d Selected> {
        match item {
            Selection::Field(field) => Err(&field.node),
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                Ok((condition, &inline.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                Ok((Some(fragment.type_condition.node.on.node.as_str()), &fragment.selection_set.node))
            }
        }
    }

    /// `CollectFields` for a node of an object type.
    fn collect(&self, object: &NodeType, sets: &[Typed<'d>]) -> IndexMap<&'d str, Vec<(&'d Selected, TypeId)>> {
        let mut collected = IndexMap::new();
        for (set, ty) in sets {
            self.collect_into(object, set, *ty, &mut collected);
        }
        collected
    }

    fn collect_into(
        &self,
        object: &NodeType,
        set: &'d SelectionSet,
        ty: TypeId,
        collected: &mut IndexMap<&'d str, Vec<(&'d Selected, TypeId)>>,
    ) {
        let model = &self.world.model;
        for item in set.items.iter().filter(|item| self.is_included(&item.node)) {
            match self.fragment(&item.node) {
                Err(field) => collected.entry(field.response_key().node.as_str()).or_default().push((field, ty)),
                Ok((None, inner)) => self.collect_into(object, inner, ty, collected),
                Ok((Some(name), inner)) => {
                    let condition = model.type_named(name).expect("a node type");
                    if *object.name == *name || object.implements.contains(&condition) {
                        self.collect_into(object, inner, condition, collected);
                    }
                }
            }
        }
    }

    /// Response keys and names of the fields of an object that is no node.
    pub(super) fn collect_named(&self, ty: &str, set: &'d SelectionSet, found: &mut IndexMap<&'d str, &'d str>) {
        for item in set.items.iter().filter(|item| self.is_included(&item.node)) {
            match self.fragment(&item.node) {
                Err(field) => {
                    found.entry(field.response_key().node.as_str()).or_insert(field.name.node.as_str());
                }
                Ok((condition, inner)) => {
                    assert!(condition.is_none_or(|name| name == ty), "validated");
                    self.collect_named(ty, inner, found);
                }
            }
        }
    }

    pub(super) fn is_included(&self, item: &Selection) -> bool {
        item.directives().iter().all(|directive| {
            let condition = directive.node.get_argument("if").and_then(|value| self.value(&value.node));
            match directive.node.name.node.as_str() {
                "skip" => condition != Some(Json::Bool(true)),
                "include" => condition == Some(Json::Bool(true)),
                other => panic!("`@{other}` is no directive of a selection"),
            }
        })
    }

    /// Arguments that are given; one whose variable is absent is not.
    pub(super) fn arguments(&self, field: &Selected) -> Object {
        let given = field.arguments.iter();
        given.filter_map(|(name, value)| Some((name.node.to_string(), self.value(&value.node)?))).collect()
    }

    /// A value with its variables filled in; enum values are text.
    fn value(&self, value: &Value) -> Option<Json> {
        Some(match value {
            Value::Variable(name) => self.variables.get(name.as_str())?.clone(),
            Value::Enum(name) => name.to_string().into(),
            Value::List(items) => items.iter().map(|item| self.value(item).unwrap_or(Json::Null)).collect(),
            Value::Object(fields) => {
                let given = fields.iter().filter_map(|(name, value)| Some((name.to_string(), self.value(value)?)));
                Json::Object(given.collect())
            }
            plain => plain.clone().into_const().expect("no variables").into_json().expect("JSON"),
        })
    }
}
