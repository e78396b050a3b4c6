//! A write and how it runs between the start and the end of a transaction or savepoint.

use super::batch::Done;
use super::connection::Connection;
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
        /// Makes the node, or says why it cannot be made.
        create: Result<Sql, String>,
        /// Changes the node.
        update: Sql,
        /// Reads the answer.
        read: Sql,
    },
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
            Self::Merge { read, .. } => {
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
            Self::Merge { .. } => 3,
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
            Self::Merge { .. } => return None,
        };
        let mut script = Sql::default();
        script.join("; ", parts);
        Some((script, position))
    }

    /// Runs the write in as few round trips as it can, from the start of the scope to its end. After an error the scope may be open.
    pub(super) async fn run(&self, connection: &mut Connection, scope: Scope) -> Result<Done, Error> {
        let mut sql = Sql::new(scope.begin());
        let mut is_created = false;
        let position = if let Some((script, position)) = self.script() {
            sql.append(script);
            position + scope.offset()
        } else if let Self::Merge { find, create, update, read } = self {
            sql.append(find.clone());
            let is_found = connection.run(sql, scope.offset()).await?.is_found;
            is_created = !is_found;
            let change = match create {
                _ if is_found => update,
                Ok(create) => create,
                Err(reason) => return Err(Error::Refused(reason.clone())),
            };
            sql = change.clone();
            sql.push("; ").append(read.clone());
            1
        } else {
            return Ok(Done::default());
        };
        sql.push(scope.end());
        Ok(Done { text: connection.run(sql, position).await?.text, is_created })
    }
}
