//! Writes that share a transaction, or have one of their own. Commits; answers nobody.

use super::connection::Connection;
use super::course::{Scope, are_alike, run, script};
use super::writer::Request;
use crate::sql::Sql;
use crate::storage::error::Error;
use crate::storage::write::{Done, Outcome, Write};

/// Writes of the same shape that go to the driver's thread together. More would save little and fill its cache of statements.
const ROUND: usize = 4;

/// How a batch went.
pub(super) enum Batch {
    /// Committed; an outcome for each write.
    Ended(Vec<Outcome>),
    /// This write made SQLite undo the whole transaction.
    Lost(usize, Error),
    /// A write failed and everything was undone: once more, with a savepoint for each.
    Again,
}

/// A transaction of its own, in one round trip if nothing is to be decided.
pub(super) async fn alone(connection: &mut Connection, write: &Write) -> Outcome {
    let outcome = run(write, connection, Scope::Transaction).await;
    if outcome.is_err() {
        undo_all(connection).await;
    }
    outcome
}

/// One transaction for all. An error is one of the whole, of which nothing is kept.
pub(super) async fn together(connection: &mut Connection, requests: &[Request], scope: Scope) -> Result<Batch, Error> {
    connection.run(Sql::new("begin immediate"), 0).await?;
    let batch = match scope {
        Scope::Bare => trusting(connection, requests).await,
        _ => careful(connection, requests).await,
    };
    if let Batch::Ended(_) = batch {
        if let Err(error) = connection.run(Sql::new("commit"), 0).await {
            undo_all(connection).await;
            return Err(error.into());
        }
    } else {
        undo_all(connection).await;
    }
    Ok(batch)
}

/// Each write under a savepoint.
async fn careful(connection: &mut Connection, requests: &[Request]) -> Batch {
    let mut outcomes = Vec::with_capacity(requests.len());
    for (position, request) in requests.iter().enumerate() {
        let outcome = run(&request.write, connection, Scope::Savepoint).await;
        if let Err(error) = &outcome
            && connection.run(Sql::new("rollback to w; release w"), 0).await.is_err()
        {
            return Batch::Lost(position, error.clone());
        }
        outcomes.push(outcome);
    }
    Batch::Ended(outcomes)
}

/// No savepoints, and several writes of one shape at a time.
async fn trusting(connection: &mut Connection, requests: &[Request]) -> Batch {
    let mut outcomes = Vec::with_capacity(requests.len());
    while let Some(request) = requests.get(outcomes.len()) {
        let round = requests
            .get(outcomes.len()..outcomes.len() + ROUND)
            .filter(|round| round.iter().all(|other| are_alike(&other.write, &request.write)));
        if let Some(round) = round {
            match run_round(connection, round).await {
                Ok(answers) => outcomes.extend(answers.into_iter().map(Ok)),
                Err(_) => return Batch::Again,
            }
            continue;
        }
        match run(&request.write, connection, Scope::Bare).await {
            // What refuses has only read.
            outcome @ (Ok(_) | Err(Error::Refused(_))) => outcomes.push(outcome),
            Err(_) => return Batch::Again,
        }
    }
    Batch::Ended(outcomes)
}

async fn run_round(connection: &mut Connection, round: &[Request]) -> Result<Vec<Done>, Error> {
    let mut sql = Sql::default();
    let scripts: Vec<_> = round.iter().filter_map(|request| script(&request.write)).collect();
    let position = scripts.first().map_or(0, |(_, position)| *position);
    sql.join("; ", scripts.into_iter().map(|(script, _)| script));
    // The read comes last.
    let answers = connection.run_rounds(sql, position, position + 1, round.len()).await?;
    Ok(answers.into_iter().map(|answer| Done { text: answer.text, is_created: false }).collect())
}

/// There may be nothing to undo: the transaction did not begin, or SQLite undid it by itself.
async fn undo_all(connection: &mut Connection) {
    drop(connection.run(Sql::new("rollback"), 0).await);
}
