//! One file on its way through the stages, text, records, calls, verdicts, to a [`Batch`]. The worker's side: it owns the
//! file, and knows no ledger.

pub mod batch;
pub mod calls;
pub mod content;
pub mod deciding;
pub mod exemplars;
pub mod histogram;
pub mod labels;
mod label_index;
pub mod listing;
pub mod native;
pub mod observations;
pub mod origins;
pub mod overlap;
pub mod sums;
pub mod stages;
mod torn;
pub mod tallies;
mod beginning;
mod comparison;
mod documents;
mod ending;
mod found;
mod given_up;
mod mask;
mod parts;
mod records;
pub mod remarks;
mod resume;
mod whole;

use std::fs::File;
use std::time::{Duration, Instant};

pub use self::batch::{Batch, Context};
use self::beginning::Beginning;
pub use self::comparison::Compared;
use self::comparison::Comparison;
pub use self::content::{Content, Records};
use self::documents::Documents;
pub use self::found::Found;
use self::given_up::GivenUp;
pub use self::given_up::Hole;
use self::remarks::Remarks;
pub use self::resume::Passed;
use self::stages::Stages;
use self::whole::Check;
use crate::format::Format;
use crate::format::names::Names;
pub use crate::format::trunk;
use crate::source::blocks::Blocks;
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
    /// The operator's names of properties and columns.
    pub names: Names,
    /// Whether anybody asks for setup times, kinds and countries of calls, which take time to read.
    pub keeps_detail: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (record_bytes, names) = (1024 * 1024, Names::default());
        Self { format: None, live_within: None, record_bytes, names, keeps_detail: true }
    }
}

/// A file and how far it has come.
#[derive(Debug)]
pub struct Reading {
    pub tail: Tail,
    options: Options,
    stages: Option<Stages>,
    unrecognised: Option<Unrecognised>,
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
    until: Option<u64>,
    /// What was found and not yet handed over.
    batch: Option<Box<Batch>>,
    /// Those with which parts begin that are read side by side.
    batches_of_parts: Vec<Batch>,
    given_up: GivenUp,
    remarks: Remarks,
    /// The hole that is being read since it was filled: its place in `given_up.holes`, and the reading of it.
    filling: Option<(usize, Box<Self>)>,
    /// How many were filled, those that reading waited at included.
    filled: u64,
    /// Hashes of the text before the position, where it is followed.
    blocks: Option<Blocks>,
    check: Option<Box<Check>>,
    comparison: Option<Box<Comparison>>,
    checked: Option<bool>,
}

/// A text of no format that is known.
#[derive(Debug, Clone, Copy)]
struct Unrecognised {
    /// What it seems to be.
    why: &'static str,
    /// Whether more of the text may show otherwise.
    is_guess: bool,
    /// Where a hole begins in it.
    hole: Option<u64>,
}

impl Unrecognised {
    /// Whatever comes behind it.
    fn sure(why: &'static str) -> Self {
        Self { why, is_guess: false, hole: None }
    }
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
            position: 0,
            beginning: Beginning::default(),
            documents: Documents::default(),
            unfinished: None,
            ending: None,
            before_too_long: None,
            found: Records::default(),
            passed_over: Some(Records::default()),
            lineage: fastrand::u64(1..),
            until: None,
            batch: None,
            batches_of_parts: Vec::new(),
            given_up: GivenUp::default(),
            remarks: Remarks::default(),
            filling: None,
            filled: 0,
            blocks: None,
            check: None,
            comparison: None,
            checked: None,
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
            header: stages.decoder.header().map(|header| String::from_utf8_lossy(&header).into_owned()),
            plain_text_at: self.tail.plain_text_at(),
            lineage: self.lineage,
            records: self.passed_over.map(|before| self.found.after(before)),
            unfinished: self.unfinished.filter(|unfinished| *unfinished >= position),
            holes: self.given_up.holes.clone(),
            blocks: self.blocks.clone(),
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
        self.unrecognised.map(|it| it.why)
    }

    /// There is more of the text: what was a guess is one no more. Whether the file can be of a format we know.
    pub fn reconsider(&mut self) -> bool {
        self.unrecognised = self.unrecognised.filter(|it| !it.is_guess);
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
        let mut batch = self.batch.take().filter(|batch| !batch.is_empty())?;
        self.batch = batch.successor().map(Box::new);
        Some(*batch)
    }

    /// Whether the batch is to be handed over before more is read.
    pub fn is_full(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.is_full())
    }

    /// Gives back the memory that reading on needs and waiting does not.
    pub fn rest(&mut self) {
        self.tail.rest();
        if let Some(stages) = &mut self.stages {
            stages.decoder.rest();
        }
        self.batch.take_if(|batch| batch.is_empty());
        self.batches_of_parts.clear();
    }

    /// Reads on by about `budget` bytes at most, of the `expected` ones that are new (if anyone knows); of text, if it is
    /// compressed. Ends sooner where reading is slow, so that no file keeps another waiting, and where the batch is full.
    ///
    /// # Errors
    /// Why it could not be read on. What came before is in the batch.
    pub fn turn(&mut self, context: &Context, expected: Option<u64>, budget: u64) -> Result<Turn, TailError> {
        if self.filling.is_some() {
            return self.read_hole(context, budget);
        }
        let (begin, begun) = (self.tail.read_bytes(), Instant::now());
        let mut text = 0;
        // Text may be there that was looked at to know the file, or did not fit into the last batch. Of what format it is
        // shows better with what was written since.
        if self.stages.is_some() {
            self.records(context, false);
        }
        while self.unrecognised.is_none() {
            let taken = self.tail.read_bytes().saturating_sub(begin);
            if taken.max(text) >= budget || begun.elapsed() >= TURN_TIME || self.is_full() {
                return Ok(Turn::More);
            }
            let held = self.tail.text().len();
            let expected = expected.map(|expected| expected.saturating_sub(taken));
            let more = self.fill(expected.unwrap_or(u64::MAX).max(LEAST_READ), false);
            text += (self.tail.text().len() - held) as u64;
            // What came before damage or a fault of the disk counts.
            self.records(context, false);
            if matches!(more, Err(TailError::NoRoom)) {
                // It may have the room. What is new goes first; the rest is compared again once the file is quiet.
                self.check = None;
            }
            if !more? {
                break;
            }
        }
        self.check_on(budget)
    }

    /// Reads one chunk; whether anything came of it.
    fn fill(&mut self, expected: u64, finished: bool) -> Result<bool, TailError> {
        let (before, waited) = (self.tail.read_bytes(), self.tail.holes.at);
        let mut more = self.tail.fill(expected, finished);
        if matches!(more, Ok(false)) && self.tail.holes.at.is_some() && self.passes_first_hole()? {
            more = self.tail.fill(expected, finished);
        } else if waited.is_some_and(|at| self.tail.read_bytes() > at && self.tail.holes.passed <= at) {
            self.filled += 1;
        }
        // What the decoder held of a hole is given back.
        self.batch.get_or_insert_default().read_bytes += self.tail.read_bytes().saturating_sub(before);
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
            if self.is_full() {
                return Ok(Turn::More);
            }
            let more = self.fill(u64::MAX, true);
            self.records(context, false);
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(Turn::CaughtUp),
                Err(error) => break Err(error),
            }
        };
        self.records(context, true);
        if self.is_full() {
            return Ok(Turn::More);
        }
        ended
    }
}
