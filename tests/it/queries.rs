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

#[tokio::test]
async fn a_document_that_is_asked_again_follows_its_variables() {
    let engine = support::engine(support::model(FOLDER)).await;
    assert!(support::run(&engine, DATA).await["errors"].is_null());
    let whole = "query Q($a: Boolean!, $key: ID!, $n: Int) { Book(isbn: $key) { isbn ...F } \
        all: Book(first: $n) { isbn title @include(if: $a) } \
        merged: Book(isbn: $key) { isbn } merged: Book(isbn: $key) @include(if: $a) { shelf } } \
        fragment F on Book { writtenBy { number @skip(if: $a) __typename } }";
    for _ in 0..2 {
        for (a, key) in [(true, "a"), (false, "b"), (true, "b"), (false, "a")] {
            let answer = support::run_with(&engine, whole, json!({"a": a, "key": key, "n": 1})).await;
            let by = match (key, a) {
                ("a", true) => json!([{"__typename": "Author"}]),
                ("a", false) => json!([{"number": "n", "__typename": "Author"}]),
                _ => json!([]),
            };
            let shelf = if key == "a" { Json::Null } else { json!("s") };
            let expected = json!({"data": {
                "Book": [{"isbn": key, "writtenBy": by}],
                "all": [if a { json!({"isbn": "a", "title": "A"}) } else { json!({"isbn": "a"}) }],
                "merged": [if a { json!({"isbn": key, "shelf": shelf}) } else { json!({"isbn": key}) }],
            }});
            assert_eq!(answer, expected, "{a} {key}");
        }
    }
}

#[tokio::test]
async fn absent_values_come_last_unless_the_filter_leaves_them_out() {
    let shelved = json!({"Book": [{"isbn": "b"}]});
    check(&[
        ("{ Book(orderBy: [shelf_asc, isbn_desc]) { isbn } }", books(&["b", "c", "a"])),
        (r#"{ Book(filter: {shelf_not: "t"}, orderBy: [shelf_asc]) { isbn } }"#, shelved),
        (r"{ Book(filter: {shelf_not_in: []}, orderBy: [shelf_asc, isbn_desc]) { isbn } }", books(&["b", "c", "a"])),
        (r#"{ Book(filter: {OR: [{shelf: "s"}, {isbn: "c"}]}, orderBy: [shelf_asc]) { isbn } }"#, books(&["b", "c"])),
    ])
    .await;
}
