//! Operators on text.

use super::{pattern, present};
use crate::sql::{Dialect, Sql};

impl Dialect {
    /// Whether `text` contains the operand, by code points.
    pub fn contains(self, text: Sql, operand: &str) -> Sql {
        let mut sql = Sql::new(match self {
            Self::Sqlite => "instr(",
            Self::Postgres => "strpos(",
        });
        sql.append(text).push(", ").bind(operand).push(") > 0");
        sql
    }

    /// Whether `text` starts with the operand.
    pub fn starts_with(self, text: Sql, operand: &str) -> Sql {
        let mut sql = Sql::default();
        match self {
            Self::Sqlite => {
                sql.push("substr(").append(text).push(", 1, ").bind(characters(operand)).push(") = ").bind(operand)
            }
            Self::Postgres => sql.push("starts_with(").append(text).push(", ").bind(operand).push(")"),
        };
        sql
    }

    /// Whether `text` ends with the operand.
    pub fn ends_with(self, text: Sql, operand: &str) -> Sql {
        if operand.is_empty() {
            return present(text);
        }
        let (function, count) = match self {
            Self::Sqlite => ("substr(", -characters(operand)),
            Self::Postgres => ("right(", characters(operand)),
        };
        let mut sql = Sql::new(function);
        sql.append(text).push(", ").bind(count);
        sql.push(match self {
            Self::Sqlite => ") = ",
            Self::Postgres => "::integer) = ",
        });
        sql.bind(operand);
        sql
    }

    /// Whether the whole of `text` matches a pattern of the syntax of the crate regex; `None` if the database cannot say.
    pub fn matches(self, text: Sql, pattern: &str) -> Option<Sql> {
        let mut sql = text;
        match self {
            Self::Sqlite => sql.push(" regexp ").bind(pattern),
            Self::Postgres => sql.push(" ~ ").bind(pattern::translated(pattern)?),
        };
        Some(sql)
    }
}

fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}
