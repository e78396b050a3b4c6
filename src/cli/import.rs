//! `clef import`: from a file, or from a server.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::Error;
use crate::app;
use crate::config::Config;
use crate::exchange::remote::Source;
use crate::exchange::{Imported, Told, Unusable};
use crate::terminal;

/// What is imported.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// What `clef export` wrote; without it, standard input. With --from, where to keep what is read.
    file: Option<PathBuf>,
    /// Read a server: the Contributor Environment, or another one with the same generated API. The address is that of its GraphQL queries.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Send this along with each query, such as 'Authorization: Bearer …'; @FILE: the lines of a file.
    #[arg(long, value_name = "NAME: VALUE", requires = "from")]
    header: Vec<String>,
    /// Most nodes of a query; fewer are asked for where the server fails.
    #[arg(long, value_name = "NODES", requires = "from", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    page: u16,
    /// Leave out what cannot be used, and tell it, instead of stopping at the first.
    #[arg(long)]
    skip_invalid: bool,
}

impl ImportArguments {
    pub(super) async fn run(self, config: Config, shown: &mut terminal::Progress) -> Result<Imported, Error> {
        let unusable = if self.skip_invalid { Unusable::LeaveOut } else { Unusable::Stop };
        let told = |told: Told<'_>| shown.tell(&told);
        let Some(url) = self.from else {
            return Ok(app::exchange::import(config, self.file, unusable, told).await?);
        };
        let mut headers = Vec::new();
        for given in &self.header {
            match given.strip_prefix('@') {
                Some(path) => headers.extend(of_file(Path::new(path))?),
                None => headers.push(header(given).ok_or(Error::Header)?),
            }
        }
        let source = Source { url, headers, page: usize::from(self.page) };
        Ok(app::exchange::import_from(config, source, self.file, unusable, told).await?)
    }
}

fn of_file(path: &Path) -> Result<Vec<(String, SecretString)>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::HeaderFile { path: path.into(), source })?;
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| header(line).ok_or(Error::Header)).collect()
}

fn header(text: &str) -> Option<(String, SecretString)> {
    let (name, value) = text.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().into()))
}
