//! Splitter and decoder of one file: text in, one record at a time out.

use std::ops::Range;
use std::time::Duration;

use super::Options;
use crate::call::Call;
use crate::decode::{Decoded, Decoder, Format, Reason};
use crate::source::split::{JsonSplitter, Place, QuotedCsvSplitter, Split, Splitter};

/// How the text of a file becomes records and calls.
#[derive(Debug)]
pub struct Stages {
    pub format: Format,
    pub live_within: Duration,
    pub splitter: Splitter,
    pub decoder: Decoder,
}

/// What stands at the front of a text.
pub enum Piece<'s> {
    NeedMore,
    Skip {
        next: usize,
    },
    /// One record, and where in the text it stands; the next one stands behind `next`.
    Record {
        decoded: Decoded<'s>,
        text: Range<usize>,
        next: usize,
    },
}

impl Stages {
    /// Puts the call that the text begins with to the end of `calls`, if its record is of the usual kind: where that
    /// begins, and where it ends.
    #[inline(always)]
    pub fn front<'t>(&mut self, text: &'t [u8], calls: &mut Vec<Call<'t>>) -> Option<Range<usize>> {
        let (begin, text) = self.splitter.front(text)?;
        let length = self.decoder.decode_front(text, calls)?;
        Some(begin..begin + length)
    }

    /// What the text begins with.
    pub fn next<'s>(&'s mut self, text: &'s [u8], finished: bool) -> Piece<'s> {
        let within_line = self.splitter.place() == Place::WithinLine;
        match self.splitter.next(text, finished) {
            Split::NeedMore => Piece::NeedMore,
            Split::Skip { next } => Piece::Skip { next },
            // What is no call by itself belongs to the one that was taken.
            Split::Record { start, end, next } if within_line && !self.is_call(&text[start..end]) => {
                Piece::Skip { next }
            }
            Split::Record { start, end, next } => match self.first_of_many(&text[start..end]) {
                Some(line) => Piece::Record {
                    decoded: Decoded::Rejected(Reason::BadCsv),
                    text: start..start + line,
                    next: start + line + 1,
                },
                None => {
                    Piece::Record { decoded: self.decoder.decode(&text[start..end]), text: start..end, next }
                }
            },
            Split::Broken { start, next } => {
                Piece::Record { decoded: Decoded::Rejected(self.format.broken()), text: start..next, next }
            }
            Split::TooLong { next } => {
                Piece::Record { decoded: Decoded::Rejected(Reason::TooLong), text: 0..0, next }
            }
        }
    }

    fn is_call(&mut self, record: &[u8]) -> bool {
        matches!(self.decoder.decode(record), Decoded::Call(_))
    }

    /// How long the first line of a CSV record is, if that alone is broken: a quote that is not closed ends with the
    /// next quote in the file, and takes the calls between for its own. The splitter's limit on lines keeps it from
    /// looking at the same ones again and again.
    fn first_of_many(&mut self, record: &[u8]) -> Option<usize> {
        if self.format != Format::TeamsAdminCenter {
            return None;
        }
        let first = memchr::memchr(b'\n', record)?;
        let is_broken = self.decoder.decode(record) == Decoded::Rejected(Reason::BadCsv);
        let mut lines = record[first + 1..].split(|byte| *byte == b'\n');
        let is_many = is_broken && lines.any(|line| self.is_call(line));
        is_many.then_some(first)
    }

    /// At the beginning of a text of this format.
    pub fn new(format: Format, options: Options) -> Self {
        Self {
            format,
            live_within: options.live_within.unwrap_or_else(|| format.default_live_within()),
            splitter: match format {
                Format::Graph => Splitter::Json(JsonSplitter::new(options.record_bytes)),
                Format::TeamsAdminCenter => Splitter::QuotedCsv(QuotedCsvSplitter::new(options.record_bytes)),
            },
            decoder: Decoder::new(format),
        }
    }
}
