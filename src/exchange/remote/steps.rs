//! What is read in which order: the nodes of each type, then the relations of each type, each relation from one of its ends alone.

use std::collections::{BTreeMap, BTreeSet};

use super::introspection::{Field, Server, Type};
use crate::exchange::Told;
use crate::model::types::Direction;
use crate::model::{Model, NodeType, Property, Relation};

/// Fields of relations that are asked for at once.
const RELATIONS_AT_ONCE: usize = 12;
/// Members of a date, the first of which says everything.
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

/// What one kind of page has.
#[derive(Debug)]
pub(super) enum Step<'m> {
    Nodes(Nodes<'m>),
    Relations(Relations<'m>),
}

/// Nodes of an object type.
#[derive(Debug)]
pub(super) struct Nodes<'m> {
    pub(super) paging: Paging<'m>,
    /// With the members that are asked for, of a date that is an object.
    pub(super) properties: Vec<(&'m Property, Vec<&'static str>)>,
}

/// Relations of the nodes of an object type.
#[derive(Debug)]
pub(super) struct Relations<'m> {
    pub(super) paging: Paging<'m>,
    pub(super) readers: Vec<Reader<'m>>,
}

/// A field that relations are read by.
#[derive(Debug)]
pub(super) struct Reader<'m> {
    pub(super) relation: &'m Relation,
    /// The key of the nodes that it shows.
    pub(super) key: &'m str,
    /// Of the nodes that it shows, those whose relations are read by it and by no other field.
    pub(super) others: BTreeSet<&'m str>,
    /// Whether the list can be had in parts, and in the order of keys.
    pub(super) is_paged: bool,
}

/// How nodes of a type are paged.
#[derive(Debug)]
pub(super) struct Paging<'m> {
    pub(super) ty: &'m NodeType,
    /// Whether they come in the order of their keys.
    pub(super) is_ordered: bool,
    /// Whether those after a key can be asked for.
    pub(super) has_after: bool,
}

impl<'m> Step<'m> {
    pub(super) fn paging(&self) -> &Paging<'m> {
        match self {
            Self::Nodes(nodes) => &nodes.paging,
            Self::Relations(relations) => &relations.paging,
        }
    }

    /// Names of the fields that are asked for, but for the key.
    pub(super) fn fields(&self) -> Box<dyn Iterator<Item = &'m str> + '_> {
        match self {
            Self::Nodes(nodes) => Box::new(nodes.properties.iter().map(|(property, _)| &*property.name)),
            Self::Relations(relations) => Box::new(relations.readers.iter().map(|reader| &*reader.relation.field)),
        }
    }
}

/// What the model has and the server shows. What is missing is told.
pub(super) fn plan<'m>(model: &'m Model, server: &Server, told: &mut impl FnMut(Told<'_>)) -> Vec<Step<'m>> {
    let mut steps = Vec::new();
    let mut missing = BTreeSet::new();
    for (_, ty) in model.objects() {
        let Some(shown) = server.types.get(&*ty.name) else {
            told(Told::Note(&format!("the server has no `{}`: left out", ty.name)));
            continue;
        };
        if !shown.fields.contains_key(&*ty.key) {
            told(Told::Note(&format!("`{}` of the server has no `{}`: left out", ty.name, ty.key)));
            continue;
        }
        let mut properties = Vec::new();
        for property in ty.properties().filter(|property| property.column.is_some() && !property.is_key) {
            match shown.fields.get(&*property.name).and_then(|field| selected(server, property, field)) {
                Some(members) => properties.push((property, members)),
                None => {
                    missing.insert(format!("{}.{}", ty.name, property.name));
                }
            }
        }
        steps.push(Step::Nodes(Nodes { paging: paging(ty, shown, server), properties }));
    }
    for (ty, mut readers) in readers(model, server, &mut missing) {
        let Some(shown) = server.types.get(&*ty.name) else { continue };
        while !readers.is_empty() {
            let rest = readers.split_off(readers.len().min(RELATIONS_AT_ONCE));
            steps.push(Step::Relations(Relations { paging: paging(ty, shown, server), readers }));
            readers = rest;
        }
    }
    for name in missing {
        told(Told::Note(&format!("the server does not show `{name}`: left out")));
    }
    steps
}

fn paging<'m>(ty: &'m NodeType, shown: &Type, server: &Server) -> Paging<'m> {
    let arguments = server.queries.get(&*ty.name);
    let has = |name: &str| arguments.is_some_and(|arguments| arguments.contains(name));
    Paging {
        ty,
        is_ordered: has("orderBy") && shown.orderings.contains(&format!("{}_asc", ty.key)),
        has_after: has("filter") && shown.filters.contains(&format!("{}_gt", ty.key)),
    }
}

/// The members to ask for, none of a value without members; `None` if it cannot be read.
fn selected(server: &Server, property: &Property, field: &Field) -> Option<Vec<&'static str>> {
    if field.is_leaf {
        return Some(Vec::new());
    }
    let has = server.components.get(&field.ty).filter(|_| property.ty.is_temporal())?;
    let members: Vec<_> = COMPONENTS.into_iter().filter(|name| has.contains(*name)).collect();
    (has.contains("formatted") || has.contains("year")).then_some(members)
}

/// Stored name, type of the source, type of the target.
type Pair<'m> = (&'m str, &'m str, &'m str);

/// By which field of which type the relations of each pair of types are read. Lists come before single fields, which show one relation only,
/// and the sources' fields before the targets'.
fn readers<'m>(
    model: &'m Model,
    server: &Server,
    missing: &mut BTreeSet<String>,
) -> Vec<(&'m NodeType, Vec<Reader<'m>>)> {
    type Owned<'m> = (&'m NodeType, &'m Relation);
    let mut best: BTreeMap<Pair<'m>, Option<(u8, Owned<'m>)>> = BTreeMap::new();
    for (_, ty) in model.objects() {
        for relation in ty.relations() {
            let is_shown = server.types.get(&*ty.name).is_some_and(|shown| shown.fields.contains_key(&*relation.field));
            let rank = 2 * u8::from(!relation.is_list) + u8::from(relation.direction == Direction::In);
            for id in &model.node_type(relation.target).possible {
                let other = &*model.node_type(*id).name;
                let pair = match relation.direction {
                    Direction::Out => (&*relation.name, &*ty.name, other),
                    Direction::In => (&*relation.name, other, &*ty.name),
                };
                let place = best.entry(pair).or_default();
                if is_shown && place.as_ref().is_none_or(|(known, _)| rank < *known) {
                    *place = Some((rank, (ty, relation)));
                }
            }
        }
    }
    let mut found: BTreeMap<(&str, &str), (Owned<'m>, BTreeSet<&'m str>)> = BTreeMap::new();
    for ((name, source, target), place) in best {
        match place {
            Some((_, (ty, relation))) => {
                let other = if relation.direction == Direction::Out { target } else { source };
                let entry = found.entry((&*ty.name, &*relation.field));
                entry.or_insert_with(|| ((ty, relation), BTreeSet::new())).1.insert(other);
            }
            None if [source, target].iter().all(|ty| server.types.contains_key(*ty)) => {
                missing.insert(format!("{name} from {source}"));
            }
            None => {}
        }
    }
    let of = |ty: &'m NodeType| {
        let reader = |relation: &'m Relation| {
            let (_, others) = found.get(&(&*ty.name, &*relation.field))?;
            let field = server.types.get(&*ty.name)?.fields.get(&*relation.field)?;
            let is_paged = ["first", "offset", "orderBy"].iter().all(|name| field.arguments.contains(*name));
            let target = model.node_type(relation.target);
            Some(Reader { relation, key: &target.key, others: others.clone(), is_paged: is_paged && relation.is_list })
        };
        (ty, ty.relations().filter_map(reader).collect())
    };
    model.objects().map(|(_, ty)| of(ty)).collect()
}
