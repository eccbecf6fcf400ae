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
        let begins = !self.discarding && super::is_looked_at_again(self.scanned, length);
        if begins {
            self.scanned = 0;
        }
        begins
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        let blank = text.len() - text.trim_ascii_start().len();
        if blank > 0 && self.scanned == 0 && !self.discarding {
            return Split::Skip { next: blank };
        }
        // What was looked at may end within a tag. The document's own declaration is none of another.
        let from = self.scanned.saturating_sub(END.len()).min(text.len());
        let own = if self.discarding { 0 } else { DECLARATION.len().min(text.len()) };
        let end = memmem::find(&text[from..], END).map(|at| from + at + END.len());
        // Behind the end others begin rightly: to look through them with each document takes the square of the time.
        let before_end = &text[..end.unwrap_or(text.len())];
        let from = from.max(own).min(before_end.len());
        let other = memmem::find(&before_end[from..], DECLARATION).map(|at| from + at);
        match (other, end) {
            (Some(begin), _) => self.taken(Split::Broken { start: 0, next: begin }, begin),
            (None, Some(next)) => self.taken(Split::Record { start: 0, end: next, next }, next),
            (None, None) if finished && text.is_empty() && !self.discarding => Split::NeedMore,
            (None, None) if finished => self.taken(Split::Broken { start: 0, next: text.len() }, text.len()),
            (None, None) if self.discarding || text.len() > self.record_bytes => self.pass_over(text),
            (None, None) => {
                self.scanned = text.len();
                Split::NeedMore
            }
        }
    }

    /// The document that ends there, unless it was too long.
    fn taken(&mut self, split: Split, next: usize) -> Split {
        let was_discarding = std::mem::take(&mut self.discarding);
        self.scanned = 0;
        if was_discarding || next > self.record_bytes { Split::TooLong { next } } else { split }
    }

    /// All but what may be the beginning of a tag.
    fn pass_over(&mut self, text: &[u8]) -> Split {
        self.discarding = true;
        self.scanned = 0;
        match text.len().saturating_sub(END.len()) {
            0 => Split::NeedMore,
            next => Split::Skip { next },
        }
    }
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
    fn many_short_documents_take_no_longer_than_their_text() {
        let text = b"<cdr></cdr>".repeat(400_000);
        let (mut splitter, mut at) = (XmlSplitter::new(64), 0);
        let begun = std::time::Instant::now();
        while let Split::Record { next, .. } = splitter.next(&text[at..], false) {
            at += next;
        }
        assert_eq!(at, text.len());
        // A second where nothing else runs, and hours where each looks through all that follow.
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_document_that_was_cut_off_costs_itself() {
        let mut splitter = XmlSplitter::new(64);
        let text = b"<?xml?><cdr><a>\n<?xml?><cdr></cdr>";
        assert_eq!(splitter.next(text, false), Split::Broken { start: 0, next: 16 });
        assert_eq!(splitter.next(&text[16..], false), Split::Record { start: 0, end: 18, next: 18 });
        assert_eq!(splitter.next(b"<cdr><a>", true), Split::Broken { start: 0, next: 8 });
        // The same, before the other one is whole.
        assert_eq!(splitter.next(b"<?xml?><cdr><a>\n<?x", false), Split::NeedMore);
        assert_eq!(splitter.next(&text[..22], false), Split::Broken { start: 0, next: 16 });
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
        let text = b"<?xml?><cdr>0123456789<?xml?><cdr></cdr>";
        assert_eq!(splitter.next(text, false), Split::TooLong { next: 22 });
        assert_eq!(splitter.next(&text[..25], false), Split::Skip { next: 19 });
        assert_eq!(splitter.next(&text[19..], false), Split::TooLong { next: 3 });
    }
}
