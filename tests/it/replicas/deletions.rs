//! A node that one server deletes is shown by the others as it was.

use std::time::Duration;

use serde_json::json;

use super::listener::{Listener, replicas};
use crate::support::{cluster, run};

const DELETED: &str = "subscription { nodeChanged(actions: [DELETED]) { key node { ... on Person { name knows { ... on Person { name } } } } } }";

async fn deleted_on_one_seen_on_the_other(notify: bool) {
    let (engines, url) = replicas(2, notify).await;
    let listener = Listener::start(&engines[1], DELETED).await;
    let own = Listener::start(&engines[0], "subscription { nodeChanged { action key } }").await;
    for mutation in [
        r#"CreatePerson(identifier: "b", name: "Robert") { identifier }"#,
        r#"CreatePerson(identifier: "a", name: "Clara") { identifier }"#,
        r#"AddPersonKnows(from: {identifier: "a"}, to: {identifier: "b"}) { from { identifier } }"#,
    ] {
        run(&engines[0], &format!("mutation {{ {mutation} }}")).await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    run(&engines[0], r#"mutation { DeletePerson(identifier: "a") { name } }"#).await;
    let clara = json!({"key": "a", "node": {"name": "Clara", "knows": [{"name": "Robert"}]}});
    assert_eq!(listener.next().await, clara);
    for key in ["b", "a", "a"] {
        assert_eq!(own.next().await["key"], key);
    }
    run(&engines[1], r#"mutation { DeletePerson(identifier: "b") { name } }"#).await;
    assert_eq!(listener.next().await, json!({"key": "b", "node": {"name": "Robert", "knows": []}}));
    listener.nothing().await;
    // Snapshots are let go.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held =
        "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
    assert_eq!(cluster::sql(&url, held), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_node_is_seen_on_the_other_server_as_it_was() {
    deleted_on_one_seen_on_the_other(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_without_notifications() {
    deleted_on_one_seen_on_the_other(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_gone_leaves_the_deletion() {
    let (engines, url) = replicas(1, true).await;
    let listener = Listener::start(&engines[0], DELETED).await;
    cluster::sql(
        &url,
        "insert into clef_event (action, cause, type, key, snapshot) values (3, 4, 'Person', 'x', '00000003-0000001B-1'), \
         (3, 4, 'Person', 'y', '''; drop table node; --'), (3, 4, 'Nobody', 'z', null), (9, 9, 'Person', 'z', null)",
    );
    for key in ["x", "y"] {
        assert_eq!(listener.next().await, json!({"key": key, "node": null}));
    }
    listener.nothing().await;
}
