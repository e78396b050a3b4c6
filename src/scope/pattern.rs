//! One glob over scopes, checked and compiled.

use std::fmt;
use std::str::FromStr;

use globset::GlobBuilder;

use super::automaton::Automaton;
use super::error::{Error, excerpt};
use super::syntax;

/// A glob such as `Mutation:Person:*`, ready to match; the syntax is that of the [module](super).
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Box<str>,
    automaton: Automaton,
}

impl Pattern {
    /// # Errors
    ///
    /// What is wrong with the text and what to write instead; [`Error::TooLarge`] if matching it would take too
    /// much memory.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let checked = syntax::check(text)?;
        let too_large = || Error::TooLarge { pattern: excerpt(text) };
        // The check above lets nothing through that globset refuses.
        let glob = GlobBuilder::new(&checked.glob)
            .literal_separator(false)
            .backslash_escape(true)
            .case_insensitive(false)
            .build()
            .map_err(|_refused| too_large())?;
        let regex = checked.complete(glob.regex());
        let automaton = Automaton::build(&regex).map_err(|_too_large| too_large())?;
        Ok(Self { text: text.into(), regex: regex.into(), automaton })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the glob covers the scope.
    pub fn matches(&self, scope: &str) -> bool {
        self.automaton.matches(scope)
    }

    pub(super) fn automaton(&self) -> &Automaton {
        &self.automaton
    }

    /// What the automaton was made from.
    pub(super) fn regex(&self) -> &str {
        &self.regex
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pattern({:?})", &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// A glob, what it covers and what it does not.
    const GRAMMAR: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", "Mutation:Person:Create", ".a"], &["", "a b", "a\n", "é"]),
        ("**", &["a", "Mutation:Person:Create"], &[""]),
        ("Mutation:*", &["Mutation:", "Mutation:Person:Create"], &["Mutation", "Query:Person", "mutation:a"]),
        ("*:*", &["a:b", "a:b:c", ":"], &["a"]),
        ("Mutation:*:Create", &["Mutation:Person:Create", "Mutation:a:b:Create"], &["Mutation:Create"]),
        (
            "Mutation:Person:Create",
            &["Mutation:Person:Create"],
            &["Mutation:Person:Create\n", "mutation:person:create"],
        ),
        ("Mutation:Person:*", &["Mutation:Person:Create"], &["Mutation:PersonMemberOf:Add", "xMutation:Person:Create"]),
        ("Query:ControlAction", &["Query:ControlAction"], &["Query:ControlAction:Read"]),
        ("?", &["a", "*", ":"], &["", "ab", "\n"]),
        ("Mutation:P?rson:*", &["Mutation:Person:x", "Mutation:P:rson:x"], &["Mutation:Prson:x", "Mutation:Pérson:x"]),
        ("[abc]", &["a", "c"], &["d", "ab", "A"]),
        ("[a-c_]*", &["b", "_x"], &["d", "-"]),
        ("[a-]*", &["a", "-"], &["b"]),
        ("[*]*", &["*"], &["a"]),
        ("{a,b*}:{x,y}", &["a:x", "bc:y", "b:x"], &["ac:x", "c:y", "a:z", "a,b:x"]),
        ("{a,{b,c}d}:x", &["a:x", "cd:x"], &["c:x"]),
        ("a,b:x", &["a,b:x"], &["a:x"]),
        ("a.b:*", &["a.b:x"], &["axb:x"]),
        (".*", &[".a", "."], &["a"]),
        ("\\*:*", &["*:a"], &["a:a"]),
        ("a\\\\b:*", &["a\\b:x"], &["ab:x"]),
        ("{a\\,**,b}:x", &["a,:x", "a,b:x", "b:x"], &["a:x", "a,/:y"]),
        ("M:@(a|b_1):*", &["M:a:x", "M:b_1:x"], &["M:ab_1:x", "M:c:x", "M:@(a|b_1):x"]),
        ("@(a):x", &["a:x"], &["@(a):x"]),
        ("M:+(a|bc):+(x)", &["M:a:x", "M:bc:x", "M:abca:xx"], &["M::x", "M:b:x", "M:a:", "M:a:y", "M:\u{1}:x"]),
        ("Mutation:Person:[A-Z]*", &["Mutation:Person:Create"], &["Mutation:Person:[A-Z]*"]),
    ];

    #[test]
    fn a_glob_covers_the_whole_scope_or_nothing() {
        for (text, covered, others) in GRAMMAR {
            let pattern = Pattern::parse(text);
            let covers = |scope: &str| pattern.as_ref().map(|pattern| pattern.matches(scope));
            for scope in *covered {
                assert_eq!(covers(scope), Ok(true), "{text} {scope:?}");
            }
            for scope in *others {
                assert_eq!(covers(scope), Ok(false), "{text} {scope:?}");
            }
        }
    }

    #[test]
    fn a_glob_is_shown_as_it_was_given() {
        let pattern = Pattern::parse("Mutation:**");
        assert_eq!(pattern.as_ref().map(ToString::to_string), Ok("Mutation:**".into()));
        assert_eq!(pattern.map(|pattern| format!("{pattern:?}")), Ok("Pattern(\"Mutation:**\")".into()));
    }

    #[test]
    fn a_glob_whose_automaton_explodes_is_refused() {
        let message = Pattern::parse(&format!("*a{}", "?".repeat(40))).err().map(|error| error.to_string());
        assert!(message.is_some_and(|message| message.contains("takes too much memory")));
    }
}
