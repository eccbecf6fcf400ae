//! What files may hold while nothing is read of them: descriptors, buffers, and the memory of unpacking.

use super::around::Around;
use super::decide::Seen;
use super::file::{File, Hand, Waits};
use super::set::Files;
use crate::reading::Reading;
use crate::source::identity::FileId;
use crate::source::memory::{Claim, Memory, Room};

/// Descriptors that a source keeps open on files that may still grow, where there are enough; and on files that wait for
/// their turn.
pub const OPEN_FILES: usize = 256;
/// With more files in the midst of being read than this, each gives back its buffers between its turns.
const BUFFERED_FILES: usize = 64;
/// A file may hold so much of a record that is not whole without asking for room.
const FREE_TEXT_BYTES: u64 = 64 * 1024;

/// The text that a file holds between its turns: the beginning of a record that is not whole.
#[derive(Debug, Default)]
pub struct Held {
    /// Its room in the memory of all files.
    room: Option<Room>,
    /// The text was let go of, and is to be read again before the record is given up.
    is_let_go: bool,
}

/// A file that waits for memory.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    pub file: FileId,
    /// How much it needs, as far as that is known.
    pub bytes: u64,
}

impl Files {
    /// Keeps at most so many files open that may still grow, and as many that wait for their turn.
    pub fn keep_at_most(&mut self, open_files: usize) {
        self.open_files = open_files.min(OPEN_FILES);
    }

    /// Whether files wait for memory.
    pub fn waits_for_room(&self) -> bool {
        !self.without_room.is_empty()
    }

    /// Gives back the memory that files hold and do not need now.
    pub fn shed(&mut self, around: &Around<'_>) {
        for (id, file) in &mut self.files {
            file.shed();
            file.shed_text(*id, around);
        }
    }

    /// There may be room: of those that wait for it, as many have their turn as it is enough for.
    pub fn try_for_room(&mut self, memory: &Memory) {
        let mut free = memory.free();
        for waiting in std::mem::take(&mut self.without_room) {
            match free.checked_sub(waiting.bytes) {
                None => {
                    memory.still_wanted(waiting.bytes);
                    self.without_room.push(waiting);
                }
                Some(left) => {
                    free = left;
                    self.enqueue_after(waiting.file, Waits::Room);
                }
            }
        }
    }

    /// Has the file wait until there is room for so many bytes.
    pub(super) fn await_room(&mut self, id: FileId, bytes: u64) {
        if let Some(file) = self.files.get_mut(&id) {
            file.waits = Waits::Room;
            file.rest();
            self.without_room.push(Waiting { file: id, bytes });
        }
    }

    /// Has a file that waits for its next turn take little where many do.
    pub(super) fn spare(&mut self, id: FileId) {
        let queued = self.queued();
        let Some(file) = self.files.get_mut(&id) else { return };
        if queued >= BUFFERED_FILES {
            file.rest();
        }
        if queued >= self.open_files && file.is_named {
            file.close();
        }
    }

    /// Keeps the descriptor, so that a file that loses its name can be read to its end; closes the longest idle one
    /// when there are too many.
    pub(super) fn keep_open(&mut self, id: FileId) {
        if let Some(place) = self.idle.iter().position(|other| *other == id) {
            self.idle.remove(place);
        }
        self.idle.push_back(id);
        while self.idle.len() > self.open_files {
            // One that waits for its turn, or has it, comes back here after it.
            let idle = self.idle.pop_front().and_then(|id| self.files.get_mut(&id));
            idle.filter(|file| !file.is_waiting()).map(File::close);
        }
    }
}

impl File {
    /// After a turn: finds room for the text that the file holds. Where there is none, lets go of it, and returns how much
    /// that was.
    pub fn hold_text(&mut self, id: FileId, around: &Around<'_>) -> Result<(), u64> {
        self.held.is_let_go = false;
        let bytes = self.reading().map_or(0, |reading| reading.tail.text().len() as u64);
        let has_room =
            self.held.room.as_ref().is_some_and(|room| (bytes..=2 * bytes).contains(&room.bytes()));
        if has_room {
            return Ok(());
        }
        self.held.room = None;
        if bytes <= FREE_TEXT_BYTES {
            return Ok(());
        }
        match around.memory.claim(bytes) {
            Claim::Granted(room) => self.held.room = Some(room),
            // The configuration sees to it that there is so much for one record.
            Claim::Never => {}
            Claim::Later => {
                self.let_go_of_text(id, around);
                return Err(bytes);
            }
        }
        Ok(())
    }

    /// Gives the room of the text that the file holds to others, once it was looked at what may be made of that text. It is
    /// read again when the file changes, and before the record is given up.
    fn shed_text(&mut self, id: FileId, around: &Around<'_>) {
        let Some(reading) = self.reading().filter(|reading| reading.was_ending_looked_at()) else { return };
        let is_let_go = !reading.is_unfinished_rejected();
        if !self.is_waiting() && self.held.room.is_some() {
            self.let_go_of_text(id, around);
            self.held = Held { room: None, is_let_go };
        }
    }

    /// Whether text was let go of that is to be looked at once more; it is then taken to be read.
    pub fn takes_text_back(&mut self) -> bool {
        std::mem::take(&mut self.held.is_let_go)
    }

    /// Goes back to where the record begins that is not whole: the same reading again as after a restart.
    fn let_go_of_text(&mut self, id: FileId, around: &Around<'_>) {
        let anew = match (self.reading(), self.content()) {
            (Some(reading), Some(content)) if reading.may_begin_again() => {
                let file = self.opened(id);
                let resume = |file| Reading::resume(file, reading.options(), &content, around.memory);
                file.and_then(resume).ok().flatten()
            }
            _ => None,
        };
        match anew {
            Some(reading) => self.hand = Hand::Reading(Box::new(reading)),
            None => self.read_otherwise(Seen::OtherOptions),
        }
        self.note_progress();
    }
}
