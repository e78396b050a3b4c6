//! Documents of nodes over real HTTP: `GET /{identifier}` as JSON and as JSON-LD.

mod types;
mod negotiation;
mod item_list;

use std::sync::Arc;

use clef::auth::PublicOperations;
use clef::graphql::Engine;
use serde_json::Value;

use super::client::Response;
use super::server::Server;
use crate::support;

const LD: (&str, &[u8]) = ("Accept", b"application/ld+json");

/// A server over the shipped schema, and what fills it.
struct World {
    server: Server,
    engine: Arc<Engine>,
}

impl World {
    async fn new(folder: &str) -> Self {
        Self::with(folder, PublicOperations::default(), None).await
    }

    async fn with(folder: &str, public: PublicOperations, url: Option<&str>) -> Self {
        let engine = Arc::new(support::engine(support::model(folder)).await.with_public(public));
        let server = Server::over(Arc::clone(&engine), url).await;
        Self { server, engine }
    }

    async fn run(&self, mutation: &str) {
        let answer = support::run(&self.engine, mutation).await;
        assert!(answer["errors"].is_null(), "{mutation}: {answer}");
    }

    async fn get(&self, path: &str, headers: &[(&str, &[u8])]) -> Response {
        self.server.send(&format!("GET /{path}"), headers, b"").await
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path, &[]).await;
        assert_eq!(response.status, 200, "{path}: {}", String::from_utf8_lossy(&response.body));
        assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
        response.json()
    }

    async fn json_ld(&self, path: &str) -> Value {
        let response = self.get(path, &[LD]).await;
        assert_eq!(response.status, 200, "{path}: {}", String::from_utf8_lossy(&response.body));
        assert_eq!(response.header("content-type"), Some("application/ld+json"));
        response.json()
    }
}
