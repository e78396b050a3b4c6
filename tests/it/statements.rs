//! How many statements the database runs: one for each root field of a query, whatever its depth.

use super::support;

#[tokio::test]
async fn a_query_is_one_statement_for_each_root_field() {
    let engine = support::engine(support::model("schema")).await;
    let one = r#"ThingInterface(filter: {OR: [{name_contains: "a"}, {subjectOf_some: {about_none: {name: "b"}}}]}, orderBy: [name_desc], first: 10) {
        __typename
        identifier
        subjectOf(first: 5, orderBy: name_asc, filter: {name_not: "x"}) {
          ... on MusicComposition { composer { name ... on Person { birthPlace { name } } } }
          ...Work
        }
        ... on Person { knows { memberOf { member { identifier subjectOf { identifier } } } birthDate { formatted } } }
      }"#;
    let fragment = "fragment Work on CreativeWorkInterface { title about { ... on ThingInterface { subjectOf { hasPart { isPartOf { identifier } } } } } }";
    for (query, statements) in [
        (format!("{{ {one} }} {fragment}"), 1),
        (format!("{{ a: {one} b: {one} Person {{ name }} }} {fragment}"), 3),
        ("{ __typename }".to_owned(), 0),
        ("{ personBySubstring(substring: \"a\") { knows { knows { knows { knows { name } } } } } }".to_owned(), 1),
        ("query ($no: Boolean = false) { Person @include(if: $no) { name } Place { name } }".to_owned(), 1),
    ] {
        let before = engine.storage().statements();
        let answer = support::run(&engine, &query).await;
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        assert_eq!(engine.storage().statements() - before, statements, "{query}");
    }
}

#[tokio::test]
async fn a_refused_query_runs_no_statement() {
    let engine = support::engine(support::model("schema")).await;
    let before = engine.storage().statements();
    for query in [
        "{ Person(filter: {birthDate_lt: {month: 1}}) { name } }",
        "{ Person { none } }",
        "{ Person(first: 1.5) { name } }",
    ] {
        let answer = support::run(&engine, query).await;
        assert!(answer["errors"].is_array(), "{query}: {answer}");
    }
    assert_eq!(engine.storage().statements(), before);
}
