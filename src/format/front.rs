//! Usual records, decoded many at a time.

use std::borrow::Cow;

use super::Decoded;
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Kind, Reason, RecordId, RefusedBy, Text, Unread, Words,
};

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

    /// Takes records for as long as `decode` says what one is, and how long it is with its line end. Bytes that are `blank` may stand
    /// before each. A call is put to the end of the calls, as by [`Front::fill`].
    #[inline(always)]
    pub fn records(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        blank: impl Fn(u8) -> bool,
        mut decode: impl FnMut(&'t [u8], &mut Vec<Call<'t>>) -> Option<(usize, Usual)>,
    ) {
        while self.calls.len() < Self::ROOM {
            let rest = text.get(self.end..).unwrap_or_default();
            let Some(begin) = rest.iter().position(|byte| !blank(*byte)) else { return };
            let rest = &rest[begin..];
            let Some((length, usual)) = decode(&rest[..rest.len().min(record_bytes)], &mut self.calls) else {
                return;
            };
            match usual {
                Usual::Call => {
                    if self.begins.is_empty() {
                        self.begins.reserve(Self::ROOM);
                    }
                    self.begins.push(self.end + begin);
                }
                Usual::Ignored => self.ignored.push(self.end + begin),
            }
            self.end += begin + length;
        }
    }

    /// As [`Front::records`], of records that are a line each; see [`line`].
    #[inline(always)]
    pub fn lines(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        mut decode: impl FnMut(&'t [u8], &mut Vec<Call<'t>>) -> Option<Usual>,
    ) {
        self.with_ends(text, record_bytes, |rest, calls| {
            let (line, next) = line(rest)?;
            Some((next, decode(line, calls)?))
        });
    }

    /// As [`Front::records`], of records that `decode` takes with their line ends.
    #[inline(always)]
    pub fn with_ends(
        &mut self,
        text: &'t [u8],
        record_bytes: usize,
        decode: impl FnMut(&'t [u8], &mut Vec<Call<'t>>) -> Option<(usize, Usual)>,
    ) {
        // The line end comes on top.
        self.records(text, record_bytes.saturating_add(1), |_| false, decode);
    }
}

/// A call of which nothing is known.
const BLANK: Call<'static> = Call {
    record_id: RecordId(0),
    trunk: Text(Cow::Borrowed(b"")),
    direction: Direction::Unknown,
    succeeded: None,
    codes: Codes {
        microsoft: None,
        sip: None,
        q850: None,
        text: Text(Cow::Borrowed(b"")),
        words: Words::Other,
        refused_by: RefusedBy::Unknown,
    },
    ended_at: None,
    duration_seconds: None,
    attempt: Attempt::Only,
    unread: Unread::NONE,
    detail: Detail { setup_millis: None, kind: Kind::Unknown, country: None, more: 0 },
};

impl<'t> Decoded<'t> {
    /// A call of which `fill` says what is known.
    #[inline(always)]
    pub(super) fn filled(fill: impl FnOnce(&mut Call<'t>) -> Result<(), Reason>) -> Self {
        let mut call = BLANK;
        match fill(&mut call) {
            Ok(()) => Self::Call(call),
            Err(reason) => Self::Rejected(reason),
        }
    }
}

/// What a usual record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// A call, which was put to the others.
    Call,
    Ignored,
}

impl Usual {
    /// A call that is put to the others.
    #[inline(always)]
    pub fn call<'t>(call: Call<'t>, calls: &mut Vec<Call<'t>>) -> Self {
        if calls.is_empty() {
            calls.reserve(Front::ROOM);
        }
        calls.push(call);
        Self::Call
    }

    /// A call that `fill` makes where it stays, at the end of the others: one that was made elsewhere would have to be copied. `None`
    /// where it makes none.
    #[inline(always)]
    pub fn filled<'t>(
        calls: &mut Vec<Call<'t>>,
        fill: impl FnOnce(&mut Call<'t>) -> Result<(), Reason>,
    ) -> Option<Self> {
        if calls.is_empty() {
            calls.reserve(Front::ROOM);
        }
        calls.push(BLANK);
        if fill(calls.last_mut()?).is_err() {
            calls.pop();
            return None;
        }
        Some(Self::Call)
    }

    /// What was decoded, of which a call is put to the others.
    #[inline(always)]
    pub fn of<'t>(decoded: Decoded<'t>, calls: &mut Vec<Call<'t>>) -> Option<Self> {
        match decoded {
            Decoded::Call(call) => Some(Self::call(call, calls)),
            Decoded::Ignored => Some(Self::Ignored),
            Decoded::Header | Decoded::Rejected(_) => None,
        }
    }
}

/// The line that a text begins with, and where the next one begins. One with a NUL is left alone, as it may be a hole. A carriage
/// return at its end is no part of it.
#[inline(always)]
pub fn line(text: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr2(b'\n', 0, text).filter(|end| text[*end] == b'\n')?;
    let line = text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
    // An empty one is no record.
    (!line.is_empty()).then_some((line, end + 1))
}
