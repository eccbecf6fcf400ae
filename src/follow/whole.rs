//! Whether a file still holds what was read of it where nobody looks any more, and what became of its holes.
//!
//! Size and times are compared first. Where they changed, the whole text is read once more when the file is quiet, a large
//! one after longer than a small one, so that looking costs little beside what is written.

use std::io;
use std::time::Duration;

use tracing::{info, warn};

use super::around::Around;
use super::decide::{Action, Before, Seen, State};
use super::file::{File, Hand, Waits};
use super::look::Look;
use crate::clock::Moment;
use crate::ledger::FileEvent;
use crate::reading::Reading;
use crate::source::identity::{FileId, Stamp};

/// A file is quiet for so much longer before it is read once more as it has times this much.
const CHECKED_BYTES: u64 = 1024 * 1024;

/// A file whose times are no older than this may be written to once more without a new time.
const SAME_TIME: Duration = Duration::from_secs(2);

/// What is known of all of a file's text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whole {
    /// As in [`crate::ledger::KnownFile`].
    pub stamp: Option<Stamp>,
    check: Check,
    /// What the file was like when nothing was found behind a hole where it waited, and where that begins.
    searched: Option<(Stamp, u64)>,
    /// What the file was like when it turned out to be of no format we know; `None` where that is to be found out once more.
    unrecognised: Option<Stamp>,
    /// What was told of that.
    told: Option<&'static str>,
    /// Whether the times that were last seen were no older than the look itself.
    is_fresh: bool,
}

/// How far the comparison of the file with what was read of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Check {
    #[default]
    Not,
    /// What the file was like when it began, if nobody wrote to it just then.
    Begun(Option<Stamp>),
    /// The file holds another text.
    Different,
}

impl Whole {
    /// Whether a check has shown that the file holds another text.
    pub fn is_other(&self) -> bool {
        self.check == Check::Different
    }
}

impl File {
    /// The file is opened for the first time, or anew.
    pub fn note_beginning(&mut self, before: Before, id: FileId, around: &Around<'_>) {
        let look = self.open_file().and_then(|file| Look::at_open(file).ok());
        let look = look.filter(|look| look.is_older_than(SAME_TIME, around.now.wall));
        self.whole.stamp = match before {
            Before::Nothing | Before::Other => look.map(|look| look.stamp()),
            Before::Same | Before::Unclear => around.contents.file(id).and_then(|file| file.whole),
        };
        self.whole.check = Check::Not;
    }

    /// The file has another name: that alone changes one of its times.
    pub fn note_rename(&mut self, look: Look) {
        if !self.look.is_as_written(&look) {
            return;
        }
        let before = Some(self.look.stamp());
        if self.whole.stamp == before {
            self.whole.stamp = Some(look.stamp());
        }
        if let Some(damage) = self.damage.as_mut().filter(|damage| Some(damage.look.stamp()) == before) {
            damage.look = look;
        }
    }

    /// Whether it is still as it was when its damage was found.
    pub fn is_as_damaged(&self) -> bool {
        self.damage.is_some_and(|damage| damage.look.stamp() == self.look.stamp())
    }

    /// It is of no format we know, as it is now; whether this explanation is to be told.
    pub fn note_foreign(&mut self, explanation: &'static str) -> bool {
        self.whole.unrecognised = Some(self.look.stamp());
        self.whole.told.replace(explanation) != Some(explanation)
    }

    /// If it is of no format we know another time, that is told anew.
    pub fn tell_anew(&mut self) {
        self.whole.told = None;
    }

    /// Whether a file that was not recognised was written to where it was looked at, as one that had its full size before
    /// its content. Its end alone would not show that.
    pub fn was_foreign_filled(&self) -> bool {
        self.whole.unrecognised.is_none_or(|then| then.size == self.look.size && then != self.look.stamp())
            || self.reading().is_some_and(Reading::is_unread_hole_filled)
    }

    /// A look shows other times or another size than the one before.
    pub fn note_change(&mut self, now: Moment) {
        self.whole.is_fresh = !self.look.is_older_than(SAME_TIME, now.wall);
    }

    /// Whether bytes that were missing may be there by now though no look shows it: the system sets the times of a file
    /// before it has the bytes that are written, so what was read of it may be older than the times that were seen with it.
    /// True once after each change, when its times are old.
    pub fn may_be_filled_unseen(&mut self, now: Moment) -> bool {
        if !self.whole.is_fresh || !self.look.is_older_than(SAME_TIME, now.wall) {
            return false;
        }
        self.whole.is_fresh = false;
        let misses_bytes = self.reading().is_some_and(Reading::misses_bytes);
        if misses_bytes {
            self.whole.unrecognised = None;
            if let Some(damage) = &mut self.damage {
                damage.look = Look::NONE;
            }
        }
        misses_bytes || self.awaits_more()
    }

    /// Whether it waits for bytes that are not written yet.
    pub fn is_at_hole(&self) -> bool {
        self.reading().is_some_and(|reading| reading.tail.holes.at.is_some())
    }

    /// Before a turn: holes in a file that nobody has written to for long are none to wait at; and where one that was given
    /// up is filled, all of the file is to be compared before that is read.
    pub fn look_at_holes(&mut self, around: &Around<'_>) -> io::Result<()> {
        let is_old = self.look.is_older_than(around.patience.unfinished_after, around.now.wall);
        let Hand::Reading(reading) = &mut self.hand else { return Ok(()) };
        if is_old && reading.tail.read_bytes() == 0 {
            reading.tail.pass_holes()?;
        }
        if reading.can_be_checked() && reading.has_filled_hole()? {
            self.begin_check(around.now)?;
        }
        Ok(())
    }

    /// Begins to compare what the file holds with what was read of it.
    fn begin_check(&mut self, now: Moment) -> io::Result<()> {
        let Hand::Reading(reading) = &mut self.hand else { return Ok(()) };
        if let Some(file) = reading.tail.file() {
            let look = Look::at_open(file)?;
            let is_quiet =
                look == self.look && !self.whole.is_fresh || look.is_older_than(SAME_TIME, now.wall);
            self.whole.check = Check::Begun(is_quiet.then(|| look.stamp()));
            reading.begin_check()?;
        }
        Ok(())
    }

    /// Begins to compare all of a file that is quiet, where that is due; whether it is.
    pub fn begin_due_check(&mut self, quiet_for: Duration, around: &Around<'_>) -> bool {
        let patience = around.patience;
        let times = u32::try_from(self.look.size / CHECKED_BYTES).unwrap_or(u32::MAX).saturating_add(1);
        let wanted = patience.quiet.saturating_mul(times).min(patience.unfinished_after.max(patience.quiet));
        let is_due = quiet_for >= wanted && self.whole.stamp != Some(self.look.stamp());
        let can = self.state == State::CaughtUp && self.reading().is_some_and(Reading::can_be_checked);
        is_due && can && self.begin_check(around.now).is_ok()
    }

    /// What came of comparing, and of holes, in a turn.
    pub fn note_checked(&mut self, id: FileId, around: &mut Around<'_>) {
        let Hand::Reading(reading) = &mut self.hand else { return };
        let (filled, checked) = (reading.take_filled(), reading.take_checked());
        for _ in 0..filled {
            self.decide(Seen::HoleFilled).into_iter().for_each(|action| {
                if let Action::Event(event) = action {
                    self.note(event, around);
                }
            });
        }
        if filled > 0 {
            if around.lines.may_tell(around.now) {
                let (source, path) = (around.source, self.path.display());
                info!(source, %path, holes = filled, "{}: what was missing is read", FileEvent::HoleFilled.label());
            }
            self.note_content(id, around);
        }
        match checked {
            Some(true) => {
                if let Check::Begun(stamp @ Some(_)) = std::mem::take(&mut self.whole.check) {
                    self.whole.stamp = stamp;
                }
                self.note_content(id, around);
            }
            Some(false) => (self.whole.check, self.waits) = (Check::Different, Waits::Again),
            None => {}
        }
    }

    /// The hole where reading waits is given up where something stands behind it. Whether that is to be read now.
    pub fn give_up_hole(&mut self, around: &Around<'_>) -> bool {
        let Hand::Reading(reading) = &mut self.hand else { return false };
        let Some(at) = reading.tail.holes.at else { return false };
        let here = Some((self.look.stamp(), at));
        if self.whole.searched == here {
            return false;
        }
        let has_more = reading.tail.pass_holes().unwrap_or(false);
        self.whole.searched = here.filter(|_| !has_more);
        if has_more {
            let (source, path) = (around.source, self.path.display());
            warn!(source, %path, at, "bytes were not written for longer than unfinished_after: what stands behind them is read; if they are written, they count");
        }
        has_more
    }

    /// Whether the hole where reading waits was filled, or one for which the file was not recognised, which the system may not
    /// have said.
    pub fn is_hole_filled(&self) -> bool {
        self.reading().is_some_and(|reading| reading.tail.is_hole_filled() || reading.is_unread_hole_filled())
    }

    /// What is missing of the file, for people.
    pub fn missing(&self) -> Option<String> {
        let reading = self.reading()?;
        let given_up = reading.given_up_bytes();
        match reading.tail.holes.at {
            Some(at) => Some(format!("waits for the bytes from {at} on, which are not written yet")),
            None if given_up > 0 => Some(format!("{given_up} bytes were never written, and were given up")),
            None => None,
        }
    }
}
