//! Where one JSON value ends, or what it turns out to hold; goes on where it was as more of the text comes.

use memchr::{memchr, memchr3};

/// How a scan ended.
pub enum Scanned {
    /// The value ends before this offset.
    End(usize),
    /// The value is the envelope of others, whose property of this kind begins before this offset.
    Rows(Held, usize),
    /// The value was cut off before this offset.
    Cut(usize),
    NeedMore,
}

/// What is being scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
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
pub enum Held {
    /// An array of rows or of envelopes; it is entered.
    Array,
    /// One value, which is looked at as any other: a row, an envelope, columns.
    One,
}

/// Properties that hold rows or envelopes as an array, as an object, and those whose array says what the rows are.
const ARRAYS: [&[u8]; 9] =
    [b"value", b"records", b"responses", b"tables", b"rows", b"data", b"items", b"results", b"hits"];
const OBJECTS: [&[u8]; 4] = [b"value", b"body", b"d", b"hits"];

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

/// Whether the value that begins with this byte, behind this name of an outermost object, makes that object an envelope.
pub fn is_of_envelope(quoted_name: &[u8], byte: u8) -> bool {
    held(quoted_name, byte).is_some()
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
pub struct Scan {
    pub context: Context,
    /// Bytes already looked at.
    pub at: usize,
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
    pub fn new(context: Context) -> Self {
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
    pub fn run(&mut self, text: &[u8], room: bool) -> Scanned {
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
    pub fn forget(&mut self, consumed: usize) {
        self.at -= consumed.min(self.at);
        self.string_start = usize::MAX;
    }
}

/// White space, and the comma that some put between values.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',')
}
