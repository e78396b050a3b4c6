//! Expressions that differ between databases. Everything else in a statement is common SQL.
//!
//! On PostgreSQL `row_to_json` writes objects: `json_build_object` took a quarter longer for 1,000 rows of ten fields (PostgreSQL 15).

mod components;
mod pattern;
mod text;

use super::object::{RootForm, RootObject};
use super::page::Alias;
use crate::model::columns::system;
use crate::model::{PropertyType, StorageType};
use crate::sql::{Dialect, Parameter, Rows, Sql};

/// Order with nulls last.
pub const ASCENDING: &str = " asc nulls last";
/// Order with nulls first.
pub const DESCENDING: &str = " desc nulls first";
/// Most members that a JSON object of one call can have: a function of SQLite takes at most 1,000 arguments.
pub const MEMBERS_MAX: usize = 480;
/// Longest name that PostgreSQL does not cut off, in bytes.
pub const NAME_MAX: usize = 63;
/// Longer lists travel as one JSON parameter, so that the statement's text stays the same.
const WRITTEN_OUT_MAX: usize = 16;

impl Dialect {
    /// A JSON object.
    pub fn object<'a>(self, members: impl IntoIterator<Item = (&'a str, Sql)>) -> Sql {
        let members: Vec<_> = members.into_iter().collect();
        match self {
            Self::Sqlite => {
                let mut sql = Sql::new("json_object(");
                sql.join(
                    ", ",
                    members.into_iter().map(|(key, value)| {
                        let mut member = Sql::default();
                        member.literal(key).push(", ").append(value);
                        member
                    }),
                );
                sql.push(")");
                sql
            }
            Self::Postgres if members.is_empty() => Sql::new("'{}'::json"),
            Self::Postgres if members.iter().any(|(key, _)| key.len() > NAME_MAX) => concatenated(members),
            // The name is none that a member can have: a column would come before the row of that name.
            Self::Postgres => {
                let mut sql = Sql::new("(select row_to_json(\"{}\") from (select ");
                sql.join(
                    ", ",
                    members.into_iter().map(|(key, mut value)| {
                        value.push(" as ").ident(key);
                        value
                    }),
                );
                sql.push(") \"{}\")");
                sql
            }
        }
    }

    /// A text constant as a JSON value.
    pub fn json_text(self, text: &str) -> Sql {
        let mut sql = Sql::default();
        match self {
            Self::Sqlite => sql.literal(text),
            Self::Postgres => sql.push("to_json(").literal(text).push("::text)"),
        };
        sql
    }

    /// JSON as the column of an answer.
    pub fn answer(self, json: Sql) -> Sql {
        match self {
            Self::Sqlite => json,
            Self::Postgres => wrapped("(", json, ")::text"),
        }
    }

    /// A JSON array of some values.
    pub fn array_of(self, values: impl IntoIterator<Item = Sql>) -> Sql {
        let mut sql = Sql::new(match self {
            Self::Sqlite => "json_array(",
            Self::Postgres => "json_build_array(",
        });
        sql.join(", ", values).push(")");
        sql
    }

    /// Most values of [`Self::array_of`].
    pub fn array_values_max(self) -> usize {
        match self {
            Self::Sqlite => 500,
            Self::Postgres => 100,
        }
    }

    /// A JSON array with an element for each row of `rows`, in its order.
    pub fn array(self, element: Sql, rows: Sql, alias: Alias) -> Sql {
        let mut sql = match self {
            Self::Sqlite => wrapped("(select json_group_array(", element, ") from ("),
            Self::Postgres => wrapped("(select coalesce(json_agg(", element, "), '[]') from ("),
        };
        sql.append(rows).push(") ").append(alias.sql()).push(")");
        sql
    }

    /// A JSON array of objects, on PostgreSQL: each row of `members` from `rows`, in its order. An expression for each element would be a
    /// sub-select of its own.
    pub fn array_of_rows(self, members: Sql, rows: Sql) -> Sql {
        let mut sql = Sql::new("(select coalesce(json_agg(\"{}\"), '[]') from (");
        sql.append(members).append(rows).push(") \"{}\")");
        sql
    }

    /// The only row of `members` from `rows` as a JSON object, on PostgreSQL.
    pub fn first_row(self, members: Sql, rows: Sql) -> Sql {
        let mut sql = Sql::new("(select row_to_json(\"{}\") from (");
        sql.append(members).append(rows).push(") \"{}\")");
        sql
    }

    /// A JSON array with an element for each node whose number `page` selects, in its order: the page first, then the rows of its nodes.
    pub fn array_of_page(self, object: RootObject, page: Sql, page_alias: Alias, node: Alias) -> Sql {
        let element = match object.form {
            RootForm::Json(element) => element,
            RootForm::Row { members, columns, .. } => {
                let mut sql = Sql::new("select ");
                sql.append(columns).push(" from ").append(numbered_page(page, page_alias));
                sql.push(" join node ").append(node.sql()).push(" on ").append(node.column(system::ID)).push(" = ");
                sql.append(page_alias.column(system::ID)).push(" order by ").append(page_alias.column("__row"));
                return sql.answering(Rows { members, is_list: true });
            }
        };
        let mut sql = match self {
            Self::Sqlite => {
                let mut sql = wrapped("select json_group_array(", element, ") from (");
                sql.append(page).push(") ").append(page_alias.sql()).push(" cross join node ");
                sql.append(node.sql()).push(" where ");
                sql
            }
            Self::Postgres => {
                let mut sql = Sql::new("select coalesce(json_agg(");
                sql.append(element)
                    .push(" order by ")
                    .append(page_alias.column("__row"))
                    .push("), '[]')::text from ")
                    .append(numbered_page(page, page_alias));
                sql.push(" join node ").append(node.sql()).push(" on ");
                sql
            }
        };
        sql.append(node.column(system::ID)).push(" = ").append(page_alias.column(system::ID));
        sql
    }

    /// A stored value as JSON.
    pub fn json_value(self, column: Sql, storage: StorageType) -> Sql {
        let mut sql = Sql::default();
        match (self, storage) {
            (_, StorageType::Text | StorageType::Integer | StorageType::Date | StorageType::DateTime)
            | (Self::Postgres, StorageType::Real) => sql.append(column),
            // JSON functions write 15 digits (SQLite 3.51), which is another number for about half of all that are not written by hand.
            (Self::Sqlite, StorageType::Real) => sql
                .push("case when ")
                .append(column.clone())
                .push(" <> cast(json_quote(")
                .append(column.clone())
                .push(") as real) then json(printf('%!.17g', ")
                .append(column.clone())
                .push(")) else ")
                .append(column)
                .push(" end"),
            (Self::Sqlite, StorageType::Boolean) => {
                sql.push("json(case ").append(column).push(" when 0 then 'false' when 1 then 'true' end)")
            }
            (Self::Sqlite, StorageType::List | StorageType::Json) => sql.push("json(").append(column).push(")"),
            (Self::Postgres, StorageType::Boolean) => sql.push("(").append(column).push(" <> 0)"),
            (Self::Postgres, StorageType::List | StorageType::Json) => sql.append(column).push("::json"),
        };
        sql
    }

    /// Operand of `limit` for all rows; SQLite wants a `limit` before an `offset`.
    pub fn no_limit(self) -> &'static str {
        match self {
            Self::Sqlite => "-1",
            Self::Postgres => "all",
        }
    }

    /// `value in (…)` for any number of values of one type.
    pub fn is_one_of(self, value: Sql, operands: Vec<Parameter>) -> Sql {
        let mut sql = value;
        if operands.len() <= WRITTEN_OUT_MAX {
            sql.push(" in ").bind_list(operands);
            return sql;
        }
        let cast = match operands.iter().find(|operand| **operand != Parameter::Null) {
            Some(Parameter::Integer(_)) => "::bigint",
            Some(Parameter::Real(_)) => "::double precision",
            _ => "",
        };
        let values: Vec<serde_json::Value> = operands.into_iter().map(json_parameter).collect();
        let values = serde_json::Value::Array(values).to_string();
        match self {
            Self::Sqlite => sql.push(" in (select value from json_each(").bind(values).push("))"),
            Self::Postgres => sql
                .push(" in (select value")
                .push(cast)
                .push(" from json_array_elements_text(")
                .bind(values)
                .push("::json))"),
        };
        sql
    }

    /// Whether any item of a stored list fulfils the condition.
    ///
    /// `limit 1` keeps SQLite from making a join of it, which counts a row once for each item that an `offset` skips (SQLite 3.51.3,
    /// `existsToJoin`).
    pub fn any_item(self, list: Sql, item: Alias, condition: Sql) -> Sql {
        let mut sql = Sql::new("exists (select 1 from ");
        match self {
            Self::Sqlite => sql.push("json_each(").append(list).push(") "),
            Self::Postgres => sql.push("json_array_elements_text(").append(list).push("::json) "),
        };
        sql.append(item.sql()).push(" where ").append(condition).push(" limit 1)");
        sql
    }

    /// The item of [`Self::any_item`], of a list of this type.
    pub fn item_value(self, item: Alias, ty: &PropertyType) -> Sql {
        let mut sql = item.column("value");
        match (self, ty) {
            (Self::Postgres, PropertyType::Int) => sql.push("::bigint"),
            (Self::Postgres, PropertyType::Float) => sql.push("::double precision"),
            (Self::Postgres, PropertyType::Boolean) => sql.push("::boolean::integer"),
            _ => &mut sql,
        };
        sql
    }

    /// How many items a stored list has; null if it is absent.
    pub fn list_length(self, list: Sql) -> Sql {
        match self {
            Self::Sqlite => wrapped("json_array_length(", list, ")"),
            Self::Postgres => wrapped("json_array_length(", list, "::json)"),
        }
    }
}

/// A join keeps no order; the numbers of the page's rows are its order.
fn numbered_page(page: Sql, alias: Alias) -> Sql {
    let mut sql = wrapped("(select q.*, row_number() over () as \"__row\" from (", page, ") q) ");
    sql.append(alias.sql());
    sql
}

/// A number as text.
pub fn number_as_text(column: Sql) -> Sql {
    wrapped("cast(", column, " as text)")
}

/// True for a value, unknown for none: its negation does not match an absent value either.
pub fn present(value: Sql) -> Sql {
    let mut sql = value.clone();
    sql.push(" = ").append(value);
    sql
}

/// An object as text, for keys that no column can have. Names of GraphQL need no escape in JSON.
fn concatenated(members: Vec<(&str, Sql)>) -> Sql {
    let mut sql = Sql::new("(");
    for (position, (key, value)) in members.into_iter().enumerate() {
        if position == 0 {
            sql.literal(&["{\"", key, "\":"].concat());
        } else {
            sql.push(" || ").literal(&[",\"", key, "\":"].concat());
        }
        sql.push(" || (json_build_array(").append(value).push(") -> 0)::text");
    }
    sql.push(" || '}')::json");
    sql
}

fn wrapped(before: &'static str, inner: Sql, after: &'static str) -> Sql {
    let mut sql = Sql::new(before);
    sql.append(inner).push(after);
    sql
}

fn json_parameter(parameter: Parameter) -> serde_json::Value {
    match parameter {
        Parameter::Null => serde_json::Value::Null,
        Parameter::Integer(number) => number.into(),
        Parameter::Real(number) => number.into(),
        Parameter::Text(text) => text.into(),
    }
}
