//! What random queries found, each as the smallest document that showed it.

use serde_json::{Value as Json, json};

use super::support;

const FOLDER: &str = "tests/schemas/library";

const DATA: &str = r#"mutation {
  a: CreateBook(isbn: "a", title: "A", weightKilograms: 0.30000000000000004, subjects: ["x", "y"], published: {year: 1900}) { isbn }
  b: CreateBook(isbn: "b", title: "B", shelf: "s", weightKilograms: 0.1, subjects: ["x"]) { isbn }
  c: CreateBook(isbn: "c", title: "C", subjects: ["y"]) { isbn }
  n: CreateAuthor(number: "n") { number }
  AddBookWrittenBy(from: {number: "n"}, to: {isbn: "a"}) { __typename }
}"#;

async fn check(cases: &[(&str, Json)]) {
    let engine = support::engine(support::model(FOLDER)).await;
    let answer = support::run(&engine, DATA).await;
    assert!(answer["errors"].is_null(), "{answer}");
    for (query, expected) in cases {
        assert_eq!(support::run(&engine, query).await, json!({ "data": expected }), "{query}");
    }
}

fn books(keys: &[&str]) -> Json {
    json!({"Book": keys.iter().map(|key| json!({"isbn": key})).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_float_comes_back_as_it_was_stored() {
    let expected = json!({"Book": [
        {"weightKilograms": 0.300_000_000_000_000_04}, {"weightKilograms": 0.1}, {"weightKilograms": null}
    ]});
    check(&[("{ Book { weightKilograms } }", expected)]).await;
}

#[tokio::test]
async fn all_related_nodes_match_a_filter_without_conditions() {
    check(&[
        ("{ Book(filter: {writtenBy: {AND: []}}) { isbn } }", books(&["a"])),
        ("{ Book(filter: {writtenBy_every: {born: {}}}) { isbn } }", books(&["a"])),
        ("{ Book(filter: {writtenBy_in: [{AND: null}]}) { isbn } }", books(&["a"])),
        ("{ Book(filter: {writtenBy_none: {AND: []}}) { isbn } }", books(&[])),
    ])
    .await;
}

#[tokio::test]
async fn an_offset_skips_each_node_once_however_many_items_match() {
    check(&[
        (r#"{ Book(subjects: ["x", "y"], offset: 1) { isbn } }"#, books(&["b", "c"])),
        (r#"{ Book(filter: {subjects_contains: ["x", "y"]}, offset: 1, first: 1) { isbn } }"#, books(&["b"])),
    ])
    .await;
}

#[tokio::test]
async fn negative_operators_do_not_match_absent_values() {
    check(&[
        (r#"{ Book(filter: {shelf_not_ends_with: ""}) { isbn } }"#, books(&[])),
        (r#"{ Book(filter: {shelf_not_ends_with: "t"}) { isbn } }"#, books(&["b"])),
        ("{ Book(filter: {published_not_in: [{}]}) { isbn } }", books(&[])),
        ("{ Book(filter: {published_not_in: [{year: 1901}]}) { isbn } }", books(&["a"])),
        ("{ Book(filter: {published_in: [{}]}) { isbn } }", books(&["a"])),
    ])
    .await;
}
