//! The outbox: a row for each event, written in the transaction of what it tells of, after its statements. The number of an event is drawn
//! while its node is locked, so that the numbers of one node are in the order of its changes.
//!
//! Only statements and rows. Values are not among them.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::model::columns::system;
use crate::sql::Sql;
use crate::storage::events::{Action, Announcement, Cause};

/// Rows of one answer.
pub(super) const ROWS_MAX: usize = 500;
/// How long rows stay: who is away for longer has missed some.
pub(super) const KEPT: Duration = Duration::from_mins(3);
/// Rows that are deleted in one go.
pub(super) const TRIMMED_MAX: usize = 1000;
/// Held by who deletes old rows: `clef` as bytes, and one more.
const TRIM_LOCK: i64 = 1_668_048_231;
/// How far below the highest number rows of transactions under way are expected by who begins to read.
pub(super) const WINDOW: i64 = 256;

/// What a write leaves in the outbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) announced: &'a Announcement,
    /// Name of the database as it was before.
    pub(super) snapshot: Option<&'a str>,
}

/// A row.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: i64,
    action: usize,
    cause: usize,
    r#type: String,
    key: String,
    topic: Option<String>,
    topic_value: Option<String>,
    pub(super) snapshot: Option<String>,
}

impl Entry<'_> {
    /// The node was created or updated, for certain.
    pub(super) fn of(&self, action: Action) -> Sql {
        let mut sql = self.insert();
        self.push_values(&mut sql, action);
        sql
    }

    /// The node was updated, if it is there.
    pub(super) fn of_update(&self) -> Sql {
        let mut sql = self.insert();
        self.push_values(&mut sql, Action::Updated);
        sql.push(" where exists (select 1 from node where ").ident(system::KEY).push(" = ").bind(&*self.announced.key);
        sql.push(" and ").ident(system::TYPE).push(" = ").bind(&*self.announced.ty).push(")");
        sql
    }

    /// The deletion itself, which leaves a row if there was anything to delete.
    pub(super) fn of_deletion(&self, delete: &Sql) -> Sql {
        let mut sql = Sql::new("with gone as (");
        sql.append(delete.clone()).push(" returning 1) ").append(self.insert());
        self.push_values(&mut sql, Action::Deleted);
        sql.push(" where exists (select 1 from gone)");
        sql
    }

    fn insert(&self) -> Sql {
        let mut sql = Sql::new("insert into clef_event (action, cause, type, key");
        sql.push(if self.announced.topic.is_some() { ", topic, topic_value" } else { "" });
        sql.push(if self.snapshot.is_some() { ", snapshot)" } else { ")" });
        sql
    }

    fn push_values(&self, sql: &mut Sql, action: Action) {
        sql.push(" select ").number(number_of_action(action)).push(", ");
        sql.number(number_of_cause(self.announced.cause)).push(", ");
        sql.bind(&*self.announced.ty).push(", ").bind(&*self.announced.key);
        if let Some((topic, value)) = &self.announced.topic {
            sql.push(", ").bind(&**topic).push(", ").bind(&**value);
        }
        if let Some(snapshot) = self.snapshot {
            sql.push(", ").bind(snapshot);
        }
    }
}

impl Row {
    /// None if a newer server knows more kinds of events.
    pub(super) fn event(self) -> Option<(Action, Announcement)> {
        let action = [Action::Created, Action::Updated, Action::Deleted]
            .into_iter()
            .find(|it| number_of_action(*it) == self.action)?;
        let cause = [Cause::Create, Cause::Update, Cause::Merge, Cause::Delete]
            .into_iter()
            .find(|it| number_of_cause(*it) == self.cause)?;
        let topic = self.topic.zip(self.topic_value).map(|(topic, value)| (Cow::Owned(topic), value.into()));
        Some((action, Announcement { ty: self.r#type.into(), key: self.key.into(), cause, topic }))
    }
}

/// Rows after a number, and those among the gaps: one JSON array in order, or null.
pub(super) fn read(highest: i64, gaps: Option<String>) -> Sql {
    let mut sql = Sql::new("select cast(json_agg(e order by e.id) as text) from (");
    if let Some(gaps) = gaps {
        sql.push("(").push(COLUMNS).push(" where id = any(cast(").bind(gaps).push(" as bigint[]))) union all ");
    }
    sql.push("(")
        .push(COLUMNS)
        .push(" where id > ")
        .bind(highest)
        .push(" order by id limit ")
        .number(ROWS_MAX)
        .push(")) e");
    sql
}

const COLUMNS: &str = "select id, action, cause, type, key, topic, topic_value, snapshot from clef_event";

/// The last numbers, from the highest on; without any, the last that was given: one JSON object.
pub(super) fn begin() -> Sql {
    let mut sql = Sql::new(
        "select cast(json_build_object('numbers', (select json_agg(id) from (select id from clef_event where id > ",
    );
    sql.push("(select max(id) from clef_event) - ").bind(WINDOW).push(") last), 'given', ");
    sql.push("(select case when is_called then last_value else 0 end from clef_event_id_seq)) as text)");
    sql
}

/// Deletes rows of that age, the oldest first, unless another server is about it. Answers how many.
pub(super) fn trim() -> Sql {
    let mut sql = Sql::new("with gone as (delete from clef_event where (select pg_try_advisory_xact_lock(");
    sql.bind(TRIM_LOCK).push(")) and id = any(array(select id from (select id, at from clef_event order by id limit ");
    sql.number(TRIMMED_MAX).push(") oldest where at < now() - make_interval(secs => ");
    sql.bind(KEPT.as_secs_f64()).push("))) returning 1) select count(*) from gone");
    sql
}

fn number_of_action(action: Action) -> usize {
    match action {
        Action::Created => 1,
        Action::Updated => 2,
        Action::Deleted => 3,
    }
}

fn number_of_cause(cause: Cause) -> usize {
    match cause {
        Cause::Create => 1,
        Cause::Update => 2,
        Cause::Merge => 3,
        Cause::Delete => 4,
    }
}
