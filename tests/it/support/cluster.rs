//! A PostgreSQL of its own for each test process: a cluster in a temporary folder, reached through a socket in it, and gone at the end.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::pooler::Pooler;

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// Ends when the test process does, however that ends: its standard input closes then.
pub(crate) const WATCH: &str = r#"read _; "$0/pg_ctl" -D "$1/data" -m immediate stop >/dev/null 2>&1; rm -rf "$1""#;

struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    _watch: Child,
}

/// The address of a new, empty database.
pub(crate) fn database() -> String {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    cluster.sql("postgres", &format!("create database {name}"));
    cluster.url(&name)
}

/// Ends all sessions of a database and lets none begin: it can be copied then.
pub(crate) fn close(url: &str) {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = name_in(url);
    cluster.sql("postgres", &format!("alter database {name} allow_connections false"));
    let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    cluster.sql("postgres", &end);
}

/// The address of a new database that is as another one, which is closed.
pub(crate) fn copy(url: &str) -> String {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    cluster.sql("postgres", &format!("create database {name} template {} strategy file_copy", name_in(url)));
    cluster.url(&name)
}

fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap().split('?').next().unwrap()
}

/// The same database by way of a pgbouncer in its transaction mode.
pub(crate) fn pooled(url: &str) -> String {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(Cluster::start);
    POOLER.get_or_init(|| Pooler::before(&cluster.folder, 5432)).url(name_in(url))
}

/// Runs statements in a database, past Clef; the answer is what they print.
pub(crate) fn sql(url: &str, text: &str) -> String {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    cluster.sql(name_in(url), text)
}

impl Cluster {
    fn start() -> Self {
        let programs = programs().unwrap_or_else(|| {
            panic!("PostgreSQL is not installed: run tests/run, which installs it, or the package postgresql of your system")
        });
        let folder = std::env::temp_dir().join(format!("clef-pg-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]));
        std::fs::create_dir(&folder).unwrap();
        let user = other_user();
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        }
        let mut watch = command(Path::new("/bin/sh"), user);
        watch.args(["-c", WATCH]).arg(&programs).arg(&folder).stdin(Stdio::piped()).process_group(0);
        let cluster = Self { folder, programs, user, _watch: watch.spawn().unwrap() };
        let data = cluster.folder.join("data");
        let data = data.to_str().unwrap();
        // A collation that does not compare by bytes, so that whatever relies on the database's own is noticed.
        let locale = ["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"];
        cluster.run("initdb", &[&["-D", data, "-U", "clef", "-A", "trust", "-E", "UTF8", "-N"], &locale[..]].concat());
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c max_connections=300 -c shared_buffers=32MB",
            cluster.folder.display()
        );
        let log = cluster.folder.join("log");
        cluster.run("pg_ctl", &["-D", data, "-l", log.to_str().unwrap(), "-w", "-o", &options, "start"]);
        cluster
    }

    fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://clef@{folder}/{database}")
    }

    fn sql(&self, database: &str, text: &str) -> String {
        let folder = self.folder.to_str().unwrap();
        self.run(
            "psql",
            &["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "clef", "-d", database, "-c", text],
        )
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            command(&self.programs.join(program), self.user).args(arguments).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert!(output.status.success(), "{program}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

/// A port that nobody uses at the moment, and that the system gives to nobody: whoever calls a server that is gone might get its port.
pub(crate) fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| 15_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 15_000).unwrap());
    ports.into_iter().find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

pub(crate) fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// Debian keeps the programs of each version apart.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, programs)| programs)
}

/// PostgreSQL refuses to run as root: the user that came with its package does then.
pub(crate) fn other_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}
