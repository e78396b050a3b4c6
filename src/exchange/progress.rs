//! How far earlier imports of the same file have come. The database knows the digest of the lines that it has: it goes with them, whatever
//! becomes of the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};

use crate::sql::{Parameter, Sql};
use crate::storage::{self, Importer};

/// Of a line. Longer ones are no export's.
const LINE_BYTES_MAX: u64 = 256 << 20;

/// A file that is read line by line, with the digest of the lines read so far.
pub(super) struct Lines {
    file: BufReader<File>,
    hasher: Sha256,
    /// Read so far.
    pub(super) count: u64,
    /// Whether the last line of an export was among them.
    pub(super) is_whole: bool,
    /// The last one, without its end.
    pub(super) text: Vec<u8>,
}

/// A place between two lines.
pub(super) struct Mark {
    hasher: Sha256,
    /// Lines before it.
    pub(super) count: u64,
}

impl Lines {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(1 << 18, file),
            hasher: Sha256::new(),
            count: 0,
            is_whole: false,
            text: Vec::new(),
        }
    }

    /// False at the end, or where the last line has no end.
    pub(super) fn next(&mut self) -> io::Result<bool> {
        self.text.clear();
        (&mut self.file).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.text)?;
        if self.text.pop() != Some(b'\n') {
            return Ok(false);
        }
        Ok(true)
    }

    /// Counts the last line as used.
    pub(super) fn used(&mut self) {
        self.hasher.update(&self.text);
        self.hasher.update(b"\n");
        self.count += 1;
    }

    /// Where it is.
    pub(super) fn mark(&self) -> Mark {
        Mark { hasher: self.hasher.clone(), count: self.count }
    }

    /// Goes to the line after the last that is in the database, or to the first. Returns the digest of those before.
    pub(super) async fn resume(
        &mut self,
        importer: &Importer,
    ) -> Result<Result<Option<String>, storage::Error>, io::Error> {
        let known = match importer.rows(Sql::new("select lines, digest from clef_import order by lines")).await {
            Ok(known) => known,
            Err(error) => return Ok(Err(error)),
        };
        let mut best = None;
        self.restart()?;
        for row in known {
            let [Parameter::Integer(lines), Parameter::Text(digest)] = row.as_slice() else { continue };
            while self.count < u64::try_from(*lines).unwrap_or_default() && self.next()? {
                self.is_whole = is_last(&self.text);
                self.used();
            }
            if self.mark().digest() == *digest {
                best = Some((digest.clone(), self.count));
            }
        }
        self.restart()?;
        let Some((digest, count)) = best else { return Ok(Ok(None)) };
        while self.count < count && self.next()? {
            self.is_whole = is_last(&self.text);
            self.used();
        }
        Ok(Ok(Some(digest)))
    }

    /// Back to the first line.
    fn restart(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        (self.hasher, self.count, self.is_whole) = (Sha256::new(), 0, false);
        Ok(())
    }
}

impl Mark {
    /// Of the lines before it.
    pub(super) fn digest(&self) -> String {
        format!("{:x}", self.hasher.clone().finalize())
    }
}

/// The statement that records how far it has come; it must write one row.
pub(super) fn record(mark: &Mark, earlier: Option<&str>) -> Sql {
    let lines = i64::try_from(mark.count).unwrap_or(i64::MAX);
    if let Some(earlier) = earlier {
        let mut sql = Sql::new("update clef_import set digest = ");
        sql.bind(mark.digest()).push(", lines = ").bind(lines).push(" where digest = ").bind(earlier);
        return sql;
    }
    let mut sql = Sql::new("insert into clef_import (digest, lines) values ");
    sql.bind_list([mark.digest().into(), lines.into()]);
    sql.push(" on conflict (digest) do nothing");
    sql
}

/// Whether a line is the last one of an export.
fn is_last(text: &[u8]) -> bool {
    text.starts_with(b"{\"end\":")
}
