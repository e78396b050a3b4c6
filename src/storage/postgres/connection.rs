//! One session: prepared statements kept, several sent at once, and ended on the server when nobody waits any more.

use std::fmt;
use std::time::Duration;

use futures_util::future::{BoxFuture, MaybeDone, maybe_done, poll_fn};
use futures_util::{FutureExt, TryStreamExt, poll};
use quick_cache::unsync::Cache;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification, Socket, Statement};

use super::error::Failure;
use super::parameter::{Shown, mark_of, type_of};
use super::rows::Writer;
use crate::sql::Sql;
use crate::storage::dialect::numbered;
use crate::storage::write::Answer;

/// Prepared statements kept; each takes some tens of kilobytes on the server.
const STATEMENTS_KEPT: usize = 128;
/// The server ends statements that take too long. If it does not even say so, the connection is given up.
const GRACE: Duration = Duration::from_secs(1);

/// An open session.
pub(in crate::storage) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    statements: Cache<String, Statement>,
    timeout: Duration,
    /// Whether something was sent whose answer has not come, or may never come.
    is_running: bool,
    /// Whether it met an error after which it is not to be used.
    is_broken: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection").field("is_running", &self.is_running).finish_non_exhaustive()
    }
}

impl Connection {
    /// A session that has just begun.
    pub(super) fn new(
        client: Client,
        session: tokio_postgres::Connection<Socket, NoTlsStream>,
        timeout: Duration,
    ) -> Self {
        let task = tokio::spawn(async move {
            if let Err(error) = session.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection to the database ended");
            }
        });
        Self::over(client, task, timeout)
    }

    /// One that hands on what others notify it of, if it listens.
    pub(super) fn notified(
        client: Client,
        mut session: tokio_postgres::Connection<Socket, NoTlsStream>,
        timeout: Duration,
        notifications: UnboundedSender<Notification>,
    ) -> Self {
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| session.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    // An error means that nobody wants them any more.
                    drop(notifications.send(notification));
                }
            }
        });
        Self::over(client, task, timeout)
    }

    fn over(client: Client, task: JoinHandle<()>, timeout: Duration) -> Self {
        let statements = Cache::new(STATEMENTS_KEPT);
        Self { client, task, statements, timeout, is_running: false, is_broken: false }
    }

    /// Whether it may be used again.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_running && !self.is_broken && !self.client.is_closed()
    }

    /// For what takes as long as it takes.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// First column of the first row as text; `None` without a row, or for NULL.
    pub(in crate::storage) async fn first(&mut self, statement: &Sql) -> Result<Option<String>, Failure> {
        Ok(self.pipeline(None, &[statement], 0, None).await?.text)
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
        self.is_running = true;
        let result = tokio::time::timeout(self.timeout + GRACE, self.send(before, statements, position, after)).await;
        let result = result.unwrap_or(Err(Failure::TimedOut));
        // Without an answer it stays running, so that it is ended when it is dropped.
        self.is_running = matches!(result, Err(Failure::TimedOut));
        self.is_broken |= result.as_ref().err().is_some_and(Failure::breaks_connection);
        result
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

    async fn prepared(&mut self, statement: &Sql) -> Result<Statement, Failure> {
        let parameters = statement.parameters();
        let mut key = String::with_capacity(statement.text().len() + parameters.len() + 1);
        key.push_str(statement.text());
        key.push('\0');
        key.extend(parameters.iter().map(mark_of));
        if let Some(known) = self.statements.get(&key) {
            return Ok(known.clone());
        }
        let types: Vec<_> = parameters.iter().map(type_of).collect();
        let prepared = self.client.prepare_typed(&numbered(statement.text()), &types).await?;
        self.statements.insert(key, prepared.clone());
        Ok(prepared)
    }
}

async fn answer(client: &Client, statement: &Statement, sql: &Sql) -> Result<Answer, tokio_postgres::Error> {
    let parameters = sql.parameters().iter().map(|parameter| parameter as &(dyn ToSql + Sync));
    let mut rows = std::pin::pin!(client.query_raw(statement, parameters).await?);
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
        self.task.abort();
        let token = self.client.cancel_token();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = token.cancel_query(NoTls).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "statement not cancelled");
                }
            });
        }
    }
}
