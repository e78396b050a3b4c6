//! The program started as a process of its own, in a folder of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::http::client::{Response, send};
use crate::http::server::JSON;
use crate::support::{self, cluster};

pub(crate) const SECRET: &str = "ZcL2Zb1r6n9Qf0v3yT8mKx5sWd7uHpEa";
pub(crate) const OTHER_SECRET: &str = "aEpHu7dWs5xKm8Ty3v0fQ9n6r1bZ2LcZ";

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("clef-process-{}-{name}", std::process::id()));
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The address of the folder's database: the file that the program makes there by itself, or one on PostgreSQL.
    pub(crate) fn database(&self) -> String {
        database(&self.0).unwrap_or_else(|| format!("sqlite://{}", self.0.join("data/clef.db").display()))
    }

    /// Runs statements in the folder's database, past the program.
    pub(crate) async fn execute(&self, text: &'static str) {
        let url = self.database();
        if support::is_postgres() {
            cluster::sql(&url, text);
            return;
        }
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute(text).await.unwrap();
    }

    /// Written as a whole: under another name first.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let (draft, file) = (self.0.join(format!("{name}.new")), self.0.join(name));
        std::fs::write(&draft, text).unwrap();
        std::fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::rename(&draft, &file).unwrap();
        file.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A server under way; killed at the end of the test.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// The address of a folder's database, if it is not the program's own choice.
fn database(folder: &Path) -> Option<String> {
    let file = folder.join("database-url");
    if support::is_postgres() && !file.exists() {
        std::fs::write(&file, cluster::database()).unwrap();
    }
    std::fs::read_to_string(file).ok()
}

/// The program with these settings alone.
pub(crate) fn command(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clef"));
    command.current_dir(folder).env_clear();
    command.envs(database(folder).map(|url| ("DATABASE_URL", url))).envs(settings.iter().copied());
    command
}

/// A command of the program, with this standard input.
pub(crate) fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, settings);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

impl Program {
    /// Waits until it listens.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = command(folder, settings);
        command.env("PORT", "0").env("HOST", "127.0.0.1").stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut program = Self { address: ([127, 0, 0, 1], 0).into(), child, log };
        let line = program.wait_for("\"message\":\"listening\"");
        let line: Value = serde_json::from_str(&line).unwrap();
        program.address = line["address"].as_str().unwrap().parse().unwrap();
        program
    }

    /// The first line of the log that holds this, within 20 seconds.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if let Some(line) = self.log().into_iter().find(|line| line.contains(text)) {
                return line;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no `{text}` in {:#?}", self.log());
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Lets it finish.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        self.ended();
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn ended(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &[u8])], body: &Value) -> Response {
        let headers = [&[JSON], headers].concat();
        send(self.address, line, &headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn mint(&self, id: &str, api_key: &str, scopes: &[&str]) -> Response {
        self.send("POST /jwt", &[], &json!({"id": id, "apiKey": api_key, "scopes": scopes})).await
    }

    /// The answer to a mutation.
    pub(crate) async fn mutate(&self, token: &str, query: &str) -> Value {
        let bearer = format!("Bearer {token}");
        let headers: &[(&str, &[u8])] = &[("Authorization", bearer.as_bytes())];
        self.send("POST /graphql", headers, &json!({"query": query})).await.json()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
