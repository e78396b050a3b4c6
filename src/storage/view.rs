//! A view for each object type, for people who read the database with SQL. Nothing in Clef reads them.

use super::dialect;
use crate::model::{Column, Model, NodeType, StorageType, columns::system};
use crate::sql::{Dialect, Sql};

/// A view that should be there.
#[derive(Debug)]
pub(super) struct View {
    /// Name of the object type.
    pub(super) ty: String,
    /// Name of the view.
    pub(super) name: String,
    /// Makes it.
    pub(super) statement: Sql,
}

/// The views of all object types, with names that clash with nothing in `taken`: other tables, indexes and views.
pub(super) fn views(dialect: Dialect, model: &Model, taken: &[String]) -> Vec<View> {
    let mut taken: Vec<String> = taken.iter().map(|name| name.to_ascii_lowercase()).collect();
    let mut views = Vec::new();
    for (_, ty) in model.objects() {
        let name = free_name(dialect, &ty.name, &taken);
        taken.push(name.to_ascii_lowercase());
        views.push(View { ty: ty.name.to_string(), statement: statement(dialect, model, ty, &name), name });
    }
    views
}

/// Names are compared without case, as SQLite does.
fn free_name(dialect: Dialect, ty: &str, taken: &[String]) -> String {
    let base = if dialect::is_reserved(dialect, ty) { format!("type_{ty}") } else { ty.to_owned() };
    let suffixes = std::iter::once(String::new())
        .chain(std::iter::once("_view".to_owned()))
        .chain((2..).map(|number| format!("_view{number}")));
    suffixes
        .map(|suffix| dialect::fitted(dialect, format!("{base}{suffix}")))
        .find(|name| !taken.contains(&name.to_ascii_lowercase()))
        .unwrap_or(base)
}

fn statement(dialect: Dialect, model: &Model, ty: &NodeType, name: &str) -> Sql {
    let mut sql = Sql::new("create view ");
    sql.ident(name).push(" as select ").ident(system::ID).push(" as ").ident("_id").push(", ");
    sql.ident(system::KEY).push(" as ").ident(&ty.key);
    for property in ty.properties().filter(|property| !property.is_key) {
        if let Some(column) = property.column {
            sql.push(", ").append(shown(dialect, model.column(column))).push(" as ").ident(&property.name);
        }
    }
    sql.push(" from node where ").ident(system::TYPE).push(" = ").literal(&ty.name);
    sql
}

/// The value as people write it: the sortable form of dates outside the years 0 to 9999 carries it after a blank.
fn shown(dialect: Dialect, column: &Column) -> Sql {
    let name = || {
        let mut sql = Sql::default();
        sql.ident(&column.name);
        sql
    };
    let mut sql = Sql::default();
    match column.storage {
        StorageType::Date => {
            sql.push("case when length(").append(name()).push(") = 10 then ").append(name());
        }
        StorageType::DateTime => {
            sql.push("case when length(").append(name()).push(") = 30 then rtrim(rtrim(substr(").append(name());
            sql.push(", 1, 29), '0'), '.') || 'Z'");
        }
        _ => return name(),
    }
    sql.push(" else substr(")
        .append(name())
        .push(", ")
        .push(dialect::position(dialect))
        .push("(")
        .append(name())
        .push(", ' ') + 1) end");
    sql
}
