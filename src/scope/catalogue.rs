//! All scopes of a schema, what each is for, and which of them globs cover. Knows no schema: names are text.

use std::sync::Arc;

use indexmap::IndexMap;

use super::concrete::Scope;
use super::set::ScopeSet;

/// Scopes by first use, each once.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: IndexMap<Scope, Entry>,
}

/// What needs a scope.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Fields of the operation's root.
    pub fields: Vec<Arc<str>>,
    /// Type of the nodes concerned; of a relation, the type that has it.
    pub owner: Arc<str>,
}

impl Catalogue {
    /// One more field that needs a scope.
    pub fn add(&mut self, scope: Scope, field: Arc<str>, owner: Arc<str>) {
        self.entries.entry(scope).or_insert_with(|| Entry { fields: Vec::new(), owner }).fields.push(field);
    }

    /// Scopes in order.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.entries.keys()
    }

    /// Scopes with what needs them, in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Scope, &Entry)> {
        self.entries.iter()
    }

    /// What needs a scope.
    pub fn get(&self, scope: &Scope) -> Option<&Entry> {
        self.entries.get(scope)
    }

    /// What globs cover, in order.
    pub fn covered<'catalogue>(
        &'catalogue self,
        globs: &'catalogue ScopeSet,
    ) -> impl Iterator<Item = (&'catalogue Scope, &'catalogue Entry)> {
        self.entries.iter().filter(|(scope, _)| globs.grants(scope.as_str()))
    }
}

/// What a set of globs covers in one schema and not in the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Covered in the new one only.
    pub gained: Vec<Scope>,
    /// Covered in the old one only.
    pub lost: Vec<Scope>,
}

impl Difference {
    /// Between an old schema and a new one.
    pub fn of(globs: &ScopeSet, old: &Catalogue, new: &Catalogue) -> Self {
        let only_in = |one: &Catalogue, other: &Catalogue| {
            one.covered(globs).map(|(scope, _)| scope).filter(|scope| other.get(scope).is_none()).cloned().collect()
        };
        Self { gained: only_in(new, old), lost: only_in(old, new) }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}
