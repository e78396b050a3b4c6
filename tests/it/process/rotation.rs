//! Secrets and keys that change while the server is under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::program::{Folder, OTHER_SECRET, Program, SECRET};

const CREATE: &str = "mutation { CreatePerson(name: \"a\") { identifier } }";

fn keys(people: &str) -> String {
    format!(r#"[{{"id": "people", {people}, "scopes": ["Mutation:Person:*"]}}]"#)
}

/// The `kid` of a token.
fn kid(jwt: &str) -> Option<String> {
    jsonwebtoken::decode_header(jwt).unwrap().kid
}

async fn token(program: &Program, api_key: &str) -> String {
    let minted = program.mint("people", api_key, &["Mutation:Person:*"]).await;
    minted.json()["jwt"].as_str().unwrap_or_else(|| panic!("{}", minted.json())).to_owned()
}

/// Asks again and again, until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Requests of both kinds, until told to stop; the failures among them are kept.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(program: &Arc<Program>) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |_| {
            let (program, stop, done) = (Arc::clone(program), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut failures = Vec::new();
                let mut jwt = token(&program, "the first key of people").await;
                while !stop.load(Ordering::Relaxed) {
                    let answer = program.mutate(&jwt, CREATE).await;
                    if answer["errors"] != Value::Null {
                        failures.push(answer.to_string());
                    }
                    let minted = program.mint("people", "the first key of people", &["Mutation:Person:*"]).await.json();
                    match minted["jwt"].as_str() {
                        // Old tokens go on for a while.
                        Some(new) if done.load(Ordering::Relaxed).is_multiple_of(5) => new.clone_into(&mut jwt),
                        Some(_) => {}
                        None => failures.push(minted.to_string()),
                    }
                    done.fetch_add(2, Ordering::Relaxed);
                }
                failures
            })
        };
        let clients = (0..8).map(client).collect();
        Self { stop, done, clients }
    }

    async fn reach(&self, requests: u64) {
        while self.done.load(Ordering::Relaxed) < requests {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for client in self.clients {
            failures.extend(client.await.unwrap());
        }
        (self.done.load(Ordering::Relaxed), failures)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_go_through_a_rotation_without_a_failure() {
    let folder = Folder::new("rotation");
    let secret_file = folder.write("secret", SECRET);
    let keys_file = folder.write("keys.json", &keys(r#""apiKey": "the first key of people""#));
    let settings = [
        ("JWT_SECRET_FILE", secret_file.as_str()),
        ("JWT_AUTH_KEYS_FILE", keys_file.as_str()),
        ("RATE_LIMIT_JWT", "off"),
        ("RUST_LOG", "warn,audit=info,clef::app=info"),
    ];
    let program = Arc::new(Program::start(&folder.0, &settings));
    let first = token(&program, "the first key of people").await;
    let load = Load::start(&program);
    load.reach(2000).await;
    // A new secret signs, the old one goes on verifying.
    folder.write("secret", &json!([OTHER_SECRET, SECRET]).to_string());
    let start = Instant::now();
    let is_signed_by_another = async || kid(&token(&program, "the first key of people").await).is_some();
    until("a new secret signs", is_signed_by_another).await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    load.reach(4000).await;
    // What cannot be used changes nothing.
    folder.write("secret", "[\"short\"]");
    program.wait_for("has fewer than 32 bytes");
    folder.write("secret", &json!([OTHER_SECRET, SECRET]).to_string());
    load.reach(6000).await;
    // A second key lives beside the first.
    let two = r#""apiKeys": [{"apiKey": "the first key of people"}, {"apiKey": "the second key of people"}]"#;
    folder.write("keys.json", &keys(two));
    program.signal("HUP");
    let second_mints =
        async || program.mint("people", "the second key of people", &["Mutation:Person:*"]).await.status == 200;
    until("the second key mints", second_mints).await;
    load.reach(10_000).await;
    let (requests, failures) = load.stop().await;
    assert!(requests >= 10_000 && failures.is_empty(), "{} of {requests}: {:?}", failures.len(), failures.first());
    assert_eq!(
        program.mutate(&first, CREATE).await["errors"],
        Value::Null,
        "an old token is good until its secret goes"
    );

    let second = token(&program, "the second key of people").await;
    folder.write("secret", OTHER_SECRET);
    until("the old secret is gone", async || program.mutate(&first, CREATE).await["errors"] != Value::Null).await;
    let refusal = &program.mutate(&first, CREATE).await["errors"][0];
    assert_eq!(refusal["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(program.mutate(&second, CREATE).await["errors"], Value::Null);
}

#[tokio::test]
async fn a_key_that_is_removed_takes_its_tokens_with_it_within_a_second() {
    let folder = Folder::new("removal");
    // As Kubernetes does it: the name is a link to a folder that is swapped.
    let version = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.0.join(name)).unwrap();
        std::fs::write(folder.0.join(name).join("keys"), text).unwrap();
        std::os::unix::fs::symlink(name, folder.0.join("next")).unwrap();
        std::fs::rename(folder.0.join("next"), folder.0.join("current")).unwrap();
    };
    let people = keys(r#""apiKey": "the first key of people""#);
    let others = people.replace("\"people\"", "\"others\"");
    version("1", &people);
    let file = folder.0.join("current/keys").display().to_string();
    let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS_FILE", file.as_str())];
    let program = Program::start(&folder.0, &settings);
    let jwt = token(&program, "the first key of people").await;
    assert_eq!(program.mutate(&jwt, CREATE).await["errors"], Value::Null);
    program.wait_for("has mode 644");

    version("lint", &people.replace("Person:*", "Persn:*"));
    // What looks wrong in keys is told at each reload, as at the start.
    program.wait_for("a key looks wrong");
    version("2", &people.replace("Person:*", "Person:Delete"));
    until("a narrowed key is felt", async || {
        program.mutate(&jwt, CREATE).await["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    })
    .await;
    version("3", &others);
    let start = Instant::now();
    until("a removed key is felt", async || {
        program.mutate(&jwt, CREATE).await["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(program.mint("people", "the first key of people", &["*"]).await.status, 403);
}

#[tokio::test]
async fn keys_that_vanish_do_not_make_a_server_of_production_one_of_development() {
    let folder = Folder::new("vanish");
    folder.write(
        ".env",
        &format!("JWT_SECRET='{SECRET}'\nJWT_AUTH_KEYS='{}'\n", keys(r#""apiKey": "the first key of people""#)),
    );
    let program = Program::start(&folder.0, &[("RUST_LOG", "info")]);
    let jwt = token(&program, "the first key of people").await;
    folder.write(".env", "");
    program.signal("HUP");
    program.wait_for("reload refused");
    assert_eq!(program.mutate(&jwt, CREATE).await["errors"], Value::Null, "the earlier keys stay in use");
    assert!(!folder.0.join("data/development-keys.json").exists());
    folder.write(
        ".env",
        &format!("JWT_SECRET='{OTHER_SECRET}'\nJWT_AUTH_KEYS='{}'\n", keys(r#""apiKey": "the first key of people""#)),
    );
    program.signal("HUP");
    program.wait_for("\"event\":\"reload\"");
    assert_eq!(program.mutate(&jwt, CREATE).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(token(&program, "the first key of people").await != jwt);
    program.stop();
}
