//! `clef export` and `clef import`: files and a database, with or without a server beside.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Error, database, schema};
use crate::config::Config;
use crate::exchange::remote::{self, Source};
use crate::exchange::{self, Imported, Progress, Told, Unusable};
use crate::storage::{Exporter, Importer, RemovedPolicy, Storage};

/// Writes all nodes and relations to a file, or to standard output.
///
/// # Errors
///
/// The database does not fit the schema; the database's and the file's.
pub async fn export(config: Config, file: Option<PathBuf>, told: impl FnMut(Progress)) -> Result<Progress, Error> {
    let model = schema::read(&config.schema)?;
    let settings = database(&config);
    if !Storage::compare(&settings, &model, RemovedPolicy::Keep).await?.is_empty() {
        return Err(Error::NotFitted);
    }
    let exporter = Exporter::open(&settings).await?;
    let Some(path) = file else {
        let output = BufWriter::with_capacity(1 << 18, io::stdout().lock());
        return Ok(exchange::export(&exporter, &model, output, Path::new("-"), told).await?);
    };
    // Under another name first: a file is whole, or not there.
    let mut draft = path.clone().into_os_string();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    let failed = |source| exchange::Error::File { path: draft.clone(), source };
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(failed)?;
    let written = exchange::export(&exporter, &model, BufWriter::with_capacity(1 << 18, &opened), &draft, told).await;
    let kept = written.and_then(|progress| {
        opened.sync_all().and_then(|()| std::fs::rename(&draft, &path)).map_err(failed)?;
        Ok(progress)
    });
    if kept.is_err() {
        std::fs::remove_file(&draft).ok();
    }
    Ok(kept?)
}

/// Adds what a file, or standard input, holds.
///
/// # Errors
///
/// The first line that cannot be used; the database's and the file's.
pub async fn import(
    config: Config,
    file: Option<PathBuf>,
    unusable: Unusable,
    told: impl FnMut(Told<'_>),
) -> Result<Imported, Error> {
    let model = schema::read(&config.schema)?;
    let settings = database(&config);
    let path = file.unwrap_or_else(|| PathBuf::from("-"));
    let failed = |source| exchange::Error::File { path: path.clone(), source };
    let opened = if path == Path::new("-") { spooled() } else { File::open(&path) };
    let opened = opened.map_err(failed)?;
    Storage::open(&settings, &model, RemovedPolicy::Keep).await?.close().await;
    let importer = Importer::open(&settings).await?;
    Ok(exchange::import(&importer, &model, opened, &path, unusable, told).await?)
}

/// Reads a server into a file, and adds what that holds. Without a name, the file is one in the current folder, and goes once it is imported.
///
/// # Errors
///
/// The server's, the file's and the database's, and the first value or line that cannot be used.
pub async fn import_from(
    config: Config,
    source: Source,
    file: Option<PathBuf>,
    unusable: Unusable,
    mut told: impl FnMut(Told<'_>),
) -> Result<Imported, Error> {
    let model = schema::read(&config.schema)?;
    let is_named = file.is_some();
    let path = file.unwrap_or_else(|| spool_name(&source.url));
    let read = remote::fetch(&source, &model, &path, unusable, &mut told).await?;
    told(Told::Note(&match read {
        Some((read, _)) => format!("read: {} nodes, {} relations", read.nodes, read.relations),
        None => format!("`{}` is whole already: the server is not asked", path.display()),
    }));
    let mut imported = import(config, Some(path.clone()), unusable, told).await?;
    imported.left_out += read.map_or(0, |(_, left_out)| left_out);
    if !is_named {
        std::fs::remove_file(&path).map_err(|source| exchange::Error::File { path, source })?;
    }
    Ok(imported)
}

/// The same for the same server.
fn spool_name(url: &str) -> PathBuf {
    let digest = format!("{:x}", Sha256::digest(url));
    PathBuf::from(format!("clef-import-{}.ndjson", digest.get(..8).unwrap_or_default()))
}

/// Standard input as a file without a name: what was imported of it before has to be looked for.
fn spooled() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("clef-import-{}", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
