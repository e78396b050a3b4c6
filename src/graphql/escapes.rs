//! Unicode escapes that the parser does not know (async-graphql 7.2): surrogate pairs and `\u{…}`. They become the characters they mean
//! (GraphQL specification, section 2.9.4) before the text is parsed.

use std::borrow::Cow;

/// The document with those escapes replaced; all else as it is.
pub(super) fn resolve(document: &str) -> Cow<'_, str> {
    if !document.contains("\\u") {
        return Cow::Borrowed(document);
    }
    let mut resolved = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(start) = rest.find(['"', '#']) {
        let (before, token) = rest.split_at(start);
        resolved.push_str(before);
        let length = if token.starts_with('#') {
            token.find('\n').unwrap_or(token.len())
        } else if token.starts_with("\"\"\"") {
            block_string_length(token)
        } else {
            let length = string_length(token);
            string(token.get(..length).unwrap_or(token), &mut resolved);
            rest = token.get(length..).unwrap_or_default();
            continue;
        };
        resolved.push_str(token.get(..length).unwrap_or(token));
        rest = token.get(length..).unwrap_or_default();
    }
    resolved.push_str(rest);
    Cow::Owned(resolved)
}

/// Bytes of a block string, quotes included.
fn block_string_length(token: &str) -> usize {
    let mut at = 3;
    while let Some(found) = token.get(at..).and_then(|rest| rest.find("\"\"\"")) {
        let end = at + found;
        if token.get(..end).is_some_and(|before| before.ends_with('\\')) {
            at = end + 3;
        } else {
            return end + 3;
        }
    }
    token.len()
}

/// Bytes of a string, quotes included; it ends with its line at the latest.
fn string_length(token: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in token.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            b'\n' => return at,
            _ => {}
        }
    }
    token.len()
}

fn string(token: &str, resolved: &mut String) {
    let mut rest = token;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        resolved.push_str(before);
        let length = if let Some((character, length)) = character(escape) {
            write(character, resolved);
            length
        } else {
            // Any other escape begins with two characters that stay as they are.
            let length = escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end);
            resolved.push_str(escape.get(..length).unwrap_or(escape));
            length
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    resolved.push_str(rest);
}

/// The character of `\u{1F3B5}` or of a surrogate pair, and the bytes of the escape.
fn character(escape: &str) -> Option<(char, usize)> {
    if let Some(braced) = escape.strip_prefix("\\u{") {
        let end = braced.find('}').filter(|end| (1..=8).contains(end))?;
        let code = u32::from_str_radix(braced.get(..end)?, 16).ok()?;
        return Some((char::from_u32(code)?, end + 4));
    }
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let pair = [unit(0)?, unit(6)?];
    let character = char::decode_utf16(pair).next()?.ok()?;
    (character.len_utf16() == 2).then_some((character, 12))
}

/// A character as a string may hold it.
fn write(character: char, resolved: &mut String) {
    match character {
        '"' => resolved.push_str("\\\""),
        '\\' => resolved.push_str("\\\\"),
        control if control < ' ' => {
            for part in ["\\u00", if control < '\u{10}' { "0" } else { "1" }] {
                resolved.push_str(part);
            }
            resolved.extend(char::from_digit(u32::from(control) % 16, 16));
        }
        other => resolved.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn only_escapes_in_strings_that_the_parser_lacks_are_resolved() {
        for (document, resolved) in [
            (r#"{ a(b: "no escapes") }"#, r#"{ a(b: "no escapes") }"#),
            (r#"{ a(b: "\u00e9 \n \\u{41}") }"#, r#"{ a(b: "\u00e9 \n \\u{41}") }"#),
            (r#"{ a(b: "\ud83c\udfb5!") }"#, r#"{ a(b: "🎵!") }"#),
            (r#"{ a(b: "\u{1F3B5}\u{22}\u{5c}\u{A}\u{1f}") }"#, r#"{ a(b: "🎵\"\\\u000a\u001f") }"#),
            (r#"{ a(b: "\ud83c alone \u{110000} \u{}") }"#, r#"{ a(b: "\ud83c alone \u{110000} \u{}") }"#),
            (
                r#"{ a(b: """\u{41} "\" \""" \u{42}""", c: "\u{43}") }"#,
                r#"{ a(b: """\u{41} "\" \""" \u{42}""", c: "C") }"#,
            ),
            ("# \"\\u{41}\n{ a(b: \"\\u{42}\") }", "# \"\\u{41}\n{ a(b: \"B\") }"),
            (r#"{ a(b: "open \u{41}"#, r#"{ a(b: "open A"#),
        ] {
            assert_eq!(resolve(document), resolved);
        }
    }
}
