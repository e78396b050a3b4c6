//! Events of all servers, at each of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clef::graphql::Engine;
use clef::storage::{RemovedPolicy, Settings, Storage, Told};
use serde_json::Value;

use super::listener::{Listener, replicas};
use crate::support::{cluster, model, run};

const CHANGES: &str = "subscription { nodeChanged { action key } }";
const WRITERS: usize = 8;

async fn settle() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

async fn done(engine: &Engine, mutation: &str) -> Value {
    let answer = run(engine, &format!("mutation {{ {mutation} }}")).await;
    assert_eq!(answer["errors"], Value::Null, "{mutation}: {answer}");
    answer
}

/// Creates so many people on the first; when each was answered.
async fn create(engine: &Arc<Engine>, count: usize) -> BTreeMap<String, Instant> {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let engine = Arc::clone(engine);
        writers.spawn(async move {
            let mut answered = Vec::new();
            for number in (writer..count).step_by(WRITERS) {
                let key = format!("k{number}");
                done(&engine, &format!(r#"CreatePerson(identifier: "{key}") {{ identifier }}"#)).await;
                answered.push((key, Instant::now()));
            }
            answered
        });
    }
    writers.join_all().await.into_iter().flatten().collect()
}

/// Creates on the first are told by all, once each; how long after their answer, in order.
async fn crossing(engines: &[Arc<Engine>], count: usize) -> Vec<Duration> {
    let mut listeners = Vec::new();
    for engine in engines {
        listeners.push(tokio::spawn(Listener::start(engine, CHANGES).await.keys(count)));
    }
    settle().await;
    let answered = create(&engines[0], count).await;
    let mut delays = Vec::new();
    for (number, listener) in listeners.into_iter().enumerate() {
        let told = listener.await.unwrap();
        let missing = answered.keys().filter(|key| !told.contains_key(*key)).count();
        let doubled = told.values().filter(|(times, _)| *times > 1).count();
        assert_eq!((missing, doubled, told.len()), (0, 0, count), "replica {number}: missing, doubled, told");
        delays.extend(told.iter().map(|(key, (_, at))| at.saturating_duration_since(answered[key])));
    }
    delays.sort();
    let at = |share: usize| delays[(delays.len() - 1) * share / 100];
    eprintln!("{count} creates, {} replicas: p50 {:?}, p99 {:?}, most {:?}", engines.len(), at(50), at(99), at(100));
    delays
}

fn p99(delays: &[Duration]) -> Duration {
    delays[(delays.len() - 1) * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_creates_is_told_by_both_once_and_at_once() {
    let (engines, _) = replicas(2, true).await;
    let delays = crossing(&engines, 1000).await;
    assert!(p99(&delays) <= Duration::from_millis(250), "{:?}", p99(&delays));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_notifications_events_arrive_within_a_second() {
    let (engines, url) = replicas(2, false).await;
    let delays = crossing(&engines, 300).await;
    assert!(p99(&delays) <= Duration::from_secs(1), "{:?}", p99(&delays));
    let listening =
        "select count(*) from pg_stat_activity where query ilike 'listen%' and datname = current_database()";
    assert_eq!(cluster::sql(&url, listening), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_while_the_sessions_that_read_are_ended() {
    let (engines, url) = replicas(2, true).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let cutter = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut cut = 0;
            while !is_over.load(Ordering::Relaxed) {
                let ended = cluster::sql(
                    &url,
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() \
                     and pid <> pg_backend_pid() and (query ilike '%clef_event%' or query ilike '%clef_listener%') \
                     and query not ilike '%insert into clef_event%' and query not ilike 'commit%'",
                );
                cut += ended.parse::<u32>().unwrap();
                std::thread::sleep(Duration::from_millis(150));
            }
            cut
        }
    });
    crossing(&engines, 1000).await;
    is_over.store(true, Ordering::Relaxed);
    let cut = cutter.join().unwrap();
    eprintln!("sessions ended: {cut}");
    assert!(cut >= 4, "{cut}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_late_under_an_early_number_is_told() {
    let (engines, url) = replicas(2, true).await;
    let listeners = [Listener::start(&engines[0], CHANGES).await, Listener::start(&engines[1], CHANGES).await];
    done(&engines[0], r#"CreatePerson(identifier: "first") { identifier }"#).await;
    let late = "begin; insert into clef_event (action, cause, type, key) values (1, 1, 'Person', 'late'); \
                select pg_sleep(2); commit";
    let late = std::thread::spawn(move || cluster::sql(&url, late));
    tokio::time::sleep(Duration::from_millis(500)).await;
    for number in 0..20 {
        done(&engines[number % 2], &format!(r#"CreatePerson(identifier: "n{number}") {{ identifier }}"#)).await;
    }
    late.join().unwrap();
    for listener in listeners {
        let told = listener.keys(22).await;
        assert_eq!((told.len(), told["late"].0), (22, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_one_node_are_told_in_the_order_of_its_changes() {
    let (engines, _) = replicas(2, true).await;
    let listeners = [Listener::start(&engines[0], CHANGES).await, Listener::start(&engines[1], CHANGES).await];
    settle().await;
    for number in 0..25 {
        let (one, other) = (&engines[number % 2], &engines[(number + 1) % 2]);
        done(one, r#"CreatePerson(identifier: "a") { identifier }"#).await;
        done(other, r#"MergePerson(identifier: "a", name: "Clara") { identifier }"#).await;
        done(one, r#"UpdatePerson(identifier: "a", name: "Robert") { identifier }"#).await;
        done(other, r#"UpdatePerson(identifier: "none", name: "x") { identifier }"#).await;
        done(other, r#"DeletePerson(identifier: "a") { identifier }"#).await;
        done(one, r#"DeletePerson(identifier: "a") { identifier }"#).await;
    }
    for listener in &listeners {
        for round in 0..25 {
            for action in ["CREATED", "UPDATED", "UPDATED", "DELETED"] {
                assert_eq!(listener.next().await["action"], action, "round {round}");
            }
        }
        listener.nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_longer_than_a_notification_may_be_are_told() {
    let (engines, _) = replicas(2, true).await;
    let listeners = [Listener::start(&engines[0], CHANGES).await, Listener::start(&engines[1], CHANGES).await];
    // Text that compresses fits an index, other text of the length does not.
    let long = "k".repeat(7990);
    done(&engines[0], &format!(r#"CreatePerson(identifier: "{long}") {{ identifier }}"#)).await;
    let random: String = (0..250).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
    let refused = run(&engines[0], &format!(r#"mutation {{ CreatePerson(identifier: "{random}") {{ name }} }}"#)).await;
    assert!(refused["errors"].is_array());
    done(&engines[1], r#"CreatePerson(identifier: "after") { identifier }"#).await;
    for listener in listeners {
        assert_eq!(listener.next().await["key"], *long);
        assert_eq!(listener.next().await["key"], "after");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn earlier_events_are_not_told_and_nobody_listens_for_nothing() {
    let (engines, url) = replicas(2, true).await;
    done(&engines[0], r#"CreatePerson(identifier: "before") { identifier }"#).await;
    let listener = Listener::start(&engines[1], CHANGES).await;
    done(&engines[0], r#"CreatePerson(identifier: "after") { identifier }"#).await;
    assert_eq!(listener.next().await["key"], "after");
    listener.nothing().await;
    let columns = "select string_agg(distinct column_name::text, ' ' order by column_name::text) \
                   from information_schema.columns where table_name = 'clef_event'";
    assert_eq!(cluster::sql(&url, columns), "action at cause id key snapshot topic topic_value type", "no values");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_listens_while_the_database_is_away_is_told_that_events_may_be_missed() {
    let settings = Settings { url: cluster::database(), ..Settings::default() };
    let storage = Storage::open(&settings, &model("schema"), RemovedPolicy::Refuse).await.unwrap();
    cluster::sql(&settings.url, "alter table clef_event rename to hidden");
    let mut events = storage.events().listen().await;
    cluster::sql(&settings.url, "alter table hidden rename to clef_event");
    let told = tokio::time::timeout(Duration::from_secs(5), events.recv()).await.unwrap();
    assert!(matches!(told, Ok(Told::Missed)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_rows_are_deleted_and_young_ones_are_not() {
    let (engines, url) = replicas(1, true).await;
    engines[0].storage().close().await;
    cluster::sql(
        &url,
        "insert into clef_event (at, action, cause, type, key) \
         select now() - interval '4 minutes', 1, 1, 'Person', 'old' from generate_series(1, 2500); \
         insert into clef_event (action, cause, type, key) values (1, 1, 'Person', 'young'); \
         insert into clef_rate values ('full', 0), ('empty', 4000000000000000)",
    );
    let settings = Settings { url: url.clone(), ..Settings::default() };
    let _storage = Storage::open(&settings, &model("schema"), RemovedPolicy::Refuse).await.unwrap();
    let left = "select (select string_agg(key, ' ') from clef_event) || ' ' || (select string_agg(bucket, ' ') from clef_rate)";
    let start = Instant::now();
    while cluster::sql(&url, left) != "young empty" {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
