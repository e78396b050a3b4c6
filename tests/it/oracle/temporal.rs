//! Dates and times as section 8 of the contract has them: components, canonical text, order. Written without `clef::value`.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

/// A date, or a time on the clock of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Temporal {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    /// Absent for dates.
    pub(super) time: Option<Time>,
}

/// The time of a day and its zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Time {
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanosecond: i64,
    pub(super) offset_seconds: i64,
    pub(super) zone: Option<String>,
}

impl Temporal {
    /// The value that an input object constructs. A named zone needs the `formatted` form with its offset.
    pub(super) fn from_input(input: &Map<String, Json>, is_date: bool) -> Self {
        if let Some(Json::String(text)) = input.get("formatted") {
            return Self::parse(text, is_date);
        }
        let number = |name: &str| input.get(name).and_then(Json::as_i64);
        let part = |name: &str| number(name).unwrap_or(0);
        let time = (!is_date).then(|| {
            let nanosecond = part("millisecond") * 1_000_000 + part("microsecond") * 1_000 + part("nanosecond");
            let (offset_seconds, zone) = zone(input.get("timezone").and_then(Json::as_str).unwrap_or("Z"));
            let (hour, minute, second) = (part("hour"), part("minute"), part("second"));
            Time { hour, minute, second, nanosecond, offset_seconds, zone }
        });
        let year = number("year").expect("a date needs a year");
        Self { year, month: number("month").unwrap_or(1), day: number("day").unwrap_or(1), time }
    }

    /// `[+-]y…y[-mm[-dd]][Thh:mm[:ss[.f…]][Z|+hh:mm][[Zone/Name]]]`.
    pub(super) fn parse(text: &str, is_date: bool) -> Self {
        let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
        let (sign, digits) = match date.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, date.strip_prefix('+').unwrap_or(date)),
        };
        let mut parts = digits.split('-').map(|part| part.parse::<i64>().unwrap());
        let year = sign * parts.next().unwrap();
        let (month, day) = (parts.next().unwrap_or(1), parts.next().unwrap_or(1));
        let time = (!is_date).then(|| clock.map_or_else(Time::default, Time::parse));
        Self { year, month, day, time }
    }

    /// As `java.time` prints it.
    pub(super) fn formatted(&self) -> String {
        let year = match self.year {
            year @ 10_000.. => format!("+{year}"),
            year @ 0.. => format!("{year:04}"),
            year => format!("-{:04}", -year),
        };
        let date = format!("{year}-{:02}-{:02}", self.month, self.day);
        let Some(time) = &self.time else { return date };
        let clock = format!("{:02}:{:02}:{:02}", time.hour, time.minute, time.second);
        let fraction = format!(".{:09}", time.nanosecond);
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        let zone = time.zone.as_ref().map(|zone| format!("[{zone}]")).unwrap_or_default();
        format!("{date}T{clock}{fraction}{}{zone}", offset_text(time.offset_seconds))
    }

    /// A component by its name in the API.
    pub(super) fn component(&self, name: &str) -> Json {
        let time = self.time.clone().unwrap_or_default();
        match name {
            "formatted" => self.formatted().into(),
            "year" => self.year.into(),
            "month" => self.month.into(),
            "day" => self.day.into(),
            "hour" => time.hour.into(),
            "minute" => time.minute.into(),
            "second" => time.second.into(),
            "millisecond" => (time.nanosecond / 1_000_000).into(),
            "microsecond" => (time.nanosecond / 1_000).into(),
            "nanosecond" => time.nanosecond.into(),
            "timezone" => time.zone.unwrap_or_else(|| offset_text(time.offset_seconds)).into(),
            _ => panic!("`{name}` is not a component"),
        }
    }

    /// Dates by the calendar; times by instant, then offset, then zone name, no name first.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.instant().cmp(&other.instant())
    }

    fn instant(&self) -> (i64, i64, i64, Option<&str>) {
        let days = days_from_epoch(self.year, self.month, self.day);
        let Some(time) = &self.time else { return (days, 0, 0, None) };
        let local = days * 86_400 + time.hour * 3_600 + time.minute * 60 + time.second;
        (local - time.offset_seconds, time.nanosecond, time.offset_seconds, time.zone.as_deref())
    }
}

impl Time {
    fn parse(text: &str) -> Self {
        let (text, name) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((text, name)) => (text, Some(name.to_owned())),
            None => (text, None),
        };
        let (clock, offset) = match text.find(['Z', '+', '-']) {
            Some(at) => text.split_at(at),
            None => (text, "Z"),
        };
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let mut parts = clock.split(':').map(|part| part.parse::<i64>().unwrap());
        let mut part = || parts.next().unwrap_or(0);
        let (hour, minute, second) = (part(), part(), part());
        let nanosecond = format!("{fraction:0<9}").parse().unwrap();
        Self { hour, minute, second, nanosecond, offset_seconds: zone(offset).0, zone: name }
    }
}

/// Offset and name of `Z`, `UTC`, or an offset.
fn zone(text: &str) -> (i64, Option<String>) {
    if text == "Z" {
        return (0, None);
    }
    let Some((hours, minutes)) = text.get(1..).and_then(|rest| rest.split_once(':')) else {
        assert_eq!(text, "UTC", "the oracle does not know this zone");
        return (0, Some(text.to_owned()));
    };
    let seconds = hours.parse::<i64>().unwrap() * 3_600 + minutes.parse::<i64>().unwrap() * 60;
    (if text.starts_with('-') { -seconds } else { seconds }, None)
}

fn offset_text(seconds: i64) -> String {
    if seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds.abs() / 3_600, seconds.abs() / 60 % 60)
}

/// Days since 1970-01-01 in the Gregorian calendar, extended to all years: years from March, in cycles of 400.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    cycle * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}
