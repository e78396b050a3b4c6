//! Rate limits that hold over all servers on one PostgreSQL: the generic cell rate algorithm, a row for each bucket, by the database's clock.

use std::time::Duration;

use super::{Error, Storage, Write};
use crate::sql::{Dialect, Sql};

const NOW: &str = "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";

/// What a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy)]
pub struct Bucket<'a> {
    /// Its name.
    pub name: &'a str,
    /// In which one more fits.
    pub interval: Duration,
    /// How much it holds.
    pub burst: u32,
}

impl Bucket<'_> {
    fn interval_micros(&self) -> i64 {
        i64::try_from(self.interval.as_micros()).unwrap_or(i64::MAX).max(1)
    }

    /// How far ahead of now the time may be at which the bucket is full again, before one more is taken.
    fn ahead_max(&self) -> i64 {
        self.interval_micros().saturating_mul(i64::from(self.burst.saturating_sub(1)))
    }
}

impl Storage {
    /// Whether other servers may use the database.
    pub fn is_shared(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    /// Takes one from a bucket that all servers share; or how long to wait, if it is empty.
    ///
    /// # Errors
    ///
    /// As writes.
    pub async fn take(&self, bucket: Bucket<'_>) -> Result<Result<(), Duration>, Error> {
        let (interval, ahead) = (bucket.interval_micros(), bucket.ahead_max());
        let mut sql = Sql::new("with clock as (select ");
        sql.push(NOW).push(" as now), taken as (insert into clef_rate as r (bucket, full_at) select ");
        sql.bind(bucket.name).push(", now + ").bind(interval).push(" from clock on conflict (bucket) do update ");
        sql.push("set full_at = greatest(r.full_at, (select now from clock)) + ").bind(interval);
        sql.push(" where r.full_at <= (select now from clock) + ").bind(ahead).push(" returning 1) ");
        sql.push("select case when exists (select 1 from taken) then 0 else greatest(1, (select full_at from clef_rate where bucket = ");
        sql.bind(bucket.name).push(") - ").bind(ahead).push(" - (select now from clock)) end");
        let text = self.run(Write::Change { statements: Vec::new(), read: sql }, None).await?;
        Ok(match micros(text) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        })
    }

    /// How long to wait until none of the buckets is empty. Takes nothing.
    ///
    /// # Errors
    ///
    /// As reads.
    pub async fn wait(&self, buckets: &[Bucket<'_>]) -> Result<Duration, Error> {
        let mut sql = Sql::new("select greatest(0");
        for bucket in buckets {
            sql.push(", (select full_at from clef_rate where bucket = ").bind(bucket.name).push(") - ");
            sql.bind(bucket.ahead_max()).push(" - now");
        }
        sql.push(") from (select ").push(NOW).push(" as now) clock");
        Ok(micros(self.first(sql).await?))
    }
}

/// Deletes buckets that are full: as good as none.
pub(super) fn trim() -> Sql {
    let mut sql = Sql::new("delete from clef_rate where full_at < ");
    sql.push(NOW);
    sql
}

/// What the database does not tell is not to be waited for long.
fn micros(text: Option<String>) -> Duration {
    let number = text.and_then(|text| text.parse().ok());
    Duration::from_micros(number.unwrap_or(1_000_000))
}
