//! Text to whole records: where one record ends and the next begins, nothing of what it means.
//!
//! Pure and resumable: a splitter sees the text that is there, answers one record or that it needs more, and looks at
//! few bytes twice while it waits. A broken record costs itself, not its neighbours.

pub mod json;
mod lines;
pub mod quoted_csv;
mod xml;

pub use json::{Holders, JsonSplitter};
pub use lines::LinesSplitter;
pub use quoted_csv::{COMMAS, Marks, QuotedCsvSplitter};
pub use xml::XmlSplitter;

/// How text is cut into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// JSON values: documents, arrays, lines; of objects that hold others by these properties, the others.
    Json(Holders),
    /// Lines of CSV, in which quotes may hold line ends.
    QuotedCsv,
    /// Lines, whatever they hold: logs.
    Lines,
    /// XML documents, to the end of their outermost element `cdr`.
    Xml,
}

impl Framing {
    /// A splitter that refuses records of more than `record_bytes` bytes.
    pub fn splitter(self, record_bytes: usize) -> Splitter {
        match self {
            Self::Json(holders) => Splitter::Json(JsonSplitter::new(record_bytes, holders)),
            Self::QuotedCsv => Splitter::QuotedCsv(QuotedCsvSplitter::new(record_bytes)),
            Self::Lines => Splitter::Lines(LinesSplitter::new(record_bytes)),
            Self::Xml => Splitter::Xml(XmlSplitter::new(record_bytes)),
        }
    }
}

/// What stands next in the text. Offsets count from the beginning of the text that was passed in; `next` is how
/// many bytes of it are done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// A whole record at `start..end`.
    Record { start: usize, end: usize, next: usize },
    /// Text that can never become a record, for example a line that was cut off: rejected as one record.
    Broken { start: usize, next: usize },
    /// The end of a record longer than the limit, most of which was passed over as [`Split::Skip`]: rejected as one.
    TooLong { next: usize },
    /// Bytes between records.
    Skip { next: usize },
    /// The text ends within a record, or between two.
    NeedMore,
}

/// What begins a text, and so stands between two that were joined: UTF-8's byte-order mark, and UTF-16's, of which the
/// second half may be in what follows.
const MARKS: [&[u8]; 3] = [&[0xef, 0xbb, 0xbf], &[0xff, 0xfe], &[0xfe, 0xff]];

/// A byte-order mark that the text begins with, or may begin with.
fn byte_order_mark(text: &[u8], finished: bool) -> Option<Split> {
    let mark = MARKS.into_iter().find(|mark| text.starts_with(&mark[..mark.len().min(text.len())]))?;
    match (text.len() >= mark.len(), finished || text.is_empty()) {
        (true, _) => Some(Split::Skip { next: mark.len() }),
        (false, false) => Some(Split::NeedMore),
        (false, true) => None,
    }
}

/// Where between records a splitter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Outside every JSON value; at the beginning of a line.
    #[default]
    Top,
    /// Within JSON values that hold others.
    Within(Nesting),
    /// Behind a record that was taken without its line end, and with whatever else of its line may come.
    WithinLine,
}

/// The arrays and objects that a place stands within, the outermost first: a bit for each, 1 for an object, below a 1 for
/// the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nesting(pub u64);

impl Default for Nesting {
    fn default() -> Self {
        Self::TOP
    }
}

impl Nesting {
    /// Within none.
    pub const TOP: Self = Self(1);

    /// Among the elements of an array in this place.
    #[must_use]
    pub fn array(self) -> Self {
        Self(self.0 << 1)
    }

    /// Among the properties of an object in this place.
    #[must_use]
    pub fn object(self) -> Self {
        Self(self.0 << 1 | 1)
    }

    /// The place of the innermost.
    #[must_use]
    pub fn outer(self) -> Self {
        Self((self.0 >> 1).max(1))
    }

    /// Whether the innermost is an object.
    pub fn is_in_object(self) -> bool {
        self != Self::TOP && self.0 & 1 == 1
    }

    /// Whether there is no room for an array in an object more.
    pub fn is_full(self) -> bool {
        self.0.leading_zeros() < 2
    }
}

/// Whether so much of a record, which was not whole, is looked at again now that the text is so long: it may be whole. Only
/// where that has become twice as long: a record that comes byte by byte would be looked at again with each.
#[inline]
fn is_looked_at_again(scanned: usize, length: usize) -> bool {
    scanned <= length / 2
}

/// The splitter of one file.
#[derive(Debug, Clone)]
pub enum Splitter {
    Json(JsonSplitter),
    QuotedCsv(QuotedCsvSplitter),
    Lines(LinesSplitter),
    Xml(XmlSplitter),
}

impl Splitter {
    /// What stands next in `text`, which begins where the last answer's `next` ended. `finished` says that nothing
    /// will follow `text`, so that a last record without its newline is whole and an unclosed one is broken.
    pub fn next(&mut self, text: &[u8], finished: bool) -> Split {
        match self {
            Self::Json(splitter) => splitter.next(text, finished),
            Self::QuotedCsv(splitter) => splitter.next(text, finished),
            Self::Lines(splitter) => splitter.next(text, finished),
            Self::Xml(splitter) => splitter.next(text, finished),
        }
    }

    /// Whether the text, which is so long, begins with a record, so that whole ones may be taken from there without the
    /// splitter; it then forgets what it saw of that record.
    #[inline]
    pub fn begins_record(&mut self, length: usize) -> bool {
        match self {
            Self::Json(splitter) => splitter.begins_record(length),
            Self::QuotedCsv(splitter) => splitter.begins_record(length),
            Self::Lines(splitter) => splitter.begins_record(length),
            Self::Xml(splitter) => splitter.begins_record(length),
        }
    }

    /// What separates and quotes the fields of the records that follow, where they have any.
    pub fn take_apart_by(&mut self, marks: Marks) {
        match self {
            Self::Json(_) | Self::Lines(_) | Self::Xml(_) => {}
            Self::QuotedCsv(splitter) => splitter.take_apart_by(marks),
        }
    }

    /// Whether the splitter passes over a record that is too long. The text can then not be resumed from here, only
    /// from where that record began.
    pub fn is_discarding(&self) -> bool {
        match self {
            Self::Json(splitter) => splitter.is_discarding(),
            Self::QuotedCsv(splitter) => splitter.is_discarding(),
            Self::Lines(splitter) => splitter.is_discarding(),
            Self::Xml(splitter) => splitter.is_discarding(),
        }
    }

    /// Where between records the splitter stands, in a form that [`Splitter::resume`] understands.
    pub fn place(&self) -> Place {
        match self {
            Self::Json(splitter) => splitter.place(),
            Self::QuotedCsv(splitter) => splitter.place(),
            Self::Lines(splitter) => splitter.place(),
            Self::Xml(splitter) => splitter.place(),
        }
    }

    /// Continues at a record end, as [`Splitter::place`] described it.
    pub fn resume(&mut self, place: Place) {
        match self {
            Self::Json(splitter) => splitter.resume(place),
            Self::QuotedCsv(splitter) => splitter.resume(place),
            Self::Lines(splitter) => splitter.resume(place),
            Self::Xml(splitter) => splitter.resume(place),
        }
    }
}

#[cfg(test)]
mod tests;
