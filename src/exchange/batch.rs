//! Lines that share a commit.

use super::progress::Mark;
use crate::storage::{NewNode, NewRelation};

/// Lines that share a commit, nodes and relations in their order.
pub(super) struct Batch<'a> {
    /// Before the first line, and after each.
    marks: Vec<Mark>,
    runs: Vec<(Rows<'a>, Vec<u64>)>,
}

/// Lines of one kind, one after the other.
pub(super) enum Rows<'a> {
    Nodes(Vec<NewNode<'a>>),
    Relations(Vec<NewRelation>),
}

impl<'a> Batch<'a> {
    pub(super) fn new(mark: Mark) -> Self {
        Self { marks: vec![mark], runs: Vec::new() }
    }

    pub(super) fn add_node(&mut self, line: u64, node: NewNode<'a>) {
        if let Some((Rows::Nodes(nodes), lines)) = self.runs.last_mut() {
            nodes.push(node);
            lines.push(line);
        } else {
            self.runs.push((Rows::Nodes(vec![node]), vec![line]));
        }
    }

    pub(super) fn add_relation(&mut self, line: u64, relation: NewRelation) {
        if let Some((Rows::Relations(relations), lines)) = self.runs.last_mut() {
            relations.push(relation);
            lines.push(line);
        } else {
            self.runs.push((Rows::Relations(vec![relation]), vec![line]));
        }
    }

    /// After each line, whatever it is.
    pub(super) fn used(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.marks.len() < 2
    }

    /// With the numbers of their lines.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&Rows<'a>, &[u64])> {
        self.runs.iter().map(|(rows, lines)| (rows, lines.as_slice()))
    }

    /// Lines before it.
    pub(super) fn first_count(&self) -> u64 {
        self.marks.first().map_or(0, |mark| mark.count)
    }

    /// After the last line.
    pub(super) fn last(&self) -> Option<&Mark> {
        self.marks.last()
    }

    /// Before this line.
    pub(super) fn before(&self, line: u64) -> Option<&Mark> {
        self.marks.iter().rfind(|mark| mark.count < line)
    }
}
