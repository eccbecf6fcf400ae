//! One file on its way through the stages, text, records, calls, verdicts, to a [`Batch`]. The worker's side: it owns the
//! file, and knows no ledger.

pub mod batch;
pub mod content;
pub mod histogram;
mod beginning;
mod documents;
mod ending;
mod found;
mod mask;
mod parts;
mod resume;
mod stages;

use std::fs::File;
use std::ops::Range;
use std::time::{Duration, Instant};

pub use self::batch::{Batch, Context};
use self::beginning::Beginning;
pub use self::content::{Content, Records};
use self::documents::Documents;
pub use self::found::Found;
pub use self::resume::Passed;
use self::stages::{Piece, Stages};
use crate::call::Reason;
pub use crate::format::trunk;
use crate::format::{Decoded, Format, Front, Recognition};
use crate::source::encoding::Encoding;
use crate::source::tail::{Tail, TailError};

/// How the records of a source's files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `None`: each file's format is recognised by its content.
    pub format: Option<&'static Format>,
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

/// Text of a file of unknown format that is looked at before it is given up.
const UNKNOWN_BYTES: usize = 256 * 1024;

/// A file and how far it has come.
#[derive(Debug)]
pub struct Reading {
    pub tail: Tail,
    options: Options,
    stages: Option<Stages>,
    unrecognised: Option<&'static str>,
    /// Whether that was found of a text whose first line had no end.
    is_guess: bool,
    /// Offset in the text of the first byte not yet consumed.
    position: u64,
    beginning: Beginning,
    /// Where in the documents of an archive it is.
    documents: Documents,
    /// Position of a record that was rejected because it was not finished. If its end comes, it is read as any other,
    /// but not rejected again.
    unfinished: Option<u64>,
    /// End of the text when its ending was last looked at, and whether it was given up then.
    ending: Option<(u64, bool)>,
    /// Where to go on after a restart, while a record that is too long is being passed over, or a document that is none of ours.
    before_too_long: Option<Content>,
    /// What was found since reading began.
    found: Records,
    /// What stands in the text before that.
    passed_over: Option<Records>,
    /// As in [`Content`].
    lineage: u64,
    /// Text from here on is left alone.
    until: u64,
    /// What was found and not yet handed over.
    batch: Batch,
}

/// How the records of a file are read.
#[derive(Debug, Clone, Copy)]
pub struct HowRead {
    pub format: &'static Format,
    pub live_within: Duration,
    /// As the decoder says.
    pub ignored_are: Option<&'static str>,
}

/// A turn takes little longer than this.
const TURN_TIME: Duration = Duration::from_millis(50);

/// A read asks for so much at the least: a file that grows meanwhile has more than was expected, and its end shows only
/// by reading on.
const LEAST_READ: u64 = 4 * 1024;

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
            is_guess: false,
            position: 0,
            beginning: Beginning::default(),
            documents: Documents::default(),
            unfinished: None,
            ending: None,
            before_too_long: None,
            found: Records::default(),
            passed_over: Some(Records::default()),
            lineage: fastrand::u64(1..),
            until: u64::MAX,
            batch: Batch::default(),
        }
    }

    /// What is known of the content, to go on after a restart; `None` while that is nothing.
    pub fn content(&self) -> Option<Content> {
        let before = self.before_too_long.clone();
        before
            .map(|content| Content { unfinished: self.unfinished, ..content })
            .or_else(|| self.content_at(0))
    }

    /// How much of the text is passed over because its record is too long, and not booked yet.
    pub fn passed_over_bytes(&self) -> u64 {
        self.before_too_long.as_ref().map_or(0, |content| self.position - content.position)
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
            format: stages.format.name.to_owned(),
            header: stages.decoder.header().map(|header| String::from_utf8_lossy(header).into_owned()),
            plain_text_at: self.tail.plain_text_at(),
            lineage: self.lineage,
            records: self.passed_over.map(|before| self.found.after(before)),
            unfinished: self.unfinished.filter(|unfinished| *unfinished >= position),
        })
    }

    /// The format, once recognised.
    pub fn format(&self) -> Option<&'static Format> {
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

    /// There is more of the text: what was a guess is one no more. Whether the file can be of a format we know.
    pub fn may_be_recognised(&mut self) -> bool {
        if std::mem::take(&mut self.is_guess) {
            self.unrecognised = None;
        }
        self.unrecognised.is_none()
    }

    /// How its records are read.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The lineage of its text, as in [`Content`].
    pub fn lineage(&self) -> u64 {
        self.lineage
    }

    /// What was found since this was last asked, if that is anything.
    pub fn take_batch(&mut self) -> Option<Batch> {
        let batch = std::mem::take(&mut self.batch);
        (!batch.is_empty()).then_some(batch)
    }

    /// Gives back the memory that reading on needs and waiting does not.
    pub fn rest(&mut self) {
        self.tail.rest();
        if let Some(stages) = &mut self.stages {
            stages.decoder.rest();
        }
    }

    /// Reads on by about `budget` bytes at most, of the `expected` ones that are new (if anyone knows); of text, if it is
    /// compressed. Ends sooner where reading is slow, so that no file keeps another waiting, and where the batch is full.
    ///
    /// # Errors
    /// Why it could not be read on. What came before is in the batch.
    pub fn turn(&mut self, context: &Context, expected: Option<u64>, budget: u64) -> Result<Turn, TailError> {
        let (begin, begun) = (self.tail.read_bytes(), Instant::now());
        let mut text = 0;
        // Text may be there that was looked at to know the file, or did not fit into the last batch.
        self.records(context, false);
        while self.unrecognised.is_none() {
            let taken = self.tail.read_bytes() - begin;
            if taken.max(text) >= budget || begun.elapsed() >= TURN_TIME || self.batch.is_full() {
                return Ok(Turn::More);
            }
            let held = self.tail.text().len();
            let expected = expected.map(|expected| expected.saturating_sub(taken));
            let more = self.fill(expected.unwrap_or(u64::MAX).max(LEAST_READ), false);
            text += (self.tail.text().len() - held) as u64;
            // What came before damage or a fault of the disk counts.
            self.records(context, false);
            if !more? {
                break;
            }
        }
        Ok(Turn::CaughtUp)
    }

    /// Reads one chunk; whether anything came of it.
    fn fill(&mut self, expected: u64, finished: bool) -> Result<bool, TailError> {
        let before = self.tail.read_bytes();
        let more = self.tail.fill(expected, finished);
        self.batch.read_bytes += self.tail.read_bytes() - before;
        more
    }

    /// Takes what is left when no more will come: a last line without newline counts, a cut record is rejected.
    ///
    /// # Errors
    /// As [`Reading::turn`].
    pub fn finish(&mut self, context: &Context) -> Result<Turn, TailError> {
        let ended = loop {
            if self.unrecognised.is_some() {
                return Ok(Turn::CaughtUp);
            }
            if self.batch.is_full() {
                return Ok(Turn::More);
            }
            let more = self.fill(1, true);
            self.records(context, false);
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(Turn::CaughtUp),
                Err(error) => break Err(error),
            }
        };
        self.records(context, true);
        if self.batch.is_full() {
            return Ok(Turn::More);
        }
        ended
    }

    /// Puts every record that the text holds into the batch, until that is full.
    fn records(&mut self, context: &Context, finished: bool) {
        let mut batch = std::mem::take(&mut self.batch);
        self.each(finished, |found, how, so_far| {
            batch.add(found, how, so_far, context);
            !batch.is_full()
        });
        self.batch = batch;
    }

    /// As [`Reading::each`], of one document.
    ///
    /// A run of NULs is a hole, which a truncation under a writer or a crash of the system leaves: it ends the record
    /// before it, and is none itself.
    fn each_of_document(
        &mut self,
        finished: bool,
        mut take: impl FnMut(&Found<'_>, HowRead, &Records) -> bool,
    ) {
        if self.unrecognised.is_some() || (self.stages.is_none() && !self.recognise(finished)) {
            return;
        }
        let end = self.wanted();
        let (mut at, mut hole, mut goes_on) = (0, 0..0, true);
        while goes_on && let Some(stages) = &mut self.stages {
            let text = &self.tail.text()[..end];
            let how = stages.how();
            // No usual record has a NUL, so none reaches over a hole that was not yet looked for.
            let rest = &text[at..if at < hole.start { hole.start } else { end }];
            let mut front = Front::default();
            stages.front(rest, &mut front);
            if let Some(first) = front.begins.first() {
                let place = |begin: &usize| self.position + (at + begin) as u64;
                self.beginning.find(false, place(first), place(first));
                let positions: Vec<u64> = front.begins.iter().map(place).collect();
                let found = Found::Calls { calls: &front.calls, positions: &positions };
                self.found.add(&found);
                goes_on = take(&found, how, &self.found);
                at += front.end;
                continue;
            }
            if at >= hole.end {
                hole = next_hole(text, at);
            }
            let rest = &text[at..hole.start];
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
            let is_first = self.passed_over == Some(Records::default()) && self.found == Records::default();
            if is_first && decoded == Decoded::Rejected(Reason::NotARow) {
                self.unrecognised = Some(Format::unknown_explanation(text));
                return;
            }
            let begin = self.position + (at + text_of_it.start) as u64;
            self.beginning.find(decoded == Decoded::Header, begin, self.position + (at + next) as u64);
            let position = self.before_too_long.take().map_or(begin, |content| content.position);
            let found = Found::one(&decoded, &position, &rest[text_of_it]);
            self.found.add(&found);
            // It was handed over when it was given up.
            let was_rejected = self.unfinished == Some(position) && matches!(decoded, Decoded::Rejected(_));
            goes_on = was_rejected || take(&found, how, &self.found);
            at += next;
        }
        self.take(at);
    }

    /// Is done with the first `count` bytes of the text.
    fn take(&mut self, count: usize) {
        self.beginning.take(self.position, &self.tail.text()[..count]);
        self.position += count as u64;
        self.tail.consume(count);
    }

    /// Finds out the format, by the text up to a hole; `false` while it is not known.
    fn recognise(&mut self, finished: bool) -> bool {
        let hole = next_hole(self.document(), 0);
        if hole.start == 0 {
            self.take(hole.end);
        }
        if self.document().trim_ascii_start().is_empty() {
            // However much blank text there is, it is not kept, nor looked at again.
            self.take(self.document().len());
        }
        let text = &self.document()[..next_hole(self.document(), 0).start];
        let over = finished || text.len() < self.document().len() || text.len() > UNKNOWN_BYTES;
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
