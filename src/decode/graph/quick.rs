//! The usual row, read fast: an object of plain strings, whole numbers, flags and nulls.
//!
//! Rows of one export name the same properties in the same order, so the text before a value is mostly that of the row
//! before: where it is, one comparison reads quotes, name and colon. Whatever is no usual row is left to the full
//! reader: an escape, a nested value, a fraction, a wrong byte. So what is read here is always JSON, but for bytes that
//! are not UTF-8 inside strings; and as nothing in it is nested, it shows its own end.

use super::row::{Property, Row, Value};
use crate::decode::scan::{self, Prefix, Sixteen};

/// The names of the rows before, by their places in the row. A name that is not the expected one costs more, and is the
/// expected one from then on.
#[derive(Debug, Default)]
pub struct Layout(Vec<Name>);

/// Of rows with more properties, the others are not remembered.
const MOST_PLACES: usize = 64;

/// The text before a value as JSON wants it there, `"callType":`, and blanks.
#[derive(Debug)]
struct Name {
    text: Prefix,
    property: Property,
    /// How many bytes the string behind it last had, and the bit of the quote that ended it.
    length: usize,
    end: u64,
}

impl Name {
    #[inline(always)]
    fn strip<'t>(&mut self, text: &'t [u8]) -> Option<(&mut Self, &'t [u8])> {
        let rest = self.text.strip(text)?;
        Some((self, rest))
    }

    /// As [`string`]. Many strings are as long as that of the row before: where one is, reading goes on behind it
    /// without waiting to learn where it ends.
    #[inline(always)]
    fn string<'t>(&mut self, text: &'t [u8]) -> Option<ValueAndRest<'t>> {
        let stops = match self.length {
            ..16 => scan::marked::<16>(text.first_chunk()?, is_stop),
            16..32 => scan::marked::<32>(text.first_chunk()?, is_stop),
            _ => scan::marked::<ROOM>(text.first_chunk()?, is_stop),
        };
        if stops & (self.end ^ self.end.wrapping_sub(1)) == self.end {
            let (string, rest) = text.split_at_checked(self.length)?;
            return Some((Value::Text(string), rest.strip_prefix(b"\"")?));
        }
        let (string, rest) = string(text)?;
        if string.len() < ROOM {
            (self.length, self.end) = (string.len(), 1 << string.len());
        }
        Some((Value::Text(string), rest))
    }
}

/// So many bytes have to follow a row: all steps of its reading are whole then.
pub const ROOM: usize = 48;

impl Layout {
    /// Reads the row that the text begins with into `row`. Returns where it ends; `None` if it is not of the usual
    /// kind, or less than [`ROOM`] follows.
    #[inline]
    pub fn read<'t>(&mut self, text: &'t [u8], row: &mut Row<&'t [u8]>) -> Option<usize> {
        let mut rest = behind_blanks(text).strip_prefix(b"{")?;
        for place in 0.. {
            let (property, value);
            let expected = self.0.get_mut(place);
            if let Some((expected, at_value)) = expected.and_then(|expected| expected.strip(rest)) {
                property = expected.property;
                (value, rest) = match at_value.split_first()? {
                    (b'"', string) => expected.string(string)?,
                    (first, behind) => other(*first, behind)?,
                };
            } else {
                let at_value;
                (property, at_value) = name(rest)?;
                self.expect(place, &rest[..rest.len() - at_value.len()], property);
                (value, rest) = match at_value.split_first()? {
                    (b'"', rest) => string(rest).map(|(string, rest)| (Value::Text(string), rest))?,
                    (first, rest) => other(*first, rest)?,
                };
            }
            row.set(property, value);
            rest = match rest {
                [b',', rest @ ..] => rest,
                _ => match behind_blanks(rest) {
                    [b',', rest @ ..] => rest,
                    [b'}', rest @ ..] => return Some(text.len() - rest.len()),
                    _ => return None,
                },
            };
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn expect(&mut self, place: usize, text: &[u8], property: Property) {
        let Some(text) = Prefix::new(text) else { return };
        let name = Name { text, property, length: 0, end: 1 };
        if let Some(known) = self.0.get_mut(place) {
            *known = name;
        } else if place == self.0.len() && place < MOST_PLACES {
            self.0.push(name);
        }
    }
}

/// The name that the text begins with, its colon and blanks: its property, and what follows.
#[cold]
#[inline(never)]
fn name(text: &[u8]) -> Option<(Property, &[u8])> {
    let (name, rest) = string(behind_blanks(text).strip_prefix(b"\"")?)?;
    let value = behind_blanks(rest).strip_prefix(b":")?;
    Some((Property::named(name), behind_blanks(value)))
}

fn behind_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// A value, and what follows it.
type ValueAndRest<'t> = (Value<&'t [u8]>, &'t [u8]);

/// The value of which the first byte was just read, if it is no string.
#[inline(always)]
fn other(first: u8, rest: &[u8]) -> Option<ValueAndRest<'_>> {
    match first {
        b'0'..=b'9' => whole(first, rest),
        b't' => Some((Value::Flag(true), rest.strip_prefix(b"rue")?)),
        b'f' => Some((Value::Flag(false), rest.strip_prefix(b"alse")?)),
        b'n' => Some((Value::Null, rest.strip_prefix(b"ull")?)),
        _ => None,
    }
}

/// The string whose opening quote was just read, if nothing in it is escaped, or should be; and what follows it.
#[inline(always)]
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (string, rest) = text.split_at_checked(scan::find(text, is_stop)?)?;
    Some((string, rest.strip_prefix(b"\"")?))
}

/// What may end a string: its quote, or a byte that makes it an unusual one.
#[inline(always)]
fn is_stop(bytes: Sixteen) -> Sixteen {
    bytes.equal(b'\\').or(bytes.quote_or_control())
}

/// The number that begins with this digit; a fraction or an exponent after it is no end that [`Layout::read`] accepts.
#[inline(always)]
fn whole(first: u8, text: &[u8]) -> Option<ValueAndRest<'_>> {
    let (mut number, mut rest) = (u64::from(first - b'0'), text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    // Nineteen digits always fit, and only zero begins with zero.
    let more = text.len() - rest.len();
    (more < 19 && (first != b'0' || more == 0)).then_some((Value::Whole(number), rest))
}
