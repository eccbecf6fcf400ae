//! Decoded records into the books: each in exactly one bucket, in the ledger and in its file's summary.

use std::sync::Arc;
use std::time::Duration;

use super::rejected::Page;
use crate::call::{Call, UnixMillis};
use crate::decode::{Decoded, Reason};
use crate::ledger::snapshot::RecordCounts;
use crate::ledger::{AT_ONCE, Decision, FileEvent, Ledger, SourceIndex};
use crate::source::identity::Records;

/// How many rejected records a [`Summary`] holds.
const REJECTED_KEPT: usize = 3;

/// Where the records of a file are booked, and at what time.
pub struct Books<'l> {
    pub ledger: &'l mut Ledger,
    pub source: SourceIndex,
    pub now: UnixMillis,
    /// Takes a copy of what is rejected, where that is wanted.
    pub rejected: Option<Page<'l>>,
}

/// One record of a text, or what stands in the place of one.
#[derive(Debug)]
pub struct Record<'r> {
    pub decoded: Decoded<'r>,
    /// Offset of its first byte in the text.
    pub position: u64,
    /// As it stands there; nothing where it is too long.
    pub text: &'r [u8],
}

impl<'r> Record<'r> {
    /// The call, if it is one.
    fn call(&self) -> Option<&Call<'r>> {
        match &self.decoded {
            Decoded::Call(call) => Some(call),
            Decoded::Header | Decoded::Ignored | Decoded::Rejected(_) => None,
        }
    }
}

impl Books<'_> {
    /// Books records of a text of this lineage, each in exactly one bucket. More than [`AT_ONCE`] are not looked at
    /// together. Returns a bit for each, the first one lowest: whether it is a call that was counted, no duplicate.
    pub fn book(&mut self, records: &[Record<'_>], lineage: u64, live_within: Duration) -> u64 {
        debug_assert!(records.len() <= AT_ONCE);
        let ids = records.iter().filter_map(Record::call).map(|call| call.record_id);
        let mut new = self.ledger.are_new(self.source, ids, self.now);
        let catalogue = Arc::clone(self.ledger.catalogue());
        let mut counted = 0;
        for (place, record) in records.iter().enumerate() {
            let Some(call) = record.call() else {
                self.book_other(record, lineage);
                continue;
            };
            self.ledger.record(self.source);
            if new & 1 == 1 {
                let verdict = catalogue.classify(call);
                self.ledger.count(self.source, call, &verdict, self.now, live_within);
                counted |= 1 << place;
            }
            new >>= 1;
        }
        counted
    }

    /// Books a record that is no call.
    fn book_other(&mut self, record: &Record<'_>, lineage: u64) {
        let Self { ledger, source, now, rejected } = self;
        ledger.record(*source);
        match &record.decoded {
            Decoded::Call(_) => {}
            Decoded::Header => ledger.header(*source),
            Decoded::Ignored => ledger.ignored(*source),
            Decoded::Rejected(reason) => {
                ledger.rejected(*source, reason.label());
                if let Some(page) = rejected {
                    page.take(*now, lineage, record.position, *reason, record.text);
                }
            }
        }
    }

    /// Books what was found out about a file.
    pub fn file_event(&mut self, event: FileEvent) -> Decision {
        self.ledger.file_event(self.source, event);
        Decision { event, at: self.now }
    }
}

/// The book-keeping of one file, for people to look at.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub records: RecordCounts,
    /// End of the earliest and of the latest call.
    pub calls: Option<(UnixMillis, UnixMillis)>,
    /// The first few rejected records.
    pub rejected: Vec<Rejected>,
}

impl Summary {
    /// Adds records; of each call a bit, whether it was `counted` or is a duplicate.
    pub fn add(&mut self, records: &[Record<'_>], counted: u64) {
        for (place, record) in records.iter().enumerate() {
            self.add_one(record, counted >> place & 1 == 1);
        }
    }

    fn add_one(&mut self, record: &Record<'_>, counted: bool) {
        let records = &mut self.records;
        match &record.decoded {
            Decoded::Call(call) => {
                if let Some(ended) = call.ended_at {
                    let (first, last) = self.calls.unwrap_or((ended, ended));
                    self.calls = Some((first.min(ended), last.max(ended)));
                }
                *(if counted { &mut records.counted } else { &mut records.duplicate }) += 1;
            }
            Decoded::Header => records.header += 1,
            Decoded::Ignored => records.ignored += 1,
            Decoded::Rejected(reason) => {
                records.rejected += 1;
                if self.rejected.len() < REJECTED_KEPT {
                    let number = records.labelled().iter().map(|(_, count)| count).sum();
                    let (position, reason) = (record.position, *reason);
                    self.rejected.push(Rejected { record: number, position, reason });
                }
            }
        }
    }

    /// What stands in the text, given what stands before the part that this is about.
    pub fn records_after(&self, before: Records) -> Records {
        let RecordCounts { counted, duplicate, header, ignored, rejected } = self.records;
        Records {
            calls: before.calls + counted + duplicate,
            header: before.header + header,
            ignored: before.ignored + ignored,
            rejected: before.rejected + rejected,
        }
    }
}

/// A rejected record: where it stands, never what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Its number among the file's records, from 1.
    pub record: u64,
    /// Offset of its first byte in the file's text.
    pub position: u64,
    pub reason: Reason,
}
