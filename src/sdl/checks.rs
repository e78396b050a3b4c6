//! What the GraphQL specification allows and our directives do not. Knows definitions only, no text.

use std::collections::HashMap;

use super::convert::Declared;
use super::inherit::Inherited;
use super::problems::Problems;
use super::syntax::{Definitions, FieldDefinition, Location, TypeExpression};

mod documents;
mod names;
mod nodes;
mod operations;
mod payloads;
mod properties;
mod search;

/// What a type name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Object type with a key, or interface.
    Node,
    /// Object type without a key.
    Payload,
    /// Enumeration, built-in or custom scalar.
    Property,
}

/// Kinds by type name; inputs and unknown names are missing, since validation reports them as field types.
type Kinds<'a> = HashMap<&'a str, Kind>;

/// Everything that is wrong with definitions that follow the specification.
pub(super) fn check(definitions: &Definitions, declared: &[Declared], inherited: &Inherited) -> Problems {
    let kinds = kinds(definitions);
    let mut problems = Problems::default();
    nodes::check(definitions, &kinds, inherited, &mut problems);
    payloads::check(definitions, &kinds, &mut problems);
    documents::check(definitions, inherited, &mut problems);
    operations::check(definitions, &mut problems);
    names::check(definitions, declared, inherited, &mut problems);
    if problems.is_empty() && definitions.objects.is_empty() {
        problems.add(
            &Location::default(),
            "no type has an `@id` field, so there is nothing to serve",
            "declare a type with a key, for example `type Book { isbn: ID @id }`",
        );
    }
    problems
}

fn kinds(definitions: &Definitions) -> Kinds<'_> {
    let built_in = ["String", "Int", "Float", "Boolean", "ID", "Date", "DateTime"];
    let mut kinds: Kinds<'_> = built_in.into_iter().map(|name| (name, Kind::Property)).collect();
    kinds.extend(definitions.scalars.iter().map(|it| (it.name.as_str(), Kind::Property)));
    kinds.extend(definitions.enums.iter().map(|it| (it.name.as_str(), Kind::Property)));
    kinds.extend(definitions.payloads.iter().map(|it| (it.name.as_str(), Kind::Payload)));
    kinds.extend(definitions.interfaces.iter().map(|it| (it.name.as_str(), Kind::Node)));
    kinds.extend(definitions.objects.iter().map(|it| (it.name.as_str(), Kind::Node)));
    kinds
}

/// Names of the directives on a field, without those that any field may carry.
fn directive_names(field: &FieldDefinition) -> Vec<&'static str> {
    let directives = &field.directives;
    let present = [
        ("@relation", directives.relation.is_some()),
        ("@id", directives.id),
        ("@index", directives.index),
        ("@url", directives.url),
        ("@computed", directives.computed),
        ("@timestamp", directives.timestamp.is_some()),
        ("@matches", directives.matches.is_some()),
        ("@search", directives.search.is_some()),
        ("@resolver", directives.resolver.is_some()),
        ("@jsonld", directives.jsonld.is_some()),
        ("@embed", directives.embed.is_some()),
    ];
    present.into_iter().filter(|(_, is_present)| *is_present).map(|(name, _)| name).collect()
}

fn check_no_nested_list(owner: &str, field: &FieldDefinition, problems: &mut Problems) {
    if list_depth(&field.ty) > 1 {
        problems.add(
            &field.location,
            format!("`{owner}.{}` is a list of lists", field.name),
            "use one list, or a custom scalar, which holds any JSON value",
        );
    }
}

fn list_depth(ty: &TypeExpression) -> usize {
    match ty {
        TypeExpression::Named(_) => 0,
        TypeExpression::List(inner) => 1 + list_depth(inner),
        TypeExpression::NonNull(inner) => list_depth(inner),
    }
}
