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
    let mark = |bytes: Sixteen| bytes.equal(b'"').or(bytes.equal(b'\\')).or(bytes.up_to(b' ' - 1));
    let mut reader = Reader { text, at: 0, marks: Marks::new(text, mark) };
    let mut row = Row::default();
    if reader.token()? != b'{' || reader.token()? != b'"' {
        return None;
    }
    loop {
        let name = reader.string()?;
        let first = reader.behind(b':')?;
        let value = reader.value(first)?;
        row.set(Property::named(name), value);
        match reader.behind(b',') {
            Some(b'"') => {}
            Some(_) => return None,
            None => return (reader.token()? == b'}').then_some((row, reader.at)),
        }
    }
}

struct Reader<'t, Mark> {
    text: &'t [u8],
    /// What comes before this is read, and no mark before it is left.
    at: usize,
    marks: Marks<'t, Mark>,
}

impl<'t, Mark: Fn(Sixteen) -> Sixteen> Reader<'t, Mark> {
    /// The next byte that is not blank.
    #[inline(always)]
    fn token(&mut self) -> Option<u8> {
        let mut byte = *self.text.get(self.at)?;
        while byte <= b' ' {
            match byte {
                b' ' => {}
                b'\n' | b'\r' | b'\t' => _ = self.marks.next(),
                _ => return None,
            }
            self.at += 1;
            byte = *self.text.get(self.at)?;
        }
        self.at += 1;
        Some(byte)
    }

    /// The token behind this one; `None`, and nothing is read, if another one stands here.
    #[inline(always)]
    fn behind(&mut self, token: u8) -> Option<u8> {
        if let Some([here, next]) = self.text.get(self.at..self.at + 2)
            && *here == token
            && *next > b' '
        {
            self.at += 2;
            return Some(*next);
        }
        self.behind_blanks(token)
    }

    #[cold]
    fn behind_blanks(&mut self, token: u8) -> Option<u8> {
        let before = self.at;
        if self.token()? == token {
            return self.token();
        }
        self.at = before;
        None
    }

    /// The string whose opening quote was just read.
    #[inline(always)]
    fn string(&mut self) -> Option<&'t [u8]> {
        self.marks.next();
        let end = self.marks.next();
        if self.text.get(end) != Some(&b'"') {
            return None;
        }
        let string = self.text.get(self.at..end)?;
        self.at = end + 1;
        Some(string)
    }

    #[inline(always)]
    fn value(&mut self, first: u8) -> Option<Value<&'t [u8]>> {
        match first {
            b'"' => self.string().map(Value::Text),
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
