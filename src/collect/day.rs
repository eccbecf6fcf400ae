//! A UTC day: what one request asks for. Whole days, since no public source shows a request with a time of day in it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// One day, by UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day of a time in milliseconds since 1970.
    pub fn of(time: i64) -> Self {
        let time = Timestamp::from_millisecond(time).unwrap_or_default();
        Self(TimeZone::UTC.to_datetime(time).date())
    }

    /// When it begins, in milliseconds since 1970.
    pub fn begins(self) -> i64 {
        self.0.to_zoned(TimeZone::UTC).map_or(0, |begin| begin.timestamp().as_millisecond())
    }

    /// When the next one begins.
    pub fn ends(self) -> i64 {
        self.next().begins()
    }

    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0))
    }
}

/// As Graph takes it: `2026-11-20`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not a day such as 2026-11-20"))
    }
}
