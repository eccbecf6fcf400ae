//! Minutes as people write them.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A stretch of time between two minutes, the last one not in it.
#[derive(Debug, Clone, Copy)]
pub struct Span<'z> {
    pub from: i64,
    pub to: i64,
    pub zone: &'z TimeZone,
}

impl Span<'_> {
    /// As `since 2026-11-20 14:05 UTC`.
    pub fn since(&self) -> String {
        let from = at(self.from, self.zone);
        format!("since {} {}", from.strftime("%Y-%m-%d %H:%M"), zone_name(&from))
    }
}

impl fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (at(self.from, self.zone), at(self.to, self.zone));
        let (day, hour) = ("%Y-%m-%d", "%H:%M");
        // Over a change of the clock, an hour may stand for two.
        let begin = match zone_name(&from) {
            zone if zone == zone_name(&to) => from.strftime(hour).to_string(),
            zone => format!("{} {zone}", from.strftime(hour)),
        };
        match from.date() == to.date() {
            true => write!(f, "on {} from {} to {}", from.strftime(day), begin, to.strftime(hour))?,
            false => write!(
                f,
                "from {} {} to {} {}",
                from.strftime(day),
                begin,
                to.strftime(day),
                to.strftime(hour)
            )?,
        }
        write!(f, " {}", zone_name(&to))
    }
}

/// A minute in this zone.
pub fn at(minute: i64, zone: &TimeZone) -> Zoned {
    let at = Timestamp::from_second(minute.saturating_mul(60));
    at.unwrap_or(if minute < 0 { Timestamp::MIN } else { Timestamp::MAX }).to_zoned(zone.clone())
}

/// A minute as RFC 3339, in UTC.
pub fn rfc3339(minute: i64) -> String {
    at(minute, &TimeZone::UTC).timestamp().to_string()
}

/// The zone as it is written behind a time: `UTC`, `CET`.
pub fn zone_name(at: &Zoned) -> String {
    at.strftime("%Z").to_string()
}
