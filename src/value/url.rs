//! Whether a text is a web address, by the rules of validator.js 13.7.0 `isURL` with `require_protocol`,
//! `require_valid_protocol` and the protocols `http` and `https`. Knows nothing of what the address leads to.
//!
//! Lengths are counted in UTF-16 units, as in JavaScript.

use std::net::{Ipv4Addr, Ipv6Addr};

const LENGTH_LIMIT: usize = 2083;
const LABEL_LENGTH_MAX: usize = 63;

/// Whether `text` is an absolute `http` or `https` URL whose host is an IP address or a name with a top level domain.
///
/// Path, query and fragment may hold anything but whitespace, `<` and `>`.
pub fn is_valid(text: &str) -> bool {
    if text.encode_utf16().count() >= LENGTH_LIMIT || text.chars().any(is_refused_anywhere) {
        return false;
    }
    let before_fragment = text.split('#').next().unwrap_or_default();
    let before_query = before_fragment.split('?').next().unwrap_or_default();
    let Some((protocol, rest)) = before_query.split_once("://") else {
        return false;
    };
    let is_web = protocol.eq_ignore_ascii_case("http") || protocol.eq_ignore_ascii_case("https");
    is_web && is_authority(rest.split('/').next().unwrap_or_default())
}

/// JavaScript's `\s`, and what opens and closes a tag.
fn is_refused_anywhere(found: char) -> bool {
    matches!(found, '<' | '>') || is_javascript_space(found)
}

fn is_javascript_space(found: char) -> bool {
    // U+0085 is white in Unicode only, U+FEFF in JavaScript only.
    found == '\u{FEFF}' || (found != '\u{85}' && found.is_whitespace())
}

fn is_authority(authority: &str) -> bool {
    match authority.split_once('@') {
        Some((credentials, host)) => is_credentials(credentials) && is_host_with_port(host),
        None => is_host_with_port(authority),
    }
}

/// A name, a name and a password, or a password alone.
fn is_credentials(credentials: &str) -> bool {
    !matches!(credentials, "" | ":") && credentials.matches(':').count() <= 1
}

fn is_host_with_port(text: &str) -> bool {
    if let Some((address, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return is_ipv6(address) && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        // A colon with nothing after it is accepted.
        Some((host, port)) => is_host(host) && (port.is_empty() || is_port(port)),
        None => is_host(text),
    }
}

fn is_port(text: &str) -> bool {
    let number = text.trim_start_matches('0');
    text.bytes().all(|byte| byte.is_ascii_digit()) && number.parse::<u16>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_ipv6_zone)
}

fn is_ipv6_zone(zone: &str) -> bool {
    !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
}

fn is_host(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok() || is_domain_name(host)
}

fn is_domain_name(name: &str) -> bool {
    let Some((_, top_level)) = name.rsplit_once('.') else {
        return false;
    };
    is_top_level_domain(top_level) && name.split('.').all(is_label)
}

/// Two letters at least, or `xn` and two more; so that digits alone are none.
fn is_top_level_domain(text: &str) -> bool {
    let is_word = text.chars().count() >= 2 && text.chars().all(is_top_level_letter);
    is_word || is_encoded_top_level_domain(text)
}

fn is_top_level_letter(found: char) -> bool {
    found.is_ascii_alphabetic()
        || matches!(found, '\u{A1}'..='\u{A8}' | '\u{AA}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}')
}

fn is_encoded_top_level_domain(text: &str) -> bool {
    let Some((prefix, rest)) = text.split_at_checked(2) else {
        return false;
    };
    prefix.eq_ignore_ascii_case("xn")
        && rest.len() >= 2
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_LENGTH_MAX).contains(&label.encode_utf16().count())
        && label.chars().all(is_label_char)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_label_char(found: char) -> bool {
    let is_fullwidth = matches!(found, '\u{FF01}'..='\u{FF5E}');
    found.is_ascii_alphanumeric() || found == '-' || (found >= '\u{A1}' && !is_fullwidth)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../tests/data/url-cases.json");

    #[test]
    fn every_measured_case_is_answered_as_the_original_did() {
        let file: serde_json::Value = serde_json::from_str(CASES).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 134);
        for case in cases {
            let url = case["url"].as_str().unwrap();
            assert_eq!(Some(is_valid(url)), case["valid"].as_bool(), "{url}");
        }
    }

    #[test]
    fn what_was_not_measured_follows_the_rules_of_the_original() {
        let cases = [
            ("http://:@example.com", false),
            ("http://[::1]:", false),
            ("http://[::1]:0", false),
            ("http://[::1]:00443", true),
            ("http://[::1]x", false),
            ("http://[fe80::1%eth0]/", true),
            ("http://[fe80::1%]/", false),
            ("http://[::ffff:1.2.3.4]/", true),
            ("http://[::ffff:01.2.3.4]/", false),
            ("http://[1.2.3.4]/", false),
            ("http://a@[::1]/", true),
            ("http://01.2.3.4", false),
            ("http://example.com:00000000000000000000000000000000080", true),
            ("http://example.com:+80", false),
            ("http://example.com:99999999999999999999999999999999999", false),
            ("http://a\u{85}b.com", false),
            ("http://example.com/\u{85}", true),
            ("http://example.com/\u{FEFF}", false),
            ("http://\u{1F600}.com", true),
            ("http://com.\u{1F600}", false),
            ("http://example.\u{A9}\u{A9}", false),
            ("http://example.XN--P1AI", true),
            ("http://example.xn-1", true),
            ("http://example.xn-", false),
        ];
        for (url, expected) in cases {
            assert_eq!(is_valid(url), expected, "{url}");
        }
    }

    #[test]
    fn length_is_counted_in_utf_16_units() {
        let with_characters = |character: &str, count| format!("http://example.com/{}", character.repeat(count));
        assert!(is_valid(&with_characters("ü", 2082 - 19)));
        assert!(!is_valid(&with_characters("ü", 2083 - 19)));
        assert!(is_valid(&with_characters("\u{1F600}", 1031)));
        assert!(!is_valid(&with_characters("\u{1F600}", 1032)));
    }
}
