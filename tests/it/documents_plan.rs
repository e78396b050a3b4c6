//! How documents are read: two statements, each served by an index.

use std::sync::Arc;

use clef::auth::Access;
use clef::plan::document;
use clef::sql::{Dialect, Sql};
use clef::storage::{RemovedPolicy, Settings, Storage};
use sqlx::{Connection, Row, SqliteConnection};

use super::support;

#[tokio::test]
async fn a_document_is_two_statements_and_an_unknown_identifier_one() {
    let engine = support::engine(support::model("schema")).await;
    support::run(&engine, r#"mutation { CreatePerson(identifier: "p") { name } }"#).await;
    let documents = engine.documents();
    for (identifier, statements) in [("p", 2), ("q", 1)] {
        let before = engine.storage().statements();
        let found = documents.find(identifier, &Access::Anonymous).await;
        assert_eq!(found.is_ok(), identifier == "p");
        assert_eq!(engine.storage().statements() - before, statements);
    }
}

#[tokio::test]
async fn no_document_scans_a_table_of_sqlite() {
    let file = std::env::temp_dir().join(format!("clef-plan-{}.db", uuid::Uuid::new_v4()));
    let settings = Settings { url: format!("sqlite://{}?mode=rwc", file.display()), ..Settings::default() };
    let model = support::model("schema");
    Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap().close().await;
    let mut connection = SqliteConnection::connect(&settings.url).await.unwrap();
    let mut statements = vec![document::types_of(&model, Dialect::Sqlite, "k")];
    statements.extend(model.objects().map(|(id, _)| document::values(&model, Dialect::Sqlite, id, "k")));
    assert_eq!(statements.len(), 43);
    for statement in statements {
        let steps = plan(&mut connection, &statement).await;
        assert!(steps.iter().any(|step| step.contains("clef_node_key (__type=? AND __key=?)")), "{steps:?}");
        // What is scanned is what an inner select has found.
        let scans = steps.iter().filter(|step| step.starts_with("SCAN node") || step.starts_with("SCAN relation"));
        assert_eq!(scans.count(), 0, "{steps:?}");
    }
    connection.close().await.unwrap();
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", file.display())).ok();
    }
}

async fn plan(connection: &mut SqliteConnection, statement: &Sql) -> Vec<String> {
    let text: Arc<str> = format!("explain query plan {}", statement.text()).into();
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind("k").fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}
