//! Every mutation of the schema asks for its own scope, before anything is written.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::sync::Arc;

use clef::auth::Access;
use clef::graphql::{Engine, Request};
use clef::model::Model;
use clef::model::api::{ApiKind, ApiTypeRef, MUTATION};
use serde_json::Value;

use crate::support::{access, engine, json, model};

/// Field and scope of each mutation of the Contributor Environment, as its server has them.
fn published_scopes() -> BTreeMap<String, String> {
    let packed: &[u8] = include_bytes!("../data/ce-scopes.tsv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    rows.map(|(field, scope)| (field.to_owned(), scope.split('\t').next().unwrap().to_owned())).collect()
}

#[test]
fn every_mutation_has_the_scope_that_clients_know() {
    let published = published_scopes();
    assert_eq!(published.len(), 3_700);
    let model = model("schema");
    let differing: Vec<_> = published
        .iter()
        .filter(|(field, scope)| model.mutations().get(field.as_str()).map(|own| &*own.scope) != Some(scope.as_str()))
        .collect();
    assert!(differing.is_empty(), "{} differ, for example {:?}", differing.len(), differing.first());
}

#[test]
fn no_two_mutations_share_a_scope() {
    let model = model("schema");
    let distinct: std::collections::BTreeSet<_> = model.mutations().values().map(|field| &field.scope).collect();
    assert_eq!(distinct.len(), model.mutations().len());
}

/// A literal that a required argument accepts.
fn literal(model: &Model, ty: &ApiTypeRef, text: &mut String) {
    let name = match ty {
        ApiTypeRef::NonNull(inner) => return literal(model, inner, text),
        ApiTypeRef::List(_) => return text.push_str("[]"),
        ApiTypeRef::Named(name) => name,
    };
    match &model.api().get(name).unwrap().kind {
        ApiKind::Enum(values) => text.push_str(&values[0].name),
        ApiKind::Input(fields) => {
            text.push('{');
            for field in fields.values().filter(|field| field.ty.is_non_null()) {
                write!(text, "{}: ", field.name).unwrap();
                literal(model, &field.ty, text);
            }
            text.push('}');
        }
        _ => text.push_str(match &**name {
            "Int" | "Float" => "1",
            "Boolean" => "true",
            _ => "\"none\"",
        }),
    }
}

/// A mutation with nothing but its required arguments.
fn document(model: &Model, field: &str) -> String {
    format!("mutation {{ {} }}", call(model, field))
}

/// A field of it.
pub(crate) fn call(model: &Model, field: &str) -> String {
    let published = model.api().field(MUTATION, field).unwrap();
    let mut arguments = String::new();
    for argument in published.arguments.iter().filter(|argument| argument.ty.is_non_null()) {
        write!(arguments, "{}: ", argument.name).unwrap();
        literal(model, &argument.ty, &mut arguments);
        arguments.push(' ');
    }
    let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
    format!("{field}{arguments} {{ __typename }}")
}

/// Globs that cover every scope but this one: for each position, any other character there and anything after.
fn every_other_scope(scope: &str) -> Vec<String> {
    const CHARACTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:";
    let common = "Mutation:".len();
    let mut globs: Vec<String> = (common..scope.len())
        .map(|position| {
            let others: String =
                CHARACTERS.chars().filter(|other| *other != scope[position..].chars().next().unwrap()).collect();
            format!("{}[{others}]*", &scope[..position])
        })
        .collect();
    globs.push(format!("{scope}?*"));
    globs
}

async fn codes(engine: &Engine, document: &str, access: Arc<Access>) -> (Value, Vec<String>) {
    let request = Request { query: document.to_owned(), ..Request::default() };
    let answer = json(&engine.execute(request, access).await);
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let codes = errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none").to_owned()).collect();
    (answer, codes)
}

#[tokio::test]
async fn every_mutation_is_refused_without_its_scope_and_allowed_with_it() {
    let model = model("schema");
    let engine = engine(Arc::clone(&model)).await;
    for (field, mutation) in model.mutations() {
        let document = document(&model, field);
        let (answer, refused) = codes(&engine, &document, Arc::new(Access::Anonymous)).await;
        assert_eq!(refused, ["UNAUTHENTICATED"], "{document} without a token: {answer}");
        assert_eq!(answer["errors"][0]["message"], "No authorization token.");

        let others = every_other_scope(&mutation.scope);
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let (answer, refused) = codes(&engine, &document, access(&others)).await;
        assert_eq!(refused, ["FORBIDDEN"], "{document} with every other scope: {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["requiredScopes"][0], *mutation.scope);
        assert!(answer["data"][&**field].is_null());

        let (answer, errors) = codes(&engine, &document, access(&[&mutation.scope])).await;
        let is_allowed = !errors.iter().any(|code| code == "FORBIDDEN" || code == "UNAUTHENTICATED");
        assert!(is_allowed, "{document} with its own scope: {answer}");
    }
}

#[test]
fn the_globs_for_every_other_scope_cover_just_that() {
    let model = model("schema");
    let scopes: Vec<&str> = model.mutations().values().map(|field| &*field.scope).collect();
    for scope in scopes.iter().step_by(400) {
        let set = clef::scope::ScopeSet::compile(&every_other_scope(scope)).unwrap();
        for other in &scopes {
            assert_eq!(set.grants(other), other != scope, "{scope} and {other}");
        }
    }
}

#[tokio::test]
async fn all_guards_are_asked_before_the_first_write_and_each_field_is_refused_on_its_own() {
    let engine = engine(model("schema")).await;
    let document = r#"mutation {
        a: CreatePerson(identifier: "a") { identifier }
        b: CreatePlace(identifier: "b") { identifier }
        ...More
    }
    fragment More on Mutation { c: CreatePerson(identifier: "c") { identifier } }"#;
    let (answer, refused) = codes(&engine, document, access(&["Mutation:Person:*"])).await;
    assert_eq!(refused, ["FORBIDDEN"]);
    assert_eq!(answer["data"], serde_json::json!({"a": {"identifier": "a"}, "b": null, "c": {"identifier": "c"}}));
    assert_eq!(answer["errors"][0]["path"], serde_json::json!(["b"]));
}

#[tokio::test]
async fn a_query_needs_no_token() {
    let engine = engine(model("schema")).await;
    let (answer, refused) = codes(&engine, "{ Person { identifier } }", Arc::new(Access::Anonymous)).await;
    assert!(refused.is_empty());
    assert_eq!(answer, serde_json::json!({"data": {"Person": []}}));
}
