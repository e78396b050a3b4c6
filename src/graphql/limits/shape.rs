//! The shape of a document: how deep, how wide. Fragments are measured once each, so that spreading them costs nothing here.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

use super::{Exceeded, Limits};

/// Lists of types and fields inside each other that introspection answers (as graphql-js has it, `MaxIntrospectionDepthRule`).
const INTROSPECTION_LISTS_MAX: usize = 2;

/// Levels inside `__schema` and `__type`: type references alone take nine.
const INTROSPECTION_DEPTH_MAX: usize = 30;

/// What a selection holds once its fragments are spread.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    /// Levels of fields, those inside introspection not counted.
    depth: usize,
    introspection_depth: usize,
    /// Lists of introspection inside each other.
    lists: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    /// Fields of the selection itself.
    width: usize,
}

struct Measured<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is measured: one that spreads itself is refused by validation.
    fragments: HashMap<&'a str, Option<Measure>>,
}

pub(super) fn check(limits: &Limits, document: &ExecutableDocument) -> Result<(), Exceeded> {
    let mut measured = Measured { document, fragments: HashMap::new() };
    let mut directives = 0_usize;
    for (_, operation) in document.operations.iter() {
        let found = measured.set(&operation.node.selection_set.node);
        Exceeded::check("levels", Some("MAX_DEPTH"), found.depth, limits.depth)?;
        Exceeded::check("fields", Some("MAX_FIELDS"), found.fields, limits.fields)?;
        Exceeded::check("aliases", Some("MAX_ALIASES"), found.aliases, limits.aliases)?;
        Exceeded::check("root fields", Some("MAX_ROOT_FIELDS"), found.width, limits.root_fields)?;
        Exceeded::check("levels of introspection", None, found.introspection_depth, INTROSPECTION_DEPTH_MAX)?;
        Exceeded::check("lists of introspection inside each other", None, found.lists, INTROSPECTION_LISTS_MAX)?;
        directives = directives.saturating_add(found.directives).saturating_add(operation.node.directives.len());
        Exceeded::check("directives", Some("MAX_DIRECTIVES"), directives, limits.directives)?;
    }
    Ok(())
}

impl<'a> Measured<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Measure {
        let mut sum = Measure::default();
        for selection in &set.items {
            let mut found = match &selection.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            found.directives = found.directives.saturating_add(selection.node.directives().len());
            sum = sum.beside(found);
        }
        sum
    }

    fn field(&mut self, field: &'a Field) -> Measure {
        let below = self.set(&field.selection_set.node);
        let name = field.name.node.as_str();
        let is_list = matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
        let mut found = Measure {
            depth: below.depth.saturating_add(1),
            lists: below.lists.saturating_add(usize::from(is_list)),
            fields: below.fields.saturating_add(1),
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            width: 1,
            ..below
        };
        if matches!(name, "__schema" | "__type") {
            found.introspection_depth = found.depth;
            found.depth = 1;
        }
        found
    }

    fn fragment(&mut self, name: &str) -> Measure {
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Measure::default() };
        if let Some(known) = self.fragments.get(name.as_str()) {
            return known.unwrap_or_default();
        }
        self.fragments.insert(name, None);
        let found = self.set(&fragment.node.selection_set.node);
        self.fragments.insert(name, Some(found));
        found
    }
}

impl Measure {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            lists: self.lists.max(other.lists),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            width: self.width.saturating_add(other.width),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn refused(text: &str) -> Option<String> {
        let document = parse_query(text).unwrap();
        check(&Limits::default(), &document).err().map(|exceeded| exceeded.what.to_owned())
    }

    fn nested(name: &str, levels: usize) -> String {
        [vec![["{", name].concat(); levels].concat(), "}".repeat(levels)].concat()
    }

    #[test]
    fn what_is_allowed_is_counted_to_the_last() {
        assert_eq!(refused(&nested("a", 15)), None);
        assert_eq!(refused(&nested("a", 16)).as_deref(), Some("levels"));
        let aliases = |count: usize| format!("{{ a {{ {} }} }}", "b: c ".repeat(count));
        assert_eq!((refused(&aliases(50)), refused(&aliases(51)).as_deref()), (None, Some("aliases")));
        let roots = |count: usize| format!("{{ {} }}", "a ".repeat(count));
        assert_eq!((refused(&roots(50)), refused(&roots(51)).as_deref()), (None, Some("root fields")));
        let directives = |count: usize| format!("{{ a {} }}", "@b ".repeat(count));
        assert_eq!((refused(&directives(50)), refused(&directives(51)).as_deref()), (None, Some("directives")));
        let fields = |count: usize| format!("{{ a {{ {} }} }}", "b ".repeat(count));
        assert_eq!((refused(&fields(4_999)), refused(&fields(5_000)).as_deref()), (None, Some("fields")));
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        // Doubled forty times over: nobody could write it out.
        let doubled = (0..40).map(|number| {
            let next = number + 1;
            format!("fragment F{number} on A {{ a {{ ...F{next} }} b {{ ...F{next} }} }}")
        });
        let text = ["{ ...F0 } ", &doubled.collect::<Vec<_>>().join(" "), " fragment F40 on A { a }"].concat();
        assert_eq!(refused(&text).as_deref(), Some("levels"));
        let wide = text.replace("a { ", "... { ").replace("b { ", "... { ");
        assert_eq!(refused(&wide).as_deref(), Some("fields"));
    }

    #[test]
    fn a_fragment_that_spreads_itself_is_left_to_validation() {
        assert_eq!(refused("{ ...A } fragment A on B { a ...A }"), None);
    }

    #[test]
    fn introspection_has_bounds_of_its_own() {
        assert_eq!(refused(crate::graphql::introspection::STANDARD), None);
        let lists = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
        assert_eq!(refused(lists).as_deref(), Some("lists of introspection inside each other"));
        let deep = format!("{{ __type(name: \"A\") {} }}", nested("ofType", 31));
        assert_eq!(refused(&deep).as_deref(), Some("levels of introspection"));
    }
}
