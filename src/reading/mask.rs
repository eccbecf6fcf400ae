//! A rejected record with everything personal masked. It is of unknown shape, so a part of it is kept only where its
//! own shape shows that it is harmless, and where it is whole; of all else letters become `x` and digits `0`.
//!
//! Kept are punctuation, names of properties and columns, yes and no, call types and times; and in JSON, directly behind
//! their names, codes, short durations, the trunk and the correlation id. Of a CSV row no code and no trunk is kept:
//! which of its cells is the caller's number cannot be told where the row is broken.
//!
//! Five digits or more, whatever stands between them, may be a telephone number or a piece of one. They are kept in a
//! time that can be, in a code that the catalogue has, and in the GUID of `correlationId`; nowhere else.

use crate::classify::Catalogue;
use crate::format::trunk::Only;
use crate::format::{Format, fields};

/// So many digits may be a telephone number.
const NUMBER_DIGITS: usize = 5;

/// A masked record is cut to about this.
const RECORD_BYTES: usize = 2048;

/// The record of this format with everything personal masked, and cut where it is long.
pub fn masked(record: &[u8], format: &Format, only: Option<&Only>) -> String {
    masked_to(record, RECORD_BYTES, format, only)
}

fn masked_to(record: &[u8], room: usize, format: &Format, only: Option<&Only>) -> String {
    let mut text = String::with_capacity(record.len().min(room));
    // The name before this part, and whether nothing but a colon has come since.
    let (mut property, mut is_named) = ("", false);
    let mut rest = record;
    while !rest.is_empty() && text.len() < room {
        let length = rest.iter().position(|byte| is_delimiter(*byte)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(length);
        let (inner, has_colon) = match part.trim_ascii().strip_prefix(b":") {
            Some(inner) => (inner.trim_ascii_start(), true),
            None => (part.trim_ascii(), false),
        };
        let is_value = (has_colon || is_named)
            && ends_value(behind, has_colon)
            && is_harmless_value(inner, property, format, only);
        let before = &record[..record.len() - rest.len()];
        // What the record begins or ends with may be a piece of something longer.
        let is_whole = !before.is_empty() && !behind.is_empty();
        if is_whole && (is_value || is_harmless(inner, format)) {
            text.push_str(&String::from_utf8_lossy(part));
        } else {
            text.extend(part.iter().map(|byte| mask(*byte)).take(room));
        }
        is_named = has_colon && inner.is_empty();
        if !is_named {
            property = word(inner, format).unwrap_or_default();
        }
        text.extend(behind.first().map(|delimiter| mask(*delimiter)));
        rest = behind.get(1..).unwrap_or_default();
    }
    text
}

/// What parts of a record end at.
fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'{' | b'}' | b'[' | b']' | b'|' | b'\t' | b'\r' | b'\n')
}

fn mask(byte: u8) -> char {
    match byte {
        b'0'..=b'9' => '0',
        b'a'..=b'z' | b'A'..=b'Z' | 128.. => 'x',
        b' '..=b'~' => char::from(byte),
        _ => ' ',
    }
}

fn word(part: &[u8], format: &Format) -> Option<&'static str> {
    format.public.words.iter().copied().find(|word| word.as_bytes() == part)
}

/// Whether a whole part can be shown wherever it stands.
fn is_harmless(part: &[u8], format: &Format) -> bool {
    word(part, format).is_some() || is_time(part)
}

/// Whether the whole value of this property can be shown. A property without a name has none.
fn is_harmless_value(part: &[u8], property: &str, format: &Format, only: Option<&Only>) -> bool {
    let (Ok(text), false) = (str::from_utf8(part), property.is_empty()) else { return false };
    let public = &format.public;
    // One digit of a number may have been damaged to a letter.
    let may_be_shown = || only.is_none_or(|only| only.lets_through(text));
    let is_trunk = || (format.is_trunk)(text) && digits(part) < NUMBER_DIGITS && may_be_shown();
    let is_small = || part.iter().all(u8::is_ascii_digit) && part.len() < NUMBER_DIGITS;
    (property == public.correlation_id && is_guid(part))
        || (public.trunk.contains(&property) && is_trunk())
        || (property == public.microsoft_code && is_known_code(text))
        || (public.numbers.contains(&property) && is_small())
}

fn digits(text: &[u8]) -> usize {
    text.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// Whether the catalogue as it is compiled in has this Microsoft code.
fn is_known_code(text: &str) -> bool {
    let is_it = |code: u64| Catalogue::built_in().entries().iter().any(|entry| entry.microsoft_code == code);
    // As numbers are written: no sign, and no zero in front.
    text.parse().is_ok_and(|code: u64| code.to_string() == text && is_it(code))
}

/// Whether a value of JSON, bare or in quotes, ends before this text.
fn ends_value(behind: &[u8], is_bare: bool) -> bool {
    let behind = if is_bare { Some(behind) } else { behind.strip_prefix(b"\"") };
    behind.is_some_and(|behind| matches!(behind.trim_ascii_start().first(), Some(b',' | b'}' | b']')))
}

/// Whether a text has the shape of a pattern, in which `0` stands for any digit and `f` for any hexadecimal one.
fn has_shape(text: &[u8], pattern: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'f' => byte.is_ascii_hexdigit(),
        _ => byte == shape,
    };
    text.len() == pattern.len() && text.iter().zip(pattern).all(fits)
}

/// A time of this century as RFC 3339 writes it, or that of no time (year 1), with few enough digits behind the point.
fn is_time(part: &[u8]) -> bool {
    let Some((stamp, rest)) = part.split_at_checked(b"0000-00-00T00:00:00".len()) else { return false };
    let rest = rest.strip_suffix(b"Z").unwrap_or(rest);
    let fraction = rest.strip_prefix(b".").unwrap_or(rest);
    let is_possible = stamp == b"0001-01-01T00:00:00"
        || (stamp.starts_with(b"20") && matches!(fields::time(stamp), Ok(Some(_))));
    is_possible && fraction.len() < NUMBER_DIGITS && fraction.iter().all(u8::is_ascii_digit)
}

fn is_guid(part: &[u8]) -> bool {
    has_shape(part, b"ffffffff-ffff-ffff-ffff-ffffffffffff")
}

#[cfg(test)]
mod tests;
