//! Usual records, decoded many at a time.

use super::Decoded;
use crate::call::Call;

/// Records decoded in one go, and where they stand in the text.
#[derive(Debug)]
pub struct Front<'t> {
    pub calls: Vec<Call<'t>>,
    /// Where the record of each begins.
    pub begins: Vec<usize>,
    /// Where records begin that stand among them and are ignored.
    pub ignored: Vec<usize>,
    /// Where the last one ends.
    pub end: usize,
    /// Whether anybody asks for their [`Detail`](crate::call::Detail).
    pub keeps_detail: bool,
}

impl<'t> Front<'t> {
    /// At most so many calls are taken before they are handed on: enough that the hand-over costs nothing.
    pub const ROOM: usize = 64;

    /// None yet.
    pub fn empty() -> Self {
        Self { calls: Vec::new(), begins: Vec::new(), ignored: Vec::new(), end: 0, keeps_detail: true }
    }

    /// Room for all: growing would copy each call several times.
    fn make_room(&mut self) {
        self.calls.reserve(Self::ROOM);
        self.begins.reserve(Self::ROOM);
    }

    /// Takes calls for as long as `decode` finds one, which it puts to the end of the calls and of which it returns the
    /// record's length. Bytes that are `blank` may stand before each. Puts them there itself: what it would return is
    /// copied once more.
    #[inline(always)]
    pub fn fill(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        blank: impl Fn(u8) -> bool,
        mut decode: impl FnMut(&'t [u8], &mut Vec<Call<'t>>) -> Option<usize>,
    ) {
        self.make_room();
        while self.calls.len() < Self::ROOM {
            let rest = text.get(self.end..).unwrap_or_default();
            let Some(begin) = rest.iter().position(|byte| !blank(*byte)) else { return };
            let rest = &rest[begin..];
            let Some(length) = decode(&rest[..rest.len().min(record_bytes)], &mut self.calls) else { return };
            self.begins.push(self.end + begin);
            self.end += begin + length;
        }
    }

    /// Takes records for as long as `decode` says that one is a call or ignored, and how long it is, with its line end. Bytes that
    /// are `blank` may stand before each.
    #[inline(always)]
    pub fn records(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        blank: impl Fn(u8) -> bool,
        mut decode: impl FnMut(&'t [u8]) -> Option<(usize, Decoded<'t>)>,
    ) {
        while self.calls.len() < Self::ROOM {
            let rest = text.get(self.end..).unwrap_or_default();
            let Some(begin) = rest.iter().position(|byte| !blank(*byte)) else { return };
            let rest = &rest[begin..];
            match decode(&rest[..rest.len().min(record_bytes)]) {
                Some((length, Decoded::Call(call))) => {
                    if self.calls.is_empty() {
                        self.make_room();
                    }
                    self.calls.push(call);
                    self.begins.push(self.end + begin);
                    self.end += begin + length;
                }
                Some((length, Decoded::Ignored)) => {
                    self.ignored.push(self.end + begin);
                    self.end += begin + length;
                }
                _ => return,
            }
        }
    }

    /// As [`Front::records`], of records that are a line each. A line with a NUL is left alone, as it may be a hole. A carriage
    /// return at the end of a line is no part of it.
    #[inline(always)]
    pub fn lines(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        decode: impl FnMut(&'t [u8]) -> Option<Decoded<'t>>,
    ) {
        self.ended(text, record_bytes, decode, |rest| {
            let end = memchr::memchr2(b'\n', 0, rest).filter(|end| rest[*end] == b'\n')?;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            // An empty one is no record.
            (!line.is_empty()).then_some((line, end + 1))
        });
    }

    /// As [`Front::records`], of rows of CSV that may end with LF or CR LF. One with a carriage return alone is left to others, as is
    /// one that begins with a byte-order mark. Where a line is not all of its row, `decode` finds a quote that is not closed.
    #[inline(always)]
    pub fn rows(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        decode: impl FnMut(&'t [u8]) -> Option<Decoded<'t>>,
    ) {
        self.ended(text, record_bytes, decode, |rest| {
            let end = memchr::memchr3(b'\n', b'\r', 0, rest)?;
            let next = match rest[end..] {
                [b'\n', ..] => end + 1,
                [b'\r', b'\n', ..] => end + 2,
                _ => return None,
            };
            let row = &rest[..end];
            (!matches!(row, [] | [0xef, 0xbb, 0xbf, ..])).then_some((row, next))
        });
    }

    /// As [`Front::records`], where `ended` takes the record off the text, and says where the next one begins.
    #[inline(always)]
    fn ended(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        mut decode: impl FnMut(&'t [u8]) -> Option<Decoded<'t>>,
        ended: impl Fn(&'t [u8]) -> Option<(&'t [u8], usize)>,
    ) {
        // The line end comes on top.
        let record_bytes = record_bytes.saturating_add(1);
        self.records(
            text,
            record_bytes,
            |_| false,
            |rest| {
                let (record, next) = ended(rest)?;
                Some((next, decode(record)?))
            },
        );
    }
}
