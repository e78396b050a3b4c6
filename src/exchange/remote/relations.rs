//! Relations of the nodes of a page, as lines.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::client::{Amount, Trouble};
use super::document::{RELATED, RELATED_ALONE};
use super::nodes::unusable;
use super::pages::Read;
use super::steps::Reader;
use super::{Fetch, Told, document, pages, steps};
use crate::exchange::Error;
use crate::exchange::format::Relation;
use crate::model::types::Direction;

/// A node at the other end.
type End = HashMap<String, Value>;

impl<T: FnMut(Told<'_>)> Fetch<'_, T> {
    /// Writes the relations of a page of nodes.
    pub(super) async fn relations(&mut self, step: &steps::Relations<'_>, reads: &[Read]) -> Result<(), Error> {
        // Those without a key were told when the nodes were read.
        for (read, key) in reads.iter().filter_map(|read| Some((read, read.key.as_deref()?))) {
            for problem in read.problems.iter().filter(|problem| !problem.is_of_null()) {
                let reason = format!("the server says: {}", problem.message);
                self.unusable(unusable(&step.paging.ty.name, key, problem.field(), reason))?;
            }
            for reader in &step.readers {
                let mut ends = read.get(&reader.relation.field).map(ends).unwrap_or_default();
                if reader.is_paged && ends.len() > RELATED {
                    ends = self.all_related(step, reader, key).await?;
                }
                for end in ends {
                    self.relation(step, reader, key, &end)?;
                }
            }
        }
        Ok(())
    }

    /// A list that is too long for a page of nodes.
    async fn all_related(
        &mut self,
        step: &steps::Relations<'_>,
        reader: &Reader<'_>,
        key: &str,
    ) -> Result<Vec<End>, Error> {
        let mut all = Vec::new();
        loop {
            let query = document::related(&step.paging, reader, all.len());
            let asked = pages::ask(&self.client, &step.paging, &query, json!({ "key": key }), 0, Amount::Least).await;
            let reads = asked.map_err(|trouble| match trouble {
                Trouble::Ended(error) => error,
                Trouble::TooMuch(reason) | Trouble::Refused(reason) => {
                    self.client.error(format!("{reason} (asked for `{}` `{key}`)", step.paging.ty.name))
                }
            })?;
            let part = reads.first().and_then(|read| read.get(&reader.relation.field)).map(ends).unwrap_or_default();
            let is_last = part.len() < RELATED_ALONE;
            all.extend(part);
            if is_last {
                return Ok(all);
            }
        }
    }

    fn relation(
        &mut self,
        step: &steps::Relations<'_>,
        reader: &Reader<'_>,
        key: &str,
        end: &End,
    ) -> Result<(), Error> {
        let ty = &*step.paging.ty.name;
        let (Some(other_type), Some(other)) = (end.get("__typename").and_then(Value::as_str), end.get(reader.key))
        else {
            return Ok(());
        };
        // Relations to other types are read by another field, or are none of the model's.
        if !reader.others.contains(other_type) {
            return Ok(());
        }
        let other = match other {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                let reason = format!("leads to a {other_type} without `{}`", reader.key);
                return self.unusable(unusable(ty, key, Some(&*reader.relation.field), reason));
            }
        };
        let (this, other) = ([ty, key], [other_type, other.as_str()]);
        let (from, to) = if reader.relation.direction == Direction::Out { (this, other) } else { (other, this) };
        self.spool.relation(&Relation { name: &reader.relation.name, from, to })
    }
}

/// The nodes that a field shows: a list, one, or none.
fn ends(raw: &RawValue) -> Vec<End> {
    match serde_json::from_str(raw.get()) {
        Ok(Value::Array(items)) => items.into_iter().filter_map(end).collect(),
        Ok(one) => end(one).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

fn end(value: Value) -> Option<End> {
    match value {
        Value::Object(members) => Some(members.into_iter().collect()),
        _ => None,
    }
}
