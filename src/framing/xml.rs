//! XML documents, one behind the other: a record goes to the end tag of its outermost element, `</cdr>`.
//!
//! Structure only. One rule repairs: a document in which another one begins was cut off, and ends there.

use memchr::memmem;

use super::{Place, Split};

const END: &[u8] = b"</cdr>";
const DECLARATION: &[u8] = b"<?xml";

/// Splits text at the ends of documents.
#[derive(Debug, Clone)]
pub struct XmlSplitter {
    record_bytes: usize,
    /// Bytes of the unfinished document in which no end was found.
    scanned: usize,
    /// Whether the rest of a document is passed over, because it is too long.
    discarding: bool,
}

impl XmlSplitter {
    /// A splitter that refuses documents of more than `record_bytes` bytes.
    pub fn new(record_bytes: usize) -> Self {
        Self { record_bytes, scanned: 0, discarding: false }
    }

    pub(super) fn is_discarding(&self) -> bool {
        self.discarding
    }

    /// No document is within another.
    #[expect(clippy::unused_self, reason = "as the other splitters have it")]
    pub(super) fn place(&self) -> Place {
        Place::Top
    }

    pub(super) fn resume(&mut self, _: Place) {
        (self.scanned, self.discarding) = (0, false);
    }

    #[inline]
    pub(super) fn begins_record(&mut self, length: usize) -> bool {
        !self.discarding && super::is_looked_at_again(self.scanned, length)
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        let blank = text.len() - text.trim_ascii_start().len();
        if blank > 0 && self.scanned == 0 && !self.discarding {
            return Split::Skip { next: blank };
        }
        // What was looked at may end within an end tag.
        let from = self.scanned.saturating_sub(END.len()).min(text.len());
        let end = memmem::find(&text[from..], END).map(|at| from + at + END.len());
        match end {
            Some(next) => self.document(text, next),
            None if finished && text.is_empty() && !self.discarding => Split::NeedMore,
            None if finished => self.last(text),
            None if self.discarding || text.len() > self.record_bytes => self.pass_over(text),
            None => {
                self.scanned = text.len();
                Split::NeedMore
            }
        }
    }

    fn document(&mut self, text: &[u8], next: usize) -> Split {
        let was_discarding = std::mem::take(&mut self.discarding);
        self.scanned = 0;
        match another(&text[..next]) {
            Some(begin) if was_discarding => Split::TooLong { next: begin },
            Some(begin) => Split::Broken { start: 0, next: begin },
            None if was_discarding || next > self.record_bytes => Split::TooLong { next },
            None => Split::Record { start: 0, end: next, next },
        }
    }

    /// The end is not there, and never will be.
    fn last(&mut self, text: &[u8]) -> Split {
        let was_too_long = std::mem::take(&mut self.discarding) || text.len() > self.record_bytes;
        self.scanned = 0;
        let next = another(text).unwrap_or(text.len());
        match was_too_long {
            true => Split::TooLong { next },
            false => Split::Broken { start: 0, next },
        }
    }

    /// All but what may be the beginning of an end tag.
    fn pass_over(&mut self, text: &[u8]) -> Split {
        self.discarding = true;
        self.scanned = 0;
        match text.len().saturating_sub(END.len()) {
            0 => Split::NeedMore,
            next => Split::Skip { next },
        }
    }
}

/// Where another document begins in one, if it does.
fn another(document: &[u8]) -> Option<usize> {
    let behind = DECLARATION.len().min(document.len());
    memmem::find(&document[behind..], DECLARATION).map(|at| behind + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_record() {
        let mut splitter = XmlSplitter::new(64);
        assert_eq!(splitter.next(b"\n<cdr>a</cdr>\n", false), Split::Skip { next: 1 });
        assert_eq!(splitter.next(b"<cdr>a</cdr>\n", false), Split::Record { start: 0, end: 12, next: 12 });
        assert_eq!(splitter.next(b"\n", false), Split::Skip { next: 1 });
        assert_eq!(splitter.next(b"<cdr>\n</cd", false), Split::NeedMore);
        assert_eq!(splitter.next(b"<cdr>\n</cdr><", false), Split::Record { start: 0, end: 12, next: 12 });
        assert_eq!(splitter.next(b"", true), Split::NeedMore);
    }

    #[test]
    fn a_document_that_was_cut_off_costs_itself() {
        let mut splitter = XmlSplitter::new(64);
        let text = b"<?xml?><cdr><a>\n<?xml?><cdr></cdr>";
        assert_eq!(splitter.next(text, false), Split::Broken { start: 0, next: 16 });
        assert_eq!(splitter.next(&text[16..], false), Split::Record { start: 0, end: 18, next: 18 });
        assert_eq!(splitter.next(b"<cdr><a>", true), Split::Broken { start: 0, next: 8 });
    }

    #[test]
    fn a_document_that_is_too_long_costs_itself() {
        let mut splitter = XmlSplitter::new(16);
        assert_eq!(splitter.next(b"<cdr>0123456789</cdr>", false), Split::TooLong { next: 21 });
        assert_eq!(splitter.next(b"<cdr>0123456789012</", false), Split::Skip { next: 14 });
        assert!(splitter.is_discarding());
        assert_eq!(splitter.next(b"9012</", false), Split::NeedMore);
        assert_eq!(splitter.next(b"9012</cdr><cdr>", false), Split::TooLong { next: 10 });
        assert_eq!(splitter.next(b"<cdr>0123456789012</", true), Split::TooLong { next: 20 });
    }
}
