//! The shipped schema against the published data model, field by field.

use std::collections::BTreeSet;
use std::io::Read;

use clef::sdl::syntax::{Definitions, Direction, FieldDefinition};

fn shipped() -> Result<Definitions, Box<dyn std::error::Error>> {
    let sources = clef::sdl::read_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/schema"))?;
    Ok(clef::sdl::parse(&sources)?)
}

/// Type, field, its type, relation name, direction, description: the columns of `ce-fields.tsv.gz`.
fn row(owner: &str, field: &FieldDefinition) -> String {
    let (relation, direction) = match &field.directives.relation {
        None => ("", ""),
        Some(relation) if relation.direction == Direction::Out => (relation.name.as_str(), "OUT"),
        Some(relation) => (relation.name.as_str(), "IN"),
    };
    let description = field.description.as_deref().unwrap_or_default();
    format!("{owner}\t{}\t{}\t{relation}\t{direction}\t{description}", field.name, field.ty)
}

#[test]
fn every_field_is_as_published() {
    let packed: &[u8] = include_bytes!("../data/ce-fields.tsv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let expected: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let definitions = shipped().unwrap();
    let types = [&definitions.interfaces, &definitions.objects, &definitions.payloads];
    let actual: BTreeSet<String> =
        types.into_iter().flatten().flat_map(|ty| ty.fields.iter().map(|field| row(&ty.name, field))).collect();
    assert_eq!(expected.len(), 2997);
    assert_eq!(expected.difference(&actual).collect::<Vec<_>>(), [""; 0], "missing");
    assert_eq!(actual.difference(&expected).collect::<Vec<_>>(), [""; 0], "not published");
}

#[test]
fn the_counts_are_as_published() {
    let definitions = shipped().unwrap();
    let counts = [
        definitions.interfaces.len(),
        definitions.objects.len(),
        definitions.payloads.len(),
        definitions.enums.len(),
        definitions.inputs.len(),
        definitions.scalars.len(),
        definitions.queries.len(),
        definitions.mutations.len(),
        definitions.subscriptions.len(),
    ];
    assert_eq!(counts, [12, 42, 1, 25, 4, 2, 2, 1, 6]);
}

#[test]
fn every_node_has_the_key_identifier() {
    let definitions = shipped().unwrap();
    for node in definitions.interfaces.iter().chain(&definitions.objects) {
        let keys: Vec<_> = node.fields.iter().filter(|field| field.directives.id).collect();
        assert_eq!(keys.len(), 1, "{}", node.name);
        assert_eq!(keys[0].name, "identifier", "{}", node.name);
    }
}

#[test]
fn created_and_modified_are_set_by_the_server_in_every_type() {
    for object in &shipped().unwrap().objects {
        for (name, events) in [("created", (true, false)), ("modified", (true, true))] {
            let field = object.fields.iter().find(|field| field.name == name).unwrap();
            let timestamp = field.directives.timestamp.unwrap();
            assert_eq!((timestamp.on_create, timestamp.on_update), events, "{}.{name}", object.name);
        }
    }
}

static EMBEDDED: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/schema");

#[test]
fn compiled_in_files_are_those_of_the_folder() {
    let embedded = clef::sdl::Sources::from_embedded("schema", &EMBEDDED).unwrap();
    let folder = clef::sdl::read_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/schema")).unwrap();
    assert!(embedded.iter().eq(folder.iter()));
}
