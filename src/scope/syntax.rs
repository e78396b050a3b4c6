//! The syntax of globs: what micromatch and globset read alike passes, the rest is refused. Matches nothing itself.

use super::error::{Error, excerpt};

const BYTES_MAX: usize = 256;
const DEPTH_MAX: usize = 3;
const EXPANSIONS_MAX: usize = 1024;

/// Stands in a glob for a group that repeats. No text has it, and globset takes it for itself.
const REPEATED: char = '\u{1}';

/// A text that passed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Checked {
    /// For globset. Every run of `*` is one: without `/` they mean the same, and globset misreads `**` after an escaped `,` within
    /// braces (0.4.21, glob.rs, `parse_star`).
    pub(super) glob: String,
    /// What `+(…)` stands for, in order: regular expressions.
    repeated: Vec<String>,
}

impl Checked {
    /// The regular expression that globset made of the glob, with the groups that it does not know.
    pub(super) fn complete(&self, regex: &str) -> String {
        let mut parts = regex.split(REPEATED);
        let mut complete = parts.next().unwrap_or_default().to_owned();
        for (part, repeated) in parts.zip(&self.repeated) {
            complete.extend([repeated, part]);
        }
        complete
    }
}

/// What the text means, or why it is refused.
pub(super) fn check(text: &str) -> Result<Checked, Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if text.len() > BYTES_MAX {
        return Err(Error::TooLong { bytes: text.len(), bytes_max: BYTES_MAX });
    }
    check_characters(text)?;
    Reader::new(text).read()
}

/// Refuses what is no character of a glob, by what the writer may have meant.
fn check_characters(text: &str) -> Result<(), Error> {
    let pattern = || excerpt(text);
    let mut previous = None;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if let Some((_, after)) = named_group(previous, character, rest.as_str()) {
            (previous, rest) = (Some(')'), after.chars());
            continue;
        }
        match (previous, character) {
            (_, '@' | '+' | '!') if rest.as_str().starts_with('(') => {}
            (Some(mark @ ('@' | '+' | '*' | '?' | '!')), '(') => {
                return Err(Error::ExtGlob { pattern: pattern(), opening: format!("{mark}(") });
            }
            (_, '(' | ')') => return Err(Error::Parenthesis { pattern: pattern() }),
            (None, '!') => return Err(Error::Negation { pattern: pattern() }),
            (Some('['), mark @ ('!' | '^')) => {
                return Err(Error::NegatedClass { pattern: pattern(), mark });
            }
            (_, '|') => return Err(Error::Bar { pattern: pattern() }),
            (_, '/') => return Err(Error::Slash { pattern: pattern() }),
            (_, blank) if blank.is_whitespace() || blank.is_control() => {
                return Err(Error::Blank { pattern: pattern() });
            }
            (_, other) if !is_allowed(other) => {
                return Err(Error::Character {
                    pattern: pattern(),
                    character: excerpt(other.encode_utf8(&mut [0; 4])),
                });
            }
            _ => {}
        }
        previous = Some(character);
    }
    Ok(())
}

/// The `a|b` of `@(a|b)` and `+(a|b)`, and what follows the group. Names alone, beside names and colons, are read alike everywhere; anything
/// more is not, and nested repetition is what makes matching exponential elsewhere.
fn named_group(previous: Option<char>, mark: char, rest: &str) -> Option<(&str, &str)> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let is_beside = |character: char| is_name(character) || character == ':';
    let (names, after) = rest.strip_prefix('(').filter(|_| matches!(mark, '@' | '+'))?.split_once(')')?;
    let are_names = names.split('|').all(|name| !name.is_empty() && name.chars().all(is_name));
    (are_names && previous.is_none_or(is_beside) && after.chars().next().is_none_or(is_beside))
        .then_some((names, after))
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_:*?[]{},-\\.".contains(character)
}

/// One pair of braces, or the text around them.
#[derive(Default)]
struct Group {
    /// How many plain strings the finished alternatives stand for.
    expansions: usize,
    alternatives: usize,
    /// The most colons in a finished alternative.
    colons: usize,
    current: Alternative,
}

/// The alternative being read.
struct Alternative {
    expansions: usize,
    colons: usize,
    is_empty: bool,
}

impl Default for Alternative {
    fn default() -> Self {
        Self { expansions: 1, colons: 0, is_empty: true }
    }
}

/// Reads a glob once from left to right.
struct Reader<'text> {
    text: &'text str,
    rest: std::str::Chars<'text>,
    /// The groups around the current one, outermost first.
    outer: Vec<Group>,
    group: Group,
    has_wildcard: bool,
    previous: Option<char>,
    checked: Checked,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str) -> Self {
        Self {
            text,
            rest: text.chars(),
            outer: Vec::new(),
            group: Group::default(),
            has_wildcard: false,
            previous: None,
            checked: Checked::default(),
        }
    }

    fn read(mut self) -> Result<Checked, Error> {
        while let Some(character) = self.rest.next() {
            match character {
                '@' | '+' => self.named_group(character)?,
                '{' => self.open()?,
                '}' => self.close()?,
                ',' if !self.outer.is_empty() => self.end_alternative()?,
                '[' => self.class()?,
                ']' => return Err(self.unbalanced(']')),
                '\\' => self.escape()?,
                '*' => self.star(),
                '.' if !self.outer.is_empty() && self.rest.as_str().starts_with('.') => {
                    return Err(Error::BraceRange { pattern: self.pattern() });
                }
                other => {
                    self.has_wildcard |= other == '?';
                    self.literal(other);
                }
            }
            self.previous = Some(character);
        }
        if !self.outer.is_empty() {
            return Err(self.unbalanced('{'));
        }
        match self.group.current.colons {
            0 if !self.has_wildcard => Err(Error::OnePart { pattern: self.pattern() }),
            0..=2 => Ok(self.checked),
            _ => Err(Error::TooManyParts { pattern: self.pattern() }),
        }
    }

    fn pattern(&self) -> String {
        excerpt(self.text)
    }

    fn unbalanced(&self, bracket: char) -> Error {
        Error::Unbalanced { pattern: self.pattern(), bracket }
    }

    fn literal(&mut self, character: char) {
        self.group.current.is_empty = false;
        self.group.current.colons += usize::from(character == ':');
        self.checked.glob.push(character);
    }

    /// The characters are checked: a group it is, but braces may be around it.
    fn named_group(&mut self, mark: char) -> Result<(), Error> {
        let group = named_group(self.previous, mark, self.rest.as_str()).filter(|_| self.outer.is_empty());
        let Some((names, after)) = group else {
            return Err(Error::ExtGlob { pattern: self.pattern(), opening: format!("{mark}(") });
        };
        self.rest = after.chars();
        self.group.current.is_empty = false;
        if mark == '+' {
            self.has_wildcard = true;
            self.checked.glob.push(REPEATED);
            self.checked.repeated.push(format!("(?:{names})+"));
        } else if names.contains('|') {
            let alternatives = names.replace('|', ",");
            self.checked.glob.extend(["{", &alternatives, "}"]);
        } else {
            self.checked.glob.push_str(names);
        }
        Ok(())
    }

    fn star(&mut self) {
        let after = self.rest.as_str().trim_start_matches('*');
        self.rest = after.chars();
        self.has_wildcard = true;
        self.literal('*');
    }

    fn escape(&mut self) -> Result<(), Error> {
        match self.rest.next() {
            // In micromatch these reach the regular expression, where `\d` is any digit and `\1` a reference.
            None | Some('b' | 'c' | 'd' | 'f' | 'n' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x') => {
                Err(Error::OddEscape { pattern: self.pattern() })
            }
            Some('B' | 'D' | 'S' | 'W' | '0'..='9') => Err(Error::OddEscape { pattern: self.pattern() }),
            Some(escaped) => {
                self.checked.glob.push('\\');
                self.literal(escaped);
                Ok(())
            }
        }
    }

    fn open(&mut self) -> Result<(), Error> {
        if self.outer.len() == DEPTH_MAX {
            return Err(Error::TooNested { pattern: self.pattern(), depth_max: DEPTH_MAX });
        }
        self.outer.push(std::mem::take(&mut self.group));
        self.checked.glob.push('{');
        Ok(())
    }

    fn end_alternative(&mut self) -> Result<(), Error> {
        self.finish_alternative()?;
        self.checked.glob.push(',');
        Ok(())
    }

    fn finish_alternative(&mut self) -> Result<(), Error> {
        let Alternative { expansions, colons, is_empty } = std::mem::take(&mut self.group.current);
        if is_empty {
            return Err(Error::EmptyAlternative { pattern: self.pattern() });
        }
        self.group.alternatives += 1;
        self.group.expansions = self.group.expansions.saturating_add(expansions);
        self.group.colons = self.group.colons.max(colons);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(outer) = self.outer.pop() else {
            return Err(self.unbalanced('}'));
        };
        self.finish_alternative()?;
        let group = std::mem::replace(&mut self.group, outer);
        if group.alternatives == 1 {
            return Err(Error::OneAlternative { pattern: self.pattern() });
        }
        let current = &mut self.group.current;
        current.is_empty = false;
        current.colons += group.colons;
        current.expansions = current.expansions.saturating_mul(group.expansions);
        if current.expansions > EXPANSIONS_MAX {
            return Err(Error::TooManyAlternatives { pattern: self.pattern(), expansions_max: EXPANSIONS_MAX });
        }
        self.checked.glob.push('}');
        Ok(())
    }

    fn class(&mut self) -> Result<(), Error> {
        let after = self.rest.as_str();
        if after.starts_with("[:") {
            return Err(Error::NamedClass { pattern: self.pattern() });
        }
        let Some((members, rest)) = after.split_once(']') else {
            return Err(self.unbalanced('['));
        };
        if !is_plain_class(members) {
            return Err(Error::OddClass { pattern: self.pattern(), class: format!("[{members}]") });
        }
        self.checked.glob.push('[');
        self.checked.glob.push_str(members);
        self.checked.glob.push(']');
        self.rest = rest.chars();
        self.has_wildcard = true;
        self.group.current.is_empty = false;
        Ok(())
    }
}

/// Whether all engines read the members alike: single characters and rising ranges, with `-` itself only at either end.
/// globset reads `[a-c-e]` as `[a-e]` (0.4.21, glob.rs, `parse_class`).
fn is_plain_class(members: &str) -> bool {
    if members.is_empty() || members.contains(['[', '{', '}', ',', '\\', '(']) {
        return false;
    }
    let inner = members.strip_prefix('-').unwrap_or(members);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    let mut inner = inner.chars().peekable();
    while let Some(first) = inner.next() {
        let last = if inner.next_if_eq(&'-').is_some() { inner.next() } else { Some(first) };
        if first == '-' || last.is_none_or(|last| last == '-' || last < first) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
