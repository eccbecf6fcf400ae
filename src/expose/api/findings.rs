//! The answer of `/api/v1/findings`: what stands out in the calls of the last hours, in words and numbers.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Span, minute_text, rfc3339, window};
use crate::call::UnixMillis;
use crate::findings::{Shown, Tallies, Tally};
use crate::ledger::snapshot::Snapshot;

/// The newest call may be so long ago for a finding that lasts to it to be of now.
const NOW_SECONDS: i64 = 15 * 60;

/// What there is to say about some hours.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// When this was asked.
    pub at: String,
    pub hours: u32,
    /// From the first of these hours to the newest call.
    pub span: Span,
    pub attempts: u64,
    pub failed: u64,
    pub headline: String,
    /// Where nothing stands out, that it does not.
    pub quiet: Option<String>,
    /// Failed calls by who can do something about them: the label `side`, `""` where that is not known.
    pub failed_by_side: BTreeMap<&'static str, u64>,
    /// Whether the newest call is of the last quarter of an hour.
    pub is_live: bool,
    /// The most telling first.
    pub findings: Vec<Shown>,
}

impl Told {
    /// What this snapshot says of so many hours up to its newest call.
    pub fn of(snapshot: &Snapshot, hours: u32, now: UnixMillis) -> Self {
        let span = window(snapshot, hours, now);
        let mut tallies = Tallies::default();
        snapshot.history.each(span.clone(), |minute, series, calls| {
            tallies.add(Tally {
                minute: minute.into(),
                trunk: &series.route.trunk,
                direction: series.route.direction,
                outcome: series.outcome,
                cause: &series.cause,
                codes: series.codes,
                calls: calls.into(),
            });
        });
        let found = tallies.findings(&snapshot.catalogue);
        Self {
            at: rfc3339(now),
            hours,
            attempts: found.attempts,
            failed: found.failed,
            headline: found.headline(),
            quiet: found.quiet(),
            failed_by_side: found
                .by_side
                .iter()
                .map(|(side, calls)| (side.map_or("", |side| side.label()), *calls))
                .collect(),
            is_live: now.0 / 1000 - i64::from(span.end) * 60 < NOW_SECONDS,
            findings: found.findings.iter().map(|finding| Shown::of(finding, &TimeZone::UTC)).collect(),
            span: Span { from: minute_text(span.start), to: minute_text(span.end) },
        }
    }

    /// Whether this goes on now.
    pub fn is_on(&self, finding: &Shown) -> bool {
        self.is_live && finding.goes_on
    }
}
