//! The usual row, read fast: an object of plain strings, whole numbers, flags and nulls.
//!
//! Whatever is anything else is left to the full reader: an escape, a nested value, a fraction, a wrong byte.
//! So what is read here is always JSON, but for bytes that are not UTF-8 inside strings.

use std::borrow::Cow;

use super::row::{Property, Row, Value};
use crate::decode::scan;

/// The row, or `None` if it is not of the usual kind.
#[inline]
pub fn read(record: &[u8]) -> Option<Row<'_>> {
    let mut row = Row::default();
    let mut rest = after_blanks(record).strip_prefix(b"{")?;
    loop {
        let name;
        (name, rest) = string(after_blanks(rest))?;
        let value;
        (value, rest) = any(after_blanks(after_blanks(rest).strip_prefix(b":")?))?;
        row.set(Property::named(name), value);
        rest = match after_blanks(rest) {
            [b',', rest @ ..] => rest,
            [b'}', rest @ ..] => return after_blanks(rest).is_empty().then_some(row),
            _ => return None,
        };
    }
}

#[inline(always)]
fn after_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// The string that begins here, if nothing in it is escaped, and what follows it.
#[inline(always)]
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let is_end = |word| scan::equal(word, b'"') | scan::equal(word, b'\\') | scan::below(word, b' ');
    let (string, rest) = text.split_at_checked(scan::position(text, is_end)?)?;
    Some((string, rest.strip_prefix(b"\"")?))
}

#[inline(always)]
fn any(text: &[u8]) -> Option<(Value<'_>, &[u8])> {
    match text.first()? {
        b'"' => string(text).map(|(string, rest)| (Value::Text(Cow::Borrowed(string)), rest)),
        b'0'..=b'9' => whole(text).map(|(number, rest)| (Value::Whole(number), rest)),
        b't' => text.strip_prefix(b"true").map(|rest| (Value::Flag(true), rest)),
        b'f' => text.strip_prefix(b"false").map(|rest| (Value::Flag(false), rest)),
        b'n' => text.strip_prefix(b"null").map(|rest| (Value::Null, rest)),
        _ => None,
    }
}

/// The number that begins here; a fraction or an exponent after it is no end that [`read`] accepts.
fn whole(text: &[u8]) -> Option<(u64, &[u8])> {
    // Nineteen digits always fit.
    let length = text.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    let number = digits
        .iter()
        .fold(0, |number: u64, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    let plain = length < 20 && (length == 1 || digits.first() != Some(&b'0'));
    plain.then_some((number, rest))
}
