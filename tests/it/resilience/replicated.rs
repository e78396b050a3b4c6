//! Queries that are read from a real standby, which is behind: whoever wrote sees it all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::database::Database;
use super::{settings, token};
use crate::http::client::{Response, send};
use crate::process::program::{Folder, Program};
use crate::support::cluster::free_port;

/// A streaming copy of another one.
fn standby(primary: &Database, options: &str) -> Database {
    let standby = Database::empty(options);
    let (data, folder, port) = (standby.data(), primary.folder.display().to_string(), primary.port.to_string());
    let connection = ["-h", &folder, "-p", &port, "-U", "clef"];
    standby.run("pg_basebackup", &[&["-D", &data, "-R", "-X", "stream", "-c", "fast"], &connection[..]].concat());
    standby.start();
    assert_eq!(standby.sql("select pg_is_in_recovery()"), "t");
    standby
}

struct Replicated {
    program: Arc<Program>,
    token: String,
    metrics: u16,
}

impl Replicated {
    async fn start(folder: &Folder, primary: &Database, standby: &Database) -> Self {
        let (metrics, url, read_url) = (free_port(), primary.url(), standby.url());
        let address = format!("127.0.0.1:{metrics}");
        let more = [("DATABASE_READ_URL", &*read_url), ("METRICS_ADDRESS", &address), ("TRUSTED_PROXIES", "127.0.0.1")];
        let program = Arc::new(Program::start(&folder.0, &settings(&url, &more)));
        let token = token(&program).await;
        Self { program, token, metrics }
    }

    /// A client with an address of its own.
    async fn ask(&self, address: &str, token: Option<&str>, more: &[(&str, &[u8])], text: &str) -> Response {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let mut headers: Vec<(&str, &[u8])> = vec![("X-Forwarded-For", address.as_bytes())];
        if token.is_some() {
            headers.push(("Authorization", bearer.as_bytes()));
        }
        self.program.send("POST /graphql", &[&headers, more].concat(), &json!({"query": text})).await
    }

    async fn create(&self, address: &str, isbn: &str) -> Response {
        let text = format!(r#"mutation {{ CreateBook(isbn: "{isbn}", title: "T") {{ isbn }} }}"#);
        let response = self.ask(address, Some(&self.token), &[], &text).await;
        assert_eq!(response.json(), json!({"data": {"CreateBook": {"isbn": isbn}}}));
        response
    }

    /// Whether a client without a token sees a book.
    async fn sees(&self, address: &str, more: &[(&str, &[u8])], isbn: &str) -> bool {
        let body = self.ask(address, None, more, &format!(r#"{{ Book(isbn: "{isbn}") {{ isbn }} }}"#)).await.json();
        let books = body["data"]["Book"].as_array().unwrap_or_else(|| panic!("{body}"));
        books.len() == 1
    }

    async fn standby_reads(&self) -> u64 {
        let address = ([127, 0, 0, 1], self.metrics).into();
        let text = String::from_utf8(send(address, "GET /metrics", &[], b"").await.body).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("clef_database_standby_reads_total ")).unwrap();
        line.parse().unwrap()
    }
}

/// Pairs of a write and a read, by clients that are known by their address alone; how many reads were too old.
async fn pairs(server: &Arc<Replicated>, clients: usize, each: usize) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients {
        let server = Arc::clone(server);
        tasks.spawn(async move {
            let (address, mut stale) = (format!("10.1.0.{client}"), 0);
            for number in 0..each {
                let isbn = format!("{client}-{number}-{}", uuid::Uuid::new_v4());
                server.create(&address, &isbn).await;
                stale += usize::from(!server.sees(&address, &[], &isbn).await);
            }
            stale
        });
    }
    let mut stale = 0;
    while let Some(found) = tasks.join_next().await {
        stale += found.unwrap();
    }
    stale
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_writes_sees_it_although_the_standby_is_seconds_behind() {
    let (folder, other_folder) = (Folder::new("behind"), Folder::new("behind-too"));
    let primary = Database::started("-c wal_level=replica -c max_wal_senders=4");
    let standby = standby(&primary, "-c recovery_min_apply_delay=5s");
    let server = Arc::new(Replicated::start(&folder, &primary, &standby).await);
    server.create("10.0.0.1", "first").await;
    // The standby has to have it first. Until it has the tables, nothing can be asked of it.
    let start = Instant::now();
    let is_there = "select count(*) from node where \"__key\" = 'first'";
    while standby.sql("select to_regclass('node') is not null") != "t" || standby.sql(is_there) != "1" {
        assert!(start.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = server.standby_reads().await;
    let others = {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            for _ in 0..200 {
                assert!(server.sees("10.0.0.2", &[], "first").await);
            }
        })
    };
    assert_eq!(pairs(&server, 8, 125).await, 0, "of 1,000 reads");
    others.await.unwrap();
    assert!(server.standby_reads().await - before >= 200, "others read from the standby");

    let other = Replicated::start(&other_folder, &primary, &standby).await;
    // That it is behind is seen by who did not write, until the delay is over.
    let written = server.create("10.0.0.1", "second").await;
    let position = written.header("clef-position").unwrap().to_owned();
    assert!(!server.sees("10.0.0.2", &[], "second").await, "the standby is not behind: nothing was tested");
    assert!(server.sees("10.0.0.1", &[], "second").await);
    let header: &[(&str, &[u8])] = &[("Clef-Position", position.as_bytes())];
    assert!(server.sees("10.0.0.2", header, "second").await);
    let body = server.ask("10.0.0.3", Some(&server.token), &[], r#"{ Book(isbn: "second") { isbn } }"#).await.json();
    assert_eq!(body, json!({"data": {"Book": [{"isbn": "second"}]}}), "known by its token");
    // Another server knows nothing of the client, but what the client says.
    assert!(!other.sees("10.0.0.1", &[], "second").await);
    assert!(other.sees("10.0.0.1", header, "second").await);
    assert!(other.sees("10.0.0.1", &[("Clef-Position", b"nonsense")], "second").await);
    let start = Instant::now();
    while !server.sees("10.0.0.2", &[], "second").await {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = server.standby_reads().await;
    assert!(server.sees("10.0.0.1", header, "second").await);
    assert_eq!(server.standby_reads().await, before + 1, "the standby has it now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_standby_a_server_reads_from_the_primary() {
    let folder = Folder::new("alone");
    let primary = Database::started("-c wal_level=replica -c max_wal_senders=4");
    let standby = standby(&primary, "");
    let server = Arc::new(Replicated::start(&folder, &primary, &standby).await);
    assert_eq!(pairs(&server, 4, 50).await, 0);
    let from_standby = async |limit: Duration| {
        let start = Instant::now();
        let before = server.standby_reads().await;
        while server.standby_reads().await == before {
            assert!(start.elapsed() < limit);
            server.sees("10.0.0.2", &[], "first").await;
        }
    };
    from_standby(Duration::from_secs(5)).await;
    standby.stop("immediate");
    server.create("10.0.0.1", "alone").await;
    for _ in 0..50 {
        let start = Instant::now();
        assert!(server.sees("10.0.0.2", &[], "alone").await);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    assert_eq!(server.program.send("GET /ready", &[], &Value::Null).await.status, 200);
    standby.start();
    from_standby(Duration::from_secs(10)).await;
    assert_eq!(pairs(&server, 4, 50).await, 0);
}
