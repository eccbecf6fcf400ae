//! What the record before had in a place: the text before a value, and how long the value was.
//!
//! Records of one device or export are written by one program, so most of a record is the record before. Where it is, a
//! comparison reads what stands before a value, and reading goes on behind the value without waiting to learn where it ends.

use fearless_simd::Simd;

use super::scan::{self, Prefix};

/// So many bytes have to follow where a value is looked for: all steps of its reading are whole then.
pub const ROOM: usize = 128;

/// A value in quotes, and all that stands before it.
#[derive(Debug)]
pub struct Expected {
    /// With the quote that begins a string: `,"callType":"`.
    before: Prefix,
    /// How many bytes the string behind it last had, and the bits of those and of the quote that ended it.
    length: u8,
    through: u64,
}

/// What a text has where a string was expected.
pub enum Begins {
    /// A string, which begins at this offset.
    String(usize),
    /// The text before it, and behind that at this offset no quote.
    Other(usize),
    /// Another text.
    No,
}

impl Expected {
    /// Behind this text, which ends with a quote. `None` where it is too long to be compared at once.
    pub fn new(before: &[u8]) -> Option<Self> {
        Some(Self { before: Prefix::new(before)?, length: 0, through: 1 })
    }

    /// Whether the text begins as expected.
    #[inline(always)]
    pub fn begins<S: Simd>(&self, simd: S, text: &[u8; ROOM]) -> Begins {
        let Some(chunk) = text.first_chunk() else { return Begins::No };
        match self.before.differences(simd, chunk) {
            0 => Begins::String(self.before.length()),
            quote if quote == self.before.last => Begins::Other(self.before.length() - 1),
            _ => Begins::No,
        }
    }

    /// The length of the string that begins here, behind its quote, where it is that of the one before and nothing in it is
    /// escaped.
    #[inline(always)]
    pub fn same_length<S: Simd>(&self, simd: S, text: &[u8; 64]) -> Option<usize> {
        let length = usize::from(self.length % 64);
        let stops = match length {
            ..32 => scan::stops_in_32(simd, text.first_chunk()?),
            _ => scan::stops_in_64(simd, text),
        };
        // The lowest one is where the last one was, and the bits up to there are one more.
        ((stops & self.through) * 2 == self.through + 1 && text[length] == b'"').then_some(length)
    }

    /// The string here has so many bytes.
    #[inline(always)]
    pub fn note_length(&mut self, length: usize) {
        if let Ok(length @ ..63) = u8::try_from(length) {
            (self.length, self.through) = (length, (2 << length) - 1);
        }
    }
}
