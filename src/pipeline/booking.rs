//! Batches into the ledger, and what was found out about files.

use super::rejected::Page;
use crate::call::UnixMillis;
use crate::ledger::{Decision, FileEvent, Ledger, SourceIndex};
use crate::reading::{Context, Reading};

/// Where the records of a file are booked, and at what time.
pub struct Books<'l> {
    pub ledger: &'l mut Ledger,
    pub source: SourceIndex,
    pub now: UnixMillis,
    /// Takes a copy of what is rejected, where that is wanted.
    pub rejected: Option<Page<'l>>,
}

impl Books<'_> {
    /// What reading needs to know.
    pub fn context(&self) -> Context {
        self.ledger.context(self.source, self.now, self.rejected.is_some())
    }

    /// Books what was read since this was last done.
    pub fn book(&mut self, reading: &mut Reading) {
        let Some(batch) = reading.take_batch() else { return };
        self.ledger.apply(self.source, &batch);
        if let Some(page) = &mut self.rejected {
            batch.rejected.iter().for_each(|rejected| page.take(self.now, reading.lineage(), rejected));
        }
    }

    /// Books what was found out about a file.
    pub fn file_event(&mut self, event: FileEvent) -> Decision {
        self.ledger.file_event(self.source, event);
        Decision { event, at: self.now }
    }
}
