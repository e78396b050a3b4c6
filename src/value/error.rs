//! What can be wrong with a date or a time. Does not know which argument it was given for.

/// Why a text or a set of components is not a date or a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text has none of the forms of a date.
    #[error(
        "`{text}` is not a date: write it as `1819-09-13`, `18190913`, `1819-09`, `1819`, `1819-W37-1`, `1819-Q3-75` \
         or `1819-256`"
    )]
    NotADate {
        /// The text, shortened.
        text: String,
    },
    /// The text has none of the forms of a date with time.
    #[error(
        "`{text}` is not a date with time: write it as `2021-06-22T13:47:10Z`, `2021-06-22T13:47:10.5+02:00` or \
         `2021-06-22T13:47[Europe/Amsterdam]`"
    )]
    NotADateTime {
        /// The text, shortened.
        text: String,
    },
    /// A component is never as small or as large as this.
    #[error("`{component}` is `{value}`: give a number from {first} to {last}")]
    OutOfRange {
        /// The component as the input object names it.
        component: &'static str,
        /// What was given.
        value: i64,
        /// The smallest that is possible.
        first: i64,
        /// The largest that is possible.
        last: i64,
    },
    /// A component is too large for this month, quarter or year.
    #[error("`{component}` `{value}` does not exist in `{period}`: give a number from 1 to {last}")]
    NotInPeriod {
        /// The component as the input object names it.
        component: &'static str,
        /// What was given.
        value: i64,
        /// The month, quarter or year.
        period: String,
        /// The largest that this period has.
        last: i64,
    },
    /// A component is given, and a larger one that it needs is not.
    #[error("`{given}` is given without `{missing}`: give `{missing}` too, or leave out `{given}`")]
    Gap {
        /// The component that was given.
        given: &'static str,
        /// The larger component.
        missing: &'static str,
    },
    /// There is nothing to make a value of.
    #[error("no component is given: give `year` or `formatted`")]
    Empty,
    /// The text is neither an offset nor a zone name.
    #[error(
        "`{zone}` is not a time zone: give `Z`, an offset such as `+02:00`, or an IANA name such as `Europe/Amsterdam`"
    )]
    UnknownZone {
        /// The text, shortened.
        zone: String,
    },
    /// The offset has too many hours or minutes.
    #[error("`{offset}` is not a time zone offset: give one from `-18:00` to `+18:00`, minutes from 0 to 59")]
    OffsetOutOfRange {
        /// The offset as it was given.
        offset: String,
    },
    /// The zone has another offset at that time.
    #[error("`{zone}` does not have the offset `{given}` at that time: give `{expected}`, or only one of the two")]
    OffsetDisagrees {
        /// Name of the zone.
        zone: &'static str,
        /// The offset in the text.
        given: String,
        /// The offset the zone has.
        expected: String,
    },
}

/// The text as an error shows it: at most 80 characters.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_start_of_a_long_text() {
        assert_eq!(shortened("1819"), "1819");
        assert_eq!(shortened(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(shortened(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
    }
}
