//! Words that are known to be kept for misspelt ones, so that not every creation looks for them: three quarters of what its index costs.
//!
//! None is ever taken out of the table while a server runs, but by one that makes the index anew, and then from all texts.

use quick_cache::sync::Cache;

use crate::sql::Parameter;
use crate::storage::search::postgres::WORDS;
use crate::storage::write::Write;

/// Words remembered.
const KEPT: usize = 50_000;

/// The words.
#[derive(Debug)]
pub(super) struct Known(Cache<Box<str>, ()>);

impl Known {
    pub(super) fn new() -> Self {
        Self(Cache::new(KEPT))
    }

    /// Takes known words out of a write, and tells those that are left.
    pub(super) fn leave_out(&self, write: &mut Write) -> Vec<Box<str>> {
        let Write::Together { parts, .. } = write else { return Vec::new() };
        let Some(position) = parts.iter().position(|(name, _)| *name == Some(WORDS)) else { return Vec::new() };
        let Some((_, part)) = parts.get_mut(position) else { return Vec::new() };
        let [Parameter::Text(text)] = part.parameters() else { return Vec::new() };
        let left: Vec<Box<str>> = text.split(' ').filter(|word| self.0.get(*word).is_none()).map(Box::from).collect();
        if left.is_empty() {
            parts.remove(position);
        } else {
            *part = part.with_only_parameter(left.join(" "));
        }
        left
    }

    /// Once they are on the disk.
    pub(super) fn add(&self, words: Vec<Box<str>>) {
        for word in words {
            self.0.insert(word, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Sql;

    fn write() -> Write {
        let mut words = Sql::new("words ");
        words.bind("clara schumann");
        Write::Together { parts: vec![(Some("created"), Sql::new("node")), (Some(WORDS), words)], read: Sql::default() }
    }

    fn left(write: &Write) -> Option<&[Parameter]> {
        let Write::Together { parts, .. } = write else { return None };
        Some(parts.get(1)?.1.parameters())
    }

    #[test]
    fn words_are_left_out_once_they_are_known() {
        let known = Known::new();
        let mut first = write();
        assert_eq!(known.leave_out(&mut first), ["clara".into(), "schumann".into()]);
        assert_eq!(left(&first), Some(["clara schumann".into()].as_slice()));
        known.add(vec!["clara".into()]);
        let mut second = write();
        assert_eq!(known.leave_out(&mut second), ["schumann".into()]);
        assert_eq!(left(&second), Some(["schumann".into()].as_slice()));
        known.add(vec!["schumann".into()]);
        let mut third = write();
        assert_eq!(known.leave_out(&mut third), []);
        assert_eq!(left(&third), None);
    }
}
