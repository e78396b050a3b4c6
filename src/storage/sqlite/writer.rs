//! The one writer: a task that owns the write connection, takes what waits, commits once and then answers all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinError;

use super::session::Session;
use crate::storage::error::{Error, NotAnswered};
use crate::storage::events::Announcement;
use crate::storage::write::{Outcome, Write};

/// Writes that may wait.
const QUEUE_MAX: usize = 1024;
/// Writes that share a commit.
const BATCH_MAX: usize = 128;
/// How long a commit waits for writers that were there a moment ago.
const GATHER: Duration = Duration::from_micros(200);
/// Between two looks at the statistics of the query planner.
const OPTIMIZE_EVERY: Duration = Duration::from_hours(1);

/// A write and who waits for it. Nobody may: the write runs all the same, so that it is never half done.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) write: Write,
    /// What to tell once it is committed.
    pub(super) announcement: Option<Box<Announcement>>,
    answer: oneshot::Sender<Result<Option<String>, Error>>,
}

impl Request {
    /// Tells whoever waits.
    pub(super) fn answer(self, outcome: Outcome) {
        // An error means that nobody waits any more.
        drop(self.answer.send(outcome.map(|done| done.text)));
    }
}

#[derive(Debug)]
enum Message {
    Write(Request),
    Close(oneshot::Sender<()>),
}

/// The way to the writer task.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    queue_timeout: Duration,
}

impl Writer {
    /// Starts the task on an open session.
    pub(super) fn start(session: Session, queue_timeout: Duration) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        let desk = Desk { messages, session, recent: 1, batch: Vec::with_capacity(BATCH_MAX), closing: None };
        tokio::spawn(supervise(Arc::new(Mutex::new(desk))));
        Self { queue, queue_timeout }
    }

    /// Hands a write over and waits for its commit.
    pub(super) async fn write(
        &self,
        write: Write,
        announcement: Option<Announcement>,
    ) -> Result<Option<String>, Error> {
        let (answer, result) = oneshot::channel();
        self.send(Message::Write(Request { write, announcement: announcement.map(Box::new), answer })).await?;
        result.await.unwrap_or_else(|_| Err(Error::Internal(Arc::new(NotAnswered))))
    }

    /// Lets waiting writes finish and closes the connection.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.send(Message::Close(done)).await.is_ok() {
            // An error means that the task ended without an answer: closed as well.
            drop(closed.await);
        }
    }

    async fn send(&self, message: Message) -> Result<(), Error> {
        match self.queue.send_timeout(message, self.queue_timeout).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => Err(Error::Busy),
            Err(SendTimeoutError::Closed(_)) => Err(Error::Closed),
        }
    }
}

/// Starts the task again should it panic; those whose writes were under way are told so by the end of their channel.
async fn supervise(desk: Arc<Mutex<Desk>>) {
    loop {
        let desk = Arc::clone(&desk);
        let task = tokio::spawn(async move {
            let mut desk = desk.lock().await;
            desk.recover();
            desk.serve().await;
        });
        match task.await {
            Err(error) if JoinError::is_panic(&error) => tracing::error!("writer task panicked and is started again"),
            _ => return,
        }
    }
}

#[derive(Debug)]
struct Desk {
    messages: mpsc::Receiver<Message>,
    session: Session,
    /// How many writes came together lately.
    recent: usize,
    batch: Vec<Request>,
    closing: Option<oneshot::Sender<()>>,
}

impl Desk {
    /// After a panic nothing is known of the connection, and the batch cannot be answered.
    fn recover(&mut self) {
        self.batch.clear();
        self.session.forget_if_unfinished();
    }

    async fn serve(&mut self) {
        let mut optimize = tokio::time::interval_at(tokio::time::Instant::now() + OPTIMIZE_EVERY, OPTIMIZE_EVERY);
        loop {
            tokio::select! {
                biased;
                _ = optimize.tick() => self.session.optimize().await,
                message = self.messages.recv() => match message {
                    Some(message) => self.take(message),
                    None => break,
                },
            }
            self.gather().await;
            if !self.batch.is_empty() && self.session.serve(&mut self.batch).await {
                self.refuse_waiting();
            }
        }
        self.session.close().await;
        if let Some(done) = self.closing.take() {
            // An error means that nobody waits any more.
            let _ = done.send(());
        }
    }

    /// Those that came while another process held the lock have waited for it already.
    fn refuse_waiting(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Write(request) => request.answer(Err(Error::Busy)),
                Message::Close(_) => self.take(message),
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Write(request) => self.batch.push(request),
            Message::Close(done) => {
                self.messages.close();
                self.closing = Some(done);
            }
        }
    }

    /// Takes what waits. Writers that were answered a moment ago are about to write again: waiting for them a little spares commits.
    /// The clock of the runtime is too coarse for that, so the task steps aside for others again and again.
    async fn gather(&mut self) {
        self.take_waiting();
        if self.recent > 2 {
            let start = Instant::now();
            while self.batch.len() < self.recent && self.closing.is_none() && start.elapsed() < GATHER {
                tokio::task::yield_now().await;
                self.take_waiting();
            }
        }
        self.recent = self.batch.len().max(usize::midpoint(self.batch.len(), self.recent));
    }

    fn take_waiting(&mut self) {
        while self.batch.len() < BATCH_MAX {
            match self.messages.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => return,
            }
        }
    }
}
