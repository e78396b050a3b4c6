//! Real processes on one database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::program::{Folder, Program, SECRET, run};
use crate::support::cluster;

const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["*"]},
    {"id": "other", "apiKey": "the-only-key-of-others", "scopes": ["*"]}]"#;
const CREATE: &str = "mutation { CreatePerson(name: \"a\") { identifier } }";

fn settings(url: &str) -> Vec<(&str, &str)> {
    vec![("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("DATABASE_URL", url)]
}

async fn token(program: &Program, id: &str) -> String {
    let minted =
        program.mint(id, &format!("the-only-key-of-{}", if id == "people" { id } else { "others" }), &["*"]).await;
    minted.json()["jwt"].as_str().unwrap_or_else(|| panic!("{}", minted.json())).to_owned()
}

async fn is_accepted(program: &Program, token: &str) -> bool {
    let answer = program.mutate(token, CREATE).await;
    match answer["errors"][0]["extensions"]["code"].as_str() {
        None => true,
        Some("UNAUTHENTICATED") => false,
        Some(_) => panic!("{answer}"),
    }
}

/// How long it takes until a server accepts a token, or does not.
async fn until(program: &Program, token: &str, accepted: bool) {
    let start = Instant::now();
    while is_accepted(program, token).await != accepted {
        assert!(start.elapsed() < Duration::from_secs(5), "not within 5 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = start.elapsed();
    eprintln!("noticed after {took:?}");
    assert!(took <= Duration::from_secs(1), "{took:?}");
}

async fn revoke(program: &Program, id: &str, api_key: &str, token: &str) -> (u16, Value) {
    let response = program.send("POST /revoke", &[], &json!({"id": id, "apiKey": api_key, "token": token})).await;
    assert_eq!(response.header("cache-control"), Some("no-store"));
    (response.status, response.json())
}

fn command(folder: &Folder, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> String {
    let output = run(&folder.0, settings, arguments, input);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

/// The parts of a token's claims.
fn token_id(jwt: &str) -> String {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(jwt).unwrap().claims;
    claims["jti"].as_str().unwrap().to_owned()
}

/// What is revoked on the first is refused by all.
async fn revocations_hold(folder: &Folder, settings: &[(&str, &str)], programs: &[&Program]) {
    let (first, last) = (programs[0], programs[programs.len() - 1]);
    let (one, same, other) = (token(first, "people").await, token(first, "people").await, token(last, "other").await);
    for program in programs {
        assert!(is_accepted(program, &one).await && is_accepted(program, &other).await);
    }
    let key = "the-only-key-of-people";
    assert_eq!(revoke(first, "people", "a-wrong-key-of-people", &one).await.1["error"], "invalid_client");
    assert_eq!(revoke(first, "people", key, &other).await.1["error"], "invalid_grant");
    for unknown in ["a.b.c", "nothing", &format!("{one}x")] {
        assert_eq!(revoke(first, "people", key, unknown).await.0, 200);
    }
    assert!(is_accepted(last, &one).await && is_accepted(last, &other).await);
    assert_eq!(revoke(first, "people", key, &one).await, (200, json!({"success": true})));
    assert!(!is_accepted(first, &one).await, "the server that revoked it knows at once");
    until(last, &one, false).await;
    assert_eq!(revoke(last, "people", key, &one).await.0, 200, "twice is once");
    assert!(is_accepted(last, &same).await && is_accepted(last, &other).await);

    let shown = command(folder, settings, &["token", "revoke", "--id", &token_id(&same)], "");
    assert!(shown.contains(&token_id(&same)), "{shown}");
    until(last, &same, false).await;
    let third = token(first, "people").await;
    assert!(is_accepted(last, &third).await);
    command(folder, settings, &["token", "revoke"], &third);
    until(last, &third, false).await;

    command(folder, settings, &["key", "revoke", "other"], "");
    until(last, &other, false).await;
    until(first, &other, false).await;
    assert_eq!(first.mint("other", "the-only-key-of-others", &["*"]).await.status, 403);
    let unknown = run(&folder.0, settings, &["key", "revoke", "otter"], "");
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("there is no key `otter`"));
    command(folder, settings, &["key", "restore", "other"], "");
    until(last, &other, true).await;
    command(folder, settings, &["key", "revoke", "other", "--tokens"], "");
    until(last, &other, false).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let new = token(first, "other").await;
    assert!(is_accepted(last, &new).await && !is_accepted(last, &other).await);
}

#[tokio::test]
async fn what_is_revoked_on_one_server_is_refused_by_the_other() {
    let (folder, url) = (Folder::new("revocation"), cluster::database());
    let settings = settings(&url);
    let (one, other) = (Program::start(&folder.0, &settings), Program::start(&folder.0, &settings));
    revocations_hold(&folder, &settings, &[&one, &other]).await;
    let third = Program::start(&folder.0, &settings);
    let old = cluster::sql(&url, "select count(*) from clef_revocation");
    assert_eq!(old, "6");
    let token = token(&one, "other").await;
    assert!(is_accepted(&third, &token).await);
    cluster::sql(&url, "insert into clef_revocation (kind, id) values ('key', 'other')");
    until(&third, &token, false).await;
}

#[tokio::test]
async fn what_is_revoked_stays_revoked_on_sqlite() {
    let folder = Folder::new("revocation-sqlite");
    let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS)];
    let program = Program::start(&folder.0, &settings);
    revocations_hold(&folder, &settings, &[&program]).await;
    let token = token(&program, "people").await;
    revoke(&program, "people", "the-only-key-of-people", &token).await;
    program.stop();
    assert!(!is_accepted(&Program::start(&folder.0, &settings), &token).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_together_mint_no_more_than_one_may() {
    let (folder, url) = (Folder::new("rates"), cluster::database());
    let mut settings = settings(&url);
    settings.extend([("RATE_LIMIT_JWT", "1/h,10"), ("RATE_LIMIT_JWT_FAILURES", "1/h,5")]);
    let programs: Vec<_> = (0..3).map(|_| Program::start(&folder.0, &settings)).collect();
    let all = |id: &'static str, key: &'static str| {
        let programs = &programs;
        async move {
            let tries = (0..36).map(|number| programs[number % 3].mint(id, key, &["*"]));
            let mut statuses: Vec<_> =
                futures_util::future::join_all(tries).await.into_iter().map(|response| response.status).collect();
            statuses.sort_unstable();
            statuses
        }
    };
    let minted = all("people", "the-only-key-of-people").await;
    assert_eq!(minted.iter().filter(|status| **status == 200).count(), 10, "{minted:?}");
    assert!(minted[10..].iter().all(|status| *status == 429), "{minted:?}");
    let wrong = all("other", "a-wrong-key-of-others").await;
    assert_eq!(wrong.iter().filter(|status| **status == 403).count(), 5, "{wrong:?}");
    for program in &programs {
        let right = program.mint("other", "the-only-key-of-others", &["*"]).await;
        assert_eq!((right.status, right.header("retry-after").is_some()), (429, true), "a guess would show");
    }
}

fn texts(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_schema_that_was_changed_by_another_server_is_told() {
    let (folder, url) = (Folder::new("mismatch"), cluster::database());
    let schema = |name: &str, properties: &str| {
        let schema = folder.0.join(name);
        std::fs::create_dir(&schema).unwrap();
        std::fs::write(schema.join("a.graphql"), format!("type Person {{ identifier: ID @id\n {properties} }}"))
            .unwrap();
        schema.display().to_string()
    };
    let (old, more, less) = (
        schema("old", "name: String\n born: String"),
        schema("more", "name: String\n born: String\n age: Int"),
        schema("less", "name: String"),
    );
    let with = |schema: &str| {
        let mut all: Vec<(String, String)> =
            settings(&url).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.push(("SCHEMA_DIR".to_owned(), schema.to_owned()));
        all
    };
    let one = Program::start(&folder.0, &texts(&with(&old)));
    let newer = Program::start(&folder.0, &texts(&with(&more)));
    for program in [&one, &newer] {
        assert_eq!(program.send("GET /ready", &[], &Value::Null).await.status, 200, "more columns are no harm");
    }
    command(&folder, &texts(&with(&less)), &["migrate", "--drop-removed"], "");
    let start = Instant::now();
    for program in [&one, &newer] {
        loop {
            let response = program.send("GET /ready", &[], &Value::Null).await;
            if response.status == 503 {
                assert_eq!(response.json()["code"], "SCHEMA_MISMATCH");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(2));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let fitting = Program::start(&folder.0, &texts(&with(&less)));
    assert_eq!(fitting.send("GET /ready", &[], &Value::Null).await.status, 200);
}

#[tokio::test]
async fn an_event_crosses_from_one_process_to_another() {
    let (folder, url) = (Folder::new("crossing"), cluster::database());
    let settings = settings(&url);
    let (one, other) = (Program::start(&folder.0, &settings), Program::start(&folder.0, &settings));
    let body = json!({"query": "subscription { nodeChanged { action node { ... on Person { name } } } }"}).to_string();
    let mut stream = TcpStream::connect(other.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\nContent-Type: application/json";
    stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut read_until = async |expected: &str| {
        let mut buffer = [0; 4096];
        while !text.contains(expected) {
            let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await;
            let length = read.unwrap_or_else(|_| panic!("no {expected}: {text}")).unwrap();
            text.push_str(str::from_utf8(&buffer[..length]).unwrap());
        }
    };
    read_until("\r\n\r\n").await;
    // Until the other one is known to listen, events cross when it looks.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let token = token(&one, "people").await;
    let mutation = "mutation { CreatePerson(name: \"Clara\") { identifier } }";
    assert_eq!(one.mutate(&token, mutation).await["errors"], Value::Null);
    let start = Instant::now();
    read_until(r#"{"action":"CREATED","node":{"name":"Clara"}}"#).await;
    eprintln!("crossed after {:?}", start.elapsed());
}

#[tokio::test]
async fn as_long_as_nobody_knows_what_is_revoked_no_token_is_accepted() {
    let (folder, url) = (Folder::new("blind"), cluster::database());
    let settings = settings(&url);
    let first = Program::start(&folder.0, &settings);
    let token = token(&first, "people").await;
    first.stop();
    cluster::sql(&url, "alter table clef_revocation rename to hidden");
    let blind = Program::start(&folder.0, &settings);
    let refused = blind.mutate(&token, CREATE).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{refused}");
    let query = blind.mutate(&token, "{ Person { name } }").await;
    assert_eq!(query["data"]["Person"], json!([]), "queries are public: {query}");
    cluster::sql(&url, "alter table hidden rename to clef_revocation");
    let start = Instant::now();
    while blind.mutate(&token, CREATE).await["errors"] != Value::Null {
        assert!(start.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cluster::sql(&url, "select count(*) from node"), "1");
}
