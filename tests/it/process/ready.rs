//! `GET /ready`: over a database that fails and recovers, under many polls, and while the server stops.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::{Folder, Program, SECRET};
use crate::http::client::Response;
use crate::http::server::Server;

const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["*"]}]"#;

async fn ready(program: &Program) -> Response {
    program.send("GET /ready", &[], &Value::Null).await
}

/// Asks until the answer has this status, at most two seconds.
async fn until(program: &Program, status: u16) -> Response {
    let start = Instant::now();
    loop {
        let response = ready(program).await;
        if response.status == status {
            return response;
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{}", response.json());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_database_that_fails_is_told_within_two_seconds_and_so_is_its_return() {
    let folder = Folder::new("ready");
    let program = Program::start(&folder.0, &[("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS)]);
    let response = ready(&program).await;
    assert_eq!((response.status, response.json()["message"].as_str()), (200, Some("READY")));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let faults = [
        (
            "alter table clef_schema rename to hidden",
            "alter table hidden rename to clef_schema",
            "DATABASE_UNAVAILABLE",
        ),
        (
            "update clef_column set storage = 'list' where name = 'birthDate'; update clef_schema set hash = 'x' || hash",
            "update clef_column set storage = 'date' where name = 'birthDate'; update clef_schema set hash = substr(hash, 2)",
            "SCHEMA_MISMATCH",
        ),
    ];
    for (fault, repair, code) in faults {
        folder.execute(fault).await;
        let response = until(&program, 503).await;
        let body = response.json();
        assert_eq!((body["code"].as_str(), response.header("retry-after")), (Some(code), Some("1")), "{body}");
        let text = body.to_string().to_lowercase();
        assert!(!["sql", "clef_schema", "select", "data/"].iter().any(|word| text.contains(word)), "{text}");
        assert_eq!(program.send("GET /health", &[], &Value::Null).await.status, 200, "the process answers");
        folder.execute(repair).await;
        until(&program, 200).await;
    }
    program.wait_for("ready again");
    // What a newer server adds is no harm to this one.
    folder.execute("alter table node add column more text; insert into clef_column (name, property, storage) values ('more', 'more', 'text'); update clef_schema set hash = 'newer'").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(ready(&program).await.status, 200);
    for (line, status) in [("POST /ready", 405), ("OPTIONS /ready", 204), ("GET /ready/", 200)] {
        assert_eq!(program.send(line, &[], &Value::Null).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_still_answers() {
    let folder = Folder::new("ready-stop");
    let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("SHUTDOWN_DELAY", "2s")];
    let program = Program::start(&folder.0, &settings);
    assert_eq!(ready(&program).await.status, 200);
    program.signal("TERM");
    program.wait_for("\"stopping\"");
    let response = until(&program, 503).await;
    assert_eq!(response.json()["code"], "STOPPING");
    let answer = program.send("POST /graphql", &[], &serde_json::json!({"query": "{ __typename }"})).await;
    assert_eq!(answer.status, 200, "requests are still taken");
    program.ended();
}

#[tokio::test]
async fn many_who_ask_cost_the_database_little() {
    let engine = std::sync::Arc::new(crate::support::engine(crate::support::model("schema")).await);
    let server = Server::over(std::sync::Arc::clone(&engine), None).await;
    let before = engine.storage().statements();
    let start = Instant::now();
    for _ in 0..20 {
        let ask = || server.send("GET /ready", &[], b"");
        for response in futures_util::future::join_all((0..20).map(|_| ask())).await {
            assert_eq!(response.status, 200);
        }
    }
    let looks = 2 + u64::try_from(start.elapsed().as_millis()).unwrap() / 250;
    let statements = engine.storage().statements() - before;
    // At most the hash and, once, the columns.
    assert!((1..=looks + 1).contains(&statements), "{statements} statements for 400 requests");
}
