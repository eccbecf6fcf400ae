//! The files of one source: what lies on the disk against what is being followed.
//!
//! | seen on the disk | decision | event |
//! |---|---|---|
//! | a file under a name that had none | read it from its beginning | found |
//! | a file we follow, under another name | follow it there | rotated |
//! | another file under a known name | follow the old one to its end, read the new one from its beginning | found |
//! | shorter than what was read of it | read it from its beginning | truncated |
//! | other bytes where we stopped reading | read it from its beginning | replaced |
//! | no name any more | read what is left, let go when it has been quiet | removed |

use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::reading::{self, Books, Reading, Turn};
use crate::ledger::{FileEvent, FilesNow, Ledger, SourceIndex};
use crate::source::discover;
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// How much of a file is read before another has its turn.
const TURN_BYTES: u64 = 1024 * 1024;

/// Descriptors that a source keeps open on files that may still grow.
const OPEN_FILES: usize = 256;

/// A file that nobody wrote to for so long, and whose last line has no newline, is taken to be complete. A file
/// without a name is let go.
const QUIET: Duration = Duration::from_secs(3);

/// The value of the `state` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
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
    const ALL: [Self; 4] = [Self::Reading, Self::Waiting, Self::Unrecognised, Self::Unreadable];

    fn label(self) -> &'static str {
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
struct Entry {
    /// The name it was last seen under.
    path: PathBuf,
    /// Whether it still has that name.
    named: bool,
    reading: Option<Reading>,
    state: State,
    size: u64,
    modified: i128,
    queued: bool,
    /// When it last changed.
    grew: Instant,
    /// Whether the system refused and may be asked again.
    refused: bool,
}

/// The files of one source.
#[derive(Debug)]
pub struct Files {
    name: String,
    discover: discover::Options,
    reading: reading::Options,
    source: SourceIndex,
    names: HashMap<PathBuf, FileId>,
    entries: HashMap<FileId, Entry>,
    /// Files that have something to read, in turn.
    queue: VecDeque<FileId>,
    /// Files with an open descriptor and nothing to read, the longest idle first.
    idle: VecDeque<FileId>,
    complained: HashMap<PathBuf, io::ErrorKind>,
}

impl Files {
    /// No files yet.
    pub fn new(
        name: String,
        source: SourceIndex,
        discover: discover::Options,
        reading: reading::Options,
    ) -> Self {
        Self {
            name,
            discover,
            reading,
            source,
            names: HashMap::new(),
            entries: HashMap::new(),
            queue: VecDeque::new(),
            idle: VecDeque::new(),
            complained: HashMap::new(),
        }
    }

    /// Takes new options; the next scan lets go of files that no longer belong here.
    pub fn reconfigure(&mut self, discover: discover::Options, reading: reading::Options) {
        self.discover = discover;
        self.reading = reading;
    }

    /// Folders to watch, and whether with all below them.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.discover.patterns.iter().map(|pattern| (pattern.folder(), pattern.is_deep()))
    }

    /// Whether a file has something to read.
    pub fn is_behind(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Compares everything on the disk with what is followed.
    pub fn scan(&mut self, ledger: &mut Ledger) {
        let found = self.discover.scan();
        for (path, error) in found.unreadable {
            self.complain(&path, &error);
        }
        let mut missing: HashMap<PathBuf, FileId> = std::mem::take(&mut self.names);
        for (path, metadata) in found.files {
            if let Some(id) = missing.remove(&path) {
                self.names.insert(path.clone(), id);
            }
            self.seen(path, &metadata, ledger);
        }
        for (path, id) in missing {
            self.lost_name(&path, id);
        }
    }

    /// Compares one name on the disk with what is followed.
    pub fn look(&mut self, path: &Path, ledger: &mut Ledger) {
        match self.discover.look(path) {
            Some(metadata) => self.seen(path.to_path_buf(), &metadata, ledger),
            None => {
                if let Some(id) = self.names.remove(path) {
                    self.lost_name(path, id);
                }
            }
        }
    }

    fn seen(&mut self, path: PathBuf, metadata: &Metadata, ledger: &mut Ledger) {
        let id = FileId::of(metadata);
        if let Some(before) = self.names.insert(path.clone(), id)
            && before != id
        {
            self.lost_name(&path, before);
        }
        let entry = match self.entries.get_mut(&id) {
            Some(entry) => entry,
            None => {
                ledger.file_event(self.source, FileEvent::Found);
                debug!(source = self.name, path = %path.display(), "found");
                self.entries.entry(id).or_insert_with(|| Entry::new(path.clone()))
            }
        };
        if !entry.named && entry.path != path {
            ledger.file_event(self.source, FileEvent::Rotated);
            info!(source = self.name, from = %entry.path.display(), to = %path.display(), "rotated");
        }
        entry.named = true;
        entry.path = path;
        if entry.changed(metadata) {
            self.enqueue(id);
        }
    }

    /// The file is no longer called so; it may be seen under another name, or gone.
    fn lost_name(&mut self, path: &Path, id: FileId) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.path == path
        {
            entry.named = false;
            entry.grew = Instant::now();
            self.enqueue(id);
        }
    }

    fn enqueue(&mut self, id: FileId) {
        if let Some(entry) = self.entries.get_mut(&id)
            && !std::mem::replace(&mut entry.queued, true)
        {
            self.queue.push_back(id);
        }
    }

    /// Gives the next file in line its turn.
    pub fn turn(&mut self, ledger: &mut Ledger, now: crate::call::UnixMillis) {
        let Some(id) = self.queue.pop_front() else { return };
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.queued = false;
        let mut books = Books { ledger, source: self.source, now };
        let outcome = entry.turn(id, self.reading, &mut books, &self.name);
        match outcome {
            Ok(Turn::More) => self.enqueue(id),
            Ok(Turn::CaughtUp) => {
                entry.caught_up();
                self.keep_open(id);
            }
            Err(TailError::Io(error)) => {
                let path = entry.path.clone();
                entry.unreadable();
                entry.refused = true;
                if entry.named && error.kind() != io::ErrorKind::NotFound {
                    self.complain(&path, &error);
                }
            }
            Err(TailError::Damaged(error)) => {
                entry.unreadable();
                warn!(source = self.name, path = %entry.path.display(), %error, "cannot read on; what came before is counted");
            }
        }
    }

    /// Keeps the descriptor, so that a file that loses its name can be read to its end; closes the longest idle one
    /// when there are too many.
    fn keep_open(&mut self, id: FileId) {
        if let Some(place) = self.idle.iter().position(|other| *other == id) {
            self.idle.remove(place);
        }
        self.idle.push_back(id);
        while self.idle.len() > OPEN_FILES {
            if let Some(entry) = self.idle.pop_front().and_then(|id| self.entries.get_mut(&id))
                && let Some(reading) = &mut entry.reading
            {
                reading.tail.close();
            }
        }
    }

    /// Looks after files that have been quiet: takes last lines without newline, lets go of files without a name.
    /// Returns whether anything came of it.
    pub fn tidy(&mut self, ledger: &mut Ledger, now: crate::call::UnixMillis) -> bool {
        let quiet = |(_, entry): &(&FileId, &mut Entry)| !entry.queued && entry.grew.elapsed() >= QUIET;
        let (mut grown, mut gone, mut taken) = (Vec::new(), Vec::new(), false);
        for (id, entry) in self.entries.iter_mut().filter(quiet) {
            let mut books = Books { ledger, source: self.source, now };
            if entry.named {
                taken |= entry
                    .reading
                    .as_mut()
                    .is_some_and(|reading| reading.take_last_line(&mut books).unwrap_or(false));
            } else if entry.grew_unseen() {
                grown.push(*id);
            } else {
                entry.finish(&mut books, &self.name);
                gone.push(*id);
            }
        }
        taken |= !gone.is_empty();
        for id in gone {
            self.entries.remove(&id);
            self.idle.retain(|other| *other != id);
            ledger.file_event(self.source, FileEvent::Removed);
        }
        for id in grown {
            self.enqueue(id);
        }
        taken
    }

    /// What to show of the files.
    pub fn now(&self) -> FilesNow {
        let mut states = State::ALL.map(|state| (state.label(), 0));
        let mut pending_bytes = 0;
        for entry in self.entries.values() {
            states[entry.state as usize].1 += 1;
            pending_bytes += entry.pending_bytes();
        }
        FilesNow { states: states.to_vec(), pending_bytes }
    }

    /// Says once what is wrong with a path, until it is something else.
    fn complain(&mut self, path: &Path, error: &io::Error) {
        if self.complained.insert(path.to_path_buf(), error.kind()) != Some(error.kind()) {
            warn!(source = self.name, path = %path.display(), %error, "cannot read; asked again at every rescan");
        }
    }
}

impl Entry {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            named: true,
            reading: None,
            state: State::Reading,
            size: 0,
            modified: i128::MIN,
            queued: false,
            grew: Instant::now(),
            refused: false,
        }
    }

    /// Notes size and time of the last change; whether they differ from what was noted.
    fn changed(&mut self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let changed =
            (self.size, self.modified) != (metadata.len(), modified) || std::mem::take(&mut self.refused);
        if changed {
            (self.size, self.modified) = (metadata.len(), modified);
            self.grew = Instant::now();
        }
        changed
    }

    /// Whether a file that has no name any more was written to.
    fn grew_unseen(&mut self) -> bool {
        let file = self.reading.as_ref().and_then(|reading| reading.tail.file());
        file.and_then(|file| file.metadata().ok()).is_some_and(|metadata| self.changed(&metadata))
    }

    /// Takes what is left of a file that is gone.
    fn finish(&mut self, books: &mut Books<'_>, source: &str) {
        let path = self.path.display();
        match self.reading.as_mut().map(|reading| reading.finish(books)) {
            Some(Err(error)) => warn!(source, %path, %error, "removed before its end could be read"),
            _ => info!(source, %path, "removed"),
        }
    }

    fn pending_bytes(&self) -> u64 {
        match (&self.reading, self.state) {
            (_, State::Unrecognised) => 0,
            (Some(reading), _) => {
                self.size.saturating_sub(reading.tail.read_bytes()) + reading.tail.held_bytes()
            }
            (None, _) => self.size,
        }
    }

    fn turn(
        &mut self,
        id: FileId,
        options: reading::Options,
        books: &mut Books<'_>,
        source: &str,
    ) -> Result<Turn, TailError> {
        if self.state == State::Unrecognised && self.is_as_it_was()? {
            return Ok(Turn::CaughtUp);
        }
        self.open(id, options)?;
        if let Some(event) = self.rewritten()? {
            books.ledger.file_event(books.source, event);
            info!(source, path = %self.path.display(), "{}; reading it from its beginning", event.label());
            self.reading = None;
            self.open(id, options)?;
        }
        let Some(reading) = &mut self.reading else { return Ok(Turn::CaughtUp) };
        self.state = State::Reading;
        let expected = self.size.saturating_sub(reading.tail.read_bytes());
        let turn = reading.turn(books, expected, TURN_BYTES)?;
        if let Some(explanation) = reading.unrecognised() {
            self.state = State::Unrecognised;
            warn!(source, path = %self.path.display(), "not read: {explanation}");
        }
        Ok(turn)
    }

    /// A file that was not recognised is looked at again only when it has other content.
    fn is_as_it_was(&mut self) -> io::Result<bool> {
        self.reading.as_ref().map_or(Ok(false), |reading| reading.tail.is_same_content())
    }

    fn open(&mut self, id: FileId, options: reading::Options) -> io::Result<()> {
        if self.reading.as_ref().is_some_and(|reading| reading.tail.is_open()) {
            return Ok(());
        }
        if !self.named {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = File::open(&self.path)?;
        if FileId::of(&file.metadata()?) != id {
            // Another file took the name since it was seen; that is for the next look to find.
            return Err(io::ErrorKind::NotFound.into());
        }
        match &mut self.reading {
            Some(reading) => reading.tail.reopen(file),
            None => {
                self.reading = Some(Reading::new(file, options));
                Ok(())
            }
        }
    }

    /// Whether what was read of the file is no longer its content, and how that shows.
    fn rewritten(&mut self) -> io::Result<Option<FileEvent>> {
        let Some(reading) = &self.reading else { return Ok(None) };
        let Some(file) = reading.tail.file() else { return Ok(None) };
        self.size = file.metadata()?.len();
        if self.size < reading.tail.read_bytes() {
            return Ok(Some(FileEvent::Truncated));
        }
        let same = self.state == State::Reading || reading.tail.is_same_content()?;
        Ok((!same).then_some(FileEvent::Replaced))
    }

    fn caught_up(&mut self) {
        if self.state == State::Reading {
            self.state = State::Waiting;
        }
        if let Some(reading) = &mut self.reading {
            // Without a mark, a rewrite shows only where the file became shorter.
            let _ = reading.tail.set_mark();
            reading.tail.rest();
        }
    }

    fn unreadable(&mut self) {
        self.state = State::Unreadable;
        if let Some(reading) = &mut self.reading {
            reading.tail.close();
        }
    }
}
