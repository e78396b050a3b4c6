//! What clients send wrong: the answer says what to change, tells nothing of what is behind it, and nothing is changed.

use serde_json::{Value as Json, json};

use super::support;

/// What an answer must not tell.
const INTERNAL: [&str; 12] =
    ["select", "insert", "sqlite", "sqlx", "sea_orm", "async_graphql", "panicked", "src/", "/root", ".rs", "0x", "SQL"];

struct Case {
    query: &'static str,
    variables: Json,
    code: &'static str,
    /// Parts of the message.
    says: &'static [&'static str],
}

fn case(query: &'static str, variables: Json, code: &'static str, says: &'static [&'static str]) -> Case {
    Case { query, variables, code, says }
}

async fn check(cases: Vec<Case>) {
    let engine = support::engine(support::model("schema")).await;
    let state = "{ ThingInterface { __typename identifier name } Rating { identifier ratingValue } }";
    support::run(&engine, r#"mutation { CreatePerson(identifier: "p", name: "P") { name } }"#).await;
    let before = support::run(&engine, state).await;
    for Case { query, variables, code, says } in cases {
        let answer = support::run_with(&engine, query, variables.clone()).await;
        let about = format!(
            "{} with {}:\n{answer}",
            &query[..query.len().min(300)],
            &variables.to_string()[..variables.to_string().len().min(300)]
        );
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no error: {about}"));
        let message = errors[0]["message"].as_str().unwrap();
        assert_eq!(errors[0]["extensions"]["code"], code, "{about}");
        for part in says {
            assert!(message.contains(part), "`{part}` is not in {about}");
        }
        assert!(message.chars().count() <= 501, "long: {about}");
        for word in INTERNAL {
            assert!(!answer.to_string().contains(word), "`{word}` is in {about}");
        }
    }
    assert_eq!(support::run(&engine, state).await, before);
}

#[tokio::test]
async fn values_of_variables_have_to_fit_their_types() {
    let create = "mutation ($it: String) { CreatePerson(name: $it) { name } }";
    let gender = "mutation ($it: Gender) { CreatePerson(gender: $it) { name } }";
    let first = "query ($it: Int) { Person(first: $it) { name } }";
    let code = "BAD_USER_INPUT";
    check(vec![
        case(gender, json!({"it": "unheard"}), code, &["$it", "unheard", "Gender", "female"]),
        case(gender, json!({"it": 3}), code, &["$it", "Gender"]),
        case(first, json!({"it": 2_147_483_648_i64}), code, &["$it", "2147483648", "2147483647"]),
        case(first, json!({"it": 1.5}), code, &["$it", "whole number"]),
        case(first, json!({"it": "3"}), code, &["$it", "Int"]),
        case(first, json!({"it": 1e300}), code, &["$it", "whole number"]),
        case(create, json!({"it": 3}), code, &["$it", "String"]),
        case(create, json!({"it": {"a": 1}}), code, &["$it", "an object"]),
        case(create, json!({"it": ["a"]}), code, &["$it", "a list"]),
        case(create, json!({"it": "a\u{0}b"}), code, &["$it", "NUL"]),
        case(
            "mutation ($it: String!) { CreatePerson(name: $it) { name } }",
            json!({}),
            code,
            &["$it", "String!", "not provided"],
        ),
        case(
            "mutation ($it: ID!) { DeletePerson(identifier: $it) { name } }",
            json!({"it": null}),
            code,
            &["$it", "null"],
        ),
        case(
            "query ($it: _PersonFilter) { Person(filter: $it) { name } }",
            json!({"it": {"nonsense": 1}}),
            code,
            &["$it", "nonsense", "_PersonFilter"],
        ),
        case(
            "query ($it: _PersonFilter) { Person(filter: $it) { name } }",
            json!({"it": {"AND": [{"name_in": [null]}]}}),
            code,
            &["$it", "AND", "name_in"],
        ),
        case(
            "query ($it: [_PersonOrdering]) { Person(orderBy: $it) { name } }",
            json!({"it": ["name"]}),
            code,
            &["$it", "_PersonOrdering"],
        ),
        case(
            "query ($it: Boolean!) { Person { name @include(if: $it) } }",
            json!({"it": "true"}),
            code,
            &["$it", "Boolean"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn literals_have_to_fit_their_types() {
    let code = "GRAPHQL_VALIDATION_FAILED";
    check(vec![
        case("{ Person(first: 2147483648) { name } }", Json::Null, code, &["first", "2147483647"]),
        case("{ Person(first: \"1\") { name } }", Json::Null, code, &["first"]),
        case("mutation { CreatePerson(gender: unheard) { name } }", Json::Null, code, &["gender"]),
        case("mutation { CreatePerson(gender: \"female\") { name } }", Json::Null, code, &["gender", "Gender"]),
        case("mutation { CreatePerson(name: 3) { name } }", Json::Null, code, &["name"]),
        case("mutation { CreatePerson(nonsense: 3) { name } }", Json::Null, code, &["nonsense"]),
        case("mutation { CreatePerson(name: \"a\\u0000b\") { name } }", Json::Null, code, &["NUL"]),
        case("{ Person(filter: {name_contains: \"\\u0000\"}) { name } }", Json::Null, code, &["NUL"]),
        case("mutation { DeletePerson { name } }", Json::Null, code, &["identifier"]),
        case("mutation { DeletePerson(identifier: null) { name } }", Json::Null, code, &["identifier"]),
        case("{ Person(filter: {name_in: [null]}) { name } }", Json::Null, code, &["filter"]),
    ])
    .await;
}

#[tokio::test]
async fn values_have_to_exist() {
    let code = "BAD_USER_INPUT";
    check(vec![
        case(
            "mutation { CreatePerson(birthDate: {year: 2021, month: 2, day: 30}) { name } }",
            Json::Null,
            code,
            &["birthDate", "30", "28"],
        ),
        case("mutation { CreatePerson(birthDate: {formatted: \"2021-13-01\"}) { name } }", Json::Null, code, &["13"]),
        case("mutation { CreatePerson(birthDate: {formatted: \"soon\"}) { name } }", Json::Null, code, &["soon"]),
        case("mutation { CreatePerson(birthDate: {}) { name } }", Json::Null, code, &["birthDate"]),
        case("mutation { CreatePerson(birthDate: {year: 2147483647}) { name } }", Json::Null, code, &["year"]),
        case(
            "mutation { UpdatePerson(identifier: \"p\", name: \"x\", birthDate: {day: 1}) { name } }",
            Json::Null,
            code,
            &["birthDate"],
        ),
        case(
            "mutation { MergePerson(identifier: \"p\", name: \"x\", birthDate: {month: 1}) { name } }",
            Json::Null,
            code,
            &["birthDate"],
        ),
        case("{ Person(filter: {birthDate_lt: {}}) { name } }", Json::Null, code, &["birthDate"]),
        case("{ Person(filter: {birthDate_gt: {month: 1}}) { name } }", Json::Null, code, &["birthDate", "year"]),
        case("{ Person(birthDate: {formatted: \"nonsense\"}) { name } }", Json::Null, code, &["nonsense"]),
        case("{ Person(filter: {name_regexp: \"(\"}) { name } }", Json::Null, code, &["regular expression"]),
        case("{ Person(filter: {name_regexp: \"(?<=a)b\"}) { name } }", Json::Null, code, &["look-around"]),
        case(
            "{ Person(filter: {name_regexp: \"((a{1000}){1000}){1000}\"}) { name } }",
            Json::Null,
            code,
            &["too large"],
        ),
        case(
            "mutation { CreatePerson(additionalType: [\"example.org\"]) { name } }",
            Json::Null,
            code,
            &["additionalType", "valid URLs"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn huge_values_are_refused_without_an_echo_or_kept_whole() {
    let huge = "x".repeat(200_000);
    let engine = support::engine(support::model("schema")).await;
    let create = "mutation ($it: String) { CreatePerson(name: $it) { name } }";
    let answer = support::run_with(&engine, create, json!({ "it": huge })).await;
    assert_eq!(answer["data"]["CreatePerson"]["name"].as_str().map(str::len), Some(200_000));
    for (query, variables) in [
        ("mutation ($it: Gender) { CreatePerson(gender: $it) { name } }", json!({ "it": huge })),
        (
            "mutation ($it: _Neo4jDateInput) { CreatePerson(birthDate: $it) { name } }",
            json!({"it": {"formatted": huge}}),
        ),
        ("query ($it: String) { Person(filter: {name_regexp: $it}) { name } }", json!({"it": format!("({huge}")})),
        ("query ($it: _PersonFilter) { Person(filter: $it) { name } }", json!({"it": {huge.as_str(): 1}})),
    ] {
        let answer = support::run_with(&engine, query, variables).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{query}");
        assert!(answer.to_string().len() < 2_000, "{query}: {} bytes", answer.to_string().len());
    }
    let mut nested = json!({"name": "x"});
    for _ in 0..200 {
        nested = json!({"AND": [nested]});
    }
    let answer = support::run_with(
        &engine,
        "query ($it: _PersonFilter) { Person(filter: $it) { name } }",
        json!({ "it": nested }),
    )
    .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
}
