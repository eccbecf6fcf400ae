//! JSON records: every value that is not the envelope of others. Envelopes are arrays, and objects with a property that
//! holds rows (`value`, `records`, the `body` of a `$batch` answer, …), within each other to any depth. So a saved response,
//! pages in an array, a row a line and any sequence of these all give rows.
//!
//! Structure only: strings, escapes and depth. Whether a value is valid JSON is the decoder's to say. One rule
//! repairs: a raw newline cannot stand in a JSON string, and a top-level object that began as `{"` and is not closed
//! when a later line begins with `{"` in the first column was cut off; there a new value begins.

use memchr::{memchr, memchr3};

use super::{Nesting, Place, Split};

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
    /// The value is the envelope of others, whose property of this kind begins before this offset.
    Rows(Held, usize),
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
    pub(super) fn begins_record(&mut self, length: usize) -> bool {
        let again = self.scan.as_ref().is_none_or(|scan| super::is_looked_at_again(scan.at, length));
        let begins = again && !self.discarding && !self.nesting().is_in_object();
        if begins {
            self.scan = None;
        }
        begins
    }

    fn nesting(&self) -> Nesting {
        match self.place {
            Place::Top | Place::WithinLine => Nesting::default(),
            Place::Within(nesting) => nesting,
        }
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        if let Some(scan) = self.scan.take() {
            return self.go_on(scan, text, finished);
        }
        let nesting = self.nesting();
        let is_blank_here = |byte: u8| is_blank(byte) && (byte != b',' || !nesting.is_in_object());
        let blank = text.iter().take_while(|byte| is_blank_here(**byte)).count();
        if blank > 0 {
            return Split::Skip { next: blank };
        }
        if nesting == Nesting::TOP
            && let Some(split) = super::byte_order_mark(text, finished)
        {
            return split;
        }
        let context = match (text.first(), nesting) {
            (None, _) => return Split::NeedMore,
            (Some(b'['), Nesting::TOP) => return self.enter(nesting.array(), 1),
            (Some(b'{'), Nesting::TOP) => Context::Object { is_top: true },
            (Some(_), Nesting::TOP) => Context::Line,
            (Some(b'{'), _) => Context::Object { is_top: false },
            // Columns: the array is a record by itself.
            (Some(b'['), nesting) if nesting.is_in_object() => Context::Element,
            (Some(_), nesting) if nesting.is_in_object() => Context::Rest,
            (Some(b']'), _) => return self.enter(nesting.outer(), 1),
            (Some(b'['), _) => match begins_rows(text, finished) {
                Some(true) if !nesting.is_full() => return self.enter(nesting.array(), 1),
                Some(_) => Context::Element,
                None => return Split::NeedMore,
            },
            (Some(_), _) => Context::Element,
        };
        self.go_on(Scan::new(context), text, finished)
    }

    fn enter(&mut self, nesting: Nesting, next: usize) -> Split {
        self.place = if nesting == Nesting::TOP { Place::Top } else { Place::Within(nesting) };
        Split::Skip { next }
    }

    fn go_on(&mut self, mut scan: Scan, text: &[u8], finished: bool) -> Split {
        let scanned = scan.run(text, !self.nesting().is_full());
        let discarding = std::mem::take(&mut self.discarding);
        let is_rest = scan.context == Context::Rest;
        match scanned {
            Scanned::NeedMore => self.unfinished(scan, discarding, text, finished),
            Scanned::Rows(held, next) => {
                let object = if is_rest { self.nesting() } else { self.nesting().object() };
                self.enter(if held == Held::Array { object.array() } else { object }, next)
            }
            Scanned::End(next) | Scanned::Cut(next) if is_rest => self.enter(self.nesting().outer(), next),
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
            (true, _) if scan.context == Context::Rest => match self.enter(Nesting::TOP, next) {
                // All of it was passed over before.
                Split::Skip { next: 0 } => Split::NeedMore,
                split => split,
            },
            (true, true) => Split::TooLong { next },
            (true, false) => Split::Broken { start: 0, next },
        }
    }
}

/// Whether the array that the text begins with holds others, or rows: objects, arrays, or nothing. The cells of one row
/// are neither. `None` while that cannot be told.
fn begins_rows(text: &[u8], finished: bool) -> Option<bool> {
    match text[1..].trim_ascii_start().first() {
        None if finished => Some(true),
        None => None,
        Some(byte) => Some(matches!(byte, b'{' | b'[' | b']')),
    }
}

/// What is being scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// An object: a row, or the envelope of many.
    Object { is_top: bool },
    /// Anything else at the top; it ends with its line.
    Line,
    /// A scalar of an array, or an array that is a record.
    Element,
    /// The rest of an envelope, from behind its rows to its closing brace.
    Rest,
}

/// What a property of an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// An array of rows or of envelopes; it is entered.
    Array,
    /// One value, which is looked at as any other: a row, an envelope, columns.
    One,
}

/// Properties that hold rows or envelopes as an array, as an object, and those whose array says what the rows are.
const ARRAYS: [&[u8]; 8] =
    [b"value", b"records", b"responses", b"tables", b"rows", b"data", b"items", b"results"];
const OBJECTS: [&[u8]; 2] = [b"value", b"body"];

/// What the value that begins with this byte holds, behind this name in its quotes; `None` where it is of no envelope.
fn held(name: &[u8], byte: u8) -> Option<Held> {
    let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    match byte {
        b'[' if ARRAYS.into_iter().any(is) => Some(Held::Array),
        b'[' if is(b"columns") => Some(Held::One),
        b'{' if OBJECTS.into_iter().any(is) => Some(Held::One),
        _ => None,
    }
}

/// How much of a name, `:` and its value was just seen at the outermost level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Envelope {
    No,
    /// A string that may be a name; where it ends.
    Name(usize),
    Colon(usize),
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

    /// Goes on with the value that `text` begins with; it may be an envelope where there is `room` for one.
    fn run(&mut self, text: &[u8], room: bool) -> Scanned {
        if self.context == Context::Line {
            return self.line(text);
        }
        if self.begins_row.is_none() && text.len() > 1 {
            self.begins_row = Some(matches!(text, [b'{', b'"' | b'{', ..]));
        }
        while self.at < text.len() {
            let scanned = if self.in_string { self.string(text) } else { self.structure(text, room) };
            if let Some(scanned) = scanned {
                return scanned;
            }
        }
        Scanned::NeedMore
    }

    /// Looks at one byte outside of strings; an answer when the value ends there or cannot be told from its text.
    fn structure(&mut self, text: &[u8], room: bool) -> Option<Scanned> {
        let byte = text[self.at];
        let after = self.at + 1;
        if let Some(scanned) = self.envelope_at(byte, text, room) {
            return Some(scanned);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string_start = self.at;
            }
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
            b'\n' if self.context == (Context::Object { is_top: true }) && self.begins_row == Some(true) => {
                match &text[after..] {
                    [b'{', b'"', ..] => return Some(Scanned::Cut(after)),
                    [] | [b'{'] => return Some(Scanned::NeedMore),
                    _ => {}
                }
            }
            _ => {}
        }
        self.envelope = match (self.envelope, byte) {
            (Envelope::Name(end), b':') => Envelope::Colon(end),
            (seen, b' ' | b'\t' | b'\r' | b'\n') => seen,
            _ => Envelope::No,
        };
        self.at = after;
        None
    }

    /// Whether the properties of the object itself are being looked at.
    fn is_outermost(&self) -> bool {
        match self.context {
            Context::Object { .. } => self.depth == 1,
            Context::Rest => self.depth == 0,
            Context::Line | Context::Element => false,
        }
    }

    /// Whether the value that begins here is that of an envelope; and, behind rows, whether the object ended before it,
    /// as its brace is missing.
    fn envelope_at(&mut self, byte: u8, text: &[u8], room: bool) -> Option<Scanned> {
        if !matches!(byte, b'[' | b'{' | b']') {
            return None;
        }
        match self.envelope {
            Envelope::Colon(end) => {
                let name = text.get(self.string_start..end).filter(|_| room);
                let held = held(name?, byte)?;
                Some(Scanned::Rows(held, self.at + usize::from(held == Held::Array)))
            }
            _ if self.context == Context::Rest && self.depth == 0 && self.at > 0 => {
                Some(Scanned::End(self.at))
            }
            _ => None,
        }
    }

    /// Goes on within a string to its end; an answer when it is cut off or its text ends first.
    fn string(&mut self, text: &[u8]) -> Option<Scanned> {
        let rest = &text[self.at..];
        match memchr3(b'"', b'\\', b'\n', rest) {
            None => {
                self.at = text.len();
                Some(Scanned::NeedMore)
            }
            Some(newline) if rest[newline] == b'\n' => Some(Scanned::Cut(self.at + newline + 1)),
            Some(escape) if rest[escape] == b'\\' => {
                self.at += escape;
                match rest.get(escape + 1) {
                    None => Some(Scanned::NeedMore),
                    // The newline is left to be found: it ends the string, escaped or not.
                    Some(escaped) => {
                        self.at += if *escaped == b'\n' { 1 } else { 2 };
                        None
                    }
                }
            }
            Some(quote) => {
                self.at += quote + 1;
                self.in_string = false;
                self.envelope = if self.is_outermost() { Envelope::Name(self.at) } else { Envelope::No };
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
