//! The session of the feed: reads the outbox, and hears what other servers notify it of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_postgres::Notification;

use super::connection::Connection;
use super::error::Failure;
use super::outbox::{self, Row};
use super::position::Position;
use super::pulse::Pulse;
use crate::sql::Sql;

/// A server that says nothing for so long is given up. Most of what is asked takes less than a millisecond.
const TIMEOUT: Duration = Duration::from_secs(4);
/// Its number is raised whenever a standby takes over.
const TIMELINE: &str = "select left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)";
const BEGIN: &str = "begin read write; set local synchronous_commit = off";

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    notifications: UnboundedReceiver<Notification>,
    /// What the server calls it; none if it hears nothing.
    process: Option<i32>,
}

/// What a server tells the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// There are events.
    Committed,
    /// It listens, or watches deletions, since just now.
    Listening,
}

#[derive(Debug, Default, Deserialize)]
struct Numbers {
    numbers: Option<Vec<i64>>,
    given: i64,
}

impl Session {
    pub(super) async fn open(pulse: &Arc<Pulse>, is_notified: bool) -> Result<Self, Failure> {
        let (sender, notifications) = mpsc::unbounded_channel();
        let mut connection = pulse.notified(TIMEOUT, sender).await?;
        let mut process = None;
        if is_notified {
            match connection.begin("listen clef_event").await {
                Ok(()) => {
                    let text = connection.first(&Sql::new("select pg_backend_pid()")).await?;
                    process = text.and_then(|text| text.parse().ok());
                }
                Err(failure) if failure.breaks_connection() => return Err(failure),
                // An engine that does not know it: the outbox is looked at twice a second in any case.
                Err(_) => tracing::warn!("the database does not know LISTEN: set DATABASE_NOTIFY=false"),
            }
        }
        Ok(Self { connection, notifications, process })
    }

    /// The next notification of another server.
    pub(super) async fn heard(&mut self) -> Result<Heard, Failure> {
        loop {
            let Some(notification) = self.notifications.recv().await else { return Err(Failure::Unreachable) };
            if let Some(heard) = self.of_others(&notification) {
                return Ok(heard);
            }
        }
    }

    /// As [`Self::heard`], without waiting.
    pub(super) fn heard_already(&mut self) -> Option<Heard> {
        while let Ok(notification) = self.notifications.try_recv() {
            if let Some(heard) = self.of_others(&notification) {
                return Some(heard);
            }
        }
        None
    }

    fn of_others(&self, notification: &Notification) -> Option<Heard> {
        let is_own = Some(notification.process_id()) == self.process;
        (!is_own).then_some(if notification.payload() == Heard::Listening.payload() {
            Heard::Listening
        } else {
            Heard::Committed
        })
    }

    /// Tells the other servers, if this one hears them.
    pub(super) async fn notify(&mut self, what: Heard) -> Result<(), Failure> {
        if self.process.is_none() {
            return Ok(());
        }
        let mut notify = Sql::new("select cast(pg_notify('clef_event', ");
        notify.literal(what.payload()).push(") as text)");
        self.connection.first(&notify).await.map(drop)
    }

    /// Which timeline the server writes; `None` from an engine that does not tell.
    pub(super) async fn timeline(&mut self) -> Result<Option<String>, Failure> {
        match self.connection.first(&Sql::new(TIMELINE)).await {
            Err(failure) if failure.breaks_connection() => Err(failure),
            told => Ok(told.unwrap_or_default()),
        }
    }

    /// Where the events end at present.
    pub(super) async fn begin(&mut self) -> Result<Position, Failure> {
        let found: Numbers = parsed(self.connection.first(&outbox::begin()).await?)?;
        Ok(match found.numbers {
            Some(numbers) => Position::after(numbers, Instant::now()),
            None => Position::at((found.given - outbox::WINDOW).max(0)),
        })
    }

    /// What there is beyond a position.
    pub(super) async fn rows(&mut self, position: &Position) -> Result<Vec<Row>, Failure> {
        let text = self.connection.first(&outbox::read(position.highest(), position.gaps())).await?;
        parsed(text)
    }

    /// Text that a statement answers which only reads.
    pub(super) async fn first(&mut self, statement: &Sql) -> Result<Option<String>, Failure> {
        self.connection.first(statement).await
    }

    /// Text that a statement answers which changes something.
    pub(super) async fn change(&mut self, statement: &Sql) -> Result<Option<String>, Failure> {
        Ok(self.connection.pipeline(Some(BEGIN), &[statement], 0, Some("commit")).await?.text)
    }
}

impl Heard {
    fn payload(self) -> &'static str {
        match self {
            Self::Committed => "",
            Self::Listening => "listening",
        }
    }
}

/// What the database made; without any, the default.
fn parsed<T: DeserializeOwned + Default>(text: Option<String>) -> Result<T, Failure> {
    let Some(text) = text else { return Ok(T::default()) };
    serde_json::from_str(&text).map_err(|_| Failure::Refused("the table clef_event has other columns".to_owned()))
}
