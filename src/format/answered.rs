//! Whether a call was answered, where a record says it by a time of answer: texts that stand there for none, and ones that cannot be
//! read. The same text means the same in every format.

use super::fields;
use crate::call::UnixMillis;

/// Whether a call was answered, by the text in the place of its time of answer and what was `read` of that, which is `Ok(None)` where
/// it says that there was none. A text that cannot be read may be a flag; else it is a time all the same, unless a SIP code or a cause
/// of Q.850 beside it refuses the call.
pub fn was_answered<E>(
    text: &str,
    read: Result<Option<UnixMillis>, E>,
    codes: impl FnOnce() -> (Option<u64>, Option<u8>),
) -> bool {
    match read {
        Ok(at) => at.is_some_and(|at| !is_first_day(at)),
        Err(_) => fields::flag(text.as_bytes()).ok().flatten().unwrap_or_else(|| {
            let (sip, q850) = codes();
            !matches!(sip, Some(300..=699)) && !q850.is_some_and(|cause| NEVER_ANSWERED.contains(&cause))
        }),
    }
}

/// Causes by which only calls end that nobody answered: unallocated number, user busy, no user responding, no answer, subscriber
/// absent, call rejected.
pub const NEVER_ANSWERED: [u8; 6] = [1, 17, 18, 19, 20, 21];

/// Words that stand in the place of a time where there was none.
const NO_TIME: [&str; 12] =
    ["-", "--", "---", "null", "\\n", "none", "nil", "n/a", "na", "never", "nan", "undefined"];

/// Days that databases and devices write for none: the first of their calendars.
const FIRST_DAYS: [&str; 12] = [
    "0001-01-01",
    "1601-01-01",
    "1899-12-30",
    "1900-01-01",
    "1970-01-01",
    "01.01.1970",
    "01/01/1970",
    "1970/01/01",
    "01.01.1900",
    "01/01/1900",
    "01.01.0001",
    "01/01/0001",
];

/// Times up to the end of that day are those of no call, in any zone.
const FIRST_DAY: UnixMillis = UnixMillis(24 * 60 * 60 * 1000);

/// Whether a text in the place of a time says that there was none: nothing, a word for it, zeros, or a first day.
pub fn is_none(text: &str) -> bool {
    // A time of this century.
    if text.as_bytes().first() == Some(&b'2') {
        return false;
    }
    let is_zeros = || text.contains('0') && !text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    text.is_empty()
        || NO_TIME.iter().any(|word| text.eq_ignore_ascii_case(word))
        || FIRST_DAYS.iter().any(|day| text.starts_with(day))
        || is_zeros()
}

/// Whether a moment is that of no call.
pub fn is_first_day(at: UnixMillis) -> bool {
    at <= FIRST_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_time_may_be_a_flag_or_stand_for_one() {
        let at = |seconds: i64| Ok(Some(UnixMillis(seconds * 1000)));
        let (none, unread): (Result<_, ()>, _) = (Ok(None), Err(()));
        for (text, read, codes, expected) in [
            ("2024-11-05T09:01:00Z", at(1_730_797_260), (Some(486), Some(17)), true),
            ("1970-01-01T00:00:05Z", at(5), (None, None), false),
            ("", none, (Some(200), None), false),
            ("24:00:00", unread, (None, None), true),
            ("24:00:00", unread, (Some(200), Some(16)), true),
            ("24:00:00", unread, (Some(486), None), false),
            ("24:00:00", unread, (None, Some(17)), false),
            ("no", unread, (Some(200), None), false),
            ("some day", unread, (Some(486), None), false),
            ("some day", unread, (None, None), true),
            ("yes", unread, (Some(486), None), true),
        ] {
            assert_eq!(was_answered(text, read, || codes), expected, "{text} {codes:?}");
        }
    }
}
