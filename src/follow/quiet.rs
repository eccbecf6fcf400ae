//! Looking after files that nobody writes to: what their end holds, and when they are let go.

use std::time::Duration;

use tracing::{info, warn};

use super::around::Around;
use super::decide::{Action, Seen, State};
use super::file::{File, Hand};
use super::set::Files;
use crate::ledger::FileEvent;
use crate::reading::{Reading, Turn};
use crate::source::identity::FileId;
use crate::source::tail::TailError;

/// How long a writer is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A file to which nobody wrote for so long is taken to be complete.
    pub quiet: Duration,
    /// A record whose end was not written for so long is rejected.
    pub unfinished_after: Duration,
}

/// What comes of looking after a quiet file.
enum Tidied {
    Nothing,
    /// It is to have a turn.
    Again,
    /// It is gone.
    Gone,
    /// Something of its end was taken.
    Taken,
}

impl Files {
    /// Looks after files that are quiet: takes what can be read of their end, lets go of files that are gone; to follow a
    /// renamed one costs no more than a descriptor. Returns whether anything came of it.
    pub fn tidy(&mut self, around: &mut Around<'_>) -> bool {
        // At most so often, as it may mean to go through large folders; and before anything is taken for removed.
        let mut any = self.find_renamed(around);
        around.lines.say_rest(around.source, around.now);
        for id in self.ids() {
            let Some(file) = self.files.get_mut(&id) else { continue };
            let quiet_for = around.now.since(file.changed_at);
            if file.is_waiting() || file.is_away() || quiet_for < around.patience.quiet {
                continue;
            }
            let belongs = self.discover.covers(file.own_path());
            match file.caught(|file| Ok(file.tidy(id, around, quiet_for, belongs))) {
                Err(error) => {
                    file.fail(&error, around.now);
                    let path = file.path.clone();
                    self.complain(&path, &error, around);
                }
                Ok(Tidied::Nothing) => {}
                Ok(Tidied::Again) => self.enqueue(id),
                Ok(Tidied::Gone) => {
                    self.let_go(id, around);
                    any = true;
                }
                Ok(Tidied::Taken) => any = true,
            }
        }
        any
    }

    /// The file is gone; a copy of it may come yet.
    fn let_go(&mut self, id: FileId, around: &mut Around<'_>) {
        self.idle.retain(|other| *other != id);
        if let Some(file) = self.files.remove(&id) {
            self.complained.remove(&file.path);
            file.note_content(id, around);
            around.contents.retire(id);
            around.out.event(FileEvent::Removed, around.now.wall);
        }
    }
}

impl File {
    fn tidy(&mut self, id: FileId, around: &mut Around<'_>, quiet_for: Duration, belongs: bool) -> Tidied {
        let patience = around.patience;
        let out_of_sight = self.out_of_sight(around.now);
        // The system may not have said yet what we see here.
        let has_more = out_of_sight.is_some_and(|file| file.has_grown)
            || self.awaits_more() && self.look_again(id, around.now);
        let is_due = self.state == State::AwaitingOriginals
            || self.is_hole_filled()
            || self.may_be_filled_unseen(around.now);
        if has_more || is_due || self.has_rested_damaged(around.now) || self.restart_as_no_copy(id, around) {
            return Tidied::Again;
        }
        if !self.is_named && !out_of_sight.is_some_and(|file| file.is_linked) {
            // A file that is excluded now may be included later.
            if belongs && !self.is_ignored() {
                self.finish(around, around.contents.of(id).is_some());
            }
            return Tidied::Gone;
        }
        let is_old = self.look.is_older_than(patience.unfinished_after, around.now.wall);
        let given_up = quiet_for >= patience.unfinished_after || is_old && self.is_at_hole();
        let is_due = given_up && (self.give_up_hole(around) || self.takes_text_back());
        if is_due || self.begin_due_check(quiet_for, around) {
            return Tidied::Again;
        }
        if self.take_ending(around, given_up) {
            self.note_content(id, around);
            self.note_progress();
            self.rest();
            return Tidied::Taken;
        }
        Tidied::Nothing
    }

    /// A file that is as long as it gets and does not show whether it is a copy is read from its beginning. Whether this is one.
    fn restart_as_no_copy(&mut self, id: FileId, around: &mut Around<'_>) -> bool {
        if self.look.size == 0 || !matches!(self.state, State::Probing | State::CutCopy(_)) {
            return false;
        }
        // A compressed file of which nothing can be unpacked yet has nothing to count either; of an archive it is said. Of what was taken
        // for a cut copy, all text was passed over.
        let shows_nothing = |reading: &Reading| reading.tail.text().is_empty() && !reading.tail.is_archive();
        let is_probing = self.state == State::Probing;
        if is_probing && self.reading().is_some_and(shows_nothing) && !self.is_at_hole() {
            return false;
        }
        let own = Self::own(id, around.contents);
        let actions = self.decide(Seen::Quiet { remembered: around.context.remembers, own });
        if !actions.contains(&Action::Restart) {
            return false;
        }
        if let Err(error) = self.act(actions, id, around) {
            self.fail(&error.into(), around.now);
        }
        true
    }

    /// Takes what can be read of the end though it does not end as it should; whether there was anything.
    fn take_ending(&mut self, around: &mut Around<'_>, given_up: bool) -> bool {
        let Hand::Reading(reading) = &mut self.hand else { return false };
        let any = self.state.is_read() && reading.quiet(around.context, given_up);
        self.hand_out(around);
        any | self.note_unrecognised(around)
    }

    /// Drains a deleted file through its open descriptor; whether something `is_known` of what it held.
    fn finish(&mut self, around: &mut Around<'_>, is_known: bool) {
        let (source, size) = (around.source, self.look.size);
        let is_read = self.state.is_read();
        let path = self.path.clone();
        let Hand::Reading(reading) = &mut self.hand else {
            match size > 0 && !is_known {
                true if around.lines.may_name(around.now) => {
                    warn!(source, path = %path.display(), size, "removed before it could be read: nothing of it is counted");
                }
                false if around.lines.may_tell(around.now) => {
                    info!(source, path = %path.display(), "removed")
                }
                _ => {}
            }
            return;
        };
        let ended = if is_read { drain(reading, around, &path) } else { Ok(()) };
        match ended {
            Err(error) if around.lines.may_name(around.now) => {
                warn!(source, path = %path.display(), %error, "removed before its end could be read");
            }
            Ok(()) if around.lines.may_tell(around.now) => info!(source, path = %path.display(), "removed"),
            _ => {}
        }
    }
}

fn drain(reading: &mut Reading, around: &mut Around<'_>, path: &std::path::Path) -> Result<(), TailError> {
    reading.tail.leave_long_steps(false);
    loop {
        let turn = reading.finish(around.context);
        if let Some(batch) = reading.take_batch() {
            around.out.batch(batch, path, reading.lineage());
        }
        if turn? == Turn::CaughtUp {
            return Ok(());
        }
    }
}
