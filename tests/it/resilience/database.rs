//! A PostgreSQL that a test may stop, on a port of 127.0.0.1.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::cluster::{WATCH, command, free_port, other_user, programs};

pub(crate) struct Database {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    options: String,
    _watch: Child,
}

impl Database {
    /// Made, but not started. The only user is `clef`, who needs no password.
    pub(crate) fn new(options: &str) -> Self {
        let database = Self::empty(options);
        database.run(
            "initdb",
            &["-D", &database.data(), "-U", "clef", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        );
        database
    }

    /// A folder for a cluster.
    pub(crate) fn empty(options: &str) -> Self {
        let programs = programs().expect("PostgreSQL is installed: tests/run does it");
        let name = format!("clef-own-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let user = other_user();
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        }
        let mut watch = command(Path::new("/bin/sh"), user);
        watch.args(["-c", WATCH]).arg(&programs).arg(&folder).stdin(Stdio::piped()).process_group(0);
        let port = free_port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{}' -c fsync=off -c shared_buffers=32MB {options}",
            folder.display()
        );
        Self { folder, port, programs, user, options, _watch: watch.spawn().unwrap() }
    }

    pub(crate) fn started(options: &str) -> Self {
        let database = Self::new(options);
        database.start();
        database
    }

    pub(crate) fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    pub(crate) fn start(&self) {
        let log = self.folder.join("log").display().to_string();
        self.run("pg_ctl", &["-D", &self.data(), "-l", &log, "-w", "-o", &self.options, "start"]);
    }

    pub(crate) fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", mode, "-w", "stop"]);
    }

    /// Ends all its processes at once, and waits until they are gone.
    pub(crate) fn kill(&self) {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let parent: u32 = text.lines().next().unwrap().parse().unwrap();
        // It must not make more meanwhile.
        std::process::Command::new("kill").args(["-STOP", &parent.to_string()]).status().unwrap();
        let mut processes = vec![parent];
        for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if status.lines().any(|line| line == format!("PPid:\t{parent}")) {
                processes.push(id);
            }
        }
        let ids: Vec<String> = processes.iter().map(ToString::to_string).collect();
        std::process::Command::new("kill").arg("-9").args(&ids).status().unwrap();
        // As long as nobody has taken note of the end of the old one, a new one does not start.
        while ids.iter().any(|id| Path::new("/proc").join(id).exists()) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of its first database, over TCP.
    pub(crate) fn url(&self) -> String {
        format!("postgres://clef@127.0.0.1:{}/postgres", self.port)
    }

    /// Runs statements, past Clef.
    pub(crate) fn sql(&self, text: &str) -> String {
        let (folder, port) = (self.folder.display().to_string(), self.port.to_string());
        let connection = ["-h", &folder, "-p", &port, "-U", "clef", "-d", "postgres"];
        self.run("psql", &[&["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", text], &connection[..]].concat())
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            command(&self.programs.join(program), self.user).args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(output.status.success(), "{program}: {text}{}{}", String::from_utf8_lossy(&output.stderr), log());
        text
    }
}
