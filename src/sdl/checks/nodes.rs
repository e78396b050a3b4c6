//! Rules for node types and interfaces: keys and relations. Knows nothing of operations.

use super::{Kind, Kinds, check_no_nested_list, directive_names, properties};
use crate::sdl::inherit::Inherited;
use crate::sdl::problems::Problems;
use crate::sdl::syntax::{Definitions, FieldDefinition, ObjectDefinition};

/// Longest relation name: the length of an identifier in `PostgreSQL`.
const RELATION_NAME_LENGTH_MAX: usize = 63;

pub(super) fn check(definitions: &Definitions, kinds: &Kinds<'_>, inherited: &Inherited, problems: &mut Problems) {
    for interface in &definitions.interfaces {
        check_implementers(definitions, interface, problems);
        check_has_key(interface, problems);
    }
    for node in definitions.interfaces.iter().chain(&definitions.objects) {
        check_single_key(node, problems);
        for field in &node.fields {
            // An inherited field is checked once, where it is declared.
            if !inherited.contains(&(node.name.clone(), field.name.clone())) {
                check_field(node, field, kinds, problems);
            }
        }
    }
}

fn check_implementers(definitions: &Definitions, interface: &ObjectDefinition, problems: &mut Problems) {
    let mut types = definitions.objects.iter();
    if !types.any(|object| object.implements.contains(&interface.name)) {
        problems.add(
            &interface.location,
            format!("no type implements the interface `{}`", interface.name),
            "let a type implement it, or remove it",
        );
    }
}

/// Types are not asked: they inherit the key, or have one of their own, or dropped it, which inheritance reports.
fn check_has_key(interface: &ObjectDefinition, problems: &mut Problems) {
    if !interface.fields.iter().any(|field| field.directives.id) {
        problems.add(
            &interface.location,
            format!("interface `{}` has no `@id` field", interface.name),
            "add the key that its types share, for example `identifier: ID @id`",
        );
    }
}

fn check_single_key(node: &ObjectDefinition, problems: &mut Problems) {
    let keys: Vec<&FieldDefinition> = node.fields.iter().filter(|it| it.directives.id).collect();
    if let [first, .., last] = keys.as_slice() {
        problems.add(
            &last.location,
            format!("`{}` and `{}` of `{}` both carry `@id`", first.name, last.name, node.name),
            "keep one key",
        );
    }
}

fn check_field(node: &ObjectDefinition, field: &FieldDefinition, kinds: &Kinds<'_>, problems: &mut Problems) {
    let path = format!("{}.{}", node.name, field.name);
    check_no_nested_list(&node.name, field, problems);
    if !field.arguments.is_empty() {
        problems.add(
            &field.location,
            format!("`{path}` has arguments"),
            "remove them; first, offset, orderBy and filter are generated for relations",
        );
    }
    for directive in directive_names(field).iter().filter(|it| ["@matches", "@resolver"].contains(*it)) {
        problems.add(
            &field.location,
            format!("`{directive}` on `{path}`, which is no field of an operation"),
            "remove it; it belongs on fields of Query, Mutation or Subscription",
        );
    }
    let target = field.ty.named();
    match kinds.get(target) {
        Some(Kind::Node) => check_relation(&path, field, problems),
        Some(Kind::Payload) => problems.add(
            &field.location,
            format!("`{path}` relates to `{target}`, which has no `@id` field"),
            format!("give `{target}` a key, for example `identifier: ID @id`"),
        ),
        Some(Kind::Property) => properties::check(&path, field, problems),
        None => {}
    }
}

fn check_relation(path: &str, field: &FieldDefinition, problems: &mut Problems) {
    let Some(relation) = &field.directives.relation else {
        problems.add(
            &field.location,
            format!("`{path}` has an object type but no `@relation`"),
            "add `@relation(name: \"SOME_NAME\", direction: OUT)`, or IN if it reads the relation from its other end",
        );
        return;
    };
    if !is_relation_name(&relation.name) {
        problems.add(
            &field.location,
            format!("`{}` cannot be the name of a relation", relation.name),
            format!("use letters, digits and `_`, no digit first, at most {RELATION_NAME_LENGTH_MAX} characters"),
        );
    }
    for directive in directive_names(field) {
        if ["@id", "@index", "@url", "@computed", "@timestamp", "@search"].contains(&directive) {
            problems.add(
                &field.location,
                format!("`{directive}` on the relation `{path}`"),
                "remove it; it belongs on properties",
            );
        }
    }
}

fn is_relation_name(name: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphabetic() || it == '_';
    name.len() <= RELATION_NAME_LENGTH_MAX
        && name.starts_with(is_letter)
        && name.chars().all(|it| is_letter(it) || it.is_ascii_digit())
}
