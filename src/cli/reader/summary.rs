//! What was found in one file.

use crate::call::{UnixMillis, UnreadField, UnreadTime};
use crate::ledger::Applied;
use crate::ledger::snapshot::RecordCounts;
use crate::reading::Batch;
use crate::reading::batch::Rejected;
use crate::reading::sums::wider;

/// How many rejected records of a file are shown.
const REJECTED_SHOWN: usize = 3;

/// What was found in one file, for people to look at.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub records: RecordCounts,
    /// End of the earliest and of the latest call.
    pub calls: Option<(UnixMillis, UnixMillis)>,
    /// What the ignored records are.
    pub ignored_are: Option<&'static str>,
    /// The first few rejected records.
    pub rejected: Vec<Rejected>,
    /// How many calls have a field that could not be read, in the order of [`UnreadField::ALL`].
    pub unread: [u64; UnreadField::ALL.len()],
    /// Why the first of the times among them could not be read.
    pub unread_time: Option<UnreadTime>,
}

impl Summary {
    /// Whether there were records, and none of them was a call.
    pub fn has_no_call(&self) -> bool {
        let RecordCounts { counted, duplicate, rejected, .. } = self.records;
        counted + duplicate == 0 && (rejected > 0 || self.ignored_are.is_some())
    }

    /// Adds a batch, and what the ledger made of its calls.
    pub fn add(&mut self, batch: &Batch, applied: Applied) {
        let records = &mut self.records;
        records.counted += applied.counted;
        records.duplicate += applied.duplicate;
        records.header += batch.records.header;
        records.ignored += batch.records.ignored + applied.joined;
        records.rejected += batch.records.rejected;
        self.ignored_are = self.ignored_are.or(batch.ignored_are);
        let ends = batch.attempts.iter().filter_map(|it| it.ended_at).map(|at| (at, at));
        self.calls = self.calls.into_iter().chain(batch.calls.span).chain(ends).reduce(wider);
        self.rejected.extend_from_slice(&batch.rejected);
        self.rejected.truncate(REJECTED_SHOWN);
        let calls = batch.calls.all();
        self.unread.iter_mut().zip(calls.unread).for_each(|(own, count)| *own += count);
        self.unread_time = self.unread_time.or(calls.unread_time);
        for attempted in &batch.attempts {
            let counts = self.unread.iter_mut().zip(UnreadField::ALL);
            counts.for_each(|(count, field)| *count += u64::from(attempted.unread.has(field)));
            self.unread_time = self.unread_time.or(attempted.unread.time());
        }
    }
}
