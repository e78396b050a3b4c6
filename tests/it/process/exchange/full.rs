//! `clef import` and `clef export` where no space is left.

use std::process::{Command, Stdio};

use super::{SETTINGS, clef_with, told};
use crate::process::program::Folder;

/// In a mount namespace of its own: the file system is small, then larger.
const SCRIPT: &str = r#"
mkdir small && mount -t tmpfs -o size=64m tmpfs small || { echo "cannot mount a tmpfs"; exit 9; }
export DATABASE_URL='sqlite://small/data.db?mode=rwc'
"$0" migrate >/dev/null || exit 8
used=$(du -k small | cut -f1)
mount -o remount,size=$((used + 2500))k small || exit 9
"$0" import data.ndjson; echo "import: $?"
dd if=/dev/zero of=small/filled bs=1k 2>/dev/null
truncate -s -120k small/filled
"$0" export small/out.ndjson; echo "export: $?"; ls small
mount -o remount,size=64m small || exit 9
"$0" import data.ndjson; echo "import: $?"
"$0" export out.ndjson; echo "export: $?"
"#;

#[test]
fn a_full_disk_is_told_and_the_import_goes_on_once_there_is_room() {
    let folder = Folder::new("full");
    let header = {
        clef_with(&folder.0, &SETTINGS, &["migrate"], "");
        let output = clef_with(&folder.0, &SETTINGS, &["export"], "");
        String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned()
    };
    let people = (0..6_000).map(|number| {
        let values = format!("{{\"description\":\"{}\"}}", "one of many ".repeat(20).trim_end());
        format!("{{\"node\":\"Person\",\"key\":\"p{number}\",\"values\":{values}}}\n")
    });
    let end = "{\"end\":{\"nodes\":6000,\"relations\":0}}\n";
    let text = format!("{header}\n{}{end}", people.collect::<String>());
    std::fs::write(folder.0.join("data.ndjson"), &text).unwrap();
    let mut command = Command::new("unshare");
    // Who is not root becomes it in a user namespace.
    command.args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, env!("CARGO_BIN_EXE_clef")]);
    let output = command.current_dir(&folder.0).envs(SETTINGS).stdin(Stdio::null()).output().unwrap();
    let (shown, errors) = (String::from_utf8_lossy(&output.stdout).into_owned(), told(&output));
    if output.status.code() == Some(9) || errors.contains("unshare failed") {
        eprintln!("NOT TESTED: mounting a small file system needs root, or a user namespace");
        return;
    }
    assert!(output.status.success(), "{shown}{errors}");
    assert!(errors.contains("error: the database has no space left"), "{shown}{errors}");
    assert!(errors.contains("`small/out.ndjson.part` cannot be read or written"), "{shown}{errors}");
    assert!(shown.starts_with("import: 1\nexport: 1\n") && !shown.contains("out.ndjson"), "{shown}{errors}");
    assert!(shown.ends_with("import: 0\nexport: 0\n"), "{shown}{errors}");
    let again = errors.lines().rfind(|line| line.starts_with("imported: ")).unwrap_or_default();
    assert!(again.contains("lines were in the database already"), "{errors}");
    assert_eq!(std::fs::read_to_string(folder.0.join("out.ndjson")).unwrap(), text);
}
