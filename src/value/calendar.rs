//! The forms of a date and the rules of the calendar (proleptic, ISO 8601). Knows no zones.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

use super::cursor::Cursor;
use super::error::Error;

/// The furthest year in both directions, one less than chrono has so that an offset never leads outside.
pub(super) const YEAR_MAX: i32 = 262_142;

/// A date as it was written or given, not yet known to exist.
#[derive(Clone, Copy, Debug)]
pub(super) enum DateForm {
    Month { year: i64, month: i64, day: i64 },
    Week { year: i64, week: i64, day: i64 },
    Quarter { year: i64, quarter: i64, day: i64 },
    Ordinal { year: i64, day: i64 },
}

impl DateForm {
    /// Reads the longest date there is; nothing if there is none.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        if let Some(sign) = cursor.sign() {
            let year = sign * cursor.digits_between(1, 9)?;
            return Self::read_after_year(year, cursor);
        }
        let digits = cursor.count_digits();
        let year = cursor.digits(4)?;
        match digits {
            4 => Self::read_after_year(year, cursor),
            6 => Some(Self::Month { year, month: cursor.digits(2)?, day: 1 }),
            8 => Some(Self::Month { year, month: cursor.digits(2)?, day: cursor.digits(2)? }),
            _ => None,
        }
    }

    fn read_after_year(year: i64, cursor: &mut Cursor<'_>) -> Option<Self> {
        if !cursor.char('-') {
            return Some(Self::Month { year, month: 1, day: 1 });
        }
        if cursor.char('W') {
            let week = cursor.digits_between(2, 2)?;
            let day = if cursor.char('-') { cursor.digits_between(1, 1)? } else { 1 };
            return Some(Self::Week { year, week, day });
        }
        if cursor.char('Q') {
            let quarter = cursor.digits_between(1, 1)?;
            let day = if cursor.char('-') { cursor.digits_between(2, 2)? } else { 1 };
            return Some(Self::Quarter { year, quarter, day });
        }
        if let Some(day) = cursor.digits_between(3, 3) {
            return Some(Self::Ordinal { year, day });
        }
        let month = cursor.digits_between(1, 2)?;
        let day = if cursor.char('-') { cursor.digits_between(1, 2)? } else { 1 };
        Some(Self::Month { year, month, day })
    }

    /// The date, if the calendar has it.
    pub(super) fn resolve(self) -> Result<NaiveDate, Error> {
        match self {
            Self::Month { year, month, day } => month_date(year_within(year)?, month, day),
            Self::Week { year, week, day } => week_date(year_within(year)?, week, day),
            Self::Quarter { year, quarter, day } => quarter_date(year_within(year)?, quarter, day),
            Self::Ordinal { year, day } => ordinal_date(year_within(year)?, day),
        }
    }
}

fn month_date(year: i32, month: i64, day: i64) -> Result<NaiveDate, Error> {
    let month = within("month", month, 1, 12)?;
    let day = within("day", day, 1, 31)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| Error::NotInPeriod {
        component: "day",
        value: day.into(),
        period: format!("{}-{month:02}", Year(year)),
        last: days_in_month(year, month),
    })
}

fn week_date(year: i32, week: i64, day: i64) -> Result<NaiveDate, Error> {
    let week = within("week", week, 1, 53)?;
    let day = within("day of week", day, 1, 7)?;
    let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).ok_or_else(|| Error::NotInPeriod {
        component: "week",
        value: week.into(),
        period: Year(year).to_string(),
        last: 52,
    })?;
    let date = monday + chrono::Days::new(u64::from(day) - 1);
    // The first week may begin in the year before, the last may end in the year after.
    year_within(date.year().into())?;
    Ok(date)
}

fn quarter_date(year: i32, quarter: i64, day: i64) -> Result<NaiveDate, Error> {
    let quarter = within("quarter", quarter, 1, 4)?;
    let day_of_quarter = within("day of quarter", day, 1, 92)?;
    let mut day_of_month = i64::from(day_of_quarter);
    let first_month = quarter * 3 - 2;
    for month in first_month..first_month + 3 {
        let days = days_in_month(year, month);
        if day_of_month <= days {
            return month_date(year, month.into(), day_of_month);
        }
        day_of_month -= days;
    }
    Err(Error::NotInPeriod {
        component: "day of quarter",
        value: day,
        period: format!("{}-Q{quarter}", Year(year)),
        last: day - day_of_month,
    })
}

fn ordinal_date(year: i32, day: i64) -> Result<NaiveDate, Error> {
    let day = within("day of year", day, 1, 366)?;
    NaiveDate::from_yo_opt(year, day).ok_or_else(|| Error::NotInPeriod {
        component: "day of year",
        value: day.into(),
        period: Year(year).to_string(),
        last: 365,
    })
}

/// The time of day, if there is one; 24:00 and leap seconds are none.
pub(super) fn time_of_day(hour: i64, minute: i64, second: i64, nanosecond: u32) -> Result<NaiveTime, Error> {
    let hour = within("hour", hour, 0, 23)?;
    let minute = within("minute", minute, 0, 59)?;
    let second = within("second", second, 0, 59)?;
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond).ok_or(Error::OutOfRange {
        component: "nanosecond",
        value: nanosecond.into(),
        first: 0,
        last: 999_999_999,
    })
}

/// The year, if dates in it can be stored.
pub(super) fn year_within(year: i64) -> Result<i32, Error> {
    i32::try_from(year).ok().filter(|year| (-YEAR_MAX..=YEAR_MAX).contains(year)).ok_or(Error::OutOfRange {
        component: "year",
        value: year,
        first: (-YEAR_MAX).into(),
        last: YEAR_MAX.into(),
    })
}

/// The number, if it is `first` to `last`.
pub(super) fn within(component: &'static str, value: i64, first: u32, last: u32) -> Result<u32, Error> {
    u32::try_from(value).ok().filter(|value| (first..=last).contains(value)).ok_or(Error::OutOfRange {
        component,
        value,
        first: first.into(),
        last: last.into(),
    })
}

fn days_in_month(year: i32, month: u32) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if NaiveDate::from_ymd_opt(year, 2, 29).is_some() => 29,
        2 => 28,
        _ => 31,
    }
}

/// A year as `java.time` prints it: four digits at least, `+` only before five or more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Year(pub(super) i32);

impl std::fmt::Display for Year {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            year @ 10_000.. => write!(f, "+{year}"),
            year @ 0.. => write!(f, "{year:04}"),
            year => write!(f, "-{:04}", year.unsigned_abs()),
        }
    }
}
