//! A server in this process, and what tests send to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use clef::auth::{Authority, Key, PublicOperations, Secret, Settings};
use clef::clock::Clock;
use clef::graphql::Engine;
use clef::http::{Drained, Limits, Services};
use clef::scope::ScopeSet;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::client::{Response, send};

pub(crate) const JSON: (&str, &[u8]) = ("Content-Type", b"application/json");
pub(crate) const QUERY: &[u8] = br#"{"query":"{ __typename }"}"#;
pub(crate) const MUTATION: &[u8] = br#"{"query":"mutation { CreatePerson(title: \"a\") { identifier } }"}"#;

/// A server of its own for each test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) served: tokio::task::JoinHandle<Drained>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits { body_bytes: 4096, batch: 2, ..Limits::default() }).await
    }

    pub(crate) async fn start_with(limits: Limits) -> Self {
        Self::start_as(limits, PublicOperations::default(), Clock::System).await
    }

    pub(crate) async fn start_public(limits: Limits, public: PublicOperations) -> Self {
        Self::start_as(limits, public, Clock::System).await
    }

    /// Tokens are made and checked by this clock.
    pub(crate) async fn start_at(limits: Limits, clock: Clock) -> Self {
        Self::start_as(limits, PublicOperations::default(), clock).await
    }

    async fn start_as(limits: Limits, public: PublicOperations, clock: Clock) -> Self {
        let engine = crate::support::engine(crate::support::model("schema")).await.with_public(public);
        Self::serve(Arc::new(engine), limits, clock, None).await
    }

    /// Over an engine of the test's own, reached at `url`.
    pub(crate) async fn over(engine: Arc<Engine>, url: Option<&str>) -> Self {
        Self::serve(engine, Limits::default(), Clock::System, url).await
    }

    async fn serve(engine: Arc<Engine>, limits: Limits, clock: Clock, url: Option<&str>) -> Self {
        let key = |id: &str, scopes: &[&str]| Key::new(id, format!("key of {id}"), ScopeSet::compile(scopes).unwrap());
        let settings = Settings {
            secrets: vec![Secret::unnamed("a secret of the tests, of more than 32 bytes")],
            lifetime: Duration::from_hours(24),
            issuer: "https://trompamusic.eu".into(),
            audience: Vec::new(),
            keys: vec![key("all", &["*"]), key("people", &["Mutation:Person:*"])],
            ..Settings::default()
        };
        let authority = Authority::new(settings, clock).unwrap();
        let scopes = engine.explainer().catalogue().scopes().cloned().collect();
        Self::start_services(Services::new(engine, authority, scopes, limits.clone()).with_public_url(url), limits)
            .await
    }

    /// Of another schema, in a folder, and changed.
    pub(crate) async fn start_of(schema: &str, change: impl FnOnce(Services) -> Services) -> Self {
        let settings = Settings {
            secrets: vec![Secret::unnamed("a secret of the tests, of more than 32 bytes")],
            ..Settings::default()
        };
        let authority = Authority::new(settings, Clock::System).unwrap();
        let engine = Arc::new(crate::support::engine(crate::support::model(schema)).await);
        Self::start_services(change(Services::new(engine, authority, Vec::new(), Limits::default())), Limits::default())
            .await
    }

    async fn start_services(services: Services, limits: Limits) -> Self {
        let endpoints = clef::http::endpoints(Arc::new(services)).route("/panic", get(broken));
        let router = clef::http::observed(endpoints, limits.request_timeout);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stop = async { stopped.await.unwrap_or(()) };
            clef::http::serve(listener, router, &limits, stop, Duration::from_secs(5)).await
        });
        Self { address, stop, served }
    }

    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Response {
        send(self.address, line, headers, body).await
    }

    pub(crate) async fn mint(&self, order: &Value) -> Response {
        self.send("POST /jwt", &[JSON], order.to_string().as_bytes()).await
    }

    pub(crate) async fn token(&self, id: &str, scopes: &[&str]) -> Vec<u8> {
        let order = json!({"id": id, "apiKey": format!("key of {id}"), "scopes": scopes});
        let jwt = self.mint(&order).await.json()["jwt"].as_str().unwrap().to_owned();
        format!("Bearer {jwt}").into_bytes()
    }

    pub(crate) async fn create_person(&self, name: &str) {
        self.create_person_with("name", name).await;
    }

    pub(crate) async fn create_person_with(&self, property: &str, value: &str) {
        let token = self.token("all", &["*"]).await;
        let query = format!("mutation {{ CreatePerson({property}: \"{value}\") {{ identifier }} }}");
        let body = json!({ "query": query }).to_string();
        let response = self.send("POST /", &[JSON, ("Authorization", &token)], body.as_bytes()).await;
        assert_eq!(response.json()["errors"], Value::Null);
    }
}

async fn broken() -> &'static str {
    panic!("this handler is broken")
}
