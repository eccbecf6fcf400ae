//! The files of one source: found, each given its turn, let go.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use tracing::{debug, info, warn};

use super::around::{Around, Surroundings};
use super::decide::{Seen, State};
use super::file::{File, Hand, Next, TURN_BYTES, Waits};
use super::look::Look;
use super::room::Waiting;
use super::scan::Walked;
use super::task::{Done, Given, Task, Work};
use crate::clock::Moment;
use crate::ledger::status::FileStatus;
use crate::ledger::{Contents, FileEvent, FilesNow};
use crate::reading::{self, Turn};
use crate::source::discover;
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// The files of one source.
#[derive(Debug)]
pub struct Files {
    pub(super) discover: discover::Options,
    reading: reading::Options,
    pub(super) names: HashMap<PathBuf, FileId>,
    pub(super) walked: Walked,
    pub(super) files: HashMap<FileId, File>,
    /// Files that have something to read, in turn: little, and more than that.
    queues: [VecDeque<FileId>; 2],
    /// Which of the queues is next; they take turns, so that a live file waits for no more than one huge one.
    next_queue: usize,
    /// How many files are with a worker.
    away: usize,
    /// Copies that wait until their originals come back from a worker.
    parked: Vec<FileId>,
    /// Files that wait for memory.
    pub(super) without_room: Vec<Waiting>,
    /// How many files that may still grow are kept open, and how many that wait for their turn.
    pub(super) open_files: usize,
    /// Files with an open descriptor and nothing to read, the longest idle first.
    pub(super) idle: VecDeque<FileId>,
    pub(super) complained: HashMap<PathBuf, String>,
    /// Where files that are not open were last, until they have been looked for: those that lost their name, and those
    /// known from before a restart.
    pub(super) missing: Vec<(FileId, PathBuf)>,
}

impl Files {
    /// No files yet; what is known of some from before is to be found again.
    pub fn new(discover: discover::Options, reading: reading::Options, contents: &Contents) -> Self {
        let missing = contents.files().filter(|(_, file)| discover.covers(&file.path));
        let missing = missing.map(|(id, file)| (id, file.path.clone())).collect();
        Self {
            discover,
            reading,
            names: HashMap::new(),
            walked: Walked::default(),
            files: HashMap::new(),
            queues: Default::default(),
            next_queue: 0,
            away: 0,
            parked: Vec::new(),
            without_room: Vec::new(),
            open_files: super::room::OPEN_FILES,
            idle: VecDeque::new(),
            complained: HashMap::new(),
            missing,
        }
    }

    /// Takes new options; the next scan lets go of files that no longer belong here.
    pub fn reconfigure(&mut self, discover: discover::Options, reading: reading::Options) {
        // Without a descriptor they are not taken for renamed ones, which are followed.
        let unwanted = |file: &&mut File| self.discover.covers(&file.path) && !discover.covers(&file.path);
        self.files.values_mut().filter(unwanted).for_each(File::close);
        self.discover = discover;
        self.walked.reconfigured();
        if self.reading != reading {
            self.reading = reading;
            self.files.values_mut().for_each(|file| file.read_otherwise(Seen::OtherOptions));
            self.files.keys().copied().collect::<Vec<_>>().into_iter().for_each(|id| self.enqueue(id));
        }
    }

    /// How their records are read.
    pub fn options(&self) -> reading::Options {
        self.reading
    }

    /// Which files belong to the source.
    pub fn discover(&self) -> &discover::Options {
        &self.discover
    }

    /// Whether a file waits for its turn, or has one.
    pub fn is_behind(&self) -> bool {
        self.is_waiting() || self.away > 0 || self.waits_for_room()
    }

    /// Whether a file waits for its turn.
    pub fn is_waiting(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_empty())
    }

    /// Compares one name on the disk with what is followed.
    pub fn look(&mut self, path: &Path, around: &mut Around<'_>) {
        match self.discover.look(path) {
            Ok(Some(metadata)) => self.see(path.to_path_buf(), &metadata, around),
            Ok(None) => {
                if let Some(id) = self.names.remove(path) {
                    self.lose_name(path, id, around.now);
                }
            }
            Err(error) => self.complain(path, &error, around),
        }
    }

    /// A file is there under this name.
    pub(super) fn see(&mut self, path: PathBuf, metadata: &Metadata, around: &mut Around<'_>) {
        let (id, source) = (FileId::of(metadata), around.source);
        match self.names.insert(path.clone(), id) {
            Some(before) if before != id => self.lose_name(&path, before, around.now),
            Some(_) => {}
            None => self.walked.note_found(&self.discover, &path),
        }
        if !self.files.contains_key(&id) {
            let mut file = File::new(path.clone(), around.now);
            // A file that is known from before a restart is resumed, or found to be another, when it is opened.
            if around.contents.of(id).is_none() {
                file.note(FileEvent::Found, around);
            }
            debug!(source, path = %path.display(), "found");
            if !file.is_ignored() && self.queued() < self.open_files {
                file.hold(id);
            }
            self.files.insert(id, file);
        }
        let Some(file) = self.files.get_mut(&id) else { return };
        let is_there = |path: &Path| match self.discover.look(path) {
            Ok(Some(metadata)) => FileId::of(&metadata) == id,
            Ok(None) => false,
            Err(_) => true,
        };
        let is_moved = file.path != path && !(file.is_named && is_there(&file.path));
        if is_moved {
            file.note(FileEvent::Rotated, around);
            if around.lines.may_tell(around.now) {
                info!(source, from = %file.path.display(), to = %path.display(), "rotated");
            }
            file.note_rename(Look::of(metadata));
        }
        file.rename(path);
        // A turn has its new name committed.
        if file.see(Look::of(metadata), around.now) || is_moved {
            self.enqueue(id);
        }
    }

    /// The file is no longer called so; it may be seen under another name, or gone.
    pub(super) fn lose_name(&mut self, path: &Path, id: FileId, now: Moment) {
        if let Some(file) = self.files.get_mut(&id)
            && file.path == path
        {
            file.is_named = false;
            file.changed_at = now.steady;
            if !file.is_open() && self.discover.covers(path) {
                self.missing.push((id, path.to_path_buf()));
            }
            self.enqueue(id);
        }
    }

    /// Has the file wait for its turn. One that has it gets another.
    pub(super) fn enqueue(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(&id)
            && file.waits == Waits::No
        {
            if file.is_away() {
                file.waits = Waits::Again;
                return;
            }
            file.waits = Waits::InLine;
            self.queues[usize::from(file.pending_bytes() > TURN_BYTES)].push_back(id);
        }
    }

    /// What the file waited for is there.
    pub(super) fn enqueue_after(&mut self, id: FileId, waited_for: Waits) {
        if let Some(file) = self.files.get_mut(&id).filter(|file| file.waits == waited_for) {
            file.waits = Waits::No;
            self.enqueue(id);
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// The next file in line.
    fn dequeue(&mut self) -> Option<FileId> {
        self.next_queue = 1 - self.next_queue;
        self.queues[1 - self.next_queue].pop_front().or_else(|| self.queues[self.next_queue].pop_front())
    }

    /// Gives the next file in line its turn.
    pub fn next_turn(&mut self, around: &mut Around<'_>) -> Given {
        let Some(id) = self.dequeue() else { return Given::Nothing { caught_up: true } };
        let Some(mut file) = self.files.remove(&id) else { return Given::Nothing { caught_up: true } };
        file.waits = Waits::No;
        let work = if file.wants_step_ahead() { Work::StepAhead } else { Work::Turn };
        let mut behind = Vec::new();
        let mut others = Surroundings { files: &mut self.files, behind: &mut behind };
        let next = match work {
            Work::StepAhead => Ok(Next::Read),
            Work::Turn => file.caught(|file| file.prepare(id, around, &mut others)),
        };
        // Bytes that were only looked at are booked too.
        file.hand_out(around);
        let is_away = |id: &FileId| self.files.get(id).is_some_and(File::is_away);
        let waits_for_workers = !behind.is_empty() && behind.iter().all(is_away);
        behind.into_iter().for_each(|id| self.enqueue(id));
        let outcome = match next {
            Ok(Next::Read) => match std::mem::replace(&mut file.hand, Hand::Away) {
                Hand::Reading(reading) => {
                    let (context, expected) = (around.context.clone(), file.expected());
                    let is_known = around.contents.of(id).is_some_and(|content| content.head.tells());
                    self.files.insert(id, file);
                    self.away += 1;
                    return Given::Task(Task { file: id, reading, context, expected, is_known, work });
                }
                hand => {
                    file.hand = hand;
                    Ok(Turn::CaughtUp)
                }
            },
            Ok(Next::Nothing(turn)) => Ok(turn),
            Err(TailError::NoRoom) => Err(TailError::NoRoom),
            Err(TailError::TakesLong) => Ok(Turn::More),
            Err(error) => {
                file.fail(&error, around.now);
                Err(error)
            }
        };
        file.note_content(id, around);
        file.note_progress();
        if waits_for_workers && matches!(outcome, Ok(Turn::More)) {
            file.waits = Waits::Originals;
            self.files.insert(id, file);
            self.parked.push(id);
            return Given::Nothing { caught_up: false };
        }
        self.files.insert(id, file);
        Given::Nothing { caught_up: self.after_turn(id, outcome, around) }
    }

    /// Takes a file back from its turn; whether it has been read to its end.
    pub fn take_back(&mut self, done: Done, around: &mut Around<'_>) -> bool {
        let Done { file: id, reading, batch, work, outcome } = done;
        self.away -= 1;
        for parked in std::mem::take(&mut self.parked) {
            self.enqueue_after(parked, Waits::Originals);
        }
        let Some(file) = self.files.get_mut(&id) else { return true };
        if let (Some(batch), Some(reading)) = (batch, &reading) {
            file.rate.add(batch.read_bytes, around.now.steady);
            around.out.batch(batch, &file.path, reading.lineage());
        }
        file.hand = reading.map_or(Hand::Nothing, Hand::Reading);
        if work == Work::Turn {
            file.turned(id, &outcome, around);
        }
        // Excluded by a reload meanwhile: with a descriptor it would be followed as a renamed one.
        if !file.is_named && !self.discover.covers(file.own_path()) {
            file.close();
        }
        if file.reading().is_some_and(|reading| reading.options() != self.reading) {
            file.read_otherwise(Seen::OtherOptions);
            file.waits = Waits::Again;
        }
        self.after_turn(id, outcome, around)
    }

    /// Puts a file back after its turn, by what that came to; whether it has been read to its end.
    fn after_turn(&mut self, id: FileId, outcome: Result<Turn, TailError>, around: &mut Around<'_>) -> bool {
        let (Some(file), source) = (self.files.get_mut(&id), around.source) else { return true };
        let room = match outcome {
            Err(TailError::NoRoom) => Err(0),
            Err(_) => Ok(()),
            Ok(_) => file.hold_text(id, around),
        };
        if let Err(bytes) = room {
            self.await_room(id, bytes);
            return false;
        }
        let path = file.path.clone();
        let wanted = std::mem::replace(&mut file.waits, Waits::No) == Waits::Again;
        let more = matches!(outcome, Ok(Turn::More)) || wanted;
        match outcome {
            Ok(Turn::More) => {}
            Ok(Turn::CaughtUp) => {
                file.rest();
                let is_readable = !matches!(file.state, State::Unreadable(..));
                self.keep_open(id);
                let can_again = is_readable && self.complained.remove(&path).is_some();
                if can_again && around.lines.may_tell(around.now) {
                    info!(source, path = %path.display(), "can be read again");
                }
            }
            Err(error) if file.is_named && !is_gone(&error) => self.complain(&path, &error, around),
            Err(_) => {}
        }
        if more {
            self.spare(id);
            self.enqueue(id);
        }
        !more
    }

    /// What to show of the files.
    pub fn now(&self) -> FilesNow {
        let mut states = State::LABELS.map(|label| (label, 0));
        let mut pending_bytes = 0;
        for file in self.files.values() {
            let label = file.label();
            states.iter_mut().filter(|(known, _)| *known == label).for_each(|(_, count)| *count += 1);
            pending_bytes += file.pending_bytes();
        }
        let unreadable = self.walked.unreadable.keys().filter(|path| !self.names.contains_key(*path)).count();
        let label = |(label, _): &&mut (&str, u64)| *label == State::UNREADABLE;
        states.iter_mut().filter(label).for_each(|(_, count)| *count += unreadable as u64);
        FilesNow { states: states.to_vec(), pending_bytes, paths: Some(self.paths_now()) }
    }

    /// How each file fares.
    pub fn status(&self, source: &str, contents: &Contents, now: Moment) -> Vec<FileStatus> {
        let status = |(id, file): (&FileId, &File)| {
            let known = contents.of(*id).map(|content| &**content);
            file.status(source, known, self.complained.get(&file.path), now)
        };
        let place = |(path, error): (&PathBuf, &String)| FileStatus::of_unreadable(source, path, error);
        self.files.iter().map(status).chain(self.walked.unreadable.iter().map(place)).collect()
    }

    /// The ids of all files.
    pub(super) fn ids(&self) -> HashSet<FileId> {
        self.files.keys().copied().collect()
    }

    /// Says once what is wrong with a path, until it is something else.
    pub(super) fn complain(&mut self, path: &Path, error: &impl Display, around: &mut Around<'_>) {
        let error = error.to_string();
        let before = self.complained.insert(path.to_path_buf(), error.clone());
        if before.as_ref() != Some(&error) && around.lines.may_name(around.now) {
            warn!(source = around.source, path = %path.display(), error, "cannot read on; what came before is counted");
        }
    }
}

/// Whether the file is no longer where it was.
fn is_gone(error: &TailError) -> bool {
    matches!(error, TailError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}
