//! CSV records (RFC 4180): lines, except that a newline between quotes belongs to its field.
//!
//! A quote that is never closed would swallow the rest of the file. So when no end is found within the limits, or
//! the file is finished, its first line alone is broken and the next line is a new beginning.

use memchr::{memchr, memchr2};

use super::{Place, Split};

/// How many lines a record may go over. The rows that are read hold names, numbers and times, none of which has a line
/// end. Without a limit on lines, each of many short ones with a quote that is not closed would be looked at as far as
/// a record may be long; with it, no byte is looked at more often than this.
pub const RECORD_LINES: usize = 16;

/// Splits CSV text whose fields are separated by commas.
#[derive(Debug, Clone)]
pub struct QuotedCsvSplitter {
    record_bytes: usize,
    /// Bytes of the unfinished record that were already looked at.
    scanned: usize,
    /// Line ends among them, which belong to quoted fields.
    line_ends: usize,
    state: State,
}

/// Where in a record the scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of a doubled quote.
    QuoteInQuoted,
    /// Passing over the rest of a record that was too long.
    Discarding,
    /// In the line of a record that was taken without its line end.
    WithinLine,
}

impl QuotedCsvSplitter {
    /// A splitter that refuses records of more than `record_bytes` bytes.
    pub fn new(record_bytes: usize) -> Self {
        Self { record_bytes, scanned: 0, line_ends: 0, state: State::FieldStart }
    }

    #[inline]
    pub(super) fn begins_record(&mut self) -> bool {
        let is_passing_over = matches!(self.state, State::Discarding | State::WithinLine);
        let begins = !is_passing_over && self.scanned <= super::SCANNED_AGAIN;
        if begins {
            self.begin();
        }
        begins
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        match self.state {
            State::Discarding => return self.discard(text, finished),
            State::WithinLine => return self.rest_of_line(text, finished),
            _ => {}
        }
        if self.scanned == 0
            && let Some(split) = super::byte_order_mark(text, finished)
        {
            return split;
        }
        if self.scanned == 0
            && let Some(newline) = memchr(b'\n', text)
            && newline <= self.record_bytes
            && memchr(b'"', &text[..newline]).is_none()
        {
            return record(text, newline, newline + 1);
        }
        match self.scan(text) {
            Some(newline) if newline > self.record_bytes => self.too_long(text),
            Some(newline) => {
                self.begin();
                record(text, newline, newline + 1)
            }
            None if text.len() > self.record_bytes || self.line_ends >= RECORD_LINES => self.too_long(text),
            None if finished && !text.is_empty() => self.last(text),
            None => Split::NeedMore,
        }
    }

    pub(super) fn is_discarding(&self) -> bool {
        self.state == State::Discarding
    }

    pub(super) fn place(&self) -> Place {
        if self.state == State::WithinLine { Place::WithinLine } else { Place::Top }
    }

    pub(super) fn resume(&mut self, place: Place) {
        self.begin();
        if place == Place::WithinLine {
            self.state = State::WithinLine;
        }
    }

    fn begin(&mut self) {
        self.scanned = 0;
        self.line_ends = 0;
        self.state = State::FieldStart;
    }

    /// The place of the newline that ends the record, if it is there. Looks no further than a record may go.
    fn scan(&mut self, text: &[u8]) -> Option<usize> {
        while self.scanned < text.len() && self.line_ends < RECORD_LINES {
            let rest = &text[self.scanned..];
            let byte = rest[0];
            let (state, step) = match self.state {
                State::FieldStart if byte == b'"' => (State::Quoted, 1),
                State::FieldStart | State::Unquoted | State::Discarding | State::WithinLine => {
                    match memchr2(b',', b'\n', rest) {
                        Some(at) if rest[at] == b'\n' => return Some(self.scanned + at),
                        Some(at) => (State::FieldStart, at + 1),
                        None => (State::Unquoted, rest.len()),
                    }
                }
                State::Quoted => match memchr2(b'"', b'\n', rest) {
                    Some(at) if rest[at] == b'\n' => {
                        self.line_ends += 1;
                        (State::Quoted, at + 1)
                    }
                    Some(at) => (State::QuoteInQuoted, at + 1),
                    None => (State::Quoted, rest.len()),
                },
                State::QuoteInQuoted if byte == b'"' => (State::Quoted, 1),
                State::QuoteInQuoted => (State::Unquoted, 0),
            };
            self.state = state;
            self.scanned += step;
        }
        None
    }

    /// The text holds no end within the limits.
    fn too_long(&mut self, text: &[u8]) -> Split {
        self.begin();
        match memchr(b'\n', text) {
            Some(newline) if newline < self.record_bytes => Split::Broken { start: 0, next: newline + 1 },
            Some(newline) => Split::TooLong { next: newline + 1 },
            None => {
                self.state = State::Discarding;
                Split::Skip { next: text.len() }
            }
        }
    }

    fn discard(&mut self, text: &[u8], finished: bool) -> Split {
        let newline = memchr(b'\n', text);
        if newline.is_none() && !finished {
            return if text.is_empty() { Split::NeedMore } else { Split::Skip { next: text.len() } };
        }
        self.begin();
        Split::TooLong { next: newline.map_or(text.len(), |newline| newline + 1) }
    }

    /// Gives the rest of the line as a record: another may have been written behind one that had no line end.
    fn rest_of_line(&mut self, text: &[u8], finished: bool) -> Split {
        match memchr(b'\n', text) {
            Some(newline) => {
                self.begin();
                record(text, newline, newline + 1)
            }
            None if finished && !text.is_empty() => record(text, text.len(), text.len()),
            None if text.len() > self.record_bytes => Split::Skip { next: text.len() },
            None => Split::NeedMore,
        }
    }

    /// The record that the file ends with.
    fn last(&mut self, text: &[u8]) -> Split {
        let unclosed = self.state == State::Quoted;
        self.begin();
        match memchr(b'\n', text) {
            Some(newline) if unclosed => Split::Broken { start: 0, next: newline + 1 },
            _ if unclosed => Split::Broken { start: 0, next: text.len() },
            _ => record(text, text.len(), text.len()),
        }
    }
}

/// The record in `text[..end]`, or nothing where the line is blank.
fn record(text: &[u8], end: usize, next: usize) -> Split {
    let end = if end > 0 && text[end - 1] == b'\r' { end - 1 } else { end };
    match end {
        0 => Split::Skip { next: next + blank_lines(&text[next..]) },
        _ => Split::Record { start: 0, end, next },
    }
}

/// How many bytes of blank lines the text begins with: they may be many, and are passed over together.
fn blank_lines(text: &[u8]) -> usize {
    let mut rest = text;
    while let [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] = rest {
        rest = behind;
    }
    text.len() - rest.len()
}
