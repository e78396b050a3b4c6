//! Where the two databases differ in what the schema is made of and read from.

use sha2::{Digest, Sha256};

use crate::model::StorageType;
use crate::model::columns::system;
use crate::sql::{Dialect, Sql};

/// Bytes that PostgreSQL keeps of a name; it cuts the rest off without an error.
pub(super) const NAME_BYTES_MAX: usize = 63;

/// Kind, name and text of each table, index and view; the text is that which made it, or `None` where the database does not keep it.
pub(super) fn entries(dialect: Dialect) -> Sql {
    Sql::new(match dialect {
        Dialect::Sqlite => {
            r"select type, name, sql from sqlite_schema where name not like 'sqlite\_%' escape '\' order by name"
        }
        // A view is kept in another form than it was written in: its text is in its comment.
        Dialect::Postgres => {
            "select case when c.relkind in ('r', 'p', 'f') then 'table' when c.relkind in ('v', 'm') then 'view' \
             when c.relkind in ('i', 'I') then 'index' else 'other' end, \
             c.relname::text, case when c.relkind = 'v' then obj_description(c.oid, 'pg_class') end \
             from pg_class c where c.relnamespace = current_schema()::regnamespace \
             and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') \
             order by c.relname"
        }
    })
}

/// Names of the columns of `node`, in order.
pub(super) fn columns(dialect: Dialect) -> Sql {
    Sql::new(match dialect {
        Dialect::Sqlite => "select name from pragma_table_info('node') order by cid",
        Dialect::Postgres => {
            "select column_name::text from information_schema.columns \
             where table_schema = current_schema() and table_name = 'node' order by ordinal_position"
        }
    })
}

/// Type of a column, by the name of its storage type.
pub(super) fn column_type(dialect: Dialect, storage: &str) -> &'static str {
    let is_whole = storage == StorageType::Integer.as_str() || storage == StorageType::Boolean.as_str();
    let is_real = storage == StorageType::Real.as_str();
    match dialect {
        Dialect::Sqlite if is_whole => " integer",
        Dialect::Sqlite if is_real => " real",
        Dialect::Sqlite => " text",
        Dialect::Postgres if is_whole => " bigint",
        Dialect::Postgres if is_real => " double precision",
        // Compared by bytes, as on SQLite.
        Dialect::Postgres => " text collate \"C\"",
    }
}

/// What an index on a column has, in parentheses. SQLite ends every index with the number of the row.
pub(super) fn index_columns(dialect: Dialect, column: &str) -> Sql {
    let mut sql = Sql::new("(");
    sql.ident(system::TYPE).push(", ").ident(column);
    if dialect == Dialect::Postgres {
        sql.push(", ").ident(system::ID);
    }
    sql.push(")");
    sql
}

/// The time, as text in UTC to the second.
pub(super) fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
        Dialect::Postgres => "to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    }
}

/// Name of the function for the position of one text in another.
pub(super) fn position(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "instr",
        Dialect::Postgres => "strpos",
    }
}

/// Whether the database keeps names that begin so for itself. SQLite compares without case.
pub(super) fn is_reserved(dialect: Dialect, name: &str) -> bool {
    dialect == Dialect::Sqlite && name.to_ascii_lowercase().starts_with("sqlite_")
}

/// The name, or one that the database keeps whole and that differs wherever the name does.
pub(super) fn fitted(dialect: Dialect, name: String) -> String {
    if dialect == Dialect::Sqlite || name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = format!("{:x}", Sha256::digest(&name));
    // GraphQL's names are ASCII.
    let head = name.get(..NAME_BYTES_MAX - 17).unwrap_or_default();
    let tail = hash.get(..16).unwrap_or_default();
    format!("{head}_{tail}")
}

/// The text with `$1`, `$2` and so on for each `?` outside of quotes.
pub(super) fn numbered(text: &str) -> String {
    let mut numbered = String::with_capacity(text.len() + 16);
    let mut quote = None;
    let mut number = 0;
    for character in text.chars() {
        match quote {
            None if character == '?' => {
                number += 1;
                numbered.push('$');
                numbered.push_str(&number.to_string());
                continue;
            }
            None if matches!(character, '\'' | '"') => quote = Some(character),
            // A doubled quote ends one quotation and begins the next.
            Some(open) if open == character => quote = None,
            _ => {}
        }
        numbered.push(character);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::{Dialect, NAME_BYTES_MAX, fitted, numbered};

    #[test]
    fn marks_in_quotes_are_no_parameters() {
        let text = r#"select '?''?' as "a""?", ? where x = ? and y = '"?' and z = ?"#;
        assert_eq!(numbered(text), r#"select '?''?' as "a""?", $1 where x = $2 and y = '"?' and z = $3"#);
    }

    #[test]
    fn long_names_stay_different() {
        let (one, other) = (format!("{}a", "x".repeat(70)), format!("{}b", "x".repeat(70)));
        let (short, also_short) = (fitted(Dialect::Postgres, one.clone()), fitted(Dialect::Postgres, other));
        assert_ne!(short, also_short);
        assert_eq!(short.len(), NAME_BYTES_MAX);
        assert_eq!(fitted(Dialect::Sqlite, one.clone()), one);
        assert_eq!(fitted(Dialect::Postgres, "name".to_owned()), "name");
    }
}
