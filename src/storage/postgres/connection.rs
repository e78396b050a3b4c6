//! One session: prepared statements kept, several sent at once, and ended on the server when nobody waits any more.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, MaybeDone, maybe_done, poll_fn};
use futures_util::{FutureExt, TryStreamExt, poll};
use quick_cache::unsync::Cache;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Notification, SimpleQueryMessage, Statement};

use super::cancel::cancel;
use super::error::Failure;
use super::parameter::{Shown, mark_of, type_of};
use super::place::Wire;
use super::pulse::Pulse;
use super::rows::Writer;
use crate::sql::Sql;
use crate::storage::dialect::numbered;
use crate::storage::recency::Position;
use crate::storage::settings::Pooler;
use crate::storage::write::Answer;

/// Prepared statements kept; each takes some tens of kilobytes on the server.
const STATEMENTS_KEPT: usize = 128;
/// The server ends statements that take too long. If it does not even say so, the connection is given up.
const GRACE: Duration = Duration::from_secs(1);

/// Begins a transaction that writes.
pub(super) const BEGIN: &str = "begin read write";
/// Lets a statement write without a transaction around it.
const WRITES: &str = "set default_transaction_read_only = off";
/// Lets none.
const READS_ONLY: &str = "set default_transaction_read_only = on";
/// As [`COMMIT`], and tells where the log ends afterwards.
const COMMIT_AND_TELL: &str = "commit; select pg_current_wal_insert_lsn()";
/// Ends a transaction; a session that is lost then may have done so or not.
pub(super) const COMMIT: &str = "commit";

/// An open session.
pub(in crate::storage) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    statements: Cache<String, Statement>,
    pulse: Arc<Pulse>,
    timeout: Duration,
    condition: Condition,
    /// Whether the statements of the last call were sent, all of them.
    is_sent: bool,
    /// Where the log ended after the last commit, if the server was asked for it.
    committed: u64,
    /// How far the server is known to be, if it is a standby.
    replayed: u64,
    /// Whether a statement alone may write.
    is_writer: bool,
}

/// Whether a session can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// It can.
    Idle,
    /// Something was sent whose answer has not come, or may never come.
    Running,
    /// It met an error after which it is not to be used.
    Broken,
}

/// What is left of statements once they have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing, or nothing yet.
    None,
    /// What they wrote.
    Kept,
}

/// What is sent of a statement.
enum Form {
    /// The name under which the server keeps it.
    Prepared(Statement),
    /// All of it: whoever stands between gives the session to somebody else afterwards.
    Text(String),
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection").field("condition", &self.condition).finish_non_exhaustive()
    }
}

impl Connection {
    /// A session that has just begun.
    pub(super) fn new(client: Client, wire: Wire, pulse: Arc<Pulse>) -> Self {
        let task = tokio::spawn(async move {
            if let Err(error) = wire.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection to the database ended");
            }
        });
        let timeout = pulse.place().statement_timeout;
        Self::over(client, task, pulse, timeout)
    }

    /// One that hands on what others notify it of, if it listens.
    pub(super) fn notified(
        client: Client,
        mut wire: Wire,
        pulse: Arc<Pulse>,
        timeout: Duration,
        notifications: UnboundedSender<Notification>,
    ) -> Self {
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| wire.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    // An error means that nobody wants them any more.
                    drop(notifications.send(notification));
                }
            }
        });
        Self::over(client, task, pulse, timeout)
    }

    fn over(client: Client, task: JoinHandle<()>, pulse: Arc<Pulse>, timeout: Duration) -> Self {
        let statements = Cache::new(STATEMENTS_KEPT);
        Self {
            client,
            task,
            statements,
            pulse,
            timeout,
            condition: Condition::Idle,
            is_sent: false,
            committed: 0,
            replayed: 0,
            is_writer: false,
        }
    }

    /// Whether it may be used again.
    pub(super) fn is_usable(&self) -> bool {
        self.condition == Condition::Idle && !self.client.is_closed()
    }

    /// For what takes as long as it takes.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the last statement that it ran alone was a write.
    pub(super) fn is_writer(&self) -> bool {
        self.is_writer
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    pub(in crate::storage) async fn first(&mut self, statement: &Sql) -> Result<Option<String>, Failure> {
        let before = std::mem::take(&mut self.is_writer).then_some(READS_ONLY);
        Ok(self.pipeline(before, &[statement], 0, None).await?.text)
    }

    /// Runs a statement that writes and answers, alone.
    pub(super) async fn write(&mut self, statement: &Sql) -> Result<Answer, Failure> {
        let place = self.pulse.place();
        if place.pooler == Pooler::Transaction || place.tells_position {
            return self.pipeline(Some(BEGIN), &[statement], 0, Some(COMMIT)).await;
        }
        let before = (!std::mem::replace(&mut self.is_writer, true)).then_some(WRITES);
        let answers = self.run(before, &[statement], None, Effect::Kept).await?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }

    /// As [`Self::first`], from a standby that has replayed the log up to there; else nothing.
    pub(super) async fn first_if_replayed(
        &mut self,
        replayed: &Sql,
        needed: u64,
        statement: &Sql,
    ) -> Result<Option<Answer>, Failure> {
        if needed <= self.replayed {
            return self.pipeline(None, &[statement], 0, None).await.map(Some);
        }
        // Whoever stands between must not take two servers for one statement and the other.
        let is_pooled = self.pulse.place().pooler == Pooler::Transaction;
        let (before, after) = if is_pooled { (Some("begin read only"), Some("end")) } else { (None, None) };
        let mut answers =
            self.run(before, &[replayed, statement], after, Effect::None).await?.into_iter().skip(before.iter().len());
        let position = answers.next().and_then(|answer| answer.text).and_then(|text| text.parse::<Position>().ok());
        let position = position.map_or(0, u64::from);
        if !is_pooled {
            self.replayed = position;
        }
        Ok(answers.next().filter(|_| needed <= position))
    }

    /// Where the log ended after the last commit, if it was asked for.
    pub(super) fn committed(&self) -> Option<u64> {
        (self.committed > 0).then_some(self.committed)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self, text: &'static str) -> Result<(), Failure> {
        self.pipeline(Some(text), &[], 0, None).await.map(drop)
    }

    /// Sends all at once: `before`, the statements, `after`; the answer is that of the statement at `position`. The first error counts:
    /// within a transaction the server runs nothing after it, and takes a `commit` for a `rollback`.
    pub(super) async fn pipeline(
        &mut self,
        before: Option<&'static str>,
        statements: &[&Sql],
        position: usize,
        after: Option<&'static str>,
    ) -> Result<Answer, Failure> {
        let effect = if after == Some(COMMIT) { Effect::Kept } else { Effect::None };
        let answers = self.run(before, statements, after, effect).await?;
        Ok(answers.into_iter().nth(position + usize::from(before.is_some())).unwrap_or_default())
    }

    /// All answers, in order.
    async fn run(
        &mut self,
        before: Option<&'static str>,
        statements: &[&Sql],
        after: Option<&'static str>,
        effect: Effect,
    ) -> Result<Vec<Answer>, Failure> {
        (self.condition, self.is_sent) = (Condition::Running, false);
        let pulse = Arc::clone(&self.pulse);
        let timeout = self.timeout + GRACE;
        let result = {
            let sent = pin!(self.send(before, statements, after));
            pulse.patiently(sent, timeout).await
        };
        self.condition = match &result {
            // It is ended when it is dropped.
            Err(Failure::TimedOut | Failure::Silent) => Condition::Running,
            Err(failure) if failure.breaks_connection() => Condition::Broken,
            _ => Condition::Idle,
        };
        match result {
            Err(failure) if self.is_sent && effect == Effect::Kept && failure.is_loss() => Err(Failure::Unknown),
            result => result,
        }
    }

    async fn send(
        &mut self,
        before: Option<&'static str>,
        statements: &[&Sql],
        after: Option<&'static str>,
    ) -> Result<Vec<Answer>, Failure> {
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            prepared.push((self.prepared(statement).await?, *statement));
        }
        let client = &self.client;
        if client.is_closed() {
            return Err(Failure::Unreachable);
        }
        self.is_sent = true;
        if let ([(statement, sql)], None, None) = (prepared.as_slice(), before, after) {
            return Ok(vec![answer(client, statement, sql).await?]);
        }
        let is_told = self.pulse.place().tells_position && after == Some(COMMIT);
        let after = if is_told { Some(COMMIT_AND_TELL) } else { after };
        let script = |text| scripted(client, text).boxed();
        let steps = prepared.iter().map(|(statement, sql)| answer(client, statement, sql).boxed());
        let steps = before.map(script).into_iter().chain(steps).chain(after.map(script));
        let mut steps: Vec<MaybeDone<BoxFuture<'_, _>>> = steps.map(maybe_done).collect();
        // What is first asked for an answer is first sent.
        for step in &mut steps {
            let _ = poll!(step);
        }
        let mut answers = Vec::with_capacity(steps.len());
        for step in &mut steps {
            (&mut *step).await;
            answers.extend(std::pin::Pin::new(step).take_output());
        }
        drop(steps);
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        if is_told {
            let position = answers.last().and_then(|answer| answer.text.as_deref()).and_then(|text| text.parse().ok());
            self.committed = position.map_or(0, |position: Position| position.into());
        }
        Ok(answers)
    }

    async fn prepared(&mut self, statement: &Sql) -> Result<Form, Failure> {
        if self.pulse.place().pooler == Pooler::Transaction {
            return Ok(Form::Text(numbered(statement.text())));
        }
        let parameters = statement.parameters();
        let mut key = String::with_capacity(statement.text().len() + parameters.len() + 1);
        key.push_str(statement.text());
        key.push('\0');
        key.extend(parameters.iter().map(mark_of));
        if let Some(known) = self.statements.get(&key) {
            return Ok(Form::Prepared(known.clone()));
        }
        let types: Vec<_> = parameters.iter().map(type_of).collect();
        let prepared = self.client.prepare_typed(&numbered(statement.text()), &types).await?;
        self.statements.insert(key, prepared.clone());
        Ok(Form::Prepared(prepared))
    }
}

/// What is no statement of a plan: its answer is the text in the last row, if there is one.
async fn scripted(client: &Client, text: &'static str) -> Result<Answer, tokio_postgres::Error> {
    if text != COMMIT_AND_TELL {
        return client.batch_execute(text).await.map(|()| Answer::default());
    }
    let messages = client.simple_query(text).await?;
    let last = messages.into_iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(Answer { is_found: last.is_some(), text: last })
}

async fn answer(client: &Client, form: &Form, sql: &Sql) -> Result<Answer, tokio_postgres::Error> {
    let parameters = sql.parameters().iter().map(|parameter| parameter as &(dyn ToSql + Sync));
    let rows = match form {
        Form::Prepared(statement) => client.query_raw(statement, parameters).await?,
        Form::Text(text) => client.query_typed_raw(text, parameters.zip(sql.parameters().iter().map(type_of))).await?,
    };
    let mut rows = pin!(rows);
    if let Some(wanted) = sql.rows() {
        let mut writer = Writer::new(wanted);
        let mut is_found = false;
        while let Some(row) = rows.try_next().await? {
            is_found = true;
            writer.push(&row)?;
        }
        return Ok(Answer { is_found, text: writer.finish() });
    }
    let mut answer = Answer::default();
    while let Some(row) = rows.try_next().await? {
        if !answer.is_found {
            let text = if row.is_empty() { None } else { row.try_get::<_, Option<Shown>>(0)? };
            answer = Answer { is_found: true, text: text.map(|shown| shown.0) };
        }
    }
    Ok(answer)
}

impl Drop for Connection {
    /// What runs is ended on the server.
    fn drop(&mut self) {
        if self.condition != Condition::Running {
            return;
        }
        let (pulse, token, task) = (Arc::clone(&self.pulse), self.client.cancel_token(), self.task.abort_handle());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                cancel(pulse.place(), token).await;
                // Not before: pgbouncer takes no cancellation from clients that are gone.
                task.abort();
            });
        }
    }
}
