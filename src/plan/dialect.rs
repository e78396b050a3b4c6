//! Expressions that differ between databases, for SQLite. Everything else in a statement is common SQL.

use super::page::Alias;
use crate::model::StorageType;
use crate::model::columns::system;
use crate::sql::{Parameter, Sql};

/// Order with nulls last.
pub const ASCENDING: &str = " asc nulls last";
/// Order with nulls first.
pub const DESCENDING: &str = " desc nulls first";
/// Operand of `limit` for all rows; an `offset` needs a `limit` before it.
pub const NO_LIMIT: &str = "-1";
/// Most members that a JSON object of one call can have: a function takes at most 1,000 arguments.
pub const MEMBERS_MAX: usize = 480;

/// A JSON object.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Sql)>) -> Sql {
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

/// A JSON array with an element for each row of `rows`, in its order.
pub fn array(element: Sql, rows: Sql, alias: Alias) -> Sql {
    let mut sql = Sql::new("select json_group_array(");
    sql.append(element).push(") from (").append(rows).push(") ").append(alias.sql());
    sql
}

/// A JSON array with an element for each node whose number `page` selects, in its order: the page first, then the rows of its nodes.
pub fn array_of_page(element: Sql, page: Sql, page_alias: Alias, node: Alias) -> Sql {
    let mut sql = Sql::new("select json_group_array(");
    sql.append(element).push(") from (").append(page).push(") ").append(page_alias.sql());
    sql.push(" cross join node ").append(node.sql()).push(" where ").append(node.column(system::ID));
    sql.push(" = ").append(page_alias.column(system::ID));
    sql
}

/// A stored value as JSON.
pub fn json_value(column: Sql, storage: StorageType) -> Sql {
    let mut sql = Sql::default();
    match storage {
        StorageType::Text | StorageType::Integer | StorageType::Date | StorageType::DateTime => sql.append(column),
        // JSON functions write 15 digits (SQLite 3.51), which is another number for about half of all that are not written by hand.
        StorageType::Real => sql
            .push("case when ")
            .append(column.clone())
            .push(" <> cast(json_quote(")
            .append(column.clone())
            .push(") as real) then json(printf('%!.17g', ")
            .append(column.clone())
            .push(")) else ")
            .append(column)
            .push(" end"),
        StorageType::Boolean => {
            sql.push("json(case ").append(column).push(" when 0 then 'false' when 1 then 'true' end)")
        }
        StorageType::List | StorageType::Json => sql.push("json(").append(column).push(")"),
    };
    sql
}

/// A number as text.
pub fn number_as_text(column: Sql) -> Sql {
    wrapped("cast(", column, " as text)")
}

/// Whether `text` contains the operand, by code points.
pub fn contains(text: Sql, operand: &str) -> Sql {
    let mut sql = Sql::new("instr(");
    sql.append(text).push(", ").bind(operand).push(") > 0");
    sql
}

/// Whether `text` starts with the operand.
pub fn starts_with(text: Sql, operand: &str) -> Sql {
    let mut sql = Sql::new("substr(");
    sql.append(text).push(", 1, ").bind(characters(operand)).push(") = ").bind(operand);
    sql
}

/// Whether `text` ends with the operand.
pub fn ends_with(text: Sql, operand: &str) -> Sql {
    let mut sql = Sql::default();
    if operand.is_empty() {
        return present(text);
    }
    sql.push("substr(").append(text).push(", ").bind(-characters(operand)).push(") = ").bind(operand);
    sql
}

/// True for a value, unknown for none: its negation does not match an absent value either.
pub fn present(value: Sql) -> Sql {
    let mut sql = value.clone();
    sql.push(" = ").append(value);
    sql
}

/// Whether the whole of `text` matches a pattern that [`super::filter`] has checked and anchored.
pub fn matches(text: Sql, pattern: &str) -> Sql {
    let mut sql = text;
    sql.push(" regexp ").bind(pattern);
    sql
}

/// `value in (…)` for any number of values.
pub fn is_one_of(value: Sql, operands: Vec<Parameter>) -> Sql {
    /// Longer lists travel as one JSON parameter, so that the statement's text stays the same.
    const WRITTEN_OUT_MAX: usize = 16;
    let mut sql = value;
    if operands.len() <= WRITTEN_OUT_MAX {
        sql.push(" in ").bind_list(operands);
        return sql;
    }
    let values: Vec<serde_json::Value> = operands.into_iter().map(json_parameter).collect();
    sql.push(" in (select value from json_each(").bind(serde_json::Value::Array(values).to_string()).push("))");
    sql
}

/// Whether any item of a stored list fulfils the condition.
///
/// `limit 1` keeps SQLite from making a join of it, which counts a row once for each item that an `offset` skips (SQLite 3.51.3,
/// `existsToJoin`).
pub fn any_item(list: Sql, item: Alias, condition: Sql) -> Sql {
    let mut sql = Sql::new("exists (select 1 from json_each(");
    sql.append(list).push(") ").append(item.sql()).push(" where ").append(condition).push(" limit 1)");
    sql
}

/// The item of [`any_item`].
pub fn item_value(item: Alias) -> Sql {
    item.column("value")
}

/// How many items a stored list has; null if it is absent.
pub fn list_length(list: Sql) -> Sql {
    wrapped("json_array_length(", list, ")")
}

/// A component of a stored date, or null.
pub fn date_component(column: &Sql, component: &str) -> Option<Sql> {
    Some(match component {
        "formatted" => pattern("case length(@) when 10 then @ else substr(@, instr(@, ' ') + 1) end", column),
        "year" => pattern("cast(substr(@, instr(@, ' ') + 1) as integer)", column),
        "month" => pattern("cast(substr(@, -5, 2) as integer)", column),
        "day" => pattern("cast(substr(@, -2) as integer)", column),
        _ => return None,
    })
}

/// A component of a stored date-time, or null.
pub fn date_time_component(column: &Sql, component: &str) -> Option<Sql> {
    Some(match component {
        "formatted" => pattern(
            "case length(@) when 30 then rtrim(rtrim(substr(@, 1, 29), '0'), '.') || 'Z' else substr(@, instr(@, ' ') + 1) end",
            column,
        ),
        "year" => pattern("cast(substr(@, instr(@, ' ') + 1) as integer)", column),
        "month" => pattern(
            "cast(substr(@, case length(@) when 30 then 6 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') - 5 end, 2) as integer)",
            column,
        ),
        "day" => pattern(
            "cast(substr(@, case length(@) when 30 then 9 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') - 2 end, 2) as integer)",
            column,
        ),
        "hour" => pattern(
            "cast(substr(@, case length(@) when 30 then 12 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 1 end, 2) as integer)",
            column,
        ),
        "minute" => pattern(
            "cast(substr(@, case length(@) when 30 then 15 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 4 end, 2) as integer)",
            column,
        ),
        "second" => pattern(
            "cast(substr(@, case length(@) when 30 then 18 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 7 end, 2) as integer)",
            column,
        ),
        "millisecond" => pattern("cast(substr(@, instr(@, '.') + 1, 3) as integer)", column),
        "microsecond" => pattern("cast(substr(@, instr(@, '.') + 1, 6) as integer)", column),
        "nanosecond" => pattern("cast(substr(@, instr(@, '.') + 1, 9) as integer)", column),
        "timezone" => pattern(
            "case when length(@) = 30 or substr(@, -1) = 'Z' then 'Z' when substr(@, -1) = ']' then rtrim(substr(@, instr(@, '[') + 1), ']') \
             when substr(@, -6, 1) = ':' then substr(@, -9) else substr(@, -6) end",
            column,
        ),
        _ => return None,
    })
}

/// `syntax` with the column in place of each `@`.
fn pattern(syntax: &'static str, column: &Sql) -> Sql {
    let mut sql = Sql::default();
    for (position, part) in syntax.split('@').enumerate() {
        if position > 0 {
            sql.append(column.clone());
        }
        sql.push(part);
    }
    sql
}

fn wrapped(before: &'static str, inner: Sql, after: &'static str) -> Sql {
    let mut sql = Sql::new(before);
    sql.append(inner).push(after);
    sql
}

fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn json_parameter(parameter: Parameter) -> serde_json::Value {
    match parameter {
        Parameter::Null => serde_json::Value::Null,
        Parameter::Integer(number) => number.into(),
        Parameter::Real(number) => number.into(),
        Parameter::Text(text) => text.into(),
    }
}
