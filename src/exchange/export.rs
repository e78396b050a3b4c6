//! From the database to a file.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use indexmap::IndexMap;

use super::format::{End, Header, Last, Node, Relation};
use super::values::written;
use super::{Error, Progress};
use crate::model::columns::system;
use crate::model::{Model, NodeType, Property};
use crate::sql::{Parameter, Sql};
use crate::storage::Exporter;

/// Lines between two calls of `told`.
const LINES_BETWEEN: u64 = 1_000;

/// Writes everything that the model has; `path` is for messages.
///
/// # Errors
///
/// The database's, and the file's.
pub async fn export(
    exporter: &Exporter,
    model: &Model,
    mut file: impl Write,
    path: &Path,
    mut told: impl FnMut(Progress),
) -> Result<Progress, Error> {
    let mut progress = Progress::default();
    let mut line =
        |value: &dyn erased::Line| value.write(&mut file).map_err(|source| Error::File { path: path.into(), source });
    line(&Header::of(model))?;
    exporter
        .each(nodes(model), |row| {
            let (ty, key, values) = node(model, row)?;
            line(&Node { ty: &ty, key: &key, values })?;
            progress.nodes += 1;
            if progress.nodes.is_multiple_of(LINES_BETWEEN) {
                told(progress);
            }
            Ok::<_, Error>(())
        })
        .await?;
    exporter
        .each(relations(model), |row| {
            let texts: Vec<_> = row.into_iter().map(text).collect();
            if let [name, from_type, from, to_type, to] = texts.as_slice() {
                line(&Relation { name, from: [from_type, from], to: [to_type, to] })?;
                progress.relations += 1;
                if progress.relations.is_multiple_of(LINES_BETWEEN) {
                    told(progress);
                }
            }
            Ok::<_, Error>(())
        })
        .await?;
    line(&Last { end: End { nodes: progress.nodes, relations: progress.relations } })?;
    file.flush().map_err(|source| Error::File { path: path.into(), source })?;
    Ok(progress)
}

/// A line of any kind.
mod erased {
    use std::io::{Result, Write};

    use serde::Serialize;

    pub(super) trait Line {
        fn write(&self, file: &mut dyn Write) -> Result<()>;
    }

    impl<T: Serialize> Line for T {
        fn write(&self, file: &mut dyn Write) -> Result<()> {
            serde_json::to_writer(&mut *file, self)?;
            file.write_all(b"\n")
        }
    }
}

/// Type, key and all columns of each node, in the order of creation.
fn nodes(model: &Model) -> Sql {
    let mut sql = Sql::new("select ");
    sql.ident(system::TYPE).push(", ").ident(system::KEY);
    for column in model.columns() {
        sql.push(", ").ident(&column.name);
    }
    sql.push(" from node where ").ident(system::TYPE).push(" in ").literal_list(names(model));
    sql.push(" order by ").ident(system::ID);
    sql
}

/// Name and ends of each relation, in the order of creation.
fn relations(model: &Model) -> Sql {
    let known: BTreeSet<&str> =
        model.objects().flat_map(|(_, ty)| ty.relations()).map(|relation| &*relation.name).collect();
    let mut sql = Sql::new("select r.name");
    for end in ["s", "t"] {
        sql.push(", ").ident(end).push(".").ident(system::TYPE).push(", ").ident(end).push(".").ident(system::KEY);
    }
    // SQLite begins with the first table of a cross join.
    sql.push(" from relation r cross join node s cross join node t where s.").ident(system::ID).push(" = r.source");
    sql.push(" and t.").ident(system::ID).push(" = r.target and r.name in ").literal_list(known);
    for end in ["s", "t"] {
        sql.push(" and ").ident(end).push(".").ident(system::TYPE).push(" in ").literal_list(names(model));
    }
    sql.push(" order by r.id");
    sql
}

fn names(model: &Model) -> impl Iterator<Item = &str> {
    model.objects().map(|(_, ty)| &*ty.name)
}

type Values<'a> = IndexMap<&'a str, Box<serde_json::value::RawValue>>;

fn node(model: &Model, row: Vec<Parameter>) -> Result<(String, String, Values<'_>), Error> {
    let mut row = row.into_iter();
    let (ty, key) = (row.next().map(text).unwrap_or_default(), row.next().map(text).unwrap_or_default());
    let mut columns: Vec<Option<Parameter>> = row.map(Some).collect();
    let mut values = Values::new();
    let node_type = model.type_named(&ty).map(|id| model.node_type(id));
    for (property, position) in node_type.into_iter().flat_map(|ty| stored(model, ty)) {
        let value = columns.get_mut(position).and_then(Option::take).unwrap_or(Parameter::Null);
        let value = written(property, value).map_err(|expected| {
            let (ty, key, property) = (ty.clone(), key.clone(), property.name.to_string());
            Error::Stored { ty, key, property, expected }
        })?;
        values.extend(value.map(|value| (&*property.name, value)));
    }
    Ok((ty, key, values))
}

/// Properties with the positions of their columns, in the order of the schema.
fn stored<'a>(model: &'a Model, ty: &'a NodeType) -> impl Iterator<Item = (&'a Property, usize)> {
    let position = |name: &str| model.columns().iter().position(|column| column.name == name);
    ty.properties().filter_map(move |property| {
        let column = model.column(property.column?);
        Some((property, position(&column.name)?))
    })
}

fn text(value: Parameter) -> String {
    match value {
        Parameter::Text(text) => text,
        _ => String::new(),
    }
}
