//! A write and how it runs between the start and the end of a transaction or savepoint.

use std::fmt;
use std::sync::Arc;

use super::batch::Done;
use super::connection::{Answer, Connection};
use super::error::Error;
use crate::sql::Sql;

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

/// What encloses a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A transaction of its own.
    Transaction,
    /// Part of a transaction that others share, to be undone alone if it fails.
    Savepoint,
    /// Part of a transaction that others share, to be undone with them: two statements less.
    Bare,
}

impl Scope {
    fn begin(self) -> &'static str {
        match self {
            Self::Transaction => "begin immediate; ",
            Self::Savepoint => "savepoint w; ",
            Self::Bare => "",
        }
    }

    /// Number of statements that [`Self::begin`] adds.
    fn offset(self) -> usize {
        usize::from(!matches!(self, Self::Bare))
    }

    fn end(self) -> &'static str {
        match self {
            Self::Transaction => "; commit",
            Self::Savepoint => "; release w",
            Self::Bare => "",
        }
    }
}

impl Write {
    /// The same write and one more statement, kept or lost together.
    #[must_use]
    pub fn with(mut self, also: Sql) -> Self {
        match &mut self {
            Self::Change { statements, .. } => statements.push(also),
            Self::Delete { statement, .. } => {
                statement.push("; ").append(also);
            }
            // Behind what answers, so that this keeps its place.
            Self::Merge { read, .. } | Self::Decide { read, .. } => {
                read.push("; ").append(also);
            }
        }
        self
    }

    /// Statements of the longest course.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Change { statements, .. } => statements.len() as u64 + 1,
            Self::Delete { .. } => 2,
            Self::Merge { create, update, .. } => 2 + create.as_ref().map_or(0, Vec::len).max(update.len()) as u64,
            // How many there will be is not decided yet.
            Self::Decide { .. } => 3,
        }
    }

    /// Whether one text can hold both, parameters apart: nothing is to be decided, and the statements are the same.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Change { statements: these, read }, Self::Change { statements: those, read: other }) => {
                read.text() == other.text() && these.iter().map(Sql::text).eq(those.iter().map(Sql::text))
            }
            _ => false,
        }
    }

    /// The statements of a write in which nothing is to be decided, and the position of the one that answers.
    pub(super) fn script(&self) -> Option<(Sql, usize)> {
        let (parts, position): (Vec<_>, _) = match self {
            Self::Change { statements, read } => (statements.iter().chain([read]).cloned().collect(), statements.len()),
            Self::Delete { read, statement } => (vec![read.clone(), statement.clone()], 0),
            Self::Merge { .. } | Self::Decide { .. } => return None,
        };
        let mut script = Sql::default();
        script.join("; ", parts);
        Some((script, position))
    }

    /// What is read before something is decided, and what afterwards.
    fn first_and_last(&self) -> Option<(&Sql, &Sql)> {
        match self {
            Self::Merge { find, read, .. } => Some((find, read)),
            Self::Decide { check, read, .. } => Some((check, read)),
            Self::Change { .. } | Self::Delete { .. } => None,
        }
    }

    /// What is to be done after the first read found this, or the reason to do nothing.
    fn changes(&self, found: &Answer) -> Result<Vec<Sql>, String> {
        match self {
            Self::Merge { update, .. } if found.is_found => Ok(update.clone()),
            Self::Merge { create, .. } => create.clone(),
            Self::Decide { decision, .. } => decision.decide(found.text.as_deref()),
            Self::Change { .. } | Self::Delete { .. } => Ok(Vec::new()),
        }
    }

    /// Runs the write in as few round trips as it can, from the start of the scope to its end. After an error the scope may be open.
    pub(super) async fn run(&self, connection: &mut Connection, scope: Scope) -> Result<Done, Error> {
        let mut sql = Sql::new(scope.begin());
        let mut is_created = false;
        let position = if let Some((script, position)) = self.script() {
            sql.append(script);
            position + scope.offset()
        } else {
            let Some((first, read)) = self.first_and_last() else { return Ok(Done::default()) };
            sql.append(first.clone());
            let found = connection.run(sql, scope.offset()).await?;
            is_created = !found.is_found;
            let changes = self.changes(&found).map_err(Error::Refused)?;
            sql = Sql::default();
            sql.join("; ", changes.iter().chain([read]).cloned());
            changes.len()
        };
        sql.push(scope.end());
        Ok(Done { text: connection.run(sql, position).await?.text, is_created })
    }
}
