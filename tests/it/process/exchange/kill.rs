//! `clef import` killed at random moments, and run again until it is done.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{SETTINGS, clef_with, told};
use crate::process::program::{Folder, command};
use crate::support::cluster;

const NODES: usize = 6_000;
const RELATIONS: usize = 6_000;

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

fn check(name: &str, url: &str) {
    let folder = Folder::new(name);
    let settings = [&SETTINGS[..], &[("DATABASE_URL", url)]].concat();
    let output = clef_with(&folder.0, &settings, &["migrate"], "");
    assert!(output.status.success(), "{}", told(&output));
    let text = lines(exported(&folder.0, &settings).lines().next().unwrap());
    std::fs::write(folder.0.join("data.ndjson"), &text).unwrap();
    let (mut killed, mut advanced, mut before) = (0, 0, 0);
    loop {
        let mut import = started(&folder.0, &settings);
        // Ever longer, so that it ends wherever the machine is slow.
        std::thread::sleep(Duration::from_millis(rand::random_range(100..400 + 100 * killed)));
        let is_done = import.try_wait().unwrap().is_some_and(|status| status.success());
        // SIGKILL.
        import.kill().ok();
        import.wait().unwrap();
        if is_done {
            break;
        }
        killed += 1;
        let now = exported(&folder.0, &settings);
        let count = now.lines().count() - 2;
        assert!(count >= before, "{before} lines were there, and now {count}");
        assert!(now.lines().skip(1).take(count).eq(text.lines().skip(1).take(count)), "another beginning, or a gap");
        advanced += usize::from(count > before && count < NODES + RELATIONS);
        before = count;
    }
    assert!(advanced > 0, "killed {killed} times, and never between two batches");
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
