//! Rules for `@search` on a field of Query. Knows one field at a time.

use crate::sdl::problems::Problems;
use crate::sdl::syntax::{Definitions, EnumDefinition, FieldDefinition, ObjectDefinition, SearchDirective};

pub(super) fn check(
    definitions: &Definitions,
    field: &FieldDefinition,
    directive: &SearchDirective,
    problems: &mut Problems,
) {
    let path = format!("Query.{}", field.name);
    let mut refuse = |message: String, help: &str| problems.add(&field.location, message, help);
    let mut nodes = definitions.interfaces.iter().chain(&definitions.objects);
    let Some(target) = nodes.find(|node| node.name == field.ty.named()).filter(|_| field.ty.is_list()) else {
        refuse(
            format!("`@search` on `{path}`, which returns a `{}`", field.ty),
            "return a list of a type or interface that has an `@id` field",
        );
        return;
    };
    if !target.fields.iter().any(is_searched) {
        refuse(
            format!("`@search` on `{path}`, but no property of `{}` has `@search`", target.name),
            "add `@search` to the properties to look in",
        );
    }
    match &directive.text {
        None => refuse(format!("`@search` of `{path}` does not name its argument"), "write `@search(text: \"…\")`"),
        Some(text) if !is_text(field, text) => refuse(
            format!("`@search` of `{path}` names `{text}`, which is no `String!` argument of it"),
            "declare it as an argument of the type `String!`",
        ),
        Some(_) => {}
    }
    if let Some(name) = &directive.fields {
        check_fields(definitions, field, target, name, &mut refuse);
    }
    if let Some(name) = &directive.types
        && enumeration(definitions, field, name).is_none()
    {
        refuse(
            format!("`@search` of `{path}` names `{name}`, which is no list of an enumeration"),
            "declare it as an argument that is a list of an enumeration of type names",
        );
    }
    if let Some(score) = &directive.score
        && !target.fields.iter().any(|it| it.name == *score && it.directives.computed && it.ty.to_string() == "Float")
    {
        refuse(
            format!("`@search` of `{path}` names `{score}`, which is no computed `Float` of `{}`", target.name),
            "declare it with the type `Float` and `@computed`",
        );
    }
    let named = [&directive.text, &directive.fields, &directive.types];
    for argument in &field.arguments {
        let is_named = named.iter().any(|name| name.as_deref() == Some(&argument.name));
        if !is_named && !["first", "offset"].contains(&argument.name.as_str()) {
            refuse(
                format!("`@search` of `{path}` has no use for the argument `{}`", argument.name),
                "remove the argument; first, offset, orderBy and filter are generated",
            );
        }
    }
}

fn check_fields(
    definitions: &Definitions,
    field: &FieldDefinition,
    target: &ObjectDefinition,
    argument: &str,
    refuse: &mut impl FnMut(String, &str),
) {
    let Some(properties) = enumeration(definitions, field, argument) else {
        refuse(
            format!("`@search` of `Query.{}` names `{argument}`, which is no list of an enumeration", field.name),
            "declare it as an argument that is a list of an enumeration of property names",
        );
        return;
    };
    for value in &properties.values {
        if !target.fields.iter().any(|it| it.name == value.name && is_searched(it)) {
            refuse(
                format!(
                    "`{}.{}` names no property of `{}` that has `@search`",
                    properties.name, value.name, target.name
                ),
                "add `@search` to the property, or remove the value",
            );
        }
    }
}

fn is_searched(field: &FieldDefinition) -> bool {
    field.directives.search.is_some()
}

fn is_text(field: &FieldDefinition, argument: &str) -> bool {
    field.arguments.iter().any(|it| it.name == argument && it.ty.to_string() == "String!")
}

/// The enumeration whose values an argument lists.
fn enumeration<'a>(
    definitions: &'a Definitions,
    field: &FieldDefinition,
    argument: &str,
) -> Option<&'a EnumDefinition> {
    let argument = field.arguments.iter().find(|it| it.name == argument).filter(|it| it.ty.is_list())?;
    definitions.enums.iter().find(|it| it.name == argument.ty.named())
}
