//! What was counted of the calls that are meant, with when they ended: what every table is made of.

use std::collections::HashMap;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use super::select::Choice;
use crate::call::{CodePair, Outcome};
use crate::findings::{Findings, Kind, Labels, Tallies, Tally};
use crate::ledger::snapshot::Snapshot;

/// A minute, and how many calls ended in it.
pub type Cell = (Option<i64>, u64);

/// The calls that are meant.
pub struct Facts {
    /// Those with a time.
    pub tallies: Tallies,
    /// Those without one, or with a wrong one.
    pub untimed: Vec<(Labels, u64)>,
    pub findings: Findings,
}

impl Facts {
    /// What a snapshot holds of the calls that are meant.
    ///
    /// # Errors
    /// Which text is no time.
    pub fn of(snapshot: &Snapshot, choice: &Choice) -> Result<Self, String> {
        let span = snapshot.history.span().unwrap_or(0..0);
        let (first, end) = choice.minutes((i64::from(span.start), i64::from(span.end)))?;
        let minutes: Range<u32> = within(first)..within(end);
        let mut tallies = Tallies::default();
        snapshot.history.each(span, |minute, series, calls| {
            let codes = series.codes;
            let (trunk, direction) = (&series.route.trunk, series.route.direction);
            if !choice.has_route(trunk, direction) {
                return;
            }
            let (outcome, cause, calls) = (series.outcome, &series.cause, u64::from(calls));
            if minutes.contains(&minute) {
                tallies.add(Tally { minute: minute.into(), trunk, direction, outcome, cause, codes, calls });
            }
        });
        let mut untimed = Vec::new();
        if choice.is_at_any_time() {
            let timed = tallies.series().map(|(labels, minutes)| (labels, minutes.values().sum()));
            let timed: HashMap<&Labels, u64> = timed.collect();
            for (labels, calls) in counted(snapshot) {
                let left = calls.saturating_sub(timed.get(&labels).copied().unwrap_or_default());
                if left > 0 && choice.has_route(&labels.trunk, labels.direction) {
                    untimed.push((labels, left));
                }
            }
        }
        let mut findings = tallies.findings(&snapshot.catalogue);
        if choice.has_only_some_failures() {
            // Of a trunk, or of everything, it counts the failures of other causes too.
            let is_meant = |it: &crate::findings::Finding| {
                let is_of_cause = matches!(it.kind, Kind::Burst | Kind::New);
                is_of_cause && choice.has_cause(&it.cause, it.codes, &snapshot.catalogue)
            };
            findings.findings.retain(is_meant);
            findings.leading = findings.leading.filter(is_meant);
        }
        if !choice.has_outcome(Outcome::Failed) {
            (findings.findings, findings.leading) = (Vec::new(), None);
        }
        let mut facts = Self { tallies, untimed, findings };
        facts.count(choice, snapshot);
        Ok(facts)
    }

    /// Makes the sums those of all calls that are meant, with or without a time.
    fn count(&mut self, choice: &Choice, snapshot: &Snapshot) {
        let (mut attempts, mut failed, mut by_side) = (0, 0, std::collections::BTreeMap::new());
        self.each(|labels, cells| {
            let calls: u64 = cells.map(|(_, calls)| calls).sum();
            attempts += if labels.outcome == Outcome::Elsewhere { 0 } else { calls };
            if choice.is_failure(labels, &snapshot.catalogue) {
                failed += calls;
                let side = snapshot.catalogue.about(&labels.cause, labels.codes).side();
                *by_side.entry(side).or_default() += calls;
            }
        });
        self.findings.attempts = attempts;
        self.findings.failed = failed;
        self.findings.by_side = by_side;
    }

    /// Shows the calls of each label set, by minute; `None` are calls without a time.
    pub fn each(&self, mut take: impl FnMut(&Labels, &mut dyn Iterator<Item = Cell>)) {
        for (labels, minutes) in self.tallies.series() {
            take(labels, &mut minutes.iter().map(|(minute, calls)| (Some(*minute), *calls)));
        }
        self.untimed.iter().for_each(|(labels, calls)| take(labels, &mut iter::once((None, *calls))));
    }

    /// How many calls have no time.
    pub fn untimed_calls(&self) -> u64 {
        self.untimed.iter().map(|(_, calls)| calls).sum()
    }
}

fn within(minute: i64) -> u32 {
    u32::try_from(minute.max(0)).unwrap_or(u32::MAX)
}

/// Calls by their labels, as the counters have them.
fn counted(snapshot: &Snapshot) -> HashMap<Labels, u64> {
    let mut counted: HashMap<Labels, u64> = HashMap::new();
    let none: Arc<str> = "".into();
    for series in snapshot.calls.iter().filter(|series| series.outcome != Outcome::Failed) {
        let labels = Labels {
            trunk: Arc::clone(&series.route.trunk),
            direction: series.route.direction,
            outcome: series.outcome,
            cause: Arc::clone(&none),
            codes: CodePair::default(),
        };
        *counted.entry(labels).or_default() += series.count;
    }
    for series in &snapshot.failures {
        let labels = Labels {
            trunk: Arc::clone(&series.route.trunk),
            direction: series.route.direction,
            outcome: Outcome::Failed,
            cause: Arc::clone(&series.cause),
            codes: series.codes,
        };
        *counted.entry(labels).or_default() += series.count;
    }
    counted
}
