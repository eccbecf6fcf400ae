//! Splitter and decoder of one file: text in, one record at a time out.

use std::ops::Range;
use std::time::Duration;

use super::{HowRead, Options};
use crate::call::Reason;
use crate::format::names::Names;
use crate::format::{Decode, Decoded, Format, Front};
use crate::framing::quoted_csv::line_end;
use crate::framing::{Framing, Place, Split, Splitter};

/// How the text of a file becomes records and calls.
#[derive(Debug)]
pub struct Stages {
    pub format: &'static Format,
    live_within: Duration,
    pub splitter: Splitter,
    pub decoder: Box<dyn Decode>,
    pub(super) record_bytes: usize,
    pub names: Names,
    keeps_detail: bool,
    /// Whether the text goes on with the rest of a record that a hole cuts.
    pub(super) is_torn: bool,
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
    /// Takes the calls of usual records from the front of the text.
    pub fn front<'t>(&mut self, text: &'t [u8], front: &mut Front<'t>) {
        front.keeps_detail = self.keeps_detail;
        if !self.is_torn && self.splitter.begins_record(text.len()) {
            self.decoder.decode_front(text, self.record_bytes, front);
        }
    }

    /// What the text begins with.
    pub fn next<'s>(&'s mut self, text: &'s [u8], finished: bool) -> Piece<'s> {
        if self.is_torn {
            return self.pass_torn(text, finished);
        }
        let within_line = self.splitter.place() == Place::WithinLine;
        self.splitter.take_apart_by(self.decoder.marks());
        match self.splitter.next(text, finished) {
            Split::NeedMore => Piece::NeedMore,
            Split::Skip { next } => Piece::Skip { next },
            // What is no call by itself belongs to the one that was taken.
            Split::Record { start, end, next } if within_line && !self.is_call(&text[start..end]) => {
                Piece::Skip { next }
            }
            Split::Record { start, end, next } => match self.lines_of(&text[start..end]) {
                Lines::BrokenFirst(line) => Piece::Record {
                    decoded: Decoded::Rejected(Reason::BadCsv),
                    text: start..start + line,
                    next: start + line + 1,
                },
                Lines::Header => Piece::Record { decoded: Decoded::Header, text: start..end, next },
                Lines::OneRow => {
                    Piece::Record { decoded: self.decoder.decode(&text[start..end]), text: start..end, next }
                }
            },
            Split::Broken { start, next } => {
                Piece::Record { decoded: Decoded::Rejected(self.format.broken), text: start..next, next }
            }
            Split::TooLong { next } => {
                Piece::Record { decoded: Decoded::Rejected(Reason::TooLong), text: 0..0, next }
            }
        }
    }

    /// A decoder that knows what this one does of the rows to come.
    pub(super) fn decoder_like(&self) -> Box<dyn Decode> {
        let mut decoder = (self.format.decoder)(self.names);
        if let Some(header) = self.decoder.header() {
            decoder.resume(&header);
        }
        decoder
    }

    fn is_call(&mut self, record: &[u8]) -> bool {
        matches!(self.decoder.decode(record), Decoded::Call(_))
    }

    /// What the lines of a CSV record are. A quote that is not closed ends with the next quote in the file, and takes the
    /// calls between for its own. The splitter's limit on lines keeps it from looking at the same ones again and again.
    fn lines_of(&mut self, record: &[u8]) -> Lines {
        let Some((first, _)) = line_end(record, true).filter(|_| self.format.framing == Framing::QuotedCsv)
        else {
            return Lines::OneRow;
        };
        match self.decoder.decode(record) {
            // It is not decoded again: the decoder is past it.
            Decoded::Header => Lines::Header,
            Decoded::Rejected(Reason::BadCsv) => {
                let mut lines = record[first + 1..].split(|byte| matches!(byte, b'\n' | b'\r'));
                if lines.any(|line| self.is_call(line)) { Lines::BrokenFirst(first) } else { Lines::OneRow }
            }
            _ => Lines::OneRow,
        }
    }

    /// Whether the text that goes on here has a call, or the header of some. Asks copies of splitter and decoder.
    pub fn has_any_of_ours(&self, text: &[u8]) -> bool {
        let (mut splitter, mut decoder, mut at) = (self.splitter.clone(), self.decoder_like(), 0);
        while let Some(rest) = text.get(at..) {
            splitter.take_apart_by(decoder.marks());
            at += match splitter.next(rest, false) {
                Split::NeedMore => return false,
                Split::Skip { next } | Split::Broken { next, .. } | Split::TooLong { next } => next,
                Split::Record { start, end, next } => match decoder.decode(&rest[start..end]) {
                    Decoded::Call(_) | Decoded::Header => return true,
                    Decoded::Ignored | Decoded::Rejected(_) => next,
                },
            };
        }
        false
    }

    /// How the records are read.
    pub fn how(&self) -> HowRead {
        HowRead {
            format: self.format,
            live_within: self.live_within,
            ignored_are: self.decoder.ignored_are(),
        }
    }

    /// At the beginning of a text of this format.
    pub fn new(format: &'static Format, options: Options) -> Self {
        Self {
            format,
            live_within: options.live_within.unwrap_or(format.live_within),
            splitter: format.framing.splitter(options.record_bytes),
            decoder: (format.decoder)(options.names),
            names: options.names,
            keeps_detail: options.keeps_detail,
            record_bytes: options.record_bytes,
            is_torn: false,
        }
    }
}

/// What a CSV record is that may have several lines.
enum Lines {
    OneRow,
    /// Whatever stands above the calls.
    Header,
    /// The first line, so long, is broken, and calls stand behind it.
    BrokenFirst(usize),
}

/// Whether a record that was read up to a hole, the last of this text, has its end there.
pub fn is_cut(format: &Format, decoded: &Decoded<'_>, text: &[u8]) -> bool {
    match decoded {
        Decoded::Rejected(reason) => *reason != Reason::TooLong,
        _ => format.framing == Framing::QuotedCsv && !text.ends_with(b"\n"),
    }
}
