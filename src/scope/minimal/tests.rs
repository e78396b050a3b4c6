//! Wanted scopes, and the globs for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;

/// Person and Place with relations, `PersonList` beside them, and reads.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let mut add = |text: String| {
        let scope: Scope = text.parse().unwrap();
        let owner = scope.parts().1.to_owned();
        catalogue.add(scope, Arc::from("field"), owner.into());
    };
    for ty in ["Person", "Place", "PersonList"] {
        for action in ["Create", "Update", "Delete", "Merge"] {
            add(format!("Mutation:{ty}:{action}"));
        }
        add(format!("Query:{ty}:Read"));
    }
    for ty in ["PersonKnows", "PersonMemberOf", "PlaceNear"] {
        for action in ["Add", "Remove", "Merge"] {
            add(format!("Mutation:{ty}:{action}"));
        }
    }
    catalogue
}

#[test]
fn globs_are_short_and_cover_nothing_else() {
    let catalogue = catalogue();
    let covered = |globs: &[&str]| -> BTreeSet<Scope> {
        let set = ScopeSet::compile(globs).unwrap();
        catalogue.covered(&set).map(|(scope, _)| scope.clone()).collect()
    };
    let cases: &[(&[&str], &[&str])] = &[
        (&["*"], &["*"]),
        (&["Mutation:*"], &["Mutation:*"]),
        (&["Query:*", "Mutation:Place:Create"], &["Mutation:Place:Create", "Query:*"]),
        (&["Mutation:Person:Create"], &["Mutation:Person:Create"]),
        (&["Mutation:Person:{Create,Update}"], &["Mutation:Person:{Create,Update}"]),
        (&["Mutation:Person:*"], &["Mutation:Person:*"]),
        (&["Mutation:*:Create"], &["Mutation:*:Create"]),
        (&["Mutation:P{erson,lace}:Create"], &["Mutation:{Person,Place}:Create"]),
        (&["Mutation:Place*:*"], &["Mutation:Place*:*"]),
        (&["Mutation:Place*:Merge"], &["Mutation:Place*:Merge"]),
        (&["Mutation:Person:*", "Mutation:PersonKnows:*"], &["Mutation:{*Knows,Person}:*"]),
        (&["Query:P{lace,ersonList}:Read"], &["Query:{*List,Place}:Read"]),
    ];
    for (wanted, globs) in cases {
        let wanted = covered(wanted);
        let minimal = Minimal::of(&wanted, &catalogue);
        assert_eq!(minimal.globs, *globs, "{wanted:?}");
        assert_eq!(covered(globs), wanted);
        assert!(minimal.scopes.iter().eq(&wanted));
    }
    assert_eq!(Minimal::of(&BTreeSet::new(), &catalogue).globs, Vec::<String>::new());
    let unknown: Scope = "Mutation:Unknown:Create".parse().unwrap();
    assert_eq!(Minimal::of(&[unknown].into(), &catalogue).globs, ["Mutation:Unknown:Create"]);
}
