//! Logs: lines for people or JSON for programs, on standard error. Knows nothing of what is logged.

mod lines;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use lines::Lines;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl LogFormat {
    /// Text where people look at it, which is a terminal.
    pub fn for_this_terminal() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Keeps logging; what is left to write is written when it is dropped.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Logs {
    lines: Lines,
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.lines.write_out();
    }
}

/// Starts logging; once in a process. `filter` is in the syntax of `RUST_LOG`.
///
/// # Errors
///
/// There is no thread for it.
pub fn start(format: LogFormat, filter: &str) -> io::Result<Logs> {
    let lines = Lines::default();
    lines.write_from_time_to_time()?;
    let builder =
        fmt().with_env_filter(EnvFilter::new(filter)).with_ansi(io::stderr().is_terminal()).with_writer(lines.clone());
    let started = match format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            // Its text may quote data, so only the place is told.
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "panicked");
        }));
    }
    Ok(Logs { lines })
}
