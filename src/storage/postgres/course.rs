//! How a write runs: a transaction in one round trip, or in two if something is to be decided.
//!
//! A merge locks the node that it finds; one that finds none and then meets it is run again. What decides by more than one node waits
//! until no other write runs, on any server, and lets none begin: it takes a lock that conflicts with those that writes take anyway.

use super::connection::Connection;
use super::error::Failure;
use crate::sql::Sql;
use crate::storage::write::{Done, Write};

/// Begins beside others.
const SHARED: &str = "begin read write";
/// Begins alone. Who inserts, updates or deletes holds a conflicting lock of the table until its end.
const ALONE: &str = "begin read write; lock table node, relation in share row exclusive mode";

/// Runs a write from begin to commit. After an error nothing is kept.
pub(super) async fn run(connection: &mut Connection, write: &Write) -> Result<Done, Failure> {
    if let Some((statements, position)) = write.script() {
        let answer = connection.pipeline(Some(SHARED), &statements, position, Some("commit")).await?;
        return Ok(Done { text: answer.text, is_created: false });
    }
    let outcome = decided(connection, write).await;
    if outcome.is_err() {
        // A connection on which this fails is not used again.
        connection.pipeline(Some("rollback"), &[], 0, None).await.ok();
    }
    outcome
}

async fn decided(connection: &mut Connection, write: &Write) -> Result<Done, Failure> {
    let Some((first, last)) = write.first_and_last() else { return Ok(Done::default()) };
    let mut first = first.clone();
    if is_merge(write) {
        first.push(" for no key update");
    }
    let begin = if is_merge(write) { SHARED } else { ALONE };
    let found = connection.pipeline(Some(begin), &[&first], 0, None).await?;
    let changes = write.changes(&found).map_err(Failure::Refused)?;
    let statements: Vec<_> = changes.iter().chain(last).collect::<Vec<&Sql>>();
    let answer = connection.pipeline(None, &statements, changes.len(), Some("commit")).await?;
    Ok(Done { text: answer.text, is_created: !found.is_found })
}

/// Whether it failed because of another write, and nothing of it was kept.
pub(super) fn is_worth_another(failure: &Failure, write: &Write) -> bool {
    failure.is_collision() || (failure.is_key_conflict() && is_merge(write))
}

fn is_merge(write: &Write) -> bool {
    match write {
        Write::Merge { .. } => true,
        Write::Also { write, .. } => is_merge(write),
        Write::Change { .. } | Write::Delete { .. } | Write::Decide { .. } => false,
    }
}
