//! The servers beside this one: which of them listen to events, and whether they want to see what is deleted. Each writes its row while
//! it listens; a row that grows old counts no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Failure;
use super::session::{Heard, Session};
use crate::sql::Sql;

/// Between two writings of a row that stays the same.
const BEAT: Duration = Duration::from_secs(2);

/// What is known of them.
#[derive(Debug)]
pub(super) struct Peers {
    id: i64,
    listen: AtomicBool,
    see_deleted: AtomicBool,
    told: Mutex<Told>,
}

/// What the own row says.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    state: Option<bool>,
    at: Option<Instant>,
}

impl Peers {
    pub(super) fn new() -> Self {
        let id = i64::from_le_bytes(rand::random());
        Self { id, listen: AtomicBool::new(false), see_deleted: AtomicBool::new(false), told: Mutex::default() }
    }

    /// Whether another server listens.
    pub(super) fn listen(&self) -> bool {
        self.listen.load(Ordering::Relaxed)
    }

    /// Whether another server wants to see what is deleted.
    pub(super) fn see_deleted(&self) -> bool {
        self.see_deleted.load(Ordering::Relaxed)
    }

    /// Says what this server does, and looks what the others do.
    pub(super) async fn meet(&self, session: &mut Session, is_heard: bool, sees_deleted: bool) -> Result<(), Failure> {
        let state = is_heard.then_some(sees_deleted);
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = told.state != state;
        if is_new || (state.is_some() && told.at.is_none_or(|at| at.elapsed() > BEAT)) {
            session.change(&self.say(state)).await?;
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Told { state, at: Some(Instant::now()) };
            if is_new {
                session.notify(Heard::Listening).await?;
            }
        }
        let found = session.first(&self.look()).await?.unwrap_or_default();
        self.listen.store(!found.is_empty(), Ordering::Relaxed);
        self.see_deleted.store(found == "deleted", Ordering::Relaxed);
        Ok(())
    }

    fn say(&self, state: Option<bool>) -> Sql {
        let Some(sees_deleted) = state else {
            let mut sql = Sql::new("delete from clef_listener where id = ");
            sql.bind(self.id).push(" or seen < now() - interval '1 minute'");
            return sql;
        };
        let mut sql = Sql::new("insert into clef_listener (id, seen, sees_deleted) values (");
        sql.bind(self.id).push(", now(), ").push(if sees_deleted { "true" } else { "false" });
        sql.push(") on conflict (id) do update set seen = excluded.seen, sees_deleted = excluded.sees_deleted");
        sql
    }

    fn look(&self) -> Sql {
        let mut sql =
            Sql::new("select case when bool_or(sees_deleted) then 'deleted' when count(*) > 0 then 'listens' end ");
        sql.push("from clef_listener where seen > now() - interval '10 seconds' and id <> ").bind(self.id);
        sql
    }
}
