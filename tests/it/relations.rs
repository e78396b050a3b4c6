//! Add, Merge and Remove of relations: section 10 of the contract, and which fields show what another wrote (section 3).

use clef::graphql::Engine;
use serde_json::{Value as Json, json};

use super::support;

async fn engine() -> Engine {
    let engine = support::engine(support::model("schema")).await;
    let answer = support::run(
        &engine,
        r#"mutation {
          a: CreatePerson(identifier: "a", name: "A") { name } b: CreatePerson(identifier: "b", name: "B") { name }
          o: CreateOrganization(identifier: "o", name: "O") { name } g: CreateMusicGroup(identifier: "g") { name }
          c: CreateMusicComposition(identifier: "c") { name } d: CreateMusicComposition(identifier: "d") { name }
          r: CreateMusicRecording(identifier: "r") { name } l: CreatePlace(identifier: "l") { name }
          t: CreateArticle(identifier: "t", contributor: "x", creator: "x", format: "x", source: "x") { name }
          m: CreateMediaObject(identifier: "m") { name } }"#,
    )
    .await;
    assert!(answer["errors"].is_null(), "{answer}");
    engine
}

/// Runs the relation mutation `name`, then asks.
async fn change(engine: &Engine, name: &str, from: &str, to: &str) {
    let document = format!(
        "mutation {{ {name}(from: {{identifier: \"{from}\"}}, to: {{identifier: \"{to}\"}}) {{ __typename from {{ __typename }} }} }}"
    );
    let answer = support::run(engine, &document).await;
    assert!(answer["data"][name]["from"].is_object(), "{document}: {answer}");
}

async fn check(engine: &Engine, query: &str, expected: Json) {
    let answer = support::run(engine, query).await;
    assert_eq!(answer, json!({ "data": expected }), "{query}");
}

#[tokio::test]
async fn add_makes_parallel_relations_merge_only_the_first_and_remove_takes_all() {
    let engine = engine().await;
    let knows = r#"{ Person(identifier: "a") { knows { identifier } } }"#;
    let people = |keys: &[&str]| json!({"Person": [{"knows": keys.iter().map(|key| json!({"identifier": key})).collect::<Vec<_>>()}]});
    for (mutation, expected) in [
        ("MergePersonKnows", people(&["b"])),
        ("MergePersonKnows", people(&["b"])),
        ("AddPersonKnows", people(&["b", "b"])),
        ("MergePersonKnows", people(&["b", "b"])),
        ("RemovePersonKnows", people(&[])),
        ("RemovePersonKnows", people(&[])),
    ] {
        change(&engine, mutation, "a", "b").await;
        check(&engine, knows, expected).await;
    }
    change(&engine, "AddPersonKnows", "b", "a").await;
    check(&engine, knows, people(&[])).await;
    change(&engine, "RemovePersonKnows", "a", "b").await;
    check(&engine, r#"{ Person(identifier: "b") { knows { identifier } } }"#, people(&["a"])).await;
}

#[tokio::test]
async fn a_field_of_direction_in_goes_from_its_target_to_its_owner() {
    let engine = engine().await;
    // `member` of Organization is IN; `memberOf` of Person is the same relation from its other end.
    change(&engine, "AddOrganizationMember", "a", "o").await;
    check(
        &engine,
        "{ Organization { member { __typename identifier } } }",
        json!({"Organization": [{"member": [{"__typename": "Person", "identifier": "a"}]}]}),
    )
    .await;
    check(
        &engine,
        "{ Person { memberOf { identifier } } }",
        json!({"Person": [{"memberOf": [{"identifier": "o"}]}, {"memberOf": []}]}),
    )
    .await;
    change(&engine, "RemovePersonMemberOf", "a", "o").await;
    check(&engine, "{ Organization { member { identifier } } }", json!({"Organization": [{"member": []}]})).await;
}

#[tokio::test]
async fn has_part_and_is_part_of_are_the_two_ends_of_one_relation() {
    let engine = engine().await;
    change(&engine, "AddMusicCompositionHasPart", "c", "d").await;
    change(&engine, "MergeCreativeWorkInterfaceIsPartOf", "c", "d").await;
    check(
        &engine,
        "{ MusicComposition { identifier hasPart { identifier } isPartOf { identifier } } }",
        json!({"MusicComposition": [
            {"identifier": "c", "hasPart": [{"identifier": "d"}], "isPartOf": null},
            {"identifier": "d", "hasPart": [], "isPartOf": {"identifier": "c"}}
        ]}),
    )
    .await;
}

#[tokio::test]
async fn reading_through_an_interface_follows_the_concrete_types_direction() {
    let engine = engine().await;
    // OUT on MusicRecording, IN on MediaObjectInterface and the others.
    change(&engine, "AddMusicRecordingAssociatedArticle", "r", "t").await;
    change(&engine, "AddMediaObjectAssociatedArticle", "t", "m").await;
    check(
        &engine,
        r#"{ MediaObjectInterface(filter: {identifier_in: ["r", "m"]}, orderBy: identifier_asc) { identifier associatedArticle { identifier } } }"#,
        json!({"MediaObjectInterface": [
            {"identifier": "m", "associatedArticle": [{"identifier": "t"}]},
            {"identifier": "r", "associatedArticle": [{"identifier": "t"}]}
        ]}),
    )
    .await;
}

#[tokio::test]
async fn payloads_show_both_ends_after_the_change() {
    let engine = engine().await;
    let answer = support::run(
        &engine,
        r#"mutation { AddThingInterfaceSubjectOf(from: {identifier: "a"}, to: {identifier: "c"}) {
          __typename
          from { __typename identifier ... on Person { subjectOf { identifier } } }
          to { ...Work }
          again: to { identifier } } }
        fragment Work on CreativeWorkInterface { __typename about { identifier } }"#,
    )
    .await;
    let expected = json!({"data": {"AddThingInterfaceSubjectOf": {
        "__typename": "_AddThingInterfaceSubjectOfPayload",
        "from": {"__typename": "Person", "identifier": "a", "subjectOf": [{"identifier": "c"}]},
        "to": {"__typename": "MusicComposition", "about": []},
        "again": {"identifier": "c"}
    }}});
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn an_identifier_of_several_types_links_each() {
    let engine = engine().await;
    support::run(&engine, r#"mutation { CreatePlace(identifier: "a") { identifier } }"#).await;
    change(&engine, "AddThingInterfaceSubjectOf", "a", "c").await;
    check(
        &engine,
        r#"{ ThingInterface(identifier: "a") { __typename subjectOf { identifier } } }"#,
        json!({"ThingInterface": [
            {"__typename": "Person", "subjectOf": [{"identifier": "c"}]},
            {"__typename": "Place", "subjectOf": [{"identifier": "c"}]}
        ]}),
    )
    .await;
}

#[tokio::test]
async fn relations_leave_modified_alone_and_single_fields_take_several() {
    let engine = engine().await;
    let modified = r#"{ Person(identifier: "a") { modified { formatted } } }"#;
    let before = support::run(&engine, modified).await;
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    support::run(&engine, r#"mutation { CreatePlace(identifier: "k") { identifier } }"#).await;
    change(&engine, "AddPersonBirthPlace", "a", "l").await;
    change(&engine, "AddPersonBirthPlace", "a", "k").await;
    assert_eq!(support::run(&engine, modified).await, before);
    check(
        &engine,
        r#"{ Person(identifier: "a") { birthPlace { identifier } } }"#,
        json!({"Person": [{"birthPlace": {"identifier": "l"}}]}),
    )
    .await;
    check(
        &engine,
        r#"{ Person(identifier: "a") { birthPlace(filter: {identifier: "k"}) { identifier } } }"#,
        json!({"Person": [{"birthPlace": {"identifier": "k"}}]}),
    )
    .await;
}
