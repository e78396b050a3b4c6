//! Nodes of a type, a page at a time, each once, whatever is added or deleted meanwhile.
//!
//! Where the server cannot be asked for what follows a key, a page begins with the last node of the one before: if it is not there, nodes were
//! added or deleted before it, and the page is looked for. Keys are compared as the server orders them, by code point.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::client::{Amount, Answer, Client, Problem, Trouble};
use super::document;
use super::steps::{Paging, Step};
use crate::exchange::Error;

/// Pages that have to succeed before larger ones are tried again.
const PAGES_BEFORE_MORE: u32 = 20;

/// How far a type has been read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The last key that was read.
    pub(super) last: Option<String>,
    /// Nodes before the next one.
    pub(super) offset: usize,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) after: Option<String>,
    pub(super) offset: usize,
    pub(super) first: usize,
}

/// A node as the server shows it.
pub(super) type Item = HashMap<String, Box<RawValue>>;
/// Nodes of a query.
pub(super) type Data = HashMap<String, Option<Vec<Option<Item>>>>;

/// A node that was read, with what the server says of it.
pub(super) struct Read {
    /// `None` if the server shows none of it.
    item: Option<Item>,
    /// `None` if it has none.
    pub(super) key: Option<String>,
    pub(super) problems: Vec<Problem>,
    /// Its number among those of its type.
    pub(super) number: usize,
}

impl Read {
    /// A field, if it was shown.
    pub(super) fn get(&self, field: &str) -> Option<&RawValue> {
        self.item.as_ref()?.get(field).map(|raw| &**raw)
    }
}

/// The pages of a step.
pub(super) struct Pages<'s, 'm> {
    step: &'s Step<'m>,
    place: Place,
    size: usize,
    size_max: usize,
    successes: u32,
    is_ended: bool,
    /// Whether the server has been seen to order by code point, or not to do otherwise.
    is_ordered: bool,
    note: Option<String>,
}

impl<'s, 'm> Pages<'s, 'm> {
    pub(super) fn new(step: &'s Step<'m>, place: Place, size: usize) -> Self {
        let is_ordered = step.paging().is_ordered;
        Self { step, place, size, size_max: size, successes: 0, is_ended: false, is_ordered, note: None }
    }

    /// After the page that was read last.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// What its reader should know.
    pub(super) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The next nodes; `None` at the end.
    pub(super) async fn next(&mut self, client: &Client) -> Result<Option<Vec<Read>>, Error> {
        while !self.is_ended {
            let window = self.window();
            let amount = if window.first > 1 + self.overlap() { Amount::More } else { Amount::Least };
            match self.read(client, &window, amount).await {
                Ok(reads) => {
                    self.grow();
                    let reads = self.following(&window, reads);
                    if !reads.is_empty() {
                        return Ok(Some(reads));
                    }
                }
                Err(Trouble::TooMuch(_)) if self.size > 1 => {
                    self.size /= 2;
                    self.successes = 0;
                }
                Err(Trouble::TooMuch(reason) | Trouble::Refused(reason)) => {
                    let (ty, place) = (&self.paging().ty.name, window.offset + 1);
                    return Err(client.error(format!("{reason} (asked for `{ty}`, number {place})")));
                }
                Err(Trouble::Ended(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn paging(&self) -> &'s Paging<'m> {
        self.step.paging()
    }

    /// Nodes of a page that were read before.
    fn overlap(&self) -> usize {
        usize::from(!self.paging().has_after && self.is_ordered && self.place.last.is_some() && self.place.offset > 0)
    }

    fn window(&self) -> Window {
        if self.paging().has_after && self.is_ordered {
            return Window { after: self.place.last.clone(), offset: 0, first: self.size };
        }
        let overlap = self.overlap();
        Window { after: None, offset: self.place.offset - overlap, first: self.size + overlap }
    }

    fn grow(&mut self) {
        self.successes += 1;
        if self.successes >= PAGES_BEFORE_MORE && self.size < self.size_max {
            self.size = (self.size * 2).min(self.size_max);
            self.successes = 0;
        }
    }

    /// The nodes of a window. A null in a non-null field hides a node: what hides one is asked for alone.
    async fn read(&self, client: &Client, window: &Window, amount: Amount) -> Result<Vec<Read>, Trouble> {
        let mut reads = self.ask(client, window, amount, &|_| true).await?;
        if reads.iter().all(|read| read.item.is_some()) {
            return Ok(reads);
        }
        let mut hiding = BTreeSet::new();
        let mut shown: Vec<Read> = Vec::new();
        while shown.is_empty() || shown.iter().any(|read| read.item.is_none()) {
            let before = hiding.len();
            let hidden = reads.iter().chain(&shown).filter(|read| read.item.is_none());
            hiding.extend(hidden.flat_map(|read| read.problems.iter().filter_map(Problem::field)).map(str::to_owned));
            if hiding.len() == before {
                return Err(Trouble::TooMuch("does not show all nodes, nor say why".to_owned()));
            }
            shown = self.ask(client, window, amount, &|field| !hiding.contains(field)).await?;
        }
        join(&mut reads, shown)?;
        for field in hiding {
            join(&mut reads, self.ask(client, window, amount, &|name| name == field).await?)?;
        }
        Ok(reads)
    }

    async fn ask(
        &self,
        client: &Client,
        window: &Window,
        amount: Amount,
        fields: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Read>, Trouble> {
        let query = match self.step {
            Step::Nodes(step) => document::nodes(step, window, fields),
            Step::Relations(step) => document::relations(step, window, fields),
        };
        let variables = serde_json::json!({ "after": window.after });
        ask(client, self.paging(), &query, variables, window.offset, amount).await
    }

    /// Of the nodes of a window, those that were not read before; goes on after them.
    fn following(&mut self, window: &Window, reads: Vec<Read>) -> Vec<Read> {
        let overlap = window.first.saturating_sub(self.size);
        if self.is_ordered && !reads.iter().filter_map(|read| read.key.as_ref()).is_sorted() {
            self.note = Some(format!(
                "the server orders `{}` in a way of its own: what is added or deleted there meanwhile may be missing or doubled",
                self.paging().ty.name
            ));
            self.is_ordered = false;
        }
        let Some(last) = self.place.last.as_deref().filter(|_| self.is_ordered && window.after.is_none()) else {
            return self.taken(window, reads, overlap);
        };
        let is_after = |read: &Read| read.key.as_deref().is_none_or(|key| key > last);
        let known = reads.iter().position(is_after).unwrap_or(reads.len());
        if known == 0 && window.offset > 0 {
            // Something before was deleted: the place is further up.
            self.place.offset = window.offset.saturating_sub(self.size);
            return Vec::new();
        }
        self.taken(window, reads, known)
    }

    fn taken(&mut self, window: &Window, mut reads: Vec<Read>, known: usize) -> Vec<Read> {
        self.is_ended = reads.len() < window.first;
        self.place.offset = window.offset + reads.len();
        let taken = reads.split_off(known.min(reads.len()));
        // Those without a key come last, and are no use.
        self.is_ended |= self.is_ordered && taken.iter().any(|read| read.key.is_none());
        if let Some(last) = taken.iter().rev().find_map(|read| read.key.clone()) {
            self.place.last = Some(last);
        }
        taken
    }
}

/// Adds what another query has shown of the same nodes.
fn join(reads: &mut [Read], others: Vec<Read>) -> Result<(), Trouble> {
    let is_same = |(one, other): (&Read, &Read)| one.key.is_none() || other.key.is_none() || one.key == other.key;
    if reads.len() != others.len() || !reads.iter().zip(&others).all(is_same) {
        return Err(Trouble::TooMuch("changes while it is read".to_owned()));
    }
    for (read, other) in reads.iter_mut().zip(others) {
        for problem in other.problems {
            if read.problems.iter().all(|known| known.field() != problem.field()) {
                read.problems.push(problem);
            }
        }
        if let Some(item) = other.item {
            read.key = other.key;
            read.item.get_or_insert_default().extend(item);
        }
    }
    Ok(())
}

/// The nodes that a query answers with, each with its problems; `before` stand before the first.
pub(super) async fn ask(
    client: &Client,
    paging: &Paging<'_>,
    query: &str,
    variables: serde_json::Value,
    before: usize,
    amount: Amount,
) -> Result<Vec<Read>, Trouble> {
    let answer: Answer<Data> = client.ask(query, variables, amount).await?;
    let (data, problems) = answer.into_parts();
    let Some(items) = data.and_then(|mut data| data.remove(&*paging.ty.name).flatten()) else {
        let message = problems.into_iter().next().map_or_else(String::new, |problem| problem.message);
        return Err(Trouble::TooMuch(format!("answers: {message}")));
    };
    let read = |(position, item): (usize, Option<Item>)| {
        let key = item.as_ref().and_then(|item| item.get(&*paging.ty.key)).and_then(|raw| text(raw));
        Read { item, key, problems: Vec::new(), number: before + position + 1 }
    };
    let mut reads: Vec<_> = items.into_iter().enumerate().map(read).collect();
    for problem in problems {
        let Some(position) = problem.position() else {
            return Err(Trouble::TooMuch(format!("answers: {}", problem.message)));
        };
        if let Some(read) = reads.get_mut(position) {
            read.problems.push(problem);
        }
    }
    Ok(reads)
}

/// A text or, of an `ID`, a number.
pub(super) fn text(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()).ok()? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
