//! The text forms of a date with time. Knows what is written where, and leaves calendar and zones to theirs.

use chrono::{NaiveDateTime, NaiveTime};

use super::calendar::{DateForm, time_of_day};
use super::cursor::Cursor;
use super::date_time::DateTime;
use super::error::{Error, shortened};
use super::zone::{OffsetText, WrittenOffset, Zone, named};

/// A text of the right form: the local time exists, the zone is not looked up yet.
pub(super) struct Written<'a> {
    local: NaiveDateTime,
    offset: Option<WrittenOffset<'a>>,
    zone_name: Option<&'a str>,
}

impl<'a> Written<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Error> {
        let not_a_date_time = || Error::NotADateTime { text: shortened(text) };
        let mut cursor = Cursor::new(text);
        let date = DateForm::read(&mut cursor).ok_or_else(not_a_date_time)?;
        let mut time = TimeForm::default();
        let (mut offset, mut zone_name) = (None, None);
        if cursor.letter('T') {
            time = TimeForm::read(&mut cursor).ok_or_else(not_a_date_time)?;
            if !cursor.is_at_end() && !cursor.rest().starts_with('[') {
                offset = Some(WrittenOffset::read(&mut cursor).ok_or_else(not_a_date_time)?);
            }
            zone_name = cursor.rest().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        }
        if zone_name.is_none() && !cursor.is_at_end() {
            return Err(not_a_date_time());
        }
        let local = NaiveDateTime::new(date.resolve()?, time.resolve()?);
        Ok(Self { local, offset, zone_name })
    }

    /// The time, with a zone that has the offset.
    pub(super) fn resolve(self) -> Result<DateTime, Error> {
        let offset = self.offset.map(WrittenOffset::seconds).transpose()?;
        let zone = self.zone_name.map(named).transpose()?;
        match (offset, zone) {
            (None, None) => DateTime::from_local(self.local, Zone::Offset(0)),
            (Some(offset), None) => DateTime::from_local(self.local, Zone::Offset(offset)),
            (None, Some(zone)) => DateTime::from_local(self.local, Zone::Named(zone)),
            (Some(offset), Some(zone)) => {
                let it = DateTime::with_offset(self.local, offset, Some(zone))?;
                if it.is_as_zone_says(zone) {
                    return Ok(it);
                }
                Err(Error::OffsetDisagrees {
                    zone: zone.name(),
                    given: self.offset.map(WrittenOffset::text).unwrap_or_default().to_owned(),
                    expected: OffsetText(Zone::Named(zone).offset_at_local(self.local)).to_string(),
                })
            }
        }
    }

    /// The time with both offset and zone name as written, whether the zone has the offset or not.
    pub(super) fn resolve_as_it_is(self) -> Option<DateTime> {
        let offset_seconds = self.offset?.seconds().ok()?;
        let zone = self.zone_name.map(named).transpose().ok()?;
        DateTime::with_offset(self.local, offset_seconds, zone).ok()
    }
}

/// A time of day as it was written, not yet known to exist.
#[derive(Default)]
struct TimeForm {
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: u32,
}

impl TimeForm {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let digits = cursor.count_digits();
        let mut time = Self { hour: cursor.digits(2)?, ..Self::default() };
        if digits == 6 {
            time.minute = cursor.digits(2)?;
            time.second = cursor.digits(2)?;
            return Some(time);
        }
        if digits != 2 {
            return None;
        }
        if cursor.char(':') {
            time.minute = cursor.digits_between(2, 2)?;
            if cursor.char(':') {
                time.second = cursor.digits_between(2, 2)?;
                if cursor.char('.') {
                    time.nanosecond = nanoseconds(cursor)?;
                }
            }
        }
        Some(time)
    }

    fn resolve(self) -> Result<NaiveTime, Error> {
        time_of_day(self.hour, self.minute, self.second, self.nanosecond)
    }
}

/// Reads the fraction of a second, 1 to 9 digits.
fn nanoseconds(cursor: &mut Cursor<'_>) -> Option<u32> {
    let missing = 9_usize.checked_sub(cursor.count_digits())?;
    let fraction = u32::try_from(cursor.digits_between(1, 9)?).ok()?;
    Some(fraction * 10_u32.pow(u32::try_from(missing).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_form_is_read() {
        let cases = [
            ("1992-10-09", "1992-10-09T00:00:00Z"),
            ("1992", "1992-01-01T00:00:00Z"),
            ("1992-W41-5T10", "1992-10-09T10:00:00Z"),
            ("19921009T134710", "1992-10-09T13:47:10Z"),
            ("19921009t134710z", "1992-10-09T13:47:10Z"),
            ("2021-06-22T13", "2021-06-22T13:00:00Z"),
            ("2021-06-22T13:47", "2021-06-22T13:47:00Z"),
            ("2021-06-22T13:47:10", "2021-06-22T13:47:10Z"),
            ("2021-06-22T13:47:10.5", "2021-06-22T13:47:10.5Z"),
            ("2021-06-22T13:47:10.000000001", "2021-06-22T13:47:10.000000001Z"),
            ("2021-06-22T13:47:10.690Z", "2021-06-22T13:47:10.69Z"),
            ("2021-06-22T13+02", "2021-06-22T13:00:00+02:00"),
            ("2021-06-22T13:47+0230", "2021-06-22T13:47:00+02:30"),
            ("2021-06-22T13:47-02:30", "2021-06-22T13:47:00-02:30"),
            ("2021-06-22T134710-18", "2021-06-22T13:47:10-18:00"),
            ("2021-06-22T13:47+00:00", "2021-06-22T13:47:00Z"),
            ("2021-06-22T13:47-00:00", "2021-06-22T13:47:00Z"),
            ("2021-06-22T13:47[Europe/Amsterdam]", "2021-06-22T13:47:00+02:00[Europe/Amsterdam]"),
            ("2021-06-22T13:47+02:00[europe/amsterdam]", "2021-06-22T13:47:00+02:00[Europe/Amsterdam]"),
            ("2021-06-22T13:47[America/New York]", "2021-06-22T13:47:00-04:00[America/New_York]"),
            ("2021-06-22T13:47Z[UTC]", "2021-06-22T13:47:00Z[UTC]"),
            ("2021-06-22T13:47[utc]", "2021-06-22T13:47:00Z[UTC]"),
            ("-44-3-15T12", "-0044-03-15T12:00:00Z"),
        ];
        for (text, formatted) in cases {
            assert_eq!(DateTime::parse(text).map(DateTime::formatted), Ok(formatted.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clock_skips_is_put_forward_and_the_first_of_two_is_taken() {
        let cases = [
            ("2021-03-28T02:30[Europe/Amsterdam]", "2021-03-28T03:30:00+02:00[Europe/Amsterdam]"),
            ("2021-10-31T02:30[Europe/Amsterdam]", "2021-10-31T02:30:00+02:00[Europe/Amsterdam]"),
            ("2021-10-31T02:30+02:00[Europe/Amsterdam]", "2021-10-31T02:30:00+02:00[Europe/Amsterdam]"),
            ("2021-10-31T02:30+01:00[Europe/Amsterdam]", "2021-10-31T02:30:00+01:00[Europe/Amsterdam]"),
            ("2011-12-30T12:00[Pacific/Apia]", "2011-12-31T12:00:00+14:00[Pacific/Apia]"),
        ];
        for (text, formatted) in cases {
            assert_eq!(DateTime::parse(text).map(DateTime::formatted), Ok(formatted.to_owned()), "{text}");
        }
    }

    #[test]
    fn clocks_still_change_in_years_that_no_table_lists() {
        let cases = [
            ("2150-07-01T00:00[Europe/Amsterdam]", "2150-07-01T00:00:00+02:00[Europe/Amsterdam]"),
            ("2150-12-01T00:00[Europe/Amsterdam]", "2150-12-01T00:00:00+01:00[Europe/Amsterdam]"),
            ("2100-07-01T00:00[Australia/Sydney]", "2100-07-01T00:00:00+10:00[Australia/Sydney]"),
            ("2400-02-29T00:00+11:00[Australia/Sydney]", "2400-02-29T00:00:00+11:00[Australia/Sydney]"),
        ];
        for (text, formatted) in cases {
            assert_eq!(DateTime::parse(text).map(DateTime::formatted), Ok(formatted.to_owned()), "{text}");
        }
    }

    #[test]
    fn another_form_is_refused() {
        let cases = [
            "",
            "T13:47",
            "2021-06-22T",
            "2021-06-22 13:47",
            "2021-06-22T1",
            "2021-06-22T1:47",
            "2021-06-22T13:4",
            "2021-06-22T1347",
            "2021-06-22T13:47:1",
            "2021-06-22T13:47:10.",
            "2021-06-22T13:47:10,5",
            "2021-06-22T13:47:10.0000000001",
            "2021-06-22T134710.5",
            "2021-06-22T13:47 Z",
            "2021-06-22T13:47ZZ",
            "2021-06-22T13:47Z+02:00",
            "2021-06-22T13:47+2",
            "2021-06-22T13:47+02:0",
            "2021-06-22T13:47+020",
            "2021-06-22T13:47+02000",
            "2021-06-22T13:47+02:00:000",
            "2021-06-22T13:47[",
            "2021-06-22T13:47[UTC",
            "2021-06-22T13:47[UTC] ",
            "2021-06-22T13:47UTC",
            "2021-06-22Z",
            "2021-06-22+02:00",
            "2021-06-22[UTC]",
            "2021-06-22T13:47:10Z\n",
        ];
        for text in cases {
            assert_eq!(DateTime::parse(text), Err(Error::NotADateTime { text: text.to_owned() }), "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_an_error_that_says_so() {
        let unknown = |zone: &str| {
            format!(
                "`{zone}` is not a time zone: give `Z`, an offset such as `+02:00`, or an IANA name such as \
                 `Europe/Amsterdam`"
            )
        };
        let offset = |text: &str| {
            format!("`{text}` is not a time zone offset: give one from `-18:00` to `+18:00`, minutes from 0 to 59")
        };
        let disagrees = |given: &str, expected: &str| {
            format!(
                "`Europe/Amsterdam` does not have the offset `{given}` at that time: give `{expected}`, or only one \
                 of the two"
            )
        };
        let year = |year: i32| format!("`year` is `{year}`: give a number from -262142 to 262142");
        let cases = [
            ("2021-02-30T10", "`day` `30` does not exist in `2021-02`: give a number from 1 to 28".to_owned()),
            ("2021-06-22T24:00", "`hour` is `24`: give a number from 0 to 23".to_owned()),
            ("2021-06-22T13:60", "`minute` is `60`: give a number from 0 to 59".to_owned()),
            ("2021-06-22T13:47:60", "`second` is `60`: give a number from 0 to 59".to_owned()),
            ("2021-06-22T13:47[Mars]", unknown("Mars")),
            ("2021-06-22T13:47[]", unknown("")),
            ("2021-06-22T13:47[UTC][UTC]", unknown("UTC][UTC")),
            ("2021-06-22T13:47+18:01", offset("+18:01")),
            ("2021-06-22T13:47-1900", offset("-1900")),
            ("2021-06-22T13:47+02:60", offset("+02:60")),
            ("2021-06-22T13:47+01:00[Europe/Amsterdam]", disagrees("+01:00", "+02:00")),
            ("2021-06-22T13:47Z[Europe/Amsterdam]", disagrees("Z", "+02:00")),
            ("2021-03-28T02:30+02:00[Europe/Amsterdam]", disagrees("+02:00", "+01:00")),
            ("+262142-12-31T23:00-02:00", year(262_143)),
            ("-262142-01-01T01:00+02:00", year(-262_143)),
        ];
        for (text, message) in cases {
            assert_eq!(DateTime::parse(text).map_err(|error| error.to_string()), Err(message), "{text}");
        }
    }
}
