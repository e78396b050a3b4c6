//! What is wrong with the configuration, all of it at once. Never quotes a secret.

use std::fmt;

/// One setting that stops the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong and what to change.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.variable, self.message)
    }
}

/// Problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn push(&mut self, variable: &'static str, message: impl fmt::Display) {
        self.0.push(Problem { variable, message: message.to_string() });
    }

    /// The value, or none and one problem more.
    pub(super) fn take<T>(&mut self, variable: &'static str, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|error| self.push(variable, error)).ok()
    }

    pub(super) fn has(&self, variable: &str) -> bool {
        self.0.iter().any(|problem| problem.variable == variable)
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

/// Problems, each on a line of its own.
pub(super) fn lines(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |lines, problem| format!("{lines}\n  {problem}"))
}
