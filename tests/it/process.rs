//! The program itself: its settings, its signals, its log, its commands.

mod program;
mod rotation;
mod audit;
mod start;
mod commands;
mod ready;
