//! What a client must see where queries are read from a standby, which may be behind: whatever it has written itself.
//!
//! After a write, the place of its end in the write-ahead log is remembered for those who the client is known as. What is remembered no longer
//! holds for everybody, so forgetting makes no read too old.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Clients that are remembered at most, twice over.
const CLIENTS_MAX: usize = 20_000;
/// How long they are remembered at least, unless there are more.
const AGE: Duration = Duration::from_mins(3);

tokio::task_local! {
    static VISIT: Arc<Visit>;
}

/// Whom a client is known as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// By whence it comes.
    Address(IpAddr),
    /// By its token: the id of the key.
    Principal(Box<str>),
}

/// A place in the write-ahead log. Shown as PostgreSQL does: `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// Nothing that PostgreSQL shows as a place in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place in a write-ahead log: two hexadecimal numbers with `/` between")]
pub struct NoPosition;

impl Position {
    /// One that no database has reached.
    pub const NEVER: Self = Self(u64::MAX);
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (high, low) = text.split_once('/').ok_or(NoPosition)?;
        let number = |text: &str| {
            let is_plain = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_plain.then(|| u32::from_str_radix(text, 16).ok()).flatten().ok_or(NoPosition)
        };
        Ok(Self(u64::from(number(high)?) << 32 | u64::from(number(low)?)))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// What clients have written.
#[derive(Debug)]
pub(super) struct Positions {
    remembered: Mutex<Remembered>,
    /// What everybody must see.
    floor: AtomicU64,
}

#[derive(Debug)]
struct Remembered {
    recent: HashMap<Client, u64>,
    older: HashMap<Client, u64>,
    since: Instant,
}

/// A request of a client: what it must see, and what it writes.
#[derive(Debug)]
pub(super) struct Visit {
    positions: Arc<Positions>,
    clients: Vec<Client>,
    needed: u64,
    written: AtomicU64,
}

impl Positions {
    pub(super) fn new() -> Arc<Self> {
        let remembered = Remembered { recent: HashMap::new(), older: HashMap::new(), since: Instant::now() };
        Arc::new(Self { remembered: Mutex::new(remembered), floor: AtomicU64::default() })
    }

    /// Runs the work of a request, whose queries may be read from a standby. What it has written ends there, if it wrote.
    pub(super) async fn visit<T>(
        self: &Arc<Self>,
        clients: Vec<Client>,
        seen: Position,
        work: impl Future<Output = T>,
    ) -> (T, Option<Position>) {
        let needed = clients.iter().map(|client| self.of(client)).max().unwrap_or_default().max(seen.0);
        let visit = Visit { positions: Arc::clone(self), clients, needed, written: AtomicU64::default() };
        let visit = Arc::new(visit);
        let done = VISIT.scope(Arc::clone(&visit), work).await;
        let written = visit.written.load(Ordering::Acquire);
        (done, (written > 0).then_some(Position(written)))
    }

    /// Everybody must see it.
    fn raise(&self, position: u64) {
        self.floor.fetch_max(position, Ordering::AcqRel);
    }

    fn of(&self, client: &Client) -> u64 {
        let remembered = self.lock();
        let of = |map: &HashMap<Client, u64>| map.get(client).copied().unwrap_or_default();
        of(&remembered.recent).max(of(&remembered.older))
    }

    fn remember(&self, clients: &[Client], position: u64) {
        let mut remembered = self.lock();
        if remembered.recent.len() + clients.len() > CLIENTS_MAX || remembered.since.elapsed() > AGE {
            let recent = std::mem::take(&mut remembered.recent);
            let forgotten = std::mem::replace(&mut remembered.older, recent);
            remembered.since = Instant::now();
            if let Some(highest) = forgotten.into_values().max() {
                self.raise(highest);
            }
        }
        for client in clients {
            let known = remembered.recent.entry(client.clone()).or_default();
            *known = position.max(*known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// That of the request that is being worked on.
    pub(super) fn current() -> Option<Arc<Self>> {
        VISIT.try_with(Arc::clone).ok()
    }

    /// How far a standby must be that answers.
    pub(super) fn needed(&self) -> u64 {
        let floor = self.positions.floor.load(Ordering::Acquire);
        self.needed.max(floor).max(self.written.load(Ordering::Acquire))
    }

    /// The client wrote.
    pub(super) fn wrote(&self, position: u64) {
        self.written.fetch_max(position, Ordering::AcqRel);
        self.positions.remember(&self.clients, position);
    }
}

impl From<Position> for u64 {
    fn from(position: Position) -> Self {
        position.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_and_shown_as_postgresql_does() {
        for (text, number) in [("0/0", 0), ("16/B374D848", 0x16_B374_D848), ("FFFFFFFF/FFFFFFFF", u64::MAX)] {
            assert_eq!(text.parse(), Ok(Position(number)));
            assert_eq!(Position(number).to_string(), text);
        }
        for text in ["", "0", "/", "0/", "/0", "0/0/0", "g/0", "0/+1", "0/123456789", " 0/0"] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_forgotten_holds_for_everybody() {
        let positions = Positions::new();
        let client = |number: usize| Client::Principal(number.to_string().into());
        let needed = async |number: usize| {
            let visit = async { Visit::current().unwrap().needed() };
            positions.visit(vec![client(number)], Position::default(), visit).await.0
        };
        let wrote = async |number: usize, position: u64| {
            positions
                .visit(vec![client(number)], Position::default(), async { Visit::current().unwrap().wrote(position) })
                .await
                .1
        };
        assert_eq!(wrote(0, 7).await, Some(Position(7)));
        assert_eq!((needed(0).await, needed(1).await), (7, 0));
        for number in 1..=2 * CLIENTS_MAX + 1 {
            wrote(number, 9).await;
        }
        assert_eq!((needed(0).await, needed(3 * CLIENTS_MAX).await), (9, 9), "at least what was forgotten");
        let kept = positions.lock();
        assert!(kept.recent.len() + kept.older.len() <= 2 * CLIENTS_MAX);
    }
}
