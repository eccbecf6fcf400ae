//! Any text as a time, and true times in each form that tools write: never a panic, what a file shows of its order of days
//! is kept over a restart, and a form is read as the moment that was written.

#![no_main]

use cdr_exporter::call::UnixMillis;
use cdr_exporter::format::times::{Dates, When};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

/// 2000 to 2099, which years of two digits can mean.
const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

const FORMS: [(Dates, &str); 12] = [
    (Dates::Unknown, "%Y-%m-%dT%H:%M:%SZ"),
    (Dates::Unknown, "%Y-%m-%d %H:%M:%S"),
    (Dates::Unknown, "%Y/%m/%d %H:%M:%S"),
    (Dates::Unknown, "%d.%m.%Y %H:%M:%S"),
    (Dates::Unknown, "%a, %d %b %Y %H:%M:%S GMT"),
    (Dates::Unknown, "%A, %B %-d, %Y %-I:%M:%S %p"),
    (Dates::DayFirst, "%d/%m/%Y %H:%M:%S"),
    (Dates::DayFirst, "%-d-%-m-%Y %-H:%M:%S"),
    (Dates::DayFirst, "%d/%m/%y %I:%M:%S %p"),
    (Dates::MonthFirst, "%m/%d/%Y %H:%M:%S"),
    (Dates::MonthFirst, "%-m/%-d/%Y %-I:%M:%S %p"),
    (Dates::MonthFirst, "%-m/%-d/%y, %-I:%M:%S\u{202f}%p"),
];

fuzz_target!(|input: (u32, f64, &[u8])| {
    let (seconds, number, text) = input;
    for dates in [Dates::Unknown, Dates::DayFirst, Dates::MonthFirst, Dates::Mixed] {
        let _ = (dates.read(When::Text(text)), dates.read(When::Number(number)));
        let mut learnt = dates;
        learnt.learn(When::Text(text));
        assert_eq!(Dates::of_kept(&learnt.kept_with(b"a,b")), (learnt, b"a,b".as_slice()));
    }
    let seconds = SECONDS.start + i64::from(seconds) % (SECONDS.end - SECONDS.start);
    let millis = Ok(Some(UnixMillis(seconds * 1000)));
    let zoned = Timestamp::from_second(seconds).expect("a moment").to_zoned(TimeZone::UTC);
    for (dates, form) in FORMS {
        let written = zoned.strftime(form).to_string();
        assert_eq!(dates.read(When::Text(written.as_bytes())), millis, "{written}");
    }
    let javascript = format!("/Date({}000)/", seconds);
    assert_eq!(Dates::Unknown.read(When::Text(javascript.as_bytes())), millis, "{javascript}");
    #[expect(clippy::cast_precision_loss, reason = "seconds of a century are exact")]
    let days = seconds as f64 / 86_400.0 + 25_569.0;
    assert_eq!(Dates::Unknown.read(When::Number(days)), millis, "{days}");
});
