//! JSON records: the elements of a top-level array or of an object's `value` array, and every other top-level
//! value. So a saved response, a bare array, a row a line and any sequence of these all give rows.
//!
//! Structure only: strings, escapes and depth. Whether a value is valid JSON is the decoder's to say. One rule
//! repairs: a raw newline cannot stand in a JSON string, and a top-level object that began as `{"` and is not closed
//! when a later line begins with `{"` in the first column was cut off; there a new value begins.

use memchr::{memchr, memchr2};

use super::{Place, Split};

/// Splits JSON text.
#[derive(Debug, Clone)]
pub struct JsonSplitter {
    record_bytes: usize,
    place: Place,
    /// The value that is begun and not yet ended.
    scan: Option<Scan>,
    /// Whether the remainder of that value is being passed over, because it was too long.
    discarding: bool,
}

/// How a scan ended.
enum Scanned {
    /// The value ends before this offset.
    End(usize),
    /// The value is an object whose `value` array begins before this offset.
    Rows(usize),
    /// The value was cut off before this offset.
    Cut(usize),
    NeedMore,
}

impl JsonSplitter {
    /// A splitter that refuses records of more than `record_bytes` bytes.
    pub fn new(record_bytes: usize) -> Self {
        Self { record_bytes, place: Place::Top, scan: None, discarding: false }
    }

    pub(super) fn is_discarding(&self) -> bool {
        self.discarding
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn resume(&mut self, place: Place) {
        self.place = place;
        self.scan = None;
        self.discarding = false;
    }

    #[inline]
    pub(super) fn begins_record(&mut self) -> bool {
        let is_far = self.scan.as_ref().is_some_and(|scan| scan.at > super::SCANNED_AGAIN);
        let begins = !is_far && !self.discarding && self.place != Place::AfterValue;
        if begins {
            self.scan = None;
        }
        begins
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        if let Some(scan) = self.scan.take() {
            return self.go_on(scan, text, finished);
        }
        let blank = text.iter().take_while(|byte| is_blank(**byte)).count();
        if blank > 0 && self.place != Place::AfterValue {
            return Split::Skip { next: blank };
        }
        if matches!(self.place, Place::Top | Place::WithinLine)
            && let Some(split) = super::byte_order_mark(text, finished)
        {
            return split;
        }
        match (self.place, text.first()) {
            (_, None) => Split::NeedMore,
            (Place::Top | Place::WithinLine, Some(b'[')) => self.enter(Place::Array, 1),
            (Place::Array, Some(b']')) => self.enter(Place::Top, 1),
            (Place::Value, Some(b']')) => self.enter(Place::AfterValue, 1),
            (Place::Top | Place::WithinLine, Some(b'{')) => {
                self.go_on(Scan::new(Context::TopObject), text, finished)
            }
            (Place::Top | Place::WithinLine, Some(_)) => self.go_on(Scan::new(Context::Line), text, finished),
            (Place::Array | Place::Value, Some(_)) => self.go_on(Scan::new(Context::Element), text, finished),
            (Place::AfterValue, Some(_)) => self.go_on(Scan::new(Context::Rest), text, finished),
        }
    }

    fn enter(&mut self, place: Place, next: usize) -> Split {
        self.place = place;
        Split::Skip { next }
    }

    fn go_on(&mut self, mut scan: Scan, text: &[u8], finished: bool) -> Split {
        let scanned = scan.run(text);
        let discarding = std::mem::take(&mut self.discarding);
        match scanned {
            Scanned::NeedMore => self.unfinished(scan, discarding, text, finished),
            Scanned::Rows(next) => self.enter(Place::Value, next),
            Scanned::End(next) | Scanned::Cut(next) if scan.context == Context::Rest => {
                self.enter(Place::Top, next)
            }
            Scanned::End(next) | Scanned::Cut(next) if discarding => Split::TooLong { next },
            Scanned::End(next) if next > self.record_bytes => Split::TooLong { next },
            Scanned::End(next) if scan.context != Context::Line => {
                Split::Record { start: 0, end: next, next }
            }
            Scanned::End(next) | Scanned::Cut(next) => Split::Broken { start: 0, next },
        }
    }

    fn unfinished(&mut self, mut scan: Scan, discarding: bool, text: &[u8], finished: bool) -> Split {
        let next = text.len();
        let too_long = discarding || next > self.record_bytes;
        match (finished, too_long) {
            (false, false) => {
                self.scan = Some(scan);
                Split::NeedMore
            }
            (false, true) => {
                self.discarding = true;
                scan.forget(next);
                self.scan = Some(scan);
                if next == 0 { Split::NeedMore } else { Split::Skip { next } }
            }
            (true, _) if scan.context == Context::Rest => self.enter(Place::Top, next),
            (true, true) => Split::TooLong { next },
            (true, false) => Split::Broken { start: 0, next },
        }
    }
}

/// What is being scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// An object at the top: a row, or the envelope of many.
    TopObject,
    /// Anything else at the top; it ends with its line.
    Line,
    /// An element of an array.
    Element,
    /// The rest of an envelope, from behind its rows to its closing brace.
    Rest,
}

/// How much of `"value"`, `:`, `[` was just seen at the outermost level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Envelope {
    No,
    Key,
    Colon,
}

/// How far into a value the scan is.
#[derive(Debug, Clone)]
struct Scan {
    context: Context,
    /// Bytes already looked at.
    at: usize,
    depth: usize,
    in_string: bool,
    /// Whether it began as a row does, or with a brace too many: a later line that begins so ends it. Asked once, as its
    /// bytes may be gone by then.
    begins_row: Option<bool>,
    /// Where the last string began.
    string_start: usize,
    envelope: Envelope,
}

impl Scan {
    fn new(context: Context) -> Self {
        let begins_row = None;
        Self {
            context,
            at: 0,
            depth: 0,
            in_string: false,
            begins_row,
            string_start: 0,
            envelope: Envelope::No,
        }
    }

    /// Goes on with the value that `text` begins with.
    fn run(&mut self, text: &[u8]) -> Scanned {
        if self.context == Context::Line {
            return self.line(text);
        }
        if self.begins_row.is_none() && text.len() > 1 {
            self.begins_row = Some(matches!(text, [b'{', b'"' | b'{', ..]));
        }
        while self.at < text.len() {
            let scanned = if self.in_string { self.string(text) } else { self.structure(text) };
            if let Some(scanned) = scanned {
                return scanned;
            }
        }
        Scanned::NeedMore
    }

    /// Looks at one byte outside of strings; an answer when the value ends there or cannot be told from its text.
    fn structure(&mut self, text: &[u8]) -> Option<Scanned> {
        let byte = text[self.at];
        let after = self.at + 1;
        match byte {
            b'"' => {
                self.in_string = true;
                self.string_start = self.at;
            }
            b'[' if self.envelope == Envelope::Colon => return Some(Scanned::Rows(after)),
            b'{' | b'[' => self.depth += 1,
            b',' | b']' | b'}' if self.depth == 0 => match self.context {
                Context::Rest if byte == b'}' => return Some(Scanned::End(after)),
                Context::Rest => {}
                // A scalar ends before the comma or bracket; a stray brace is a value of its own.
                _ => return Some(Scanned::End(self.at.max(1))),
            },
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 && self.context != Context::Rest {
                    return Some(Scanned::End(after));
                }
            }
            b'\n' if self.context == Context::TopObject && self.begins_row == Some(true) => {
                match &text[after..] {
                    [b'{', b'"', ..] => return Some(Scanned::Cut(after)),
                    [] | [b'{'] => return Some(Scanned::NeedMore),
                    _ => {}
                }
            }
            _ => {}
        }
        self.envelope = match (self.envelope, byte) {
            (Envelope::Key, b':') => Envelope::Colon,
            (seen, b' ' | b'\t' | b'\r' | b'\n') => seen,
            _ => Envelope::No,
        };
        self.at = after;
        None
    }

    /// Goes on within a string to its end; an answer when it is cut off or its text ends first.
    fn string(&mut self, text: &[u8]) -> Option<Scanned> {
        let rest = &text[self.at..];
        let stop = memchr2(b'"', b'\\', rest);
        if let Some(newline) = memchr(b'\n', &rest[..stop.unwrap_or(rest.len())]) {
            return Some(Scanned::Cut(self.at + newline + 1));
        }
        match stop {
            None => {
                self.at = text.len();
                Some(Scanned::NeedMore)
            }
            Some(escape) if rest[escape] == b'\\' => {
                self.at += escape;
                match rest.get(escape + 1) {
                    None => Some(Scanned::NeedMore),
                    // The newline is left to be found: it ends the string, escaped or not.
                    Some(b'\n') => {
                        self.at += 1;
                        None
                    }
                    Some(_) => {
                        self.at += 2;
                        None
                    }
                }
            }
            Some(quote) => {
                self.at += quote + 1;
                self.in_string = false;
                let names_rows = self.context == Context::TopObject
                    && self.depth == 1
                    && text.get(self.string_start..self.at) == Some(b"\"value\"");
                self.envelope = if names_rows { Envelope::Key } else { Envelope::No };
                None
            }
        }
    }

    /// Goes on to the end of a line.
    fn line(&mut self, text: &[u8]) -> Scanned {
        match memchr(b'\n', &text[self.at..]) {
            Some(newline) => Scanned::End(self.at + newline + 1),
            None => {
                self.at = text.len();
                Scanned::NeedMore
            }
        }
    }

    /// The bytes of the text are gone; what is open stays open.
    fn forget(&mut self, consumed: usize) {
        self.at -= consumed.min(self.at);
        self.string_start = usize::MAX;
    }
}

/// White space, and the comma that some put between values.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',')
}

/// As [`super::Framing::first_record`].
pub(super) fn first_record(text: &[u8], is_all: bool) -> Option<usize> {
    let mut splitter = JsonSplitter::new(usize::MAX);
    let mut at = 0;
    loop {
        match splitter.next(&text[at..], false) {
            Split::Skip { next } => at += next,
            Split::NeedMore => return (!is_all).then_some(at),
            Split::Record { start, .. } | Split::Broken { start, .. } => return Some(at + start),
            Split::TooLong { .. } => return Some(at),
        }
    }
}
