//! Every object type of the shipped schema, each with a value in every property and a node in every relation.

use std::collections::BTreeMap;

use clef::graphql::{Limits, Request};
use clef::model::types::Direction;
use clef::model::{Field, Model, NodeType, Property, PropertyType, Relation};
use serde_json::{Value, json};

use super::World;
use crate::support;

/// A value as GraphQL writes it, and as documents show it.
fn value(model: &Model, property: &Property) -> (String, Value) {
    let (literal, shown) = match &property.ty {
        PropertyType::Id | PropertyType::String if property.is_url => {
            let url = format!("https://example.org/{}", property.name);
            (format!("{url:?}"), json!(url))
        }
        PropertyType::Id | PropertyType::String => {
            let text = format!("{} \"ü\" <@id>", property.name);
            (json!(text).to_string(), json!(text))
        }
        PropertyType::Int => ("3".to_owned(), json!(3)),
        PropertyType::Float => ("1.25".to_owned(), json!(1.25)),
        PropertyType::Boolean => ("false".to_owned(), json!(false)),
        PropertyType::Enum(name) => {
            let clef::model::api::ApiKind::Enum(values) = &model.api().get(name).unwrap().kind else {
                panic!("{name} is no enum")
            };
            let first = values.iter().next().unwrap().name.to_string();
            (first.clone(), json!(first))
        }
        PropertyType::Date => ("{formatted: \"1819-09-13\"}".to_owned(), json!("1819-09-13")),
        PropertyType::DateTime => {
            let formatted = "{formatted: \"2021-06-22T13:47:10.690[Europe/Amsterdam]\"}";
            (formatted.to_owned(), json!("2021-06-22T13:47:10.69+02:00"))
        }
        PropertyType::Custom(_) => ("[1, {at: \"x\"}]".to_owned(), json!([1, {"at": "x"}])),
    };
    if property.is_list { (format!("[{literal}]"), json!([shown])) } else { (literal, shown) }
}

fn key(ty: &NodeType) -> String {
    format!(
        "00000000-0000-4000-8000-{:0>12}",
        ty.name.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007)
    )
}

fn create(model: &Model, ty: &NodeType) -> String {
    let arguments: Vec<_> = ty
        .properties()
        .filter(|property| !property.name.starts_with('_') && property.timestamp.is_none())
        .map(|property| {
            let literal = if property.is_key { format!("\"{}\"", key(ty)) } else { value(model, property).0 };
            format!("{}: {literal}", property.name)
        })
        .collect();
    format!("{name}: Create{name}({}) {{ __typename }}", arguments.join(", "), name = ty.name)
}

/// To the first type that the relation may lead to.
fn relate(model: &Model, ty: &NodeType, relation: &Relation) -> String {
    let target = model.node_type(model.node_type(relation.target).possible[0]);
    let (from, to) = match relation.direction {
        Direction::Out => (key(ty), key(target)),
        Direction::In => (key(target), key(ty)),
    };
    let name = clef::model::names::relation_mutation("Merge", &ty.name, &relation.field);
    format!(
        "{name}(from: {{identifier: \"{from}\"}}, to: {{identifier: \"{to}\"}}) {{ __typename from {{ __typename }} }}"
    )
}

async fn filled() -> World {
    let world = World::new("schema").await;
    let model = world.engine.model();
    for (_, ty) in model.objects() {
        world.run(&format!("mutation {{ {} }}", create(model, ty))).await;
    }
    for (_, ty) in model.objects() {
        let relations: Vec<_> = ty.relations().map(|relation| relate(model, ty, relation)).collect();
        for some in relations.chunks(Limits::default().root_fields) {
            let request = Request { query: format!("mutation {{ {} }}", some.join(" ")), ..Request::default() };
            let answer = support::json(&world.engine.execute(request, support::access(&["*"])).await);
            assert!(answer["errors"].is_null(), "{answer}");
            assert!(!answer.to_string().contains("null"), "{answer}");
        }
    }
    world
}

/// Keys of the CE-API's JSON-LD by type and field; `@type` is a field here.
fn published() -> BTreeMap<(&'static str, &'static str), Vec<&'static str>> {
    let lines = include_str!("../../../data/jsonld-keys.tsv").lines().map(|line| {
        let mut columns = line.split('\t');
        (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap())
    });
    lines
        .flat_map(|(field, keys, types)| types.split(' ').map(move |ty| ((ty, field), keys.split(' ').collect())))
        .collect()
}

fn check_json(model: &Model, ty: &NodeType, document: &Value, base: &str) {
    let shown: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    let fields: Vec<_> = ty.fields.keys().map(|name| &**name).filter(|name| !name.starts_with('_')).collect();
    assert_eq!(shown, fields, "{}", ty.name);
    for (name, field) in &ty.fields {
        let (path, found) = (format!("{}.{name}", ty.name), &document[&**name]);
        match field {
            Field::Property(property) if property.is_key => assert_eq!(found, &json!(key(ty)), "{path}"),
            Field::Property(property) if property.timestamp.is_some() => assert!(!found.is_null(), "{path}"),
            Field::Property(property) if !name.starts_with('_') => {
                assert_eq!(found, &value(model, property).1, "{path}");
            }
            Field::Property(_) => {}
            // Embedded nodes have a test of their own.
            Field::Relation(_) if *ty.name == *"ItemList" && **name == *"itemListElement" => {}
            Field::Relation(relation) => {
                let urls = if relation.is_list { found.as_array().unwrap().clone() } else { vec![found.clone()] };
                let targets = &model.node_type(relation.target).possible;
                let expected = format!("{base}/{}", key(model.node_type(targets[0])));
                assert!(urls.contains(&json!(expected)) || !relation.is_list && !found.is_null(), "{path}: {found}");
            }
        }
    }
}

fn check_json_ld(ty: &NodeType, document: &Value, base: &str) {
    let published = published();
    assert_eq!(document["@id"], json!(format!("{base}/{}", key(ty))), "{}", ty.name);
    let context = &document["@context"];
    assert_eq!((&context[0], &context[1]["dc"]), (&json!("https://schema.org"), &json!("http://purl.org/dc/terms/")));
    let types: Vec<_> = document["@type"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    if let Some(expected) = published.get(&(&*ty.name, "@type")) {
        assert!(types.starts_with(expected), "{types:?} {expected:?}");
        assert!(types.contains(&"https://example.org/additionalType"), "{types:?}");
    }
    for ((_, field), keys) in published.iter().filter(|((of, _), _)| **of == *ty.name) {
        if ["@type", "additionalType"].contains(field) {
            continue;
        }
        for key in keys.iter().filter(|key| !key.is_empty()) {
            assert!(!document[*key].is_null(), "{}.{field}: {key} is missing in {document}", ty.name);
        }
    }
    let lost = ["termCode", "inDefinedTermSet", "hasDefinedTerm", "ratingExplanation", "inverseOf", "rangeIncludes"];
    for name in lost.iter().filter(|name| ty.fields.contains_key(**name)) {
        assert!(!document[*name].is_null(), "{}.{name}", ty.name);
    }
    for (name, field) in &ty.fields {
        let is_date = matches!(field, Field::Property(property) if property.ty == PropertyType::Date);
        if is_date && let Some(keys) = published.get(&(&*ty.name, &**name)) {
            assert_eq!(document[keys[0]], "1819-09-13", "{}.{name}", ty.name);
        }
    }
    assert!(!document.to_string().contains(":null"), "{document}");
}

#[tokio::test]
async fn every_type_has_all_its_fields_as_json_and_all_published_keys_as_json_ld() {
    let world = filled().await;
    let model = world.engine.model();
    let base = "http://test";
    for (_, ty) in model.objects() {
        check_json(model, ty, &world.json(&key(ty)).await, base);
        check_json_ld(ty, &world.json_ld(&key(ty)).await, base);
    }
}

#[tokio::test]
async fn what_is_absent_is_null_in_json_and_nothing_in_json_ld() {
    let world = World::new("schema").await;
    world
        .run(r#"mutation { CreateAction(identifier: "a") { name } CreatePerson(identifier: "p", name: "") { name } }"#)
        .await;
    let action = world.json("a").await;
    assert_eq!((&action["agent"], &action["participant"], &action["object"]), (&Value::Null, &Value::Null, &json!([])));
    assert_eq!((&action["result"], &action["date"]), (&Value::Null, &Value::Null));
    let document = world.json_ld("a").await;
    let keys: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["@context", "@id", "@type", "dc:identifier", "identifier", "dc:created", "dc:modified"]);
    let modified = &document["@context"][1]["dc:modified"];
    assert_eq!(
        modified,
        &json!({"@id": "http://purl.org/dc/terms/modified", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"})
    );
    assert_eq!(world.json_ld("p").await["name"], "", "an empty text is a value");
}

#[tokio::test]
async fn what_vocabularies_want_otherwise_is_rendered_as_they_want_it() {
    let world = World::new("schema").await;
    world
        .run(
            r#"mutation {
              a: CreateAction(identifier: "a", agent: "DJ", participant: ["https://example.org/1", "MC"]) { name }
              s: CreateDefinedTermSet(identifier: "s", broaderMotivation: linking, broaderUrl: "https://example.org/m",
                 contributor: "c", creator: "c", format: "f", source: "s", title: "t") { name }
              n: CreateAnnotation(identifier: "n", motivation: tagging, targetUrl: ["https://example.org/t"], creator: "c", bodyUrl: ["https://example.org/b"]) { name }
              t: CreateAnnotationCETarget(identifier: "t", field: "name", fragment: "char=0,3") { __typename }
              m: CreateMusicComposition(identifier: "m", mediumOfPerformance: ["https://example.org/violin"]) { name } }"#,
        )
        .await;
    let of = |key: &'static str, member: &'static str| {
        let world = &world;
        async move { world.json_ld(key).await[member].clone() }
    };
    assert_eq!(of("a", "agent").await, json!({"@type": "Person", "callSign": "DJ"}));
    let participants =
        json!([{"@type": "Person", "url": "https://example.org/1"}, {"@type": "Person", "callSign": "MC"}]);
    assert_eq!(of("a", "participant").await, participants);
    let broader = json!(["https://example.org/m", "https://www.w3.org/ns/oa#linking"]);
    assert_eq!(of("s", "skos:broader").await, broader);
    assert_eq!(
        of("s", "@type").await,
        json!(["https://schema.org/DefinedTermSet", "https://www.w3.org/ns/oa#Motivation"])
    );
    assert_eq!(of("n", "@type").await, json!(["http://www.w3.org/ns/oa#Annotation"]));
    assert_eq!(of("n", "oa:motivatedBy").await, json!({"@id": "http://www.w3.org/ns/oa#tagging"}));
    assert_eq!(of("n", "oa:hasTarget").await, json!([{"@id": "https://example.org/t"}]));
    let selectors = json!([{"@type": "oa:Selector", "rdf:value": "name"}, {"@type": "oa:FragmentSelector", "rdf:value": "char=0,3"}]);
    assert_eq!(of("t", "oa:hasSelector").await, selectors);
    assert_eq!(of("m", "rdau:P60537").await, json!([{"@id": "https://example.org/violin"}]));
}
