//! What was found, as a table for people and as JSON for programs.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::call::{CodePair, Outcome, UnixMillis};
use crate::ledger::snapshot::{FailureSeries, RecordCounts, Snapshot};

/// Everything that a report says.
#[derive(Debug, Serialize)]
pub struct Report {
    records: Records,
    calls: u64,
    outcomes: Vec<OutcomeLine>,
    failures: Vec<FailureLine>,
}

#[derive(Debug, Serialize)]
struct Records {
    counted: u64,
    duplicate: u64,
    header: u64,
    ignored: u64,
    rejected: u64,
    rejected_by_reason: BTreeMap<&'static str, u64>,
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
    microsoft_code: Option<u64>,
    sip_code: Option<u16>,
    count: u64,
    /// Of all failed calls.
    share: f64,
    first_seen: Option<String>,
    last_seen: Option<String>,
    side: Option<&'static str>,
    category: String,
    remedy: String,
    by_trunk: BTreeMap<String, u64>,
}

impl Report {
    /// The report on a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let count = |outcome: Outcome| -> u64 {
            snapshot.calls.iter().filter(|series| series.outcome == outcome).map(|series| series.count).sum()
        };
        let calls = Outcome::ALL.map(count).into_iter().sum();
        let outcome = |outcome: Outcome| OutcomeLine {
            outcome: outcome.label(),
            count: count(outcome),
            share: share(count(outcome), calls),
        };
        Self {
            records: Records::of(snapshot),
            calls,
            outcomes: Outcome::ALL.map(outcome).into_iter().filter(|line| line.count > 0).collect(),
            failures: failures(snapshot, count(Outcome::Failed)),
        }
    }

    /// The report as JSON, one key a line.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report for people.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let records = &self.records;
        let _ = writeln!(
            text,
            "calls counted: {}; left out: {} duplicate, {} header, {} ignored, {} rejected",
            thousands(self.calls),
            thousands(records.duplicate),
            thousands(records.header),
            thousands(records.ignored),
            thousands(records.rejected)
        );
        for (reason, count) in &records.rejected_by_reason {
            let _ = writeln!(text, "  rejected: {} {reason}", thousands(*count));
        }
        if !self.outcomes.is_empty() {
            let _ = writeln!(text, "\n{:<30}{:>14}{:>9}", "Outcome", "Calls", "Share");
        }
        for line in &self.outcomes {
            let _ =
                writeln!(text, "{:<30}{:>14}{:>9}", line.outcome, thousands(line.count), percent(line.share));
        }
        if !self.failures.is_empty() {
            let _ = writeln!(
                text,
                "\n{:<50}{:>13}{:>11}{:>9}  {:<17}Last seen (UTC)",
                "Cause of failure", "Code pair", "Calls", "Share", "First seen (UTC)"
            );
        }
        for line in &self.failures {
            line.write(&mut text);
        }
        text
    }
}

impl FailureLine {
    fn write(&self, text: &mut String) {
        let code = |code: Option<u64>| code.map_or("-".to_owned(), |code| code.to_string());
        let pair = format!("{}/{}", code(self.microsoft_code), code(self.sip_code.map(u64::from)));
        let minute = |time: &Option<String>| {
            time.as_deref().map_or("-".to_owned(), |time| time[..16].replace('T', " "))
        };
        let _ = writeln!(
            text,
            "{:<50}{:>13}{:>11}{:>9}  {:<17}{}",
            self.cause,
            pair,
            thousands(self.count),
            percent(self.share),
            minute(&self.first_seen),
            minute(&self.last_seen)
        );
        let _ = writeln!(text, "  {}", self.remedy);
    }
}

impl Records {
    fn of(snapshot: &Snapshot) -> Self {
        let mut all = RecordCounts::default();
        let mut rejected_by_reason = BTreeMap::new();
        for source in &snapshot.sources {
            all.counted += source.records.counted;
            all.duplicate += source.records.duplicate;
            all.header += source.records.header;
            all.ignored += source.records.ignored;
            all.rejected += source.records.rejected;
            for (reason, count) in source.rejected.iter().filter(|(_, count)| *count > 0) {
                *rejected_by_reason.entry(*reason).or_default() += count;
            }
        }
        let RecordCounts { counted, duplicate, header, ignored, rejected } = all;
        Self { counted, duplicate, header, ignored, rejected, rejected_by_reason }
    }
}

/// One line for each cause and code pair, the most frequent first.
fn failures(snapshot: &Snapshot, failed: u64) -> Vec<FailureLine> {
    let mut groups: BTreeMap<(&str, CodePair), Vec<&FailureSeries>> = BTreeMap::new();
    for series in snapshot.failures.iter().filter(|series| series.count > 0) {
        groups.entry((&series.cause, series.codes)).or_default().push(series);
    }
    let line = |((cause, codes), series): ((&str, CodePair), Vec<&FailureSeries>)| {
        let count = series.iter().map(|series| series.count).sum();
        let seen = series.iter().filter_map(|series| series.seen);
        let mut by_trunk = BTreeMap::new();
        for series in &series {
            *by_trunk.entry(series.route.trunk.to_string()).or_default() += series.count;
        }
        let about = snapshot.catalogue.about(cause, codes);
        FailureLine {
            cause: cause.to_owned(),
            microsoft_code: codes.microsoft,
            sip_code: codes.sip,
            count,
            share: share(count, failed),
            first_seen: seen.clone().map(|(first, _)| first).min().map(time),
            last_seen: seen.map(|(_, last)| last).max().map(time),
            side: about.side().map(|side| side.label()),
            category: about.category().to_owned(),
            remedy: about.remedy().to_owned(),
            by_trunk,
        }
    };
    let mut lines: Vec<FailureLine> = groups.into_iter().map(line).collect();
    lines.sort_by_key(|line| Reverse(line.count));
    lines
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
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

/// A number with a comma before each three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
