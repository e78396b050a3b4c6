//! Components of stored dates and date-times, whose form `value` tells: what orders them, then, unless that says it all, a blank and the text
//! that is shown.

use crate::sql::{Dialect, Sql};

impl Dialect {
    /// A component of a stored date, or null.
    pub fn date_component(self, column: &Sql, component: &str) -> Option<Sql> {
        let syntax = match self {
            Self::Sqlite => sqlite_date(component),
            Self::Postgres => postgres_date(component),
        };
        syntax.map(|syntax| of_column(syntax, column))
    }

    /// A component of a stored date-time, or null.
    pub fn date_time_component(self, column: &Sql, component: &str) -> Option<Sql> {
        let syntax = match self {
            Self::Sqlite => sqlite_date_time(component),
            Self::Postgres => postgres_date_time(component),
        };
        syntax.map(|syntax| of_column(syntax, column))
    }
}

/// `syntax` with the column in place of each `@`.
fn of_column(syntax: &'static str, column: &Sql) -> Sql {
    let mut sql = Sql::default();
    for (position, part) in syntax.split('@').enumerate() {
        if position > 0 {
            sql.append(column.clone());
        }
        sql.push(part);
    }
    sql
}

/// `cast` reads the number that a text begins with.
fn sqlite_date(component: &str) -> Option<&'static str> {
    Some(match component {
        "formatted" => "case length(@) when 10 then @ else substr(@, instr(@, ' ') + 1) end",
        "year" => "cast(substr(@, instr(@, ' ') + 1) as integer)",
        "month" => "cast(substr(@, -5, 2) as integer)",
        "day" => "cast(substr(@, -2) as integer)",
        _ => return None,
    })
}

fn postgres_date(component: &str) -> Option<&'static str> {
    Some(match component {
        "formatted" => "case length(@) when 10 then @ else substr(@, strpos(@, ' ') + 1) end",
        "year" => "cast(substring(substr(@, strpos(@, ' ') + 1) from '^[+-]?[0-9]+') as integer)",
        "month" => "cast(left(right(@, 5), 2) as integer)",
        "day" => "cast(right(@, 2) as integer)",
        _ => return None,
    })
}

fn sqlite_date_time(component: &str) -> Option<&'static str> {
    Some(match component {
        "formatted" => {
            "case length(@) when 30 then rtrim(rtrim(substr(@, 1, 29), '0'), '.') || 'Z' else substr(@, instr(@, ' ') + 1) end"
        }
        "year" => "cast(substr(@, instr(@, ' ') + 1) as integer)",
        "month" => {
            "cast(substr(@, case length(@) when 30 then 6 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') - 5 end, 2) as integer)"
        }
        "day" => {
            "cast(substr(@, case length(@) when 30 then 9 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') - 2 end, 2) as integer)"
        }
        "hour" => {
            "cast(substr(@, case length(@) when 30 then 12 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 1 end, 2) as integer)"
        }
        "minute" => {
            "cast(substr(@, case length(@) when 30 then 15 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 4 end, 2) as integer)"
        }
        "second" => {
            "cast(substr(@, case length(@) when 30 then 18 else instr(@, ' ') + instr(substr(@, instr(@, ' ') + 1), 'T') + 7 end, 2) as integer)"
        }
        "millisecond" => "cast(substr(@, instr(@, '.') + 1, 3) as integer)",
        "microsecond" => "cast(substr(@, instr(@, '.') + 1, 6) as integer)",
        "nanosecond" => "cast(substr(@, instr(@, '.') + 1, 9) as integer)",
        "timezone" => {
            "case when length(@) = 30 or substr(@, -1) = 'Z' then 'Z' when substr(@, -1) = ']' then rtrim(substr(@, instr(@, '[') + 1), ']') \
            when substr(@, -6, 1) = ':' then substr(@, -9) else substr(@, -6) end"
        }
        _ => return None,
    })
}

fn postgres_date_time(component: &str) -> Option<&'static str> {
    Some(match component {
        "formatted" => {
            "case length(@) when 30 then rtrim(rtrim(substr(@, 1, 29), '0'), '.') || 'Z' else substr(@, strpos(@, ' ') + 1) end"
        }
        "year" => "cast(substring(substr(@, strpos(@, ' ') + 1) from '^[+-]?[0-9]+') as integer)",
        "month" => {
            "cast(substr(@, case length(@) when 30 then 6 else strpos(@, ' ') + strpos(substr(@, strpos(@, ' ') + 1), 'T') - 5 end, 2) as integer)"
        }
        "day" => {
            "cast(substr(@, case length(@) when 30 then 9 else strpos(@, ' ') + strpos(substr(@, strpos(@, ' ') + 1), 'T') - 2 end, 2) as integer)"
        }
        "hour" => {
            "cast(substr(@, case length(@) when 30 then 12 else strpos(@, ' ') + strpos(substr(@, strpos(@, ' ') + 1), 'T') + 1 end, 2) as integer)"
        }
        "minute" => {
            "cast(substr(@, case length(@) when 30 then 15 else strpos(@, ' ') + strpos(substr(@, strpos(@, ' ') + 1), 'T') + 4 end, 2) as integer)"
        }
        "second" => {
            "cast(substr(@, case length(@) when 30 then 18 else strpos(@, ' ') + strpos(substr(@, strpos(@, ' ') + 1), 'T') + 7 end, 2) as integer)"
        }
        "millisecond" => "cast(substr(@, strpos(@, '.') + 1, 3) as integer)",
        "microsecond" => "cast(substr(@, strpos(@, '.') + 1, 6) as integer)",
        "nanosecond" => "cast(substr(@, strpos(@, '.') + 1, 9) as integer)",
        "timezone" => {
            "case when length(@) = 30 or right(@, 1) = 'Z' then 'Z' when right(@, 1) = ']' then rtrim(substr(@, strpos(@, '[') + 1), ']') \
            when left(right(@, 6), 1) = ':' then right(@, 9) else right(@, 6) end"
        }
        _ => return None,
    })
}
