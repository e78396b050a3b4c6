//! Statements for documents of nodes: which types have a key, and all values of one node.
//!
//! Values come as JSON arrays in the order of the members of [`DocumentType`](crate::model::documents::DocumentType):
//! dates as they are stored, related nodes as keys. An embedded node is `[type, key, value, …]`.

use std::collections::BTreeSet;

use super::dialect::ASCENDING;
use super::filter;
use super::node::node_columns;
use super::page::Alias;
use crate::model::columns::system;
use crate::model::documents::Embed;
use crate::model::{Field, Model, NodeType, Property, Relation, StorageType, TypeId};
use crate::sql::{Dialect, Sql};

/// Names of the types that have a node of this key, as a JSON array, the oldest node first.
///
/// The index is by type and key: one look for each type.
pub fn types_of(model: &Model, dialect: Dialect, key: &str) -> Sql {
    let node = Alias::node(1);
    let types: Vec<TypeId> = model.objects().map(|(id, _)| id).collect();
    let mut rows = node_columns(node, &BTreeSet::from([system::TYPE.to_owned()]));
    rows.push(" from node ").append(node.sql()).push(" where ").append(filter::has_type(model, node, &types));
    rows.push(" and ").append(node.column(system::KEY)).push(" = ").bind(key);
    rows.push(" order by ").append(node.column(system::ID));
    let mut statement = Sql::new("select ");
    statement.append(dialect.answer(dialect.array(node.column(system::TYPE), rows, node)));
    statement
}

/// The values of a node, as a JSON array of arrays; no row if there is none. The key is its only parameter, the last.
pub fn values(model: &Model, dialect: Dialect, ty: TypeId, key: &str) -> Sql {
    let mut document = Document { model, dialect, next: 1 };
    let node = Alias::node(1);
    let node_type = model.node_type(ty);
    let values: Vec<Sql> = model
        .document(ty)
        .members
        .iter()
        .map(|(name, member)| match node_type.fields.get(name) {
            Some(Field::Property(property)) => document.value(node, property, &mut BTreeSet::new()),
            Some(Field::Relation(relation)) => document.related(relation, node, member.embed.as_ref()),
            None => null(),
        })
        .collect();
    let chunks = values.chunks(dialect.array_values_max()).map(|chunk| dialect.array_of(chunk.iter().cloned()));
    let mut sql = Sql::new("select ");
    sql.append(dialect.answer(dialect.array_of(chunks))).push(" from node ").append(node.sql());
    sql.push(" where ").append(filter::has_type(model, node, &[ty]));
    sql.push(" and ").append(node.column(system::KEY)).push(" = ").bind(key);
    sql
}

struct Document<'a> {
    model: &'a Model,
    dialect: Dialect,
    next: usize,
}

impl Document<'_> {
    fn related(&mut self, relation: &Relation, owner: Alias, embed: Option<&Embed>) -> Sql {
        self.next += 1;
        let dialect = self.dialect;
        let (node, link) = (Alias::node(self.next), Alias::relation(self.next));
        let types = &self.model.node_type(relation.target).possible;
        let mut columns = BTreeSet::from([system::KEY.to_owned()]);
        let mut order = Sql::new(" order by ");
        let element = match embed {
            None => node.column(system::KEY),
            Some(embed) => {
                if let Some(property) = &embed.order_by {
                    order.append(self.member(types, node, property, &mut columns)).push(ASCENDING).push(", ");
                }
                columns.insert(system::TYPE.to_owned());
                let fields = embed.fields.iter().map(|field| self.member(types, node, field, &mut columns));
                let values = [node.column(system::TYPE), node.column(system::KEY)].into_iter().chain(fields);
                dialect.array_of(values.collect::<Vec<_>>())
            }
        };
        let mut rows = node_columns(node, &columns);
        rows.append(filter::related_rows(dialect, self.model, relation, owner, link, node, types));
        rows.append(order).append(link.column("id"));
        if !relation.is_list {
            rows.push(" limit 1");
        }
        dialect.array(element, rows, node)
    }

    /// A field of an embedded node, whichever of its types it has.
    fn member(&mut self, types: &[TypeId], node: Alias, field: &str, columns: &mut BTreeSet<String>) -> Sql {
        let model = self.model;
        let mut shapes: Vec<(&NodeType, Vec<TypeId>)> = Vec::new();
        for &id in types {
            let ty = model.node_type(id);
            if !ty.fields.contains_key(field) {
                continue;
            }
            match shapes.iter_mut().find(|(known, _)| is_stored_alike(known, ty, field)) {
                Some((_, types)) => types.push(id),
                None => shapes.push((ty, vec![id])),
            }
        }
        let is_everywhere = matches!(shapes.as_slice(), [(_, only)] if only.len() == types.len());
        let mut sql = Sql::new("case");
        for (ty, types) in shapes {
            let value = match ty.fields.get(field) {
                Some(Field::Property(property)) => self.value(node, property, columns),
                Some(Field::Relation(relation)) => {
                    let names = Embed { fields: Vec::new(), order_by: None };
                    self.related(relation, node, Some(&names))
                }
                None => null(),
            };
            if is_everywhere {
                return value;
            }
            columns.insert(system::TYPE.to_owned());
            sql.push(" when ").append(filter::has_type(model, node, &types)).push(" then ").append(value);
        }
        sql.push(" end");
        sql
    }

    fn value(&self, node: Alias, property: &Property, columns: &mut BTreeSet<String>) -> Sql {
        let (name, storage) = match property.column.map(|id| self.model.column(id)) {
            Some(column) => (column.name.as_str(), column.storage),
            None if property.is_key => (system::KEY, StorageType::Text),
            None => return null(),
        };
        columns.insert(name.to_owned());
        self.dialect.json_value(node.column(name), storage)
    }
}

fn is_stored_alike(one: &NodeType, other: &NodeType, field: &str) -> bool {
    match (one.fields.get(field), other.fields.get(field)) {
        (Some(Field::Property(one)), Some(Field::Property(other))) => one.column == other.column,
        (Some(Field::Relation(one)), Some(Field::Relation(other))) => {
            (&one.name, one.direction, one.target, one.is_list)
                == (&other.name, other.direction, other.target, other.is_list)
        }
        _ => false,
    }
}

fn null() -> Sql {
    Sql::new("null")
}
