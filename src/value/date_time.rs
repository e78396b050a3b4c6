//! A date with time and zone. How a text becomes one is in `written`, how components do in `components`.

use std::cmp::Ordering;

use chrono::{Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::calendar::{Year, year_within};
use super::error::Error;
use super::stored::YearKey;
use super::written::Written;
use super::zone::{OffsetText, Zone};

/// A time on the clock of a zone, to the nanosecond, years -262142 to 262142.
///
/// Ordered by instant, then offset, then zone name, no name first. Equal if local time, offset and zone are: a name
/// alone does not tell apart the two hours of the night when the clock is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    utc: NaiveDateTime,
    local: NaiveDateTime,
    offset_seconds: i32,
    name: Option<Tz>,
}

impl DateTime {
    /// Reads a date as [`Date::parse`](super::Date::parse) does, then perhaps `T` and `hh[:mm[:ss[.fraction]]]` or
    /// `hhmmss`, then perhaps `Z` or an offset, then perhaps a zone name in brackets. A zone needs a time before it.
    /// No zone is `Z`. A local time that the zone skips is put forward by what is skipped.
    ///
    /// # Errors
    ///
    /// The text has another form, the calendar has no such date, the day no such time, the zone is unknown or has
    /// another offset at that time.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Written::read(text)?.resolve()
    }

    /// Reads what [`Self::to_stored`] wrote, and nothing else. The offset is taken as it is: zones may have changed
    /// their rules since.
    pub fn from_stored(stored: &str) -> Option<Self> {
        let formatted = stored.split_once(' ').map_or(stored, |(_, formatted)| formatted);
        let it = Written::read(formatted).ok()?.resolve_as_it_is()?;
        (it.to_stored() == stored).then_some(it)
    }

    /// The present in the zone `Z`, cut to milliseconds.
    pub fn now_utc_millis(now: chrono::DateTime<Utc>) -> Self {
        let now = now.naive_utc();
        // In a leap second, chrono counts nanoseconds beyond a second.
        let millis = now.nanosecond().min(999_999_999) / 1_000_000;
        let utc = now.with_nanosecond(millis * 1_000_000).unwrap_or(now);
        Self { utc, local: utc, offset_seconds: 0, name: None }
    }

    /// The same instant on the clock of another zone.
    pub(super) fn in_zone(self, zone: Zone) -> Result<Self, Error> {
        Self::from_utc(self.utc, zone)
    }

    /// The time when the clock of the zone shows `local`.
    pub(super) fn from_local(local: NaiveDateTime, zone: Zone) -> Result<Self, Error> {
        let offset_seconds = zone.offset_at_local(local);
        let utc = shifted(local, -offset_seconds)?;
        if zone.offset_at(utc) == offset_seconds {
            return Self::with_offset(local, offset_seconds, zone_name(zone));
        }
        // The zone skips that time.
        Self::from_utc(utc, zone)
    }

    fn from_utc(utc: NaiveDateTime, zone: Zone) -> Result<Self, Error> {
        let offset_seconds = zone.offset_at(utc);
        let local = shifted(utc, offset_seconds)?;
        Self::with_offset(local, offset_seconds, zone_name(zone))
    }

    pub(super) fn with_offset(local: NaiveDateTime, offset_seconds: i32, name: Option<Tz>) -> Result<Self, Error> {
        let utc = shifted(local, -offset_seconds)?;
        Ok(Self { utc, local, offset_seconds, name })
    }

    /// As `java.time` prints it: `2021-06-22T13:47:10.69Z`, `2021-06-22T13:47:10+02:00[Europe/Amsterdam]`.
    pub fn formatted(self) -> String {
        self.to_string()
    }

    /// As ISO 8601 has it: without the name of the zone, and in UTC if the offset has seconds.
    pub fn iso(self) -> String {
        let has_seconds = self.offset_seconds % 60 != 0;
        let (local, offset_seconds) = if has_seconds { (self.utc, 0) } else { (self.local, self.offset_seconds) };
        Self { local, offset_seconds, name: None, ..self }.formatted()
    }

    /// The instant.
    pub fn to_utc(self) -> chrono::DateTime<Utc> {
        self.utc.and_utc()
    }

    /// The text to store; see the module for its form.
    pub fn to_stored(self) -> String {
        let year = YearKey(self.utc.year());
        let instant = format!("{year}{}", self.utc.format("-%m-%dT%H:%M:%S.%9f"));
        match self.offset_seconds {
            0 if self.name.is_none() && year.is_plain() => format!("{instant}Z"),
            0 => format!("{instant}Z {self}"),
            east @ 1.. => format!("{instant}Z+{east:05} {self}"),
            west => format!("{instant}-{:05} {self}", 64_800 + west),
        }
    }

    /// -262142 to 262142, on the local clock as all components.
    pub fn year(self) -> i32 {
        self.local.year()
    }

    /// 1 to 12.
    pub fn month(self) -> u32 {
        self.local.month()
    }

    /// 1 to 31.
    pub fn day(self) -> u32 {
        self.local.day()
    }

    /// 0 to 23.
    pub fn hour(self) -> u32 {
        self.local.hour()
    }

    /// 0 to 59.
    pub fn minute(self) -> u32 {
        self.local.minute()
    }

    /// 0 to 59.
    pub fn second(self) -> u32 {
        self.local.second()
    }

    /// The whole fraction of the second, 0 to 999.
    pub fn millisecond(self) -> u32 {
        self.nanosecond() / 1_000_000
    }

    /// The whole fraction of the second, 0 to 999 999.
    pub fn microsecond(self) -> u32 {
        self.nanosecond() / 1000
    }

    /// The whole fraction of the second, 0 to 999 999 999.
    pub fn nanosecond(self) -> u32 {
        self.local.nanosecond()
    }

    /// The zone name, else `Z` or an offset such as `+02:00`.
    pub fn timezone(self) -> String {
        self.name.map_or_else(|| OffsetText(self.offset_seconds).to_string(), |zone| zone.name().to_owned())
    }

    /// Whether the zone has the offset at that instant.
    pub(super) fn is_as_zone_says(self, zone: Tz) -> bool {
        Zone::Named(zone).offset_at(self.utc) == self.offset_seconds
    }

    fn sort_key(&self) -> (NaiveDateTime, i32, Option<&'static str>) {
        (self.utc, self.offset_seconds, self.name.map(Tz::name))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", Year(self.year()), self.local.format("-%m-%dT%H:%M:%S"))?;
        if self.nanosecond() > 0 {
            let fraction = format!("{:09}", self.nanosecond());
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        write!(f, "{}", OffsetText(self.offset_seconds))?;
        match self.name {
            Some(zone) => write!(f, "[{}]", zone.name()),
            None => Ok(()),
        }
    }
}

fn zone_name(zone: Zone) -> Option<Tz> {
    match zone {
        Zone::Offset(_) => None,
        Zone::Named(zone) => Some(zone),
    }
}

/// The time that many seconds later, if its year can be stored.
fn shifted(time: NaiveDateTime, seconds: i32) -> Result<NaiveDateTime, Error> {
    let outside = i64::from(time.year()) + i64::from(seconds.signum());
    let shifted = time.checked_add_signed(TimeDelta::seconds(seconds.into()));
    year_within(shifted.map_or(outside, |it| it.year().into()))?;
    Ok(shifted.unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_8601_knows_neither_zone_names_nor_seconds_of_offsets() {
        let cases = [
            ("2021-06-22T13:47:10.690Z", "2021-06-22T13:47:10.69Z"),
            ("2021-06-22T13:47:10[UTC]", "2021-06-22T13:47:10Z"),
            ("2021-06-22T13:47:10[Europe/Amsterdam]", "2021-06-22T13:47:10+02:00"),
            ("1890-01-01T00:00[Europe/Amsterdam]", "1889-12-31T23:42:30Z"),
        ];
        for (text, iso) in cases {
            let parsed = DateTime::parse(text).unwrap();
            assert_eq!(parsed.iso(), iso, "{text}: {}", parsed.formatted());
        }
    }

    fn time(text: &str) -> DateTime {
        DateTime::parse(text).unwrap()
    }

    #[test]
    fn times_are_printed_as_java_prints_them() {
        let cases = [
            "2021-06-22T13:47:10.693Z",
            "2021-06-22T13:47:10.69Z",
            "2021-06-22T13:47:10Z",
            "2021-06-22T00:00:00Z",
            "2021-06-22T13:47:10.000000001+02:00",
            "2021-06-22T13:47:10+02:00[Europe/Amsterdam]",
            "2021-06-22T13:47:10Z[UTC]",
            "2021-06-22T13:47:10-03:30",
            "1880-01-01T00:00:00+00:09:21[Europe/Paris]",
            "1880-01-01T00:00:00+00:09:21",
            "-0044-03-15T12:00:00Z",
            "+12345-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999-18:00",
        ];
        for text in cases {
            assert_eq!(time(text).formatted(), text);
        }
    }

    #[test]
    fn components_are_those_of_the_local_clock_and_each_fraction_is_the_whole_one() {
        let it = time("2021-06-22T13:47:10.1234+02:00[Europe/Amsterdam]");
        assert_eq!((it.year(), it.month(), it.day()), (2021, 6, 22));
        assert_eq!((it.hour(), it.minute(), it.second()), (13, 47, 10));
        assert_eq!((it.millisecond(), it.microsecond(), it.nanosecond()), (123, 123_400, 123_400_000));
        assert_eq!(it.timezone(), "Europe/Amsterdam");
        assert_eq!(time("2021-06-22T13:47+02:00").timezone(), "+02:00");
        assert_eq!(time("2021-06-22T13:47").timezone(), "Z");
    }

    #[test]
    fn the_present_is_cut_to_milliseconds() {
        let now = chrono::DateTime::from_timestamp(1_624_369_630, 693_999_999).unwrap();
        assert_eq!(DateTime::now_utc_millis(now).formatted(), "2021-06-22T13:47:10.693Z");
    }

    #[test]
    fn equality_is_local_time_and_zone() {
        assert_eq!(time("2021-06-22T13:47"), time("2021-06-22T13:47:00.000+00:00"));
        assert_ne!(time("2021-06-22T13:47Z"), time("2021-06-22T13:47Z[UTC]"));
        assert_ne!(time("2021-06-22T13:47Z"), time("2021-06-22T15:47+02:00"));
        assert_ne!(time("2021-06-22T13:47+02:00"), time("2021-06-22T13:47[Europe/Amsterdam]"));
        assert_ne!(time("2021-06-22T13:47[Europe/Brussels]"), time("2021-06-22T13:47[Europe/Amsterdam]"));
    }

    #[test]
    fn order_is_instant_then_offset_then_zone_name_in_memory_and_stored() {
        let ascending = [
            "-0045-12-31T23:00:00+02:00",
            "-0045-12-31T22:00:00Z",
            "-0045-12-31T22:00:00Z[UTC]",
            "-0044-01-01T00:00:00+02:00",
            "-0001-12-31T23:30:00-01:00",
            "0000-01-01T00:30:00Z",
            "0000-01-01T01:30:00+01:00",
            "2021-06-22T11:47:10-02:00",
            "2021-06-22T12:47:10-01:00",
            "2021-06-22T13:47:10Z",
            "2021-06-22T13:47:10Z[Africa/Abidjan]",
            "2021-06-22T13:47:10Z[UTC]",
            "2021-06-22T14:47:10+01:00",
            "2021-06-22T15:47:10+02:00",
            "2021-06-22T15:47:10+02:00[Europe/Amsterdam]",
            "2021-06-22T15:47:10+02:00[Europe/Brussels]",
            "2021-06-22T16:47:10+03:00",
            "2021-06-22T13:47:10.5Z",
            "9999-12-31T23:30:00-00:30",
            "+10000-01-01T00:00:00Z",
            "+10000-01-01T01:00:00+01:00",
            "+10000-01-01T01:00:00Z",
        ];
        let times = ascending.map(time);
        let mut sorted = times;
        sorted.sort_by_key(|it| it.to_stored());
        let expected: Vec<_> = times.iter().map(ToString::to_string).collect();
        assert_eq!(sorted.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        sorted.sort();
        assert_eq!(sorted.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        let cases = [
            ("2021-06-22T13:47:10.69Z", "2021-06-22T13:47:10.690000000Z"),
            ("2021-06-22T13:47:10Z[UTC]", "2021-06-22T13:47:10.000000000Z 2021-06-22T13:47:10Z[UTC]"),
            ("2021-06-22T13:47:10+02:00", "2021-06-22T11:47:10.000000000Z+07200 2021-06-22T13:47:10+02:00"),
            ("2021-06-22T13:47:10-02:00", "2021-06-22T15:47:10.000000000-57600 2021-06-22T13:47:10-02:00"),
            ("-0044-03-15T12:00:00Z", "-999956-03-15T12:00:00.000000000Z -0044-03-15T12:00:00Z"),
            ("0000-01-01T00:00:00+01:00", "-999999-12-31T23:00:00.000000000Z+03600 0000-01-01T00:00:00+01:00"),
            ("+12345-01-01T00:00:00Z", "Y012345-01-01T00:00:00.000000000Z +12345-01-01T00:00:00Z"),
        ];
        for (text, stored) in cases {
            assert_eq!(time(text).to_stored(), stored);
            assert_eq!(DateTime::from_stored(stored), Some(time(text)));
        }
    }

    #[test]
    fn a_time_stored_under_older_rules_of_its_zone_is_still_read() {
        let stored = "2021-06-22T10:47:10.000000000Z+10800 2021-06-22T13:47:10+03:00[Europe/Amsterdam]";
        assert_eq!(DateTime::from_stored(stored).unwrap().to_stored(), stored);
    }

    #[test]
    fn a_text_that_was_not_stored_by_us_is_no_stored_time() {
        let cases = [
            "",
            "2021-06-22",
            "2021-06-22T13:47:10Z",
            "2021-06-22T13:47:10.690000000z",
            "2021-06-22T13:47:10.690000000",
            "2021-06-22T13:47:10.690000000Z 2021-06-22T13:47:10.69Z",
            "2021-06-22T11:47:10.000000000Z 2021-06-22T13:47:10+02:00",
            "2021-06-22T13:47:10.000000000Z 2021-06-22T13:47:10Z[Nowhere]",
        ];
        for text in cases {
            assert_eq!(DateTime::from_stored(text), None, "{text}");
        }
    }
}
