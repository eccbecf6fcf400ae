//! JSON records: every value that is not the envelope of others. Envelopes are arrays, and objects with a property that
//! holds rows (`value`, `records`, the `body` of a `$batch` answer, …), within each other to any depth. So a saved response,
//! pages in an array, a row a line and any sequence of these all give rows.
//!
//! Structure only: strings, escapes and depth. Whether a value is valid JSON is the decoder's to say. Two rules repair: a raw
//! newline cannot stand in a JSON string, and a top-level object that began as `{"` and is not closed when a later line begins
//! with `{"` in the first column was cut off; there a new value begins. So does one, at the top, where a line begins with `{`
//! or `[` in the first column behind something that no value may follow.

mod scan;

use self::scan::{Context, Held, Scan, Scanned};
pub use self::scan::{Holders, is_blank};
use super::{Nesting, Place, Split};

/// Splits JSON text.
#[derive(Debug, Clone)]
pub struct JsonSplitter {
    record_bytes: usize,
    holders: Holders,
    place: Place,
    /// The value that is begun and not yet ended.
    scan: Option<Scan>,
    /// Whether the remainder of that value is being passed over, because it was too long.
    discarding: bool,
}

impl JsonSplitter {
    /// A splitter that refuses records of more than `record_bytes` bytes, and looks into these holders.
    pub fn new(record_bytes: usize, holders: Holders) -> Self {
        Self { record_bytes, holders, place: Place::Top, scan: None, discarding: false }
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
        let scanned = scan.run(text, (!self.nesting().is_full()).then_some(self.holders));
        let discarding = std::mem::take(&mut self.discarding);
        let is_rest = scan.context == Context::Rest;
        match scanned {
            Scanned::NeedMore => self.unfinished(scan, discarding, text, finished),
            Scanned::Rows(held, next) => {
                let object = if is_rest { self.nesting() } else { self.nesting().object() };
                self.enter(if held == Held::Array { object.array() } else { object }, next)
            }
            Scanned::Torn(next) => {
                self.place = Place::Top;
                if discarding { Split::TooLong { next } } else { Split::Broken { start: 0, next } }
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
