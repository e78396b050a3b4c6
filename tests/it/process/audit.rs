//! Who did what: lines of the log and rows of the database.

use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};

use super::program::{Folder, Program, SECRET};
use crate::support::{self, cluster};

const API_KEY: &str = "the-only-key-of-people";

fn settings(table: &str) -> [(&str, &str); 4] {
    const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["Mutation:Person*:*"]}]"#;
    [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("AUDIT_TABLE", table), ("CLEF_ENV", "production")]
}

/// The audit's lines, only what tells them apart.
fn lines(program: &Program) -> Vec<Value> {
    let lines = program.log().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    lines.filter(|line| line["target"] == "audit").collect()
}

async fn rows(folder: &Folder) -> Vec<Vec<Option<String>>> {
    const COLUMNS: &str = "event, outcome, code, key_id, field, scopes, nodes, request_id, address, token_id";
    let url = folder.database();
    if support::is_postgres() {
        let text = format!("select coalesce(json_agg(json_build_array({COLUMNS}) order by id), '[]') from clef_audit");
        return serde_json::from_str(&cluster::sql(&url, &text)).unwrap();
    }
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let text: std::sync::Arc<str> = format!("select {COLUMNS} from clef_audit order by id").into();
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (0..10).map(|column| row.get(column)).collect()).collect()
}

#[tokio::test]
async fn mutations_and_tokens_are_recorded_with_who_what_and_whether() {
    let folder = Folder::new("audit");
    let program = Program::start(&folder.0, &settings("true"));
    let jwt = program.mint("people", API_KEY, &["Mutation:Person*:*"]).await.json()["jwt"].as_str().unwrap().to_owned();
    program.mint("people", "a wrong key", &["*"]).await;
    program.mint("people", API_KEY, &["Mutation:*:*"]).await;
    program.mint("an id\n{\"level\":\"ERROR\"} that nobody has", "x", &["a\n\"b"]).await;
    program.mutate(&jwt, "mutation { CreatePerson(identifier: \"p1\") { identifier } }").await;
    program.mutate(&jwt, "mutation { CreatePerson(identifier: \"p1\") { identifier } }").await;
    program.mutate(&jwt, "mutation { CreatePlace(identifier: \"p2\") { identifier } }").await;
    program.mutate("", "mutation { DeletePerson(identifier: \"p1\") { identifier } }").await;
    let two = "mutation Both { MergePerson(identifier: \"p1\") { identifier } UpdatePerson(identifier: \"p\\n3\") { identifier } }";
    let bearer = format!("Bearer {jwt}");
    let headers: &[(&str, &[u8])] = &[("Authorization", bearer.as_bytes()), ("X-Request-Id", b"from-the-client")];
    program.send("POST /graphql", headers, &json!({"query": two, "operationName": "Both"})).await;
    let relation =
        "mutation { AddPersonKnows(from: {identifier: \"p1\"}, to: {identifier: \"p1\"}) { from { identifier } } }";
    program.mutate(&jwt, relation).await;
    program.mutate(&jwt, "mutation { DeletePerson(identifier: \"p1\") { identifier } }").await;

    program.wait_for("DeletePerson\",\"scopes\":\"[\\\"Mutation:Person:Delete\\\"]\",\"nodes\"");
    let told: Vec<_> = lines(&program)
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            [text("event"), text("outcome"), text("code"), text("key"), text("field"), text("nodes")].join(" ")
        })
        .collect();
    let expected = [
        "mint done - people - -",
        "mint refused wrong_credentials people - -",
        "mint refused scope_not_allowed people - -",
        "mint refused wrong_credentials - - -",
        "mutation done - people CreatePerson [\"p1\"]",
        "mutation failed CONFLICT people CreatePerson [\"p1\"]",
        "mutation refused FORBIDDEN people CreatePlace -",
        "mutation refused UNAUTHENTICATED - DeletePerson -",
        "mutation done - people MergePerson [\"p1\"]",
        "mutation done - people UpdatePerson [\"p\\n3\"]",
        "mutation done - people AddPersonKnows [\"p1\",\"p1\"]",
        "mutation done - people DeletePerson [\"p1\"]",
    ];
    assert_eq!(told, expected);
    let merge = &lines(&program)[8];
    assert_eq!((&merge["request_id"], &merge["operation"]), (&json!("from-the-client"), &json!("Both")));
    assert_eq!((&merge["address"], &merge["scopes"]), (&json!("127.0.0.1"), &json!("[\"Mutation:Person:Merge\"]")));
    assert_eq!(merge["token"], lines(&program)[0]["token"], "the token is told by its jti");

    let log = program.log().concat();
    program.stop();
    let rows = rows(&folder).await;
    let texts: Vec<_> = rows
        .iter()
        .map(|row| row[..5].iter().map(|cell| cell.as_deref().unwrap_or("-")).collect::<Vec<_>>().join(" "))
        .collect();
    // Without the one that failed: it changed nothing.
    let kept: Vec<_> = expected.iter().filter(|line| !line.contains("failed")).collect();
    assert_eq!(texts.len(), kept.len(), "{texts:#?}");
    for (row, line) in texts.iter().zip(kept) {
        assert!(line.starts_with(row.as_str()), "{row} is not {line}");
    }
    assert_eq!(
        rows[6][5..].iter().map(|cell| cell.as_deref().unwrap_or("-")).collect::<Vec<_>>()[..2],
        ["[\"Mutation:Person:Delete\"]", "-"]
    );
    for secret in [API_KEY, "a wrong key", SECRET, &jwt, jwt.rsplit('.').next().unwrap()] {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert!(!format!("{rows:?}").contains(secret), "{secret} is in the table");
    }
}

#[tokio::test]
async fn without_the_table_there_are_only_lines() {
    let folder = Folder::new("audit-lines");
    let program = Program::start(&folder.0, &settings("false"));
    let jwt = program.mint("people", API_KEY, &["Mutation:Person*:*"]).await.json()["jwt"].as_str().unwrap().to_owned();
    program.mutate(&jwt, "mutation { CreatePerson(identifier: \"p1\") { identifier } }").await;
    program.wait_for("CreatePerson");
    program.stop();
    assert!(rows(&folder).await.is_empty());
}
