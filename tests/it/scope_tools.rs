//! `clef scopes`, run as users do; and the least scopes of the documents that real clients send.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use clef::auth::{PublicOperations, Subject};
use clef::clock::Clock;
use clef::graphql::{Explainer, Needs};
use clef::scope::{Minimal, ScopeSet};
use serde_json::{Value, json};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema");
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/library");

/// A folder of its own, which goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("clef-scopes-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn clef(schema: &str, keys: &Value, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clef"));
    command.args(arguments).env_clear().env("SCHEMA_DIR", schema).current_dir(std::env::temp_dir());
    if !keys.is_null() {
        command.env("JWT_AUTH_KEYS", keys.to_string());
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn key(id: &str, scopes: &[&str]) -> Value {
    json!({"id": id, "apiKey": format!("key of {id}, long enough"), "scopes": scopes})
}

#[test]
fn documents_are_explained_from_a_file() {
    let folder = Folder::new();
    let file = folder.file(
        "a.graphql",
        "query Q { Person { name } } mutation M { a: CreatePerson { identifier } CreatePlace { identifier } }",
    );
    let (code, out, err) = clef(SCHEMA, &Value::Null, &["scopes", "explain", &file]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("public") && out.contains("Mutation:Place:Create"), "{out}");
    assert!(out.contains("least globs: Mutation:{Person,Place}:Create"), "{out}");
    let (code, out, _) = clef(SCHEMA, &Value::Null, &["scopes", "explain", &file, "--scope", "Mutation:Person:*"]);
    assert_eq!(code, 1);
    assert!(out.contains("granted by `Mutation:Person:*`") && out.contains("refused, no glob covers"), "{out}");
    let (code, out, _) =
        clef(SCHEMA, &Value::Null, &["scopes", "explain", &file, "--scope", "Mutation:P*:Create", "--json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer[1]["allowed"], &answer[1]["operationName"]), (0, &json!(true), &json!("M")));
    let wrong = folder.file("b.graphql", "{\n  Persom { name }\n}");
    let (code, _, err) = clef(SCHEMA, &Value::Null, &["scopes", "explain", &wrong]);
    assert_eq!(code, 1);
    assert!(err.contains("b.graphql:2:3: Unknown field"), "{err}");
}

#[test]
fn scopes_are_listed_by_glob() {
    let (code, out, _) = clef(SCHEMA, &Value::Null, &["scopes", "list", "--scope", "Mutation:Person:*"]);
    assert_eq!(code, 0);
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    let expected =
        ["Create", "Delete", "Merge", "Update"].map(|action| format!("Mutation:Person:{action}\t{action}Person"));
    assert_eq!(lines, expected);
    let (_, out, _) = clef(SCHEMA, &Value::Null, &["scopes", "list", "--scope", "Mutation:Person*:*", "--json"]);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&out).unwrap().len(), 118);
    let (code, out, err) = clef(SCHEMA, &Value::Null, &["scopes", "list", "--scope", "Mutation:Persom:*"]);
    assert_eq!((code, out.trim()), (0, ""));
    assert!(err.contains("did you mean `Mutation:Person:*`?"), "{err}");
    let (code, _, err) = clef(SCHEMA, &Value::Null, &["scopes", "list", "--scope", "!Mutation:*"]);
    assert!(code == 1 && err.contains("there is no negation"), "{err}");
}

#[test]
fn the_least_scopes_of_a_folder_are_printed() {
    let folder = Folder::new();
    folder.file("a.graphql", "mutation { CreatePerson { identifier } UpdatePerson(identifier: \"a\") { identifier } }");
    folder.file("below/b.gql", "query { Person { name } } ");
    folder.file("below/c.gql", "mutation A { DeletePlace(identifier: \"a\") { identifier } }");
    folder.file("notes.txt", "no document");
    let path = folder.0.display().to_string();
    let (code, out, err) = clef(SCHEMA, &Value::Null, &["scopes", "minimal", &path]);
    assert_eq!((code, out.as_str()), (0, "Mutation:Person:{Create,Update}\nMutation:Place:Delete\n"), "{err}");
    let (_, out, _) = clef(SCHEMA, &Value::Null, &["scopes", "minimal", "--exact", &path]);
    assert_eq!(out, "Mutation:Person:Create\nMutation:Person:Update\nMutation:Place:Delete\n");
    folder.file("d.graphql", "{ Nobody }");
    let (code, out, err) = clef(SCHEMA, &Value::Null, &["scopes", "minimal", &path]);
    assert!(code == 1 && out.is_empty() && err.contains("d.graphql:1:3"), "{out} {err}");
}

#[test]
fn keys_are_checked_against_the_schema() {
    let good = json!([key("people", &["Mutation:Person*:*"])]);
    let (code, out, _) = clef(SCHEMA, &good, &["scopes", "check"]);
    assert_eq!((code, out.as_str()), (0, "1 keys: nothing to find fault with\n"));
    let bad = json!([
        key("a", &["Mutation:Persom:*", "Query:ControlAction"]),
        key("b", &["Mutation:Property*:*"]),
        key("c", &["*", "Mutation:Person:Create"]),
    ]);
    let (code, out, _) = clef(SCHEMA, &bad, &["scopes", "check"]);
    assert_eq!(code, 1);
    for expected in [
        "a: nothing: `Mutation:Persom:*` covers nothing of the schema: did you mean `Mutation:Person:*`?",
        "a: nothing: `Query:ControlAction` covers nothing of the schema: did you mean `Query:ControlAction:*`?",
        "b: neighbour: `Mutation:Property*:*` covers not only `Property` and its relations, but also `PropertyValue`",
        "c: covered: `Mutation:Person:Create` is covered by `*`",
        "c: everything: ",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    let allowed = [
        "scopes",
        "check",
        "--allow",
        "everything",
        "--allow",
        "nothing",
        "--allow",
        "neighbour",
        "--allow",
        "covered",
    ];
    assert_eq!(clef(SCHEMA, &bad, &allowed).0, 0);
    let twice = json!([key("a", &["*"]), key("a", &["*"])]);
    let (code, _, err) = clef(SCHEMA, &twice, &["scopes", "check"]);
    assert!(code == 1 && err.contains("is another entry's, too"), "{err}");
    assert!(!out.contains("long enough"), "no secret is printed");
}

#[test]
fn the_schema_has_eight_types_whose_name_begins_another_ones() {
    let catalogue = crate::support::model("schema").catalogue();
    let types: BTreeSet<&str> = catalogue
        .scopes()
        .map(clef::scope::Scope::parts)
        .filter(|parts| parts.2 == "Create")
        .map(|parts| parts.1)
        .collect();
    let mut pairs = 0;
    for ty in &types {
        let globs = ScopeSet::compile(&[format!("Mutation:{ty}*:*")]).unwrap();
        let neighbours = types.iter().filter(|other| other != &ty && other.starts_with(ty)).count();
        let found = clef::scope::lint(&globs, &catalogue, |_| true);
        let caught = found.iter().map(|finding| match finding {
            clef::scope::Finding::Neighbour { caught, .. } => {
                caught.iter().filter(|it| types.contains(it.as_str())).count()
            }
            _ => 0,
        });
        assert_eq!(caught.sum::<usize>(), neighbours, "{ty}: {found:?}");
        pairs += neighbours;
    }
    assert_eq!(pairs, 8);
}

#[test]
fn a_changed_schema_is_told_as_rights_gained_and_lost() {
    let folder = Folder::new();
    for entry in std::fs::read_dir(LIBRARY).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        folder.file(path.file_name().unwrap().to_str().unwrap(), &text);
    }
    let new = folder.0.display().to_string();
    let keys = json!([key("creators", &["Mutation:*:Create"]), key("books", &["Mutation:Book:Create"])]);
    let same = clef(SCHEMA, &keys, &["scopes", "diff", LIBRARY, &new]);
    assert_eq!((same.0, same.1.as_str()), (0, ""), "{}", same.2);
    folder.file("more.graphql", "type Shelf { code: ID @id label: String }");
    let (code, out, _) = clef(SCHEMA, &keys, &["scopes", "diff", LIBRARY, &new]);
    assert_eq!((code, out.as_str()), (1, "creators\n  + Mutation:Shelf:Create\n"));
    let (code, out, _) = clef(SCHEMA, &keys, &["scopes", "diff", &new, LIBRARY, "--json"]);
    let expected = json!([{"key": "creators", "gained": [], "lost": ["Mutation:Shelf:Create"]}]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (1, expected));
    assert_eq!(clef(SCHEMA, &keys, &["scopes", "diff", LIBRARY, "/nowhere"]).0, 2);
    assert_eq!(clef(SCHEMA, &Value::Null, &["scopes", "diff", LIBRARY, &new]).0, 2);
}

/// Valid documents that real clients send.
fn documents() -> Vec<String> {
    let packed: &[u8] = include_bytes!("../clients/documents.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["valid"] == true).map(|row| row["document"].as_str().unwrap().to_owned()).collect()
}

fn is_allowed(needs: &[Needs], scopes: &[&str]) -> bool {
    let subject = Subject::Scopes(ScopeSet::compile(scopes).unwrap());
    let mut needed = needs.iter().flat_map(|needs| &needs.fields).flat_map(|field| &field.scopes);
    needed.all(|scope| subject.verdict(scope).denial.is_none())
}

#[tokio::test]
async fn the_least_scopes_of_every_document_are_enough_and_each_is_needed() {
    let model = crate::support::model(Path::new("schema").to_str().unwrap());
    let closed = PublicOperations { queries: false, subscriptions: false };
    for public in [PublicOperations::default(), closed] {
        let explainer =
            Explainer::new(Arc::clone(&model), public, clef::graphql::Limits::default(), Clock::System).unwrap();
        let (mut documents, mut guarded) = (0, 0);
        for text in self::documents() {
            let Ok(needs) = explainer.all_needs(&text).await else { continue };
            documents += 1;
            let minimal = explainer.minimal(&needs);
            let scopes: Vec<&str> = minimal.scopes.iter().map(clef::scope::Scope::as_str).collect();
            let globs: Vec<&str> = minimal.globs.iter().map(String::as_str).collect();
            guarded += usize::from(!scopes.is_empty());
            assert!(is_allowed(&needs, &scopes), "{text}");
            assert!(is_allowed(&needs, &globs), "{text}");
            for lacking in &scopes {
                let others: Vec<&str> = scopes.iter().copied().filter(|scope| scope != lacking).collect();
                assert!(!is_allowed(&needs, &others), "{text} does not need {lacking}");
            }
            let set = ScopeSet::compile(&globs).unwrap();
            let covered: Vec<&str> = explainer.catalogue().covered(&set).map(|(scope, _)| scope.as_str()).collect();
            assert_eq!(covered.into_iter().collect::<BTreeSet<_>>(), scopes.into_iter().collect(), "{globs:?}");
            assert!(globs.join(" ").len() <= minimal.scopes.iter().map(|it| it.as_str().len() + 1).sum::<usize>());
        }
        assert!(documents > 500 && guarded > 50, "{documents} documents, {guarded} with scopes");
    }
}

#[test]
fn globs_for_random_scopes_cover_just_these() {
    let catalogue = crate::support::model("schema").catalogue();
    let all: Vec<_> = catalogue.scopes().cloned().collect();
    for (step, take) in [(1, usize::MAX), (2, usize::MAX), (3, 64), (57, usize::MAX), (411, 9), (1, 300)] {
        let wanted: BTreeSet<_> = all.iter().step_by(step).take(take).cloned().collect();
        let start = std::time::Instant::now();
        let minimal = Minimal::of(&wanted, &catalogue);
        assert!(minimal.globs.len() < wanted.len(), "{step} {take}: {:?}", minimal.globs);
        let limit = if cfg!(debug_assertions) { 20 } else { 2 };
        assert!(start.elapsed().as_secs() < limit, "{step} {take}: {:?}", start.elapsed());
        let sets: Vec<_> = minimal.globs.chunks(8).map(|globs| ScopeSet::compile(globs).unwrap()).collect();
        for scope in &all {
            let is_covered = sets.iter().any(|set| set.grants(scope.as_str()));
            assert_eq!(is_covered, wanted.contains(scope), "{scope} {step}");
        }
    }
}

#[test]
fn the_printed_schema_names_the_scope_of_each_field_that_needs_one() {
    let (code, text, _) = clef(SCHEMA, &Value::Null, &["schema", "print"]);
    assert_eq!(code, 0);
    let definition = "directive @requiresScopes(scopes: [[federation__Scope!]!]!) on ENUM | FIELD_DEFINITION | INTERFACE | OBJECT | SCALAR";
    assert!(text.contains(definition) && text.contains("scalar federation__Scope"));
    let model = crate::support::model("schema");
    let root = text.split("\ntype Mutation {").nth(1).unwrap();
    for (field, mutation) in model.mutations() {
        let start = format!("\n  {field}(");
        let line = root.split(start.as_str()).nth(1).and_then(|rest| rest.lines().next()).unwrap();
        assert!(line.ends_with(&format!("@requiresScopes(scopes: [[\"{}\"]])", mutation.scope)), "{field}: {line}");
        let described = model.api().field("Mutation", field).unwrap().description.clone().unwrap();
        assert!(described.contains(&format!("`{}`", mutation.scope)), "{field}: {described}");
    }
    assert_eq!(text.matches("@requiresScopes(scopes: [[\"").count(), model.mutations().len());
    apollo_compiler::Schema::parse_and_validate(text, "printed.graphql")
        .unwrap_or_else(|error| panic!("{}", error.errors));
}
