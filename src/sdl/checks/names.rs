//! Names that the generated API takes, or that would become the same name in it. Knows how names are generated, not what they do.

use std::collections::{HashMap, HashSet};

use crate::sdl::convert::Declared;
use crate::sdl::inherit::Inherited;
use crate::sdl::problems::Problems;
use crate::sdl::syntax::{Definitions, Location, ObjectDefinition};

/// Names that mean something else among the arguments and filter keys of every type.
const RESERVED_FIELDS: [&str; 7] = ["_id", "first", "offset", "orderBy", "filter", "AND", "OR"];

/// What a filter key adds to the name of a field.
const FILTER_SUFFIXES: [&str; 18] = [
    "not",
    "in",
    "not_in",
    "regexp",
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
    "lt",
    "lte",
    "gt",
    "gte",
    "some",
    "none",
    "single",
    "every",
];

/// Of the generated subscription `nodeChanged`.
const CHANGE_TYPES: [&str; 4] = ["_Node", "_NodeType", "_NodeAction", "_NodeChange"];

const GENERATED: &str = "Query, Mutation and the names of their fields are generated from type and field names; rename";

pub(super) fn check(definitions: &Definitions, declared: &[Declared], inherited: &Inherited, problems: &mut Problems) {
    check_type_names(definitions, declared, problems);
    for node in nodes(definitions) {
        check_field_names(node, inherited, problems);
    }
    check_letter_case(definitions, problems);
    check_generated(definitions, problems);
}

/// Interfaces first, as in the generated API.
fn nodes(definitions: &Definitions) -> impl Iterator<Item = &ObjectDefinition> {
    definitions.interfaces.iter().chain(&definitions.objects)
}

fn check_type_names(definitions: &Definitions, declared: &[Declared], problems: &mut Problems) {
    let payloads: HashSet<&str> = definitions.payloads.iter().map(|payload| payload.name.as_str()).collect();
    let generated = generated_types(definitions);
    let mut seen: HashMap<String, &str> = HashMap::new();
    for Declared { name, location } in declared {
        if generated.contains(name) || name.starts_with("_Neo4j") || name == "_RelationDirections" {
            problems.add(location, format!("type `{name}` has the name of a generated type"), "rename it");
        } else if name.starts_with('_') && !name.starts_with("__") && !payloads.contains(&**name) {
            // Two underscores are the specification's, and validation reports them.
            problems.add(
                location,
                format!("type name `{name}` starts with `_`"),
                "rename it; such names are for generated types and payloads of operations",
            );
        }
        if let Some(other) = seen.insert(name.to_lowercase(), name).filter(|other| other != name) {
            problems.add(
                location,
                format!("types `{other}` and `{name}` differ only in upper and lower case"),
                "rename one; databases do not tell them apart",
            );
        }
    }
}

fn generated_types(definitions: &Definitions) -> HashSet<String> {
    let mut names = CHANGE_TYPES.map(str::to_owned).into_iter().collect::<HashSet<_>>();
    for node in nodes(definitions) {
        names.extend(["Input", "Filter", "Ordering"].map(|suffix| format!("_{}{suffix}", node.name)));
        for (mutation, _) in relation_mutations(node) {
            names.insert(format!("_{mutation}Payload"));
        }
    }
    names
}

fn check_field_names(node: &ObjectDefinition, inherited: &Inherited, problems: &mut Problems) {
    let names: HashSet<&str> = node.fields.iter().map(|field| field.name.as_str()).collect();
    for field in &node.fields {
        let name = field.name.as_str();
        if RESERVED_FIELDS.contains(&name) && !inherited.contains(&(node.name.clone(), field.name.clone())) {
            problems.add(
                &field.location,
                format!("field `{name}` of `{}` has a reserved name", node.name),
                format!("rename it; {} are arguments and filter keys of every type", RESERVED_FIELDS.join(", ")),
            );
        }
        let bases = FILTER_SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix)?.strip_suffix('_'));
        for base in bases.filter(|base| names.contains(base)) {
            // Without the type, so that types that inherit both say it once.
            problems.add(
                &field.location,
                format!("`{name}` is also the name of a filter key of the field `{base}`"),
                "rename one of the fields",
            );
        }
    }
}

/// All nodes share the columns of one table.
fn check_letter_case(definitions: &Definitions, problems: &mut Problems) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for field in nodes(definitions).flat_map(|node| &node.fields) {
        let first = *seen.entry(field.name.to_lowercase()).or_insert(&field.name);
        if first != field.name {
            problems.add(
                &field.location,
                format!("fields `{first}` and `{}` differ only in upper and lower case", field.name),
                "rename one, also if they are fields of different types; databases do not tell them apart",
            );
        }
    }
}

fn check_generated(definitions: &Definitions, problems: &mut Problems) {
    let mut queries: HashMap<String, String> = HashMap::new();
    for node in nodes(definitions) {
        queries.insert(node.name.clone(), format!("the query for `{}`", node.name));
    }
    for field in &definitions.queries {
        claim(&mut queries, &field.name, format!("`Query.{}`", field.name), &field.location, problems);
    }
    let mut mutations: HashMap<String, String> = HashMap::new();
    for node in nodes(definitions) {
        for (mutation, field) in relation_mutations(node) {
            claim(&mut mutations, &mutation, format!("the relation `{}.{}`", node.name, field.0), field.1, problems);
        }
    }
    for object in &definitions.objects {
        for action in ["Create", "Update", "Delete", "Merge"] {
            let name = format!("{action}{}", object.name);
            claim(&mut mutations, &name, format!("the type `{}`", object.name), &object.location, problems);
        }
    }
    for field in &definitions.mutations {
        claim(&mut mutations, &field.name, format!("`Mutation.{}`", field.name), &field.location, problems);
    }
    let mut subscriptions = HashMap::from([("nodeChanged".to_owned(), "the subscription to all types".to_owned())]);
    for field in &definitions.subscriptions {
        claim(&mut subscriptions, &field.name, format!("`Subscription.{}`", field.name), &field.location, problems);
    }
}

fn claim(taken: &mut HashMap<String, String>, name: &str, owner: String, location: &Location, problems: &mut Problems) {
    if let Some(other) = taken.get(name) {
        problems.add(location, format!("{other} and {owner} both give `{name}`"), format!("{GENERATED} one of them"));
    } else {
        taken.insert(name.to_owned(), owner);
    }
}

/// Mutations of each relation of a node, with the field and where it is.
fn relation_mutations(node: &ObjectDefinition) -> impl Iterator<Item = (String, (&str, &Location))> {
    let relations = node.fields.iter().filter(|field| field.directives.relation.is_some());
    relations.flat_map(|field| {
        let mut letters = field.name.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let name = format!("{}{first}{}", node.name, letters.as_str());
        ["Add", "Remove", "Merge"].map(|action| (format!("{action}{name}"), (field.name.as_str(), &field.location)))
    })
}
