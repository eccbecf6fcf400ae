//! What was found, as JSON for programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::calls::Call;
use super::group::{Axis, By, Grouping, Line, share};
use super::view::View;
use crate::call::{Outcome, UnixMillis};
use crate::findings::{self, Shown};
use crate::ledger::snapshot::{RecordCounts, Snapshot};

/// More hours than these are not listed: a wrong time in one record would make millions of them.
const MOST_HOURS: i64 = 24 * 400;

/// Everything that a report says.
#[derive(Debug, Serialize)]
struct Report<'c> {
    records: Records,
    /// First and last minute of the calls that are meant.
    from: Option<String>,
    to: Option<String>,
    calls: u64,
    calls_without_time: u64,
    /// Calls without those taken elsewhere: what rates are of.
    attempts: u64,
    failed: u64,
    /// Of attempts.
    failed_share: f64,
    summary: String,
    findings: Vec<Shown>,
    failed_by_side: BTreeMap<&'static str, u64>,
    outcomes: Vec<OutcomeLine>,
    failures: Vec<FailureLine>,
    trunks: Vec<TrunkLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by: Vec<BTreeMap<&'static str, serde_json::Value>>,
    /// Where they were asked for.
    #[serde(skip_serializing_if = "<[Call]>::is_empty")]
    listed_calls: &'c [Call],
}

#[derive(Debug, Serialize)]
pub struct Records {
    pub counted: u64,
    pub duplicate: u64,
    pub header: u64,
    pub ignored: u64,
    pub rejected: u64,
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
    /// Fields that could not be read in calls that count.
    pub unread_by_field: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct OutcomeLine {
    outcome: &'static str,
    count: u64,
    /// Of all calls.
    share: f64,
}

#[derive(Debug, Serialize)]
struct FailureLine {
    cause: String,
    #[serde(with = "findings::microsoft_code")]
    microsoft_code: Option<u64>,
    /// Whether records have it, or it follows from them, or it is absent.
    microsoft_code_is: &'static str,
    sip_code: Option<u16>,
    count: u64,
    /// Of all failed calls.
    share: f64,
    attempts: u64,
    /// Of attempts.
    share_of_attempts: f64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    side: Option<&'static str>,
    category: String,
    remedy: String,
    by_trunk: BTreeMap<String, u64>,
    hours: Vec<Hour>,
}

#[derive(Debug, Serialize)]
struct TrunkLine {
    trunk: String,
    attempts: u64,
    failed: u64,
    /// Of attempts: of failed calls, or where outcomes were chosen of those.
    share: f64,
    outcomes: BTreeMap<&'static str, u64>,
    hours: Vec<Hour>,
}

/// The calls of one hour.
#[derive(Debug, Serialize)]
struct Hour {
    hour: String,
    attempts: u64,
    failed: u64,
}

/// The report as JSON, one key a line.
pub fn json(view: &View, calls: &[Call]) -> String {
    let mut text = serde_json::to_string_pretty(&Report::of(view, calls)).unwrap_or_default();
    text.push('\n');
    text
}

impl<'c> Report<'c> {
    fn of(view: &View, calls: &'c [Call]) -> Self {
        let found = &view.facts.findings;
        let all = view.calls();
        let outcome = |outcome: Outcome| {
            let count = view.outcome(outcome.label());
            OutcomeLine { outcome: outcome.label(), count, share: share(count, all) }
        };
        let span = view.facts.tallies.span();
        let axis = hours(span.unwrap_or((0, 1)));
        let lines = |by: By| {
            let (choice, catalogue) = (&view.choice, &view.snapshot.catalogue);
            let by = [by];
            let grouping = Grouping { by: &by, sort: view.sort, axis, choice, catalogue };
            let mut lines = grouping.lines(&view.facts);
            lines.truncate(view.top);
            lines
        };
        let zone = view.choice.zone();
        Self {
            records: Records::of(&view.snapshot),
            from: span.map(|(from, _)| findings::time::rfc3339(from)),
            to: span.map(|(_, to)| findings::time::rfc3339(to)),
            calls: all,
            calls_without_time: view.facts.untimed_calls(),
            attempts: found.attempts,
            failed: found.failed,
            failed_share: share(found.failed, found.attempts),
            summary: view.headline(),
            findings: found.findings.iter().map(|finding| Shown::of(finding, zone)).collect(),
            failed_by_side: found
                .by_side
                .iter()
                .map(|(side, failed)| (side.map_or("", |side| side.label()), *failed))
                .collect(),
            outcomes: Outcome::ALL.map(outcome).into_iter().filter(|line| line.count > 0).collect(),
            failures: lines(By::Cause).iter().map(|line| FailureLine::of(line, view, axis)).collect(),
            trunks: lines(By::Trunk).iter().map(|line| TrunkLine::of(line, axis)).collect(),
            by: view
                .asked
                .iter()
                .flat_map(|(by, lines)| lines.iter().take(view.top).map(|line| asked(by, line)))
                .collect(),
            listed_calls: calls,
        }
    }
}

/// A line of what was asked for.
fn asked(by: &[By], line: &Line) -> BTreeMap<&'static str, serde_json::Value> {
    let keys = by.iter().zip(&line.keys).map(|(by, key)| (by.label(), key.clone().into()));
    let numbers = [("calls", line.calls), ("attempts", line.attempts), ("failed", line.failed)];
    let numbers = numbers.map(|(name, number)| (name, number.into()));
    keys.chain(numbers).chain([("share", line.share().into())]).collect()
}

fn hours((first, end): (i64, i64)) -> Axis {
    let first = first.div_euclid(60) * 60;
    let length = (end - first + 59).div_euclid(60).clamp(1, MOST_HOURS);
    Axis { first, step: 60, length: usize::try_from(length).unwrap_or(1) }
}

fn hours_of(line: &Line, axis: Axis) -> Vec<Hour> {
    let cells = (axis.first..).step_by(60).zip(line.attempts_by_time.iter().zip(&line.failed_by_time));
    let cells = cells.filter(|(_, (attempts, failed))| **attempts + **failed > 0);
    cells
        .map(|(minute, (attempts, failed))| Hour {
            hour: findings::time::rfc3339(minute),
            attempts: *attempts,
            failed: *failed,
        })
        .collect()
}

impl FailureLine {
    fn of(line: &Line, view: &View, axis: Axis) -> Self {
        let (cause, codes) = line.cause.clone().unwrap_or_default();
        let about = view.snapshot.catalogue.about(&cause, codes);
        let hours = hours_of(line, axis).into_iter().filter(|hour| hour.failed > 0).collect();
        Self {
            cause: cause.to_string(),
            microsoft_code: codes.microsoft,
            microsoft_code_is: view.origin(line),
            sip_code: codes.sip,
            count: line.failed,
            share: share(line.failed, view.facts.findings.failed),
            attempts: line.attempts,
            share_of_attempts: line.share(),
            first_seen: line.seen.map(|(first, _)| findings::time::rfc3339(first)),
            last_seen: line.seen.map(|(_, last)| findings::time::rfc3339(last)),
            side: about.side().map(|side| side.label()),
            category: about.category().to_owned(),
            remedy: about.remedy().to_owned(),
            by_trunk: line.trunks.iter().map(|(trunk, failed)| (trunk.to_string(), *failed)).collect(),
            hours,
        }
    }
}

impl TrunkLine {
    fn of(line: &Line, axis: Axis) -> Self {
        Self {
            trunk: line.keys[0].clone(),
            attempts: line.attempts,
            failed: line.failed,
            share: line.share(),
            outcomes: line.outcomes.clone(),
            hours: hours_of(line, axis),
        }
    }
}

impl Records {
    /// Those of all sources.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut all = RecordCounts::default();
        let mut rejected_by_reason = BTreeMap::new();
        let mut unread_by_field = BTreeMap::new();
        for source in &snapshot.sources {
            all.counted += source.records.counted;
            all.duplicate += source.records.duplicate;
            all.header += source.records.header;
            all.ignored += source.records.ignored;
            all.rejected += source.records.rejected;
            for (reason, count) in source.rejected.iter().filter(|(_, count)| *count > 0) {
                *rejected_by_reason.entry(*reason).or_default() += count;
            }
            for (field, count) in source.unread.iter().filter(|(_, count)| *count > 0) {
                *unread_by_field.entry(*field).or_default() += count;
            }
        }
        let RecordCounts { counted, duplicate, header, ignored, rejected } = all;
        Self { counted, duplicate, header, ignored, rejected, rejected_by_reason, unread_by_field }
    }
}

/// A time as RFC 3339 in UTC, to the second.
pub fn time(at: UnixMillis) -> String {
    let rounded = Timestamp::from_second(at.0.div_euclid(1000)).unwrap_or(if at.0 < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    rounded.to_string()
}
