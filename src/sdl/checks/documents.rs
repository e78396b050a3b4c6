//! Rules for what documents of nodes hold: `@vocabulary`, `@jsonld`, `@embed`.

use std::collections::HashSet;

use crate::sdl::inherit::Inherited;
use crate::sdl::problems::Problems;
use crate::sdl::syntax::{
    Definitions, EmbedDirective, FieldDefinition, JsonLdDirective, Location, ObjectDefinition, is_iri,
};

pub(super) fn check(definitions: &Definitions, inherited: &Inherited, problems: &mut Problems) {
    check_vocabularies(definitions, problems);
    for node in definitions.interfaces.iter().chain(&definitions.objects) {
        check_iris(node.classes.iter().flatten(), "@jsonld", &node.location, problems);
        for field in &node.fields {
            if inherited.contains(&(node.name.clone(), field.name.clone())) {
                continue;
            }
            let path = format!("{}.{}", node.name, field.name);
            if let Some(jsonld) = &field.directives.jsonld {
                check_jsonld(&path, field, jsonld, problems);
            }
            if let Some(embed) = &field.directives.embed {
                check_embed(definitions, &path, field, embed, problems);
            }
        }
    }
}

fn check_vocabularies(definitions: &Definitions, problems: &mut Problems) {
    let mut prefixes = HashSet::new();
    for vocabulary in &definitions.vocabularies {
        let location = &vocabulary.location;
        check_iris(vocabulary.iri.iter().chain(&vocabulary.context), "@vocabulary", location, problems);
        match (&vocabulary.prefix, &vocabulary.context) {
            (Some(prefix), None) if !is_prefix(prefix) => problems.add(
                location,
                format!("`{prefix}` cannot be a prefix"),
                "use letters, digits and `-`, a letter first",
            ),
            (Some(prefix), None) if !prefixes.insert(prefix) => {
                problems.add(location, format!("the prefix `{prefix}` stands for two vocabularies"), "rename one");
            }
            (Some(_), None) | (None, Some(_)) => {}
            _ => problems.add(location, "`@vocabulary` needs either a prefix or a context", "give it one of them"),
        }
        if vocabulary.iri.is_empty() || (vocabulary.prefix.is_some() && vocabulary.iri.len() > 1) {
            problems.add(location, "a prefix stands for one beginning of IRIs", "name one IRI in `iri`");
        }
    }
}

fn check_jsonld(path: &str, field: &FieldDefinition, jsonld: &JsonLdDirective, problems: &mut Problems) {
    let iris = jsonld.iri.iter().flatten();
    check_iris(iris.filter(|iri| *iri != "@type").chain(&jsonld.types), "@jsonld", &field.location, problems);
    let is_text = ["String", "ID"].contains(&field.ty.named());
    let names_types = jsonld.iri.iter().flatten().any(|iri| iri == "@type");
    if names_types && !is_text {
        problems.add(
            &field.location,
            format!("`@jsonld` makes `{path}` of type `{}` name types", field.ty),
            "remove `@type`; only texts are names of types",
        );
    }
    let changes_values = jsonld.base.is_some() || jsonld.link || jsonld.node.is_some();
    if changes_values && field.directives.relation.is_some() {
        problems.add(
            &field.location,
            format!("`@jsonld` on the relation `{path}` says what its values are"),
            "remove `base`, `link` and `node`: related nodes are always linked",
        );
    }
}

fn check_embed(
    definitions: &Definitions,
    path: &str,
    field: &FieldDefinition,
    embed: &EmbedDirective,
    problems: &mut Problems,
) {
    let target = field.ty.named();
    if field.directives.relation.is_none() {
        let is_date = ["Date", "DateTime"].contains(&target) && !field.ty.is_list();
        if !is_date || embed.fields != ["formatted"] || embed.order_by.is_some() {
            problems.add(
                &field.location,
                format!("`@embed` on the property `{path}` of type `{}`", field.ty),
                "remove it; it belongs on relations, and as `@embed(fields: [\"formatted\"])` on dates",
            );
        }
        return;
    }
    let is_possible = |node: &&ObjectDefinition| node.name == target || node.implements.iter().any(|it| it == target);
    let nodes: Vec<_> = definitions.objects.iter().filter(is_possible).collect();
    let declared = |name: &str| nodes.iter().find_map(|node| node.fields.iter().find(|field| field.name == name));
    for name in embed.fields.iter().chain(&embed.order_by) {
        if declared(name).is_none_or(|field| field.directives.id) {
            problems.add(
                &field.location,
                format!("`@embed` of `{path}` names `{name}`, which is no field of a `{target}` beside its key"),
                "correct the name or leave it out; the key is always there",
            );
        }
    }
    let order = embed.order_by.as_deref().and_then(declared);
    if order.is_some_and(|field| field.directives.relation.is_some() || field.ty.is_list()) {
        problems.add(
            &field.location,
            format!("`@embed` of `{path}` orders by what is no single value"),
            "order by a property that is no list",
        );
    }
}

fn check_iris<'a>(
    iris: impl Iterator<Item = &'a String>,
    directive: &str,
    location: &Location,
    problems: &mut Problems,
) {
    for iri in iris.filter(|iri| !is_iri(iri)) {
        problems.add(
            location,
            format!("`{directive}` names `{iri}`, which is no IRI"),
            "write it in full, for example `https://schema.org/name`",
        );
    }
}

fn is_prefix(text: &str) -> bool {
    text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
}
