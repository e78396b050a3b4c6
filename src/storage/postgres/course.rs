//! How a write runs: a transaction in one round trip, or in two if something is to be decided.
//!
//! A merge locks the node that it finds; one that finds none and then meets it is run again. What decides by more than one node waits
//! until no other write runs, on any server, and lets none begin: it takes a lock that conflicts with those that writes take anyway.

use super::connection::{BEGIN, COMMIT, Connection};
use super::error::Failure;
use super::outbox::Entry;
use crate::sql::Sql;
use crate::storage::events::{Action, Cause};
use crate::storage::write::{Done, Part, Write};

/// Begins alone. Who inserts, updates or deletes holds a conflicting lock of the table until its end.
const ALONE: &str = "begin read write; lock table node, relation in share row exclusive mode";

/// Runs a write from begin to commit, and leaves an entry in the outbox. After an error nothing is kept.
pub(super) async fn run(connection: &mut Connection, write: &Write, entry: Option<Entry<'_>>) -> Result<Done, Failure> {
    if let Some((parts, read)) = write.together() {
        let entry = entry.map(|entry| entry.of(Action::Created));
        let statement = together(parts, entry, read);
        let answer = connection.write(&statement).await?;
        return Ok(Done { text: answer.text, is_created: true });
    }
    if let Some((mut statements, position)) = write.script() {
        let last = entry.map(|entry| left_by(write, entry));
        match (&last, statements.get_mut(1)) {
            (Some(Left::Instead(statement)), Some(deletion)) => *deletion = statement,
            (Some(Left::Instead(statement) | Left::Last(statement)), _) => statements.push(statement),
            (None, _) => {}
        }
        let answer = connection.pipeline(Some(BEGIN), &statements, position, Some(COMMIT)).await?;
        return Ok(Done { text: answer.text, is_created: false });
    }
    let outcome = decided(connection, write, entry).await;
    if outcome.is_err() && connection.is_usable() {
        // A connection on which this fails is not used again.
        connection.pipeline(Some("rollback"), &[], 0, None).await.ok();
    }
    outcome
}

/// One statement. Parts without a name are given one.
fn together(parts: &[Part], entry: Option<Sql>, read: &Sql) -> Sql {
    let mut sql = Sql::new("with ");
    let unnamed = entry.into_iter().map(|entry| (None, entry));
    for (number, (name, part)) in parts.iter().cloned().chain(unnamed).enumerate() {
        if number > 0 {
            sql.push(", ");
        }
        match name {
            Some(name) => sql.push(name),
            None => sql.push("part").number(number),
        };
        sql.push(" as (").append(part).push(")");
    }
    sql.push(" ").append(read.clone());
    match read.rows() {
        Some(rows) => sql.answering(rows.clone()),
        None => sql,
    }
}

/// Where a script leaves its entry.
enum Left {
    /// In place of the deletion.
    Instead(Sql),
    /// After everything.
    Last(Sql),
}

fn left_by(write: &Write, entry: Entry<'_>) -> Left {
    match (entry.announced.cause, write.deletion()) {
        (Cause::Delete, Some(deletion)) => Left::Instead(entry.of_deletion(deletion)),
        (Cause::Create, _) => Left::Last(entry.of(Action::Created)),
        (Cause::Update | Cause::Merge | Cause::Delete, _) => Left::Last(entry.of_update()),
    }
}

async fn decided(connection: &mut Connection, write: &Write, entry: Option<Entry<'_>>) -> Result<Done, Failure> {
    let Some((first, last)) = write.first_and_last() else { return Ok(Done::default()) };
    let mut first = first.clone();
    if is_merge(write) {
        first.push(" for no key update");
    }
    let begin = if is_merge(write) { BEGIN } else { ALONE };
    let found = connection.pipeline(Some(begin), &[&first], 0, None).await?;
    let changes = write.changes(&found).map_err(Failure::Refused)?;
    let is_update = is_merge(write) && found.is_found;
    let entry = entry.map(|entry| entry.of(if is_update { Action::Updated } else { Action::Created }));
    let statements: Vec<_> = changes.iter().chain(last).chain(&entry).collect::<Vec<&Sql>>();
    let answer = connection.pipeline(None, &statements, changes.len(), Some(COMMIT)).await?;
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
        Write::Change { .. } | Write::Together { .. } | Write::Delete { .. } | Write::Decide { .. } => false,
    }
}
