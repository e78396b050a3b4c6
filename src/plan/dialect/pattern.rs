//! Patterns of the crate regex as PostgreSQL's (documentation, section 9.7.3, "advanced" regular expressions).
//!
//! Everything is written out: classes as ranges and letters in both cases, so that neither the flags nor the collation decide anything.

use std::borrow::Cow;
use std::fmt::Write as _;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Most repetitions that PostgreSQL counts.
const REPETITIONS_MAX: u32 = 255;
/// Longest pattern that results.
const BYTES_MAX: usize = 256 * 1024;

/// The same pattern for PostgreSQL; `None` if it has none.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let hir = ParserBuilder::new().build().parse(pattern).ok()?;
    // "***=" and the like have a meaning at the start only, where a parenthesis stands.
    let mut text = String::from("(?:");
    write(&hir, &mut text)?;
    text.push(')');
    Some(text)
}

fn write(hir: &Hir, text: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => text.push_str("(?:)"),
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok()?.chars().for_each(|it| character(it, text)),
        HirKind::Class(Class::Unicode(class)) => ranges(class.ranges().iter().map(|it| (it.start(), it.end())), text),
        HirKind::Class(Class::Bytes(class)) => {
            ranges(class.ranges().iter().map(|it| (char::from(it.start()), char::from(it.end()))), text);
        }
        HirKind::Look(look) => text.push_str(&assertion(*look)?),
        HirKind::Repetition(repetition) => repeated(repetition, text)?,
        // What is captured is nobody's business, and would only cost time.
        HirKind::Capture(capture) => group(&capture.sub, text)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, text))?,
        HirKind::Alternation(parts) => {
            text.push_str("(?:");
            for (position, part) in parts.iter().enumerate() {
                if position > 0 {
                    text.push('|');
                }
                write(part, text)?;
            }
            text.push(')');
        }
    }
    (text.len() <= BYTES_MAX).then_some(())
}

fn group(hir: &Hir, text: &mut String) -> Option<()> {
    text.push_str("(?:");
    write(hir, text)?;
    text.push(')');
    Some(())
}

/// Whether a repetition takes as much or as little as it can does not matter to whether the whole matches.
fn repeated(repetition: &Repetition, text: &mut String) -> Option<()> {
    let (least, most) = (repetition.min, repetition.max);
    if least.max(most.unwrap_or(0)) > REPETITIONS_MAX {
        return None;
    }
    group(&repetition.sub, text)?;
    match (least, most) {
        (0, None) => text.push('*'),
        (1, None) => text.push('+'),
        (0, Some(1)) => text.push('?'),
        (least, None) => write!(text, "{{{least},}}").ok()?,
        (least, Some(most)) => write!(text, "{{{least},{most}}}").ok()?,
    }
    Some(())
}

/// Anchors of texts and lines, and boundaries of words by the letters that the crate knows: the collation's are fewer.
fn assertion(look: Look) -> Option<Cow<'static, str>> {
    match look {
        Look::Start => Some("\\A".into()),
        Look::End => Some("\\Z".into()),
        Look::StartLF => Some("(?:\\A|(?<=\\n))".into()),
        Look::EndLF => Some("(?:\\Z|(?=\\n))".into()),
        Look::WordAscii | Look::WordUnicode => {
            let letter = word(look)?;
            Some(format!("(?:(?<={letter})(?!{letter})|(?<!{letter})(?={letter}))").into())
        }
        Look::WordAsciiNegate | Look::WordUnicodeNegate => {
            let letter = word(look)?;
            Some(format!("(?:(?<={letter})(?={letter})|(?<!{letter})(?!{letter}))").into())
        }
        _ => None,
    }
}

/// What words consist of.
fn word(look: Look) -> Option<String> {
    let class = if matches!(look, Look::WordAscii | Look::WordAsciiNegate) { r"(?-u:\w)" } else { r"\w" };
    let mut text = String::new();
    write(&ParserBuilder::new().build().parse(class).ok()?, &mut text)?;
    Some(text)
}

fn ranges(ranges: impl Iterator<Item = (char, char)>, text: &mut String) {
    let mut is_empty = true;
    text.push('[');
    for (first, last) in ranges {
        // PostgreSQL's texts have no NUL.
        let (first, last) = (first.max('\u{1}'), last);
        if first > last {
            continue;
        }
        is_empty = false;
        character(first, text);
        if first != last {
            text.push('-');
            character(last, text);
        }
    }
    text.push(']');
    if is_empty {
        text.truncate(text.len() - 2);
        // Matches nothing.
        text.push_str("(?!)");
    }
}

/// As it is if it has no meaning anywhere, else by its number.
fn character(character: char, text: &mut String) {
    if character.is_ascii_alphanumeric() {
        text.push(character);
    } else {
        let number = u32::from(character);
        // Writing into a string does not fail.
        let _ = if number > 0xFFFF { write!(text, "\\U{number:08x}") } else { write!(text, "\\u{number:04x}") };
    }
}
