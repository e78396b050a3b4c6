//! What mutations do and answer: sections 9 to 12 of the contract, step by step over an empty database.

use std::sync::Arc;

use clef::clock::Clock;
use clef::graphql::Engine;
use clef::storage::{RemovedPolicy, Storage};
use serde_json::{Value as Json, json};

use super::support;

/// Data of an answer; beside its errors, as `CODE: message`, if there are any.
fn plain(answer: &Json) -> Json {
    let Some(errors) = answer["errors"].as_array() else { return answer["data"].clone() };
    let text = |error: &Json| {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        Json::from(format!("{code}: {}", error["message"].as_str().unwrap_or_default()))
    };
    json!({ "data": answer["data"], "errors": errors.iter().map(text).collect::<Vec<_>>() })
}

/// Runs documents one after another and compares each answer.
async fn check(folder: &str, steps: &[(&str, Json)]) {
    let engine = support::engine(support::model(folder)).await;
    check_on(&engine, steps).await;
}

async fn check_on(engine: &Engine, steps: &[(&str, Json)]) {
    for (document, expected) in steps {
        assert_eq!(plain(&support::run(engine, document).await), *expected, "{document}");
    }
}

const CE: &str = "schema";
const LIBRARY: &str = "tests/schemas/library";

#[tokio::test]
async fn created_and_modified_are_the_servers() {
    let model = support::model(CE);
    let settings = support::settings();
    let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap();
    let engine =
        Engine::new(Arc::clone(&model), storage, clef::graphql::Limits::default(), Clock::at(1_624_369_630), || {
            "made".to_owned()
        })
        .unwrap();
    let time = "2021-06-22T13:47:10Z";
    let both = json!({"created": {"formatted": time}, "modified": {"formatted": time}});
    let fields = "{ created { formatted } modified { formatted } }";
    for (mutation, expected) in [
        (r#"CreatePerson(identifier: "a", created: {year: 1900}, modified: {formatted: "1900"})"#, both.clone()),
        (r#"CreatePerson(identifier: "b", created: null, modified: null)"#, both.clone()),
        (r#"UpdatePerson(identifier: "a", created: {year: 1900}, modified: null)"#, both.clone()),
        (r#"MergePerson(identifier: "a", modified: {year: 1900})"#, both.clone()),
        (r#"MergePerson(identifier: "new", created: {year: 1900})"#, both.clone()),
        (r#"CreateAnnotationTextualBody(identifier: "a", value: "v")"#, both),
    ] {
        let answer = support::run(&engine, &format!("mutation {{ it: {mutation} {fields} }}")).await;
        assert_eq!(plain(&answer), json!({ "it": expected }), "{mutation}");
    }
    let answer = support::run(&engine, "mutation { CreatePlace { identifier } }").await;
    assert_eq!(answer["data"], json!({"CreatePlace": {"identifier": "made"}}));
}

#[tokio::test]
async fn update_changes_modified_only() {
    let engine = support::engine(support::model(CE)).await;
    let created = support::run(
        &engine,
        r#"mutation { CreatePerson(identifier: "a") { created { formatted } modified { formatted } } }"#,
    )
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let updated = support::run(
        &engine,
        r#"mutation { UpdatePerson(identifier: "a") { created { formatted } modified { formatted } } }"#,
    )
    .await;
    let (before, after) = (&created["data"]["CreatePerson"], &updated["data"]["UpdatePerson"]);
    assert_eq!(before["created"], before["modified"]);
    assert_eq!(before["created"], after["created"]);
    assert_ne!(before["modified"], after["modified"]);
}

#[tokio::test]
async fn identifiers_are_the_clients_or_new_uuids() {
    let engine = support::engine(support::model(CE)).await;
    for arguments in ["", "(identifier: null)", "(name: \"x\")"] {
        let answer =
            support::run(&engine, &format!("mutation {{ it: CreatePerson{arguments} {{ identifier }} }}")).await;
        let key = answer["data"]["it"]["identifier"].as_str().unwrap().to_owned();
        assert_eq!(uuid::Uuid::parse_str(&key).unwrap().get_version_num(), 4, "{key}");
    }
    let steps = [
        (
            r#"mutation { CreatePerson(identifier: "not a uuid ü") { identifier } }"#,
            json!({"CreatePerson": {"identifier": "not a uuid ü"}}),
        ),
        ("mutation { CreatePerson(identifier: 17) { identifier } }", json!({"CreatePerson": {"identifier": "17"}})),
        (r#"mutation { CreatePerson(identifier: "") { identifier } }"#, json!({"CreatePerson": {"identifier": ""}})),
        (r#"{ Person(identifier: "17") { identifier } }"#, json!({"Person": [{"identifier": "17"}]})),
    ];
    check_on(&engine, &steps).await;
}

#[tokio::test]
async fn an_identifier_is_taken_once_for_each_type() {
    let conflict = r#"CONFLICT: Person with identifier "a" already exists"#;
    check(CE, &[
        (r#"mutation { CreatePerson(identifier: "a", name: "one") { name } }"#, json!({"CreatePerson": {"name": "one"}})),
        (r#"mutation { CreatePlace(identifier: "a") { identifier } }"#, json!({"CreatePlace": {"identifier": "a"}})),
        (
            r#"mutation { CreatePerson(identifier: "a", name: "two") { name } }"#,
            json!({"data": {"CreatePerson": null}, "errors": [conflict]}),
        ),
        ("{ Person { name } ThingInterface { __typename } }",
            json!({"Person": [{"name": "one"}], "ThingInterface": [{"__typename": "Person"}, {"__typename": "Place"}]})),
    ])
    .await;
}

#[tokio::test]
async fn update_sets_what_is_given_and_null_removes() {
    let all = "{ name title additionalType gender birthDate { year formatted } }";
    let steps = [
        (
            format!(
                r#"mutation {{ it: CreatePerson(identifier: "a", name: "n", title: "t", additionalType: ["https://example.org/a"], gender: female, birthDate: {{year: 1819}}) {all} }}"#
            ),
            json!({"it": {"name": "n", "title": "t", "additionalType": ["https://example.org/a"], "gender": "female", "birthDate": {"year": 1819, "formatted": "1819-01-01"}}}),
        ),
        (
            format!(r#"mutation {{ it: UpdatePerson(identifier: "a", name: null, additionalType: []) {all} }}"#),
            json!({"it": {"name": null, "title": "t", "additionalType": [], "gender": "female", "birthDate": {"year": 1819, "formatted": "1819-01-01"}}}),
        ),
        (
            format!(
                r#"mutation ($none: String, $nothing: [String]) {{ it: UpdatePerson(identifier: "a", title: $none, additionalType: $nothing, gender: null) {all} }}"#
            ),
            json!({"it": {"name": null, "title": "t", "additionalType": [], "gender": null, "birthDate": {"year": 1819, "formatted": "1819-01-01"}}}),
        ),
        (
            format!(
                r#"mutation {{ it: MergePerson(identifier: "a", birthDate: null, additionalType: null, title: "u") {all} }}"#
            ),
            json!({"it": {"name": null, "title": "u", "additionalType": null, "gender": null, "birthDate": {"year": null, "formatted": null}}}),
        ),
    ];
    let steps: Vec<_> = steps.iter().map(|(document, expected)| (document.as_str(), expected.clone())).collect();
    check(CE, &steps).await;
}

#[tokio::test]
async fn temporals_are_written_in_both_forms_by_every_mutation() {
    let engine = support::engine(support::model(CE)).await;
    for mutation in ["CreateAction", "UpdateAction", "MergeAction"] {
        for (input, expected) in [
            (r#"{year: 2021, month: 6, day: 22, hour: 10, timezone: "+02:00"}"#, "2021-06-22T10:00:00+02:00"),
            (r#"{formatted: "1992-10-09"}"#, "1992-10-09T00:00:00Z"),
            (
                r#"{formatted: "2021-06-22T13:47:10[Europe/Amsterdam]", year: 1}"#,
                "2021-06-22T13:47:10+02:00[Europe/Amsterdam]",
            ),
            ("{year: -44}", "-0044-01-01T00:00:00Z"),
        ] {
            if mutation == "CreateAction" {
                support::run(&engine, r#"mutation { DeleteAction(identifier: "a") { identifier } }"#).await;
            }
            let arguments = format!(r#"identifier: "a", startTime: {input}"#);
            let document = format!("mutation {{ it: {mutation}({arguments}) {{ startTime {{ formatted }} }} }}");
            let answer = support::run(&engine, &document).await;
            assert_eq!(plain(&answer), json!({"it": {"startTime": {"formatted": expected}}}), "{document}");
        }
    }
}

#[tokio::test]
async fn a_missing_node_is_null_without_an_error() {
    check(CE, &[
        (r#"mutation { CreatePerson(identifier: "a") { identifier } CreatePlace(identifier: "p") { identifier } }"#,
            json!({"CreatePerson": {"identifier": "a"}, "CreatePlace": {"identifier": "p"}})),
        (r#"mutation { UpdatePerson(identifier: "p", name: "x") { name } }"#, json!({"UpdatePerson": null})),
        (r#"mutation { UpdateControlAction(identifier: "none") { name } }"#, json!({"UpdateControlAction": null})),
        (r#"mutation { DeletePerson(identifier: "p") { name } }"#, json!({"DeletePerson": null})),
        (r#"mutation { AddPersonKnows(from: {identifier: "a"}, to: {identifier: "p"}) { __typename from { identifier } } }"#, json!({"AddPersonKnows": null})),
        (r#"mutation { MergePersonKnows(from: {identifier: "none"}, to: {identifier: "a"}) { __typename } }"#, json!({"MergePersonKnows": null})),
        (r#"mutation { RemovePersonKnows(from: {identifier: "a"}, to: {identifier: "none"}) { __typename } }"#, json!({"RemovePersonKnows": null})),
        ("{ Person { knows { identifier } } }", json!({"Person": [{"knows": []}]})),
    ])
    .await;
}

#[tokio::test]
async fn delete_answers_what_was_and_takes_the_relations_along() {
    check(CE, &[
        (
            r#"mutation { a: CreatePerson(identifier: "a", name: "A") { name } b: CreatePerson(identifier: "b") { knows { name } }
              ab: AddPersonKnows(from: {identifier: "a"}, to: {identifier: "b"}) { __typename }
              ba: AddPersonKnows(from: {identifier: "b"}, to: {identifier: "a"}) { __typename } }"#,
            json!({"a": {"name": "A"}, "b": {"knows": []}, "ab": {"__typename": "_AddPersonKnowsPayload"}, "ba": {"__typename": "_AddPersonKnowsPayload"}}),
        ),
        (
            r#"mutation { DeletePerson(identifier: "a") { __typename name knows { identifier knows { name } } } }"#,
            json!({"DeletePerson": {"__typename": "Person", "name": "A", "knows": [{"identifier": "b", "knows": [{"name": "A"}]}]}}),
        ),
        ("{ Person { identifier knows { name } } }", json!({"Person": [{"identifier": "b", "knows": []}]})),
        (r#"mutation { a: CreatePerson(identifier: "a") { knows { identifier } } }"#, json!({"a": {"knows": []}})),
        ("{ Person(orderBy: identifier_desc) { identifier knows { name } } }",
            json!({"Person": [{"identifier": "b", "knows": []}, {"identifier": "a", "knows": []}]})),
    ])
    .await;
}

#[tokio::test]
async fn what_is_required_cannot_be_removed_or_left_out() {
    check(LIBRARY, &[
        (r#"mutation { CreateBook(isbn: "1", title: "T") { isbn title } }"#, json!({"CreateBook": {"isbn": "1", "title": "T"}})),
        (
            r#"mutation { UpdateBook(isbn: "1", title: null) { title } }"#,
            json!({"data": {"UpdateBook": null}, "errors": ["BAD_USER_INPUT: `title` is required and cannot be set to null"]}),
        ),
        (
            r#"mutation { MergeBook(isbn: "1", title: null) { title } }"#,
            json!({"data": {"MergeBook": null}, "errors": ["BAD_USER_INPUT: `title` is required and cannot be set to null"]}),
        ),
        (
            r#"mutation { MergeBook(isbn: "2", pages: 3) { title } }"#,
            json!({"data": {"MergeBook": null}, "errors": [r#"BAD_USER_INPUT: Book with isbn "2" does not exist, and cannot be created without `title`"#]}),
        ),
        (r#"mutation { MergeBook(isbn: "1", pages: 3) { title pages } }"#, json!({"MergeBook": {"title": "T", "pages": 3}})),
        ("{ Book { isbn title pages } }", json!({"Book": [{"isbn": "1", "title": "T", "pages": 3}]})),
    ])
    .await;
}

#[tokio::test]
async fn root_fields_stand_alone() {
    check(CE, &[
        (
            r#"mutation { one: CreatePerson(identifier: "a") { identifier } two: CreatePerson(identifier: "a") { identifier }
              three: CreatePerson(identifier: "b", additionalType: ["nonsense"]) { identifier } four: CreatePerson(identifier: "c") { identifier } }"#,
            json!({
                "data": {"one": {"identifier": "a"}, "two": null, "three": null, "four": {"identifier": "c"}},
                "errors": [
                    r#"CONFLICT: Person with identifier "a" already exists"#,
                    "BAD_USER_INPUT: additionalType list can only contain valid URLs with protocol"
                ]
            }),
        ),
        ("{ Person { identifier } }", json!({"Person": [{"identifier": "a"}, {"identifier": "c"}]})),
    ])
    .await;
}

#[tokio::test]
async fn lists_of_urls_are_checked_in_every_node_mutation() {
    let engine = support::engine(support::model(CE)).await;
    let refused = "BAD_USER_INPUT: additionalType list can only contain valid URLs with protocol";
    for mutation in ["CreatePlace", "UpdatePlace", "MergePlace"] {
        for (list, is_valid) in [
            (r#"["https://example.org/a"]"#, true),
            ("[]", true),
            ("null", true),
            (r#"["https://example.org", "example.org"]"#, false),
            (r#"["https://localhost/"]"#, false),
            ("[null]", false),
        ] {
            let document = format!(
                "mutation {{ it: {mutation}(identifier: \"{}\", additionalType: {list}) {{ __typename }} }}",
                list.replace('"', "")
            );
            let answer = plain(&support::run(&engine, &document).await);
            if is_valid {
                assert!(answer["errors"].is_null(), "{document}: {answer}");
            } else {
                assert_eq!(answer, json!({"data": {"it": null}, "errors": [refused]}), "{document}");
            }
        }
    }
}

#[tokio::test]
async fn a_required_relation_is_missing_until_it_is_added() {
    let missing = "INTERNAL_SERVER_ERROR: Cannot return null for non-nullable field AnnotationCETarget.target.";
    check(CE, &[
        (
            r#"mutation { CreateAnnotationCETarget(identifier: "t") { identifier target { identifier } } }"#,
            json!({"data": {"CreateAnnotationCETarget": null}, "errors": [missing]}),
        ),
        ("{ AnnotationCETarget { identifier } }", json!({"AnnotationCETarget": [{"identifier": "t"}]})),
        (
            "{ AnnotationCETarget { identifier target { identifier } } }",
            json!({"data": {"AnnotationCETarget": [null]}, "errors": [missing]}),
        ),
        (
            r#"mutation { CreatePerson(identifier: "p") { identifier }
              AddAnnotationCETargetTarget(from: {identifier: "t"}, to: {identifier: "p"}) { from { target { __typename identifier } } to { ... on Person { name } } } }"#,
            json!({"CreatePerson": {"identifier": "p"}, "AddAnnotationCETargetTarget": {"from": {"target": {"__typename": "Person", "identifier": "p"}}, "to": {"name": null}}}),
        ),
    ])
    .await;
}

/// `serde_json` would write what is under that key as it stands.
#[tokio::test]
async fn any_json_is_stored_as_it_was_sent_and_no_text_passes_for_json() {
    let engine = support::engine(support::model(LIBRARY)).await;
    let create = "mutation ($it: Measures) { CreateBook(isbn: \"1\", title: \"t\", measures: $it) { measures } }";
    let raw = |text: &str| json!({"it": {"inner": [{"$serde_json::private::RawValue": text}]}});
    for text in ["{", "[1]", ""] {
        let answer = support::run_with(&engine, create, raw(text)).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    }
    let value = json!({"height": 21.5, "parts": [1, null, {"a": "\u{e9}\""}], "": {}});
    let answer = support::run_with(&engine, create, json!({ "it": value })).await;
    assert_eq!(answer["data"], json!({"CreateBook": {"measures": value}}));
}
