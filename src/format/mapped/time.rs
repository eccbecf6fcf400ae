//! How times are written in records of any kind, and which way of writing a text seems to have.

use std::cell::Cell;

use jiff::civil;

use super::Field;
use crate::call::UnixMillis;
use crate::format::device::Device;
use crate::format::last_minute::LastMinute;
use crate::format::local_time;

/// How a time is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeFormat {
    /// RFC 3339, also without a zone.
    #[default]
    Rfc3339,
    /// Seconds since 1970; a fraction is cut off.
    Unix,
    UnixMillis,
    /// As `strptime` has it: `%d.%m.%Y %H:%M:%S`.
    Written(String),
}

/// The minutes that were last read of start, answer and end, each in UTC and without a zone.
#[derive(Debug, Default)]
pub struct Minutes([[Cell<LastMinute>; 2]; 3]);

impl Minutes {
    /// As [`TimeFormat::read`], of one of these fields.
    pub fn read(&self, field: Field, format: &TimeFormat, text: &str, device: &Device) -> Option<UnixMillis> {
        let of_field = match field {
            Field::Started => &self.0[0],
            Field::Answered => &self.0[1],
            _ => &self.0[2],
        };
        format.read_near(text, device, of_field)
    }
}

/// Ways to write a time that are in use, as the config names them. Where day and month could be either, the first of these is taken,
/// of slashes the month: whoever writes the mapping has to look.
const IN_USE: [&str; 25] = [
    "rfc3339",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H:%M:%S",
    "%m/%d/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M:%S%.f",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d-%m-%Y %H:%M:%S%.f",
    "%m-%d-%Y %H:%M:%S%.f",
    "%m-%d-%Y %I:%M:%S %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%d-%b-%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%b %d %Y %H:%M:%S",
    "%H:%M:%S%.f UTC %a %b %d %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "unix_ms",
    "unix",
];

/// Numbers that are seconds of 2001 to 2096 are taken for times.
const UNIX_SECONDS: std::ops::Range<i64> = 1_000_000_000..4_000_000_000;

/// The years 1 to 9999, in milliseconds since 1970: a number may be any.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

impl TimeFormat {
    /// Of the word in the config; `None` where it is none.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "rfc3339" => Some(Self::Rfc3339),
            "unix" => Some(Self::Unix),
            "unix_ms" => Some(Self::UnixMillis),
            form if form.contains('%') => Some(Self::Written(form.to_owned())),
            _ => None,
        }
    }

    /// Whether a time can be read so at all: a form without a day, or with a word that is none, gives no moment.
    pub fn can_be_read(&self) -> bool {
        let Self::Written(form) = self else { return true };
        let sample = civil::date(2024, 11, 5).at(21, 1, 2, 250_000_000).to_zoned(jiff::tz::TimeZone::UTC);
        let text = sample.ok().and_then(|sample| jiff::fmt::strtime::format(form, &sample).ok());
        text.is_some_and(|text| self.read(&text, &crate::format::device::UNKNOWN).is_some())
    }

    /// The word in the config for the way in which a text writes a time, if it is one in use.
    pub fn guessed(text: &str) -> Option<&'static str> {
        IN_USE.into_iter().find(|word| is_written_so(text, word))
    }

    /// The way in which most of these texts write times: one of them may tell which number is the day.
    pub fn guessed_of(texts: &[&str]) -> Option<&'static str> {
        let count = |word: &&str| texts.iter().filter(|text| is_written_so(text, word)).count();
        // Of two ways the first: the last of the greatest is taken.
        IN_USE.into_iter().rev().max_by_key(count).filter(|word| count(word) > 0)
    }

    /// Whether day and month of this text could be either.
    pub fn has_two_readings(text: &str) -> bool {
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<u8>().ok());
        let mut parts = text.split(['/', '-']);
        let is_month = |part: Option<u8>| part.is_some_and(|number| (1..=12).contains(&number));
        is_month(number(parts.next())) && is_month(number(parts.next())) && parts.next().is_some()
    }

    /// The moment that a text writes; times without a zone are the device's.
    pub fn read(&self, text: &str, device: &Device) -> Option<UnixMillis> {
        self.read_near(text, device, &Default::default())
    }

    fn read_near(&self, text: &str, device: &Device, last: &[Cell<LastMinute>; 2]) -> Option<UnixMillis> {
        self.read_any(text, device, last).filter(|at| YEARS.contains(&at.0))
    }

    #[inline(always)]
    fn read_any(&self, text: &str, device: &Device, last: &[Cell<LastMinute>; 2]) -> Option<UnixMillis> {
        // Routers write so that their clock is not synchronised.
        let text = match text.as_bytes() {
            [b'*' | b'.', ..] => text.trim_start_matches(['*', '.']),
            _ => text,
        };
        match self {
            Self::Rfc3339 => usual(text, device, last).or_else(|| match text.parse::<jiff::Timestamp>() {
                Ok(at) => Some(UnixMillis(at.as_millisecond())),
                Err(_) => device.moment(text.parse::<civil::DateTime>().ok()?),
            }),
            Self::Unix => Some(UnixMillis(text.split('.').next()?.parse::<i64>().ok()?.checked_mul(1000)?)),
            // pandas writes a column in which some are missing with a point.
            Self::UnixMillis => text.split('.').next()?.parse().ok().map(UnixMillis),
            // The seconds stand behind a minute as long as the one that is remembered, and nothing behind them.
            Self::Written(format) if text.len() == "01/31/2024 09:00:00".len() && format.ends_with(":%S") => {
                let mut minute = last[1].get();
                let at = minute.of_one(text.as_bytes(), || written(format, text, device));
                last[1].set(minute);
                at
            }
            Self::Written(format) => written(format, text, device),
        }
    }
}

/// A time in this form of `strptime`.
fn written(format: &str, text: &str, device: &Device) -> Option<UnixMillis> {
    let usual = local_time::written(format.as_bytes(), text.as_bytes());
    usual.and_then(|(date, clock)| device.at(date, clock)).or_else(|| {
        let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
        match parsed.to_timestamp() {
            Ok(at) => Some(UnixMillis(at.as_millisecond())),
            Err(_) => device.moment(parsed.to_datetime().ok()?),
        }
    })
}

/// Whether a text is a time of this way in use.
fn is_written_so(text: &str, word: &str) -> bool {
    let number = |unit: i64| text.split('.').next().and_then(|it| it.parse::<i64>().ok()).map(|it| it / unit);
    match word {
        "unix" => number(1).is_some_and(|seconds| UNIX_SECONDS.contains(&seconds)),
        "unix_ms" => number(1000).is_some_and(|seconds| UNIX_SECONDS.contains(&seconds)),
        word => {
            let form = TimeFormat::named(word);
            form.is_some_and(|form| form.read(text, &crate::format::device::UNKNOWN).is_some())
        }
    }
}

/// A time as it is nearly always written, in UTC or without a zone.
#[inline(always)]
fn usual(text: &str, device: &Device, [in_utc, local]: &[Cell<LastMinute>; 2]) -> Option<UnixMillis> {
    let ((text, last), is_utc) = match text.as_bytes() {
        [text @ .., b'Z'] => ((text, in_utc), true),
        text => ((text, local), false),
    };
    let mut minute = last.get();
    let at = minute.of_one(text, || {
        let (date, clock) = local_time::iso(text)?;
        if is_utc { local_time::in_utc(date, clock) } else { device.at(date, clock) }
    });
    last.set(minute);
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_read_before_changes_no_moment(
            times in proptest::collection::vec(
                (0..3_usize, "2024-(03-31|10-27|02-30)[ T]0[123]:0[01](:[0-7][0-9](\\.[0-9x]{0,11})?)?Z?|[0-9:.TZ-]{15,22}"), 1..12),
        ) {
            let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
            let device = Device::parse(&[], crate::format::device::TrunkFrom::Teams, zone).unwrap();
            let (minutes, format) = (Minutes::default(), TimeFormat::Rfc3339);
            for (field, text) in &times {
                let field = [Field::Started, Field::Answered, Field::Ended][*field];
                let expected = format.read(text, &device);
                prop_assert_eq!(minutes.read(field, &format, text, &device), expected, "{} of {:?}", text, times);
            }
        }

        #[test]
        fn nor_do_times_in_a_form_of_the_config(
            form in prop::sample::select(vec![
                "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S%.f", "%d.%m.%Y %M:%H:%S",
                "%d.%m.%Y %S:%M:%H", "%e.%m.%Y  %H:%M:%S", "%d.%m.%Y %H.%M:%S",
            ]),
            times in proptest::collection::vec(
                "(31\\.03|27\\.10|3\\.11)\\.2024  ?0[123][:.]0[01]:[0-7]?[0-9](\\.5)?|2024-10-27 02:00:0[0-9]|10/27/2024 02:00:0[0-9]", 1..12),
        ) {
            let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
            let device = Device::parse(&[], crate::format::device::TrunkFrom::Teams, zone).unwrap();
            let (minutes, format) = (Minutes::default(), TimeFormat::Written(form.to_owned()));
            for text in &times {
                let expected = format.read(text, &device);
                prop_assert_eq!(minutes.read(Field::Ended, &format, text, &device), expected, "{} of {:?}", text, times);
            }
        }
    }

    #[test]
    fn usual_times_are_what_the_full_reading_makes_of_them() {
        let berlin = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let device = Device::parse(&[], crate::format::device::TrunkFrom::Teams, berlin).unwrap();
        for (form, text) in [
            ("rfc3339", "2024-11-05T09:01:02Z"),
            ("rfc3339", "2024-07-05T09:01:02.1239Z"),
            ("rfc3339", "2024-07-05 09:01:02.5Z"),
            ("rfc3339", "2024-07-05 09:01:02.5"),
            ("rfc3339", "2024-10-27T02:30:00"),
            ("rfc3339", "2024-03-31T02:30:00"),
            ("%d.%m.%Y %H:%M:%S%.f", "05.11.2024 09:01:02.25"),
            ("%d.%m.%Y %H:%M:%S%.f", "05.11.2024 09:01:02"),
            ("%Y%m%d%H%M%S", "20241105090102"),
            ("%m/%d/%Y %H:%M", "11/05/2024 09:01"),
            ("%d-%b-%Y %H:%M:%S", "05-Nov-2024 09:01:02"),
            ("%b %d %Y %H:%M:%S", "Nov 05 2024 09:01:02"),
        ] {
            let form = TimeFormat::named(form).unwrap();
            let slowly = match &form {
                TimeFormat::Written(form) => {
                    let parsed = jiff::fmt::strtime::parse(form, text).unwrap();
                    device.moment(parsed.to_datetime().unwrap())
                }
                _ => match text.parse::<jiff::Timestamp>() {
                    Ok(at) => Some(UnixMillis(at.as_millisecond())),
                    Err(_) => device.moment(text.parse().unwrap()),
                },
            };
            let quickly = match &form {
                TimeFormat::Written(form) => local_time::written(form.as_bytes(), text.as_bytes())
                    .and_then(|(date, clock)| device.at(date, clock)),
                _ => usual(text, &device, &Default::default()),
            };
            assert!(quickly.is_some());
            assert_eq!(quickly, slowly, "{form:?} {text}");
        }
    }

    #[test]
    fn forms_that_no_time_has_are_known() {
        for (form, expected) in [
            ("%H:%M", false),
            ("%Q", false),
            ("%d.%m.", false),
            ("%Y-%m-%d %Q", true),
            ("%Y-%m-%d %H:%M %K", false),
            ("%Y-%m-%d", true),
            ("%d.%m.%y %k:%M", true),
            ("%s", true),
        ] {
            assert_eq!(TimeFormat::named(form).unwrap().can_be_read(), expected, "{form}");
        }
        assert!(IN_USE.into_iter().all(|form| TimeFormat::named(form).unwrap().can_be_read()));
    }

    #[test]
    fn the_way_a_time_is_written_is_guessed() {
        for (text, expected) in [
            ("2024-11-05T09:01:00Z", Some("rfc3339")),
            ("2024-11-05 09:01:00.123", Some("rfc3339")),
            ("05.11.2024 09:01:00", Some("%d.%m.%Y %H:%M:%S%.f")),
            ("2024/11/05 09:01:00.5", Some("%Y/%m/%d %H:%M:%S%.f")),
            ("20241105090100", Some("%Y%m%d%H%M%S")),
            ("11/05/2024 09:01:00", Some("%m/%d/%Y %H:%M:%S%.f")),
            ("25/11/2024 09:01:00", Some("%d/%m/%Y %H:%M:%S%.f")),
            ("Tue Nov 05 09:01:00 2024", Some("%a %b %d %H:%M:%S %Y")),
            ("09:01:00.123 UTC Tue Nov 05 2024", Some("%H:%M:%S%.f UTC %a %b %d %Y")),
            ("*09:01:00.123 UTC Tue Nov 05 2024", Some("%H:%M:%S%.f UTC %a %b %d %Y")),
            ("1730797260", Some("unix")),
            ("1730797260.123", Some("unix")),
            ("1730797260123", Some("unix_ms")),
            ("+14255550100", None),
            ("486", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(TimeFormat::guessed(text), expected, "{text}");
        }
        let far = TimeFormat::UnixMillis.read("9223372036854775807", &crate::format::device::UNKNOWN);
        assert_eq!(far, None, "later than any calendar goes");
        assert!(TimeFormat::has_two_readings("11/05/2024 09:01:00"));
        assert!(!TimeFormat::has_two_readings("25/11/2024 09:01:00"));
        assert!(!TimeFormat::has_two_readings("2024/11/05 09:01:00"));
    }
}
