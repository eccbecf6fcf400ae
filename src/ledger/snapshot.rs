//! What is published: everything that `/metrics`, the pages and the reports may show, as of the last commit.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::history::Minutes;
pub use crate::call::Arrival;
use crate::call::{CodePair, Direction, Exemplar, Outcome, UnixMillis};
use crate::classify::Catalogue;
pub use crate::reading::histogram::Histogram;
pub use crate::reading::native;
pub use crate::reading::tallies::ByOutcome;

/// The state of the ledger as of its last commit. Immutable; a reader holds one for a whole answer.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Whether the store has been read. Until then there is nothing to show.
    pub loaded: bool,
    /// Whether the files present at the start have been read. Until then no `cdr_call*` series is exposed, so
    /// that history is not taken for a spike.
    pub ready: bool,
    /// Whether the files present at this start have been read: what was counted before it shows earlier.
    pub caught_up: bool,
    pub catalogue: Arc<Catalogue>,
    pub sources: Vec<SourceSnapshot>,
    /// `cdr_calls_total`.
    pub calls: Vec<CallSeries>,
    /// `cdr_call_failures_total`.
    pub failures: Vec<FailureSeries>,
    /// `cdr_call_duration_seconds`.
    pub durations: Vec<DurationSeries>,
    /// `cdr_call_setup_seconds`.
    pub setups: Vec<DurationSeries>,
    /// Calls by minute.
    pub history: Minutes,
    pub commits: Commits,
}

impl Snapshot {
    /// What there is to say before the store has been read.
    pub fn loading(catalogue: Arc<Catalogue>) -> Self {
        Self {
            loaded: false,
            ready: false,
            caught_up: false,
            catalogue,
            sources: Vec::new(),
            calls: Vec::new(),
            failures: Vec::new(),
            durations: Vec::new(),
            setups: Vec::new(),
            history: Minutes::default(),
            commits: Commits::default(),
        }
    }
}

/// Upper bounds of `cdr_exporter_commit_duration_seconds`: from a disk with a cache to one that hangs.
const COMMIT_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How commits went since the store was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Commits {
    /// Those that wrote to the store.
    pub total: u64,
    /// Those that it refused. They are durable with the next one that succeeds.
    pub failures: u64,
    /// Seconds that those took that succeeded, without the last one: how long it took is durable with the next.
    pub duration: Histogram,
    /// When the last one succeeded.
    pub last: Option<UnixMillis>,
    /// Why the last one failed, if it did. Nothing is read until one succeeds.
    pub failing: Option<String>,
}

impl Default for Commits {
    fn default() -> Self {
        Self { total: 0, failures: 0, duration: Histogram::new(COMMIT_SECONDS), last: None, failing: None }
    }
}

/// The handle through which the loop publishes and everyone else reads. Clones share what is published.
#[derive(Debug, Clone)]
pub struct Published(Arc<ArcSwap<Snapshot>>);

impl Published {
    /// Publishes a first snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(snapshot)))
    }

    /// Puts a newer snapshot in the place of the current one; readers keep the one they hold.
    pub fn publish(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// The snapshot as of now. An answer reads it once, so that all its parts belong to one commit.
    pub fn current(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

/// Source, trunk and direction: the labels that every series of calls begins with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    pub source: Arc<str>,
    pub trunk: Arc<str>,
    pub direction: Direction,
}

/// One series of `cdr_calls_total`.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSeries {
    pub route: Arc<Route>,
    pub outcome: Outcome,
    pub arrival: Arrival,
    pub count: u64,
    /// When the series began, at 0. As with every `created`, a restart does not change it.
    pub created: UnixMillis,
}

/// One series of `cdr_call_failures_total`, with when such a call was first and last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureSeries {
    pub route: Arc<Route>,
    pub cause: Arc<str>,
    pub microsoft_code: Arc<str>,
    pub sip_code: Arc<str>,
    /// The codes as numbers; both `None` in the series that the cap folds into.
    pub codes: CodePair,
    pub arrival: Arrival,
    pub count: u64,
    /// Earliest and latest end of the calls in `count`.
    pub seen: Option<(UnixMillis, UnixMillis)>,
    /// The newest of them since the start whose correlation id is known.
    pub exemplar: Option<Exemplar>,
    pub created: UnixMillis,
}

/// One histogram of `cdr_call_duration_seconds` or `cdr_call_setup_seconds`.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationSeries {
    pub route: Arc<Route>,
    pub histogram: Histogram,
    pub created: UnixMillis,
}

/// The balance of a source's records: each record read is in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordCounts {
    pub counted: u64,
    pub duplicate: u64,
    pub header: u64,
    pub ignored: u64,
    pub rejected: u64,
}

impl RecordCounts {
    /// The counts with their values of the `result` label.
    pub fn labelled(&self) -> [(&'static str, u64); 5] {
        [
            ("counted", self.counted),
            ("duplicate", self.duplicate),
            ("header", self.header),
            ("ignored", self.ignored),
            ("rejected", self.rejected),
        ]
    }
}

/// One source's part of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSnapshot {
    pub name: Arc<str>,
    /// When its counters began, at 0.
    pub created: UnixMillis,
    /// Records that the splitter handed over, counted apart from `records`, whose sum it must be.
    pub read_records: u64,
    pub records: RecordCounts,
    /// Rejected records by the value of the `reason` label; every reason is listed, also at 0.
    pub rejected: Vec<(&'static str, u64)>,
    /// By field.
    pub unread: Vec<(&'static str, u64)>,
    /// Bytes read from the disk, before decompression.
    pub read_bytes: u64,
    /// Bytes on the disk that are not yet counted.
    pub pending_bytes: u64,
    /// Calls of which more attempts may come.
    pub pending_calls: u64,
    /// Files by the value of the `state` label; every state is listed, also at 0.
    pub files: Vec<(&'static str, u64)>,
    /// Where its paths lead; `None` where it is not configured any more.
    pub paths: Option<super::PathsNow>,
    /// The source that alerts look at instead of this one, as long as it brings calls.
    pub prefer: Option<Arc<str>>,
    /// What happened to files, by the value of the `event` label; every event is listed, also at 0.
    pub file_events: Vec<(&'static str, u64)>,
    /// `cdr_call_age_seconds`.
    pub call_age: Histogram,
    /// End of the newest call counted.
    pub newest_call: Option<UnixMillis>,
    /// Calls counted under `other` because of the caps.
    pub series_overflow: u64,
    /// Calls that were counted as not answered, and again when an attempt was answered.
    pub late_answers: u64,
    /// By how much calls are meant to differ from records.
    pub apart: super::Apart,
    /// Calls by kind and outcome; none where no record tells of a kind.
    pub kinds: Vec<(&'static str, ByOutcome)>,
    /// Calls by country that was called and outcome.
    pub countries: Vec<(String, ByOutcome)>,
}
