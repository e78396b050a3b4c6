//! What introspection leaves out for a caller: mutations that it may not run, and types that only these reach.

use std::collections::HashSet;

use crate::model::Model;
use crate::model::api::{Api, ApiField, ApiKind, MUTATION};

/// What is left out of one schema.
#[derive(Debug)]
pub(crate) struct Hidden<'a> {
    fields: HashSet<&'a str>,
    types: HashSet<&'a str>,
    /// One bit for each mutation in published order: equal for callers who see the same.
    pub(crate) seen: Vec<u8>,
}

impl<'a> Hidden<'a> {
    /// For who may do what `may` says of a scope. Linear in the size of the schema.
    pub(crate) fn of(model: &'a Model, may: impl Fn(&str) -> bool) -> Self {
        let api = model.api();
        let (mut fields, mut shown) = (HashSet::new(), Vec::new());
        let mut seen = vec![0_u8; model.mutations().len().div_ceil(8)];
        for (position, (name, mutation)) in model.mutations().iter().enumerate() {
            if may(&mutation.scope) {
                shown.extend(api.field(MUTATION, name));
                if let Some(byte) = seen.get_mut(position / 8) {
                    *byte |= 1 << (position % 8);
                }
            } else {
                fields.insert(&**name);
            }
        }
        let mut below = Reach { api, found: HashSet::new() };
        below.types([MUTATION]);
        let mut kept = Reach { api, found: HashSet::new() };
        kept.types(api.types.keys().map(|name| &**name).filter(|name| !below.found.contains(name)));
        if !shown.is_empty() {
            kept.found.insert(MUTATION);
        }
        for field in shown {
            kept.field(field);
        }
        let types = api.types.keys().map(|name| &**name).filter(|name| !kept.found.contains(name)).collect();
        Self { fields, types, seen }
    }

    pub(super) fn has_type(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    pub(super) fn has_field(&self, type_name: &str, field: &str) -> bool {
        type_name == MUTATION && self.fields.contains(field)
    }
}

/// Types that others name, however far.
struct Reach<'a> {
    api: &'a Api,
    found: HashSet<&'a str>,
}

impl<'a> Reach<'a> {
    fn types(&mut self, roots: impl IntoIterator<Item = &'a str>) {
        let mut waiting: Vec<&str> = roots.into_iter().filter(|name| self.found.insert(name)).collect();
        while let Some(ty) = waiting.pop().and_then(|name| self.api.get(name)) {
            let mut named: Vec<&'a str> = Vec::new();
            match &ty.kind {
                ApiKind::Scalar | ApiKind::Enum(_) => {}
                ApiKind::Union(possible) => named.extend(possible.iter().map(|name| &**name)),
                ApiKind::Input(inputs) => named.extend(inputs.values().map(|input| &**input.ty.name())),
                ApiKind::Object { implements, fields } => {
                    named.extend(implements.iter().map(|name| &**name));
                    named.extend(fields.values().flat_map(names));
                }
                ApiKind::Interface { implements, possible, fields } => {
                    named.extend(implements.iter().chain(possible).map(|name| &**name));
                    named.extend(fields.values().flat_map(names));
                }
            }
            waiting.extend(named.into_iter().filter(|name| self.found.insert(name)));
        }
    }

    fn field(&mut self, field: &'a ApiField) {
        self.types(names(field));
    }
}

/// Types of a field and of its arguments.
fn names(field: &ApiField) -> impl Iterator<Item = &str> {
    field.arguments.iter().map(|argument| &**argument.ty.name()).chain([&**field.ty.name()])
}
