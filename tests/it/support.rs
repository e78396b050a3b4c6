//! What tests share: engines over scratch databases, and GraphQL answers as JSON.

pub(crate) mod cluster;

use std::sync::Arc;

use clef::auth::{Access, Principal};
use clef::graphql::{Answer, Engine, Limits, Request};
use clef::model::Model;
use clef::scope::ScopeSet;
use clef::storage::{RemovedPolicy, Settings, Storage};
use serde_json::Value;

/// The model of a schema folder below the repository.
pub(crate) fn model(folder: &str) -> Arc<Model> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let sources = clef::sdl::read_folder(&path).unwrap();
    let definitions = clef::sdl::parse(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(clef::model::build(&definitions).unwrap())
}

/// An engine over an empty database in memory.
pub(crate) async fn engine(model: Arc<Model>) -> Engine {
    let settings = Settings { url: "sqlite::memory:".to_owned(), ..Settings::default() };
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
