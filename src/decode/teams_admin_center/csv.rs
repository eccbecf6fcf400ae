//! One CSV record to its cells (RFC 4180).

use std::borrow::Cow;

use crate::decode::Reason;

/// What stands between two commas, without the quotes around it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The cell as the record spells it: quotes inside are still doubled, if `doubled` says so.
    pub bytes: &'a [u8],
    doubled: bool,
}

impl<'a> Cell<'a> {
    /// A cell without quotes.
    #[inline(always)]
    pub fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, doubled: false }
    }

    /// The cell as it was meant.
    #[inline]
    pub fn value(self) -> Cow<'a, [u8]> {
        if !self.doubled {
            return Cow::Borrowed(self.bytes);
        }
        // Quotes stand in pairs here, and the first of each pair is meant.
        let mut first = false;
        let mut is_meant = |byte: &u8| {
            first ^= *byte == b'"';
            *byte != b'"' || first
        };
        Cow::Owned(self.bytes.iter().copied().filter(|byte| is_meant(byte)).collect())
    }
}

/// Gives each cell of one record, which has no newline at its end, to `take`. Fails on a quote that is never
/// closed, or that something other than a comma follows.
#[inline]
pub fn for_each<'a>(record: &'a [u8], mut take: impl FnMut(Cell<'a>)) -> Result<(), Reason> {
    let mut rest = Some(record);
    while let Some(text) = rest {
        let cell;
        (cell, rest) = match text.strip_prefix(b"\"") {
            Some(text) => quoted(text).ok_or(Reason::BadCsv)?,
            None => plain(text),
        };
        take(cell);
    }
    Ok(())
}

/// The cell that begins with this text, and what follows its comma, if one does.
type CellAndRest<'a> = (Cell<'a>, Option<&'a [u8]>);

fn plain(text: &[u8]) -> CellAndRest<'_> {
    let (bytes, rest) = match memchr::memchr(b',', text) {
        Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
        None => (text, None),
    };
    (Cell::plain(bytes), rest)
}

/// The text begins after the opening quote.
fn quoted(text: &[u8]) -> Option<CellAndRest<'_>> {
    let mut end = memchr::memchr(b'"', text)?;
    let mut doubled = false;
    while text.get(end + 1) == Some(&b'"') {
        doubled = true;
        end += 2 + memchr::memchr(b'"', &text[end + 2..])?;
    }
    let rest = match &text[end + 1..] {
        [] => None,
        [b',', rest @ ..] => Some(rest),
        _ => return None,
    };
    Some((Cell { bytes: &text[..end], doubled }, rest))
}
