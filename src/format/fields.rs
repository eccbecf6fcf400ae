//! What the formats share: one field's text to a time, a number, a flag, a direction, an id.
//!
//! All take bytes, since a record may hold bytes that are not UTF-8, and see through blanks at both ends. An
//! empty field is `None`; a field that cannot be read is the [`Reason`] for which its record is rejected.

mod moment;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x32, u16x16};

pub use self::moment::{digit_pairs, millis_of_second, millis_within_hour, minutes_since_1970, zone_minutes};
use self::moment::{usual_year_and_millis, year_and_millis};
pub use super::flag::flag;
use super::record_id::OwnId;
use crate::call::{Direction, Reason, RecordId, Text, TwoReadings, UnixMillis};

/// The highest SIP response code: three digits.
pub const MAXIMUM_SIP_CODE: u64 = 999;

/// The field without blanks at both ends. Most have none.
#[inline(always)]
pub fn trimmed(field: &[u8]) -> &[u8] {
    match (field.first(), field.last()) {
        (Some(b'!'..=b'~'), Some(b'!'..=b'~')) | (None, _) => field,
        _ => without_blanks(field),
    }
}

/// Among the blanks is the one that does not break, which web pages and Excel put around what is copied from them.
#[cold]
fn without_blanks(field: &[u8]) -> &[u8] {
    const NO_BREAK: &[u8] = "\u{a0}".as_bytes();
    let mut field = field.trim_ascii();
    while let Some(rest) = field.strip_prefix(NO_BREAK).or_else(|| field.strip_suffix(NO_BREAK)) {
        field = rest.trim_ascii();
    }
    field
}

/// Reads a time in RFC 3339, also with a blank or `t` for the `T`, any number of fraction digits, and a zone
/// `Z`, `+01:00`, `+0100` or none, which is UTC. Fractions below a millisecond are cut off.
///
/// The year 0001 is `None`: Microsoft prints `0001-01-01T00:00:00Z` for "there is no such time" (the
/// documentation of `directRoutingLogRow`). A leap second counts as the last millisecond of its minute.
#[inline(always)]
pub fn time(text: &[u8]) -> Result<Option<UnixMillis>, NotATime> {
    let text = trimmed(text);
    if text.is_empty() {
        return Ok(None);
    }
    let (year, millis) =
        usual_year_and_millis(text).or_else(|| year_and_millis(text)).ok_or(NotATime::Other)?;
    Ok((year > 1).then_some(UnixMillis(millis)))
}

/// Why a field is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotATime {
    /// Day and month could be either.
    TwoReadings(TwoReadings),
    Other,
}

/// When a call ended: its end time, else its failure time, else the nearest that the record knows. Old
/// records have no end time; then a call that succeeded, and `lasted` so many seconds, ended that much after
/// it began.
pub fn ended_at<Field, Fault>(
    [end, failure, start, invite]: [Field; 4],
    mut time_of: impl FnMut(Field) -> Result<Option<UnixMillis>, Fault>,
    lasted: Option<u32>,
) -> Result<Option<UnixMillis>, Fault> {
    for field in [end, failure] {
        if let Some(time) = time_of(field)? {
            return Ok(Some(time));
        }
    }
    let begin = match time_of(start)? {
        None => time_of(invite)?,
        begin => begin,
    };
    Ok(begin.map(|UnixMillis(begin)| UnixMillis(begin + i64::from(lasted.unwrap_or(0)) * 1000)))
}

/// A Microsoft response code: a whole number of any length, 0 included. One that is too large for a number is the largest.
#[inline(always)]
pub fn microsoft_code(number: Result<Option<u64>, NotWhole>) -> Result<Option<u64>, Reason> {
    match number {
        Err(NotWhole::TooLarge) => Ok(Some(u64::MAX)),
        Err(NotWhole::Other) => Err(Reason::BadCode),
        Ok(code) => Ok(code),
    }
}

/// A SIP response code: 0 to 999.
pub fn sip_code(number: Result<Option<u64>, NotWhole>) -> Result<Option<u16>, Reason> {
    match number {
        Ok(Some(code)) if code > MAXIMUM_SIP_CODE => Err(Reason::BadCode),
        _ => narrowed(number).map_err(|_| Reason::BadCode),
    }
}

/// A week, in seconds: longer than a call lasts. One number gone wrong, a time of day or a telephone's, would drown all
/// others in the sum of durations, which never falls.
const MAXIMUM_DURATION: u32 = 7 * 24 * 3600;

/// A duration in whole seconds, of a week at the most.
pub fn duration_seconds(number: Result<Option<u64>, NotWhole>) -> Result<Option<u32>, Reason> {
    match narrowed(number) {
        Ok(seconds) if seconds.is_none_or(|seconds| seconds <= MAXIMUM_DURATION) => Ok(seconds),
        _ => Err(Reason::BadDuration),
    }
}

fn narrowed<T: TryFrom<u64>>(number: Result<Option<u64>, NotWhole>) -> Result<Option<T>, NotWhole> {
    number?.map(|number| T::try_from(number).map_err(|_| NotWhole::TooLarge)).transpose()
}

/// The field is something other than a whole number from 0 to 2^64 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWhole {
    /// A larger one.
    TooLarge,
    Other,
}

/// Reads `410`, and also `410.0`, which spreadsheets and scripts make of it.
pub fn whole_number(text: &[u8]) -> Result<Option<u64>, NotWhole> {
    let text = trimmed(text);
    // As nearly all are.
    let digit = |value, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'));
    if (1..20).contains(&text.len())
        && let Some(number) = text.iter().try_fold(0, digit)
    {
        return Ok(Some(number));
    }
    let whole = match text.iter().position(|byte| *byte == b'.') {
        Some(point) if text[point + 1..].iter().all(|byte| *byte == b'0') => &text[..point],
        Some(_) => return Err(NotWhole::Other),
        None if text.is_empty() => return Ok(None),
        None => text,
    };
    let append = |value: u64, byte: &u8| value.checked_mul(10)?.checked_add(u64::from(byte - b'0'));
    match whole {
        [] => Err(NotWhole::Other),
        digits if digits.iter().all(u8::is_ascii_digit) => {
            digits.iter().try_fold(0, append).map(Some).ok_or(NotWhole::TooLarge)
        }
        _ => Err(NotWhole::Other),
    }
}

/// The number that the first `count` of these bytes write, if it is one to eight, and all are digits. They are looked at
/// together: no branch depends on how many there are.
#[inline(always)]
pub fn few_digits(text: [u8; 8], count: u32) -> Option<u64> {
    if !(1..=8).contains(&count) || leading_digits(text) < count {
        return None;
    }
    // Zeros before the first digit, instead of what follows the last one.
    let digits = (u64::from_le_bytes(text) ^ ZEROS) << (64 - 8 * count);
    // The lowest byte is the first digit. Each step puts two numbers together, the first one worth more.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

/// With how many digits these bytes begin.
#[inline(always)]
pub fn leading_digits(text: [u8; 8]) -> u32 {
    let digits = u64::from_le_bytes(text) ^ ZEROS;
    // What is too large reaches into bytes behind it only.
    let odd = (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0;
    odd.trailing_zeros() / 8
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// Reads the direction off a call type of Direct Routing: `ByotIn`, `ByotOutUserTransfer`, `Dr_In`,
/// `dr_emergency_out`, `dr_in_bot`, without case. Any other text is [`Direction::Unknown`].
pub fn direction(call_type: &[u8]) -> Direction {
    let call_type = trimmed(call_type);
    match call_type {
        b"Dr_In" | b"ByotIn" => return Direction::Inbound,
        b"Dr_Out" | b"ByotOut" => return Direction::Outbound,
        _ => {}
    }
    let Some(kind) = without_prefix(call_type, b"byot").or_else(|| without_prefix(call_type, b"dr_")) else {
        return Direction::Unknown;
    };
    kind.split(|byte| *byte == b'_').find_map(word_direction).unwrap_or(Direction::Unknown)
}

/// Graph writes its words together (`OutUserTransfer`), so a word may begin or end with the direction.
fn word_direction(word: &[u8]) -> Option<Direction> {
    let begins = |name: &[u8]| without_prefix(word, name).is_some();
    let ends =
        |name: &[u8]| word.len() > name.len() && word[word.len() - name.len()..].eq_ignore_ascii_case(name);
    match () {
        () if begins(b"in") || ends(b"in") => Some(Direction::Inbound),
        () if begins(b"out") || ends(b"out") => Some(Direction::Outbound),
        () => None,
    }
}

fn without_prefix<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Reads the id of a record: a GUID as its number, in any case, with or without hyphens and braces; any other
/// text by its hash. The empty GUID is no id, else all rows that carry it would be one.
pub fn record_id(text: &[u8]) -> Result<RecordId, Reason> {
    match OwnId::of(text) {
        OwnId::Guid(id) | OwnId::Other(id) => Ok(id),
        OwnId::None => Err(Reason::NoRecordId),
    }
}

/// The number of a GUID, in any case, with or without hyphens and braces.
pub fn guid(text: &[u8]) -> Option<u128> {
    let text = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or(text);
    let mut digits = [0; 32];
    match text.len() {
        32 => digits.copy_from_slice(text),
        36 if text[8] == b'-' && text[13] == b'-' && text[18] == b'-' && text[23] == b'-' => {
            digits[..8].copy_from_slice(&text[..8]);
            digits[8..12].copy_from_slice(&text[9..13]);
            digits[12..16].copy_from_slice(&text[14..18]);
            digits[16..20].copy_from_slice(&text[19..23]);
            digits[20..].copy_from_slice(&text[24..]);
        }
        _ => return None,
    }
    dispatch!(Level::new(), simd => hexadecimal(simd, &digits))
}

/// The number that hexadecimal digits of either case write. All at once: a loop over single digits took a tenth of the
/// time of a whole record.
#[inline(always)]
fn hexadecimal<S: Simd>(simd: S, digits: &[u8; 32]) -> Option<u128> {
    let bytes = u8x32::from_slice(simd, digits);
    let within = |bytes: u8x32<S>, low, high| bytes.simd_ge(low) & bytes.simd_le(high);
    let letters = within(bytes | (b'a' ^ b'A'), b'a', b'f');
    let all = within(bytes, b'0', b'9') | letters;
    let values = (bytes & 0x0f) + letters.select(u8x32::splat(simd, 9), u8x32::splat(simd, 0));
    let pairs: u16x16<S> = values.bitcast();
    // The first of two digits is the lower byte here, and the higher half of the byte that both write.
    let (first, second) = simd.split_u16x16((pairs << 4 | pairs >> 8) & 0xff);
    let written = simd.narrow_u16x8(first, second);
    (all.to_bitmask() == 0xffff_ffff).then(|| u128::from_be_bytes(written.into()))
}

/// The field as text without blanks at both ends.
#[inline(always)]
pub fn text(field: Cow<'_, [u8]>) -> Text<'_> {
    Text(match field {
        Cow::Borrowed(bytes) => Cow::Borrowed(trimmed(bytes)),
        Cow::Owned(bytes) => Cow::Owned(bytes.trim_ascii().to_vec()),
    })
}
