//! Promises of the whole program, one module for each capability.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test fails by panicking"
)]

mod support;
mod layers;
mod sdl_contract;
mod scope_micromatch;
mod scope_properties;
mod scope_fuzz;
mod scope_tools;
mod storage;
mod storage_postgres;
mod resilience;
mod oracle;
mod guard;
mod http;
mod process;
mod queries;
mod mutations;
mod relations;
mod search;
mod statements;
mod documents_plan;
mod plan_snapshots;
mod bad_input;
mod subscriptions;
mod replicas;
mod exchange;
