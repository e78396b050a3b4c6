//! The server over real HTTP: each row sends a request and names what comes back.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod server;
mod graphql;
mod mistakes;
mod jwt;
mod compression;
mod connections;
