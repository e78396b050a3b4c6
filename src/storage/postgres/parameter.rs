//! Values on their way to PostgreSQL and back, in its binary form.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sql::Parameter;

/// The type that a statement is told of a parameter. Null has none, so that it fits any column.
pub(super) fn type_of(parameter: &Parameter) -> Type {
    match parameter {
        Parameter::Null => Type::UNKNOWN,
        Parameter::Integer(_) => Type::INT8,
        Parameter::Real(_) => Type::FLOAT8,
        Parameter::Text(_) => Type::TEXT,
    }
}

/// One character for each type: statements that differ in it only are different statements.
pub(super) fn mark_of(parameter: &Parameter) -> char {
    match parameter {
        Parameter::Null => 'n',
        Parameter::Integer(_) => 'i',
        Parameter::Real(_) => 'r',
        Parameter::Text(_) => 't',
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(ty, out),
            Self::Real(number) => number.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }

    /// Statements are prepared with the types of their parameters.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value of a row as SQLite would show it.
pub(super) struct Shown(pub(super) String);

impl<'a> FromSql<'a> for Shown {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::BOOL => i64::from(bool::from_sql(ty, raw)?).to_string(),
            Type::INT2 => i16::from_sql(ty, raw)?.to_string(),
            Type::INT4 => i32::from_sql(ty, raw)?.to_string(),
            Type::INT8 => i64::from_sql(ty, raw)?.to_string(),
            Type::FLOAT8 => f64::from_sql(ty, raw)?.to_string(),
            _ => std::str::from_utf8(raw)?.to_owned(),
        }))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT8
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
                | Type::JSON
                | Type::UNKNOWN
        )
    }
}
