//! Time zones: offsets and IANA names. Their history and their rules come from chrono-tz.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::cursor::Cursor;
use super::error::{Error, shortened};

const YEAR_KNOWN_LAST: i32 = 2099;

/// A zone as it was written or given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Zone {
    /// Seconds east of Greenwich; 0 is `Z`.
    Offset(i32),
    Named(Tz),
}

impl Zone {
    /// Reads the whole text as `Z`, an offset or a name.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut cursor = Cursor::new(text);
        match WrittenOffset::read(&mut cursor) {
            Some(offset) if cursor.is_at_end() => offset.seconds().map(Self::Offset),
            _ => named(text).map(Self::Named),
        }
    }

    /// The offset in seconds at a UTC time.
    pub(super) fn offset_at(self, utc: NaiveDateTime) -> i32 {
        match self {
            Self::Offset(seconds) => seconds,
            Self::Named(zone) => offset_of(zone, utc),
        }
    }

    /// The offset in seconds at a local time. Where the clock was put back, both are right, and this is the first.
    /// Where it was put forward, there is none, and this is the one before, as in `java.time.ZonedDateTime.ofLocal`.
    pub(super) fn offset_at_local(self, local: NaiveDateTime) -> i32 {
        let zone = match self {
            Self::Offset(seconds) => return seconds,
            Self::Named(zone) => zone,
        };
        let known = in_known_year(local);
        if let Some(offset) = zone.offset_from_local_datetime(&known).earliest() {
            return offset.fix().local_minus_utc();
        }
        // No offset exceeds a day, so that a day before is before the change.
        let before = local.checked_sub_signed(TimeDelta::days(1)).unwrap_or(local);
        offset_of(zone, before)
    }
}

fn offset_of(zone: Tz, utc: NaiveDateTime) -> i32 {
    zone.offset_from_utc_datetime(&in_known_year(utc)).fix().local_minus_utc()
}

/// The same day and time in a year that chrono-tz knows and that has the same calendar.
///
/// Its clock changes end with 2099 (chrono-tz 0.10, src/prebuilt/timezones.rs), while the rules they follow do not.
fn in_known_year(time: NaiveDateTime) -> NaiveDateTime {
    if time.year() <= YEAR_KNOWN_LAST {
        return time;
    }
    let calendar = |year| NaiveDate::from_yo_opt(year, 1).map(|first| (first.weekday(), first.leap_year()));
    // Between two century years, calendars repeat after 28 years at most.
    (YEAR_KNOWN_LAST - 27..=YEAR_KNOWN_LAST)
        .find(|&year| calendar(year) == calendar(time.year()))
        .and_then(|year| time.with_year(year))
        .unwrap_or(time)
}

/// The zone of that name, in any case, with `_` or a blank between words.
pub(super) fn named(text: &str) -> Result<Tz, Error> {
    let name = text.replace(' ', "_");
    name.parse::<Tz>().ok().or_else(|| ignoring_case(&name)).ok_or_else(|| Error::UnknownZone { zone: shortened(text) })
}

fn ignoring_case(name: &str) -> Option<Tz> {
    chrono_tz::TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name))
}

/// An offset of the right form, perhaps too large.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenOffset<'a> {
    text: &'a str,
    sign: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
}

impl<'a> WrittenOffset<'a> {
    /// Reads `Z`, `+hh`, `+hhmm`, `+hh:mm` or `+hh:mm:ss`; nothing if there is none. The form with seconds is not an
    /// input form of its own: it is what zones before standard time print.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let start = cursor.rest();
        let (mut minutes, mut seconds) = (0, 0);
        let (sign, hours);
        if cursor.letter('Z') {
            (sign, hours) = (1, 0);
        } else {
            sign = cursor.sign()?;
            hours = cursor.digits(2)?;
            if cursor.char(':') {
                minutes = cursor.digits_between(2, 2)?;
                if cursor.char(':') {
                    seconds = cursor.digits_between(2, 2)?;
                }
            } else if cursor.count_digits() > 0 {
                minutes = cursor.digits_between(2, 2)?;
            }
        }
        let text = start.get(..start.len() - cursor.rest().len())?;
        Some(Self { text, sign, hours, minutes, seconds })
    }

    pub(super) fn text(self) -> &'a str {
        self.text
    }

    /// Seconds east of Greenwich, at most 18 hours in both directions.
    pub(super) fn seconds(self) -> Result<i32, Error> {
        let seconds = self.hours * 3600 + self.minutes * 60 + self.seconds;
        i32::try_from(self.sign * seconds)
            .ok()
            .filter(|_| self.minutes <= 59 && self.seconds <= 59 && seconds <= 18 * 3600)
            .ok_or_else(|| Error::OffsetOutOfRange { offset: self.text.to_owned() })
    }
}

/// An offset in seconds as `java.time` prints it: `Z`, `+02:00` or `+00:19:32`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OffsetText(pub(super) i32);

impl std::fmt::Display for OffsetText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return write!(f, "Z");
        }
        let sign = if self.0 < 0 { '-' } else { '+' };
        let seconds = self.0.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
        match seconds % 60 {
            0 => Ok(()),
            rest => write!(f, ":{rest:02}"),
        }
    }
}
