//! The time zone of a device.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use jiff::civil;
use jiff::tz::TimeZone;

use super::local_time::{Clock, Date, in_utc};
use crate::call::UnixMillis;

/// A time zone, which remembers how far from UTC it was in the minute that was last asked for.
pub struct Zone {
    zone: TimeZone,
    /// In seconds, where it is always the same.
    fixed: Option<i64>,
    /// The minute, counted from 1970 by the clocks there, and the seconds behind it.
    last: AtomicU64,
}

impl Zone {
    /// Remembers nothing yet.
    pub fn new(zone: TimeZone) -> Self {
        let fixed = zone.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()));
        Self { zone, fixed, last: AtomicU64::new(u64::MAX) }
    }

    /// Whether it is UTC.
    pub fn is_utc(&self) -> bool {
        self.fixed == Some(0)
    }

    /// The moment of a time of day there.
    pub fn moment(&self, local: civil::DateTime) -> Option<UnixMillis> {
        let zoned = local.to_zoned(self.zone.clone()).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    }

    /// As [`Zone::moment`]; the device calls the time there so (`CET`), which tells which of two is meant where clocks are put back.
    pub fn moment_called(&self, local: civil::DateTime, name: &str) -> Option<UnixMillis> {
        let either = self.zone.to_ambiguous_zoned(local);
        if either.is_ambiguous()
            && let Ok(later) = either.later()
            && later.strftime("%Z").to_string().eq_ignore_ascii_case(name)
        {
            return Some(UnixMillis(later.timestamp().as_millisecond()));
        }
        self.moment(local)
    }

    /// As [`Zone::moment`]; `None` as for [`in_utc`].
    pub fn at(&self, date: Date, clock: Clock) -> Option<UnixMillis> {
        let UnixMillis(local) = in_utc(date, clock)?;
        Some(UnixMillis(local - self.seconds_at(date, clock, local / 60_000)? * 1000))
    }

    fn seconds_at(&self, (year, month, day): Date, (hour, minute, _): Clock, minutes: i64) -> Option<i64> {
        if self.fixed.is_some() {
            return self.fixed;
        }
        let minutes = u32::try_from(minutes).ok()?;
        let last = self.last.load(Relaxed).to_le_bytes();
        let [s0, s1, s2, s3, m0, m1, m2, m3] = last;
        if u32::from_le_bytes([m0, m1, m2, m3]) == minutes {
            return Some(i64::from(i32::from_le_bytes([s0, s1, s2, s3])));
        }
        let small = |number: i64| i8::try_from(number).ok();
        let (month, day, hour, minute) = (small(month)?, small(day)?, small(hour)?, small(minute)?);
        let local = civil::DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, 0, 0).ok()?;
        let seconds = i32::try_from(i64::from(minutes) * 60 - self.moment(local)?.0 / 1000).ok()?;
        let ([s0, s1, s2, s3], [m0, m1, m2, m3]) = (seconds.to_le_bytes(), minutes.to_le_bytes());
        self.last.store(u64::from_le_bytes([s0, s1, s2, s3, m0, m1, m2, m3]), Relaxed);
        Some(i64::from(seconds))
    }
}

impl Clone for Zone {
    fn clone(&self) -> Self {
        Self::new(self.zone.clone())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.zone.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::local_time::iso;

    proptest! {
        #[test]
        fn moments_are_those_of_the_zone(
            seconds in 315_532_800_i64..4_102_400_000, zone in 0..4_usize, near in any::<bool>(),
        ) {
            let zone = [TimeZone::UTC, TimeZone::fixed(jiff::tz::offset(-3)), posix("CET-1CEST,M3.5.0,M10.5.0/3"),
                posix("LHST-10:30LHDT-11,M10.1.0,M4.1.0")][zone].clone();
            // Half of them in the night in which the clocks of Central Europe are put back or forward.
            let seconds = if near { 1_711_846_800 + seconds % 15_000 - 7_500 } else { seconds };
            let text = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC).datetime().to_string();
            let ours = Zone::new(zone);
            let (date, clock) = iso(text.as_bytes()).unwrap();
            let expected = ours.moment(text.parse().unwrap());
            prop_assert_eq!(ours.at(date, clock), expected, "{}", text);
            prop_assert_eq!(ours.at(date, clock), expected, "{} again", text);
        }
    }

    fn posix(text: &str) -> TimeZone {
        TimeZone::posix(text).unwrap()
    }
}
