//! Dates and times given as numbers, the way the input objects have them. Knows no text forms but that of the zone.

use chrono::{NaiveDateTime, Utc};

use super::calendar::{DateForm, time_of_day, within};
use super::date::Date;
use super::date_time::DateTime;
use super::error::Error;
use super::zone::Zone;

/// A date by its components, from the largest down without gaps. Month and day default to 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the input object")]
pub struct DateComponents {
    pub year: Option<i64>,
    pub month: Option<i64>,
    pub day: Option<i64>,
}

/// A date with time by its components, from the largest down without gaps. Month and day default to 1 if there is no
/// time, the time to midnight, the zone to `Z`.
///
/// The parts of a second add up: milliseconds 0 to 999; microseconds 0 to 999 999 and nanoseconds 0 to 999 999 999,
/// or both 0 to 999 next to another part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the input object")]
pub struct DateTimeComponents {
    pub year: Option<i64>,
    pub month: Option<i64>,
    pub day: Option<i64>,
    pub hour: Option<i64>,
    pub minute: Option<i64>,
    pub second: Option<i64>,
    pub millisecond: Option<i64>,
    pub microsecond: Option<i64>,
    pub nanosecond: Option<i64>,
    pub timezone: Option<String>,
}

impl Date {
    /// The date with these components.
    ///
    /// # Errors
    ///
    /// There are no components, there is a gap between them, or the calendar has no such date.
    pub fn from_components(components: &DateComponents) -> Result<Self, Error> {
        let &DateComponents { year, month, day } = components;
        check_gaps(&[("year", year), ("month", month), ("day", day)])?;
        let Some(year) = year else {
            return Err(Error::Empty);
        };
        DateForm::Month { year, month: month.unwrap_or(1), day: day.unwrap_or(1) }.resolve().map(Self)
    }
}

impl DateTime {
    /// The time with these components; with a zone alone, `now` in that zone, cut to milliseconds.
    ///
    /// # Errors
    ///
    /// There are no components, there is a gap between them, the calendar has no such date, the day no such time, or
    /// the zone is unknown.
    pub fn from_components(components: &DateTimeComponents, now: chrono::DateTime<Utc>) -> Result<Self, Error> {
        let &DateTimeComponents { year, month, day, hour, minute, second, .. } = components;
        let subsecond = components.first_subsecond();
        check_gaps(&[
            ("year", year),
            ("month", month),
            ("day", day),
            ("hour", hour),
            ("minute", minute),
            ("second", second),
            subsecond,
        ])?;
        let zone = components.timezone.as_deref().map(Zone::parse).transpose()?;
        let Some(year) = year else {
            return zone.map_or(Err(Error::Empty), |zone| Self::now_utc_millis(now).in_zone(zone));
        };
        let date = DateForm::Month { year, month: month.unwrap_or(1), day: day.unwrap_or(1) }.resolve()?;
        let time = time_of_day(
            hour.unwrap_or_default(),
            minute.unwrap_or_default(),
            second.unwrap_or_default(),
            components.subsecond_nanoseconds()?,
        )?;
        Self::from_local(NaiveDateTime::new(date, time), zone.unwrap_or(Zone::Offset(0)))
    }
}

impl DateTimeComponents {
    fn first_subsecond(&self) -> (&'static str, Option<i64>) {
        match (self.millisecond, self.microsecond) {
            (Some(_), _) => ("millisecond", self.millisecond),
            (None, Some(_)) => ("microsecond", self.microsecond),
            (None, None) => ("nanosecond", self.nanosecond),
        }
    }

    fn subsecond_nanoseconds(&self) -> Result<u32, Error> {
        let given = [self.millisecond, self.microsecond, self.nanosecond].iter().flatten().count();
        let last = |alone| if given > 1 { 999 } else { alone };
        let milliseconds = within("millisecond", self.millisecond.unwrap_or_default(), 0, 999)?;
        let microseconds = within("microsecond", self.microsecond.unwrap_or_default(), 0, last(999_999))?;
        let nanoseconds = within("nanosecond", self.nanosecond.unwrap_or_default(), 0, last(999_999_999))?;
        Ok(milliseconds * 1_000_000 + microseconds * 1000 + nanoseconds)
    }
}

/// Refuses a component after one that is missing.
fn check_gaps(components: &[(&'static str, Option<i64>)]) -> Result<(), Error> {
    let missing = components.iter().position(|(_, value)| value.is_none()).unwrap_or(components.len());
    let mut after = components.iter().skip(missing);
    let Some(&(missing, _)) = after.next() else {
        return Ok(());
    };
    match after.find(|(_, value)| value.is_some()) {
        Some(&(given, _)) => Err(Error::Gap { given, missing }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> chrono::DateTime<Utc> {
        chrono::DateTime::from_timestamp(1_624_369_630, 693_999_999).unwrap()
    }

    fn date(year: Option<i64>, month: Option<i64>, day: Option<i64>) -> Result<String, String> {
        let date = Date::from_components(&DateComponents { year, month, day });
        date.map(Date::formatted).map_err(|error| error.to_string())
    }

    /// The time of components that are written as `name value, name value`.
    fn date_time(components: &str) -> Result<String, String> {
        let mut parsed = DateTimeComponents::default();
        for (name, value) in components.split(", ").filter_map(|component| component.split_once(' ')) {
            let field = match name {
                "year" => &mut parsed.year,
                "month" => &mut parsed.month,
                "day" => &mut parsed.day,
                "hour" => &mut parsed.hour,
                "minute" => &mut parsed.minute,
                "second" => &mut parsed.second,
                "ms" => &mut parsed.millisecond,
                "us" => &mut parsed.microsecond,
                "ns" => &mut parsed.nanosecond,
                _ => {
                    parsed.timezone = Some(value.to_owned());
                    continue;
                }
            };
            *field = Some(value.parse().unwrap());
        }
        let date_time = DateTime::from_components(&parsed, now());
        date_time.map(DateTime::formatted).map_err(|error| error.to_string())
    }

    fn gap(given: &str, missing: &str) -> String {
        format!("`{given}` is given without `{missing}`: give `{missing}` too, or leave out `{given}`")
    }

    #[test]
    fn a_date_needs_a_year_and_no_gaps() {
        assert_eq!(date(Some(1819), Some(9), Some(13)).unwrap(), "1819-09-13");
        assert_eq!(date(Some(1819), Some(9), None).unwrap(), "1819-09-01");
        assert_eq!(date(Some(1819), None, None).unwrap(), "1819-01-01");
        assert_eq!(date(Some(-44), Some(3), Some(15)).unwrap(), "-0044-03-15");
        let cases = [
            ((None, None, None), "no component is given: give `year` or `formatted`".to_owned()),
            ((None, Some(1), None), gap("month", "year")),
            ((None, None, Some(1)), gap("day", "year")),
            ((Some(1), None, Some(1)), gap("day", "month")),
            ((Some(2021), Some(13), None), "`month` is `13`: give a number from 1 to 12".to_owned()),
            (
                (Some(2021), Some(2), Some(30)),
                "`day` `30` does not exist in `2021-02`: give a number from 1 to 28".to_owned(),
            ),
            (
                (Some(i64::MAX), None, None),
                "`year` is `9223372036854775807`: give a number from -262142 to 262142".to_owned(),
            ),
        ];
        for ((year, month, day), message) in cases {
            assert_eq!(date(year, month, day), Err(message));
        }
    }

    #[test]
    fn a_time_is_made_of_its_components() {
        let cases = [
            ("year 2021", "2021-01-01T00:00:00Z"),
            ("year 2021, month 6", "2021-06-01T00:00:00Z"),
            ("year 2021, month 6, day 22, hour 10, timezone +02:00", "2021-06-22T10:00:00+02:00"),
            ("year 2021, month 6, day 22, hour 13, minute 47, second 10", "2021-06-22T13:47:10Z"),
            ("year 2021, timezone z", "2021-01-01T00:00:00Z"),
            ("year 2021, timezone Z", "2021-01-01T00:00:00Z"),
            ("year 2021, timezone +01", "2021-01-01T00:00:00+01:00"),
            ("year 2021, timezone -0330", "2021-01-01T00:00:00-03:30"),
            ("year 2021, timezone UTC", "2021-01-01T00:00:00Z[UTC]"),
            ("year 2021, timezone europe/amsterdam", "2021-01-01T00:00:00+01:00[Europe/Amsterdam]"),
            ("year 2021, timezone America/New York", "2021-01-01T00:00:00-05:00[America/New_York]"),
            ("timezone Z", "2021-06-22T13:47:10.693Z"),
            ("timezone +02:00", "2021-06-22T15:47:10.693+02:00"),
            ("timezone Europe/Amsterdam", "2021-06-22T15:47:10.693+02:00[Europe/Amsterdam]"),
        ];
        for (components, formatted) in cases {
            assert_eq!(date_time(components), Ok(formatted.to_owned()), "{components}");
        }
    }

    #[test]
    fn parts_of_a_second_add_up() {
        let to_the_second = "year 2021, month 6, day 22, hour 0, minute 0, second 0";
        let cases = [
            ("ms 690", ".69Z"),
            ("us 999999", ".999999Z"),
            ("ns 999999999", ".999999999Z"),
            ("ms 123, us 456", ".123456Z"),
            ("ms 123, us 456, ns 789", ".123456789Z"),
            ("ms 123, ns 789", ".123000789Z"),
            ("us 456, ns 789", ".000456789Z"),
        ];
        for (parts, fraction) in cases {
            let expected = format!("2021-06-22T00:00:00{fraction}");
            assert_eq!(date_time(&format!("{to_the_second}, {parts}")), Ok(expected), "{parts}");
        }
        let refused = [
            ("ms 1000", "`millisecond` is `1000`: give a number from 0 to 999"),
            ("us 1000000", "`microsecond` is `1000000`: give a number from 0 to 999999"),
            ("ns 1000000000", "`nanosecond` is `1000000000`: give a number from 0 to 999999999"),
            ("ns -1", "`nanosecond` is `-1`: give a number from 0 to 999999999"),
            ("ms 0, us 1000", "`microsecond` is `1000`: give a number from 0 to 999"),
            ("us 1, ns 1000", "`nanosecond` is `1000`: give a number from 0 to 999"),
        ];
        for (parts, message) in refused {
            assert_eq!(date_time(&format!("{to_the_second}, {parts}")), Err(message.to_owned()), "{parts}");
        }
    }

    #[test]
    fn a_gap_or_nothing_at_all_is_an_error_that_names_the_component() {
        let cases = [
            ("", "no component is given: give `year` or `formatted`".to_owned()),
            ("month 1", gap("month", "year")),
            ("month 1, timezone Z", gap("month", "year")),
            ("hour 1", gap("hour", "year")),
            ("year 2021, hour 1", gap("hour", "month")),
            ("year 2021, month 1, hour 1", gap("hour", "day")),
            ("year 2021, month 1, day 1, minute 1", gap("minute", "hour")),
            ("year 2021, month 1, day 1, hour 1, second 1", gap("second", "minute")),
            ("year 2021, month 1, day 1, hour 1, minute 1, ms 1", gap("millisecond", "second")),
            ("year 2021, month 1, day 1, us 1", gap("microsecond", "hour")),
            ("ns 1, timezone Z", gap("nanosecond", "year")),
        ];
        for (components, message) in cases {
            assert_eq!(date_time(components), Err(message), "{components}");
        }
    }

    #[test]
    fn an_unknown_zone_is_an_error_wherever_it_is_given() {
        for zone in ["Mars", " ", "+1", "+19:00", "Z ", "+01:00[Europe/Amsterdam]"] {
            assert!(date_time(&format!("timezone {zone}")).is_err(), "{zone}");
            assert!(date_time(&format!("year 2021, timezone {zone}")).is_err(), "{zone}");
        }
    }
}
