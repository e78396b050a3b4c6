//! Sort keys of years, and the promises of the stored form. The form itself is described in `value`.

/// A year as it is written in a sort key.
#[derive(Clone, Copy, Debug)]
pub(super) struct YearKey(pub(super) i32);

impl YearKey {
    /// Whether key and formatted year are the same.
    pub(super) fn is_plain(self) -> bool {
        (0..=9999).contains(&self.0)
    }
}

impl std::fmt::Display for YearKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In ASCII, `-` sorts before the digits and `Y` after them.
        match self.0 {
            year @ 10_000.. => write!(f, "Y{year:06}"),
            year @ 0.. => write!(f, "{year:04}"),
            year => write!(f, "-{:06}", 1_000_000 + year),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
    use proptest::prelude::*;

    use super::super::calendar::YEAR_MAX;
    use super::super::date::Date;
    use super::super::date_time::DateTime;
    use super::super::zone::Zone;

    /// Mostly years around the changes of form.
    fn year() -> impl Strategy<Value = i32> {
        prop_oneof![1 - YEAR_MAX..YEAR_MAX, -2..3, 9998..10_002, 1850..2100]
    }

    fn date() -> impl Strategy<Value = Date> {
        let day = prop_oneof![Just(1_u32), Just(365), 1..=365_u32];
        (year(), day).prop_filter_map("no such day", |(year, day)| NaiveDate::from_yo_opt(year, day).map(Date))
    }

    /// Mostly fractions with zeros at either end.
    fn utc() -> impl Strategy<Value = NaiveDateTime> {
        let nanosecond = prop_oneof![Just(0), (1..1000_u32).prop_map(|it| it * 1_000_000), 0..1_000_000_000_u32];
        (date(), 0..86_400_u32, nanosecond).prop_filter_map("no such time", |(date, seconds, nanosecond)| {
            let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanosecond)?;
            Some(NaiveDateTime::new(date.0, time))
        })
    }

    fn zone() -> impl Strategy<Value = Zone> {
        prop_oneof![
            Just(Zone::Offset(0)),
            (-18..=18_i32).prop_map(|hours| Zone::Offset(hours * 3600)),
            (-64_800..=64_800_i32).prop_map(Zone::Offset),
            proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()).prop_map(Zone::Named),
        ]
    }

    fn in_zone(utc: NaiveDateTime, zone: Zone) -> DateTime {
        let local = utc.checked_add_signed(TimeDelta::seconds(zone.offset_at(utc).into())).unwrap();
        let name = if let Zone::Named(name) = zone { Some(name) } else { None };
        DateTime::with_offset(local, zone.offset_at(utc), name).unwrap()
    }

    fn date_time() -> impl Strategy<Value = DateTime> {
        (utc(), zone()).prop_map(|(utc, zone)| in_zone(utc, zone))
    }

    /// Two times that are often the same instant.
    fn date_times() -> impl Strategy<Value = (DateTime, DateTime)> {
        let same = (utc(), zone(), zone()).prop_map(|(utc, one, two)| (in_zone(utc, one), in_zone(utc, two)));
        prop_oneof![same, (date_time(), date_time())]
    }

    proptest! {
        #[test]
        fn a_date_survives_storing_and_printing(it in date()) {
            prop_assert_eq!(Date::from_stored(&it.to_stored()), Some(it));
            prop_assert_eq!(Date::parse(&it.formatted()), Ok(it));
        }

        #[test]
        fn a_time_survives_storing_and_printing(it in date_time()) {
            prop_assert_eq!(DateTime::from_stored(&it.to_stored()), Some(it));
            prop_assert_eq!(DateTime::parse(&it.formatted()), Ok(it));
        }

        #[test]
        fn stored_dates_sort_as_the_dates(one in date(), two in date()) {
            prop_assert_eq!(one.to_stored().cmp(&two.to_stored()), one.cmp(&two));
        }

        #[test]
        fn stored_times_sort_as_the_times((one, two) in date_times()) {
            prop_assert_eq!(one.to_stored().cmp(&two.to_stored()), one.cmp(&two));
            prop_assert_eq!(one == two, one.cmp(&two).is_eq());
        }

        #[test]
        fn any_text_is_refused_or_printed_in_a_form_that_reads_the_same(
            text in r"[+-]?[0-9]{1,6}(-?[WQ]?[0-9]{1,3}){0,2}(T[0-9:]{2,8}(\.[0-9]{1,10})?(Z|[+-][0-9:]{2,6})?(\[UTC\])?)?"
        ) {
            if let Ok(it) = DateTime::parse(&text) {
                prop_assert_eq!(DateTime::parse(&it.formatted()), Ok(it));
            }
            if let Ok(it) = Date::parse(&text) {
                prop_assert_eq!(Date::parse(&it.formatted()), Ok(it));
            }
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,40}") {
            let _ = (Date::parse(&text), DateTime::parse(&text), Date::from_stored(&text), DateTime::from_stored(&text));
        }
    }
}
