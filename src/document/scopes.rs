//! Which scopes a document needs where queries are not public: those of the query for all its fields.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::model::{Model, TypeId};

/// The type's own first, then those of related nodes, whose identifiers are told.
pub(super) fn needed_scopes(model: &Model, ty: TypeId) -> IndexSet<&Arc<str>> {
    let mut scopes: IndexSet<_> = model.read_scope(ty).into_iter().collect();
    for (name, member) in &model.document(ty).members {
        let Some(relation) = model.node_type(ty).relation(name) else { continue };
        scopes.extend(model.read_scope(relation.target));
        let Some(embed) = &member.embed else { continue };
        for id in &model.node_type(relation.target).possible {
            let below = embed.fields.iter().filter_map(|field| model.node_type(*id).relation(field));
            let below: Vec<_> = below.collect();
            if !below.is_empty() {
                scopes.extend(model.read_scope(*id));
            }
            scopes.extend(below.into_iter().filter_map(|relation| model.read_scope(relation.target)));
        }
    }
    scopes
}
