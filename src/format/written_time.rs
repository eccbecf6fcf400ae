//! Times as AudioCodes and Cisco write them: `18:57:52.320  UTC Mon Dec 05 2022`.

use jiff::civil;

use super::device::{self, Device};
use crate::call::UnixMillis;

/// Reads a time. Its zone is named in the device's own words: any but UTC and GMT is taken for the one that the operator
/// says the device is in.
pub fn read(text: &str, device: &Device) -> Option<UnixMillis> {
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
    match rest.first() {
        Some(&("UTC" | "GMT")) => device::UNKNOWN.moment(local),
        _ => device.moment(local),
    }
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
            ("2022-12-05T18:57:52Z", None),
        ] {
            assert_eq!(read(text, &device), expected.map(UnixMillis), "{text}");
        }
    }
}
