//! A date without time or zone. Knows its forms as text; how components become one is in `components`.

use chrono::{Datelike, NaiveDate};

use super::calendar::{DateForm, Year};
use super::cursor::Cursor;
use super::error::{Error, shortened};
use super::stored::YearKey;

/// A day of the proleptic ISO calendar, years -262142 to 262142. Ordered chronologically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub(super) NaiveDate);

impl Date {
    /// Reads `YYYY`, `YYYY-MM`, `YYYYMM`, `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]`, `YYYY-Qq[-dd]` or `YYYY-DDD`.
    /// Where a dash follows or nothing does, the year may have a sign and then 1 to 9 digits.
    ///
    /// # Errors
    ///
    /// The text has another form, or the calendar has no such date.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut cursor = Cursor::new(text);
        match DateForm::read(&mut cursor) {
            Some(form) if cursor.is_at_end() => form.resolve().map(Self),
            _ => Err(Error::NotADate { text: shortened(text) }),
        }
    }

    /// Reads what [`Self::to_stored`] wrote, and nothing else.
    pub fn from_stored(stored: &str) -> Option<Self> {
        let formatted = stored.split_once(' ').map_or(stored, |(_, formatted)| formatted);
        Self::parse(formatted).ok().filter(|date| date.to_stored() == stored)
    }

    /// As `java.time` prints it: `1819-09-13`, `-0044-03-15`, `+12345-01-01`.
    pub fn formatted(self) -> String {
        self.to_string()
    }

    /// The text to store; see the module for its form.
    pub fn to_stored(self) -> String {
        let key = format!("{}-{:02}-{:02}", YearKey(self.year()), self.month(), self.day());
        if YearKey(self.year()).is_plain() { key } else { format!("{key} {self}") }
    }

    /// -262142 to 262142.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// 1 to 12.
    pub fn month(self) -> u32 {
        self.0.month()
    }

    /// 1 to 31.
    pub fn day(self) -> u32 {
        self.0.day()
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:02}-{:02}", Year(self.year()), self.month(), self.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_form_is_read() {
        let cases = [
            ("1819", "1819-01-01"),
            ("1819-09", "1819-09-01"),
            ("1819-9", "1819-09-01"),
            ("181909", "1819-09-01"),
            ("1819-09-13", "1819-09-13"),
            ("1819-9-3", "1819-09-03"),
            ("18190913", "1819-09-13"),
            ("1819-W37", "1819-09-13"),
            ("1819-W37-1", "1819-09-13"),
            ("2020-W53-7", "2021-01-03"),
            ("2020-W01-1", "2019-12-30"),
            ("1819-Q3", "1819-07-01"),
            ("1819-Q3-75", "1819-09-13"),
            ("2020-Q1-91", "2020-03-31"),
            ("1819-256", "1819-09-13"),
            ("2020-366", "2020-12-31"),
            ("2020-02-29", "2020-02-29"),
            ("0099-01-02", "0099-01-02"),
            ("+99-01-02", "0099-01-02"),
            ("0000", "0000-01-01"),
            ("-0", "0000-01-01"),
            ("-44", "-0044-01-01"),
            ("-0044-03-15", "-0044-03-15"),
            ("-44-W01-1", "-0044-01-02"),
            ("+12345", "+12345-01-01"),
            ("+12345-01-01", "+12345-01-01"),
            ("+000012345-12", "+12345-12-01"),
            ("-12345-001", "-12345-01-01"),
            ("+262142-12-31", "+262142-12-31"),
            ("-262142-01-01", "-262142-01-01"),
        ];
        for (text, formatted) in cases {
            assert_eq!(Date::parse(text).map(Date::formatted), Ok(formatted.to_owned()), "{text}");
        }
    }

    #[test]
    fn another_form_is_refused() {
        let cases = [
            "",
            " ",
            "1",
            "181",
            "18190",
            "1819091",
            "181909130",
            "1819-",
            "1819-09-",
            "1819-09-13 ",
            " 1819",
            "1819-09-013",
            "1819-0913",
            "1819-1",
            "12345-01-01",
            "+",
            "+1234567890",
            "--44",
            "1819/09/13",
            "1819-w37",
            "1819-W7",
            "1819W37",
            "1819-W37-12",
            "1819-q3",
            "1819-Q3-5",
            "1819Q3",
            "1819-Q33",
            "1819-09-13T00:00",
            "1819-09-13Z",
            "1819.5",
            "１８１９",
            "1819\n",
            "formatted",
            "+181909",
        ];
        let accepted: Vec<_> = cases.into_iter().filter(|text| Date::parse(text).is_ok()).collect();
        // A month may have one digit, and a signed year up to nine.
        assert_eq!(accepted, ["1819-1", "+181909"]);
        assert!(matches!(Date::parse("1819091"), Err(Error::NotADate { text }) if text == "1819091"));
    }

    #[test]
    fn a_date_that_does_not_exist_is_an_error_that_says_so() {
        let cases = [
            ("2021-02-30", "`day` `30` does not exist in `2021-02`: give a number from 1 to 28"),
            ("2020-02-30", "`day` `30` does not exist in `2020-02`: give a number from 1 to 29"),
            ("1900-02-29", "`day` `29` does not exist in `1900-02`: give a number from 1 to 28"),
            ("20210431", "`day` `31` does not exist in `2021-04`: give a number from 1 to 30"),
            ("2021-13", "`month` is `13`: give a number from 1 to 12"),
            ("2021-00-01", "`month` is `0`: give a number from 1 to 12"),
            ("2021-01-32", "`day` is `32`: give a number from 1 to 31"),
            ("2021-W53", "`week` `53` does not exist in `2021`: give a number from 1 to 52"),
            ("2021-W00", "`week` is `0`: give a number from 1 to 53"),
            ("2021-W01-8", "`day of week` is `8`: give a number from 1 to 7"),
            ("2021-Q5", "`quarter` is `5`: give a number from 1 to 4"),
            ("2021-Q1-91", "`day of quarter` `91` does not exist in `2021-Q1`: give a number from 1 to 90"),
            ("2021-Q2-92", "`day of quarter` `92` does not exist in `2021-Q2`: give a number from 1 to 91"),
            ("2021-Q3-93", "`day of quarter` is `93`: give a number from 1 to 92"),
            ("2021-366", "`day of year` `366` does not exist in `2021`: give a number from 1 to 365"),
            ("2020-367", "`day of year` is `367`: give a number from 1 to 366"),
            ("+262143", "`year` is `262143`: give a number from -262142 to 262142"),
            ("-999999999", "`year` is `-999999999`: give a number from -262142 to 262142"),
        ];
        for (text, message) in cases {
            assert_eq!(Date::parse(text).map_err(|error| error.to_string()), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        let cases = [
            ("1819-09-13", "1819-09-13"),
            ("0000-01-01", "0000-01-01"),
            ("9999-12-31", "9999-12-31"),
            ("-0044-03-15", "-999956-03-15 -0044-03-15"),
            ("-0001-12-31", "-999999-12-31 -0001-12-31"),
            ("+10000-01-01", "Y010000-01-01 +10000-01-01"),
            ("+12345-01-01", "Y012345-01-01 +12345-01-01"),
        ];
        for (text, stored) in cases {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.to_stored(), stored);
            assert_eq!(Date::from_stored(stored), Some(date));
        }
    }

    #[test]
    fn a_text_that_was_not_stored_by_us_is_no_stored_date() {
        let cases =
            ["", "1819", "1819-9-13", "18190913", "-0044-03-15", "-999956-03-15 -0045-03-15", "1819-09-13 1819-09-13"];
        for text in cases {
            assert_eq!(Date::from_stored(text), None, "{text}");
        }
    }
}
