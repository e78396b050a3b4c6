//! A pgbouncer in its transaction mode between: each transaction has another session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clef::model::Model;
use clef::sql::Sql;
use clef::storage::{Pooler, RemovedPolicy, Settings, Storage};
use serde_json::{Value, json};

use super::database::Database;
use super::{code, query, settings, token};
use crate::process::program::{Folder, Program};
use crate::support::model;
use crate::support::pooler::Pooler as PgBouncer;

async fn open(url: &str, model: &Model) -> Storage {
    let settings = Settings { url: url.to_owned(), pooler: Pooler::Transaction, ..Settings::default() };
    Storage::open(&settings, model, RemovedPolicy::Refuse).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_start_at_once_and_again() {
    let database = Database::started("");
    let bouncer = PgBouncer::before(&database.folder, database.port);
    let model = model("tests/schemas/library");
    for _ in 0..5 {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (url, model) = (bouncer.url("postgres"), Arc::clone(&model));
            tasks.spawn(async move {
                let storage = open(&url, &model).await;
                let count = storage.read(Sql::new("select cast(count(*) as text) from node")).await.unwrap();
                storage.close().await;
                count
            });
        }
        while let Some(count) = tasks.join_next().await {
            assert_eq!(count.unwrap().as_deref(), Some("0"));
        }
    }
    let left = database.sql("select count(*) from pg_stat_activity where state like 'idle in transaction%'");
    assert_eq!(left, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_share_few_sessions() {
    let folder = Folder::new("pooled");
    let database = Database::started("");
    let bouncer = PgBouncer::before(&database.folder, database.port);
    let url = bouncer.url("postgres");
    let program = Arc::new(Program::start(&folder.0, &settings(&url, &[("DATABASE_POOLER", "transaction")])));
    let token = token(&program).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..16 {
        let (program, token) = (Arc::clone(&program), token.clone());
        clients.spawn(async move {
            for number in 0..12 {
                let (book, author) = (format!("b{client}-{number}"), format!("a{client}"));
                for (mutation, expected) in [
                    (format!(r#"CreateBook(isbn: "{book}", title: "T", pages: {number}, weightKilograms: 0.5) {{ isbn }}"#), json!({"isbn": book})),
                    (format!(r#"MergeAuthor(number: "{author}", name: "N{number}") {{ name }}"#), json!({"name": format!("N{number}")})),
                    (format!(r#"AddAuthorWrote(from: {{number: "{author}"}}, to: {{isbn: "{book}"}}) {{ to {{ isbn }} }}"#), json!({"to": {"isbn": book}})),
                    (format!(r#"UpdateBook(isbn: "{book}", title: "U") {{ title pages }}"#), json!({"title": "U", "pages": number})),
                ] {
                    let body = program.mutate(&token, &format!("mutation {{ it: {mutation} }}")).await;
                    assert_eq!(body, json!({"data": {"it": expected}}), "{mutation}");
                }
                let text = format!(
                    r#"{{ Author(number: "{author}") {{ wrote(filter: {{pages_gte: {number}}}) {{ isbn title }} }} }}"#
                );
                let body = query(&program, &text).await.json();
                assert_eq!(body, json!({"data": {"Author": [{"wrote": [{"isbn": book, "title": "U"}]}]}}));
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    assert_eq!(database.sql("select count(*) from node"), (16 * 12 + 16).to_string());
    assert_eq!(database.sql("select count(*) from relation"), (16 * 12).to_string());
    let body = program.mutate(&token, r#"mutation { CreateBook(isbn: "b1-1", title: "T") { isbn } }"#).await;
    assert_eq!(code(&body), Some("CONFLICT"), "{body}");
    let body = program.mutate(&token, r#"mutation { DeleteBook(isbn: "b1-1") { isbn } }"#).await;
    assert_eq!(body, json!({"data": {"DeleteBook": {"isbn": "b1-1"}}}));
    let sessions: u32 =
        database.sql("select count(*) from pg_stat_activity where application_name = 'clef'").parse().unwrap();
    assert!((1..=3).contains(&sessions), "{sessions}");
    assert_eq!(program.send("GET /ready", &[], &Value::Null).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_end_in_time_and_with_who_waits_for_them() {
    let database = Database::started("");
    let bouncer = PgBouncer::before(&database.folder, database.port);
    let model = model("tests/schemas/library");
    let settings = Settings {
        url: bouncer.url("postgres"),
        pooler: Pooler::Transaction,
        statement_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap();
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select cast(pg_sleep%'";
    let until_none = async || {
        let start = Instant::now();
        while database.sql(running) != "0" {
            assert!(start.elapsed() < Duration::from_secs(2));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let sleep = || Sql::new("select cast(pg_sleep(20) as text)");
    assert!(tokio::time::timeout(Duration::from_millis(300), storage.read(sleep())).await.is_err());
    until_none().await;
    let start = Instant::now();
    let ended = storage.read(sleep()).await;
    assert!(matches!(ended, Err(clef::storage::Error::Timeout)), "{ended:?}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    until_none().await;
    assert_eq!(storage.read(Sql::new("select '1'")).await.unwrap().as_deref(), Some("1"));
}
