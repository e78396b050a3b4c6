//! What tests share: engines over scratch databases, and GraphQL answers as JSON.

pub(crate) mod cluster;
pub(crate) mod pooler;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock};

use clef::auth::{Access, Principal};
use clef::graphql::{Answer, Engine, Limits, Request};
use clef::model::Model;
use clef::scope::ScopeSet;
use clef::storage::{Pooler, RemovedPolicy, Settings, Storage};
use serde_json::Value;
use tokio::sync::Mutex;

/// The model of a schema folder below the repository.
pub(crate) fn model(folder: &str) -> Arc<Model> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let sources = clef::sdl::read_folder(&path).unwrap();
    let definitions = clef::sdl::parse(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(clef::model::build(&definitions).unwrap())
}

/// Whether tests that would do on either database run on PostgreSQL: `CLEF_TEST_DATABASE` is `postgres`, or `pgbouncer` for one behind it, not
/// `sqlite` or unset.
pub(crate) fn is_postgres() -> bool {
    ["postgres", "pgbouncer"].contains(&&*chosen())
}

fn chosen() -> String {
    #[expect(clippy::disallowed_methods, reason = "whoever starts the tests chooses the database")]
    let chosen = std::env::var("CLEF_TEST_DATABASE").unwrap_or_default();
    let known = ["", "sqlite", "postgres", "pgbouncer"];
    assert!(known.contains(&&*chosen), "CLEF_TEST_DATABASE is `{chosen}`: use sqlite, postgres or pgbouncer");
    chosen
}

/// The settings for a database of the cluster, as the tests reach it.
fn reached(url: String) -> Settings {
    if chosen() == "pgbouncer" {
        return Settings { url: cluster::pooled(&url), pooler: Pooler::Transaction, ..Settings::default() };
    }
    Settings { url, ..Settings::default() }
}

/// An empty database, in memory if it is one of SQLite.
pub(crate) fn settings() -> Settings {
    let url = if is_postgres() { cluster::database() } else { "sqlite::memory:".to_owned() };
    Settings { url, ..Settings::default() }
}

/// Databases that fit a model and are empty, by the model's columns and types.
static FITTED: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// A database that fits the model; making a copy of another is ten times as fast as making its tables.
async fn fitted(model: &Model) -> Settings {
    if !is_postgres() {
        return settings();
    }
    let names: Vec<_> = model.objects().map(|(_, ty)| &ty.name).collect();
    let mut known = FITTED.lock().await;
    let fitted = match known.entry(format!("{:?}{names:?}{:?}", model.columns(), model.search())) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let settings = settings();
            Storage::open(&settings, model, RemovedPolicy::Refuse).await.unwrap().close().await;
            cluster::close(&settings.url);
            entry.insert(settings.url)
        }
    };
    reached(cluster::copy(fitted))
}

/// An engine over an empty database.
pub(crate) async fn engine(model: Arc<Model>) -> Engine {
    let settings = fitted(&model).await;
    let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap();
    Engine::new(model, storage, Limits::default(), clef::clock::Clock::System, || uuid::Uuid::new_v4().to_string())
        .unwrap()
}

/// For documents that are larger than any client's.
pub(crate) fn no_limits() -> Limits {
    let most = usize::MAX;
    Limits {
        tokens: most,
        depth: most,
        fields: most,
        aliases: most,
        root_fields: most,
        directives: most,
        cost: u64::MAX,
        response_bytes: most,
    }
}

/// Access with these scopes.
pub(crate) fn access(scopes: &[&str]) -> Arc<Access> {
    let scopes = ScopeSet::compile(scopes).unwrap();
    Arc::new(Access::Granted(Principal {
        id: "test".into(),
        token_id: None,
        token_scopes: scopes.clone(),
        key_scopes: scopes,
    }))
}

/// The answer to a document, run with every scope.
pub(crate) async fn run(engine: &Engine, query: &str) -> Value {
    run_with(engine, query, Value::Null).await
}

/// The answer to a document with variables, run with every scope.
pub(crate) async fn run_with(engine: &Engine, query: &str, variables: Value) -> Value {
    let request = Request {
        query: query.to_owned(),
        variables: async_graphql::Variables::from_json(variables),
        ..Request::default()
    };
    json(&engine.execute(request, access(&["*"])).await)
}

/// The body of an answer.
pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.body)))
}
