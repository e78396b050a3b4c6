//! Whether a language is wanted: filtering by ranges (RFC 4647, section 3.3.1), and weights (RFC 9110, section 12.5.4).

/// A range of languages and how welcome they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguageRange<'a> {
    /// `en`, `de-CH`, `*`.
    pub range: &'a str,
    /// In thousandths; 0: not at all.
    pub quality: u16,
}

/// Whether a language is among those that are wanted; the most specific range that covers it decides. Nothing wanted: all are.
///
/// A range for a country covers the language without one (RFC 4647, section 3.4), as in the CE-API.
/// What has no language is wanted only by `*`, as there.
pub fn is_wanted(language: Option<&str>, ranges: &[LanguageRange<'_>]) -> bool {
    if ranges.is_empty() {
        return true;
    }
    let best = ranges.iter().filter_map(|range| Some((specificity(language, range.range)?, range.quality))).max();
    best.is_some_and(|(_, quality)| quality > 0)
}

/// How closely a range covers a language; `None`: not at all.
fn specificity(language: Option<&str>, range: &str) -> Option<usize> {
    if range == "*" {
        return Some(0);
    }
    let language = language?;
    if is_below(language, range) {
        return Some(1 + range.len());
    }
    // `en-GB` for `en`: least of all that name the language, and no reason to exclude it.
    is_below(range, language).then_some(1)
}

/// Whether `tag` is `range`, or begins with it and a hyphen.
fn is_below(tag: &str, range: &str) -> bool {
    tag.get(..range.len()).is_some_and(|start| start.eq_ignore_ascii_case(range))
        && tag.get(range.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Language, ranges with their qualities, whether it is wanted.
    type Case<'a> = (Option<&'a str>, &'a [(&'a str, u16)], bool);

    #[test]
    fn the_closest_range_decides() {
        let cases: &[Case<'_>] = &[
            (Some("en"), &[], true),
            (None, &[], true),
            (Some("en"), &[("en", 1000)], true),
            (Some("en"), &[("EN", 1)], true),
            (Some("en"), &[("nl", 1000)], false),
            (Some("en"), &[("nl", 1000), ("*", 100)], true),
            (Some("en"), &[("nl", 1000), ("*", 0)], false),
            (Some("en"), &[("en", 0), ("*", 1000)], false),
            (Some("en"), &[("en-US", 900), ("nl", 1000)], true),
            (Some("en"), &[("en-US", 0), ("en-GB", 500)], true),
            (Some("en"), &[("en-US", 1000), ("en", 0)], false),
            (Some("en-GB"), &[("en", 1000)], true),
            (Some("en-GB"), &[("en-GB", 0), ("en", 1000)], false),
            (Some("eng"), &[("en", 1000)], false),
            (None, &[("en", 1000)], false),
            (None, &[("en", 1000), ("*", 1)], true),
        ];
        for (language, ranges, expected) in cases {
            let ranges: Vec<_> =
                ranges.iter().map(|(range, quality)| LanguageRange { range, quality: *quality }).collect();
            assert_eq!(is_wanted(*language, &ranges), *expected, "{language:?} {ranges:?}");
        }
    }
}
