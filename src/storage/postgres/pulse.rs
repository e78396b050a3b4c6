//! Whether the server can be reached, found out once for all who wait: while it cannot, nobody else waits, and one task tries.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_postgres::Notification;

use super::connection::Connection;
use super::error::Failure;
use super::place::{CONNECT_TIMEOUT, Place};

/// How long a statement is silent before the server is asked whether it is there, and between two times of asking.
const PATIENCE: Duration = Duration::from_millis(400);
const PATIENCE_AFTERWARDS: Duration = Duration::from_secs(1);
/// How long it may take to say so.
const LOOK_TIMEOUT: Duration = Duration::from_millis(1500);
/// Between two attempts to reach a server that cannot be reached.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// What is known of a server.
#[derive(Debug)]
pub(super) struct Pulse {
    place: Place,
    is_down: watch::Sender<bool>,
    /// How often connections were lost: those from before are not used again.
    losses: AtomicU64,
    look: Mutex<Option<Look>>,
}

/// Whether the server is there: `None` as long as that is being found out.
type Look = watch::Receiver<Option<bool>>;

impl Pulse {
    pub(super) fn new(place: Place) -> Arc<Self> {
        Arc::new(Self {
            place,
            is_down: watch::Sender::new(false),
            losses: AtomicU64::default(),
            look: Mutex::default(),
        })
    }

    /// The server.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the server could not be reached last time.
    pub(super) fn is_down(&self) -> bool {
        *self.is_down.borrow()
    }

    /// Waits until the server cannot be reached.
    pub(super) async fn went_down(&self) {
        let mut is_down = self.is_down.subscribe();
        if is_down.wait_for(|is_down| *is_down).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// How often connections were lost so far.
    pub(super) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    /// A connection was lost: others may be, and nobody has noticed yet.
    pub(super) fn lose(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
    }

    /// A new session beside those of the pool.
    pub(super) async fn connect_apart(self: &Arc<Self>) -> Result<Connection, Failure> {
        self.connect(Instant::now() + CONNECT_TIMEOUT * 2).await
    }

    /// A new session, at once or not at all while the server is known to be away.
    pub(super) async fn connect(self: &Arc<Self>, deadline: Instant) -> Result<Connection, Failure> {
        if self.is_down() {
            return Err(Failure::Unreachable);
        }
        match timeout_at(deadline, self.place.session()).await {
            Ok(Ok(Some((client, wire)))) => Ok(Connection::new(client, wire, Arc::clone(self))),
            // Nothing is known of a server that was not given its time.
            Err(_) => Err(Failure::Busy),
            Ok(Err(error)) if Failure::is_full(&error) => Err(error.into()),
            Ok(result) => {
                self.down(result.err().as_ref());
                Err(Failure::Unreachable)
            }
        }
    }

    /// A new session beside all others, whether or not the server was reached last time.
    pub(super) async fn once(place: Place) -> Result<Connection, Failure> {
        let pulse = Self::new(place);
        let (client, wire) = pulse.place.session().await?.ok_or(Failure::Unreachable)?;
        Ok(Connection::new(client, wire, pulse))
    }

    /// A new session that hands on what others notify it of, and gives up after a time of its own.
    pub(super) async fn notified(
        self: &Arc<Self>,
        timeout: Duration,
        notifications: UnboundedSender<Notification>,
    ) -> Result<Connection, Failure> {
        let (client, wire) = self.place.session().await?.ok_or(Failure::Unreachable)?;
        Ok(Connection::notified(client, wire, Arc::clone(self), timeout, notifications))
    }

    /// Waits for the answer to a statement, as long as the server is there.
    pub(super) async fn patiently<T>(
        self: &Arc<Self>,
        mut answer: Pin<&mut impl Future<Output = Result<T, Failure>>>,
        timeout: Duration,
    ) -> Result<T, Failure> {
        let end = Instant::now() + timeout;
        let mut pause = PATIENCE.min(timeout);
        loop {
            if let Ok(answer) = tokio::time::timeout(pause, answer.as_mut()).await {
                return answer;
            }
            tokio::select! {
                biased;
                answer = answer.as_mut() => return answer,
                () = sleep_until(end) => return Err(Failure::TimedOut),
                is_there = self.is_there() => if !is_there { return Err(Failure::Silent) },
            }
            pause = PATIENCE_AFTERWARDS.min(end.saturating_duration_since(Instant::now()));
        }
    }

    /// Whether a session can begin. Found out once for all who ask at the same time.
    async fn is_there(self: &Arc<Self>) -> bool {
        let mut look = self.look();
        let seen = look.wait_for(Option::is_some).await;
        seen.is_ok_and(|seen| *seen == Some(true))
    }

    fn look(self: &Arc<Self>) -> Look {
        let mut last = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        // As long as its sender lives, it is under way.
        if let Some(look) = last.as_ref().filter(|look| look.has_changed().is_ok()) {
            return look.clone();
        }
        let (sender, look) = watch::channel(None);
        *last = Some(look.clone());
        let pulse = Arc::clone(self);
        tokio::spawn(async move {
            let is_there = match timeout_at(Instant::now() + LOOK_TIMEOUT, pulse.place.session()).await {
                Ok(Ok(Some(_))) => true,
                Ok(Err(error)) if !Failure::is_network(&error) => true,
                Ok(result) => {
                    pulse.down(result.err().as_ref());
                    false
                }
                Err(_) => {
                    pulse.down(None);
                    false
                }
            };
            sender.send_replace(Some(is_there));
        });
        look
    }

    /// From now on nobody waits for the server, until it can be reached.
    fn down(self: &Arc<Self>, error: Option<&tokio_postgres::Error>) {
        self.lose();
        if self.is_down.send_replace(true) {
            return;
        }
        let error = error.map(|error| error as &dyn std::error::Error);
        tracing::warn!(database = self.place.name, error, "the database cannot be reached: trying until it can");
        tokio::spawn(reach(Arc::downgrade(self)));
    }
}

async fn reach(pulse: Weak<Pulse>) {
    let start = Instant::now();
    let (mut pause, mut told) = (PAUSE_MIN, None);
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        let Some(pulse) = pulse.upgrade() else { return };
        match pulse.place.session().await {
            Ok(Some(_)) => {
                let seconds = start.elapsed().as_secs_f64();
                tracing::info!(database = pulse.place.name, seconds, "the database can be reached again");
                pulse.is_down.send_replace(false);
                return;
            }
            Ok(None) => {}
            // Refused by a server that is there, such as for a password that was changed.
            Err(error) => {
                let code = error.code().cloned();
                if code.is_some() && code != told {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(database = pulse.place.name, error, "the database refuses the connection");
                    told = code;
                }
            }
        }
    }
}
