//! What files may hold while nothing is read of them: descriptors, buffers, and the memory of unpacking.

use super::file::File;
use super::set::Files;
use crate::source::identity::FileId;

/// Descriptors that a source keeps open on files that may still grow, where there are enough; and on files that wait for
/// their turn.
pub const OPEN_FILES: usize = 256;
/// With more files in the midst of being read than this, each gives back its buffers between its turns.
const BUFFERED_FILES: usize = 64;

impl Files {
    /// Keeps at most so many files open that may still grow, and as many that wait for their turn.
    pub fn keep_at_most(&mut self, open_files: usize) {
        self.open_files = open_files.min(OPEN_FILES);
    }

    /// Whether files wait for memory.
    pub fn waits_for_room(&self) -> bool {
        !self.without_room.is_empty()
    }

    /// Gives back the memory of unpacking that files hold and do not need now.
    pub fn shed(&mut self) {
        self.files.values_mut().for_each(File::shed);
    }

    /// There may be room: those that wait for it have their turn.
    pub fn try_for_room(&mut self) {
        for id in std::mem::take(&mut self.without_room) {
            self.files.get_mut(&id).into_iter().for_each(|file| file.is_queued = false);
            self.enqueue(id);
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
            idle.filter(|file| !file.is_queued).map(File::close);
        }
    }
}
