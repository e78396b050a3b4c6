//! Members that a selection asks of nodes, and which types of nodes have the same.

use async_graphql::parser::types::Field as Selected;
use async_graphql::{Name, Positioned};

use super::Error;
use super::selection::Collected;
use crate::model::{Field, NodeType, Property, Relation, TypeId};

/// The same members of nodes of some types.
pub(super) type Shape<'a> = (Vec<Member<'a>>, Vec<TypeId>);

/// A member of a node's object.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub(super) key: &'a Name,
    pub(super) fields: Vec<&'a Positioned<Selected>>,
    pub(super) value: MemberValue<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum MemberValue<'a> {
    TypeName,
    Number,
    Property(&'a Property),
    Relation(&'a Relation),
}

pub(super) fn members<'a>(node_type: &'a NodeType, collected: &Collected<'a>) -> Result<Vec<Member<'a>>, Error> {
    let mut members = Vec::with_capacity(collected.len());
    for (key, fields) in collected {
        let name = fields.first().map_or("", |field| field.node.name.node.as_str());
        let value = match (name, node_type.fields.get(name)) {
            (_, Some(Field::Property(property))) => MemberValue::Property(property),
            (_, Some(Field::Relation(relation))) => MemberValue::Relation(relation),
            ("__typename", None) => MemberValue::TypeName,
            ("_id", None) => MemberValue::Number,
            _ => return Err(Error::BadInput(format!("`{}` has no field `{name}`", node_type.name))),
        };
        members.push(Member { key, fields: fields.clone(), value });
    }
    Ok(members)
}

pub(super) fn is_same_shape(one: &[Member<'_>], other: &[Member<'_>]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| {
            let is_same_value = match (one.value, other.value) {
                (MemberValue::TypeName, MemberValue::TypeName) | (MemberValue::Number, MemberValue::Number) => true,
                (MemberValue::Property(one), MemberValue::Property(other)) => {
                    (one.column, one.is_key, one.non_null, &one.ty)
                        == (other.column, other.is_key, other.non_null, &other.ty)
                        && (one.column.is_some() || one.is_key || one.name == other.name)
                }
                (MemberValue::Relation(one), MemberValue::Relation(other)) => {
                    (&one.name, one.direction, one.target, one.is_list, one.non_null)
                        == (&other.name, other.direction, other.target, other.is_list, other.non_null)
                }
                _ => false,
            };
            is_same_value
                && one.key == other.key
                && one
                    .fields
                    .iter()
                    .map(|field| std::ptr::from_ref(*field))
                    .eq(other.fields.iter().map(|field| std::ptr::from_ref(*field)))
        })
}

/// Properties that may not be null although storage cannot promise it, by response key.
pub(super) fn required<'a>(members: &[Member<'a>]) -> Vec<(&'a Name, &'a Property)> {
    let required = members.iter().filter_map(|member| match member.value {
        MemberValue::Property(property) if property.non_null && !property.is_key => Some((member.key, property)),
        _ => None,
    });
    required.collect()
}
