//! Times of day as devices write them, in their own zone: the usual ways, without a parser for every other.

use super::fields::digit_pairs;
use super::{device, fields};
use crate::call::UnixMillis;

/// Year, month and day, of which nobody said yet that there is such a day.
pub type Date = (i64, i64, i64);

/// Hour, minute, and milliseconds within the minute.
pub type Clock = (i64, i64, i64);

fn number(digits: &[u8]) -> Option<i64> {
    let append = |value, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'));
    digits.iter().try_fold(0, append)
}

/// A date in digits.
pub fn date(year: [u8; 4], month: [u8; 2], day: [u8; 2]) -> Option<Date> {
    Some((number(&year)?, number(&month)?, number(&day)?))
}

/// `09:01:00`, and `09:01:00.5` with one to nine digits of a fraction, of which all below milliseconds are cut off.
pub fn clock(text: &[u8]) -> Option<Clock> {
    let (time, rest) = text.split_first_chunk()?;
    let of = digit_pairs(*time, *b"00:00:00")?;
    Some((of(0), of(3), millis(of(6), rest)?))
}

/// The milliseconds of a second of a minute, and of a fraction of one to nine digits behind it, if there is one.
#[inline(always)]
pub fn millis(second: i64, fraction: &[u8]) -> Option<i64> {
    let fraction = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            digits
        }
        _ => return None,
    };
    (second < 60).then(|| second * 1000 + thousandths(fraction))
}

/// `2024-11-05 09:01:00`, with `T` in the midst or a blank, and perhaps a fraction; no zone.
pub fn iso(text: &[u8]) -> Option<(Date, Clock)> {
    let (month, [d0, d1, b' ' | b'T', time @ ..]) = text.split_first_chunk()? else { return None };
    let of = digit_pairs(*month, *b"0000-00-")?;
    Some(((of(0) * 100 + of(2), of(5), number(&[*d0, *d1])?), clock(time)?))
}

/// A time as a format of `strptime` has it, one of the usual ways: numbers of all their digits, and all of day, hour and minute.
pub fn written(format: &[u8], text: &[u8]) -> Option<(Date, Clock)> {
    let (mut format, mut text) = (format, text);
    let [mut year, mut month, mut day, mut hour, mut minute] = [None; 5];
    let (mut second, mut millis) = (0, 0);
    while let Some((first, rest)) = format.split_first() {
        let (directive, rest) = match (first, rest) {
            (b'%', [b'.', b'f', rest @ ..]) => (b'.', rest),
            (b'%', [directive, rest @ ..]) => (*directive, rest),
            _ => {
                (format, text) = (rest, text.strip_prefix(&[*first])?);
                continue;
            }
        };
        let length = match directive {
            b'Y' => 4,
            b'b' => 3,
            b'.' => match text {
                [b'.', fraction @ ..] => 1 + fraction.iter().take_while(|byte| byte.is_ascii_digit()).count(),
                _ => 0,
            },
            _ => 2,
        };
        let value;
        (value, text) = text.split_at_checked(length)?;
        format = rest;
        match directive {
            b'Y' => year = number(value),
            b'm' => month = number(value),
            b'b' => month = device::month(str::from_utf8(value).ok()?).map(i64::from),
            b'd' => day = number(value),
            b'H' => hour = number(value),
            b'M' => minute = number(value),
            b'S' => second = number(value)?,
            b'.' if matches!(length, 0 | 2..=10) => millis = thousandths(value.get(1..).unwrap_or_default()),
            _ => return None,
        }
    }
    let clock = (hour?, minute?, second * 1000 + millis);
    (text.is_empty() && second < 60).then_some(((year?, month?, day?), clock))
}

/// The milliseconds of a fraction in digits.
pub fn thousandths(fraction: &[u8]) -> i64 {
    let digit = |place: usize| fraction.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

/// A moment in UTC; `None` where there is no such day, and outside of these centuries.
pub fn in_utc(date: Date, (hour, minute, millis): Clock) -> Option<UnixMillis> {
    let minutes = fields::minutes_since_1970(date, hour, minute).filter(|_| YEARS.contains(&date.0))?;
    Some(UnixMillis(minutes * 60_000 + millis))
}

/// In these, clocks are put forward and back at whole minutes.
const YEARS: std::ops::Range<i64> = 1980..2100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::device::{Device, TrunkFrom};
    use crate::format::last_minute::LastMinute;

    proptest! {
        #[test]
        fn the_last_minute_changes_no_moment(
            texts in proptest::collection::vec(
                "2024-(03-31|10-27|02-30)[ T]0[123]:[05]9(:[0-7][0-9](\\.[0-9x]{0,11})?)?|[0-9:. T-]{15,22}", 1..12),
        ) {
            // The clocks are put forward and back in the nights of two of these days.
            let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
            let device = Device::parse(&[], TrunkFrom::Teams, zone).unwrap();
            let mut minute = LastMinute::default();
            for text in &texts {
                let read = || iso(text.as_bytes()).and_then(|(date, clock)| device.at(date, clock));
                prop_assert_eq!(minute.of_one(text.as_bytes(), read), read(), "{} of {:?}", text, texts);
            }
        }
    }

    #[test]
    fn refuses_what_is_no_usual_time() {
        for text in [
            "2024-11-05",
            "2024-11-05 9:01:00",
            "2024-11-05 09:01:00Z",
            "2024-11-05 24:01:00",
            "2024-11-05 09:60:00",
            "2024-11-05 09:01:60",
            "2024-11-05 09:01:00.",
            "2024-11-05 09:01:00.1234567890",
            "2024-11-05 09:01:00.x",
            "2x24-11-05 09:01:00",
        ] {
            let read = iso(text.as_bytes()).and_then(|(date, clock)| in_utc(date, clock));
            assert_eq!(read, None, "{text}");
        }
        let at = |text: &str| iso(text.as_bytes()).and_then(|(date, clock)| in_utc(date, clock));
        assert_eq!(at("2024-11-05 09:01:00.1239"), Some(UnixMillis(1_730_797_260_123)));
        assert_eq!(at("2023-02-29 09:01:00"), None);
        assert_eq!(at("1970-01-01T00:00:00"), None);
    }
}
