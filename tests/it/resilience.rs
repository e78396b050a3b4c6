//! The program over a PostgreSQL that comes late, goes away and returns, is busy, or stands behind something else.

pub(crate) mod database;
mod starting;
mod returning;
mod busy;
mod encrypted;
mod pooled;
mod replicated;

use serde_json::{Value, json};

use crate::http::client::Response;
use crate::process::program::{Program, SECRET};

const KEYS: &str = r#"[{"id": "books", "apiKey": "the-only-key-of-books", "scopes": ["*"]}]"#;
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/library");

/// The settings of a server on a database.
fn settings<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let common = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("SCHEMA_DIR", SCHEMA), ("DATABASE_URL", url)];
    [&common, more].concat()
}

async fn token(program: &Program) -> String {
    let minted = program.mint("books", "the-only-key-of-books", &["*"]).await;
    minted.json()["jwt"].as_str().unwrap().to_owned()
}

async fn query(program: &Program, text: &str) -> Response {
    program.send("POST /graphql", &[], &json!({"query": text})).await
}

/// Code of the first error; none if there is no error.
fn code(body: &Value) -> Option<&str> {
    body["errors"][0]["extensions"]["code"].as_str()
}

async fn ready(program: &Program) -> u16 {
    program.send("GET /ready", &[], &Value::Null).await.status
}
