//! Clef: a GraphQL API server with scope-based authorization, made from GraphQL type definitions.
pub mod clock;
pub mod scope;
pub mod value;
pub mod sdl;
pub mod model;
pub mod sql;
pub mod storage;
pub mod plan;
pub mod auth;
pub mod graphql;
