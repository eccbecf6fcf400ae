//! Lines, whatever they hold: a log is one record a line. An empty line is none.

use memchr::memchr;

use super::{Place, Split};

/// Splits text at its line ends.
#[derive(Debug, Clone)]
pub struct LinesSplitter {
    record_bytes: usize,
    /// Bytes of the unfinished line that were already looked at.
    scanned: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    /// Passing over the rest of a line that was too long.
    Discarding,
    /// Behind a line that was taken without its line end.
    WithinLine,
}

impl LinesSplitter {
    /// A splitter that refuses lines of more than `record_bytes` bytes.
    pub fn new(record_bytes: usize) -> Self {
        Self { record_bytes, scanned: 0, state: State::LineStart }
    }

    #[inline]
    pub(super) fn begins_record(&mut self, length: usize) -> bool {
        let begins = self.state == State::LineStart && super::is_looked_at_again(self.scanned, length);
        if begins {
            // What is looked at again may be taken by others, and another line stand there then.
            self.scanned = 0;
        }
        begins
    }

    pub(super) fn is_discarding(&self) -> bool {
        self.state == State::Discarding
    }

    pub(super) fn place(&self) -> Place {
        if self.state == State::WithinLine { Place::WithinLine } else { Place::Top }
    }

    pub(super) fn resume(&mut self, place: Place) {
        self.scanned = 0;
        self.state = if place == Place::WithinLine { State::WithinLine } else { State::LineStart };
    }

    pub(super) fn next(&mut self, text: &[u8], finished: bool) -> Split {
        let scanned = self.scanned.min(text.len());
        match memchr(b'\n', &text[scanned..]).map(|newline| scanned + newline) {
            Some(newline) => self.line(text, newline),
            None if self.state == State::Discarding => self.discard(text, finished),
            None if text.len() > self.record_bytes => {
                self.scanned = 0;
                // Where it began is known; the rest of it is passed over.
                self.state = State::Discarding;
                Split::Skip { next: text.len() }
            }
            None if finished && !text.is_empty() => {
                self.scanned = 0;
                record(text, text.len(), text.len())
            }
            None => {
                self.scanned = text.len();
                Split::NeedMore
            }
        }
    }

    fn line(&mut self, text: &[u8], newline: usize) -> Split {
        let was_discarding = self.state == State::Discarding;
        self.scanned = 0;
        self.state = State::LineStart;
        match was_discarding || newline > self.record_bytes {
            true => Split::TooLong { next: newline + 1 },
            false => record(text, newline, newline + 1),
        }
    }

    fn discard(&mut self, text: &[u8], finished: bool) -> Split {
        match (finished, text.is_empty()) {
            (true, _) => {
                self.state = State::LineStart;
                Split::TooLong { next: text.len() }
            }
            (false, true) => Split::NeedMore,
            (false, false) => Split::Skip { next: text.len() },
        }
    }
}

/// The line in `text[..end]`, or nothing where it is empty.
fn record(text: &[u8], end: usize, next: usize) -> Split {
    let end = if text[..end].ends_with(b"\r") { end - 1 } else { end };
    match end {
        0 => Split::Skip { next },
        _ => Split::Record { start: 0, end, next },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_record() {
        let mut splitter = LinesSplitter::new(8);
        assert_eq!(splitter.next(b"abc\r\nd", false), Split::Record { start: 0, end: 3, next: 5 });
        assert_eq!(splitter.next(b"d", false), Split::NeedMore);
        assert_eq!(splitter.next(b"de\n", false), Split::Record { start: 0, end: 2, next: 3 });
        assert_eq!(splitter.next(b"\n", false), Split::Skip { next: 1 });
        assert_eq!(splitter.next(b"f", true), Split::Record { start: 0, end: 1, next: 1 });
        assert_eq!(splitter.next(b"", true), Split::NeedMore);
    }

    #[test]
    fn of_a_line_that_was_taken_by_others_nothing_is_passed_over() {
        let mut splitter = LinesSplitter::new(80);
        assert_eq!(splitter.next(b"usual, not whole", false), Split::NeedMore);
        assert!(splitter.begins_record(b"usual, not whole yet\nodd\nusual, and more".len()));
        assert_eq!(
            splitter.next(b"odd\nusual, and more", false),
            Split::Record { start: 0, end: 3, next: 4 }
        );
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself() {
        let mut splitter = LinesSplitter::new(4);
        assert_eq!(splitter.next(b"12345\n", false), Split::TooLong { next: 6 });
        assert_eq!(splitter.next(b"12345", false), Split::Skip { next: 5 });
        assert!(splitter.is_discarding());
        assert_eq!(splitter.next(b"", false), Split::NeedMore);
        assert_eq!(splitter.next(b"678", false), Split::Skip { next: 3 });
        assert_eq!(splitter.next(b"9\nab\n", false), Split::TooLong { next: 2 });
        assert_eq!(splitter.next(b"ab\n", false), Split::Record { start: 0, end: 2, next: 3 });
        assert_eq!(splitter.next(b"12345", false), Split::Skip { next: 5 });
        assert_eq!(splitter.next(b"", true), Split::TooLong { next: 0 });
    }
}
