//! The engine against a plain evaluator in memory, which is written from `contract/behaviour.md` and not from the engine: the same random
//! documents over the same random data have to give the same JSON, the order of its members included, on SQLite and on PostgreSQL.
//!
//! `CLEF_SEED` chooses other data and other documents; a failure prints the seed, the document and both answers.

mod random;
mod temporal;
mod world;
mod filter;
mod read;
mod execute;
mod values;
mod writer;
mod generate;
mod selection;
mod change;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clef::clock::Clock;
use clef::graphql::{Engine, Request};
use clef::model::{Model, TypeId};
use clef::storage::{RemovedPolicy, Settings, Storage};
use serde_json::{Map, Value as Json};

use super::support;
use change::Link;
use execute::is_same;
use generate::{Generator, Sample};
use random::Random;
use world::World;

/// Two engines and the evaluator over the same data.
struct Trio {
    seed: u64,
    /// What the engines' clock shows; each document has its own time.
    seconds: Arc<AtomicU64>,
    engine: Engine,
    on_postgres: Engine,
    world: World,
    random: Random,
    documents: usize,
}

impl Trio {
    async fn new(model: Arc<Model>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test takes its seed from the environment")]
        let seed = std::env::var("CLEF_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        let seconds = Arc::new(AtomicU64::new(1_700_000_000));
        let engine = engine(&model, &seconds, "sqlite::memory:".to_owned()).await;
        let on_postgres = self::engine(&model, &seconds, support::cluster::database()).await;
        Self { seed, seconds, engine, on_postgres, world: World::new(model), random: Random::new(seed), documents: 0 }
    }

    /// Has all answer a document and compares root field by root field.
    async fn run(&mut self, (text, variables, random): (String, Map<String, Json>, Random)) {
        self.random = random;
        self.documents += 1;
        let now = self.seconds.fetch_add(61, Ordering::Relaxed) + 61;
        let request = || Request {
            query: text.clone(),
            variables: async_graphql::Variables::from_json(Json::Object(variables.clone())),
            ..Request::default()
        };
        let actual = support::json(&self.engine.execute(request(), support::access(&["*"])).await);
        let on_postgres = support::json(&self.on_postgres.execute(request(), support::access(&["*"])).await);
        let document = async_graphql::parser::parse_query(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let time = chrono::DateTime::from_timestamp_secs(now.try_into().unwrap()).unwrap();
        let time = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let expected = self.world.execute(&document, &variables, &time);
        let about = || {
            format!(
                "seed {}, document {}:\n{text}\nvariables {}",
                self.seed,
                self.documents,
                Json::from(variables.clone())
            )
        };
        if !is_same(&actual, &on_postgres) {
            let (path, actual, on_postgres) = differing(&actual, &on_postgres);
            panic!("{}\n\nDIFFERS AT {path}\non SQLite\n{actual}\non PostgreSQL\n{on_postgres}\n", about());
        }
        let Some(data) = actual["data"].as_object() else { panic!("{}\n{actual}", about()) };
        for (key, expected) in expected.data.as_object().unwrap() {
            let actual = data.get(key).unwrap_or(&Json::Null);
            if !is_same(actual, expected) {
                let root = text.lines().find(|line| line.trim_start().starts_with(&format!("{key}:"))).unwrap_or("");
                let (path, actual, expected) = differing(actual, expected);
                let about = about();
                panic!("{about}\n\nDIFFERS AT {path}\n{root}\nthe engine's\n{actual}\nthe contract's\n{expected}\n");
            }
        }
        assert!(is_same(&actual["data"], &expected.data), "{}: other members, {actual}", about());
        // How many nulls of one parent are told is left open (GraphQL specification, section 6.4.4).
        let has_errors = actual["errors"].is_array();
        assert_eq!(has_errors, expected.errors > 0, "errors of {}\n{}", about(), actual["errors"]);
    }

    async fn load(&mut self, types: &[&str], nodes: usize, relations: usize) -> (Vec<(TypeId, String)>, Vec<Link>) {
        let types: Vec<_> = types.iter().map(|name| self.world.model.type_named(name).expect("a type")).collect();
        let keys: Vec<_> = (0..nodes).map(|number| (types[number % types.len()], format!("k{}", number / 2))).collect();
        let nothing = Sample::default();
        for nodes in keys.chunks(20) {
            let document = Generator::new(&self.world, &nothing, self.random.clone()).create(nodes);
            self.run(document).await;
        }
        let present = Sample::new(&self.world).types;
        let links = self.some_links(change::links(&self.world, &present));
        for _ in 0..relations / 50 {
            let document = Generator::new(&self.world, &nothing, self.random.clone()).add(&links, 50);
            self.run(document).await;
        }
        (keys, links)
    }

    /// A part of the links, so that those there are get many relations each.
    fn some_links(&mut self, mut links: Vec<Link>) -> Vec<Link> {
        while links.len() > 90 {
            links.swap_remove(self.random.below(links.len()));
        }
        links
    }

    async fn queries(&mut self, documents: usize, roots: usize) {
        let sample = Sample::new(&self.world);
        for _ in 0..documents {
            let document = Generator::new(&self.world, &sample, self.random.clone()).query(roots);
            self.run(document).await;
        }
    }
}

async fn engine(model: &Arc<Model>, seconds: &Arc<AtomicU64>, url: String) -> Engine {
    let settings = Settings { url, ..Settings::default() };
    let storage = Storage::open(&settings, model, RemovedPolicy::Refuse).await.unwrap();
    let clock = Clock::Set(Arc::clone(seconds));
    Engine::new(Arc::clone(model), storage, support::no_limits(), clock, String::new).unwrap()
}

/// The innermost values that differ, and where they are.
fn differing(one: &Json, two: &Json) -> (String, Json, Json) {
    let inner = match (one, two) {
        (Json::Array(ones), Json::Array(twos)) if ones.len() == twos.len() => {
            let mut pairs = ones.iter().zip(twos).enumerate();
            pairs.find(|(_, (one, two))| !is_same(one, two)).map(|(index, pair)| (index.to_string(), pair))
        }
        (Json::Object(ones), Json::Object(twos)) if ones.keys().eq(twos.keys()) => {
            let mut pairs = ones.values().zip(twos).map(|(one, (key, two))| (key.clone(), (one, two)));
            pairs.find(|(_, (one, two))| !is_same(one, two))
        }
        _ => None,
    };
    let Some((step, (one, two))) = inner else { return (String::new(), one.clone(), two.clone()) };
    let (path, one, two) = differing(one, two);
    (format!(".{step}{path}"), one, two)
}

async fn check(folder: &str, types: &[&str], nodes: usize, relations: usize, rounds: usize) {
    let mut trio = Trio::new(support::model(folder)).await;
    let (keys, links) = trio.load(types, nodes, relations).await;
    for _ in 0..rounds {
        trio.queries(100, 5).await;
        let sample = Sample::new(&trio.world);
        let document = Generator::new(&trio.world, &sample, trio.random.clone()).changes(&keys, &links, 20);
        trio.run(document).await;
    }
}

const CE_TYPES: [&str; 14] = [
    "Person",
    "Organization",
    "MusicGroup",
    "MusicComposition",
    "MusicRecording",
    "Article",
    "Place",
    "Event",
    "Annotation",
    "AnnotationCETarget",
    "DefinedTerm",
    "DefinedTermSet",
    "Rating",
    "PropertyValueSpecification",
];

#[tokio::test]
async fn random_queries_over_the_contributor_environment_mean_what_the_contract_says_on_both_databases() {
    check("schema", &CE_TYPES, 240, 1_500, 12).await;
}

#[tokio::test]
async fn random_queries_over_another_schema_mean_what_the_contract_says_on_both_databases() {
    check("tests/schemas/library", &["Book", "Author", "Member", "Loan"], 60, 200, 8).await;
}
