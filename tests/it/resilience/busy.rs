//! A database that has enough to do: bounded waits, statements that end in time, and clients that leave.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{code, query, settings, token};
use crate::process::program::{Folder, Program};
use crate::support::cluster;

/// A lock on what every query reads, for a while.
fn lock(url: &str, seconds: u32) -> std::thread::JoinHandle<()> {
    let url = url.to_owned();
    let locking = std::thread::spawn(move || {
        cluster::sql(
            &url,
            &format!("begin; lock table node in access exclusive mode; select pg_sleep({seconds}); commit"),
        );
    });
    std::thread::sleep(Duration::from_millis(300));
    locking
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_too_long_for_a_connection_is_sent_away() {
    let folder = Folder::new("busy");
    let url = cluster::database();
    let more = [("DATABASE_CONNECTIONS", "2"), ("DATABASE_ACQUIRE_TIMEOUT", "2s")];
    let program = Arc::new(Program::start(&folder.0, &settings(&url, &more)));
    let locking = lock(&url, 5);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let program = Arc::clone(&program);
        requests.spawn(async move {
            let start = Instant::now();
            let response = query(&program, "{ Book { isbn } }").await;
            let code = code(&response.json()).map(str::to_owned);
            let again = response.header("retry-after").map(str::to_owned);
            assert_eq!(
                (response.status, again.as_deref()),
                if code.is_some() { (503, Some("1")) } else { (200, None) }
            );
            (start.elapsed(), code)
        });
    }
    let mut refused = (0, 0);
    let health = tokio::spawn({
        let program = Arc::clone(&program);
        async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..40 {
                let start = Instant::now();
                assert_eq!(program.send("GET /health", &[], &Value::Null).await.status, 200);
                slowest = slowest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        }
    });
    while let Some(done) = requests.join_next().await {
        let (elapsed, code) = done.unwrap();
        match code.as_deref() {
            Some("SERVICE_UNAVAILABLE") => {
                assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
                // 64 for each connection may wait; the rest learns at once.
                if elapsed < Duration::from_millis(1900) { refused.0 += 1 } else { refused.1 += 1 }
            }
            None => assert!(elapsed > Duration::from_secs(1), "{elapsed:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(refused.0 > 0 && refused.1 > 100, "{refused:?}");
    let slowest = health.await.unwrap();
    // It waits for no connection.
    assert!(slowest < Duration::from_millis(1900), "{slowest:?}");
    locking.join().unwrap();
    let start = Instant::now();
    assert_eq!(query(&program, "{ Book { isbn } }").await.json(), json!({"data": {"Book": []}}));
    assert!(start.elapsed() < Duration::from_secs(1));
    let locking = lock(&url, 3);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let program = Arc::clone(&program);
        waiting
            .spawn(async move { program.send("GET /7a8f8bd0-1a0e-4a30-8b8e-2f8f7f8b5a11", &[], &Value::Null).await });
    }
    let mut later = 0;
    while let Some(response) = waiting.join_next().await {
        let response = response.unwrap();
        if response.status == 503 {
            assert_eq!(response.header("retry-after"), Some("1"));
            later += 1;
        }
    }
    assert!(later > 0);
    locking.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_ends_in_time_and_with_its_client() {
    let folder = Folder::new("cancel");
    let url = cluster::database();
    let program = Program::start(&folder.0, &settings(&url, &[("STATEMENT_TIMEOUT", "2s")]));
    let running = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'clef' \
                   and datname = current_database()";
    let locking = lock(&url, 6);
    let body = br#"{"query":"{ Book { isbn } }"}"#;
    let mut client = TcpStream::connect(program.address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(body).await.unwrap();
    let until = async |count: &str, limit: Duration| {
        let start = Instant::now();
        while cluster::sql(&url, running) != count {
            assert!(start.elapsed() < limit, "{count} after {:?}", start.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("1", Duration::from_secs(1)).await;
    drop(client);
    until("0", Duration::from_secs(1)).await;
    let start = Instant::now();
    let body = query(&program, "{ Book { isbn } }").await.json();
    assert_eq!(code(&body), Some("TIMEOUT"), "{body}");
    let elapsed = start.elapsed();
    assert!((Duration::from_millis(1900)..Duration::from_millis(3500)).contains(&elapsed), "{elapsed:?}");
    let token = token(&program).await;
    let body = program.mutate(&token, r#"mutation { CreateBook(isbn: "1", title: "T") { isbn } }"#).await;
    assert_eq!(code(&body), Some("TIMEOUT"), "{body}");
    locking.join().unwrap();
    assert_eq!(query(&program, "{ Book { isbn } }").await.json(), json!({"data": {"Book": []}}));
    program.stop();
}
