//! The bare handler: hand-written SQL behind axum, over the same file and the same SQLite as Clef, through sqlx. `bare FILE PORT [--one-commit-each]`.
//!
//! It answers `{"query": "one_node", "variables": {…}}` with what Clef answers to the GraphQL query of that name (`run.py` has them and
//! compares the answers), and checks nothing: no token, no document, no limit, no deadline.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Parser;
use serde::Deserialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One node by its key.
const ONE_NODE: &str = r#"select json_array(json_object('identifier', "__key", 'name', name, 'title', title, 'creator', creator,
    'contributor', contributor, 'source', source, 'format', format, 'language', language))
    from node where "__key" = ? and "__type" = 'Person'"#;
/// The first 50 by name of those whose name contains a text. The page first, then its rows: fewer copies of each value.
const FILTERED_50: &str = r#"select json_group_array(json_object('identifier', "__key", 'name', name, 'creator', creator)) from (
    select "__id" as id from node where "__type" = 'MusicComposition' and instr(name, ?) > 0 order by name, "__id" limit 50) p
    cross join node n on n."__id" = p.id"#;
/// 20 compositions, their composers, those these match, and their recordings.
const NESTED: &str = r#"select json_group_array(json_object('identifier', "__key", 'name', name,
    'composer', (select json_group_array(json_object('identifier', p."__key", 'name', p.name,
        'exactMatch', (select json_group_array(json_object('identifier', e."__key", 'name', e.name)) from (select m."__key", m.name
            from relation x cross join node m where x.source = p."__id" and x.name = 'EXACT_MATCH' and m."__id" = x.target and m."__type" = 'Person'
            order by x.id) e)))
        from (select m."__id", m."__key", m.name from relation r cross join node m
            where r.source = c."__id" and r.name = 'COMPOSER' and m."__id" = r.target and m."__type" = 'Person' order by r.id) p),
    'encoding', (select json_group_array(json_object('identifier', f."__key", 'name', f.name, 'contentUrl', f."contentUrl",
        'encodingFormat', f."encodingFormat")) from (select m."__key", m.name, m."contentUrl", m."encodingFormat" from relation r cross join node m
            where r.target = c."__id" and r.name = 'ENCODING' and m."__id" = r.source and m."__type" = 'MediaObject' order by r.id) f)))
    from (select "__id" as id from node where "__type" = 'MusicComposition' order by name, "__id" limit 20 offset ?) g
    cross join node c on c."__id" = g.id"#;
/// 1,000 rows of ten fields in the order in which they were made.
const LIST: &str = r#"select json_group_array(json_object('identifier', "__key", 'name', name, 'title', title, 'creator', creator,
    'contributor', contributor, 'source', source, 'format', format, 'language', language, 'givenName', "givenName", 'familyName', "familyName"))
    from (select "__id" as id from node where "__type" = 'Person' order by "__id" limit 1000 offset ?) p cross join node n on n."__id" = p.id"#;
/// The same in the order of the keys.
const LIST_BY_KEY: &str = r#"select json_group_array(json_object('identifier', "__key", 'name', name, 'title', title, 'creator', creator,
    'contributor', contributor, 'source', source, 'format', format, 'language', language, 'givenName', "givenName", 'familyName', "familyName"))
    from (select "__id" as id from node where "__type" = 'Person' order by "__key" limit 1000 offset ?) p cross join node n on n."__id" = p.id"#;
/// Before, for and after the values of nodes with seven properties and both timestamps.
const CREATE: [&str; 3] = [
    r#"insert into node ("__type", "__key", name, title, creator, contributor, source, format, language, created, modified) values "#,
    "('Person', ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now'), strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now'))",
    r#" returning json_object('identifier', "__key", 'name', name)"#,
];
/// Nodes in one statement, if so many wait.
const ROUND: usize = 4;

/// Most writes in a commit.
const BATCH_MAX: usize = 128;
/// How long a commit waits for writers that were there a moment ago.
const GATHER: Duration = Duration::from_micros(200);

#[derive(Parser)]
#[command(about = "A handler with hand-written SQL, to compare Clef with")]
struct Options {
    /// A database made by `generate`.
    database: PathBuf,
    /// Where to listen, on 127.0.0.1.
    port: u16,
    /// Writes do not share commits.
    #[arg(long)]
    one_commit_each: bool,
    /// Statements that read at the same time. Clef: one for each core, 2 to 8.
    #[arg(long)]
    readers: Option<usize>,
}

#[derive(Deserialize)]
struct Request<'a> {
    query: &'a str,
    #[serde(borrow)]
    variables: Variables<'a>,
}

#[derive(Deserialize)]
struct Variables<'a> {
    id: Option<&'a str>,
    t: Option<&'a str>,
    o: Option<i64>,
    identifier: Option<&'a str>,
    name: Option<&'a str>,
    title: Option<&'a str>,
    creator: Option<&'a str>,
    contributor: Option<&'a str>,
    source: Option<&'a str>,
    format: Option<&'a str>,
}

struct Bare {
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
    writes: mpsc::Sender<Write>,
}

/// Goes back also when the client hangs up and its request is dropped.
struct Lent<'a> {
    idle: &'a Mutex<Vec<SqliteConnection>>,
    connection: Option<SqliteConnection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

struct Write {
    values: [String; 8],
    answer: oneshot::Sender<Result<String, sqlx::Error>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let readers = options.readers.unwrap_or(cores.clamp(2, 8));
    let mut idle = Vec::with_capacity(readers);
    for _ in 0..readers {
        let connection = any(&options.database).pragma("cache_size", "-4096").pragma("query_only", "on");
        idle.push(connection.connect().await?);
    }
    let writer = any(&options.database).synchronous(SqliteSynchronous::Full).pragma("cache_size", "-32768");
    let (writes, waiting) = mpsc::channel(1024);
    let batch_max = if options.one_commit_each { 1 } else { BATCH_MAX };
    tokio::spawn(write_all(writer.connect().await?, waiting, batch_max));
    let bare = Arc::new(Bare { permits: Semaphore::new(readers), idle: Mutex::new(idle), writes });
    let router = Router::new().route("/", post(answer)).with_state(bare);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

/// As Clef opens its connections: src/storage/sqlite/place.rs.
fn any(database: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(database)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging()
        .journal_mode(SqliteJournalMode::Wal)
        .statement_cache_capacity(512)
        .pragma("temp_store", "memory")
        .pragma("mmap_size", "2147418112")
}

async fn answer(State(bare): State<Arc<Bare>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let variables = request.variables;
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let (field, json) = match request.query {
        "one_node" => ("Person", bare.read(ONE_NODE, text(variables.id)).await.map(|json| json.unwrap_or("[]".into()))),
        "filtered_50" => ("MusicComposition", bare.one(FILTERED_50, text(variables.t)).await),
        "nested" => ("MusicComposition", bare.one(NESTED, variables.o).await),
        "list_1000x10" => ("Person", bare.one(LIST, variables.o).await),
        "list_by_key" => ("Person", bare.one(LIST_BY_KEY, variables.o).await),
        "create" => {
            let Variables { identifier, name, title, creator, contributor, source, format, .. } = variables;
            let values = [identifier, name, title, creator, contributor, source, format, Some("en")].map(text);
            ("CreatePerson", bare.write(values).await)
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match json {
        Ok(json) => {
            let body = ["{\"data\":{\"", field, "\":", &json, "}}"].concat();
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

impl Bare {
    async fn one<'q, P>(&self, statement: &'static str, parameter: P) -> Result<String, sqlx::Error>
    where
        P: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        self.read(statement, parameter).await?.ok_or(sqlx::Error::RowNotFound)
    }

    async fn read<'q, P>(&self, statement: &'static str, parameter: P) -> Result<Option<String>, sqlx::Error>
    where
        P: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        let _permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = Lent { idle: &self.idle, connection: taken };
        let connection = lent.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        sqlx::query_scalar(statement).bind(parameter).fetch_optional(connection).await
    }

    async fn write(&self, values: [String; 8]) -> Result<String, sqlx::Error> {
        let (answer, result) = oneshot::channel();
        self.writes.send(Write { values, answer }).await.map_err(|_| sqlx::Error::PoolClosed)?;
        result.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
}

/// Writes what waits, with one commit for at most `batch_max` of it.
async fn write_all(mut connection: SqliteConnection, mut waiting: mpsc::Receiver<Write>, batch_max: usize) {
    let mut batch = Vec::with_capacity(batch_max);
    let mut recent = 1;
    while let Some(first) = waiting.recv().await {
        batch.push(first);
        let start = Instant::now();
        loop {
            while batch.len() < batch_max
                && let Ok(next) = waiting.try_recv()
            {
                batch.push(next);
            }
            if recent <= 2 || batch.len() >= recent.min(batch_max) || start.elapsed() > GATHER {
                break;
            }
            tokio::task::yield_now().await;
        }
        recent = batch.len().max(usize::midpoint(batch.len(), recent));
        write_batch(&mut connection, &mut batch).await;
    }
}

/// One insert commits itself. Of several, one that fails fails alone: a failed insert leaves nothing behind.
async fn write_batch(connection: &mut SqliteConnection, batch: &mut Vec<Write>) {
    let is_alone = batch.len() == 1;
    let mut outcome = Ok(());
    if !is_alone {
        outcome = sqlx::query("begin immediate").execute(&mut *connection).await.map(drop);
    }
    let mut answers = Vec::with_capacity(batch.len());
    for round in batch.chunks(ROUND) {
        match insert(connection, round).await {
            Ok(rows) if rows.len() == round.len() => answers.extend(rows.into_iter().map(Ok)),
            _ => {
                for write in round {
                    let rows = insert(connection, std::slice::from_ref(write)).await;
                    answers.push(rows.and_then(|mut rows| rows.pop().ok_or(sqlx::Error::RowNotFound)));
                }
            }
        }
    }
    if !is_alone {
        let committed = sqlx::query("commit").execute(&mut *connection).await.map(drop);
        outcome = outcome.and(committed);
    }
    for (write, result) in batch.drain(..).zip(answers) {
        let result = if outcome.is_ok() { result } else { Err(sqlx::Error::WorkerCrashed) };
        // Whoever gave up waiting does not matter.
        drop(write.answer.send(result));
    }
}

/// All rows are read, also if there is one: a commit comes after the last, and nothing is answered before.
async fn insert(connection: &mut SqliteConnection, writes: &[Write]) -> Result<Vec<String>, sqlx::Error> {
    let [before, values, after] = CREATE;
    let text = [before, &vec![values; writes.len()].join(", "), after].concat();
    let mut query = sqlx::query_scalar(AssertSqlSafe(text));
    for write in writes {
        for value in &write.values {
            query = query.bind(value.clone());
        }
    }
    query.fetch_all(connection).await
}
