//! A write: which statements belong together, what is decided between them, and which of them answers. Runs nothing.

use std::fmt;
use std::sync::Arc;

use super::error::Error;
use crate::sql::Sql;

/// A part of a statement, with its name.
pub type Part = (Option<&'static str>, Sql);

/// Statements that are kept or lost together, and the one whose row is the answer.
#[derive(Debug, Clone)]
pub enum Write {
    /// Runs all, then reads.
    Change {
        /// In this order.
        statements: Vec<Sql>,
        /// Reads the answer.
        read: Sql,
    },
    /// Runs parts of which none sees what another did, and reads what they return: one statement, on PostgreSQL.
    Together {
        /// With their names, if anything asks for what they return.
        parts: Vec<Part>,
        /// Reads the answer.
        read: Sql,
    },
    /// Reads, then deletes what was read.
    Delete {
        /// Reads the answer.
        read: Sql,
        /// Deletes.
        statement: Sql,
    },
    /// Updates if `find` has a row, else creates; then reads.
    Merge {
        /// Has a row if the node exists.
        find: Sql,
        /// Make the node, or say why it cannot be made.
        create: Result<Vec<Sql>, String>,
        /// Change the node.
        update: Vec<Sql>,
        /// Reads the answer.
        read: Sql,
    },
    /// Reads what has to be known, decides, runs what was decided, then reads.
    Decide {
        /// Reads what has to be known: one text.
        check: Sql,
        /// Decides.
        decision: Decision,
        /// Reads the answer.
        read: Sql,
    },
    /// A write and more statements, run after it.
    Also {
        /// Answers.
        write: Box<Write>,
        /// In this order.
        statements: Vec<Sql>,
    },
}

/// From what was read to the statements to run, or the reason not to. Does no I/O.
#[derive(Clone)]
pub struct Decision(Arc<Decide>);

type Decide = dyn Fn(Option<&str>) -> Result<Vec<Sql>, String> + Send + Sync;

impl Decision {
    /// Decides by a function.
    pub fn new(decide: impl Fn(Option<&str>) -> Result<Vec<Sql>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// Decides.
    ///
    /// # Errors
    ///
    /// The reason not to write.
    pub fn decide(&self, found: Option<&str>) -> Result<Vec<Sql>, String> {
        (self.0)(found)
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Decision")
    }
}

/// What a statement found.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Whether there was a row.
    pub(super) is_found: bool,
    /// First column of the first row.
    pub(super) text: Option<String>,
}

/// What a write came to.
pub(super) type Outcome = Result<Done, Error>;

/// What a write answers.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// First column of the first row.
    pub(super) text: Option<String>,
    /// Whether a merge found no node.
    pub(super) is_created: bool,
}

impl Write {
    /// The same write and one more statement, kept or lost together.
    #[must_use]
    pub fn with(mut self, also: Sql) -> Self {
        match &mut self {
            Self::Change { statements, .. } | Self::Also { statements, .. } => statements.push(also),
            Self::Together { parts, .. } => parts.push((None, also)),
            Self::Delete { .. } | Self::Merge { .. } | Self::Decide { .. } => {
                return Self::Also { write: Box::new(self), statements: vec![also] };
            }
        }
        self
    }

    /// Statements of the longest course.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Change { statements, .. } => statements.len() as u64 + 1,
            Self::Together { .. } => 1,
            Self::Delete { .. } => 2,
            Self::Merge { create, update, .. } => 2 + create.as_ref().map_or(0, Vec::len).max(update.len()) as u64,
            // How many there will be is not decided yet.
            Self::Decide { .. } => 3,
            Self::Also { write, statements } => write.len() + statements.len() as u64,
        }
    }

    /// The statement that deletes a node, which is the second of the script.
    pub(super) fn deletion(&self) -> Option<&Sql> {
        match self {
            Self::Delete { statement, .. } => Some(statement),
            Self::Also { write, .. } => write.deletion(),
            Self::Change { .. } | Self::Together { .. } | Self::Merge { .. } | Self::Decide { .. } => None,
        }
    }

    /// The parts of a write that is one statement, and what reads.
    pub(super) fn together(&self) -> Option<(&[Part], &Sql)> {
        match self {
            Self::Together { parts, read } => Some((parts, read)),
            _ => None,
        }
    }

    /// The statements of a write in which nothing is to be decided, in order, and the position of the one that answers.
    pub(super) fn script(&self) -> Option<(Vec<&Sql>, usize)> {
        match self {
            Self::Change { statements, read } => Some((statements.iter().chain([read]).collect(), statements.len())),
            Self::Delete { read, statement } => Some((vec![read, statement], 0)),
            Self::Together { .. } | Self::Merge { .. } | Self::Decide { .. } => None,
            Self::Also { write, statements } => {
                let (mut script, position) = write.script()?;
                script.extend(statements);
                Some((script, position))
            }
        }
    }

    /// What is read before something is decided, and what is run afterwards: its first statement answers.
    pub(super) fn first_and_last(&self) -> Option<(&Sql, Vec<&Sql>)> {
        match self {
            Self::Merge { find, read, .. } => Some((find, vec![read])),
            Self::Decide { check, read, .. } => Some((check, vec![read])),
            Self::Change { .. } | Self::Together { .. } | Self::Delete { .. } => None,
            Self::Also { write, statements } => {
                let (first, mut last) = write.first_and_last()?;
                last.extend(statements);
                Some((first, last))
            }
        }
    }

    /// What is to be done after the first read found this, or the reason to do nothing.
    pub(super) fn changes(&self, found: &Answer) -> Result<Vec<Sql>, String> {
        match self {
            Self::Merge { update, .. } if found.is_found => Ok(update.clone()),
            Self::Merge { create, .. } => create.clone(),
            Self::Decide { decision, .. } => decision.decide(found.text.as_deref()),
            Self::Change { .. } | Self::Together { .. } | Self::Delete { .. } => Ok(Vec::new()),
            Self::Also { write, .. } => write.changes(found),
        }
    }
}
