//! Rules for object types without a key. Knows operations only as what returns them.

use super::{Kind, Kinds, check_no_nested_list, directive_names};
use crate::sdl::problems::Problems;
use crate::sdl::syntax::{Definitions, FieldDefinition, ObjectDefinition};

pub(super) fn check(definitions: &Definitions, kinds: &Kinds<'_>, problems: &mut Problems) {
    for payload in &definitions.payloads {
        if is_payload(definitions, payload) {
            for field in &payload.fields {
                check_field(payload, field, kinds, problems);
            }
        } else {
            problems.add(
                &payload.location,
                format!("type `{}` has no `@id` field", payload.name),
                "mark its key, for example `identifier: ID @id`; only what an operation returns needs none, and then has \
                 neither interfaces nor relations",
            );
        }
    }
}

/// Whether it can be meant as the result of an operation, not as a node whose key was forgotten.
fn is_payload(definitions: &Definitions, ty: &ObjectDefinition) -> bool {
    let operations = [&definitions.queries, &definitions.mutations, &definitions.subscriptions];
    ty.fields.iter().all(|field| field.directives.relation.is_none())
        && operations.into_iter().flatten().any(|operation| operation.ty.named() == ty.name)
}

fn check_field(payload: &ObjectDefinition, field: &FieldDefinition, kinds: &Kinds<'_>, problems: &mut Problems) {
    check_no_nested_list(&payload.name, field, problems);
    if matches!(kinds.get(field.ty.named()), Some(Kind::Node | Kind::Payload)) {
        problems.add(
            &field.location,
            format!("`{}.{}` has an object type, in a type without `@id`", payload.name, field.name),
            "use scalars and enumerations, for example the key of the node",
        );
    }
    for directive in directive_names(field) {
        problems.add(
            &field.location,
            format!("`{directive}` on `{}.{}`, in a type without `@id`", payload.name, field.name),
            "remove it; payloads are not stored",
        );
    }
    if !field.arguments.is_empty() {
        problems.add(
            &field.location,
            format!("`{}.{}` has arguments", payload.name, field.name),
            "give them to the operation instead",
        );
    }
}
