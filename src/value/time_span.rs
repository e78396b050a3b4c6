//! How long something lasts, as `JWT_EXPIRES` has it: seconds, or a number and a unit as vercel/ms reads them.
//! Knows no clock.

use std::time::Duration;

/// Why a text is not a time span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a number of seconds nor a time span such as `1d`, `2h` or `10 days`")]
pub struct Error {
    text: String,
}

/// Reads a number of seconds, or a number, perhaps blanks, and a unit from milliseconds to years (of 365.25 days).
/// The number may have decimals; the unit may be short, long, in the plural and in any case.
///
/// # Errors
///
/// The text has another form, or the span is zero, negative or longer than can be counted.
pub fn parse(text: &str) -> Result<Duration, Error> {
    read(text).ok_or_else(|| Error { text: super::error::shortened(text) })
}

fn read(text: &str) -> Option<Duration> {
    let end = text.find(|found: char| !found.is_ascii_digit() && found != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    // The other forms that Rust reads, such as `1e3` and `inf`, are excluded by their letters.
    let number: f64 = if number.ends_with('.') {
        return None;
    } else {
        number.parse().ok()?
    };
    let seconds = if unit.is_empty() { 1.0 } else { unit_seconds(unit.trim_start_matches(' '))? };
    Duration::try_from_secs_f64(number * seconds).ok().filter(|span| !span.is_zero())
}

fn unit_seconds(unit: &str) -> Option<f64> {
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
        _ => return None,
    };
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds_and_a_unit_is_read_as_ms_reads_it() {
        let cases = [
            ("120", 120.0),
            ("0.5", 0.5),
            ("1ms", 0.001),
            ("500 msecs", 0.5),
            ("2000 milliseconds", 2.0),
            ("1s", 1.0),
            ("1 sec", 1.0),
            ("2 secs", 2.0),
            ("1 second", 1.0),
            ("2 SECONDS", 2.0),
            ("1m", 60.0),
            ("1min", 60.0),
            ("3 mins", 180.0),
            ("1 minute", 60.0),
            ("2 minutes", 120.0),
            ("2h", 7200.0),
            ("1hr", 3600.0),
            ("2 hrs", 7200.0),
            ("1 hour", 3600.0),
            ("1.5h", 5400.0),
            (".5h", 1800.0),
            ("1  Hours", 3600.0),
            ("1d", 86_400.0),
            ("1 day", 86_400.0),
            ("10 days", 864_000.0),
            ("1w", 604_800.0),
            ("2 weeks", 1_209_600.0),
            ("1y", 31_557_600.0),
            ("1 yr", 31_557_600.0),
            ("2yrs", 63_115_200.0),
            ("1 year", 31_557_600.0),
            ("2 years", 63_115_200.0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            "",
            " ",
            "1x",
            "x",
            "d",
            "0",
            "0d",
            "-1",
            "-1d",
            "+1d",
            "1e3",
            "inf",
            "nan",
            "1.",
            "1.h",
            ".",
            "1..5h",
            "1,5h",
            "1 d 2 h",
            "1d ",
            " 1d",
            "1\td",
            "1 month",
            "1 ",
            "99999999999999999999y",
            "0.0000000001s",
            "１d",
        ];
        for text in cases {
            assert_eq!(parse(text), Err(Error { text: text.to_owned() }), "{text}");
        }
    }

    #[test]
    fn the_error_shows_examples() {
        assert_eq!(
            parse("1x").unwrap_err().to_string(),
            "`1x` is not a number of seconds nor a time span such as `1d`, `2h` or `10 days`"
        );
    }
}
