//! One file on its way through the stages: text, records, calls, verdicts, ledger.

mod beginning;
mod ending;
mod stages;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use self::beginning::{Beginning, first_record};
use self::ending::Ending;
use self::stages::{Piece, Stages};
use super::booking::{Books, Record, Summary};
use crate::decode::{Decoded, Decoder, Format, Reason, Recognition};
use crate::ledger::AT_ONCE;
use crate::ledger::snapshot::RecordCounts;
use crate::source::encoding::Encoding;
use crate::source::identity::{Content, Mark, Records};
use crate::source::split::Place;
use crate::source::tail::{Tail, TailError};

/// How the records of a source's files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `None`: each file's format is recognised by its content.
    pub format: Option<Format>,
    /// `None`: by format.
    pub live_within: Option<Duration>,
    /// A longer record is rejected.
    pub record_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { format: None, live_within: None, record_bytes: 1024 * 1024 }
    }
}

impl Options {
    /// The format of a known content, unless a text that begins so is to be read as another.
    fn format_of(&self, known: &Content, begin: &[u8]) -> Option<Format> {
        let recognised = match Format::recognise(begin, false) {
            Recognition::Known(format) => Some(format),
            Recognition::NeedMore | Recognition::Unknown => None,
        };
        let wanted = self.format.or(recognised);
        let format = Format::from_name(&known.format);
        format.filter(|format| wanted.is_none_or(|wanted| wanted == *format))
    }
}

/// Text of a file of unknown format that is looked at before it is given up.
const UNKNOWN_BYTES: usize = 256 * 1024;

/// A file and how far it has come.
#[derive(Debug)]
pub struct Reading {
    pub tail: Tail,
    options: Options,
    stages: Option<Stages>,
    unrecognised: Option<&'static str>,
    /// Offset in the text of the first byte not yet consumed.
    position: u64,
    beginning: Beginning,
    /// Position of a record that was rejected because it was not finished. If its end comes, it is read as any other,
    /// but not rejected again.
    unfinished: Option<u64>,
    /// End of the text when its ending was last looked at, and whether it was given up then.
    ending: Option<(u64, bool)>,
    /// Where to go on after a restart, while a record that is too long is being passed over.
    before_too_long: Option<Content>,
    summary: Summary,
    /// As in [`Content`].
    lineage: u64,
    /// Text from here on is left alone.
    until: u64,
    /// What stands before the part of the text that is in the summary.
    passed_over: Option<Records>,
}

/// A turn takes little longer than this.
const TURN_TIME: Duration = Duration::from_millis(50);

/// A read asks for so much at the least: a file that grows meanwhile has more than was expected, and its end shows only
/// by reading on.
const LEAST_READ: u64 = 4 * 1024;

/// As much of a text as a header and a whole head need.
const LOOK_AHEAD_BYTES: usize = 8 * 1024;

/// What came of [`Reading::pass_over`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The file holds the known content; reading goes on behind it.
    Same,
    /// It does not.
    Different,
    /// It ends before the known position.
    TooShort,
    /// The budget is spent.
    More,
}

/// What a turn of reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was more to read than the turn allowed.
    More,
    /// Everything that is there has been read.
    CaughtUp,
}

impl Reading {
    /// A file at its beginning.
    pub fn new(file: File, options: Options) -> Self {
        Self::of_tail(Tail::new(file), options)
    }

    fn of_tail(tail: Tail, options: Options) -> Self {
        Self {
            tail,
            options,
            stages: None,
            unrecognised: None,
            position: 0,
            beginning: Beginning::default(),
            unfinished: None,
            ending: None,
            before_too_long: None,
            summary: Summary::default(),
            lineage: fastrand::u64(1..),
            until: u64::MAX,
            passed_over: Some(Records::default()),
        }
    }

    /// A file whose content is known: goes on at its position. `None` when the file holds something else there, when
    /// that cannot be told without reading it, or when it was read as another format than it is to be.
    pub fn resume(file: File, options: Options, content: &Content) -> io::Result<Option<Self>> {
        let Some(text_at) = content.plain_text_at else { return Ok(None) };
        if !content.mark.holds(&file, text_at)? {
            return Ok(None);
        }
        let mut begin = [0; LOOK_AHEAD_BYTES];
        let length = file.read_at(&mut begin, text_at)?;
        let Some(format) = options.format_of(content, &begin[..length]) else { return Ok(None) };
        // A head that was short when it was stored may have become longer since.
        let beginning = Beginning::in_file(&file, text_at, content)?;
        let mut reading = Self::of_tail(Tail::at(file, text_at, content.mark)?, options);
        reading.go_on(format, content);
        reading.beginning = beginning;
        Ok(Some(reading))
    }

    /// Goes on at a known content's position, to which the text was read and which it was found to hold.
    fn go_on(&mut self, format: Format, content: &Content) {
        let mut stages = Stages::new(format, self.options);
        stages.splitter.resume(content.place);
        if let Some(header) = &content.header {
            stages.decoder = Decoder::resume(format, header.as_bytes());
        }
        self.stages = Some(stages);
        self.position = content.position;
        self.passed_over = content.records;
        self.unfinished = content.unfinished;
        if content.lineage != 0 {
            self.lineage = content.lineage;
        }
        self.beginning = Beginning::of(&content.head);
    }

    /// What is known of the content, to go on after a restart; `None` while that is nothing.
    pub fn content(&self) -> Option<Content> {
        self.before_too_long.clone().or_else(|| self.content_at(0))
    }

    /// The content as of `at` bytes into the text not consumed, where a record ends.
    fn content_at(&self, at: usize) -> Option<Content> {
        let stages = self.stages.as_ref()?;
        let position = self.position + at as u64;
        Some(Content {
            position,
            mark: self.tail.text_mark(position, at),
            head: self.beginning.head.clone(),
            place: stages.splitter.place(),
            format: stages.format.name().to_owned(),
            header: stages.decoder.header().map(|header| String::from_utf8_lossy(header).into_owned()),
            plain_text_at: self.tail.plain_text_at(),
            lineage: self.lineage,
            records: self.passed_over.map(|before| self.summary.records_after(before)),
            unfinished: self.unfinished.filter(|unfinished| *unfinished >= position),
        })
    }

    /// The format, once recognised.
    pub fn format(&self) -> Option<Format> {
        self.stages.as_ref().map(|stages| stages.format)
    }

    /// Offset in the text of the first byte not yet consumed.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The encoding, once recognised.
    pub fn encoding(&self) -> Option<Encoding> {
        self.tail.encoding()
    }

    /// Why the file is of no format we know, if so. Nothing more is read of it.
    pub fn unrecognised(&self) -> Option<&'static str> {
        self.unrecognised
    }

    /// What was found so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Reads on by about `budget` bytes at most, of the `expected` ones that are new; of text, if it is compressed. Ends
    /// sooner where reading is slow, so that no file keeps another waiting.
    pub fn turn(&mut self, books: &mut Books<'_>, expected: u64, budget: u64) -> Result<Turn, TailError> {
        let (begin, begun) = (self.tail.read_bytes(), Instant::now());
        let mut text = 0;
        // Text may be there that was looked at to know the file, and not booked.
        self.records(books, false);
        while self.unrecognised.is_none() {
            let taken = self.tail.read_bytes() - begin;
            if taken.max(text) >= budget || begun.elapsed() >= TURN_TIME {
                return Ok(Turn::More);
            }
            let held = self.tail.text().len();
            let more = self.fill(expected.saturating_sub(taken).max(LEAST_READ), books);
            text += (self.tail.text().len() - held) as u64;
            // What came before damage or a fault of the disk counts.
            self.records(books, false);
            if !more? {
                break;
            }
        }
        Ok(Turn::CaughtUp)
    }

    /// Reads one chunk; whether anything came of it.
    fn fill(&mut self, expected: u64, books: &mut Books<'_>) -> Result<bool, TailError> {
        let before = self.tail.read_bytes();
        let more = self.tail.fill(expected, false);
        books.ledger.read(books.source, self.tail.read_bytes() - before);
        more
    }

    /// Takes what is left when no more will come: a last line without newline counts, a cut record is rejected.
    pub fn finish(&mut self, books: &mut Books<'_>) -> Result<(), TailError> {
        let ended = loop {
            if self.unrecognised.is_some() {
                return Ok(());
            }
            let more = self.tail.fill(1, true);
            self.records(books, false);
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.records(books, true);
        ended
    }

    /// Reads the text from its beginning up to the position of this content, and shows its records to `take`, as
    /// [`Reading::each`] does. Nothing is booked. Returns whether the text is the content's.
    pub fn again(
        &mut self,
        content: &Content,
        mut take: impl FnMut(&[Record<'_>], Duration) -> u64,
    ) -> Result<bool, TailError> {
        self.until = content.position;
        loop {
            self.each(false, &mut take);
            let held = self.tail.text().len();
            if self.unrecognised.is_some() || self.position + held as u64 >= self.until {
                break;
            }
            let more = self.tail.fill(u64::MAX, false);
            // What came before damage is there all the same.
            if self.tail.text().len() == held && !more? && !self.tail.fill(u64::MAX, true)? {
                break;
            }
        }
        self.each(true, &mut take);
        let Content { position, mark, .. } = content;
        Ok(self.position == *position && mark.end == *position && self.tail.is_marked(mark, 0))
    }

    /// Nobody has written for a while: takes what can be read though it does not end as it should, a last line without
    /// line end and calls behind a quote that is never closed. A record that is not finished waits for its end, and is
    /// rejected once when it is `given_up`. Returns whether anything was booked.
    pub fn quiet(&mut self, books: &mut Books<'_>, given_up: bool) -> bool {
        let end = self.position + self.tail.text().len() as u64;
        if end == self.position || self.ending.replace((end, given_up)) == Some((end, given_up)) {
            return false;
        }
        let ending = self.stages.as_ref().map_or(Ending::Nothing, |stages| stages.ending(self.tail.text()));
        match ending {
            Ending::Call => self.take_last_line(books),
            Ending::Calls(end) => {
                self.until = self.position + end as u64;
                self.records(books, true);
                self.until = u64::MAX;
                true
            }
            Ending::Unfinished(at) if given_up => self.reject_unfinished(at, books),
            Ending::Unfinished(_) | Ending::Nothing => false,
        }
    }

    /// Takes a last line without line end, if it is a whole call by itself; whether it was.
    pub fn take_last_line(&mut self, books: &mut Books<'_>) -> bool {
        let ending = self.stages.as_ref().map_or(Ending::Nothing, |stages| stages.ending(self.tail.text()));
        if ending == Ending::Call {
            self.records(books, true);
            if let Some(stages) = &mut self.stages {
                stages.splitter.resume(Place::WithinLine);
            }
        }
        ending == Ending::Call
    }

    /// Rejects the record that begins at this place of the text, and leaves it there. Whether it was not before.
    fn reject_unfinished(&mut self, at: usize, books: &mut Books<'_>) -> bool {
        let too_long = self.before_too_long.as_ref().map(|content| content.position);
        let position = too_long.unwrap_or(self.position + at as u64);
        if self.unfinished.replace(position) == Some(position) {
            return false;
        }
        let (decoded, text) = (Decoded::Rejected(Reason::Unfinished), &self.tail.text()[at..]);
        books.book(&[Record { decoded, position, text }], self.lineage, Duration::ZERO);
        true
    }

    /// Reads the beginning of the text, as much as a head needs. Returns it, and where its first record begins, once
    /// one can be there. Nothing is booked.
    pub fn look_ahead(&mut self, books: &mut Books<'_>) -> Result<(&[u8], Option<usize>), TailError> {
        while self.tail.text().len() < LOOK_AHEAD_BYTES {
            match self.fill(LOOK_AHEAD_BYTES as u64, books) {
                Ok(true) => {}
                // Text before damage counts like any other; the damage shows again behind it.
                Err(error) if self.tail.text().is_empty() => return Err(error),
                Ok(false) | Err(_) => break,
            }
        }
        let text = self.tail.text();
        Ok((text, first_record(text, self.options.format, text.len() < LOOK_AHEAD_BYTES)))
    }

    /// Reads past the text that a known content has before its position, without booking any of it, for about
    /// `budget` bytes of the file. The reading must be at its beginning, or have been at this before.
    pub fn pass_over(
        &mut self,
        known: &Content,
        books: &mut Books<'_>,
        budget: u64,
    ) -> Result<Passed, TailError> {
        if self.position == 0 {
            self.look_ahead(books)?;
        }
        let begin = if self.position == 0 { self.tail.text() } else { &[] };
        let Some(format) = self.options.format_of(known, begin) else { return Ok(Passed::Different) };
        if let Some(passed) = self.skip_over(known, format)? {
            return Ok(passed);
        }
        let (begin, text_begin) = (self.tail.read_bytes(), self.position);
        loop {
            let missing = known.position - self.position;
            let there = self.tail.text().len() as u64;
            if there >= missing {
                let at = usize::try_from(missing).unwrap_or_default();
                if !self.tail.is_marked(&known.mark, at) {
                    return Ok(Passed::Different);
                }
                self.tail.consume(at);
                self.go_on(format, known);
                return Ok(Passed::Same);
            }
            self.position += there;
            self.tail.consume(self.tail.text().len());
            if (self.tail.read_bytes() - begin).max(self.position - text_begin) >= budget {
                return Ok(Passed::More);
            }
            if !self.fill(u64::MAX, books)? {
                return Ok(Passed::TooShort);
            }
        }
    }

    /// As [`Reading::pass_over`], without reading what lies between, where the text lies in the file as it is.
    fn skip_over(&mut self, known: &Content, format: Format) -> io::Result<Option<Passed>> {
        let (Some(text_at), Some(file)) = (self.tail.plain_text_at(), self.tail.file()) else {
            return Ok(None);
        };
        if file.metadata()?.len() < text_at + known.position {
            return Ok(Some(Passed::TooShort));
        }
        if !known.mark.holds(file, text_at)? {
            return Ok(Some(Passed::Different));
        }
        self.tail = Tail::at(file.try_clone()?, text_at, known.mark)?;
        self.go_on(format, known);
        Ok(Some(Passed::Same))
    }

    /// The mark at the end of the text that is there now.
    pub fn end(&self) -> Option<Mark> {
        match (self.tail.file(), self.tail.plain_text_at()) {
            (Some(file), Some(text_at)) => {
                let length = file.metadata().ok()?.len();
                Mark::in_file(file, text_at, length.checked_sub(text_at)?).ok()
            }
            _ => {
                let held = self.tail.text().len();
                Some(self.tail.text_mark(self.position + held as u64, held))
            }
        }
    }

    /// Books every record that the text holds.
    fn records(&mut self, books: &mut Books<'_>, finished: bool) {
        let lineage = self.lineage;
        self.each(finished, |records, live_within| books.book(records, lineage, live_within));
    }

    /// Shows every record that the text holds to `take`, [`AT_ONCE`] at most at a time. It says, with a bit for each,
    /// which calls are others than those before.
    ///
    /// A run of NULs is a hole, which a truncation under a writer or a crash of the system leaves: it ends the record
    /// before it, and is none itself.
    fn each(&mut self, finished: bool, mut take: impl FnMut(&[Record<'_>], Duration) -> u64) {
        if self.unrecognised.is_some() || (self.stages.is_none() && !self.recognise(finished)) {
            return;
        }
        let end = self.wanted();
        let (mut at, mut hole) = (0, 0..0);
        let mut waiting = Vec::new();
        while let Some(stages) = &mut self.stages {
            let text = &self.tail.text()[..end];
            if at >= hole.end {
                hole = next_hole(text, at);
            }
            let rest = &text[at..hole.start];
            if let Some((call, begin, next)) = stages.front(rest) {
                let position = self.position + (at + begin) as u64;
                self.beginning.find(false, position, position);
                waiting.push(Record { decoded: Decoded::Call(call), position, text: &rest[begin..next] });
                at += next;
                if waiting.len() < AT_ONCE {
                    continue;
                }
            }
            let live_within = stages.live_within;
            if !waiting.is_empty() {
                self.summary.add(&waiting, take(&waiting, live_within));
                waiting.clear();
                continue;
            }
            let was_discarding = stages.splitter.is_discarding();
            let (decoded, text_of_it, next) = match stages.next(rest, finished || hole.start < end) {
                Piece::NeedMore if hole.start < end => {
                    stages.splitter.resume(stages.splitter.place());
                    at = hole.end;
                    continue;
                }
                Piece::NeedMore => break,
                Piece::Skip { next } => {
                    if stages.splitter.is_discarding() && !was_discarding {
                        self.before_too_long = self.content_at(at);
                    }
                    at += next;
                    continue;
                }
                Piece::Record { decoded, text, next } => (decoded, text, next),
            };
            let first = self.passed_over == Some(Records::default())
                && self.summary.records == RecordCounts::default();
            if first && decoded == Decoded::Rejected(Reason::NotARow) {
                self.unrecognised = Some(Format::unknown_explanation(text));
                return;
            }
            let begin = self.position + (at + text_of_it.start) as u64;
            self.beginning.find(decoded == Decoded::Header, begin, self.position + (at + next) as u64);
            let position = self.before_too_long.take().map_or(begin, |content| content.position);
            let was_rejected = self.unfinished == Some(position) && matches!(decoded, Decoded::Rejected(_));
            let record = [Record { decoded, position, text: &rest[text_of_it] }];
            let counted = if was_rejected { 0 } else { take(&record, live_within) };
            self.summary.add(&record, counted);
            at += next;
        }
        self.take(at);
    }

    /// How much of the text is to be read.
    fn wanted(&self) -> usize {
        let wanted = usize::try_from(self.until.saturating_sub(self.position)).unwrap_or(usize::MAX);
        wanted.min(self.tail.text().len())
    }

    /// Is done with the first `count` bytes of the text.
    fn take(&mut self, count: usize) {
        self.beginning.take(self.position, &self.tail.text()[..count]);
        self.position += count as u64;
        self.tail.consume(count);
    }

    /// Finds out the format, by the text up to a hole; `false` while it is not known.
    fn recognise(&mut self, finished: bool) -> bool {
        let hole = next_hole(self.tail.text(), 0);
        if hole.start == 0 {
            self.take(hole.end);
        }
        let text = &self.tail.text()[..next_hole(self.tail.text(), 0).start];
        let over = finished || text.len() < self.tail.text().len() || text.len() > UNKNOWN_BYTES;
        let format = match self.options.format {
            Some(format) => format,
            None => match Format::recognise(text, over) {
                Recognition::Known(format) => format,
                Recognition::NeedMore => return false,
                Recognition::Unknown => {
                    self.unrecognised = Some(Format::unknown_explanation(text));
                    return false;
                }
            },
        };
        self.stages = Some(Stages::new(format, self.options));
        true
    }
}

/// The next run of NULs from `at` on; an empty one at the end of the text if there is none.
fn next_hole(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memchr(0, &text[at..]).map_or(text.len(), |nul| at + nul);
    start..start + text[start..].iter().take_while(|byte| **byte == 0).count()
}
