//! The file that is being written, and beside it how far the server has been read: what is written after that is cut off when it goes on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pages::Place;
use super::steps::Step;
use crate::exchange::format::{End, Header, Last, Node, Relation};
use crate::exchange::{Error, Progress};
use crate::model::Model;

/// Added to the name of the file.
const STATE: &str = ".state";

/// A file that is being written.
pub(super) struct Spool {
    path: PathBuf,
    state_path: PathBuf,
    file: BufWriter<File>,
    state: State,
}

/// How far it has come.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// Of the server.
    address: String,
    /// Digest of what is read in which order.
    plan: String,
    /// Of the file, as far as it counts.
    bytes: u64,
    nodes: u64,
    relations: u64,
    /// Values that were left out.
    left_out: u64,
    step: usize,
    place: Place,
}

impl Spool {
    /// Begins a file, or goes on with one; `None` if it is whole.
    pub(super) fn open(path: &Path, model: &Model, address: String) -> Result<Option<Self>, Error> {
        let failed = |source| Error::File { path: path.into(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Writing { path: path.into() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut state_path = path.as_os_str().to_owned();
        state_path.push(STATE);
        let state_path = PathBuf::from(state_path);
        let known = std::fs::read(&state_path).ok().and_then(|bytes| serde_json::from_slice::<State>(&bytes).ok());
        let length = file.metadata().map_err(failed)?.len();
        let state = match known {
            Some(state) if state.address != address || state.bytes > length => {
                return Err(Error::OtherSource { path: path.into() });
            }
            Some(state) => state,
            None if length == 0 => State { address, ..State::default() },
            None if is_whole(&mut file).map_err(failed)? => return Ok(None),
            None => return Err(Error::OtherSource { path: path.into() }),
        };
        file.set_len(state.bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let mut spool = Self { path: path.into(), state_path, file: BufWriter::with_capacity(1 << 18, file), state };
        if spool.state.bytes == 0 {
            spool.line(&Header::of(model))?;
        }
        Ok(Some(spool))
    }

    /// Checks that what is to be read is what was read before.
    pub(super) fn begin(&mut self, steps: &[Step<'_>]) -> Result<(), Error> {
        let names = steps.iter().map(|step| {
            let fields: Vec<_> = step.fields().collect();
            format!("{} {}", step.paging().ty.name, fields.join(" "))
        });
        let plan = format!("{:x}", Sha256::digest(names.collect::<Vec<_>>().join("\n")));
        if self.state.plan.is_empty() {
            self.state.plan = plan;
            return self.keep(0, Place::default());
        }
        if self.state.plan == plan { Ok(()) } else { Err(Error::OtherSource { path: self.path.clone() }) }
    }

    /// The step that it is at.
    pub(super) fn step(&self) -> usize {
        self.state.step
    }

    /// How far a step has come.
    pub(super) fn place(&self, step: usize) -> Place {
        if step == self.state.step { self.state.place.clone() } else { Place::default() }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { nodes: self.state.nodes, relations: self.state.relations }
    }

    pub(super) fn leave_out(&mut self) {
        self.state.left_out += 1;
    }

    pub(super) fn node(&mut self, node: &Node<'_>) -> Result<(), Error> {
        self.state.nodes += 1;
        self.line(node)
    }

    pub(super) fn relation(&mut self, relation: &Relation<'_>) -> Result<(), Error> {
        self.state.relations += 1;
        self.line(relation)
    }

    /// What was written so far counts, and goes on from here.
    pub(super) fn keep(&mut self, step: usize, place: Place) -> Result<(), Error> {
        (self.state.step, self.state.place) = (step, place);
        let mut kept = || {
            self.file.flush()?;
            self.file.get_ref().sync_data()?;
            self.state.bytes = self.file.stream_position()?;
            let draft = self.state_path.with_extension("state.new");
            std::fs::write(&draft, serde_json::to_vec(&self.state)?)?;
            std::fs::rename(&draft, &self.state_path)
        };
        kept().map_err(|source| Error::File { path: self.path.clone(), source })
    }

    /// Writes the last line.
    pub(super) fn end(mut self) -> Result<(Progress, u64), Error> {
        let progress = self.progress();
        self.line(&Last { end: End { nodes: progress.nodes, relations: progress.relations } })?;
        let ended = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        let ended = ended.and_then(|()| std::fs::remove_file(&self.state_path));
        ended.map_err(|source| Error::File { path: self.path.clone(), source })?;
        Ok((progress, self.state.left_out))
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let written = serde_json::to_writer(&mut self.file, line).map_err(std::io::Error::from);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|source| Error::File { path: self.path.clone(), source })
    }
}

/// Whether it is a whole export.
fn is_whole(file: &mut File) -> std::io::Result<bool> {
    let mut first = String::new();
    BufReader::new(&*file).read_line(&mut first)?;
    let length = file.metadata()?.len();
    let mut last = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(256)))?;
    BufReader::new(&*file).read_until(0, &mut last)?;
    let last = last.strip_suffix(b"\n").and_then(|text| text.rsplit(|byte| *byte == b'\n').next()).unwrap_or_default();
    Ok(serde_json::from_str::<Header>(&first).is_ok() && last.starts_with(b"{\"end\":"))
}
