//! Looking after files that nobody writes to: what their end holds, and when they are let go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entry::Entry;
use super::{Files, note_retired};
use crate::call::UnixMillis;
use crate::ledger::{Decision, FileEvent, Ledger};
use crate::pipeline::booking::Books;
use crate::pipeline::rejected::{Log, Page};
use crate::reading::Content;
use crate::source::identity::FileId;

/// How long a writer is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A file to which nobody wrote for so long is taken to be complete.
    pub quiet: Duration,
    /// A record whose end was not written for so long is rejected.
    pub unfinished_after: Duration,
}

impl Files {
    /// Looks after files that are quiet: takes what can be read of their end, lets go of files that are gone; to follow a
    /// renamed one costs no more than a descriptor. Returns whether anything came of it.
    pub fn tidy(
        &mut self,
        ledger: &mut Ledger,
        mut log: Option<&mut Log>,
        now: UnixMillis,
        patience: Patience,
    ) -> bool {
        // At most so often, as it may mean to go through large folders; and before anything is taken for removed.
        self.find_renamed(&mut Books { ledger, source: self.source, now, rejected: None });
        let quiet =
            |(_, entry): &(&FileId, &mut Entry)| !entry.queued && entry.grew.elapsed() >= patience.quiet;
        let remembered = ledger.remembers(self.source);
        let (mut again, mut gone, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (id, entry) in self.entries.iter_mut().filter(quiet) {
            let path = if log.is_some() { entry.path.clone() } else { PathBuf::new() };
            let rejected = log.as_deref_mut().map(|log| Page { log, source: &self.name, path: &path });
            let mut books = Books { ledger, source: self.source, now, rejected };
            let out_of_sight = entry.out_of_sight();
            // The system may not have said yet what we see here.
            let has_more =
                out_of_sight.is_some_and(|file| file.grew) || entry.awaits_more() && entry.has_changed(*id);
            let own = || Some((*id, Content::clone(self.known.content(*id)?)));
            if has_more || entry.is_no_copy(own, self.reading, remembered) {
                again.push(*id);
            } else if !entry.named && !out_of_sight.is_some_and(|file| file.linked) {
                // What belongs here no more may do so again.
                if self.discover.covers(entry.own_path()) {
                    entry.finish(&mut books, &self.name, self.known.content(*id).is_some());
                }
                gone.push(*id);
            } else if entry.quiet(&mut books, &self.name, entry.grew.elapsed() >= patience.unfinished_after) {
                taken.push((*id, entry.content()));
                entry.rest();
            }
        }
        let any = !gone.is_empty() || !taken.is_empty();
        for id in again {
            self.enqueue(id);
        }
        for id in gone {
            self.let_go(id, ledger);
        }
        for (id, content) in taken {
            self.uncommitted.insert(id);
            if let Some(content) = content {
                self.known.set(id, content);
            }
        }
        any
    }

    /// The file is gone; a copy of it may come yet.
    fn let_go(&mut self, id: FileId, ledger: &mut Ledger) {
        self.idle.retain(|other| *other != id);
        self.uncommitted.remove(&id);
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Some(content) = entry.content() {
            self.known.set(id, content);
        }
        self.was_removed(id, &entry.path, entry.decision, ledger);
    }

    /// What was known of a file that is gone stays known for a copy of it.
    pub(super) fn was_removed(
        &mut self,
        id: FileId,
        path: &Path,
        decision: Option<Decision>,
        ledger: &mut Ledger,
    ) {
        if let Some(retired) = self.known.retire(id) {
            note_retired(retired, path, decision, self.source, ledger);
        }
        ledger.set_file(self.source, id, None);
        ledger.file_event(self.source, FileEvent::Removed);
    }
}
