//! Threads that read, fed by one queue: a thread that has answered takes the next statement at once, so that under load none of them sleeps.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::reader::{Answer, Reader};
use crate::sql::Sql;
use crate::storage::error::{Error, NotAnswered};

/// Statements that wait at most.
const WAITING_MAX: usize = 16_384;

/// The read connections.
#[derive(Debug)]
pub(super) struct Readers {
    queue: Sender<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    acquire_timeout: Duration,
    statement_timeout: Duration,
}

#[derive(Debug)]
enum Job {
    Read { statement: Sql, answer: oneshot::Sender<Answer>, is_started: Arc<AtomicBool> },
    End,
}

impl Readers {
    /// At most `count` connections, opened when needed.
    pub(super) fn start(reader: &Reader, count: u32, acquire_timeout: Duration) -> Result<Self, io::Error> {
        let (queue, jobs) = bounded(WAITING_MAX);
        let threads = (0..count.max(1)).map(|_| {
            let (reader, jobs) = (reader.clone(), jobs.clone());
            thread::Builder::new().name("clef-read".to_owned()).spawn(move || serve(reader, &jobs))
        });
        let threads = threads.collect::<Result<Vec<_>, _>>()?;
        let statement_timeout = reader.statement_timeout();
        Ok(Self { queue, threads: threads.into(), acquire_timeout, statement_timeout })
    }

    /// First column of the first row.
    pub(super) async fn first(&self, statement: Sql) -> Result<Option<String>, Error> {
        let (answer, mut answered) = oneshot::channel();
        let is_started = Arc::new(AtomicBool::new(false));
        let job = Job::Read { statement, answer, is_started: Arc::clone(&is_started) };
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Closed,
        })?;
        let answered = match tokio::time::timeout(self.acquire_timeout, &mut answered).await {
            Ok(answered) => answered,
            Err(_) if !is_started.load(Ordering::Relaxed) => return Err(Error::Busy),
            // It ends by itself, unless SQLite waits for the disk.
            Err(_) => tokio::time::timeout(self.statement_timeout, answered).await.map_err(|_| Error::Timeout)?,
        };
        answered.unwrap_or(Err(Error::Closed))
    }

    /// Waits for running statements, a while, and closes the connections.
    pub(super) async fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            self.queue.try_send(Job::End).ok();
        }
        let all = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        if tokio::time::timeout(self.acquire_timeout, all).await.is_err() {
            tracing::warn!("statements still read when the database was closed");
        }
    }
}

/// Answers what comes until the queue ends.
fn serve(mut reader: Reader, jobs: &Receiver<Job>) {
    while let Ok(Job::Read { statement, answer, is_started }) = jobs.recv() {
        if answer.is_closed() {
            continue;
        }
        is_started.store(true, Ordering::Relaxed);
        if catch_unwind(AssertUnwindSafe(|| reader.first(statement, answer))).is_err() {
            tracing::error!("a thread that reads panicked, and goes on");
            reader.give_up(Error::Internal(Arc::new(NotAnswered)));
        }
    }
}
