//! From a file to the database, a batch of lines at a time.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use super::batch::{Batch, Rows};
use super::format::{Header, VERSION};
use super::progress::{Lines, Mark, record};
use super::rows::{self, Row};
use super::{Error, Progress};
use crate::model::Model;
use crate::storage::{self, Importer, NotAdded, Rejection};

/// Lines of the first batch; others have as many as were written in [`BATCH_TIME`].
const LINES: usize = 1_000;
const LINES_MIN: usize = 20;
const LINES_MAX: usize = 2_000;
/// Of the lines of a batch, in bytes. A single one may have more.
const BYTES_MAX: usize = 8 << 20;
/// How long others who write wait for a batch at most, where they have to.
const BATCH_TIME: Duration = Duration::from_millis(125);
/// How often a batch is tried that other writes stand in the way of, and after which pause again.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// What becomes of lines that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// The first one ends the import.
    Stop,
    /// They are told, and left out.
    LeaveOut,
}

/// What an import tells on its way.
#[derive(Debug)]
pub enum Told<'a> {
    /// How far it has come.
    Progress(Progress),
    /// A line or a value that is not used.
    LeftOut(&'a str),
    /// What else should be known.
    Note(&'a str),
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Lines that were in the database already, and were left alone.
    pub skipped_lines: u64,
    /// Written now.
    pub written: Progress,
    /// Lines that could not be used.
    pub left_out: u64,
    /// Whether the file was exported from another schema.
    pub is_other_schema: bool,
}

/// Adds everything that the file holds; goes on where an earlier import of it ended. `path` is for messages.
///
/// # Errors
///
/// The first line that cannot be used, unless such are to be left out; what was read before it is kept.
pub async fn import(
    importer: &Importer,
    model: &Model,
    file: File,
    path: &Path,
    unusable: Unusable,
    told: impl FnMut(Told<'_>),
) -> Result<Imported, Error> {
    let lines = Lines::new(file);
    let imported = Imported { skipped_lines: 0, written: Progress::default(), left_out: 0, is_other_schema: false };
    Import { importer, model, path, unusable, told, lines, earlier: None, size: LINES, imported }.run().await
}

struct Import<'a, T> {
    importer: &'a Importer,
    model: &'a Model,
    path: &'a Path,
    unusable: Unusable,
    told: T,
    lines: Lines,
    /// Digest of the lines that the database has.
    earlier: Option<String>,
    /// Lines of the next batch.
    size: usize,
    imported: Imported,
}

/// What came of a batch.
struct Stored {
    /// The digest of the lines that the database has now.
    digest: Option<String>,
    written: Progress,
    /// Lines that were left out.
    left_out: Vec<Error>,
    /// The line that ends the import.
    fault: Option<Error>,
}

impl<'a, T: FnMut(Told<'_>)> Import<'a, T> {
    async fn run(mut self) -> Result<Imported, Error> {
        let is_there = self.lines.next().map_err(|source| self.file(source))?;
        let header: Option<Header> = is_there.then(|| serde_json::from_slice(&self.lines.text).ok()).flatten();
        let Some(header) = header.filter(|header| header.clef == "export") else {
            return Err(self.fault(1, "is no first line of an export: name a file that `clef export` wrote"));
        };
        if header.version != VERSION {
            let version = header.version;
            let reason = format!(
                "is of version {version} of the format, not {VERSION}: use the Clef that wrote it, or a newer one"
            );
            return Err(self.fault(1, &reason));
        }
        self.imported.is_other_schema = header.schema != Header::of(self.model).schema;
        self.earlier = match self.lines.resume(self.importer).await {
            Ok(earlier) => earlier?,
            Err(source) => return Err(self.file(source)),
        };
        if self.earlier.is_none() && self.lines.next().map_err(|source| self.file(source))? {
            self.lines.used();
        }
        self.imported.skipped_lines = self.lines.count.saturating_sub(1);
        while !self.batch().await? {}
        Ok(self.imported)
    }

    /// True at the end of the file. What was read before a fault is kept.
    async fn batch(&mut self) -> Result<bool, Error> {
        let mut batch = Batch::new(self.lines.mark());
        let ended = self.read(&mut batch);
        let start = Instant::now();
        if !batch.is_empty() {
            let stored = self.store(&batch).await?;
            self.earlier = stored.digest.or(self.earlier.take());
            self.imported.written = stored.written;
            for error in &stored.left_out {
                self.leave_out(error);
            }
            (self.told)(Told::Progress(stored.written));
            stored.fault.map_or(Ok(()), Err)?;
        }
        let taken = start.elapsed();
        if taken > BATCH_TIME {
            self.size = (self.size / 2).max(LINES_MIN);
        } else if taken < BATCH_TIME / 4 {
            self.size = (self.size * 2).min(LINES_MAX);
        }
        ended
    }

    /// Reads the lines of a batch, and checks what can be checked without the database.
    fn read(&mut self, batch: &mut Batch<'a>) -> Result<bool, Error> {
        let (mut count, mut bytes) = (0, 0);
        while count < self.size && bytes < BYTES_MAX {
            match self.lines.next() {
                Err(source) => return Err(self.file(source)),
                Ok(false) if self.lines.text.is_empty() && self.lines.is_whole => return Ok(true),
                Ok(false) => return Err(Error::CutOff { path: self.path.into(), line: self.lines.count }),
                Ok(true) => {}
            }
            let line = self.lines.count + 1;
            let row = if self.lines.is_whole {
                Err("stands after the last line of the export: remove it".to_owned())
            } else {
                rows::read(self.model, &self.lines.text)
            };
            match row {
                Ok(Row::Node(node)) => batch.add_node(line, node),
                Ok(Row::Relation(relation)) => batch.add_relation(line, relation),
                Ok(Row::End(end)) if end.nodes + end.relations + 1 == self.lines.count => self.lines.is_whole = true,
                Ok(Row::End(_)) => {
                    return Err(self.fault(line, "counts other lines than there are: lines were added or lost"));
                }
                Err(reason) => {
                    let error = self.fault(line, &reason);
                    if self.unusable == Unusable::Stop || self.lines.is_whole {
                        return Err(error);
                    }
                    self.leave_out(&error);
                }
            }
            count += 1;
            bytes += self.lines.text.len();
            self.lines.used();
            batch.used(self.lines.mark());
        }
        Ok(false)
    }

    /// Again, if other writes stood in the way: nothing is kept of the attempt then.
    async fn store(&self, batch: &Batch<'a>) -> Result<Stored, Error> {
        let mut attempt = 1;
        loop {
            match self.attempt(batch).await {
                Err(Error::Database(storage::Error::Busy)) if attempt < ATTEMPTS => {
                    self.importer.rollback().await?;
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, batch: &Batch<'a>) -> Result<Stored, Error> {
        let written = self.imported.written;
        let mut stored = Stored { digest: None, written, left_out: Vec::new(), fault: None };
        self.importer.begin().await?;
        let mut last = batch.last();
        for (rows, lines) in batch.runs() {
            if let Some(line) = self.run_of(rows, lines, &mut stored).await? {
                last = batch.before(line);
                break;
            }
        }
        if let Some(mark) = last.filter(|mark| mark.count > batch.first_count()) {
            stored.digest = self.record(mark).await?;
        }
        self.importer.commit().await?;
        Ok(stored)
    }

    /// The line that ends the import, if one does.
    async fn run_of(&self, rows: &Rows<'a>, lines: &[u64], stored: &mut Stored) -> Result<Option<u64>, Error> {
        let mut start = 0;
        loop {
            let (added, left) = match rows {
                Rows::Nodes(nodes) => {
                    let rest = nodes.get(start..).unwrap_or_default();
                    (self.importer.add_nodes(rest).await, rest.len())
                }
                Rows::Relations(relations) => {
                    let rest = relations.get(start..).unwrap_or_default();
                    (self.importer.add_relations(rest).await, rest.len())
                }
            };
            let (count, rejection) = match added {
                Ok(()) => (left, None),
                Err(NotAdded::At(position, rejection)) => (position, Some(rejection)),
                Err(NotAdded::Database(error)) => return Err(error.into()),
            };
            let written = u64::try_from(count).unwrap_or_default();
            match rows {
                Rows::Nodes(_) => stored.written.nodes += written,
                Rows::Relations(_) => stored.written.relations += written,
            }
            let Some(rejection) = rejection else { return Ok(None) };
            let line = lines.get(start + count).copied().unwrap_or_default();
            let error = self.fault(line, &reason(rows, start + count, rejection));
            if self.unusable == Unusable::Stop {
                stored.fault = Some(error);
                return Ok(Some(line));
            }
            stored.left_out.push(error);
            start += count + 1;
        }
    }

    /// Records how far it has come, within the batch.
    async fn record(&self, mark: &Mark) -> Result<Option<String>, Error> {
        let recorded = self.importer.run(record(mark, self.earlier.as_deref())).await?;
        if recorded == 1 { Ok(Some(mark.digest())) } else { Err(Error::Twice { path: self.path.into() }) }
    }

    fn leave_out(&mut self, error: &Error) {
        self.imported.left_out += 1;
        let text = error.to_string();
        (self.told)(Told::LeftOut(text.lines().next().unwrap_or_default()));
    }

    fn fault(&self, line: u64, reason: &str) -> Error {
        Error::Line { path: self.path.into(), line, reason: reason.to_owned() }
    }

    fn file(&self, source: std::io::Error) -> Error {
        Error::File { path: self.path.into(), source }
    }
}

fn reason(rows: &Rows<'_>, position: usize, rejection: Rejection) -> String {
    match (rejection, rows) {
        (Rejection::Refused(reason), _) => reason,
        (_, Rows::Nodes(nodes)) => nodes.get(position).map_or_else(String::new, |node| {
            format!("{} `{}` is in the database already: remove the line, or delete the node", node.ty, node.key)
        }),
        (_, Rows::Relations(relations)) => relations.get(position).map_or_else(String::new, |relation| {
            let ([from_type, from], [to_type, to]) = (&relation.from, &relation.to);
            format!("{from_type} `{from}` or {to_type} `{to}` is not in the database")
        }),
    }
}
