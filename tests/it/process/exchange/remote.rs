//! `clef import --from` a server of Clef, over everything that the built-in schema has.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clef::model::types::Direction;
use clef::model::{Model, NodeType, Property, PropertyType};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{SETTINGS, clef_with, told};
use crate::process::program::{Folder, Program, command};
use crate::support::{self, cluster};

const NODES: usize = 600;
const RELATIONS: usize = 2_000;
const DATES: [&str; 4] = ["1819-09-13", "-999956-03-15 -0044-03-15", "Y012345-01-01 +12345-01-01", "0000-01-01"];
const TIMES: [&str; 6] = [
    "2021-06-22T13:47:10.690000000Z",
    "2021-06-22T13:47:10.123456789Z",
    "2021-06-22T13:47:10.000000000Z 2021-06-22T13:47:10Z[UTC]",
    "2021-06-22T11:47:10.000000000Z+07200 2021-06-22T13:47:10+02:00",
    "2021-06-22T15:47:10.000000000-57600 2021-06-22T13:47:10-02:00",
    "2021-06-22T11:47:10.000000000Z+07200 2021-06-22T13:47:10+02:00[Europe/Amsterdam]",
];
const TEXTS: [&str; 5] = ["", "Clara", "Größe \"quoted\" \\ 🎼", "two\nlines\t", "交响曲"];

fn value(model: &Model, property: &Property, random: &mut StdRng) -> Value {
    let one = |random: &mut StdRng| match &property.ty {
        PropertyType::Id | PropertyType::String if property.is_url => json!("https://example.org/ä"),
        PropertyType::Id | PropertyType::String => json!(TEXTS.choose(random).unwrap()),
        PropertyType::Int => json!(random.random::<i32>()),
        PropertyType::Float => json!(f64::from(random.random_range(-1_000_000..1_000_000)) / 64.0),
        PropertyType::Boolean => json!(random.random::<bool>()),
        PropertyType::Date => json!(DATES.choose(random).unwrap()),
        PropertyType::DateTime => json!(TIMES.choose(random).unwrap()),
        PropertyType::Custom(_) => [json!("PT3M"), json!(5), json!({"a": [1, null]})].choose(random).unwrap().clone(),
        PropertyType::Enum(name) => {
            let Some(clef::model::api::ApiKind::Enum(values)) = model.api().get(name).map(|ty| &ty.kind) else {
                panic!()
            };
            json!(&*values.choose(random).unwrap().name)
        }
    };
    if property.is_list { (0..random.random_range(0..3)).map(|_| one(random)).collect() } else { one(random) }
}

/// Random nodes and relations. What a single field shows is one relation of perhaps several: those are left out.
fn lines(model: &Model, header: &str) -> String {
    let mut random = StdRng::seed_from_u64(7);
    let types: Vec<&NodeType> = model.objects().map(|(_, ty)| ty).collect();
    let mut keys: Vec<(&NodeType, String)> = Vec::new();
    let mut text = format!("{header}\n");
    for number in 0..NODES {
        // One has so many relations that its lists have to be read in parts.
        let ty = types[if number < 2 { 0 } else { random.random_range(0..types.len()) }];
        let key = format!("{:08x}-{number}", random.random::<u32>());
        let stored = ty.properties().filter(|property| property.column.is_some() && !property.is_key);
        let chosen: Vec<_> = stored.filter(|_| random.random_bool(0.3)).collect();
        let values: serde_json::Map<String, Value> = chosen
            .into_iter()
            .map(|property| (property.name.to_string(), value(model, property, &mut random)))
            .collect();
        writeln!(text, "{}", json!({"node": &*ty.name, "key": key, "values": values})).unwrap();
        keys.push((ty, key));
    }
    let mut count = 0;
    while count < RELATIONS {
        let (ty, key) = if count < 500 { &keys[0] } else { keys.choose(&mut random).unwrap() };
        let lists: Vec<_> = ty.relations().filter(|relation| relation.is_list).collect();
        let (other, other_key) = keys.choose(&mut random).unwrap();
        let fits =
            |target| model.node_type(target).possible.iter().any(|id| *id == model.type_named(&other.name).unwrap());
        let Some(relation) = lists.into_iter().find(|relation| fits(relation.target)) else { continue };
        let (this, that) = ([&*ty.name, key], [&*other.name, other_key]);
        let (from, to) = if relation.direction == Direction::Out { (this, that) } else { (that, this) };
        // Some are there twice.
        for _ in 0..=usize::from(count % 10 == 0 && count + 1 < RELATIONS) {
            writeln!(text, "{}", json!({"relation": &*relation.name, "from": from, "to": to})).unwrap();
            count += 1;
        }
    }
    writeln!(text, "{}", json!({"end": {"nodes": NODES, "relations": RELATIONS}})).unwrap();
    text
}

fn exported(folder: &Path, settings: &[(&str, &str)]) -> String {
    let output = clef_with(folder, settings, &["export"], "");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_one_server_shows_goes_to_another_although_reading_is_interrupted() {
    let (one, two) = (Folder::new("shown"), Folder::new("read"));
    let model = support::model("schema");
    let output = clef_with(&one.0, &SETTINGS, &["migrate"], "");
    assert!(output.status.success(), "{}", told(&output));
    let header = exported(&one.0, &SETTINGS).lines().next().unwrap().to_owned();
    let output = clef_with(&one.0, &SETTINGS, &["import"], &lines(&model, &header));
    assert!(output.status.success(), "{}", told(&output));
    let original = exported(&one.0, &SETTINGS);
    let program = Program::start(&one.0, &SETTINGS);
    let address = format!("http://{}/graphql", program.address);
    let url = cluster::database();
    let settings = [&SETTINGS[..], &[("DATABASE_URL", url.as_str())]].concat();
    let arguments = ["import", "--from", &address, "--page", "40", "read.ndjson"];
    for pause in [1_500, 2_500] {
        let mut command = command(&two.0, &settings);
        let mut import = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        import.kill().ok();
        import.wait().unwrap();
    }
    let output = clef_with(&two.0, &settings, &arguments, "");
    assert!(output.status.success(), "{}", told(&output));
    let copy = exported(&two.0, &settings);
    assert_eq!(sorted(&copy), sorted(&original));
    // Once more, nothing is left to do.
    let again = clef_with(&two.0, &settings, &arguments, "");
    assert!(told(&again).contains("imported: 0 nodes, 0 relations"), "{}", told(&again));
}
