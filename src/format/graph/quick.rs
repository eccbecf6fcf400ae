//! The usual row, read fast: an object of plain strings, whole numbers, flags and nulls.
//!
//! Rows of one export name the same properties in the same order, so the text before a value is mostly that of the row
//! before: where it is, one comparison reads quotes, name and colon, and the braces of an object that wraps the row
//! (`"properties":{…}` of Event Hubs) too. Whatever is no usual row is left to the full reader: an escape in a field, another
//! nested value, a fraction, a wrong byte. So what is read here is always JSON, but for bytes that are not UTF-8 inside strings;
//! and as nothing else in it is nested, it shows its own end.

#[cfg(test)]
mod tests;

use fearless_simd::{Level, Simd, dispatch};

use super::full;
pub use crate::format::expected::ROOM;
use crate::format::expected::{Begins, Expected};
use crate::format::fields;
use crate::format::names::{self, Field, Lookalikes, Names};
use crate::format::row::{Row, Value};
use crate::format::scan;

/// The names of the rows before, by their places in the row. A name that is not the expected one costs more, and is the
/// expected one from then on.
#[derive(Debug, Default)]
pub struct Layout {
    expected: Vec<Name>,
    names: Names,
    lookalikes: Lookalikes,
    /// The bits of the deciding fields that expected names look like.
    misspelt: u32,
    /// Where the row that was read last ends, if only escapes in its fields are unusual.
    escaped_end: Option<usize>,
}

/// Of rows with more properties, the others are not remembered.
const MOST_PLACES: usize = 64;

/// A name, and what the row before said about its value.
#[derive(Debug)]
struct Name {
    expected: Expected,
    /// Whether it stands in an object that wraps the row.
    is_wrapped: bool,
    field: Option<Field>,
    /// Whether another of the same field stands before it.
    is_twin: bool,
    /// The deciding field that it looks like, if it is none.
    resembling: Option<Field>,
}

impl Name {
    fn new(expected: Expected, property: &Property<'_>, resembling: Option<Field>) -> Self {
        let Property { field, is_wrapped, .. } = *property;
        Self { expected, is_wrapped, field, is_twin: false, resembling }
    }

    /// Whether the text begins with this name, and a string behind it.
    fn is_at<S: Simd>(&self, simd: S, text: &[u8]) -> bool {
        text.first_chunk().is_some_and(|room| matches!(self.expected.begins(simd, room), Begins::String(_)))
    }

    /// The value that stands behind this name, if the text begins with that; and what follows.
    #[inline(always)]
    fn value<'t, S: Simd>(
        &mut self,
        simd: S,
        text: &'t [u8],
        is_escaped: &mut bool,
    ) -> Option<ValueAndRest<'t>> {
        let room = text.first_chunk::<ROOM>()?;
        match self.expected.begins(simd, room) {
            Begins::String(begin) => {
                self.string(simd, &text[begin..], room[begin..].first_chunk()?, is_escaped)
            }
            Begins::Other(begin) => other(simd, &text[begin..]),
            Begins::No => None,
        }
    }

    /// As [`string`]. Many strings are as long as that of the row before: where one is, reading goes on behind it
    /// without waiting to learn where it ends.
    #[inline(always)]
    fn string<'t, S: Simd>(
        &mut self,
        simd: S,
        text: &'t [u8],
        room: &[u8; 64],
        is_escaped: &mut bool,
    ) -> Option<ValueAndRest<'t>> {
        if let Some(length) = self.expected.same_length(simd, room) {
            return Some((Value::Text(&text[..length]), &text[length + 1..]));
        }
        let Some((string, rest)) = string(simd, text) else {
            return escaped(simd, self.field, text, is_escaped);
        };
        self.expected.note_length(string.len());
        Some((Value::Text(string), rest))
    }
}

impl Layout {
    /// Before any row, where properties may have these names of the operator's, too.
    pub fn new(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

    /// Whether a property of the row that was read last may look like this deciding field. If not, none does.
    pub fn resembles(&self, field: Field) -> bool {
        self.misspelt >> field as usize & 1 == 1
    }

    /// Reads the row that the text begins with into `row`. Returns where it ends; `None` if it is not of the usual
    /// kind, or a property is not followed by [`ROOM`] bytes.
    pub fn read<'t>(&mut self, text: &'t [u8], row: &mut Row<&'t [u8]>) -> Option<usize> {
        dispatch!(Level::new(), simd => self.read_at(simd, text, row))
    }

    /// Where the row ends that was just given up, if only escapes in its fields are unusual: what it says is for the full
    /// reader.
    pub fn escaped_end(&self) -> Option<usize> {
        self.escaped_end
    }

    #[inline(always)]
    fn read_at<'t, S: Simd>(&mut self, simd: S, text: &'t [u8], row: &mut Row<&'t [u8]>) -> Option<usize> {
        self.escaped_end = None;
        let mut rest = behind_blanks(text).strip_prefix(b"{")?;
        let (mut place, mut is_wrapped, mut is_escaped) = (0, false, false);
        loop {
            for name in self.expected.get_mut(place..).unwrap_or_default() {
                let Some((value, behind)) = name.value(simd, rest, &mut is_escaped) else { break };
                match name.field.filter(|_| name.is_twin) {
                    Some(field) => row.add(field, value),
                    None => row.keep(name.field, value),
                }
                (rest, is_wrapped) = (behind, name.is_wrapped);
                place += 1;
            }
            if let Some(behind) = end(rest, is_wrapped) {
                let end = text.len() - behind.len();
                self.escaped_end = is_escaped.then_some(end);
                return (!is_escaped).then_some(end);
            }
            // The name is the expected one, and its value unusual.
            let is_value = self.expected.get(place).is_some_and(|name| name.is_at(simd, rest));
            if is_value || rest.len() < ROOM {
                return None;
            }
            (rest, is_wrapped) = self.unexpected(place, is_wrapped, rest, row, &mut is_escaped)?;
            place += 1;
        }
    }

    /// Reads the property at this place, and expects its name there from now on. Returns what follows it, and whether it
    /// stands in an object that wraps the row, as the one before it may have done.
    #[cold]
    #[inline(never)]
    fn unexpected<'t>(
        &mut self,
        place: usize,
        is_wrapped: bool,
        text: &'t [u8],
        row: &mut Row<&'t [u8]>,
        is_escaped: &mut bool,
    ) -> Option<(&'t [u8], bool)> {
        let property = self.property(place, is_wrapped, text)?;
        let Property { name, field, at_value, is_wrapped } = property;
        let resembling = if field.is_none() { self.lookalikes.field(name) } else { None };
        let (value, rest) = dispatch!(Level::new(), simd => value(simd, field, at_value, is_escaped))?;
        if let Some(field) = field {
            row.add(field, value);
        }
        let expected = Expected::new(&[&text[..text.len() - at_value.len()], b"\""].concat());
        // Each name stands in the same object as in the row from which those behind it are known.
        if expected.is_none() || self.expected.get(place).is_some_and(|known| known.is_wrapped != is_wrapped)
        {
            self.expected.truncate(place);
        }
        let is_expected = expected.is_some() && place < MOST_PLACES && place <= self.expected.len();
        if let Some(expected) = expected.filter(|_| is_expected) {
            let name = Name::new(expected, &property, resembling);
            match self.expected.get_mut(place) {
                Some(known) => *known = name,
                None => self.expected.push(name),
            }
            self.mark_twins(field);
            let resembling = self.expected.iter().filter_map(|name| name.resembling);
            self.misspelt = resembling.fold(0, |bits, field| bits | 1 << field as usize);
        }
        // What is not remembered is not known of the next row.
        (is_expected || resembling.is_none()).then_some((rest, is_wrapped))
    }

    /// Marks which of the names of one field have another before them.
    fn mark_twins(&mut self, field: Option<Field>) {
        let names = self.expected.iter_mut().filter(|name| field.is_some() && name.field == field);
        names.enumerate().for_each(|(number, name)| name.is_twin = number > 0);
    }

    /// The property that the text begins with: behind a comma, out of the object that wrapped the row until here, into one
    /// that wraps it from here. What else may hold a row, or says that there is none, is not usual.
    fn property<'t>(&self, place: usize, was_wrapped: bool, text: &'t [u8]) -> Option<Property<'t>> {
        let text = behind_blanks(text);
        let outside = if was_wrapped { text.strip_prefix(b"}").map(behind_blanks) } else { None };
        let is_wrapped = was_wrapped && outside.is_none();
        let text = outside.unwrap_or(text);
        let (name, value) = name(if place == 0 { text } else { text.strip_prefix(b",")? })?;
        let field = self.names.field(name);
        match value.strip_prefix(b"{") {
            Some(wrapped) if field.is_none() && !is_wrapped && names::is_wrapper(name) => {
                let (name, at_value) = self::name(wrapped)?;
                Property { name, field: self.names.field(name), at_value, is_wrapped: true }.usual()
            }
            _ => Property { name, field, at_value: value, is_wrapped }.usual(),
        }
    }
}

/// A property, up to its value.
struct Property<'t> {
    name: &'t [u8],
    field: Option<Field>,
    at_value: &'t [u8],
    /// Whether it stands in an object that wraps the row.
    is_wrapped: bool,
}

impl Property<'_> {
    /// Itself, unless its value may hold a row, or says that there is none.
    fn usual(self) -> Option<Self> {
        let is_unusual =
            self.field.is_none() && (names::is_wrapper(self.name) || full::says_kind(self.name).is_some());
        (!is_unusual).then_some(self)
    }
}

/// What follows the row, if it ends where the text begins.
#[inline(always)]
fn end(text: &[u8], is_wrapped: bool) -> Option<&[u8]> {
    let behind = behind_blanks(text).strip_prefix(b"}")?;
    if is_wrapped { behind_blanks(behind).strip_prefix(b"}") } else { Some(behind) }
}

/// The name that the text begins with, and what follows its colon and blanks.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = any_string(behind_blanks(text).strip_prefix(b"\"")?)?;
    Some((name, behind_blanks(behind_blanks(rest).strip_prefix(b":")?)))
}

fn behind_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// A value, and what follows it.
type ValueAndRest<'t> = (Value<&'t [u8]>, &'t [u8]);

/// The value of this field that the text begins with.
#[inline(always)]
fn value<'t, S: Simd>(
    simd: S,
    field: Option<Field>,
    text: &'t [u8],
    is_escaped: &mut bool,
) -> Option<ValueAndRest<'t>> {
    let Some(text) = text.strip_prefix(b"\"") else { return other(simd, text) };
    match string(simd, text) {
        Some((string, rest)) => Some((Value::Text(string), rest)),
        None => escaped(simd, field, text, is_escaped),
    }
}

/// The value that the text begins with, if it is no string.
#[inline(always)]
fn other<S: Simd>(simd: S, text: &[u8]) -> Option<ValueAndRest<'_>> {
    match text {
        [b'0'..=b'9', ..] => whole(text),
        [b't', b'r', b'u', b'e', rest @ ..] => Some((Value::Flag(true), rest)),
        [b'f', b'a', b'l', b's', b'e', rest @ ..] => Some((Value::Flag(false), rest)),
        [b'n', b'u', b'l', b'l', rest @ ..] => Some((Value::Null, rest)),
        [b'{', rest @ ..] => date(simd, rest),
        _ => None,
    }
}

/// The date in an object whose brace was just read, as [`full`] finds it: the entry of the highest rank.
#[inline(never)]
fn date<S: Simd>(simd: S, mut text: &[u8]) -> Option<ValueAndRest<'_>> {
    let mut found = (full::DATES.len(), Value::Odd);
    loop {
        let (name, rest) = string(simd, behind_blanks(text).strip_prefix(b"\"")?)?;
        let value = behind_blanks(behind_blanks(rest).strip_prefix(b":")?);
        let (value, rest) = match value.strip_prefix(b"\"") {
            Some(text) => string(simd, text).map(|(string, rest)| (Value::Text(string), rest))?,
            None if value.starts_with(b"{") => return None,
            None => other(simd, value)?,
        };
        if let Some(rank) = full::DATES.iter().position(|known| known.as_bytes() == name)
            && rank < found.0
        {
            found = (rank, value);
        }
        text = match behind_blanks(rest) {
            [b',', rest @ ..] => rest,
            [b'}', rest @ ..] => return Some((found.1, rest)),
            _ => return None,
        };
    }
}

/// What follows the string whose opening quote was just read, where that has escapes, as names of people have where a tool
/// writes nothing but ASCII. What it says is not read; `is_escaped` tells of it where a field has it.
#[cold]
#[inline(never)]
fn escaped<'t, S: Simd>(
    simd: S,
    field: Option<Field>,
    mut text: &'t [u8],
    is_escaped: &mut bool,
) -> Option<ValueAndRest<'t>> {
    *is_escaped |= field.is_some();
    loop {
        text = match &text[scan::find_stop(simd, text)?..] {
            [b'"', rest @ ..] => return Some((Value::Odd, rest)),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\', b'u', code @ ..] if code.first_chunk::<4>()?.iter().all(u8::is_ascii_hexdigit) => {
                &code[4..]
            }
            _ => return None,
        };
    }
}

/// The string whose opening quote was just read, if nothing in it is escaped, or should be; and what follows it.
#[inline(always)]
fn string<S: Simd>(simd: S, text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (string, rest) = text.split_at_checked(scan::find_stop(simd, text)?)?;
    Some((string, rest.strip_prefix(b"\"")?))
}

fn any_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    dispatch!(Level::new(), simd => string(simd, text))
}

/// The number that the text begins with; a fraction or an exponent behind it is no end that [`Layout::read`] accepts.
#[inline(always)]
fn whole(text: &[u8]) -> Option<ValueAndRest<'_>> {
    let chunk = *text.first_chunk()?;
    let (count, number) = match fields::leading_digits(chunk) {
        count @ ..8 => (count as usize, fields::few_digits(chunk, count)?),
        _ => {
            let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (count, fields::whole_number(&text[..count]).ok()??)
        }
    };
    // Only zero begins with zero.
    (chunk[0] != b'0' || count == 1).then_some((Value::Whole(number), text.get(count..)?))
}
