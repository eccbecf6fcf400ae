//! One file on its way through the stages: text, records, calls, verdicts, ledger.

use std::fs::File;
use std::time::Duration;

use crate::call::UnixMillis;
use crate::decode::{Decoded, Decoder, Format, Reason, Recognition};
use crate::ledger::snapshot::RecordCounts;
use crate::ledger::{Ledger, SourceIndex};
use crate::source::encoding::Encoding;
use crate::source::split::{JsonSplitter, QuotedCsvSplitter, Split, Splitter};
use crate::source::tail::{Tail, TailError};

/// How the records of a source's files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `None`: each file's format is recognised by its content.
    pub format: Option<Format>,
    /// `None`: by format.
    pub live_within: Option<Duration>,
    /// A longer record is rejected.
    pub record_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { format: None, live_within: None, record_bytes: 1024 * 1024 }
    }
}

/// Where the records of a file are booked, and at what time.
pub struct Books<'l> {
    pub ledger: &'l mut Ledger,
    pub source: SourceIndex,
    pub now: UnixMillis,
}

/// The book-keeping of one file, for people to look at.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub records: RecordCounts,
    /// End of the earliest and of the latest call.
    pub calls: Option<(UnixMillis, UnixMillis)>,
    /// The first few rejected records.
    pub rejected: Vec<Rejected>,
}

/// A rejected record: where it stands, never what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Its number among the file's records, from 1.
    pub record: u64,
    /// Offset of its first byte in the file's text.
    pub position: u64,
    pub reason: Reason,
}

/// How many rejected records a [`Summary`] holds.
const REJECTED_KEPT: usize = 3;

/// Text of a file of unknown format that is looked at before it is given up.
const HEAD_BYTES: usize = 256 * 1024;

/// A file and how far it has come.
#[derive(Debug)]
pub struct Reading {
    pub tail: Tail,
    options: Options,
    stages: Option<Stages>,
    unrecognised: Option<&'static str>,
    /// Offset in the text of the first byte not yet consumed.
    position: u64,
    summary: Summary,
}

#[derive(Debug)]
struct Stages {
    format: Format,
    live_within: Duration,
    splitter: Splitter,
    decoder: Decoder,
}

/// What a turn of reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was more to read than the turn allowed.
    More,
    /// Everything that is there has been read.
    CaughtUp,
}

impl Reading {
    /// A file at its beginning.
    pub fn new(file: File, options: Options) -> Self {
        Self {
            tail: Tail::new(file),
            options,
            stages: None,
            unrecognised: None,
            position: 0,
            summary: Summary::default(),
        }
    }

    /// The format, once recognised.
    pub fn format(&self) -> Option<Format> {
        self.stages.as_ref().map(|stages| stages.format)
    }

    /// The encoding, once recognised.
    pub fn encoding(&self) -> Option<Encoding> {
        self.tail.encoding()
    }

    /// Why the file is of no format we know, if so. Nothing more is read of it.
    pub fn unrecognised(&self) -> Option<&'static str> {
        self.unrecognised
    }

    /// What was found so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Reads on by about `budget` bytes at most, of the `expected` ones that are new.
    pub fn turn(&mut self, books: &mut Books<'_>, expected: u64, budget: u64) -> Result<Turn, TailError> {
        let begin = self.tail.read_bytes();
        while self.unrecognised.is_none() {
            let taken = self.tail.read_bytes() - begin;
            if taken >= budget {
                return Ok(Turn::More);
            }
            let before = self.tail.read_bytes();
            let more = self.tail.fill(expected.saturating_sub(taken).saturating_add(1), false)?;
            books.ledger.read(books.source, self.tail.read_bytes() - before);
            if !more {
                break;
            }
            self.records(books, false);
        }
        Ok(Turn::CaughtUp)
    }

    /// Takes what is left when no more will come: a last line without newline counts, a cut record is rejected.
    pub fn finish(&mut self, books: &mut Books<'_>) -> Result<(), TailError> {
        while self.unrecognised.is_none() && self.tail.fill(1, true)? {
            self.records(books, false);
        }
        self.records(books, true);
        Ok(())
    }

    /// Takes a last line without newline, if it is a whole call by itself; whether it was. Asked when a file has been
    /// quiet.
    pub fn take_last_line(&mut self, books: &mut Books<'_>) -> bool {
        let text = self.tail.text();
        let whole = self.stages.as_mut().is_some_and(|stages| {
            matches!(stages.splitter, Splitter::QuotedCsv(_))
                && memchr::memchr(b'\n', text).is_none()
                && matches!(stages.decoder.decode(text), Decoded::Call(_))
        });
        if whole {
            self.records(books, true);
        }
        whole
    }

    /// Books every record that the text holds.
    fn records(&mut self, books: &mut Books<'_>, finished: bool) {
        if self.unrecognised.is_some() || (self.stages.is_none() && !self.recognise(finished)) {
            return;
        }
        let Some(stages) = &mut self.stages else { return };
        let text = self.tail.text();
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let (record, next) = match stages.splitter.next(rest, finished) {
                Split::NeedMore => break,
                Split::Skip { next } => (None, next),
                Split::Record { start, end, next } => {
                    (Some((start, stages.decoder.decode(&rest[start..end]))), next)
                }
                Split::Broken { start, next } => {
                    let reason = match stages.format {
                        Format::Graph => Reason::BadJson,
                        Format::TeamsAdminCenter => Reason::BadCsv,
                    };
                    (Some((start, Decoded::Rejected(reason))), next)
                }
                Split::TooLong { next } => (Some((0, Decoded::Rejected(Reason::TooLong))), next),
            };
            if let Some((start, decoded)) = record {
                let first = self.summary.records == RecordCounts::default();
                if first && decoded == Decoded::Rejected(Reason::NotARow) {
                    self.unrecognised = Some(Format::unknown_explanation(text));
                    return;
                }
                let position = self.position + (at + start) as u64;
                book(books, &mut self.summary, stages.live_within, decoded, position);
            }
            at += next;
        }
        self.position += at as u64;
        self.tail.consume(at);
    }

    /// Finds out the format; `false` while it is not known.
    fn recognise(&mut self, finished: bool) -> bool {
        let text = self.tail.text();
        let over = finished || text.len() > HEAD_BYTES;
        let format = match self.options.format {
            Some(format) => format,
            None => match Format::recognise(text, over) {
                Recognition::Known(format) => format,
                Recognition::NeedMore => return false,
                Recognition::Unknown => {
                    self.unrecognised = Some(Format::unknown_explanation(text));
                    return false;
                }
            },
        };
        let record_bytes = self.options.record_bytes;
        self.stages = Some(Stages {
            format,
            live_within: self.options.live_within.unwrap_or_else(|| format.default_live_within()),
            splitter: match format {
                Format::Graph => Splitter::Json(JsonSplitter::new(record_bytes)),
                Format::TeamsAdminCenter => Splitter::QuotedCsv(QuotedCsvSplitter::new(record_bytes)),
            },
            decoder: Decoder::new(format),
        });
        true
    }
}

/// Books one record in the ledger and in its file's summary: in exactly one bucket.
fn book(
    books: &mut Books<'_>,
    summary: &mut Summary,
    live_within: Duration,
    decoded: Decoded<'_>,
    position: u64,
) {
    let Books { ledger, source, now } = books;
    match decoded {
        Decoded::Call(call) => {
            if let Some(ended) = call.ended_at {
                let (first, last) = summary.calls.unwrap_or((ended, ended));
                summary.calls = Some((first.min(ended), last.max(ended)));
            }
            if !ledger.is_new(*source, call.record_id, *now) {
                summary.records.duplicate += 1;
                return;
            }
            summary.records.counted += 1;
            let catalogue = std::sync::Arc::clone(ledger.catalogue());
            let verdict = catalogue.classify(&call);
            ledger.count(*source, &call, &verdict, *now, live_within);
        }
        Decoded::Header => {
            summary.records.header += 1;
            ledger.header(*source);
        }
        Decoded::Ignored => {
            summary.records.ignored += 1;
            ledger.ignored(*source);
        }
        Decoded::Rejected(reason) => {
            summary.records.rejected += 1;
            ledger.rejected(*source, reason.label());
            if summary.rejected.len() < REJECTED_KEPT {
                let records = summary.records;
                let record =
                    records.counted + records.duplicate + records.header + records.ignored + records.rejected;
                summary.rejected.push(Rejected { record, position, reason });
            }
        }
    }
}
