//! A write and how it runs between the start and the end of a transaction or savepoint.

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
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// A transaction of its own.
    Transaction,
    /// Part of a transaction that others share.
    Savepoint,
}

impl Scope {
    fn begin(self) -> &'static str {
        match self {
            Self::Transaction => "begin immediate; ",
            Self::Savepoint => "savepoint w; ",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Transaction => "; commit",
            Self::Savepoint => "; release w",
        }
    }

    /// Undoes the write. An error means that SQLite undid the whole transaction by itself.
    pub(super) async fn undo(self, connection: &mut Connection) -> Result<(), Error> {
        let undo = match self {
            Self::Transaction => "rollback",
            Self::Savepoint => "rollback to w; release w",
        };
        connection.run(Sql::new(undo), 0).await?;
        Ok(())
    }
}

impl Write {
    /// Statements of the longest course.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Change { statements, .. } => statements.len() as u64 + 1,
            Self::Delete { .. } => 2,
            Self::Merge { .. } => 3,
        }
    }

    /// Runs the write in as few round trips as it can, from the start of the scope to its end. After an error the scope may be open.
    pub(super) async fn run(&self, connection: &mut Connection, scope: Scope) -> Result<Option<String>, Error> {
        let mut script = Sql::new(scope.begin());
        let position = match self {
            Self::Change { statements, read } => {
                for statement in statements {
                    script.append(statement.clone()).push("; ");
                }
                script.append(read.clone());
                statements.len() + 1
            }
            Self::Delete { read, statement } => {
                script.append(read.clone()).push("; ").append(statement.clone());
                1
            }
            Self::Merge { find, create, update, read } => {
                script.append(find.clone());
                let found = connection.run(script, 1).await?;
                let change = match create {
                    _ if found.is_found => update,
                    Ok(create) => create,
                    Err(reason) => return Err(Error::Refused(reason.clone())),
                };
                script = change.clone();
                script.push("; ").append(read.clone());
                1
            }
        };
        script.push(scope.end());
        Ok(connection.run(script, position).await?.text)
    }
}
