//! Tokens and keys revoked before their time: a table that every server reads, whatever wrote to it.

use serde::Deserialize;

use super::{Error, Storage, Write};
use crate::sql::{Dialect, Parameter, Sql};

/// Rows of one answer.
const ROWS_MAX: usize = 1000;

/// What is revoked, or is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoked {
    /// The token of this id.
    Token,
    /// The key of this id, and its tokens.
    Key,
    /// The tokens that were minted for the key up to a time.
    Minted,
    /// Nothing: the key is good again.
    Restored,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Revocation {
    /// What.
    pub kind: Revoked,
    /// Of a token or a key.
    pub id: String,
    /// Seconds since the epoch.
    pub before: Option<u64>,
    /// Seconds since the epoch: from then on it says nothing any more. Without it, it stays.
    pub until: Option<u64>,
}

/// Rows in the order in which they were committed.
#[derive(Debug, Default, Deserialize)]
pub struct Revocations {
    /// The highest number of all.
    pub last: Option<i64>,
    rows: Option<Vec<Numbered>>,
}

#[derive(Debug, Deserialize)]
struct Numbered {
    number: i64,
    #[serde(flatten)]
    revocation: Revocation,
}

impl Revocations {
    /// With their numbers.
    pub fn into_rows(self) -> impl Iterator<Item = (i64, Revocation)> {
        self.rows.unwrap_or_default().into_iter().map(|row| (row.number, row.revocation))
    }
}

impl Storage {
    /// Adds a row. `now` in seconds since the epoch: what says nothing any more is deleted.
    ///
    /// # Errors
    ///
    /// As writes.
    pub async fn revoke(&self, revocation: &Revocation, now: u64) -> Result<(), Error> {
        let mut statements = Vec::new();
        if self.dialect() == Dialect::Postgres {
            // Numbers are in the order of commits, so that a reader misses none.
            statements.push(Sql::new("lock table clef_revocation in share row exclusive mode"));
        }
        let mut old = Sql::new("delete from clef_revocation where until <= ");
        old.bind(seconds(now));
        let mut new = Sql::new("insert into clef_revocation (kind, id, before, until) values (");
        new.literal(revocation.kind.name()).push(", ").bind(revocation.id.as_str());
        new.push(", ").bind(revocation.before.map_or(Parameter::Null, |time| seconds(time).into()));
        new.push(", ").bind(revocation.until.map_or(Parameter::Null, |time| seconds(time).into())).push(")");
        statements.extend([old, new]);
        self.run(Write::Change { statements, read: Sql::new("select 1") }, None).await.map(drop)
    }

    /// The first rows after a number.
    ///
    /// # Errors
    ///
    /// As reads.
    pub async fn revocations_after(&self, number: i64) -> Result<Revocations, Error> {
        let dialect = self.dialect();
        let (object, list) = match dialect {
            Dialect::Sqlite => ("json_object(", "json_group_array(json_object("),
            Dialect::Postgres => ("json_build_object(", "json_agg(json_build_object("),
        };
        let mut sql = Sql::new("select cast(");
        sql.push(object).push("'last', (select max(number) from clef_revocation), 'rows', (select ").push(list);
        sql.push("'number', number, 'kind', kind, 'id', id, 'before', before, 'until', until)");
        sql.push(if dialect == Dialect::Postgres { " order by number)" } else { ")" });
        sql.push(" from (select * from clef_revocation where number > ").bind(number);
        sql.push(" order by number limit ").number(ROWS_MAX).push(") r)) as text)");
        let text = self.first(sql).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}

impl Revoked {
    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Key => "key",
            Self::Minted => "minted",
            Self::Restored => "restored",
        }
    }
}

fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
