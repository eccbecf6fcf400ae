//! One file being followed: known again, read by turns, closed.

mod opening;
mod origin;

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{info, warn};

use self::origin::Origin;
use super::known::Known;
use super::rate::Rate;
use crate::ledger::status::FileStatus;
use crate::ledger::{Decision, FileEvent};
use crate::pipeline::booking::Books;
use crate::reading::Content;
use crate::reading::{Options, Reading, Turn};
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// How much of a file is read before another has its turn.
pub const TURN_BYTES: u64 = 1024 * 1024;

/// The value of the `state` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is more to read.
    Reading,
    /// Read to its end; it may grow.
    Waiting,
    /// Of no format we know.
    Unrecognised,
    /// The system will not let us read it, or its compression is damaged.
    Unreadable,
}

impl State {
    /// Every state, in the order in which they are exposed.
    pub const ALL: [Self; 4] = [Self::Reading, Self::Waiting, Self::Unrecognised, Self::Unreadable];

    /// The value of the `state` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Waiting => "waiting",
            Self::Unrecognised => "unrecognised",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One file being followed.
#[derive(Debug)]
pub struct Entry {
    /// The name it was last seen under.
    pub path: PathBuf,
    /// Whether it still has that name.
    pub named: bool,
    /// The name that it had when a path led to it, once it was found where none leads.
    renamed_from: Option<PathBuf>,
    /// Whether it waits for its turn.
    pub queued: bool,
    /// When it last changed.
    pub grew: Instant,
    pub state: State,
    /// What was last found out about it.
    pub decision: Option<Decision>,
    rate: Rate,
    reading: Option<Reading>,
    /// Its descriptor, between the look that found it and its next turn.
    held: Option<File>,
    origin: Origin,
    size: u64,
    /// Times of the last change of its content and of anything about it, in nanoseconds: a tool that sets the one to
    /// what it was before leaves a trace in the other.
    times: [i128; 2],
    /// Whether the system refused and may be asked again.
    refused: bool,
    /// Whether its compression is damaged: if it changes, it is another file, or one that was mended.
    damaged: bool,
}

/// What became of a file that has lost its name.
#[derive(Debug, Clone, Copy)]
pub struct OutOfSight {
    /// It has a name elsewhere.
    pub linked: bool,
    /// It was written to.
    pub grew: bool,
}

/// What a file's turn needs beside the file.
pub struct Surroundings<'s> {
    pub source: &'s str,
    pub options: Options,
    pub known: &'s mut Known,
    /// The other files.
    pub others: &'s mut HashMap<FileId, Entry>,
    /// Takes those that must have a turn before this one goes on.
    pub behind: &'s mut Vec<FileId>,
    /// Takes the content of a file that was written anew.
    pub retire: &'s mut dyn FnMut(&mut Known, FileId),
}

impl Entry {
    /// A file just seen under this name.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            named: true,
            renamed_from: None,
            queued: false,
            grew: Instant::now(),
            state: State::Reading,
            decision: None,
            rate: Rate::new(Instant::now()),
            reading: None,
            held: None,
            origin: Origin::Unknown,
            size: 0,
            times: [i128::MIN; 2],
            refused: false,
            damaged: false,
        }
    }

    /// Notes size and times of the last change; whether they differ from what was noted.
    pub fn changed(&mut self, metadata: &Metadata) -> bool {
        let times = [modified(metadata), nanoseconds(metadata.ctime(), metadata.ctime_nsec())];
        let changed = (self.size, self.times) != (metadata.len(), times) || std::mem::take(&mut self.refused);
        if changed {
            (self.size, self.times) = (metadata.len(), times);
            self.grew = Instant::now();
        }
        changed
    }

    /// Looks at the file once more; whether it changed since. Without a descriptor, what has its name may be another.
    pub fn has_changed(&mut self, id: FileId) -> bool {
        let metadata = match self.file() {
            Some(file) => file.metadata().ok(),
            None => fs::metadata(&self.path).ok().filter(|metadata| self.named && FileId::of(metadata) == id),
        };
        metadata.is_some_and(|metadata| self.changed(&metadata))
    }

    /// What became of a file that has lost its name, as far as its descriptor tells.
    pub fn out_of_sight(&mut self) -> Option<OutOfSight> {
        let metadata = self.file().filter(|_| !self.named)?.metadata().ok()?;
        Some(OutOfSight { linked: metadata.nlink() > 0, grew: self.changed(&metadata) })
    }

    /// Books what was found out about the file.
    pub fn decide(&mut self, event: FileEvent, books: &mut Books<'_>) {
        self.decision = Some(books.file_event(event));
    }

    /// It is seen under this name.
    pub fn is_named(&mut self, path: PathBuf) {
        (self.path, self.named, self.renamed_from) = (path, true, None);
    }

    /// The name under which it belongs to the source.
    pub fn own_path(&self) -> &Path {
        self.renamed_from.as_ref().unwrap_or(&self.path)
    }

    /// The open file that is being read.
    fn file(&self) -> Option<&File> {
        self.reading.as_ref().and_then(|reading| reading.tail.file())
    }

    fn read_bytes(&self) -> u64 {
        self.reading.as_ref().map_or(0, |reading| reading.tail.read_bytes())
    }

    /// Bytes of the file that are not booked.
    pub fn pending_bytes(&self) -> u64 {
        match (&self.reading, self.state) {
            (_, State::Unrecognised) => 0,
            // A copy that was cut: all of it was read before.
            (_, State::Waiting) if matches!(self.origin, Origin::Like(_)) => 0,
            (Some(reading), _) => {
                let held = reading.tail.held_bytes() + reading.passed_over_bytes();
                self.size.saturating_sub(reading.tail.read_bytes()) + held
            }
            (None, _) => self.size,
        }
    }

    /// How it fares. `known` is what is known of it until it is opened, `refusal` why the system does not let us read
    /// it.
    pub fn status(&self, source: &str, known: Option<&Content>, refusal: Option<&String>) -> FileStatus {
        let reading = self.reading.as_ref();
        let format = reading.and_then(Reading::format).map(|format| format.name.into());
        let error = match self.state {
            State::Unreadable => refusal.cloned(),
            State::Unrecognised => reading.and_then(Reading::unrecognised).map(str::to_owned),
            State::Reading | State::Waiting => None,
        };
        let (decision, decided_at) = self.decision.map(Decision::shown).unzip();
        FileStatus {
            source: source.to_owned(),
            path: self.path.to_string_lossy().into_owned(),
            state: self.state.label().into(),
            format: format.or_else(|| known.map(|content| content.format.clone().into())),
            position: reading
                .map(Reading::position)
                .or(known.map(|content| content.position))
                .unwrap_or_default(),
            size: self.size,
            bytes_behind: Some(self.pending_bytes()),
            bytes_per_second: Some(self.rate.per_second(Instant::now())),
            error,
            decision,
            decided_at,
        }
    }

    /// What the file holds and how much of it is booked, once that is anything.
    pub fn content(&self) -> Option<Content> {
        match self.origin {
            Origin::Known => self.reading.as_ref().and_then(Reading::content),
            Origin::Unknown | Origin::Like(_) => None,
        }
    }

    /// Reads on for a turn.
    pub fn turn(
        &mut self,
        id: FileId,
        books: &mut Books<'_>,
        around: &mut Surroundings<'_>,
    ) -> Result<Turn, TailError> {
        if self.state == State::Unrecognised && self.is_as_it_was()? {
            return Ok(Turn::CaughtUp);
        }
        self.look_again(around.known, id);
        self.open(id, books, around)?;
        if let Some(event) = self.rewritten()? {
            self.decide(event, books);
            let (source, path) = (around.source, self.path.display());
            info!(source, %path, "{}: read from its beginning, it holds other text than was read", event.label());
            self.begin_again(id, books, around)?;
        }
        self.state = State::Reading;
        let before = self.read_bytes();
        let turn = self.read_on(id, books, around);
        // Bytes that were only looked at are booked too.
        if let Some(reading) = &mut self.reading {
            books.book(reading);
        }
        self.rate.add(self.read_bytes().saturating_sub(before), Instant::now());
        match turn {
            // The next turn finds out how.
            Err(TailError::Rewritten) => Ok(Turn::More),
            turn => turn,
        }
    }

    /// Reads on in an open file.
    fn read_on(
        &mut self,
        id: FileId,
        books: &mut Books<'_>,
        around: &mut Surroundings<'_>,
    ) -> Result<Turn, TailError> {
        if let Some(turn) = self.find_origin(id, books, around)? {
            return Ok(turn);
        }
        let Some(reading) = &mut self.reading else { return Ok(Turn::CaughtUp) };
        let expected = self.size.saturating_sub(reading.tail.read_bytes());
        let turn = reading.turn(&books.context(), Some(expected), TURN_BYTES);
        books.book(reading);
        let turn = turn?;
        self.note_unrecognised(around.source);
        Ok(turn)
    }

    /// Whether it waits for more, or for the time after which no more will come.
    pub fn awaits_more(&self) -> bool {
        !matches!(self.origin, Origin::Known)
            || self.reading.as_ref().is_some_and(|reading| reading.tail.held_bytes() > 0)
    }

    /// As [`Reading::quiet`].
    pub fn quiet(&mut self, books: &mut Books<'_>, source: &str, given_up: bool) -> bool {
        let Some(reading) = &mut self.reading else { return false };
        let any = reading.quiet(&books.context(), given_up);
        books.book(reading);
        any | self.note_unrecognised(source)
    }

    /// Whether it turned out to be of no format we know.
    fn note_unrecognised(&mut self, source: &str) -> bool {
        let explanation = self.reading.as_ref().and_then(Reading::unrecognised);
        let news = explanation.filter(|_| self.state != State::Unrecognised);
        if let Some(explanation) = news {
            self.state = State::Unrecognised;
            warn!(source, path = %self.path.display(), "not read: {explanation}");
        }
        news.is_some()
    }

    /// Takes what is left of a file that is gone, of which nothing is known but what was read of it.
    pub fn finish(&mut self, books: &mut Books<'_>, source: &str, is_known: bool) {
        let (path, size) = (self.path.display(), self.size);
        let Some(reading) = &mut self.reading else {
            match size > 0 && !is_known {
                true => {
                    warn!(source, %path, size, "removed before it could be read: nothing of it is counted")
                }
                false => info!(source, %path, "removed"),
            }
            return;
        };
        let ended = if matches!(self.origin, Origin::Known) { finish(reading, books) } else { Ok(()) };
        match ended {
            Err(error) => warn!(source, %path, %error, "removed before its end could be read"),
            Ok(()) => info!(source, %path, "removed"),
        }
    }

    /// A file that was not recognised is looked at again only when it has other content, or more of its first line.
    fn is_as_it_was(&mut self) -> io::Result<bool> {
        let Some(reading) = &mut self.reading else { return Ok(false) };
        Ok(!reading.may_be_recognised() && reading.tail.is_same_content()?)
    }

    /// Whether what was read of the file is no longer its content, and how that shows.
    fn rewritten(&mut self) -> io::Result<Option<FileEvent>> {
        let Some(reading) = &self.reading else { return Ok(None) };
        let Some(file) = reading.tail.file() else { return Ok(None) };
        self.size = file.metadata()?.len();
        if self.size < reading.tail.read_bytes() {
            return Ok(Some(FileEvent::Truncated));
        }
        let same = !self.damaged && reading.tail.is_same_content()?;
        Ok((!same).then_some(FileEvent::Replaced))
    }

    /// Everything that is there has been read.
    pub fn rest(&mut self) {
        if self.state == State::Reading {
            self.state = State::Waiting;
        }
        if let Some(reading) = &mut self.reading {
            reading.rest();
        }
    }

    /// Reading failed. What the system refused may succeed another time; damage stays until the file changes.
    pub fn unreadable(&mut self, error: &TailError) {
        self.state = State::Unreadable;
        self.refused = matches!(error, TailError::Io(_));
        self.damaged = matches!(error, TailError::Damaged(_));
        self.close();
    }

    /// Whether its descriptor is kept.
    pub fn is_open(&self) -> bool {
        self.held.is_some() || self.reading.as_ref().is_some_and(|reading| reading.tail.is_open())
    }

    /// Gives the descriptor back.
    pub fn close(&mut self) {
        self.held = None;
        if let Some(reading) = &mut self.reading {
            reading.tail.close();
        }
    }
}

/// Takes all that is left of a file.
fn finish(reading: &mut Reading, books: &mut Books<'_>) -> Result<(), TailError> {
    loop {
        let turn = reading.finish(&books.context());
        books.book(reading);
        if turn? == Turn::CaughtUp {
            return Ok(());
        }
    }
}

/// When the content of a file was last changed.
fn modified(metadata: &Metadata) -> i128 {
    nanoseconds(metadata.mtime(), metadata.mtime_nsec())
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}
