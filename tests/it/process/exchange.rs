//! `clef export` and `clef import` beside a server that goes on working.

mod kill;
mod remote;
mod original;
mod full;

use std::path::Path;
use std::process::Output;

use serde_json::json;

use super::program::{Folder, Program, SECRET, run};

const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["*"]}]"#;
const SETTINGS: [(&str, &str); 3] =
    [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("RUST_LOG", "warn,clef::app=info")];

fn clef(folder: &Path, arguments: &[&str], input: &str) -> Output {
    clef_with(folder, &SETTINGS, arguments, input)
}

fn clef_with(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    run(folder, settings, arguments, input)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn answer(program: &Program, query: &str) -> serde_json::Value {
    program.send("POST /graphql", &[], &json!({"query": query})).await.json()["data"].clone()
}

#[tokio::test]
async fn what_a_server_holds_goes_to_another_and_back_unchanged() {
    let (one, two) = (Folder::new("export"), Folder::new("import"));
    let program = Program::start(&one.0, &SETTINGS);
    let jwt = program.mint("people", "the-only-key-of-people", &["*"]).await.json()["jwt"].as_str().unwrap().to_owned();
    for number in 0..20 {
        let name = format!("Ünïcode \\\"{number}\\\" \\n 🎼");
        let create = format!(
            "mutation {{ CreatePerson(identifier: \"p{number}\", name: \"{name}\", birthDate: {{formatted: \"1819-09-13\"}}) {{ identifier }} }}"
        );
        assert_eq!(program.mutate(&jwt, &create).await["errors"], json!(null));
        let knows = format!(
            "mutation {{ AddPersonKnows(from: {{identifier: \"p{number}\"}}, to: {{identifier: \"p0\"}}) {{ from {{ identifier }} }} }}"
        );
        assert_eq!(program.mutate(&jwt, &knows).await["errors"], json!(null));
    }
    let output = clef(&one.0, &["export", "first.ndjson"], "");
    assert!(output.status.success() && told(&output).contains("exported: 20 nodes, 20 relations"), "{}", told(&output));
    let first = std::fs::read_to_string(one.0.join("first.ndjson")).unwrap();
    assert!(!one.0.join("first.ndjson.part").exists());

    let output = clef(&two.0, &["import"], &first);
    assert!(output.status.success() && told(&output).contains("imported: 20 nodes, 20 relations"), "{}", told(&output));
    let output = clef(&two.0, &["export"], "");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), first);
    let other = Program::start(&two.0, &SETTINGS);
    let query = "{ Person(orderBy: [identifier_asc]) { identifier name birthDate { formatted } knows { ... on Person { identifier } } } }";
    assert_eq!(answer(&other, query).await, answer(&program, query).await);
    assert!(answer(&other, query).await["Person"].as_array().is_some_and(|people| people.len() == 20));
    // While a server works: it sees what came, and writes itself.
    let more: String = (0..5000)
        .map(|number| {
            format!("{{\"node\":\"Person\",\"key\":\"m{number}\",\"values\":{{\"name\":\"More {number}\",\"title\":\"Größe {number}\"}}}}\n")
        })
        .collect();
    let header = first.lines().next().unwrap();
    std::fs::write(
        two.0.join("more.ndjson"),
        format!("{header}\n{more}{{\"end\":{{\"nodes\":5000,\"relations\":0}}}}\n"),
    )
    .unwrap();
    let jwt = other.mint("people", "the-only-key-of-people", &["*"]).await.json()["jwt"].as_str().unwrap().to_owned();
    let folder = two.0.clone();
    let importing = tokio::task::spawn_blocking(move || clef(&folder, &["import", "more.ndjson"], ""));
    let mut written = 0;
    while !importing.is_finished() {
        let create = format!("mutation {{ CreatePerson(identifier: \"w{written}\") {{ identifier }} }}");
        assert_eq!(
            other.mutate(&jwt, &create).await["errors"],
            json!(null),
            "a server that is imported beside writes on"
        );
        written += 1;
    }
    let output = importing.await.unwrap();
    assert!(output.status.success() && written > 0, "{} {written}", told(&output));
    let found = answer(&other, "{ Person(identifier: \"m4999\") { name } }").await;
    assert_eq!(found["Person"][0]["name"], "More 4999");
    let query = "{ searchMetadataText(substring: \"grosse 4999\") { ... on Person { identifier } } }";
    assert_eq!(answer(&other, query).await["searchMetadataText"], json!([{"identifier": "m4999"}]));
    let again = clef(&two.0, &["import", "more.ndjson"], "");
    assert!(
        told(&again).contains("imported: 0 nodes, 0 relations; 5001 lines were in the database already"),
        "{}",
        told(&again)
    );
}

#[test]
fn a_line_that_does_not_fit_is_told_with_file_and_line() {
    let folder = Folder::new("import-wrong");
    let output = clef(&folder.0, &["import", "missing.ndjson"], "");
    assert!(!output.status.success() && told(&output).contains("`missing.ndjson` cannot be read"), "{}", told(&output));
    let output = clef(&folder.0, &["export"], "");
    assert!(!output.status.success() && told(&output).contains("does not fit the schema"), "{}", told(&output));
    let output = clef(&folder.0, &["import"], "{\"a\":1}\n");
    assert!(
        !output.status.success() && told(&output).contains("-:1: is no first line of an export"),
        "{}",
        told(&output)
    );
}
