//! Times in other forms than Microsoft's own (RFC 3339): what PowerShell, .NET, Excel and scripts make of them.
//!
//! `05/11/2024` has two readings. Which one a file means is certain once a day above 12 stands in it; until then such a
//! time is not read. All are UTC unless they say otherwise, as in the reports they were taken from.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use super::fields::{self, NotATime};
use crate::call::{TwoReadings, UnixMillis};

/// The value of a field that should be a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When<'a> {
    None,
    Text(&'a [u8]),
    Number(f64),
    /// Anything else.
    Odd,
}

/// In which order a file writes day and month, as far as it has shown that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    #[default]
    Unknown,
    DayFirst,
    MonthFirst,
    /// Both: then neither is certain.
    Mixed,
}

impl Dates {
    /// Stands before a header where both are kept.
    const KEPT: [(Self, &'static [u8]); 3] = [
        (Self::DayFirst, b"#dates day first\n"),
        (Self::MonthFirst, b"#dates month first\n"),
        (Self::Mixed, b"#dates mixed\n"),
    ];

    /// What is kept of a file to go on by: this, and its header.
    pub fn kept_with(self, header: &[u8]) -> Vec<u8> {
        let dates = Self::KEPT.iter().find(|(dates, _)| *dates == self);
        [dates.map_or(b"".as_slice(), |(_, line)| line), header].concat()
    }

    /// Takes apart what was kept.
    pub fn of_kept(kept: &[u8]) -> (Self, &[u8]) {
        let found = Self::KEPT.iter().find_map(|(dates, line)| Some((*dates, kept.strip_prefix(*line)?)));
        found.unwrap_or((Self::Unknown, kept))
    }

    /// Learns the order from a time, if it shows one.
    pub fn learn(&mut self, when: When<'_>) {
        let When::Text(text) = when else { return };
        let text = fields::trimmed(text);
        // So begins what most files hold.
        if matches!(text, [_, _, _, _, b'-', ..] | []) {
            return;
        }
        let shown = match written_date(text) {
            Some((Date::Either { first: 13.., .. }, _)) => Self::DayFirst,
            Some((Date::Either { second: 13.., .. }, _)) => Self::MonthFirst,
            _ => return,
        };
        *self = match *self {
            Self::Unknown => shown,
            known if known == shown => known,
            _ => Self::Mixed,
        };
    }

    /// Reads a time. The year 1 means that there is none.
    pub fn read(self, when: When<'_>) -> Result<Option<UnixMillis>, NotATime> {
        let millis = match when {
            When::None => return Ok(None),
            When::Text(text) => match fields::time(text) {
                Ok(time) => return Ok(time),
                Err(_) => self.text(fields::trimmed(text))?,
            },
            When::Number(number) => number_of_days_or_seconds(number).ok_or(NotATime::Other)?,
            When::Odd => return Err(NotATime::Other),
        };
        Ok((millis >= YEAR_2).then_some(UnixMillis(millis)))
    }

    fn text(self, text: &[u8]) -> Result<i64, NotATime> {
        let text = str::from_utf8(text).map_err(|_| NotATime::Other)?;
        // Excel writes days with a decimal comma where people do.
        let days = text.split_once(',').filter(|(days, _)| days.len() == 5);
        let number = days.map_or_else(|| text.parse(), |(days, part)| format!("{days}.{part}").parse());
        if let Ok(number) = number {
            return number_of_days_or_seconds(number).ok_or(NotATime::Other);
        }
        if let Some(millis) = of_javascript(text).or_else(|| in_words(text)) {
            return Ok(millis);
        }
        let (date, rest) = written_date(text.as_bytes()).ok_or(NotATime::Other)?;
        let (year, month, day) = match (date, self) {
            (Date::Sure(date), _) => date,
            (Date::Either { first, second: second @ 13.., year }, _)
            | (Date::Either { first, second, year }, Self::MonthFirst) => (year, first, second),
            (Date::Either { first: first @ 13.., second, year }, _)
            | (Date::Either { first, second, year }, Self::DayFirst) => (year, second, first),
            (Date::Either { first, second, year }, _) if first == second => (year, first, second),
            (Date::Either { first: first @ 1.., second: second @ 1.., .. }, _) => {
                return Err(NotATime::TwoReadings(TwoReadings { first, second }));
            }
            (Date::Either { .. }, _) => return Err(NotATime::Other),
        };
        at_clock(year, month, day, rest).ok_or(NotATime::Other)
    }
}

/// 0002-01-01: before it is what stands for no time.
const YEAR_2: i64 = -62_104_060_800_000;

/// A date of three numbers.
#[derive(Debug, Clone, Copy)]
enum Date {
    /// Year, month, day.
    Sure((i16, i8, i8)),
    /// Day and month in either order.
    Either { first: i8, second: i8, year: i16 },
}

/// The date that a text begins with, and what follows it. With dots the day is first wherever people write so.
fn written_date(text: &[u8]) -> Option<(Date, &[u8])> {
    let (first, rest) = number(text)?;
    let (separator @ (b'/' | b'.' | b'-'), rest) = rest.split_first().map(|(byte, rest)| (*byte, rest))?
    else {
        return None;
    };
    let (second, rest) = number(rest)?;
    let (third, rest) = number(rest.strip_prefix(&[separator])?)?;
    let small = |(value, digits): (i16, usize)| i8::try_from(value).ok().filter(|_| digits <= 2);
    let date = match (first.1, third.1) {
        (4, ..=2) => Date::Sure((first.0, small(second)?, small(third)?)),
        (..=2, 4) | (..=2, 2) => {
            let year = if third.1 == 2 { 2000 + third.0 } else { third.0 };
            let (first, second) = (small(first)?, small(second)?);
            match separator {
                b'.' => Date::Sure((year, second, first)),
                _ => Date::Either { first, second, year },
            }
        }
        _ => return None,
    };
    Some((date, rest))
}

/// The number of one to four digits that a text begins with, how many they are, and what follows.
fn number(text: &[u8]) -> Option<((i16, usize), &[u8])> {
    let digits = text.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=4).contains(&digits) {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    let value = number.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0'));
    Some(((value, digits), rest))
}

/// A day's time of day, `9:12`, `09:12:33.949`, `9:12:33 AM`, and a zone behind it.
fn at_clock(year: i16, month: i8, day: i8, text: &[u8]) -> Option<i64> {
    let text = match text {
        [b'T' | b't', rest @ ..] => rest,
        [b',', b' ', rest @ ..] | [b' ', rest @ ..] => rest.trim_ascii_start(),
        _ => return None,
    };
    let ((hour, _), rest) = number(text)?;
    let ((minute, _), rest) = number(rest.strip_prefix(b":")?)?;
    let ((second, _), rest) = match rest.strip_prefix(b":") {
        Some(rest) => number(rest)?,
        None => ((0, 2), rest),
    };
    let (millis, rest) = fields::millis_of_second(rest)?;
    let (half, rest) = half_of_day(rest);
    let hour = match (half, hour) {
        (None, hour) => hour,
        (Some(half), 12) => half,
        (Some(half), 1..=11) => hour + half,
        _ => return None,
    };
    if second > 59 {
        return None;
    }
    let date = (year.into(), month.into(), day.into());
    let minutes = fields::minutes_since_1970(date, hour.into(), minute.into())? - fields::zone_minutes(rest)?;
    Some(minutes * 60_000 + i64::from(second) * 1000 + millis)
}

/// The hours that `AM` or `PM` adds, if one stands there, and what follows.
fn half_of_day(text: &[u8]) -> (Option<i16>, &[u8]) {
    // .NET puts a narrow blank before it in some versions.
    let inner = text.strip_prefix("\u{202f}".as_bytes()).unwrap_or(text.trim_ascii_start());
    let upper = |place: usize| inner.get(place).map(u8::to_ascii_uppercase);
    match (upper(0), upper(1)) {
        (Some(b'A'), Some(b'M')) => (Some(0), &inner[2..]),
        (Some(b'P'), Some(b'M')) => (Some(12), &inner[2..]),
        _ => (None, text),
    }
}

/// `/Date(1730797950949)/`, with a zone that says nothing of when it was.
fn of_javascript(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end =
        inner.bytes().skip(1).position(|byte| matches!(byte, b'+' | b'-')).map_or(inner.len(), |at| at + 1);
    inner[..end].parse().ok()
}

/// `Tue, 05 Nov 2024 09:12:33 GMT`, and `Tuesday, November 5, 2024 9:12:33 AM`.
fn in_words(text: &str) -> Option<i64> {
    if !text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let of_mail = rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let of_dotnet = || {
        let text = text.replace('\u{202f}', " ");
        let time = DateTime::strptime("%A, %B %d, %Y %I:%M:%S %p", text).ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    };
    of_mail.or_else(of_dotnet).map(Timestamp::as_millisecond)
}

/// What a number says of a time of this century: days since 1899-12-30 as Excel counts them, seconds or milliseconds since
/// 1970. No number can be two of them.
fn number_of_days_or_seconds(number: f64) -> Option<i64> {
    const BEGIN: f64 = 946_684_800.0; // 2000-01-01
    const END: f64 = 4_102_444_800.0; // 2100-01-01
    const DAY: f64 = 86_400.0;
    const DAYS_TO_1970: f64 = 25_569.0;
    /// What .NET's first moment becomes.
    const NO_TIME: f64 = -62_135_596_800_000.0;
    let seconds = match number {
        NO_TIME => NO_TIME / 1000.0,
        _ if (BEGIN..END).contains(&number) => number,
        _ if (BEGIN..END).contains(&(number / 1000.0)) => number / 1000.0,
        _ => (number - DAYS_TO_1970) * DAY,
    };
    let is_known = (BEGIN..END).contains(&seconds) || number == NO_TIME;
    #[expect(clippy::cast_possible_truncation, reason = "within two centuries")]
    is_known.then(|| (seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2024-11-05T09:12:33Z.
    const TIME: i64 = 1_730_797_953_000;

    fn read(dates: Dates, text: &str) -> Result<Option<i64>, NotATime> {
        dates.read(When::Text(text.as_bytes())).map(|time| time.map(|UnixMillis(millis)| millis))
    }

    #[test]
    fn reads_what_says_its_order_itself() {
        for (text, expected) in [
            ("2024-11-05T09:12:33.949Z", TIME + 949),
            ("/Date(1730797953949)/", TIME + 949),
            ("/Date(1730797953000+0100)/", TIME),
            ("/Date(1730797953000-0500)/", TIME),
            ("45601.38371527778", TIME),
            ("1730797953", TIME),
            ("1730797953949", TIME + 949),
            ("1730797953.949", TIME + 949),
            ("2024-11-05 09:12", TIME - 33_000),
            ("2024/11/05 9:12:33", TIME),
            ("2024-11-5 9:12:33", TIME),
            ("05.11.2024 09:12:33", TIME),
            ("5.11.2024 9:12", TIME - 33_000),
            ("05.11.24 09:12", TIME - 33_000),
            ("05.11.2024 10:12:33 +01:00", TIME),
            ("Tue, 05 Nov 2024 09:12:33 GMT", TIME),
            ("Tuesday, November 5, 2024 9:12:33 AM", TIME),
            ("Tuesday, November 5, 2024 9:12:33 PM", TIME + 12 * 3_600_000),
            ("11/11/2024 09:12:33", TIME + 6 * 86_400_000),
            ("11/15/2024 09:12:33", TIME + 10 * 86_400_000),
            ("15/11/2024 09:12:33", TIME + 10 * 86_400_000),
        ] {
            assert_eq!(read(Dates::Unknown, text), Ok(Some(expected)), "{text}");
        }
    }

    #[test]
    fn the_first_moment_is_none_in_any_form() {
        for text in [
            "0001-01-01T00:00:00Z",
            "/Date(-62135596800000)/",
            "-62135596800000",
            "1/1/0001 12:00:00 AM",
            "01.01.0001 00:00:00",
            "01/01/0001 00:00:00 +00:00",
            "0001-01-01 00:00",
            "Monday, January 1, 0001 12:00:00 AM",
            "",
            " ",
        ] {
            assert_eq!(read(Dates::Unknown, text), Ok(None), "{text}");
        }
        assert_eq!(Dates::Unknown.read(When::None), Ok(None));
        assert_eq!(Dates::Unknown.read(When::Number(-62_135_596_800_000.0)), Ok(None));
    }

    #[test]
    fn two_readings_are_told_apart_by_a_day_above_12() {
        let (day_first, month_first) = ("05/11/2024 09:12:33", "11/05/2024 09:12:33");
        for text in [day_first, month_first, "5/11/2024 9:12 AM", "05-11-2024 09:12:33", "5/11/24 9:12"] {
            for dates in [Dates::Unknown, Dates::Mixed] {
                let read = read(dates, text);
                assert!(matches!(read, Err(NotATime::TwoReadings(_))), "{text}: {read:?}");
            }
        }
        assert_eq!(read(Dates::DayFirst, day_first), Ok(Some(TIME)));
        assert_eq!(read(Dates::MonthFirst, month_first), Ok(Some(TIME)));
        assert_eq!(read(Dates::MonthFirst, "11/5/2024 9:12:33 AM +00:00"), Ok(Some(TIME)));
        assert_eq!(read(Dates::MonthFirst, "11/5/2024 9:12:33\u{202f}PM"), Ok(Some(TIME + 12 * 3_600_000)));
        let learned = |texts: &[&str]| {
            texts.iter().fold(Dates::Unknown, |mut dates, text| {
                dates.learn(When::Text(text.as_bytes()));
                assert_eq!(Dates::of_kept(&dates.kept_with(b"a,b")), (dates, b"a,b".as_slice()));
                dates
            })
        };
        assert_eq!(learned(&[day_first, "2024-11-15T09:12:33Z", "15.11.2024 1:00", "x"]), Dates::Unknown);
        assert_eq!(learned(&[day_first, "13/11/2024 1:00"]), Dates::DayFirst);
        assert_eq!(learned(&["11/13/2024 1:00", month_first]), Dates::MonthFirst);
        assert_eq!(learned(&["11/13/2024 1:00", "13/11/2024 1:00"]), Dates::Mixed);
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "99/99/9999 99:99",
            "31/02/2024 09:12:33",
            "13/13/2024 1:00",
            "2024-11-05",
            "05/11/2024",
            "05/11-2024 9:12",
            "00:33.9",
            "5/11/2024 13:12 PM",
            "5/11/2024 0:12 AM",
            "15/11/2024 9:12:33 XM",
            "15/11/2024 9",
            "25.11.2024 24:00",
            "yesterday",
            "Monday",
            "/Date(x)/",
            "/Date()/",
            "1",
            "410",
            "14255550100",
            "1e400",
            "nan",
            "inf",
            "-1",
            "1/2",
            "/",
            "1/",
            "1/2/3/4",
            "123456/1/2024 9:00",
        ] {
            assert_eq!(read(Dates::DayFirst, text), Err(NotATime::Other), "{text}");
        }
        assert_eq!(Dates::Unknown.read(When::Odd), Err(NotATime::Other));
        assert_eq!(Dates::Unknown.read(When::Number(f64::NAN)), Err(NotATime::Other));
    }

    proptest! {
        #[test]
        fn excel_and_dotnet_give_the_time_back(millis in 946_684_800_000_i64..4_102_444_799_000) {
            let timestamp = Timestamp::from_millisecond(millis).unwrap();
            let serial = millis as f64 / 86_400_000.0 + 25_569.0;
            prop_assert_eq!(Dates::Unknown.read(When::Number(serial)), Ok(Some(UnixMillis(millis))));
            prop_assert_eq!(read(Dates::Unknown, &format!("/Date({millis})/")), Ok(Some(millis)));
            for (dates, form) in [
                (Dates::MonthFirst, "%-m/%-d/%Y %-I:%M:%S %p"),
                (Dates::DayFirst, "%d/%m/%Y %H:%M:%S"),
                (Dates::Unknown, "%d.%m.%Y %H:%M:%S"),
                (Dates::Unknown, "%A, %B %-d, %Y %-I:%M:%S %p"),
            ] {
                let text = timestamp.strftime(form).to_string();
                prop_assert_eq!(read(dates, &text), Ok(Some(millis - millis % 1000)), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9/.: APM+Z,-]{0,30}|\\PC{0,20}", dates in 0..4_usize) {
            let mut dates = [Dates::Unknown, Dates::DayFirst, Dates::MonthFirst, Dates::Mixed][dates];
            let _ = read(dates, &text);
            dates.learn(When::Text(text.as_bytes()));
        }
    }
}
