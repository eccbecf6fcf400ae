//! Turns: which file has one, who reads it, and how what came of it is counted.

use std::time::Duration;

use tracing::warn;

use super::workers::{Job, Turned};
use super::{Followed, Pipeline};
use crate::clock::Moment;
use crate::follow::{Around, Done, Files, Given, Outbox, Work};
use crate::reading::Batch;
use crate::reading::overlap::Overlap;
use crate::source::memory::Claim;

/// A file with no more than this to read is read by the loop itself: to hand it over would take longer. On a drive that may not
/// answer one day, any is handed over: a worker that waits for ever keeps nobody else waiting.
const WORTH_A_WORKER: u64 = 64 * 1024;
/// How often ids past remembering are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

impl Pipeline {
    /// Files that wait for memory have what others hold and do not need, and their turn once any became free.
    fn make_room(&mut self) {
        if !self.sources.iter().any(|source| source.files.waits_for_room()) {
            return;
        }
        let now = (self.clock)();
        for place in 0..self.sources.len() {
            self.with(place, now, |files, around| files.shed(around));
        }
        let released = self.memory.released();
        if self.released != released {
            self.released = released;
            for place in 0..self.sources.len() {
                self.with(place, now, |files, around| files.try_for_room(around.memory));
            }
        }
    }

    pub(super) fn read_on(&mut self) {
        self.make_room();
        for place in 0..self.sources.len() {
            if self.sources[place].is_waiting() {
                self.give_a_turn(place);
            }
        }
        let now = (self.clock)();
        if now.since(self.tidied) >= self.tidy_every() {
            self.tidied = now.steady;
            let mut tidied = false;
            for place in 0..self.sources.len() {
                tidied |= self.sources[place].is_tidied_at_any_time() && self.tidy(place, now);
            }
            tidied |= self.decide_attempts(now);
            if tidied {
                self.commit();
            }
        }
        if now.since(self.forgot) >= FORGET_EVERY {
            self.forgot = now.steady;
            self.ledger.forget(now.wall);
        }
        self.commit_if_due();
    }

    /// Counts calls of which no attempt came in time; whether there were any. What was written while nothing could be read, on a full disk
    /// or while the process was stopped, came in time: so nothing is decided before all is read, and then as of the look before.
    fn decide_attempts(&mut self, now: Moment) -> bool {
        let mut decided = false;
        for followed in self.sources.iter_mut().filter(|followed| !followed.is_behind()) {
            if let Some(read) = followed.all_read.replace(now.wall) {
                decided |= self.ledger.decide_attempts(followed.index, read, now.wall);
            }
        }
        decided
    }

    /// Looks after the quiet files of a source; whether anything came of it.
    pub(super) fn tidy(&mut self, place: usize, now: Moment) -> bool {
        self.with(place, now, Files::tidy)
    }

    /// Gives a file of this source its turn. Much is read by a worker, if one is free.
    fn give_a_turn(&mut self, place: usize) {
        let now = (self.clock)();
        match self.with(place, now, Files::next_turn) {
            Given::Task(task) => {
                let source = self.sources[place].number;
                let is_worth_it = task.expected > WORTH_A_WORKER || self.sources[place].is_elsewhere();
                let is_worth_it = is_worth_it && task.is_known;
                let takes_long = task.takes_long() && (task.work == Work::StepAhead || task.is_known);
                match &mut self.workers {
                    // However many wait for them already.
                    Some(workers) if takes_long => workers.give(Job { source, task, room: None }),
                    Some(workers) if is_worth_it && workers.has_room() => {
                        match self.memory.claim(task.memory_bytes()) {
                            Claim::Granted(room) => workers.give(Job { source, task, room: Some(room) }),
                            Claim::Later | Claim::Never => self.take_back(place, task.run_short()),
                        }
                    }
                    Some(_) => self.take_back(place, task.run_short()),
                    None => self.take_back(place, task.run()),
                }
            }
            Given::Nothing { caught_up } => self.note_work(caught_up),
        }
    }

    /// A worker has done a turn.
    pub(super) fn turned(&mut self, Turned { source, done, room }: Turned) {
        if let Some(workers) = &mut self.workers {
            workers.took_back();
        }
        // A source that is gone has its files no more: what was read of one is not counted.
        if let Some(place) = self.sources.iter().position(|followed| followed.number == source) {
            self.take_back(place, done);
        }
        drop(room);
    }

    fn take_back(&mut self, place: usize, done: Done) {
        let now = (self.clock)();
        let caught_up = self.with(place, now, |files, around| files.take_back(done, around));
        self.note_work(caught_up);
    }

    /// Something is to be committed.
    pub(super) fn note_work(&mut self, caught_up: bool) {
        self.one_caught_up |= caught_up;
        self.uncommitted.get_or_insert((self.clock)().steady);
    }

    /// Looks after the files of a source, and counts what comes of it.
    pub(super) fn with<T>(
        &mut self,
        place: usize,
        now: Moment,
        work: impl FnOnce(&mut Files, &mut Around<'_>) -> T,
    ) -> T {
        let Followed { name, index, files, overlap, lines, .. } = &mut self.sources[place];
        let context = self.ledger.context(*index, now.wall, self.rejected.is_some());
        let mut out = Outbox::default();
        let mut around = Around {
            source: name,
            options: files.options(),
            memory: &self.memory,
            contents: self.ledger.contents_mut(*index),
            context: &context,
            now,
            patience: self.patience,
            lines,
            out: &mut out,
        };
        let result = work(files, &mut around);
        for event in out.events {
            self.ledger.file_event(*index, event);
        }
        for read in out.reads {
            self.ledger.apply(*index, &read.batch);
            self.refusals.take(name, &read);
            say_twice(name, overlap, &read.batch);
            if let Some(log) = &mut self.rejected {
                log.take(name, &read, now.wall);
            }
        }
        result
    }
}

/// Says once of a source that the same calls seem to come in two formats.
fn say_twice(source: &str, overlap: &mut Option<Overlap>, batch: &Batch) {
    let Some(noted) = overlap else { return };
    noted.add(batch);
    if let Some(twice) = noted.twice() {
        warn!(source, "{}", twice.sentence());
        *overlap = None;
    }
}
