//! The files of one source: what lies on the disk against what is being followed.
//!
//! | seen on the disk | decision | event |
//! |---|---|---|
//! | a file under a name that had none | read it from its beginning | found |
//! | a file we follow, under another name | follow it there | rotated |
//! | another file under a known name | follow the old one to its end, read the new one from its beginning | found |
//! | shorter than what was read of it | count a whole last line that was held, read it from its beginning | truncated |
//! | other bytes where we stopped reading | the same | replaced |
//! | renamed to where no path leads | follow it, as long as there are descriptors to spare | |
//! | the same, before it was opened | look for it in its folder, and follow it | rotated |
//! | removed | read what is left, let go when it has been quiet | removed |
//! | a new file with the text of one that was read | pass over that much of it, once the original is read | copied |
//! | the same, but shorter, and the same to its end | a cut copy: wait for more, or let remembered ids decide | |
//! | less than 256 bytes of records, alike | wait for more; when it has been quiet, it is no copy | |
//! | after a restart, the bytes that were there | go on behind them | resumed |
//! | after a restart, the same under another name in its folder, where no path leads | follow it | rotated |
//! | after a restart, other bytes | read it from its beginning | found |
//! | after a restart, gone from its folder | a copy of it may come yet | removed |
//! | grown, when no more than a header was read of it | as a new file: it may be a copy by now | resumed, copied |
//! | to be read as another format | read it from its beginning | found |
//!
//! Text is compared by hashes, after decompression, so a copy is known whatever its name and its encoding are. Which
//! copies can be known is [`known::Known`]'s to say; how a file is opened and read is [`entry::Entry`]'s.

mod entry;
mod known;
mod rate;
mod tidying;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tracing::{debug, info, warn};

use self::entry::{Entry, State, Surroundings, TURN_BYTES};
use self::known::{Known, Retired};
pub use self::tidying::Patience;
use super::booking::Books;
use super::rejected::{Log, Page};
use crate::call::UnixMillis;
use crate::ledger::status::FileStatus;
use crate::ledger::{Decision, FileEvent, FilesNow, KnownFile, Ledger, SourceIndex};
use crate::reading::{self, Turn};
use crate::source::discover;
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// Descriptors that a source keeps open on files that may still grow.
const OPEN_FILES: usize = 256;

/// The files of one source.
#[derive(Debug)]
pub struct Files {
    name: String,
    discover: discover::Options,
    reading: reading::Options,
    source: SourceIndex,
    names: HashMap<PathBuf, FileId>,
    entries: HashMap<FileId, Entry>,
    /// Files that have something to read, in turn: little, and more than that.
    queues: [VecDeque<FileId>; 2],
    /// Which of the queues is next; they take turns, so that a live file waits for no more than one huge one.
    next_queue: usize,
    /// Files with an open descriptor and nothing to read, the longest idle first.
    idle: VecDeque<FileId>,
    /// Contents of files, these and others.
    known: Known,
    /// Files of which something was booked since the last commit.
    uncommitted: HashSet<FileId>,
    complained: HashMap<PathBuf, String>,
    /// Where files that are not open were last, until they have been looked for: those that lost their name, and those
    /// known from before a restart.
    missing: Vec<(FileId, PathBuf)>,
}

impl Files {
    /// No files yet; what the ledger knows of some is to be found again.
    pub fn new(
        name: String,
        source: SourceIndex,
        discover: discover::Options,
        reading: reading::Options,
        ledger: &Ledger,
    ) -> Self {
        let mut known = Known::default();
        let mut missing = Vec::new();
        for (id, file) in ledger.files(source) {
            known.restore(id, Arc::clone(&file.content));
            if id.device != FileId::NO_DEVICE && discover.covers(&file.path) {
                missing.push((id, file.path.clone()));
            }
        }
        Self {
            name,
            discover,
            reading,
            source,
            names: HashMap::new(),
            entries: HashMap::new(),
            queues: Default::default(),
            next_queue: 0,
            idle: VecDeque::new(),
            known,
            uncommitted: HashSet::new(),
            complained: HashMap::new(),
            missing,
        }
    }

    /// Takes new options; the next scan lets go of files that no longer belong here.
    pub fn reconfigure(&mut self, discover: discover::Options, reading: reading::Options) {
        // Without a descriptor they are not taken for renamed ones, which are followed.
        let unwanted =
            |entry: &&mut Entry| self.discover.covers(&entry.path) && !discover.covers(&entry.path);
        self.entries.values_mut().filter(unwanted).for_each(Entry::close);
        self.discover = discover;
        if self.reading != reading {
            self.reading = reading;
            self.entries.values_mut().for_each(Entry::read_otherwise);
            self.entries.keys().copied().collect::<Vec<_>>().into_iter().for_each(|id| self.enqueue(id));
        }
    }

    /// Folders to watch, and whether with all below them.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.discover.patterns.iter().map(|pattern| (pattern.folder(), pattern.is_deep()))
    }

    /// Whether a file has something to read.
    pub fn is_behind(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_empty())
    }

    /// Compares everything on the disk with what is followed.
    pub fn scan(&mut self, ledger: &mut Ledger, now: UnixMillis) {
        let found = self.discover.scan();
        for (path, error) in &found.unreadable {
            self.complain(path, error);
        }
        let mut missing: HashMap<PathBuf, FileId> = std::mem::take(&mut self.names);
        for (path, metadata) in found.files {
            if let Some(id) = missing.remove(&path) {
                self.names.insert(path.clone(), id);
            }
            self.seen(path, &metadata, &mut Books { ledger, source: self.source, now, rejected: None });
        }
        for (path, id) in missing {
            // What could not be looked at is not gone.
            if found.unreadable.iter().any(|(unreadable, _)| path.starts_with(unreadable)) {
                self.names.insert(path, id);
            } else {
                self.lost_name(&path, id);
            }
        }
        self.find_renamed(&mut Books { ledger, source: self.source, now, rejected: None });
    }

    /// Finds the files that were renamed to where no path leads while nobody had them open, if they stayed in their
    /// folder: their writer may still have them open, and there may be more in them than was read.
    fn find_renamed(&mut self, books: &mut Books<'_>) {
        let mut folders: HashMap<PathBuf, HashMap<u64, (FileId, PathBuf)>> = HashMap::new();
        for (id, path) in self.missing.drain(..) {
            let is_here = self.entries.get(&id).is_some_and(|entry| entry.named || entry.is_open());
            if let (false, Some(folder)) = (is_here, path.parent()) {
                folders.entry(folder.to_path_buf()).or_default().insert(id.inode, (id, path));
            }
        }
        for (folder, mut ids) in folders {
            match fs::read_dir(folder) {
                Ok(files) => {
                    files.flatten().for_each(|file| {
                        if let Some((id, from)) = ids.remove(&file.ino()) {
                            self.is_renamed(id, from, file.path(), books);
                        }
                    });
                    for (id, from) in ids.into_values() {
                        // One that was seen has a turn, and is let go after it.
                        if !self.entries.contains_key(&id) && self.known.content(id).is_some() {
                            self.was_removed(id, &from, None, books.ledger);
                        }
                    }
                }
                // It may come back.
                Err(_) => self.missing.extend(ids.into_values()),
            }
        }
    }

    /// A file that was missing may be here.
    fn is_renamed(&mut self, id: FileId, from: PathBuf, path: PathBuf, books: &mut Books<'_>) {
        let entry = match self.entries.get_mut(&id) {
            Some(entry) => entry.is_found_at(path, id).then_some(entry),
            None => {
                let content = self.known.content(id);
                let entry = content.and_then(|content| Entry::renamed(from, path, id, content, self.reading));
                entry.map(|entry| self.entries.entry(id).or_insert(entry))
            }
        };
        if let Some(entry) = entry {
            entry.decide(FileEvent::Rotated, books);
            info!(source = self.name, to = %entry.path.display(), "rotated");
            self.enqueue(id);
        }
    }

    /// Compares one name on the disk with what is followed.
    pub fn look(&mut self, path: &Path, ledger: &mut Ledger, now: UnixMillis) {
        match self.discover.look(path) {
            Ok(Some(metadata)) => {
                let books = &mut Books { ledger, source: self.source, now, rejected: None };
                self.seen(path.to_path_buf(), &metadata, books);
            }
            Ok(None) => {
                if let Some(id) = self.names.remove(path) {
                    self.lost_name(path, id);
                }
            }
            Err(error) => self.complain(path, &error),
        }
    }

    fn seen(&mut self, path: PathBuf, metadata: &Metadata, books: &mut Books<'_>) {
        let id = FileId::of(metadata);
        if let Some(before) = self.names.insert(path.clone(), id)
            && before != id
        {
            self.lost_name(&path, before);
        }
        let entry = match self.entries.get_mut(&id) {
            Some(entry) => entry,
            None => {
                // A file that is known from before a restart is resumed, or found to be another, when it is opened.
                let mut entry = Entry::new(path.clone());
                if self.known.content(id).is_none() {
                    entry.decide(FileEvent::Found, books);
                }
                debug!(source = self.name, path = %path.display(), "found");
                if self.queues.iter().map(VecDeque::len).sum::<usize>() < OPEN_FILES {
                    entry.hold(id);
                }
                self.entries.entry(id).or_insert(entry)
            }
        };
        let is_there = |path: &Path| match self.discover.look(path) {
            Ok(Some(metadata)) => FileId::of(&metadata) == id,
            Ok(None) => false,
            Err(_) => true,
        };
        let is_moved = entry.path != path && !(entry.named && is_there(&entry.path));
        if is_moved {
            entry.decide(FileEvent::Rotated, books);
            info!(source = self.name, from = %entry.path.display(), to = %path.display(), "rotated");
        }
        entry.is_named(path);
        // A turn has its new name committed.
        if entry.changed(metadata) || is_moved {
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
            if !entry.is_open() && self.discover.covers(path) {
                self.missing.push((id, path.to_path_buf()));
            }
            self.enqueue(id);
        }
    }

    fn enqueue(&mut self, id: FileId) {
        if let Some(entry) = self.entries.get_mut(&id)
            && !std::mem::replace(&mut entry.queued, true)
        {
            self.queues[usize::from(entry.pending_bytes() > TURN_BYTES)].push_back(id);
        }
    }

    /// The next file in line.
    fn dequeue(&mut self) -> Option<FileId> {
        self.next_queue = 1 - self.next_queue;
        self.queues[1 - self.next_queue].pop_front().or_else(|| self.queues[self.next_queue].pop_front())
    }

    /// Gives the next file in line its turn; whether that file has been read to its end.
    pub fn turn(&mut self, ledger: &mut Ledger, log: Option<&mut Log>, now: UnixMillis) -> bool {
        let Some(id) = self.dequeue() else { return true };
        let Some(mut entry) = self.entries.remove(&id) else { return true };
        entry.queued = false;
        let source = self.source;
        let path = entry.path.clone();
        let rejected = log.map(|log| Page { log, source: &self.name, path: &path });
        let (mut retired, mut behind) = (Vec::new(), Vec::new());
        let outcome = entry.turn(
            id,
            &mut Books { ledger, source, now, rejected },
            &mut Surroundings {
                source: &self.name,
                options: self.reading,
                known: &mut self.known,
                others: &mut self.entries,
                behind: &mut behind,
                retire: &mut |known, id| {
                    retired.extend(known.content(id).is_some().then(|| known.retire(id)));
                },
            },
        );
        for retired in retired {
            // What the file holds now may be nothing for a while.
            ledger.set_file(source, id, None);
            if let Some(retired) = retired {
                note_retired(retired, &path, entry.decision, source, ledger);
            }
        }
        self.uncommitted.insert(id);
        if let Some(content) = entry.content() {
            self.known.set(id, content);
        }
        for id in behind {
            self.enqueue(id);
        }
        self.after_turn(id, entry, outcome)
    }

    /// Puts a file back after its turn, by what that came to; whether it has been read to its end.
    fn after_turn(&mut self, id: FileId, mut entry: Entry, outcome: Result<Turn, TailError>) -> bool {
        let path = entry.path.clone();
        let more = matches!(outcome, Ok(Turn::More));
        match outcome {
            Ok(Turn::More) => {}
            Ok(Turn::CaughtUp) => {
                entry.rest();
                self.keep_open(id);
                if self.complained.remove(&path).is_some() {
                    info!(source = self.name, path = %path.display(), "can be read again");
                }
            }
            Err(error) => {
                entry.unreadable(&error);
                if entry.named && !is_gone(&error) {
                    self.complain(&path, &error);
                }
            }
        }
        self.entries.insert(id, entry);
        if more {
            self.enqueue(id);
        }
        !more
    }

    /// Hands the ledger what is known of the files of which something was booked, to be committed with it.
    pub fn before_commit(&mut self, ledger: &mut Ledger) {
        for id in self.uncommitted.drain() {
            if let (Some(entry), Some(content)) = (self.entries.get(&id), self.known.content(id)) {
                let (path, content) = (entry.own_path().to_path_buf(), Arc::clone(content));
                ledger.set_file(self.source, id, Some(KnownFile { path, content, decision: entry.decision }));
            }
        }
        ledger.files_now(self.source, self.now());
    }

    /// Keeps the descriptor, so that a file that loses its name can be read to its end; closes the longest idle one
    /// when there are too many.
    fn keep_open(&mut self, id: FileId) {
        if let Some(place) = self.idle.iter().position(|other| *other == id) {
            self.idle.remove(place);
        }
        self.idle.push_back(id);
        while self.idle.len() > OPEN_FILES {
            // One that waits for its turn comes back here after it.
            let idle = self.idle.pop_front().and_then(|id| self.entries.get_mut(&id));
            idle.filter(|entry| !entry.queued).map(Entry::close);
        }
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

    /// How each file fares.
    pub fn status(&self) -> impl Iterator<Item = FileStatus> {
        self.entries.iter().map(|(id, entry)| {
            let known = self.known.content(*id).map(|content| &**content);
            entry.status(&self.name, known, self.complained.get(&entry.path))
        })
    }

    /// Says once what is wrong with a path, until it is something else.
    fn complain(&mut self, path: &Path, error: &impl Display) {
        let error = error.to_string();
        if self.complained.insert(path.to_path_buf(), error.clone()).as_ref() != Some(&error) {
            warn!(source = self.name, path = %path.display(), error, "cannot read on; what came before is counted");
        }
    }
}

/// Has the ledger keep a content whose file is no more.
fn note_retired(
    retired: Retired,
    path: &Path,
    decision: Option<Decision>,
    source: SourceIndex,
    ledger: &mut Ledger,
) {
    let path = path.to_path_buf();
    ledger.set_file(source, retired.id, Some(KnownFile { path, content: retired.content, decision }));
    if let Some(dropped) = retired.dropped {
        ledger.set_file(source, dropped, None);
    }
}

/// Whether the file is no longer where it was.
fn is_gone(error: &TailError) -> bool {
    matches!(error, TailError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}
