//! One CSV record to its cells (RFC 4180).

use std::borrow::Cow;

use crate::call::Reason;

/// What stands between two separators, without the quotes around it: where it is in its record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    pub begin: usize,
    pub end: usize,
    /// Whether quotes inside are doubled.
    pub doubled: bool,
}

impl Cell {
    /// What it holds, of the record that it stands in.
    pub fn bytes(self, record: &[u8]) -> Cow<'_, [u8]> {
        let bytes = &record[self.begin..self.end];
        if self.doubled { Cow::Owned(undoubled(bytes)) } else { Cow::Borrowed(bytes) }
    }
}

/// A cell with doubled quotes as it was meant.
pub fn undoubled(cell: &[u8]) -> Vec<u8> {
    // Quotes stand in pairs here, and the first of each pair is meant.
    let mut first = false;
    let mut is_meant = |byte: &u8| {
        first ^= *byte == b'"';
        *byte != b'"' || first
    };
    cell.iter().copied().filter(|byte| is_meant(byte)).collect()
}

/// Gives each cell of one record, which has no newline at its end, to `take`. Fails on a quote that is never
/// closed, or that something other than a separator follows.
#[inline]
pub fn for_each(record: &[u8], separator: u8, mut take: impl FnMut(Cell)) -> Result<(), Reason> {
    let mut rest = Some(0);
    while let Some(begin) = rest {
        let cell;
        (cell, rest) = match record.get(begin) {
            Some(b'"') => quoted(record, separator, begin + 1).ok_or(Reason::BadCsv)?,
            _ => plain(record, separator, begin),
        };
        take(cell);
    }
    Ok(())
}

/// The cell that begins there, and where the next one begins, if a separator follows.
type CellAndNext = (Cell, Option<usize>);

fn plain(record: &[u8], separator: u8, begin: usize) -> CellAndNext {
    let next = memchr::memchr(separator, &record[begin..]).map(|place| begin + place);
    let end = next.unwrap_or(record.len());
    (Cell { begin, end, doubled: false }, next.map(|next| next + 1))
}

/// The cell begins after its opening quote.
fn quoted(record: &[u8], separator: u8, begin: usize) -> Option<CellAndNext> {
    let quote_from = |from: usize| memchr::memchr(b'"', &record[from..]).map(|quote| from + quote);
    let mut end = quote_from(begin)?;
    let mut doubled = false;
    while record.get(end + 1) == Some(&b'"') {
        doubled = true;
        end = quote_from(end + 2)?;
    }
    let next = match record.get(end + 1) {
        None => None,
        Some(byte) if *byte == separator => Some(end + 2),
        Some(_) => return None,
    };
    Some((Cell { begin, end, doubled }, next))
}
