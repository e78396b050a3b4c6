//! The syntax of globs: what micromatch and globset read alike passes, the rest is refused. Matches nothing itself.

use super::error::{Error, excerpt};

const BYTES_MAX: usize = 256;
const DEPTH_MAX: usize = 3;
const EXPANSIONS_MAX: usize = 1024;

/// The glob to hand to globset, which is the text with every run of `*` made one: without `/` they mean the same, and
/// globset misreads `**` after an escaped `,` within braces (0.4.21, glob.rs, `parse_star`).
pub(super) fn check(text: &str) -> Result<String, Error> {
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
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (previous, character) {
            (_, '@' | '+' | '!') if characters.peek() == Some(&'(') => {}
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
    glob: String,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str) -> Self {
        Self {
            text,
            rest: text.chars(),
            outer: Vec::new(),
            group: Group::default(),
            has_wildcard: false,
            glob: String::with_capacity(text.len()),
        }
    }

    fn read(mut self) -> Result<String, Error> {
        while let Some(character) = self.rest.next() {
            match character {
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
        }
        if !self.outer.is_empty() {
            return Err(self.unbalanced('{'));
        }
        match self.group.current.colons {
            0 if !self.has_wildcard => Err(Error::OnePart { pattern: self.pattern() }),
            0..=2 => Ok(self.glob),
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
        self.glob.push(character);
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
                self.glob.push('\\');
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
        self.glob.push('{');
        Ok(())
    }

    fn end_alternative(&mut self) -> Result<(), Error> {
        self.finish_alternative()?;
        self.glob.push(',');
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
        self.glob.push('}');
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
        self.glob.push('[');
        self.glob.push_str(members);
        self.glob.push(']');
        self.rest = rest.chars();
        self.has_wildcard = true;
        self.group.current.is_empty = false;
        Ok(())
    }
}

/// Whether all engines read the members alike: single characters and rising ranges, with `-` itself only at either end.
/// globset reads `[a-c-e]` as `[a-e]` (0.4.21, glob.rs, `parse_class`).
fn is_plain_class(members: &str) -> bool {
    if members.is_empty() || members.contains(['[', '{', '}', ',', '\\']) {
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
