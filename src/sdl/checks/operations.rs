//! Rules for the fields of Query, Mutation and Subscription. Does not know which resolvers exist.

use super::{check_no_nested_list, directive_names, search};
use crate::sdl::problems::Problems;
use crate::sdl::syntax::{Definitions, FieldDefinition, MatchesDirective, ObjectDefinition};

pub(super) fn check(definitions: &Definitions, problems: &mut Problems) {
    for field in &definitions.queries {
        check_field("Query", field, problems);
        if let Some(matches) = &field.directives.matches {
            check_matches(definitions, field, matches, problems);
        }
        if let Some(directive) = &field.directives.search {
            search::check(definitions, field, directive, problems);
        }
    }
    for (root, fields) in [("Mutation", &definitions.mutations), ("Subscription", &definitions.subscriptions)] {
        for field in fields {
            check_field(root, field, problems);
            for directive in directive_names(field).into_iter().filter(|it| ["@matches", "@search"].contains(it)) {
                problems.add(
                    &field.location,
                    format!("`{directive}` on `{root}.{}`, which is no query", field.name),
                    "use `@resolver(name: \"…\")`",
                );
            }
        }
    }
}

fn check_field(root: &str, field: &FieldDefinition, problems: &mut Problems) {
    check_no_nested_list(root, field, problems);
    let path = format!("{root}.{}", field.name);
    let directives = &field.directives;
    let (answers, others): (Vec<_>, Vec<_>) =
        directive_names(field).into_iter().partition(|it| ["@matches", "@search", "@resolver"].contains(it));
    match answers.as_slice() {
        [] => problems.add(
            &field.location,
            format!("nothing answers `{path}`"),
            "add `@resolver(name: \"…\")`, or `@matches(field: \"…\", argument: \"…\", operator: CONTAINS)` or \
             `@search(text: \"…\")` if it is a query, or remove it: queries and mutations for each type are generated",
        ),
        [first, second, ..] => {
            problems.add(&field.location, format!("`{path}` has `{first}` and `{second}`"), "keep one of them");
        }
        [_] if directives.resolver.as_deref() == Some("") => {
            problems.add(
                &field.location,
                format!("`@resolver` of `{path}` has no name"),
                "name a resolver of the server",
            );
        }
        [_] => {}
    }
    for directive in others {
        problems.add(
            &field.location,
            format!("`{directive}` on `{path}`, a field of an operation"),
            "remove it; it belongs on fields of nodes",
        );
    }
}

fn check_matches(
    definitions: &Definitions,
    field: &FieldDefinition,
    matches: &MatchesDirective,
    problems: &mut Problems,
) {
    let path = format!("Query.{}", field.name);
    let mut nodes = definitions.interfaces.iter().chain(&definitions.objects);
    let target = nodes.find(|node| node.name == field.ty.named());
    match target.filter(|_| field.ty.is_list()) {
        None => problems.add(
            &field.location,
            format!("`@matches` on `{path}`, which returns a `{}`", field.ty),
            "return a list of a type or interface that has an `@id` field",
        ),
        Some(node) if !has_string(node, &matches.field) => problems.add(
            &field.location,
            format!(
                "`@matches` of `{path}` names `{}`, which is no `String` property of `{}`",
                matches.field, node.name
            ),
            format!("name a property of `{}` that has the type `String`", node.name),
        ),
        Some(_) => {}
    }
    let is_operand = |name: &str, ty: &str| name == matches.argument && (ty == "String" || ty == "String!");
    if !field.arguments.iter().any(|it| is_operand(&it.name, &it.ty.to_string())) {
        problems.add(
            &field.location,
            format!("`@matches` of `{path}` names `{}`, which is no `String` argument of it", matches.argument),
            format!("declare the argument `{}: String!`", matches.argument),
        );
    }
    for argument in &field.arguments {
        if argument.name != matches.argument && !["first", "offset"].contains(&argument.name.as_str()) {
            problems.add(
                &field.location,
                format!("`@matches` of `{path}` has no use for the argument `{}`", argument.name),
                "remove the argument; first, offset, orderBy and filter are generated",
            );
        }
    }
}

fn has_string(node: &ObjectDefinition, name: &str) -> bool {
    node.fields.iter().any(|field| field.name == name && field.ty.named() == "String" && !field.ty.is_list())
}
