//! What was counted, and everything that must change together with it: counts, remembered records, the balance of
//! records and what happened to files. Readers see it as of the last commit, in a [`Snapshot`].

pub mod snapshot;
mod counts;
mod duplicates;

use std::sync::Arc;
use std::time::Duration;

use counts::Counts;
pub use counts::{Limits, OTHER, SourceIndex, TrunkName};
use duplicates::Duplicates;
use snapshot::{Arrival, Histogram, RecordCounts, Snapshot, SourceSnapshot};

use crate::call::{Call, RecordId, UnixMillis};
use crate::classify::{Catalogue, Verdict};
use crate::source::identity::{Content, FileId};

/// Upper bounds of `cdr_call_age_seconds`: from a row written at once to an export a month old.
const AGE_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];

/// A call that ends further ahead of our clock than this has a wrong time, and is not the newest.
const CLOCK_DIFFERENCE: i64 = 24 * 60 * 60 * 1000;

/// What the ledger is told of a source.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    pub name: Arc<str>,
    /// How long a record id is remembered after its last sight; zero is not at all.
    pub remember: Duration,
    pub trunk_names: Vec<TrunkName>,
}

/// What happened to a file: the `event` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEvent {
    Found,
    Resumed,
    Rotated,
    Truncated,
    Replaced,
    Copied,
    Removed,
}

impl FileEvent {
    const ALL: [Self; 7] = [
        Self::Found,
        Self::Resumed,
        Self::Rotated,
        Self::Truncated,
        Self::Replaced,
        Self::Copied,
        Self::Removed,
    ];

    /// The value of the `event` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Resumed => "resumed",
            Self::Rotated => "rotated",
            Self::Truncated => "truncated",
            Self::Replaced => "replaced",
            Self::Copied => "copied",
            Self::Removed => "removed",
        }
    }
}

/// What a source's files look like at a commit.
#[derive(Debug, Clone, Default)]
pub struct FilesNow {
    /// Files by the value of the `state` label.
    pub states: Vec<(&'static str, u64)>,
    pub pending_bytes: u64,
}

/// One source's part of the ledger.
#[derive(Debug)]
struct Source {
    name: Arc<str>,
    remember: Duration,
    duplicates: Duplicates,
    records: RecordCounts,
    rejected: Vec<(&'static str, u64)>,
    read_bytes: u64,
    files: FilesNow,
    events: [u64; FileEvent::ALL.len()],
    call_age: Histogram,
    newest_call: Option<UnixMillis>,
    series_overflow: u64,
}

/// The ledger of all sources.
#[derive(Debug)]
pub struct Ledger {
    catalogue: Arc<Catalogue>,
    counts: Counts,
    sources: Vec<Source>,
    /// Every value of the `reason` label.
    reasons: Vec<&'static str>,
}

impl Ledger {
    /// An empty ledger. `reasons` are the values of the `reason` label that exist.
    pub fn new(limits: Limits, catalogue: Arc<Catalogue>, reasons: Vec<&'static str>) -> Self {
        Self { counts: Counts::new(limits, &catalogue), catalogue, sources: Vec::new(), reasons }
    }

    /// Takes new options. Nothing that was counted changes.
    pub fn reconfigure(&mut self, limits: Limits, catalogue: Arc<Catalogue>) {
        self.counts.reconfigure(limits, &catalogue);
        self.catalogue = catalogue;
    }

    /// Opens the books of a source: those under its name if there are any, else new ones.
    pub fn source(&mut self, options: SourceOptions) -> SourceIndex {
        if let Some(known) = self.sources.iter().position(|source| source.name == options.name) {
            self.counts.rename_trunks(SourceIndex(known), options.trunk_names);
            self.sources[known].remember = options.remember;
            return SourceIndex(known);
        }
        self.sources.push(Source {
            name: Arc::clone(&options.name),
            remember: options.remember,
            duplicates: Duplicates::default(),
            records: RecordCounts::default(),
            rejected: self.reasons.iter().map(|reason| (*reason, 0)).collect(),
            read_bytes: 0,
            files: FilesNow::default(),
            events: Default::default(),
            call_age: Histogram::new(AGE_SECONDS),
            newest_call: None,
            series_overflow: 0,
        });
        self.counts.add_source(options.name, options.trunk_names)
    }

    /// The catalogue that calls are classified by.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Whether the source sees this record for the first time; if not, it is booked as a duplicate.
    pub fn is_new(&mut self, source: SourceIndex, id: RecordId, now: UnixMillis) -> bool {
        let source = &mut self.sources[source.0];
        if source.remember.is_zero() || source.duplicates.is_new(id, now) {
            return true;
        }
        source.records.duplicate += 1;
        false
    }

    /// Counts a call. It arrived live when it ended less than `live_within` before `now`.
    pub fn count(
        &mut self,
        source: SourceIndex,
        call: &Call<'_>,
        verdict: &Verdict<'_>,
        now: UnixMillis,
        live_within: Duration,
    ) {
        let books = &mut self.sources[source.0];
        books.records.counted += 1;
        let age = call.ended_at.map(|ended| now.0.saturating_sub(ended.0));
        if let (Some(age), Some(ended)) = (age, call.ended_at) {
            books.call_age.observe(age.max(0) as f64 / 1000.0);
            if age > -CLOCK_DIFFERENCE {
                books.newest_call = books.newest_call.max(Some(ended));
            }
        }
        let live = age.is_some_and(|age| age < i64::try_from(live_within.as_millis()).unwrap_or(i64::MAX));
        let arrival = if live { Arrival::Live } else { Arrival::Late };
        if self.counts.count(source, call, verdict, arrival) {
            books.series_overflow += 1;
        }
    }

    /// Books a header row.
    pub fn header(&mut self, source: SourceIndex) {
        self.sources[source.0].records.header += 1;
    }

    /// Books a record that is not a call record.
    pub fn ignored(&mut self, source: SourceIndex) {
        self.sources[source.0].records.ignored += 1;
    }

    /// Books a record that could not be read.
    pub fn rejected(&mut self, source: SourceIndex, reason: &'static str) {
        let books = &mut self.sources[source.0];
        books.records.rejected += 1;
        if let Some((_, count)) = books.rejected.iter_mut().find(|(label, _)| *label == reason) {
            *count += 1;
        }
    }

    /// Books bytes taken from the disk.
    pub fn read(&mut self, source: SourceIndex, bytes: u64) {
        self.sources[source.0].read_bytes += bytes;
    }

    /// Books what happened to a file.
    pub fn file_event(&mut self, source: SourceIndex, event: FileEvent) {
        self.sources[source.0].events[event as usize] += 1;
    }

    /// Says what the source's files look like now.
    pub fn files_now(&mut self, source: SourceIndex, files: FilesNow) {
        self.sources[source.0].files = files;
    }

    /// Notes what is known of a file, or that it is nothing any more.
    pub fn set_file(&mut self, _source: SourceIndex, _id: FileId, _content: Option<Content>) {}

    /// What was known of the source's files before a restart.
    pub fn files(&self, _source: SourceIndex) -> Vec<(FileId, Content)> {
        Vec::new()
    }

    /// Forgets the record ids that are past remembering.
    pub fn forget(&mut self, now: UnixMillis) {
        for source in &mut self.sources {
            let days = source.remember.as_secs().div_ceil(24 * 60 * 60);
            source.duplicates.forget(u16::try_from(days).unwrap_or(u16::MAX), now);
        }
    }

    /// How many record ids are remembered.
    pub fn remembered(&self) -> usize {
        self.sources.iter().map(|source| source.duplicates.len()).sum()
    }

    /// Makes what was booked so far final, and shows it. `ready` as in [`Snapshot::ready`].
    pub fn commit(&mut self, ready: bool) -> Snapshot {
        Snapshot {
            ready,
            catalogue: Arc::clone(&self.catalogue),
            sources: self.sources.iter().map(Source::snapshot).collect(),
            calls: self.counts.calls(),
            failures: self.counts.failures(),
            durations: self.counts.durations(),
        }
    }
}

impl Source {
    fn snapshot(&self) -> SourceSnapshot {
        SourceSnapshot {
            name: Arc::clone(&self.name),
            records: self.records,
            rejected: self.rejected.clone(),
            read_bytes: self.read_bytes,
            pending_bytes: self.files.pending_bytes,
            files: self.files.states.clone(),
            file_events: FileEvent::ALL.map(|event| (event.label(), self.events[event as usize])).to_vec(),
            call_age: self.call_age.clone(),
            newest_call: self.newest_call,
            series_overflow: self.series_overflow,
        }
    }
}
