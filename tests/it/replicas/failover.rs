//! A standby that takes over and lacks what was written last.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use clef::storage::{RemovedPolicy, Settings, Storage, Told};
use tokio::sync::broadcast::Receiver;

use crate::resilience::database::Database;
use crate::support::model;

const EVENTS: &str =
    "insert into clef_event (action, cause, type, key) select 1, 1, 'Person', 'k' || n from generate_series(1, 100) n";

async fn next(events: &mut Receiver<Told>) -> Told {
    tokio::time::timeout(Duration::from_secs(20), events.recv()).await.expect("in time").expect("an event")
}

fn copy(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).ok();
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_are_told_that_events_may_be_missed_when_a_standby_has_taken_over() {
    let primary = Database::started("-c wal_level=replica");
    let settings = Settings { url: primary.url(), ..Settings::default() };
    let storage = Storage::open(&settings, &model("schema"), RemovedPolicy::Refuse).await.unwrap();
    let mut events = storage.events().listen().await;
    let (data, earlier) = (primary.folder.join("data"), primary.folder.join("earlier"));
    primary.stop("fast");
    copy(&data, &earlier);
    primary.start();
    primary.sql(EVENTS);
    for number in 1..=100 {
        let told = next(&mut events).await;
        assert!(matches!(&told, Told::Event(event) if *event.announced.key == *format!("k{number}")), "{told:?}");
    }

    // The one that takes over gives the same numbers again.
    primary.stop("immediate");
    copy(&earlier, &data);
    std::fs::write(data.join("standby.signal"), "").unwrap();
    primary.start();
    primary.run("pg_ctl", &["-D", &primary.data(), "-w", "promote"]);
    let told = next(&mut events).await;
    assert!(matches!(told, Told::Missed), "{told:?}");
    primary.sql(EVENTS);
    for number in 1..=100 {
        let told = next(&mut events).await;
        assert!(matches!(&told, Told::Event(event) if *event.announced.key == *format!("k{number}")), "{told:?}");
    }
    storage.close().await;
}
