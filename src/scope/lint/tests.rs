//! Keys, and what is found.

use std::sync::Arc;

use super::*;

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let mut add = |scope: &str, owner: &str| catalogue.add(scope.parse().unwrap(), Arc::from("field"), owner.into());
    for ty in ["Person", "Property", "PropertyValue"] {
        add(&format!("Mutation:{ty}:Create"), ty);
        add(&format!("Mutation:{ty}:Delete"), ty);
        add(&format!("Query:{ty}:Read"), ty);
    }
    add("Mutation:PersonKnows:Add", "Person");
    add("Mutation:PropertyPotentialAction:Add", "Property");
    catalogue
}

/// Kinds and texts.
fn found(globs: &[&str]) -> Vec<String> {
    let set = ScopeSet::compile(globs).unwrap();
    let findings = lint(&set, &catalogue(), |scope| scope.parts().0 == "Mutation");
    findings.iter().map(|finding| format!("{}: {finding}", finding.kind())).collect()
}

#[test]
fn what_looks_wrong_is_told_with_what_to_write() {
    let nothing =
        |glob: &str, meant: &str| format!("nothing: `{glob}` covers nothing of the schema: did you mean `{meant}`?");
    let cases: &[(&[&str], &[String])] = &[
        (&["Mutation:Person:*"], &[]),
        (&["Mutation:Person*:*"], &[]),
        (&["Query:Person:Read"], &[]),
        (&["Mutation:Persom:*"], &[nothing("Mutation:Persom:*", "Mutation:Person:*")]),
        (&["Mutation:person*:create"], &[nothing("Mutation:person*:create", "Mutation:Person*:Create")]),
        (&["Mutation:Person"], &[nothing("Mutation:Person", "Mutation:Person:*")]),
        (&["Query:PropertyValue"], &[nothing("Query:PropertyValue", "Query:PropertyValue:*")]),
        (&["Mutations:Person:Create"], &[nothing("Mutations:Person:Create", "Mutation:Person:Create")]),
        (
            &["Mutation:Zebra:Create"],
            &["nothing: `Mutation:Zebra:Create` covers nothing of the schema: correct it or leave it out".to_owned()],
        ),
        (
            &["Mutation:Property*:*"],
            &["neighbour: `Mutation:Property*:*` covers not only `Property` and its relations, but also `PropertyValue`: \
                without, write `Mutation:*Action:Add`, `Mutation:Property:*`"
                .to_owned()],
        ),
        (
            &["Mutation:Person:*", "Mutation:Person:Create", "Mutation:Person:*"],
            &[
                "covered: `Mutation:Person:Create` is covered by `Mutation:Person:*`: leave one of them out".to_owned(),
                "covered: `Mutation:Person:*` is covered by `Mutation:Person:*`: leave one of them out".to_owned(),
            ],
        ),
        (
            &["Mutation:{Person,Property}*:*"],
            &["everything: the globs cover all that needs a scope: list what the key is for".to_owned()],
        ),
    ];
    for (globs, expected) in cases {
        assert_eq!(found(globs), *expected, "{globs:?}");
    }
}
