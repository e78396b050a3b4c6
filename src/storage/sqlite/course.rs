//! How a write runs between the start and the end of a transaction or savepoint: its statements go to the driver's thread as one text.

use super::connection::Connection;
use crate::sql::Sql;
use crate::storage::error::Error;
use crate::storage::write::{Done, Outcome, Write};

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

/// Whether one text can hold both, parameters apart: nothing is to be decided, and the statements are the same.
pub(super) fn are_alike(one: &Write, other: &Write) -> bool {
    match (one, other) {
        (Write::Change { statements: these, read }, Write::Change { statements: those, read: other }) => {
            read.text() == other.text() && these.iter().map(Sql::text).eq(those.iter().map(Sql::text))
        }
        _ => false,
    }
}

/// The statements of a write in which nothing is to be decided, as one text, and the position of the one that answers.
pub(super) fn script(write: &Write) -> Option<(Sql, usize)> {
    let (parts, position) = write.script()?;
    Some((joined(parts), position))
}

/// Runs a write in as few round trips as it can, from the start of the scope to its end. After an error the scope may be open.
pub(super) async fn run(write: &Write, connection: &mut Connection, scope: Scope) -> Outcome {
    let mut sql = Sql::new(scope.begin());
    let mut is_created = false;
    let position = if let Some((script, position)) = script(write) {
        sql.append(script);
        position + scope.offset()
    } else {
        let Some((first, last)) = write.first_and_last() else { return Ok(Done::default()) };
        sql.append(first.clone());
        let found = connection.run(sql, scope.offset()).await?;
        is_created = !found.is_found;
        let changes = write.changes(&found).map_err(Error::Refused)?;
        sql = joined(changes.iter().chain(last));
        changes.len()
    };
    sql.push(scope.end());
    Ok(Done { text: connection.run(sql, position).await?.text, is_created })
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a Sql>) -> Sql {
    let mut sql = Sql::default();
    sql.join("; ", parts.into_iter().cloned());
    sql
}
