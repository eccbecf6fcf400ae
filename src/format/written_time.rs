//! Times as AudioCodes and Cisco write them: `18:57:52.320  UTC Mon Dec 05 2022`.

use jiff::civil;

use super::device::{self, Device};
use super::local_time;
use crate::call::{Shape, UnixMillis, Unread, UnreadField, UnreadTime};

/// The first of these times that can be read. Notes those before it that are there and cannot be, and a time with a zone in
/// the device's own words of which the operator says nothing: it may be hours wrong.
pub fn first<'t>(
    times: impl IntoIterator<Item = (&'t str, UnreadField)>,
    device: &Device,
    unread: &mut Unread,
) -> Option<UnixMillis> {
    times.into_iter().find_map(|(text, field)| {
        let at = read(text, device);
        if at.is_none() && !text.is_empty() {
            unread.add_time(field, UnreadTime::Shape(Shape::of(text.as_bytes())));
        }
        at.inspect(|_| note_zone(text, field, device, unread))
    })
}

/// Notes such a zone in a time that was read.
pub fn note_zone(text: &str, field: UnreadField, device: &Device, unread: &mut Unread) {
    if device.is_in_utc() && names_own_zone(text) {
        unread.add_time(field, UnreadTime::Zone);
    }
}

/// Reads a time, or one as RFC 3339 has it. Its zone is named in the device's own words: any but UTC and GMT, and what lies so many
/// hours from them, is taken for the one that the operator says the device is in.
pub fn read(text: &str, device: &Device) -> Option<UnixMillis> {
    if text.as_bytes().get(4) == Some(&b'-') {
        return match text.parse::<jiff::Timestamp>() {
            Ok(at) => Some(UnixMillis(at.as_millisecond())),
            Err(_) => device.moment(text.parse::<civil::DateTime>().ok()?),
        };
    }
    if let Some((date, clock)) = in_utc(text)
        && let Some(moment) = local_time::in_utc(date, clock)
    {
        return Some(moment);
    }
    let mut words = text.split_ascii_whitespace();
    let clock = words.next()?;
    let mut rest: Vec<&str> = words.collect();
    // The day of the week says nothing that is needed, and may be missing.
    let year = rest.pop()?.parse().ok()?;
    let day = rest.pop()?.parse().ok()?;
    let month = device::month(rest.pop()?)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let local = civil::DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()?;
    let from_utc =
        rest.first().and_then(|zone| zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")));
    match from_utc {
        Some(offset) => Some(UnixMillis(device::UNKNOWN.moment(local)?.0 - minutes(offset)? * 60_000)),
        None => device.moment_called(local, rest.first().copied().unwrap_or_default()),
    }
}

/// Whether it names a zone in the device's own words: what stands behind the clock is no day, no month, and not UTC.
fn names_own_zone(text: &str) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let is_day = |word: &str| DAYS.iter().any(|day| word.eq_ignore_ascii_case(day));
    let is_usual = |word: &str| word.starts_with("UTC") || word.starts_with("GMT") || is_day(word);
    let mut words = text.split_ascii_whitespace().skip(1);
    words.next().is_some_and(|word| {
        word.starts_with(char::is_alphabetic) && !is_usual(word) && device::month(word).is_none()
    })
}

/// A time that is written as nearly all are: with a day of the week, in UTC.
fn in_utc(text: &str) -> Option<(local_time::Date, local_time::Clock)> {
    let mut words = text.split_ascii_whitespace();
    let clock = local_time::clock(words.next()?.as_bytes())?;
    if !matches!(words.next()?, "UTC" | "GMT") {
        return None;
    }
    let month = device::month(words.nth(1)?)?;
    let (day, year) = (words.next()?.as_bytes(), words.next()?.as_bytes());
    let ([d0, d1], [y0, y1, y2, y3]) = (day, year) else { return None };
    let (year, _, day) = local_time::date([*y0, *y1, *y2, *y3], *b"00", [*d0, *d1])?;
    words.next().is_none().then_some(((year, month.into(), day), clock))
}

/// How far a zone lies from UTC: `+0200`, `+02:00`, `-5`, or nothing.
fn minutes(offset: &str) -> Option<i64> {
    let (sign, digits) = match offset.as_bytes() {
        [] => return Some(0),
        [b'+', ..] => (1, &offset[1..]),
        [b'-', ..] => (-1, &offset[1..]),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let number: i64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    let minutes = if digits.len() > 2 { number / 100 * 60 + number % 100 } else { number * 60 };
    (minutes <= 14 * 60).then_some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};

    use super::*;
    use crate::format::device::TrunkFrom;

    #[test]
    fn reads_times() {
        let east = TimeZone::fixed(offset(1));
        let device = Device::parse(&[], TrunkFrom::Teams, east).unwrap();
        for (text, expected) in [
            ("18:57:52.320  UTC Mon Dec 05 2022", Some(1_670_266_672_320)),
            ("18:57:52.320 UTC Mon Dec 05 2022", Some(1_670_266_672_320)),
            ("18:57:52 GMT Mon Dec 5 2022", Some(1_670_266_672_000)),
            ("19:57:52.3 Dec 05 2022", Some(1_670_266_672_300)),
            ("19:57:52.320  CET Mon Dec 05 2022", Some(1_670_266_672_320)),
            ("", None),
            ("25:57:52.320  UTC Mon Dec 05 2022", None),
            ("18:57:52.320  UTC Mon Foo 05 2022", None),
            ("18:57:52.x20  UTC Mon Dec 05 2022", None),
            ("2022-12-05T18:57:52Z", Some(1_670_266_672_000)),
            ("2022-12-05 19:57:52", Some(1_670_266_672_000)),
            ("2022-12-05 yesterday", None),
            ("20:57:52.320  UTC+0200 Mon Dec 05 2022", Some(1_670_266_672_320)),
            ("13:57:52.320  GMT-5 Mon Dec 05 2022", Some(1_670_266_672_320)),
            ("13:57:52.320  UTC+99 Mon Dec 05 2022", None),
        ] {
            assert_eq!(read(text, &device), expected.map(UnixMillis), "{text}");
        }
    }

    #[test]
    fn the_name_of_the_zone_tells_which_hour_it_is_when_clocks_are_put_back() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let device = Device::parse(&[], TrunkFrom::Teams, zone).unwrap();
        for (text, expected) in [
            ("02:30:00.000  CEST Sun Oct 25 2026", "2026-10-25T00:30:00Z"),
            ("02:30:00.000  CET Sun Oct 25 2026", "2026-10-25T01:30:00Z"),
            ("02:30:00.000  MEZ Sun Oct 25 2026", "2026-10-25T00:30:00Z"),
            ("02:30:00.000 Sun Oct 25 2026", "2026-10-25T00:30:00Z"),
            ("02:30:00.000  CET Sun Mar 29 2026", "2026-03-29T01:30:00Z"),
            ("03:30:00.000  CET Sun Oct 25 2026", "2026-10-25T02:30:00Z"),
        ] {
            let expected = expected.parse::<jiff::Timestamp>().unwrap().as_millisecond();
            assert_eq!(read(text, &device), Some(UnixMillis(expected)), "{text}");
        }
    }

    /// Read as UTC, a call of this minute would be hours old, and no alert would see it.
    #[test]
    fn a_zone_that_nobody_explained_is_said() {
        let mut unread = Unread::default();
        let times = [("01:33:53.000  EST Mon Nov 30 2026", UnreadField::EndTime)];
        assert!(first(times, &device::UNKNOWN, &mut unread).is_some());
        assert_eq!(unread.time(), Some(UnreadTime::Zone));
        for text in
            ["01:33:53.000 Mon Nov 30 2026", "01:33:53.000 Nov 30 2026", "01:33:53 UTC+1 Mon Nov 30 2026"]
        {
            let mut unread = Unread::default();
            assert!(first([(text, UnreadField::EndTime)], &device::UNKNOWN, &mut unread).is_some(), "{text}");
            assert!(unread.is_empty(), "{text}");
        }
    }
}
