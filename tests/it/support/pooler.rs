//! A pgbouncer of its own in its transaction mode, before a PostgreSQL that is reached through a socket in a folder: each transaction has another
//! session.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::cluster::{command, free_port, other_user};

/// Ends the program with the test process, however that ends: its standard input closes then.
const WATCH: &str = r#""$0" "$1" >/dev/null 2>&1 & read _; kill $!"#;

pub(crate) struct Pooler {
    port: u16,
    _watch: Child,
}

impl Pooler {
    /// Few sessions for many clients, so that they are handed on all the time.
    pub(crate) fn before(folder: &Path, port: u16) -> Self {
        let program = Path::new("/usr/sbin/pgbouncer");
        assert!(program.exists(), "pgbouncer is not installed: run tests/run, which installs it");
        let (own, shown) = (free_port(), folder.display());
        let text = format!(
            "[databases]\n* = host={shown} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {shown}/users\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 2000\n\
             server_idle_timeout = 2\n",
        );
        let file: PathBuf = folder.join("pgbouncer.ini");
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.join("users"), "\"clef\" \"\"\n").unwrap();
        let mut watch = command(Path::new("/bin/sh"), other_user());
        let watch = watch.args(["-c", WATCH]).arg(program).arg(&file).stdin(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", own)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port: own, _watch: watch }
    }

    /// The address of a database by way of it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://clef@127.0.0.1:{}/{database}", self.port)
    }
}
