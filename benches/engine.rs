//! What a request costs without HTTP: whole requests through the engine, and the steps that it consists of.
//!
//! `cargo bench --bench engine -- QUERY`. The database is a file in a temporary folder, filled as for `benches/load`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first thing that is wrong"
)]

#[path = "load/src/graph.rs"]
#[expect(unreachable_pub, reason = "the load comparison has it as a library")]
mod graph;

use std::cell::Cell;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use chrono::Utc;
use clef::auth::{Access, Principal};
use clef::clock::Clock;
use clef::graphql::{Engine, Outcome, Request};
use clef::metrics::{Kind, Metrics};
use clef::model::Model;
use clef::plan::{self, KeptObjects, Source, input, query};
use clef::scope::ScopeSet;
use clef::storage::{RemovedPolicy, Settings, Storage};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::json;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const NODES: u64 = 12_000;

const ONE_NODE: &str = "query Q($id: ID!) { Person(identifier: $id) { identifier name title creator contributor source format language } }";
const FILTERED_50: &str = "query Q($t: String!) { MusicComposition(filter: {name_contains: $t}, orderBy: [name_asc], first: 50) \
    { identifier name creator } }";
const LIST_1000X10: &str = "query Q($o: Int!) { Person(first: 1000, offset: $o) \
    { identifier name title creator contributor source format language givenName familyName } }";
const NESTED: &str = "query Q($o: Int!) { MusicComposition(orderBy: [name_asc], first: 20, offset: $o) { identifier name \
    composer { ... on Person { identifier name exactMatch { ... on Person { identifier name } } } } \
    encoding { ... on MediaObject { identifier name contentUrl encodingFormat } } } }";
const CREATE: &str = "mutation M($identifier: ID, $name: String, $title: String, $creator: String, $contributor: String, \
    $source: String, $format: String) { CreatePerson(identifier: $identifier, name: $name, title: $title, creator: $creator, \
    contributor: $contributor, source: $source, format: $format, language: en) { identifier name } }";
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } \
    subscriptionType { name } types { ...FullType } directives { name description locations args { ...InputValue } } } } \
    fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description \
    args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields { ...InputValue } \
    interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
    possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50);
    targets = requests, flat_rows, introspection, plans, guards, counts
}
criterion_main!(benches);

/// A temporary folder that goes when this does.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in the temporary directory.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn model() -> Arc<Model> {
    let sources = clef::sdl::read_folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema")).unwrap();
    let definitions = clef::sdl::parse(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(clef::model::build(&definitions).unwrap())
}

async fn engine(model: Arc<Model>, folder: &Folder, nodes: u64) -> Engine {
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("bench.db");
    graph::make(&path, &model, nodes, |_| {}).await.unwrap();
    let settings = Settings { url: ["sqlite://", &path.to_string_lossy()].concat(), ..Settings::default() };
    let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await.unwrap();
    Engine::new(model, storage, clef::graphql::Limits::default(), Clock::System, || uuid::Uuid::new_v4().to_string())
        .unwrap()
}

fn folder() -> Folder {
    Folder(std::env::temp_dir().join(["clef-bench-", &uuid::Uuid::new_v4().to_string()].concat()))
}

fn access(scopes: &[&str]) -> Arc<Access> {
    let scopes = ScopeSet::compile(scopes).unwrap();
    Arc::new(Access::Granted(Principal {
        id: "bench".into(),
        token_id: None,
        token_scopes: scopes.clone(),
        key_scopes: scopes,
    }))
}

fn request(query: &str, variables: serde_json::Value) -> Request {
    Request { query: query.to_owned(), variables: Variables::from_json(variables), ..Request::default() }
}

/// Whole requests: document kept, variables new each time.
fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = folder();
    let engine = runtime.block_on(engine(model(), &folder, NODES));
    let access = access(&["*"]);
    let next = Cell::new(0_u64);
    let number = |below: u64| {
        next.set(next.get() + 1);
        next.get() * 7919 % below
    };
    let form = || graph::FORMS[usize::try_from(number(25)).unwrap_or(0)];
    let new = || {
        json!({
            "identifier": uuid::Uuid::new_v4().to_string(), "name": "Benchmark Person", "title": "Benchmark Person",
            "creator": "https://www.example.org/creator/1", "contributor": "https://www.upf.edu",
            "source": "https://www.example.org/bench", "format": "text/html",
        })
    };
    let mut group = criterion.benchmark_group("request");
    let mut measure = |name: &str, query: &str, variables: &dyn Fn() -> serde_json::Value| {
        let first = runtime.block_on(engine.execute(request(query, variables()), Arc::clone(&access)));
        let text = String::from_utf8_lossy(&first.body);
        assert!(!text.contains("\"errors\"") && text.len() > 60, "{name}: {text}");
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || request(query, variables()),
                |request| engine.execute(request, Arc::clone(&access)),
                BatchSize::SmallInput,
            );
        });
    };
    measure("one_node", ONE_NODE, &|| json!({ "id": graph::key("Person", number(NODES / 6)) }));
    measure("filtered_50", FILTERED_50, &|| json!({ "t": form() }));
    measure("nested", NESTED, &|| json!({ "o": number(1_000) }));
    measure("list_1000x10", LIST_1000X10, &|| json!({ "o": number(600) }));
    measure("create", CREATE, &new);
    group.finish();
    runtime.block_on(engine.storage().close());
}

/// 1,000 rows x 10 fields in both ways of making their JSON: by the database, as the plan has it, and from typed rows by this process.
fn flat_rows(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = folder();
    let engine = runtime.block_on(engine(model(), &folder, NODES));
    let url = ["sqlite://", &folder.0.join("bench.db").to_string_lossy()].concat();
    let pool = runtime.block_on(sqlx::sqlite::SqlitePoolOptions::new().max_connections(2).connect(&url)).unwrap();
    let mut group = criterion.benchmark_group("flat_rows");
    group.bench_function("json_by_database", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let request = request(LIST_1000X10, json!({ "o": 17 }));
            engine.execute(request, Arc::new(Access::Anonymous)).await.body.len()
        });
    });
    group.bench_function("json_by_process", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let rows = sqlx::query(ROWS_1000X10).bind(17).fetch_all(&pool).await.unwrap();
            written(&rows).len()
        });
    });
    group.finish();
    runtime.block_on(engine.storage().close());
}

const COLUMNS: [&str; 10] = [
    "identifier",
    "name",
    "title",
    "creator",
    "contributor",
    "source",
    "format",
    "language",
    "givenName",
    "familyName",
];
const ROWS_1000X10: &str = "select __key, name, title, creator, contributor, source, format, language, givenName, familyName \
    from node where __type = 'Person' order by __id limit 1000 offset ?";

fn written(rows: &[sqlx::sqlite::SqliteRow]) -> Vec<u8> {
    let mut json = b"{\"data\":{\"Person\":[".to_vec();
    for (position, row) in rows.iter().enumerate() {
        json.extend_from_slice(if position == 0 { b"{" } else { b",{" });
        for (index, name) in COLUMNS.iter().enumerate() {
            json.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            json.extend_from_slice(name.as_bytes());
            json.extend_from_slice(b"\":");
            let value: Option<&str> = sqlx::Row::get(row, index);
            serde_json::to_writer(&mut json, &value).unwrap();
        }
        json.push(b'}');
    }
    json.extend_from_slice(b"]}}");
    json
}

/// The standard query of clients, answered for the first time and from memory.
fn introspection(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = folder();
    let engine = runtime.block_on(engine(model(), &folder, 6));
    let access = access(&["*"]);
    let mut group = criterion.benchmark_group("introspection");
    group.sample_size(10);
    // A blank more makes the text another one, which is not kept.
    let blanks = Cell::new(0);
    group.bench_function("cold", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || {
                blanks.set(blanks.get() + 1);
                request(&[INTROSPECTION, &" ".repeat(blanks.get())].concat(), serde_json::Value::Null)
            },
            |request| engine.execute(request, Arc::clone(&access)),
            BatchSize::PerIteration,
        );
    });
    let first = runtime.block_on(engine.execute(request(INTROSPECTION, serde_json::Value::Null), Arc::clone(&access)));
    assert_eq!(first.outcome, Outcome::Introspection);
    group.sample_size(50);
    group.bench_function("kept", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(|| engine.execute(request(INTROSPECTION, serde_json::Value::Null), Arc::clone(&access)));
    });
    group.finish();
    runtime.block_on(engine.storage().close());
}

/// From a parsed document to SQL text, variables checked.
fn plans(criterion: &mut Criterion) {
    let model = model();
    let mut group = criterion.benchmark_group("plan");
    let cases = [
        ("one_node", ONE_NODE, json!({ "id": "x" })),
        ("filtered_50", FILTERED_50, json!({ "t": "Sonata" })),
        ("nested", NESTED, json!({ "o": 17 })),
        ("list_1000x10", LIST_1000X10, json!({ "o": 17 })),
    ];
    for (name, text, variables) in cases {
        let document = parse_query(text).unwrap();
        let (_, definition) = document.operations.iter().next().unwrap();
        let sent = Variables::from_json(variables);
        let kept = KeptObjects::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let variables = input::coerce_variables(model.api(), &definition.node, &sent).unwrap();
                let source = Source {
                    model: &model,
                    document: &document,
                    kept: &kept,
                    variables: &variables,
                    now: Utc::now(),
                    dialect: clef::sql::Dialect::Sqlite,
                };
                let roots = plan::root_fields(&source, "Query", &definition.node.selection_set.node);
                query::query(source, &roots[0]).unwrap().statement
            });
        });
    }
    group.finish();
}

/// What the guard costs a field: a glob, a list of globs of which the last grants, a refusal.
fn guards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("guard");
    let scope = "Mutation:MusicComposition:Create";
    let many: Vec<String> = (0..63).map(|number| ["Mutation:Type", &number.to_string(), ":*"].concat()).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("Mutation:Music*:{Create,Update}");
    // Globs of which no two begin alike, so that they are united a few at a time only.
    let unlike: Vec<String> = (0..64_u8)
        .map(|number| {
            let [first, second] = [b'a' + number % 26, b'a' + number / 26].map(char::from);
            if number == 63 { "*Music*:Create".to_owned() } else { format!("*{first}*{second}{first}q*:*") }
        })
        .collect();
    let unlike: Vec<&str> = unlike.iter().map(String::as_str).collect();
    for (name, patterns) in [
        ("one_glob", vec!["*"]),
        ("typical", vec!["Mutation:*:{Create,Update}"]),
        ("64_globs", many),
        ("64_unlike_globs", unlike),
    ] {
        let set = ScopeSet::compile(&patterns).unwrap();
        assert!(set.grants(scope));
        group.bench_function(["grants/", name].concat(), |bencher| bencher.iter(|| set.grants(black_box(scope))));
        let access = access(&patterns);
        group.bench_function(["access/", name].concat(), |bencher| {
            bencher.iter(|| access.check(black_box(scope)).is_ok());
        });
    }
    let access = access(&["Query:*:*"]);
    group.bench_function("access/refused", |bencher| bencher.iter(|| access.check(black_box(scope)).is_err()));
    group.finish();
}

/// What it costs to count a request and its operation.
fn counts(criterion: &mut Criterion) {
    let metrics = Metrics::new(&["/graphql", "/", "/jwt", "/health", "/ready", "/{identifier}"]);
    let mut group = criterion.benchmark_group("metrics");
    for route in ["/graphql", "/{identifier}"] {
        group.bench_function(["count", route].concat(), |bencher| {
            bencher.iter(|| {
                metrics.request(black_box(Some(route)), "POST", 200, Duration::from_micros(75));
                metrics.operation(Kind::Query, None);
            });
        });
    }
    group.finish();
}
