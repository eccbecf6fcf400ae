//! The usual row, read fast: an object of plain strings, whole numbers, flags and nulls.
//!
//! Whatever is anything else is left to the full reader: an escape, a nested value, a fraction, a wrong byte.
//! So what is read here is always JSON, but for bytes that are not UTF-8 inside strings; and as nothing in it is
//! nested, it shows its own end.

use super::row::{Property, Row, Value};
use crate::decode::scan::{Marks, Sixteen};

/// The row that the text begins with, and where it ends; `None` if it is not of the usual kind.
#[inline]
pub fn read(text: &[u8]) -> Option<(Row<&[u8]>, usize)> {
    // What may end a string, and what ends the usual kind of string.
    let mark = |bytes: Sixteen| bytes.equal(b'\\').or(bytes.quote_or_control());
    let mut reader = Reader { text, at: 0, marks: Marks::new(text, mark) };
    let mut row = Row::default();
    if reader.token()? != b'{' || reader.token()? != b'"' {
        return None;
    }
    loop {
        let property = Property::named(reader.string()?);
        let first = match reader.ahead() {
            Some([b'"', b':', first]) if *first > b' ' => {
                reader.at += 3;
                *first
            }
            _ => reader.behind_name()?,
        };
        if first == b'"' {
            row.set(property, Value::Text(reader.string()?));
            if let Some(b"\",\"") = reader.ahead() {
                reader.at += 3;
                continue;
            }
            reader.close()?;
        } else {
            row.set(property, reader.other(first)?);
        }
        match reader.token()? {
            b',' if reader.token()? == b'"' => {}
            b'}' => return Some((row, reader.at)),
            _ => return None,
        }
    }
}

#[derive(Clone, Copy)]
struct Reader<'t, Mark> {
    text: &'t [u8],
    /// What comes before this is read, and no mark before it is left.
    at: usize,
    marks: Marks<'t, Mark>,
}

impl<'t, Mark: Fn(Sixteen) -> Sixteen + Copy> Reader<'t, Mark> {
    /// The next byte that is not blank.
    #[inline(always)]
    fn token(&mut self) -> Option<u8> {
        if *self.text.get(self.at)? <= b' ' {
            *self = self.behind_blanks();
        }
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// By value: were a reference handed on, the reader would be kept in memory, not in registers.
    #[cold]
    #[inline(never)]
    fn behind_blanks(mut self) -> Self {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            if self.text[self.at] != b' ' {
                self.marks.next();
            }
            self.at += 1;
        }
        self
    }

    /// The next few bytes: rows without blanks are read by these.
    #[inline(always)]
    fn ahead<const COUNT: usize>(&self) -> Option<&'t [u8; COUNT]> {
        self.text.get(self.at..)?.first_chunk()
    }

    /// The string whose opening quote was just read, up to what should be its closing quote.
    #[inline(always)]
    fn string(&mut self) -> Option<&'t [u8]> {
        let end = self.marks.second();
        let string = self.text.get(self.at..end)?;
        self.at = end;
        Some(string)
    }

    /// Reads the closing quote of a string.
    #[inline(always)]
    fn close(&mut self) -> Option<()> {
        let closes = self.text.get(self.at) == Some(&b'"');
        self.at += 1;
        closes.then_some(())
    }

    /// Reads the closing quote of a name, the colon and the first byte of its value.
    #[inline(always)]
    fn behind_name(&mut self) -> Option<u8> {
        self.close()?;
        if self.token()? == b':' { self.token() } else { None }
    }

    /// Any value that is no string.
    #[inline(always)]
    fn other(&mut self, first: u8) -> Option<Value<&'t [u8]>> {
        match first {
            b'0'..=b'9' => self.whole(first).map(Value::Whole),
            b't' => self.word(b"rue").map(|()| Value::Flag(true)),
            b'f' => self.word(b"alse").map(|()| Value::Flag(false)),
            b'n' => self.word(b"ull").map(|()| Value::Null),
            _ => None,
        }
    }

    #[inline(always)]
    fn word(&mut self, rest: &[u8]) -> Option<()> {
        let end = self.at + rest.len();
        let same = self.text.get(self.at..end)? == rest;
        self.at = end;
        same.then_some(())
    }

    /// The number that begins with this digit; a fraction or an exponent after it is no end that [`read`] accepts.
    #[inline(always)]
    fn whole(&mut self, digit: u8) -> Option<u64> {
        let mut number = u64::from(digit - b'0');
        let begin = self.at;
        while let digit @ b'0'..=b'9' = *self.text.get(self.at)? {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        // Nineteen digits always fit, and only zero begins with zero.
        let more = self.at - begin;
        (more < 19 && (digit != b'0' || more == 0)).then_some(number)
    }
}
