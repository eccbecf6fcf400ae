//! CSV records (RFC 4180): lines, except that a line end between quotes belongs to its field. A line ends with LF, CR LF or
//! CR.
//!
//! A quote that is never closed would swallow the rest of the file. So when no end is found within the limits, or
//! the file is finished, its first line alone is broken and the next line is a new beginning.

use memchr::{memchr, memchr2, memchr3};

use super::{Place, Split};

/// How many lines a record may go over. The rows that are read hold names, numbers and times, none of which has a line
/// end. Without a limit on lines, each of many short ones with a quote that is not closed would be looked at as far as
/// a record may be long; with it, no byte is looked at more often than this.
pub const RECORD_LINES: usize = 16;

/// What stands between the cells of a row, and around some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    pub separator: u8,
    /// `None` where none stands for more than itself.
    pub quote: Option<u8>,
    /// Whether a blank line is a record, as above a table. Else blank lines are passed over.
    pub has_blank_lines: bool,
}

/// Commas, and quotes as RFC 4180 has them.
pub const COMMAS: Marks = Marks { separator: b',', quote: Some(b'"'), has_blank_lines: false };

/// Splits CSV text.
#[derive(Debug, Clone)]
pub struct QuotedCsvSplitter {
    record_bytes: usize,
    /// Behind a separator a quote opens a field.
    marks: Marks,
    /// Bytes of the unfinished record that were already looked at.
    scanned: usize,
    /// Line ends among them, which belong to quoted fields: line feeds, carriage returns.
    line_ends: [usize; 2],
    state: State,
}

/// Where in a record the scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    /// Within these quotes.
    Quoted(u8),
    /// After a quote within a quoted field: its end, or the first of a doubled quote.
    QuoteInQuoted(u8),
    /// Passing over the rest of a record that was too long.
    Discarding,
    /// In the line of a record that was taken without its line end.
    WithinLine,
}

/// The end of a line: where it is, and where the next line begins.
type LineEnd = (usize, usize);

/// The first line end. A carriage return at the end of the text is none before it is known what follows.
pub fn line_end(text: &[u8], finished: bool) -> Option<LineEnd> {
    let at = memchr2(b'\n', b'\r', text)?;
    line_end_at(text, at, finished)
}

fn line_end_at(text: &[u8], at: usize, finished: bool) -> Option<LineEnd> {
    match &text[at..] {
        [b'\r', b'\n', ..] => Some((at, at + 2)),
        [b'\r'] if !finished => None,
        _ => Some((at, at + 1)),
    }
}

impl QuotedCsvSplitter {
    /// A splitter that refuses records of more than `record_bytes` bytes.
    pub fn new(record_bytes: usize) -> Self {
        Self { record_bytes, marks: COMMAS, scanned: 0, line_ends: [0; 2], state: State::FieldStart }
    }

    /// Fields stand between and within these from here on.
    pub(super) fn take_apart_by(&mut self, marks: Marks) {
        self.marks = marks;
    }

    #[inline]
    pub(super) fn begins_record(&mut self, length: usize) -> bool {
        let is_passing_over = matches!(self.state, State::Discarding | State::WithinLine);
        let begins = !is_passing_over && super::is_looked_at_again(self.scanned, length);
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
            && let Some(end) = line_end(text, finished)
            && end.0 <= self.record_bytes
            && self.marks.quote.is_none_or(|quote| memchr(quote, &text[..end.0]).is_none())
        {
            return match end {
                (0, next) if self.marks.has_blank_lines => Split::Record { start: 0, end: 0, next },
                _ => record(text, end),
            };
        }
        match self.scan(text, finished) {
            Some((end, _)) if end > self.record_bytes => self.too_long(text, finished),
            Some(end) => {
                self.begin();
                record(text, end)
            }
            None if text.len() > self.record_bytes || self.lines() >= RECORD_LINES => {
                self.too_long(text, finished)
            }
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
        self.line_ends = [0; 2];
        self.state = State::FieldStart;
    }

    fn lines(&self) -> usize {
        self.line_ends[0].max(self.line_ends[1])
    }

    /// The line end of the record, if it is there. Looks no further than a record may go.
    fn scan(&mut self, text: &[u8], finished: bool) -> Option<LineEnd> {
        while self.scanned < text.len() && self.lines() < RECORD_LINES {
            let rest = &text[self.scanned..];
            let byte = rest[0];
            let (state, step) = match self.state {
                State::FieldStart if self.marks.quote == Some(byte) => (State::Quoted(byte), 1),
                State::FieldStart | State::Unquoted | State::Discarding | State::WithinLine => {
                    match memchr3(self.marks.separator, b'\n', b'\r', rest) {
                        Some(at) if rest[at] != self.marks.separator => {
                            if at > 0 {
                                self.scanned += at;
                                self.state = State::Unquoted;
                            }
                            return line_end_at(text, self.scanned, finished);
                        }
                        Some(at) => (State::FieldStart, at + 1),
                        None => (State::Unquoted, rest.len()),
                    }
                }
                State::Quoted(quote) => match memchr3(quote, b'\n', b'\r', rest) {
                    Some(at) if rest[at] == quote => (State::QuoteInQuoted(quote), at + 1),
                    Some(at) => {
                        self.line_ends[usize::from(rest[at] == b'\r')] += 1;
                        (State::Quoted(quote), at + 1)
                    }
                    None => (State::Quoted(quote), rest.len()),
                },
                State::QuoteInQuoted(quote) if byte == quote => (State::Quoted(quote), 1),
                State::QuoteInQuoted(_) => (State::Unquoted, 0),
            };
            self.state = state;
            self.scanned += step;
        }
        None
    }

    /// The text holds no end within the limits.
    fn too_long(&mut self, text: &[u8], finished: bool) -> Split {
        self.begin();
        match line_end(text, finished) {
            Some((end, next)) if end < self.record_bytes => Split::Broken { start: 0, next },
            Some((_, next)) => Split::TooLong { next },
            None => {
                self.state = State::Discarding;
                self.passed_over(text)
            }
        }
    }

    /// Passes over a text without a line end, but for a carriage return that may be the first half of one.
    fn passed_over(&self, text: &[u8]) -> Split {
        match text.strip_suffix(b"\r").unwrap_or(text).len() {
            0 => Split::NeedMore,
            next => Split::Skip { next },
        }
    }

    fn discard(&mut self, text: &[u8], finished: bool) -> Split {
        let end = line_end(text, finished);
        if end.is_none() && !finished {
            return self.passed_over(text);
        }
        self.begin();
        Split::TooLong { next: end.map_or(text.len(), |(_, next)| next) }
    }

    /// Gives the rest of the line as a record: another may have been written behind one that had no line end.
    fn rest_of_line(&mut self, text: &[u8], finished: bool) -> Split {
        match line_end(text, finished) {
            Some(end) => {
                self.begin();
                record(text, end)
            }
            None if finished && !text.is_empty() => record(text, (text.len(), text.len())),
            None if text.len() > self.record_bytes => self.passed_over(text),
            None => Split::NeedMore,
        }
    }

    /// The record that the file ends with.
    fn last(&mut self, text: &[u8]) -> Split {
        let unclosed = matches!(self.state, State::Quoted(_));
        self.begin();
        match line_end(text, true) {
            Some((_, next)) if unclosed => Split::Broken { start: 0, next },
            _ if unclosed => Split::Broken { start: 0, next: text.len() },
            _ => record(text, (text.len(), text.len())),
        }
    }
}

/// The record in front of a line end, or nothing where the line is blank.
fn record(text: &[u8], (end, next): LineEnd) -> Split {
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

/// So many lines may stand above a header.
const MOST_LINES_ABOVE: usize = 16;

/// Whether a line says something about the table below it: `sep=;` of Excel, `#TYPE …` of PowerShell.
pub fn is_above_header(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let is_separator = || line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"sep="));
    line.starts_with(b"#") || line.len() <= b"sep=,\"".len() && is_separator()
}

/// The header of a text, and where the first record begins behind it; `None` while its end is not there. The first lines
/// may stand above the header.
pub fn header(text: &[u8], finished: bool) -> Option<(&[u8], usize)> {
    let mut at = 0;
    for _ in 0..MOST_LINES_ABOVE {
        let rest = &text[at..];
        let (end, next) = line_end(rest, finished).or(finished.then_some((rest.len(), rest.len())))?;
        let line = rest[..end].trim_ascii();
        at += next;
        if !line.is_empty() && !is_above_header(line) {
            return Some((line, at));
        }
    }
    Some((b"", at))
}
