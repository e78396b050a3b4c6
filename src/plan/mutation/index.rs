//! The full-text index after a write: a row for each node that has something to be found by.

use async_graphql::Value;

use crate::model::NodeType;
use crate::model::columns::{search, system};
use crate::plan::{Arguments, Source};
use crate::sql::{Dialect, Parameter, Sql};
use crate::storage::Part;
use crate::storage::search::{inserted_row, postgres};
use crate::value::words;

/// Columns of the index with what the arguments put there.
fn entries<'a>(source: &Source<'a>, ty: &'a NodeType, arguments: &Arguments) -> Vec<(&'a str, Option<String>)> {
    let model = source.model;
    if !model.search().types.iter().any(|id| ty.possible.first() == Some(id)) {
        return Vec::new();
    }
    let searched = ty.properties().filter(|property| property.is_searched);
    let given = searched.filter_map(|property| Some((property.column?, arguments.get(&*property.name)?)));
    given.map(|(column, value)| (model.column(column).name.as_str(), text(value))).collect()
}

fn text(value: &Value) -> Option<String> {
    let folded = match value {
        Value::String(text) => words::folded(text),
        Value::List(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    (!folded.is_empty()).then_some(folded)
}

/// The row of the node that was inserted just before; none if nothing is found by it. `returned` is what the insertion returns, if all of
/// it is one statement.
pub(super) fn created(
    source: &Source<'_>,
    ty: &NodeType,
    arguments: &Arguments,
    returned: Option<&'static str>,
) -> Vec<Part> {
    let entries = entries(source, ty, arguments).into_iter();
    let texts = entries.filter_map(|(column, text)| Some((column, text?)));
    match source.dialect {
        Dialect::Sqlite => inserted_row(texts).into_iter().map(|row| (None, row)).collect(),
        Dialect::Postgres => postgres::inserted_row(source.model, &ty.name, texts, returned),
    }
}

/// The row of the node that `this_node` names, with the texts that the arguments leave as they are; none if they name no searched property.
pub(super) fn changed(source: &Source<'_>, ty: &NodeType, arguments: &Arguments, this_node: &Sql) -> Vec<Sql> {
    let model = source.model;
    let mut entries = entries(source, ty, arguments);
    if entries.is_empty() {
        return Vec::new();
    }
    if source.dialect == Dialect::Postgres {
        return postgres::changed_row(model, &ty.name, entries, this_node);
    }
    let mut sql = Sql::new("insert or replace into ");
    sql.ident(search::TABLE).push(" (rowid");
    let columns: Vec<_> = model.search().columns.iter().map(|id| model.column(*id).name.as_str()).collect();
    for column in &columns {
        sql.push(", ").ident(&search::column(column));
    }
    sql.push(") select node.").ident(system::ID);
    for column in columns {
        sql.push(", ");
        match entries.iter_mut().find(|(given, _)| *given == column) {
            Some((_, text)) => sql.bind(text.take().map_or(Parameter::Null, Parameter::from)),
            None => sql.push("s.").ident(&search::column(column)),
        };
    }
    sql.push(" from node left join ").ident(search::TABLE).push(" s on s.rowid = node.").ident(system::ID);
    sql.append(this_node.clone());
    vec![sql]
}
