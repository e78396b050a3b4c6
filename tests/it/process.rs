//! The program itself: its settings, its signals, its log, its commands.

pub(crate) mod program;
mod rotation;
mod audit;
mod start;
mod commands;
mod ready;
mod exchange;
mod metrics;
mod traces;
