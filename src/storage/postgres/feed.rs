//! What feeds the channel of events: a task with a session of its own, which reads the outbox when it is asked to, when another server
//! notifies it, and twice a second in any case. A session that is lost is replaced, and goes on where the last one stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use super::error::Failure;
use super::outbox::{self, KEPT};
use super::peers::Peers;
use super::position::Position;
use super::pulse::Pulse;
use super::session::{Heard, Session};
use super::snapshots::Snapshots;
use crate::storage::error::Error;
use crate::storage::events::{Action, Ask, Event, Events, Told};
use crate::storage::rate;

/// Between two looks at the outbox if nothing else leads to one.
const POLL: Duration = Duration::from_millis(500);
/// Between two notifications of the others.
const WAKE_EVERY: Duration = Duration::from_millis(5);
/// Between two deletions of old rows.
const TRIM_EVERY: Duration = Duration::from_secs(20);
/// As long as there are more.
const TRIM_ON: Duration = Duration::from_millis(20);
/// How long the outbox is read after somebody asked, although nobody listens.
const WARM: Duration = Duration::from_secs(10);
/// Between two attempts to connect.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A session that lived for so long was a good one.
const GOOD: Duration = Duration::from_millis(100);
/// How long a number may be missing that still comes.
const GAP_AGE_MIN: Duration = Duration::from_secs(30);
/// Who has not read for so long may have missed some.
const AWAY_MAX: Duration = KEPT.saturating_sub(Duration::from_secs(30));
/// Events that listeners may have before them when more are read.
const WAITING_MAX: usize = 2048;
/// Milliseconds that they are waited for at most.
const PAUSES_MAX: usize = 500;

/// The task.
#[derive(Debug)]
pub(super) struct Feed {
    pulse: Arc<Pulse>,
    events: Events,
    asks: UnboundedReceiver<Ask>,
    peers: Arc<Peers>,
    snapshots: Arc<Snapshots>,
    is_notified: bool,
    gap_age: Duration,
    /// None as long as nobody listens.
    position: Option<Position>,
    /// Of the server that the position is in.
    timeline: Option<String>,
    /// When the outbox was read last.
    read: Instant,
    asked: Option<Instant>,
}

/// What is to be done in a round.
#[derive(Debug, Default)]
struct Due {
    caught_up: Vec<oneshot::Sender<()>>,
    looks_at_peers: bool,
    wakes_others: bool,
}

/// Why a session ends.
enum Ended {
    Closed,
    Lost(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Lost(failure)
    }
}

impl Feed {
    pub(super) fn new(
        (pulse, is_notified): (Arc<Pulse>, bool),
        statement_timeout: Duration,
        events: Events,
        peers: Arc<Peers>,
        snapshots: Arc<Snapshots>,
    ) -> Self {
        let (sender, asks) = mpsc::unbounded_channel();
        events.set_feed(sender);
        Self {
            pulse,
            events,
            asks,
            peers,
            snapshots,
            is_notified,
            gap_age: (statement_timeout * 3).max(GAP_AGE_MIN),
            position: None,
            timeline: None,
            read: Instant::now(),
            asked: None,
        }
    }

    /// Until the storage is closed.
    pub(super) async fn run(mut self) {
        let mut retry = RETRY_MIN;
        loop {
            let started = Instant::now();
            let Err(Ended::Lost(failure)) = self.rounds().await else { return };
            let is_first = retry == RETRY_MIN || started.elapsed() > GOOD;
            tell(failure, is_first);
            retry = if is_first { RETRY_MIN * 2 } else { (retry * 2).min(RETRY_MAX) };
            let until = tokio::time::Instant::now() + retry;
            // Nobody waits for what cannot be had.
            while let Some(Some(ask)) = select_before(until, &mut self.asks).await {
                drop(ask);
            }
            if self.asks.is_closed() {
                return;
            }
        }
    }

    /// Until the storage is closed, or the session is lost.
    async fn rounds(&mut self) -> Result<(), Ended> {
        let mut session = Session::open(&self.pulse, self.is_notified).await?;
        let timeline = session.timeline().await?;
        if self.timeline.as_ref().is_some_and(|earlier| timeline.as_ref() != Some(earlier)) {
            // A standby that took over may lack events that were told, and gives their numbers to others.
            self.position = None;
        }
        self.timeline = timeline;
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Due::default();
        let mut woken = tokio::time::Instant::now();
        let mut trim_at = woken + TRIM_ON;
        loop {
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.note(ask, &mut due),
                    None => return Err(Ended::Closed),
                },
                heard = session.heard() => due.looks_at_peers |= heard? == Heard::Listening,
                _ = ticks.tick() => due.looks_at_peers = true,
                () = sleep_until(woken + WAKE_EVERY), if due.wakes_others => {}
                () = sleep_until(trim_at) => {}
            }
            while let Ok(ask) = self.asks.try_recv() {
                self.note(ask, &mut due);
            }
            while let Some(heard) = session.heard_already() {
                due.looks_at_peers |= heard == Heard::Listening;
            }
            if due.wakes_others && woken.elapsed() >= WAKE_EVERY {
                due.wakes_others = false;
                woken = tokio::time::Instant::now();
                session.notify(Heard::Committed).await?;
            }
            self.read(&mut session).await?;
            for caught_up in due.caught_up.drain(..) {
                // An error means that nobody waits any more.
                caught_up.send(()).ok();
            }
            if std::mem::take(&mut due.looks_at_peers) {
                let (is_heard, sees_deleted) = (self.position.is_some(), self.events.are_deletions_watched());
                self.peers.meet(&mut session, is_heard, sees_deleted).await?;
            }
            let now = tokio::time::Instant::now();
            if now >= trim_at {
                trim_at = now + if trim(&mut session).await? { TRIM_ON } else { TRIM_EVERY };
            }
        }
    }

    fn note(&mut self, ask: Ask, due: &mut Due) {
        match ask {
            Ask::CatchUp(caught_up) => {
                self.asked = Some(Instant::now());
                due.looks_at_peers |= self.position.is_none();
                due.caught_up.push(caught_up);
            }
            Ask::Watched => due.looks_at_peers = true,
            Ask::Wake => due.wakes_others |= self.is_notified,
        }
    }

    /// Tells everything that is new.
    async fn read(&mut self, session: &mut Session) -> Result<(), Failure> {
        let is_asked = self.asked.is_some_and(|asked| asked.elapsed() < WARM);
        if !self.events.are_heard() && !is_asked {
            self.position = None;
            return Ok(());
        }
        let is_too_late = self.read.elapsed() > AWAY_MAX;
        if self.position.is_none() || is_too_late {
            // Who already listens without a position here, or for longer than rows are kept, may have missed some.
            if self.events.are_heard() {
                self.events.send(Told::Missed);
            }
            self.position = Some(session.begin().await?);
            self.read = Instant::now();
            return Ok(());
        }
        while self.read_some(session).await? {
            // Else all of them would be told that they are too slow.
            for _ in 0..PAUSES_MAX {
                if self.events.waiting() > WAITING_MAX {
                    sleep(Duration::from_millis(1)).await;
                }
            }
        }
        Ok(())
    }

    /// Whether there may be more.
    async fn read_some(&mut self, session: &mut Session) -> Result<bool, Failure> {
        let Some(position) = &mut self.position else { return Ok(false) };
        let now = Instant::now();
        let rows = session.rows(position).await?;
        let is_full = rows.len() >= outbox::ROWS_MAX;
        for row in rows {
            if !position.take(row.id, now) {
                continue;
            }
            let name = row.snapshot.clone();
            let Some((action, announced)) = row.event() else { continue };
            let before = match name {
                Some(name) if action == Action::Deleted && self.events.are_deletions_watched() => {
                    self.snapshots.named(&name).await
                }
                _ => None,
            };
            self.events.send(Told::Event(Arc::new(Event { action, announced, before })));
        }
        position.give_up(self.gap_age, now);
        self.read = now;
        Ok(is_full)
    }
}

fn tell(failure: Failure, is_first: bool) {
    let error = Error::from(failure);
    let error = &error as &dyn std::error::Error;
    if is_first {
        tracing::warn!(error, "events of other servers wait for a connection");
    } else {
        tracing::debug!(error, "events of other servers still wait for a connection");
    }
}

/// Deletes some of what is old; whether there is more.
async fn trim(session: &mut Session) -> Result<bool, Failure> {
    if session.change(&outbox::trim()).await? == Some(outbox::TRIMMED_MAX.to_string()) {
        return Ok(true);
    }
    session.change(&rate::trim()).await?;
    Ok(false)
}

/// The next ask; none when the time has come.
async fn select_before(until: tokio::time::Instant, asks: &mut UnboundedReceiver<Ask>) -> Option<Option<Ask>> {
    tokio::time::timeout_at(until, asks.recv()).await.ok()
}
