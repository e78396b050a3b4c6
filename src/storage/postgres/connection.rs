//! One session: prepared statements kept, several sent at once, and ended on the server when nobody waits any more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, MaybeDone, maybe_done, poll_fn};
use futures_util::{FutureExt, TryStreamExt, poll};
use quick_cache::unsync::Cache;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Notification, Statement};

use super::cancel::cancel;
use super::error::Failure;
use super::parameter::{Shown, mark_of, type_of};
use super::place::Wire;
use super::pulse::Pulse;
use super::rows::Writer;
use crate::sql::Sql;
use crate::storage::dialect::numbered;
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
/// Ends a transaction; a session that is lost then may have done so or not.
pub(super) const COMMIT: &str = "commit";

/// An open session.
pub(in crate::storage) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    statements: Cache<String, Statement>,
    pulse: Arc<Pulse>,
    timeout: Duration,
    /// Whether something was sent whose answer has not come, or may never come.
    is_running: bool,
    /// Whether the statements of the last call were sent, all of them.
    is_sent: bool,
    /// Whether it met an error after which it is not to be used.
    is_broken: bool,
    /// What a statement alone may do.
    purpose: Purpose,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
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
        out.debug_struct("Connection").field("is_running", &self.is_running).finish_non_exhaustive()
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
            is_running: false,
            is_sent: false,
            is_broken: false,
            purpose: Purpose::Read,
        }
    }

    /// Whether it may be used again.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_running && !self.is_broken && !self.client.is_closed()
    }

    /// For what takes as long as it takes.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What it was last used for, as far as statements alone go.
    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    pub(in crate::storage) async fn first(&mut self, statement: &Sql) -> Result<Option<String>, Failure> {
        let before = (std::mem::replace(&mut self.purpose, Purpose::Read) != Purpose::Read).then_some(READS_ONLY);
        Ok(self.pipeline(before, &[statement], 0, None).await?.text)
    }

    /// Runs a statement that writes and answers, alone.
    pub(super) async fn write(&mut self, statement: &Sql) -> Result<Answer, Failure> {
        if self.pulse.place().pooler == Pooler::Transaction {
            return self.pipeline(Some(BEGIN), &[statement], 0, Some(COMMIT)).await;
        }
        let before = (std::mem::replace(&mut self.purpose, Purpose::Write) != Purpose::Write).then_some(WRITES);
        self.run(before, &[statement], 0, None, Effect::Kept).await
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
        self.run(before, statements, position, after, effect).await
    }

    async fn run(
        &mut self,
        before: Option<&'static str>,
        statements: &[&Sql],
        position: usize,
        after: Option<&'static str>,
        effect: Effect,
    ) -> Result<Answer, Failure> {
        (self.is_running, self.is_sent) = (true, false);
        let pulse = Arc::clone(&self.pulse);
        let timeout = self.timeout + GRACE;
        let result = pulse.patiently(self.send(before, statements, position, after), timeout).await;
        // Without an answer it stays running, so that it is ended when it is dropped.
        self.is_running = matches!(result, Err(Failure::TimedOut | Failure::Silent));
        self.is_broken |= result.as_ref().err().is_some_and(Failure::breaks_connection);
        match result {
            Err(failure) if self.is_sent && effect == Effect::Kept && failure.is_loss() => Err(Failure::Unknown),
            result => result,
        }
    }

    async fn send(
        &mut self,
        before: Option<&'static str>,
        statements: &[&Sql],
        position: usize,
        after: Option<&'static str>,
    ) -> Result<Answer, Failure> {
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
            return Ok(answer(client, statement, sql).await?);
        }
        let script = |text| async move { client.batch_execute(text).await.map(|()| Answer::default()) }.boxed();
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
        let wanted = position + usize::from(before.is_some());
        let mut found = Answer::default();
        for (number, answer) in answers.into_iter().enumerate() {
            let answer = answer?;
            if number == wanted {
                found = answer;
            }
        }
        Ok(found)
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

async fn answer(client: &Client, form: &Form, sql: &Sql) -> Result<Answer, tokio_postgres::Error> {
    let parameters = sql.parameters().iter().map(|parameter| parameter as &(dyn ToSql + Sync));
    let rows = match form {
        Form::Prepared(statement) => client.query_raw(statement, parameters).await?,
        Form::Text(text) => client.query_typed_raw(text, parameters.zip(sql.parameters().iter().map(type_of))).await?,
    };
    let mut rows = std::pin::pin!(rows);
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
        if !self.is_running {
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
