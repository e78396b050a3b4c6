//! Clef: a GraphQL API server with scope-based authorization, made from GraphQL type definitions.
//!
//! Modules in the order in which data flows; each uses itself and those before it. `docs/architecture.md` is the map.

pub mod clock;
pub mod metrics;
pub mod trace;
pub mod scope;
pub mod value;
pub mod sdl;
pub mod model;
pub mod sql;
pub mod storage;
pub mod exchange;
pub mod plan;
pub mod contributor;
pub mod auth;
pub mod audit;
pub mod document;
pub mod graphql;
pub mod http;
pub mod config;
pub mod telemetry;
pub mod terminal;
pub mod app;
pub mod cli;
