//! The queries of the pages.

use std::fmt::Write;

use super::pages::Window;
use super::steps::{Nodes, Paging, Reader, Relations};

/// Related nodes of each list of a page; whose list is longer is asked for alone.
pub(super) const RELATED: usize = 100;
/// Related nodes at a time, of a node that is asked for alone.
pub(super) const RELATED_ALONE: usize = 1_000;

/// Nodes of a window, of these properties.
pub(super) fn nodes(step: &Nodes<'_>, window: &Window, is_wanted: &dyn Fn(&str) -> bool) -> String {
    let mut fields = String::new();
    for (property, members) in &step.properties {
        if !is_wanted(&property.name) {
            continue;
        }
        let _ = write!(fields, " {}", property.name);
        if !members.is_empty() {
            let _ = write!(fields, " {{ {} }}", members.join(" "));
        }
    }
    page(&step.paging, window, &fields)
}

/// Relations of the nodes of a window, by these fields.
pub(super) fn relations(step: &Relations<'_>, window: &Window, is_wanted: &dyn Fn(&str) -> bool) -> String {
    let mut fields = String::new();
    for reader in step.readers.iter().filter(|reader| is_wanted(&reader.relation.field)) {
        let first = if reader.is_paged { format!("(first: {})", RELATED + 1) } else { String::new() };
        let _ = write!(fields, " {}{first} {}", reader.relation.field, ends(reader));
    }
    page(&step.paging, window, &fields)
}

/// A part of a list of one node, whose key is `$key`.
pub(super) fn related(paging: &Paging<'_>, reader: &Reader<'_>, offset: usize) -> String {
    let (ty, key, field) = (&paging.ty.name, &paging.ty.key, &reader.relation.field);
    format!(
        "query ($key: ID) {{ {ty}({key}: $key) {{ {key} {field}(first: {RELATED_ALONE}, offset: {offset}, orderBy: [{}_asc]) {} }} }}",
        reader.key,
        ends(reader)
    )
}

fn ends(reader: &Reader<'_>) -> String {
    format!("{{ __typename {} }}", reader.key)
}

fn page(paging: &Paging<'_>, window: &Window, fields: &str) -> String {
    let (ty, key) = (&paging.ty.name, &paging.ty.key);
    let mut arguments = format!("first: {}, offset: {}", window.first, window.offset);
    if paging.is_ordered {
        let _ = write!(arguments, ", orderBy: [{key}_asc]");
    }
    let variables = if window.after.is_some() {
        let _ = write!(arguments, ", filter: {{ {key}_gt: $after }}");
        "query ($after: ID!) "
    } else {
        ""
    };
    format!("{variables}{{ {ty}({arguments}) {{ {key}{fields} }} }}")
}
