//! `clef import` killed at random moments, and run again until it is done.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{SETTINGS, clef_with, told};
use crate::process::program::{Folder, command};
use crate::support::cluster;

const NODES: usize = 6_000;
const RELATIONS: usize = 6_000;
/// At most; then it is let finish.
const KILLS: usize = 10;

/// People who know one another, some twice.
fn lines(header: &str) -> String {
    let mut lines = vec![header.to_owned()];
    lines.extend((0..NODES).map(|number| {
        let values = format!("{{\"description\":\"one of many\",\"name\":\"Clara {number}\"}}");
        format!("{{\"node\":\"Person\",\"key\":\"p{number}\",\"values\":{values}}}")
    }));
    lines.extend((0..RELATIONS).map(|number| {
        let (from, to) = (number % 97, number % 1_999);
        format!("{{\"relation\":\"KNOWS\",\"from\":[\"Person\",\"p{from}\"],\"to\":[\"Person\",\"p{to}\"]}}")
    }));
    lines.push(format!("{{\"end\":{{\"nodes\":{NODES},\"relations\":{RELATIONS}}}}}\n"));
    lines.join("\n")
}

fn exported(folder: &Path, settings: &[(&str, &str)]) -> String {
    let output = clef_with(folder, settings, &["export"], "");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn started(folder: &Path, settings: &[(&str, &str)]) -> Child {
    let mut command = command(folder, settings);
    command.args(["import", "data.ndjson"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Lines that the database has of the file, while others may be writing.
fn kept(folder: &Path, url: &str) -> i64 {
    const LINES: &str = "select coalesce(max(lines), 0) from clef_import";
    if url.starts_with("postgres") {
        return cluster::sql(url, LINES).parse().unwrap();
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(folder.join("data.db"), flags).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database.query_row(LINES, [], |row| row.get(0)).unwrap()
}

/// Some time on the way: before anything is written, or once another batch is there. False if it is done by then.
fn on_the_way(import: &mut Child, round: usize, kept: impl Fn() -> i64) -> bool {
    let before = kept();
    let mut is_running = || match import.try_wait().unwrap() {
        None => true,
        Some(status) => {
            assert!(status.success(), "{status}");
            false
        }
    };
    if round.is_multiple_of(2) {
        while is_running() && kept() == before {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    std::thread::sleep(Duration::from_millis(rand::random_range(0..100)));
    is_running()
}

fn check(name: &str, url: &str) {
    let folder = Folder::new(name);
    let settings = [&SETTINGS[..], &[("DATABASE_URL", url)]].concat();
    let output = clef_with(&folder.0, &settings, &["migrate"], "");
    assert!(output.status.success(), "{}", told(&output));
    let text = lines(exported(&folder.0, &settings).lines().next().unwrap());
    std::fs::write(folder.0.join("data.ndjson"), &text).unwrap();
    let (mut advanced, mut before) = (0, 0);
    for round in 0..KILLS {
        let mut import = started(&folder.0, &settings);
        let is_running = on_the_way(&mut import, round, || kept(&folder.0, url));
        // SIGKILL.
        import.kill().ok();
        import.wait().unwrap();
        if !is_running {
            break;
        }
        let now = exported(&folder.0, &settings);
        let count = now.lines().count() - 2;
        assert!(count >= before, "{before} lines were there, and now {count}");
        assert!(now.lines().skip(1).take(count).eq(text.lines().skip(1).take(count)), "another beginning, or a gap");
        advanced += usize::from(count > before && count < NODES + RELATIONS);
        before = count;
    }
    assert!(advanced > 0, "never killed between two batches");
    assert!(started(&folder.0, &settings).wait().unwrap().success());
    assert_eq!(exported(&folder.0, &settings), text);
}

#[test]
fn an_import_into_sqlite_that_is_killed_goes_on_where_it_was() {
    check("killed-sqlite", "sqlite://data.db?mode=rwc");
}

#[test]
fn an_import_into_postgresql_that_is_killed_goes_on_where_it_was() {
    check("killed-postgres", &cluster::database());
}
