//! A server that is started before its database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::database::Database;
use super::{KEYS, code, query, ready, settings, token};
use crate::process::program::{Folder, Program, SECRET, run};
use crate::support::cluster::free_port;

#[tokio::test]
async fn a_server_waits_for_its_database() {
    let folder = Folder::new("waits");
    let database = Database::new("");
    let url = database.url();
    let program = Program::start(&folder.0, &settings(&url, &[]));
    assert_eq!(program.send("GET /health", &[], &Value::Null).await.status, 200);
    let response = program.send("GET /ready", &[], &Value::Null).await;
    assert_eq!((response.status, response.json()["code"].as_str()), (503, Some("DATABASE_UNAVAILABLE")));
    let paths = ["POST /graphql", "POST /", "GET /graphql?query={__typename}", "POST /jwt", "GET /ready"];
    let others = ["GET /scopes/explain", "GET /ec1e1b8c-5d9c-4d4b-9b0a-111111111111", "GET /a/b"];
    for line in paths.into_iter().chain(others) {
        let response = program.send(line, &[], &json!({"query": "{ Book { isbn } }"})).await;
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{line}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{line}");
    }
    assert_eq!(code(&query(&program, "{ Book { isbn } }").await.json()), Some("SERVICE_UNAVAILABLE"));
    database.start();
    let start = Instant::now();
    while ready(&program).await != 200 {
        assert!(start.elapsed() < Duration::from_secs(10), "{:#?}", program.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = token(&program).await;
    let created = program.mutate(&token, r#"mutation { CreateBook(isbn: "1", title: "T") { isbn } }"#).await;
    assert_eq!(created, json!({"data": {"CreateBook": {"isbn": "1"}}}));
    assert_eq!(query(&program, "{ Book { title } }").await.json(), json!({"data": {"Book": [{"title": "T"}]}}));
    program.stop();
}

#[test]
fn a_server_that_waits_can_be_stopped() {
    let folder = Folder::new("waits-stopped");
    let url = format!("postgres://clef@127.0.0.1:{}/x", free_port());
    let program = Program::start(&folder.0, &settings(&url, &[]));
    let start = Instant::now();
    program.stop();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn what_waiting_does_not_mend_ends_the_start() {
    let folder = Folder::new("ends");
    let database = Database::new("");
    database.start();
    database.sql("create role guarded login password 'right'");
    let rules = database.folder.join("data/pg_hba.conf");
    std::fs::write(&rules, "local all clef trust\nhost all clef all trust\nhost all guarded all scram-sha-256\n")
        .unwrap();
    database.sql("select pg_reload_conf()");
    let url = |user: &str, name: &str| format!("postgres://{user}@127.0.0.1:{}/{name}", database.port);
    let starts = |url: &str| {
        let output =
            run(&folder.0, &[&settings(url, &[])[..], &[("PORT", "0"), ("HOST", "127.0.0.1")]].concat(), &[], "");
        assert!(!output.status.success(), "{url}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = starts(&url("guarded:wr0ng", "postgres"));
    assert!(told.contains("correct user and password") && !told.contains("wr0ng"), "{told}");
    let told = starts(&url("clef", "nowhere"));
    assert!(told.contains("there is no database `nowhere on 127.0.0.1"), "{told}");
    database.sql("create table elsewhere (x int)");
    let told = starts(&url("clef", "postgres"));
    assert!(told.contains("tables that Clef did not make (elsewhere)"), "{told}");
    database.sql("drop table elsewhere; create table clef_migration (version text, applied_at bigint); insert into clef_migration values ('m29990101_future', 0)");
    let told = starts(&url("clef", "postgres"));
    assert!(told.contains("newer version of Clef"), "{told}");
}

#[tokio::test]
async fn a_password_is_proved_and_settings_that_lose_writes_are_told() {
    let folder = Folder::new("scram");
    let database = Database::started("");
    database.sql("create role guarded login superuser password 'r:i@g/h?t'");
    std::fs::write(
        database.folder.join("data/pg_hba.conf"),
        "local all clef trust\nhost all guarded all scram-sha-256\n",
    )
    .unwrap();
    database.sql("select pg_reload_conf()");
    let url = format!("postgres://guarded:r%3Ai%40g%2Fh%3Ft@127.0.0.1:{}/postgres", database.port);
    let program = Program::start(&folder.0, &settings(&url, &[]));
    assert_eq!(ready(&program).await, 200);
    assert!(program.wait_for("fsync").contains("WARN"), "{:?}", program.log());
    assert!(!program.log().iter().any(|line| line.contains("r:i@g") || line.contains(SECRET) || line.contains(KEYS)));
    program.stop();
}
