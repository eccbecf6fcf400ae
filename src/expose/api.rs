//! The state of the daemon as facts: what `/api/v1/status` says, and the page at `/` shows. Made of one snapshot, so that
//! neither is ahead of a scrape.
//!
//! Within `v1` fields are added; none changes its name or meaning.

pub mod calls;
pub mod findings;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::calls::{Calls, FailedCalls};
use crate::call::UnixMillis;
use crate::findings::thousands;
use crate::ledger::history::{Minute, minute};
use crate::ledger::snapshot::{Snapshot, SourceSnapshot};
use crate::ledger::status::FileStatus;
use crate::shown;

/// The answer of `/api/v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    pub started_at: String,
    pub uptime_seconds: i64,
    /// When this was asked.
    pub at: String,
    /// Whether the files present at the start are read and what is read can be made durable.
    pub ready: bool,
    /// What keeps records from being counted, the worst first; empty when nothing does.
    pub troubles: Vec<Trouble>,
    /// Of calls by minute: the first that is kept, and the end of the last.
    pub history: Option<Span>,
    /// By how long, the shortest first, each up to the newest call; the last is all of the history.
    pub calls: Vec<Calls>,
    /// The most frequent causes by trunk, in `hours` up to the newest call.
    pub failed: Vec<FailedCalls>,
    pub hours: u32,
    pub sources: Vec<SourceStatus>,
    pub commits: CommitsStatus,
    /// `None` where nobody asked for them, or the program was too busy to say.
    pub files: Option<Vec<FileStatus>>,
}

/// A stretch of time, as RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: String,
    pub to: String,
}

/// Something that is wrong with the daemon or its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `error` where records are not counted; `warning` where they are, and somebody should look.
    pub level: Cow<'static, str>,
    pub what: String,
    pub advice: String,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    pub name: String,
    pub newest_call: Option<String>,
    pub pending_bytes: u64,
    pub read_bytes: u64,
    /// Files by the label `state` of `cdr_exporter_files`.
    pub files: BTreeMap<String, u64>,
    /// Every record read is in one of `records`, which are by the label `result`.
    pub read_records: u64,
    pub records: BTreeMap<String, u64>,
    /// By the label `reason`, those that are not 0.
    pub rejected: BTreeMap<String, u64>,
    /// Calls that were counted under `other`, because a limit was reached.
    pub folded_calls: u64,
}

/// Whether what is read is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitsStatus {
    pub total: u64,
    pub failures: u64,
    pub last: Option<String>,
    /// Why the last one failed, if it did.
    pub failing: Option<String>,
}

/// Hours over which causes and findings are told when nobody says otherwise.
pub const HOURS: u32 = 24;

impl Status {
    /// The state of this snapshot, with causes of so many hours.
    pub fn of(snapshot: &Snapshot, hours: u32, started: UnixMillis, now: UnixMillis) -> Self {
        let commits = &snapshot.commits;
        let history = snapshot.history.span();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: rfc3339(started),
            uptime_seconds: (now.0 - started.0).max(0) / 1000,
            at: rfc3339(now),
            ready: snapshot.loaded && snapshot.caught_up && commits.failing.is_none(),
            troubles: troubles(snapshot),
            history: history
                .map(|Range { start, end }| Span { from: minute_text(start), to: minute_text(end) }),
            calls: calls::by_span(snapshot, now),
            failed: calls::failed(snapshot, &window(snapshot, hours, now)),
            hours,
            sources: snapshot.sources.iter().map(SourceStatus::of).collect(),
            commits: CommitsStatus {
                total: commits.total,
                failures: commits.failures,
                last: commits.last.map(rfc3339),
                failing: commits.failing.clone(),
            },
            files: None,
        }
    }
}

impl SourceStatus {
    fn of(source: &SourceSnapshot) -> Self {
        let by = |counts: &[(&'static str, u64)], zeros: bool| {
            let counts = counts.iter().filter(|(_, count)| zeros || *count > 0);
            counts.map(|(label, count)| ((*label).to_owned(), *count)).collect()
        };
        Self {
            name: source.name.to_string(),
            newest_call: source.newest_call.map(rfc3339),
            pending_bytes: source.pending_bytes,
            read_bytes: source.read_bytes,
            files: by(&source.files, true),
            read_records: source.read_records,
            records: by(&source.records.labelled(), true),
            rejected: by(&source.rejected, false),
            folded_calls: source.series_overflow,
        }
    }
}

/// The minutes of so many hours up to the newest call: exports are days old when they come. Beyond a day, of no more
/// hours than are kept: each is a number for each cause.
pub fn window(snapshot: &Snapshot, hours: u32, now: UnixMillis) -> Range<Minute> {
    let now = minute(now).map_or(Minute::MAX, |now| now.saturating_add(1));
    let kept = snapshot.history.span().unwrap_or(now..now);
    let end = kept.end.min(now);
    let most = end.saturating_sub(kept.start).div_ceil(60).max(HOURS);
    end.saturating_sub(hours.min(most).saturating_mul(60))..end
}

fn troubles(snapshot: &Snapshot) -> Vec<Trouble> {
    if !snapshot.loaded {
        let what = "What was counted before is still being loaded.";
        return vec![Trouble::new("error", what, "Wait for it: nothing is shown until then.")];
    }
    let mut troubles = Vec::new();
    if let Some(reason) = &snapshot.commits.failing {
        let what = format!("What is read cannot be made durable: {reason}.");
        let advice =
            "Make room or mend the disk of the storage path. Reading pauses until then; nothing is lost.";
        troubles.push(Trouble::new("error", what, advice));
    }
    for source in &snapshot.sources {
        SourceStatus::of(source).troubles(&mut troubles);
        for remark in source.paths.iter().flat_map(|paths| &paths.remarks) {
            let what = format!("Source {}: {}.", source.name, shown::text(remark));
            let is_up = source.paths.as_ref().is_some_and(|paths| paths.is_up);
            let level = if is_up { "warning" } else { "error" };
            troubles.push(Trouble::new(level, what, "`cdr-exporter check` says what its `paths` lead to."));
        }
    }
    if !snapshot.caught_up {
        let pending: u64 = snapshot.sources.iter().map(|source| source.pending_bytes).sum();
        let what = format!("The files present at the start are still being read: {} to go.", size(pending));
        troubles.push(Trouble::new("warning", what, "What is shown grows until then."));
    }
    troubles.sort_by_key(|trouble| trouble.level != "error");
    troubles
}

impl Trouble {
    fn new(level: &'static str, what: impl Into<String>, advice: &str) -> Self {
        Self { level: level.into(), what: what.into(), advice: advice.to_owned() }
    }
}

impl SourceStatus {
    fn troubles(&self, troubles: &mut Vec<Trouble>) {
        let name = &self.name;
        let unreadable = "The line of each file says why: permission, damage or a server that is gone.";
        let unrecognised = "`cdr-exporter check` says more. Name what is no record in `exclude`.";
        for (state, is, are, advice) in [
            ("unreadable", "cannot be read", "cannot be read", unreadable),
            ("unrecognised", "is of no format that is known", "are of no format that is known", unrecognised),
        ] {
            let what = match self.files.get(state).copied().unwrap_or_default() {
                0 => continue,
                1 => format!("Source {name}: 1 file {is}."),
                files => format!("Source {name}: {} files {are}.", thousands(files)),
            };
            troubles.push(Trouble::new("error", what, advice));
        }
        let rejected = self.records.get("rejected").copied().unwrap_or_default();
        let was = if rejected == 1 { "was" } else { "were" };
        let records = if self.read_records == 1 { "record" } else { "records" };
        let folded = match self.folded_calls {
            1 => "1 call was".to_owned(),
            calls => format!("{} calls were", thousands(calls)),
        };
        for (is_so, what, advice) in [
            (
                rejected > 0,
                format!(
                    "Source {name}: {} of {} {records} {was} rejected.",
                    thousands(rejected),
                    thousands(self.read_records)
                ),
                "The log and `cdr-exporter check` say why. `serve --rejected.path` writes them down, masked.",
            ),
            (
                self.folded_calls > 0,
                format!("Source {name}: {folded} counted under `other`."),
                "Raise `limits`, or give several SBCs one name under `trunks`.",
            ),
        ] {
            if is_so {
                troubles.push(Trouble::new("warning", what, advice));
            }
        }
    }
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

/// As RFC 3339, to the second.
pub fn rfc3339(at: UnixMillis) -> String {
    let at = Timestamp::from_second(at.0.div_euclid(1000));
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A minute as RFC 3339.
pub fn minute_text(minute: Minute) -> String {
    rfc3339(UnixMillis(i64::from(minute) * 60_000))
}

#[cfg(test)]
mod tests;
