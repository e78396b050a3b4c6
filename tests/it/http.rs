//! The server over real HTTP: each row sends a request and names what comes back.

mod client;
mod server;
mod graphql;
mod mistakes;
mod jwt;
mod scopes;
mod compression;
mod connections;
