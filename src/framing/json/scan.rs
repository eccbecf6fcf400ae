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
    /// It was cut off before the line that begins at this offset, and so was all around it: no JSON goes on as that line begins.
    Torn(usize),
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

/// Which properties of an object make it the envelope of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holders {
    /// The names that the config gives, of arrays and of objects; else the usual ones.
    named: Option<&'static [String]>,
    /// Usual names that are part of a record, as the config reads a field in them.
    but: &'static [String],
}

/// The usual properties that hold rows or envelopes as an array, and as an object.
const ARRAYS: [&[u8]; 9] =
    [b"value", b"records", b"responses", b"tables", b"rows", b"data", b"items", b"results", b"hits"];
const OBJECTS: [&[u8]; 4] = [b"value", b"body", b"d", b"hits"];

impl Holders {
    /// Those of the answers of Microsoft's and of other services.
    pub const USUAL: Self = Self { named: None, but: &[] };

    /// Those of these names alone; of none, each object is a record.
    pub fn named(names: &'static [String]) -> Self {
        Self { named: Some(names), but: &[] }
    }

    /// The usual ones but these.
    pub fn usual_but(names: &'static [String]) -> Self {
        Self { named: None, but: names }
    }

    /// The names of properties whose array holds records.
    pub fn names(self) -> Vec<&'static str> {
        let usual = || ARRAYS.iter().filter_map(|name| str::from_utf8(name).ok());
        let is_other = |name: &&str| !self.but.iter().any(|but| but.eq_ignore_ascii_case(name));
        match self.named {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => usual().filter(is_other).collect(),
        }
    }

    /// What the value that begins with this byte holds, behind this name in its quotes; `None` where it is of no envelope.
    fn held(self, name: &[u8], byte: u8) -> Option<Held> {
        if !matches!(byte, b'[' | b'{') {
            return None;
        }
        let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let is_one_of = |names: &[String]| names.iter().any(|known| is(known.as_bytes()));
        match (self.named, byte) {
            (Some(names), _) if !is_one_of(names) => None,
            (Some(_), b'[') => Some(Held::Array),
            (Some(_), _) => Some(Held::One),
            (None, _) if is_one_of(self.but) => None,
            (None, b'[') if ARRAYS.into_iter().any(is) => Some(Held::Array),
            (None, b'[') if is(b"columns") => Some(Held::One),
            (None, b'{') if OBJECTS.into_iter().any(is) => Some(Held::One),
            (None, _) => None,
        }
    }

    /// Whether the value that begins with this byte, behind this name of an outermost object, makes that object an envelope.
    pub fn make_envelope(self, quoted_name: &[u8], byte: u8) -> bool {
        self.held(quoted_name, byte).is_some()
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
    /// The last byte that was no blank, outside of strings.
    last: u8,
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
            last: 0,
        }
    }

    /// Goes on with the value that `text` begins with; it may be an envelope by one of these holders, where there is room
    /// for one.
    pub fn run(&mut self, text: &[u8], holders: Option<Holders>) -> Scanned {
        if self.context == Context::Line {
            return self.line(text);
        }
        if self.begins_row.is_none() {
            self.begins_row = begins_row(text).or((text.len() > MOST_BLANKS).then_some(false));
        }
        while self.at < text.len() {
            let scanned = if self.in_string { self.string(text) } else { self.structure(text, holders) };
            if let Some(scanned) = scanned {
                return scanned;
            }
        }
        Scanned::NeedMore
    }

    /// Looks at one byte outside of strings; an answer when the value ends there or cannot be told from its text.
    fn structure(&mut self, text: &[u8], holders: Option<Holders>) -> Option<Scanned> {
        let byte = text[self.at];
        let after = self.at + 1;
        if let Some(scanned) = self.envelope_at(byte, text, holders) {
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
            b'\n' => {
                if let Some(scanned) = self.line_end(text, after) {
                    return Some(scanned);
                }
            }
            _ => {}
        }
        if !is_space(byte) {
            self.last = byte;
        }
        self.envelope = match (self.envelope, byte) {
            (Envelope::Name(end), b':') => Envelope::Colon(end),
            (seen, byte) if is_space(byte) => seen,
            _ => Envelope::No,
        };
        self.at = after;
        None
    }

    /// What the next line, which begins at this offset, says of a value that goes on to it.
    fn line_end(&self, text: &[u8], next: usize) -> Option<Scanned> {
        let is_top = self.context == Context::Object { is_top: true } && self.begins_row != Some(false);
        let is_within = self.depth > 0 && !matches!(self.last, b':' | b',' | b'[' | b'{');
        match &text[next..] {
            [] if is_top || is_within => Some(Scanned::NeedMore),
            [b'{' | b'[', ..] if is_within => Some(Scanned::Torn(next)),
            line @ [b'{', ..] if is_top => match begins_row(line) {
                Some(true) => Some(Scanned::Cut(next)),
                Some(false) => None,
                None => (line.len() <= MOST_BLANKS).then_some(Scanned::NeedMore),
            },
            _ => None,
        }
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
    fn envelope_at(&mut self, byte: u8, text: &[u8], holders: Option<Holders>) -> Option<Scanned> {
        if !matches!(byte, b'[' | b'{' | b']') {
            return None;
        }
        match self.envelope {
            Envelope::Colon(end) => {
                let held = holders?.held(text.get(self.string_start..end)?, byte)?;
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
                self.last = b'"';
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

/// So many blanks may stand between the brace and the first name of a row.
const MOST_BLANKS: usize = 8;

/// Whether a text begins as a row does, or with a brace too many; `None` while that cannot be told.
fn begins_row(text: &[u8]) -> Option<bool> {
    let within = text.strip_prefix(b"{").map(|within| within.get(..MOST_BLANKS).unwrap_or(within));
    match within {
        None => (!text.is_empty()).then_some(false),
        Some([b'{', ..]) => Some(true),
        Some(within) => {
            let name = within.iter().find(|byte| !matches!(byte, b' ' | b'\t'))?;
            Some(*name == b'"')
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// White space, and the comma that some put between values.
pub fn is_blank(byte: u8) -> bool {
    is_space(byte) || byte == b','
}
