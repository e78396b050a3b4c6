//! From a file to the database.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use super::format::{End, Header, Line, VERSION};
use super::progress::Lines;
use super::{Error, Progress, values};
use crate::model::columns::system;
use crate::model::types::Direction;
use crate::model::{Model, NodeType, Property};
use crate::sql::{Parameter, Sql};
use crate::storage::{self, Importer, search};

/// Lines that share a commit.
const BATCH: u64 = 1_000;
/// How long others who write wait at most for a batch.
const BATCH_TIME: Duration = Duration::from_millis(250);
/// Between two batches: SQLite wakes nobody who waits for the lock, they look again and again.
const PAUSE: Duration = Duration::from_millis(5);

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Lines that were in the database already, and were left alone.
    pub skipped_lines: u64,
    /// Written now.
    pub written: Progress,
    /// Whether the file was exported from another schema.
    pub is_other_schema: bool,
}

/// Adds everything that the file holds; goes on where an earlier import of it ended. `path` is for messages.
///
/// # Errors
///
/// The first line that cannot be used; what was read before it is kept.
pub fn import(
    importer: &Importer,
    model: &Model,
    file: File,
    path: &Path,
    told: impl FnMut(Progress),
) -> Result<Imported, Error> {
    let mut import =
        Import { importer, model, path, told, lines: Lines::new(file), earlier: None, written: Progress::default() };
    import.run()
}

struct Import<'a, T> {
    importer: &'a Importer,
    model: &'a Model,
    path: &'a Path,
    told: T,
    lines: Lines,
    /// Digest of the lines that the database has.
    earlier: Option<String>,
    written: Progress,
}

/// What a line came to.
enum Step {
    Written,
    End(End),
}

/// Why a line was not used.
enum Fault {
    Line(String),
    Database(storage::Error),
}

impl From<storage::Error> for Fault {
    fn from(error: storage::Error) -> Self {
        Self::Database(error)
    }
}

impl<T: FnMut(Progress)> Import<'_, T> {
    fn run(&mut self) -> Result<Imported, Error> {
        let is_there = self.lines.next().map_err(|source| self.file(source))?;
        let header: Option<Header> = is_there.then(|| serde_json::from_slice(&self.lines.text).ok()).flatten();
        let Some(header) = header.filter(|header| header.clef == "export") else {
            return Err(self.fault("is no first line of an export: name a file that `clef export` wrote"));
        };
        if header.version != VERSION {
            return Err(self.fault(&format!(
                "is of version {} of the format, not {VERSION}: use the Clef that wrote it, or a newer one",
                header.version
            )));
        }
        let is_other_schema = header.schema != Header::of(self.model).schema;
        self.earlier = match self.lines.resume(self.importer) {
            Ok(earlier) => earlier?,
            Err(source) => return Err(self.file(source)),
        };
        if self.earlier.is_none() && self.lines.next().map_err(|source| self.file(source))? {
            self.lines.used();
        }
        let skipped_lines = self.lines.count.saturating_sub(1);
        while !self.batch()? {
            std::thread::sleep(PAUSE);
        }
        Ok(Imported { skipped_lines, written: self.written, is_other_schema })
    }

    /// True at the end of the file. What was read before a fault is kept.
    fn batch(&mut self) -> Result<bool, Error> {
        self.importer.begin()?;
        let (start, first) = (Instant::now(), self.lines.count);
        let mut written = self.written;
        let ended = loop {
            if self.lines.count - first >= BATCH || start.elapsed() > BATCH_TIME {
                break Ok(false);
            }
            match self.lines.next() {
                Err(source) => break Err(self.file(source)),
                Ok(false) if self.lines.text.is_empty() && self.is_whole() => break Ok(true),
                Ok(false) => break Err(Error::CutOff { path: self.path.into(), line: self.lines.count }),
                Ok(true) => {}
            }
            match self.line(&mut written) {
                Ok(Step::Written) => self.lines.used(),
                Ok(Step::End(end)) => {
                    let lines = end.nodes + end.relations + 1;
                    if lines != self.lines.count {
                        break Err(self.fault("counts other lines than there are: lines were added or lost"));
                    }
                    self.lines.used();
                    self.lines.is_whole = true;
                }
                Err(Fault::Line(reason)) => break Err(self.fault(&reason)),
                Err(Fault::Database(error)) => return Err(error.into()),
            }
        };
        if self.lines.count > first {
            let recorded = self.importer.run(self.lines.record(self.earlier.as_deref()))?;
            if recorded != 1 {
                return Err(Error::Twice { path: self.path.into() });
            }
        }
        self.importer.commit()?;
        self.earlier = Some(self.lines.digest());
        self.written = written;
        (self.told)(written);
        ended
    }

    fn is_whole(&self) -> bool {
        self.lines.is_whole
    }

    fn line(&self, written: &mut Progress) -> Result<Step, Fault> {
        if self.is_whole() {
            return Err(Fault::Line("stands after the last line of the export: remove it".to_owned()));
        }
        let line: Line = serde_json::from_slice(&self.lines.text)
            .map_err(|error| Fault::Line(format!("is no line of an export, at column {}", error.column())))?;
        match line {
            Line { node: Some(ty), key: Some(key), values: Some(values), relation: None, from: None, to: None, end: None } => {
                self.node(&ty, &key, &values)?;
                written.nodes += 1;
                Ok(Step::Written)
            }
            Line { relation: Some(name), from: Some(from), to: Some(to), node: None, key: None, values: None, end: None } => {
                self.relation(&name, &from, &to)?;
                written.relations += 1;
                Ok(Step::Written)
            }
            Line { end: Some(end), node: None, key: None, values: None, relation: None, from: None, to: None } => Ok(Step::End(end)),
            _ => Err(Fault::Line("is neither node nor relation: a node has `node`, `key` and `values`, a relation `relation`, `from` and `to`".to_owned())),
        }
    }

    fn node(
        &self,
        ty: &str,
        key: &str,
        given: &indexmap::IndexMap<String, Box<serde_json::value::RawValue>>,
    ) -> Result<(), Fault> {
        let node_type = self.object(ty)?;
        let mut row = Vec::with_capacity(given.len());
        for (name, raw) in given {
            let property = node_type
                .property(name)
                .ok_or_else(|| Fault::Line(format!("`{name}` is no property of {ty} in the schema")))?;
            let Some(column) = property.column else {
                let role = if property.is_key { "the key, which stands in `key`" } else { "computed" };
                return Err(Fault::Line(format!("`{name}` of {ty} is {role}: remove it from `values`")));
            };
            let value = values::read(self.model, property, raw).map_err(Fault::Line)?;
            row.push((property, self.model.column(column).name.as_str(), value));
        }
        match self.importer.run(insert(ty, key, &row)) {
            Err(storage::Error::Conflict) => {
                return Err(Fault::Line(format!(
                    "{ty} `{key}` is in the database already: remove the line, or delete the node"
                )));
            }
            written => written?,
        };
        if let Some(index) = self.index(node_type, &row) {
            self.importer.run(index)?;
        }
        Ok(())
    }

    fn object(&self, name: &str) -> Result<&NodeType, Fault> {
        let ty = self.model.type_named(name).map(|id| self.model.node_type(id)).filter(|ty| !ty.is_interface);
        ty.ok_or_else(|| Fault::Line(format!("`{name}` is no type of nodes in the schema")))
    }

    /// The row of the full-text index for the node that was inserted just before.
    fn index(&self, ty: &NodeType, row: &[(&Property, &str, Parameter)]) -> Option<Sql> {
        if !self.model.search().types.iter().any(|id| ty.possible.first() == Some(id)) {
            return None;
        }
        search::inserted_row(row.iter().filter_map(|(property, column, value)| match value {
            Parameter::Text(stored) if property.is_searched => {
                let storage = self.model.column(property.column?).storage;
                Some((*column, search::text(stored, storage)?))
            }
            _ => None,
        }))
    }

    fn relation(&self, name: &str, from: &[String; 2], to: &[String; 2]) -> Result<(), Fault> {
        let ([from_type, from_key], [to_type, to_key]) = (from, to);
        let (source, target) = (self.object(from_type)?, self.object(to_type)?);
        let joins = |owner: &NodeType, other: &NodeType, direction: Direction| {
            owner.relations().any(|relation| {
                let possible = &self.model.node_type(relation.target).possible;
                &*relation.name == name
                    && relation.direction == direction
                    && possible.iter().any(|id| other.possible.first() == Some(id))
            })
        };
        if !joins(source, target, Direction::Out) && !joins(target, source, Direction::In) {
            return Err(Fault::Line(format!("`{name}` leads from no {from_type} to a {to_type} in the schema")));
        }
        let mut sql = Sql::new("insert into relation (name, source, target) select ");
        sql.bind(name)
            .push(", s.")
            .ident(system::ID)
            .push(", t.")
            .ident(system::ID)
            .push(" from node s cross join node t");
        for (position, (alias, ty, key)) in [("s", from_type, from_key), ("t", to_type, to_key)].into_iter().enumerate()
        {
            sql.push(if position == 0 { " where " } else { " and " });
            sql.ident(alias).push(".").ident(system::TYPE).push(" = ").bind(ty.as_str());
            sql.push(" and ").ident(alias).push(".").ident(system::KEY).push(" = ").bind(key.as_str());
        }
        match self.importer.run(sql)? {
            0 => Err(Fault::Line(format!("{from_type} `{from_key}` or {to_type} `{to_key}` is not in the database"))),
            _ => Ok(()),
        }
    }

    /// Of the line that was read last.
    fn fault(&self, reason: &str) -> Error {
        Error::Line { path: self.path.into(), line: self.lines.count + 1, reason: reason.to_owned() }
    }

    fn file(&self, source: std::io::Error) -> Error {
        Error::File { path: self.path.into(), source }
    }
}

fn insert(ty: &str, key: &str, row: &[(&Property, &str, Parameter)]) -> Sql {
    let mut sql = Sql::new("insert into node (");
    sql.ident(system::TYPE).push(", ").ident(system::KEY);
    for (_, column, _) in row {
        sql.push(", ").ident(column);
    }
    sql.push(") values ");
    sql.bind_list([ty.into(), key.into()].into_iter().chain(row.iter().map(|(_, _, value)| value.clone())));
    sql
}
