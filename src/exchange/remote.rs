//! What a server of the same generated API holds, read page by page through its public queries into a file as exports have it.
//!
//! First all nodes, type by type in the order of their keys, then all relations. Knows no database: the file is imported like any other.

mod client;
mod introspection;
mod steps;
mod document;
mod pages;
mod nodes;
mod relations;
mod spool;

use std::path::Path;

use secrecy::SecretString;

use super::import::{Told, Unusable};
use super::{Error, Progress};
use crate::model::Model;
use client::Client;
use pages::Pages;
use spool::Spool;
use steps::Step;

/// A server, and how it is asked.
#[derive(Debug)]
pub struct Source {
    /// Where it answers GraphQL requests.
    pub url: String,
    /// Sent along with each request.
    pub headers: Vec<(String, SecretString)>,
    /// Nodes of a page at most.
    pub page: usize,
}

/// Reads everything that the model has and the server shows; goes on where an earlier call with this file ended. Returns what is in the file
/// then, and how many values were left out; `None` if the file was whole already.
///
/// # Errors
///
/// The server's, the file's, and the first value that cannot be used, unless such are to be left out.
pub async fn fetch(
    source: &Source,
    model: &Model,
    path: &Path,
    unusable: Unusable,
    mut told: impl FnMut(Told<'_>),
) -> Result<Option<(Progress, u64)>, Error> {
    let client = Client::new(source)?;
    let Some(spool) = Spool::open(path, model, client.address())? else { return Ok(None) };
    let server = introspection::read(&client, model, &mut told).await?;
    let steps = steps::plan(model, &server, &mut told);
    let mut fetch = Fetch { model, client, spool, unusable, told };
    fetch.spool.begin(&steps)?;
    for (number, step) in steps.iter().enumerate().skip(fetch.spool.step()) {
        fetch.step(number, step, source.page).await?;
    }
    fetch.spool.end().map(Some)
}

struct Fetch<'a, T> {
    model: &'a Model,
    client: Client,
    spool: Spool,
    unusable: Unusable,
    told: T,
}

impl<T: FnMut(Told<'_>)> Fetch<'_, T> {
    async fn step(&mut self, number: usize, step: &Step<'_>, page: usize) -> Result<(), Error> {
        let mut pages = Pages::new(step, self.spool.place(number), page);
        while let Some(items) = pages.next(&self.client).await? {
            match step {
                Step::Nodes(nodes) => self.nodes(nodes, &items)?,
                Step::Relations(relations) => self.relations(relations, &items).await?,
            }
            self.spool.keep(number, pages.place())?;
            (self.told)(Told::Progress(self.spool.progress()));
        }
        if let Some(note) = pages.note() {
            (self.told)(Told::Note(note));
        }
        self.spool.keep(number + 1, pages::Place::default())
    }

    /// A value that cannot be used.
    fn unusable(&mut self, error: Error) -> Result<(), Error> {
        if self.unusable == Unusable::Stop {
            return Err(error);
        }
        self.spool.leave_out();
        (self.told)(Told::LeftOut(&error.to_string()));
        Ok(())
    }
}
