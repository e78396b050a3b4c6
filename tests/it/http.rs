//! The server over real HTTP: each row sends a request and names what comes back.

pub(crate) mod client;
pub(crate) mod server;
mod graphql;
mod mistakes;
mod persisted;
mod jwt;
mod scopes;
mod limits;
mod compression;
mod explorer;
mod connections;
mod documents;
mod request_control_action;
mod socket;
mod websocket;
mod legacy_websocket;
mod event_stream;
