//! Decoded records into the books: each in exactly one bucket, in the ledger and in its file's summary.

use std::slice::from_ref;
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

/// What stands in a text: some of its records, or what stands in the place of one.
#[derive(Debug)]
pub enum Found<'r> {
    /// One or more, up to [`AT_ONCE`]; `positions` are the offsets of their first bytes in the text.
    Calls {
        calls: &'r [Call<'r>],
        positions: &'r [u64],
    },
    Header {
        position: u64,
    },
    Ignored {
        position: u64,
    },
    Rejected {
        reason: Reason,
        position: u64,
        /// As it stands there; nothing where it is too long.
        text: &'r [u8],
    },
}

impl<'r> Found<'r> {
    /// One record by itself.
    pub fn one(decoded: &'r Decoded<'r>, position: &'r u64, text: &'r [u8]) -> Self {
        match decoded {
            Decoded::Call(call) => Self::Calls { calls: from_ref(call), positions: from_ref(position) },
            Decoded::Header => Self::Header { position: *position },
            Decoded::Ignored => Self::Ignored { position: *position },
            Decoded::Rejected(reason) => Self::Rejected { reason: *reason, position: *position, text },
        }
    }
}

impl Books<'_> {
    /// Books what was found in a text of this lineage, each record in exactly one bucket. Returns a bit for each call, the
    /// first one lowest: whether it was counted, and is no duplicate.
    pub fn book(&mut self, found: &Found<'_>, lineage: u64, live_within: Duration) -> u64 {
        match found {
            Found::Calls { calls, .. } => return self.book_calls(calls, live_within),
            Found::Header { .. } => self.ledger.header(self.source),
            Found::Ignored { .. } => self.ledger.ignored(self.source),
            Found::Rejected { reason, position, text } => {
                self.ledger.rejected(self.source, reason.label());
                if let Some(page) = &mut self.rejected {
                    page.take(self.now, lineage, *position, *reason, text);
                }
            }
        }
        self.ledger.records(self.source, 1);
        0
    }

    /// Looks all of them up together, and counts those that are new.
    fn book_calls(&mut self, calls: &[Call<'_>], live_within: Duration) -> u64 {
        debug_assert!(calls.len() <= AT_ONCE);
        self.ledger.records(self.source, calls.len() as u64);
        let new = self.ledger.are_new(self.source, calls.iter().map(|call| call.record_id), self.now);
        let catalogue = Arc::clone(self.ledger.catalogue());
        for (place, call) in calls.iter().enumerate() {
            if new >> place & 1 == 1 {
                let verdict = catalogue.classify(call);
                self.ledger.count(self.source, call, &verdict, self.now, live_within);
            }
        }
        new
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
    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.records == RecordCounts::default()
    }

    /// Adds what was found; of each call a bit, whether it was `counted` or is a duplicate.
    pub fn add(&mut self, found: &Found<'_>, counted: u64) {
        match found {
            Found::Calls { calls, .. } => self.add_calls(calls, counted),
            Found::Header { .. } => self.records.header += 1,
            Found::Ignored { .. } => self.records.ignored += 1,
            Found::Rejected { reason, position, .. } => {
                self.records.rejected += 1;
                if self.rejected.len() < REJECTED_KEPT {
                    let number = self.records.labelled().iter().map(|(_, count)| count).sum();
                    let (position, reason) = (*position, *reason);
                    self.rejected.push(Rejected { record: number, position, reason });
                }
            }
        }
    }

    fn add_calls(&mut self, calls: &[Call<'_>], counted: u64) {
        for ended in calls.iter().filter_map(|call| call.ended_at) {
            let (first, last) = self.calls.unwrap_or((ended, ended));
            self.calls = Some((first.min(ended), last.max(ended)));
        }
        let all = u64::MAX >> (AT_ONCE - calls.len());
        let counted = u64::from((counted & all).count_ones());
        self.records.counted += counted;
        self.records.duplicate += calls.len() as u64 - counted;
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
