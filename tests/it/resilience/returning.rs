//! A database that goes away and comes back under load.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::database::Database;
use super::{code, query, ready, settings, token};
use crate::process::program::{Folder, Program};

/// What became of requests.
#[derive(Default)]
struct Tally {
    acknowledged: Mutex<BTreeSet<String>>,
    refused: Mutex<BTreeSet<String>>,
    reads: AtomicU64,
    codes: Mutex<BTreeSet<String>>,
    slowest: Mutex<Duration>,
}

impl Tally {
    fn timed(&self, start: Instant) {
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = start.elapsed().max(*slowest);
    }

    async fn write(&self, program: &Program, token: &str, isbn: &str) {
        let start = Instant::now();
        let text = format!(r#"mutation {{ CreateBook(isbn: "{isbn}", title: "T") {{ isbn }} }}"#);
        let body = program.mutate(token, &text).await;
        self.timed(start);
        match code(&body) {
            None => {
                assert_eq!(body["data"]["CreateBook"]["isbn"], *isbn);
                self.acknowledged.lock().unwrap().insert(isbn.to_owned());
            }
            Some("OUTCOME_UNKNOWN") => {
                self.codes.lock().unwrap().insert("OUTCOME_UNKNOWN".to_owned());
            }
            Some(code) => {
                self.refused.lock().unwrap().insert(isbn.to_owned());
                self.codes.lock().unwrap().insert(code.to_owned());
            }
        }
    }

    /// What was acknowledged before is there, or there is an error.
    async fn read(&self, program: &Program) {
        let Some(known) = self.acknowledged.lock().unwrap().last().cloned() else { return };
        let start = Instant::now();
        let body = query(program, &format!(r#"{{ Book(isbn: "{known}") {{ isbn }} }}"#)).await.json();
        self.timed(start);
        match code(&body) {
            None => {
                assert_eq!(body, json!({"data": {"Book": [{"isbn": known}]}}));
                self.reads.fetch_add(1, Ordering::Relaxed);
            }
            Some(code) => drop(self.codes.lock().unwrap().insert(code.to_owned())),
        }
    }
}

/// Writers and readers until told to stop.
async fn load(program: &Arc<Program>, token: &str, tally: &Arc<Tally>, is_over: &Arc<AtomicBool>) {
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..16 {
        let (program, tally, is_over, token) =
            (Arc::clone(program), Arc::clone(tally), Arc::clone(is_over), token.to_owned());
        clients.spawn(async move {
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                if client % 2 == 0 {
                    tally.write(&program, &token, &format!("{client:02}-{number:06}-{}", uuid::Uuid::new_v4())).await;
                } else {
                    tally.read(&program).await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

/// Asks until the answer has this status, and says how long that took.
async fn until(program: &Program, status: u16) -> Duration {
    let start = Instant::now();
    while ready(program).await != status {
        assert!(start.elapsed() < Duration::from_secs(20), "{:#?}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_waited_for_and_nothing_is_lost() {
    let folder = Folder::new("returns");
    let database = Database::started("");
    let url = database.url();
    let program = Arc::new(Program::start(&folder.0, &settings(&url, &[])));
    until(&program, 200).await;
    let token = token(&program).await;
    let (tally, is_over) = (Arc::new(Tally::default()), Arc::new(AtomicBool::new(false)));
    let loading = {
        let (program, tally, is_over) = (Arc::clone(&program), Arc::clone(&tally), Arc::clone(&is_over));
        tokio::spawn(async move { load(&program, &token, &tally, &is_over).await })
    };
    for round in 0..6 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        match round % 3 {
            0 => tokio::task::block_in_place(|| database.stop("fast")),
            1 => tokio::task::block_in_place(|| database.stop("immediate")),
            _ => tokio::task::block_in_place(|| database.kill()),
        }
        let gone = until(&program, 503).await;
        assert!(gone < Duration::from_secs(2), "{gone:?}");
        assert_eq!(program.send("GET /health", &[], &Value::Null).await.status, 200);
        if round > 2 {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        tokio::task::block_in_place(|| database.start());
        let back = until(&program, 200).await;
        assert!(back < Duration::from_secs(5), "{back:?}");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    is_over.store(true, Ordering::Relaxed);
    loading.await.unwrap();
    let there = database.sql("select \"__key\" from node");
    let there: BTreeSet<&str> = there.lines().collect();
    let (acknowledged, refused) = (tally.acknowledged.lock().unwrap(), tally.refused.lock().unwrap());
    assert!(acknowledged.len() > 100 && tally.reads.load(Ordering::Relaxed) > 100, "{}", acknowledged.len());
    let lost: Vec<_> = acknowledged.iter().filter(|isbn| !there.contains(isbn.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let kept: Vec<_> = refused.iter().filter(|isbn| there.contains(isbn.as_str())).collect();
    assert!(kept.is_empty(), "refused and kept: {kept:?}");
    let codes = tally.codes.lock().unwrap();
    assert!(codes.iter().all(|code| ["SERVICE_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(&code.as_str())), "{codes:?}");
    let slowest = *tally.slowest.lock().unwrap();
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    eprintln!("{} acknowledged, {} refused, {codes:?}, slowest {slowest:?}", acknowledged.len(), refused.len());
}

/// Stands between, and may hold everything back.
struct Hold {
    port: u16,
    is_holding: tokio::sync::watch::Sender<bool>,
}

impl Hold {
    async fn before(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let is_holding = tokio::sync::watch::Sender::new(false);
        let holding = is_holding.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let holding = holding.clone();
                tokio::spawn(async move {
                    let Ok(server) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                        (client.into_split(), server.into_split());
                    let up = pass(&mut from_client, &mut to_server, holding.subscribe());
                    let down = pass(&mut from_server, &mut to_client, holding.subscribe());
                    tokio::select! { () = up => {}, () = down => {} }
                });
            }
        });
        Self { port: own, is_holding }
    }
}

async fn pass(
    from: &mut tokio::net::tcp::OwnedReadHalf,
    to: &mut tokio::net::tcp::OwnedWriteHalf,
    mut is_holding: tokio::sync::watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut chunk = vec![0; 16384];
    while let Ok(length) = from.read(&mut chunk).await {
        if length == 0 || is_holding.wait_for(|is_holding| !is_holding).await.is_err() {
            return;
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_keeps_nobody_waiting() {
    let folder = Folder::new("silent");
    let database = Database::started("");
    let hold = Hold::before(database.port).await;
    let url = format!("postgres://clef@127.0.0.1:{}/postgres", hold.port);
    let program = Arc::new(Program::start(&folder.0, &settings(&url, &[("DATABASE_CONNECTIONS", "4")])));
    until(&program, 200).await;
    let token = token(&program).await;
    for _ in 0..2 {
        hold.is_holding.send_replace(true);
        let start = Instant::now();
        let mut requests = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (program, token) = (Arc::clone(&program), token.clone());
            requests.spawn(async move {
                let body = if number % 2 == 0 {
                    query(&program, "{ Book { isbn } }").await.json()
                } else {
                    let isbn = uuid::Uuid::new_v4();
                    program
                        .mutate(&token, &format!(r#"mutation {{ CreateBook(isbn: "{isbn}", title: "T") {{ isbn }} }}"#))
                        .await
                };
                (start.elapsed(), code(&body).unwrap().to_owned())
            });
        }
        let gone = until(&program, 503).await;
        assert!(gone < Duration::from_secs(3), "{gone:?}");
        while let Some(done) = requests.join_next().await {
            let (elapsed, code) = done.unwrap();
            assert!(elapsed < Duration::from_secs(5), "{elapsed:?} {code}");
            assert!(["SERVICE_UNAVAILABLE", "OUTCOME_UNKNOWN"].contains(&code.as_str()), "{code}");
        }
        // Nobody waits any more.
        let start = Instant::now();
        assert_eq!(code(&query(&program, "{ Book { isbn } }").await.json()), Some("SERVICE_UNAVAILABLE"));
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
        hold.is_holding.send_replace(false);
        assert!(until(&program, 200).await < Duration::from_secs(5));
        assert_eq!(code(&query(&program, "{ Book { isbn } }").await.json()), None);
    }
    let idle = "select count(*) from pg_stat_activity where state like 'idle in transaction%' or state = 'active' and pid <> pg_backend_pid()";
    let start = Instant::now();
    while database.sql(idle) != "0" {
        assert!(start.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
