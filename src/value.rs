//! Values with rules of their own: dates, times, URLs and time spans. Knows no schema, no request and no database.
//!
//! # Stored form
//!
//! [`Date`] and [`DateTime`] are stored as text whose bytewise order is the order of the values, one text per value.
//! From its first blank on, if it has one, the text is the value as [`Date::formatted`] and [`DateTime::formatted`]
//! print it; what comes before is the sort key.
//!
//! | value | stored |
//! | --- | --- |
//! | date, years 0 to 9999 | `1819-09-13` (10 characters) |
//! | date before | `-999956-03-15 -0044-03-15` (the key has 1 000 000 + year) |
//! | date after | `Y012345-01-01 +12345-01-01` |
//! | time in `Z`, years 0 to 9999 | `2021-06-22T13:47:10.690000000Z` (30 characters) |
//! | time with zone name and no offset | `2021-06-22T13:47:10.000000000Z 2021-06-22T13:47:10Z[UTC]` |
//! | time east of Greenwich | `2021-06-22T11:47:10.000000000Z+07200 2021-06-22T13:47:10+02:00` |
//! | time west of Greenwich | `2021-06-22T15:47:10.000000000-57600 2021-06-22T13:47:10-02:00` |
//!
//! The key of a time is its instant in UTC, always with nine digits of fraction, and then what sorts equal instants
//! by offset: `-` and 64 800 + offset in seconds, or `Z`, or `Z+` and the offset in seconds. Equal instants with equal
//! offsets have equal local times, so that the formatted text sorts them by zone name, no name first. Years outside
//! 0 to 9999 are written in the key of a time as in the key of a date.

mod error;
mod calendar;
mod cursor;
mod zone;
mod date;
mod date_time;
mod written;
mod components;
mod stored;
pub mod time_span;
pub mod url;
pub mod words;

pub use components::{DateComponents, DateTimeComponents};
pub use date::Date;
pub use date_time::DateTime;
pub use error::Error;
