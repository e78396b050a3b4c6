//! What is wrong with the schema files, all of it, each with what to change. Knows no rule.

use super::syntax::Location;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where; without a file if it concerns the folder.
    pub location: Location,
    /// What is wrong.
    pub message: String,
    /// What to change.
    pub help: String,
}

/// Everything that is wrong, sorted by file and line, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    root: String,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(root: &str) -> Self {
        Self { root: root.to_owned(), list: Vec::new() }
    }

    pub(super) fn add(&mut self, location: &Location, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Problem { location: location.clone(), message: message.into(), help: help.into() });
    }

    /// Adds the problems of lines about which nothing is said yet.
    pub(super) fn extend_where_silent(&mut self, other: Self) {
        let known: std::collections::BTreeSet<Location> =
            self.list.iter().map(|problem| problem.location.clone()).collect();
        self.list.extend(other.list.into_iter().filter(|problem| !known.contains(&problem.location)));
    }

    pub(super) fn sorted(mut self) -> Self {
        self.list.sort();
        self.list.dedup();
        self
    }

    /// The problems by file and line.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none, which a caller of [`parse`](super::parse) never meets.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Problems {}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let root = self.root.trim_end_matches('/');
        for (position, problem) in self.list.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            match (root, problem.location.file.is_empty()) {
                ("", true) => write!(f, "schema")?,
                (_, true) => write!(f, "{root}")?,
                ("", false) => write!(f, "{}", problem.location)?,
                (_, false) => write!(f, "{root}/{}", problem.location)?,
            }
            write!(f, ": {}\n  help: {}", problem.message, problem.help)?;
        }
        Ok(())
    }
}
