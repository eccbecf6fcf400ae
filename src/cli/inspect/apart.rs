//! Calls by kind or by country, which the daemon counts in families of their own: with the outcome, and with nothing else.

use std::collections::BTreeMap;

use super::group::{By, Line, Sort};
use super::select::Choice;
use crate::call::Outcome;
use crate::ledger::snapshot::Snapshot;
use crate::reading::tallies::ByOutcome;

/// The lines, sorted; `None` if neither is asked for.
///
/// # Errors
/// What cannot stand beside them.
pub fn lines(
    by: &[By],
    sort: Sort,
    choice: &Choice,
    snapshot: &Snapshot,
) -> Result<Option<Vec<Line>>, String> {
    let Some(family) = by.iter().copied().find(|by| by.is_apart()) else { return Ok(None) };
    let name = family.label();
    if let Some(other) = by.iter().find(|other| **other != family && **other != By::Outcome) {
        return Err(format!(
            "--by {name} and {} do not go together: calls by {name} are counted apart, with their outcomes only",
            other.label()
        ));
    }
    if !choice.with_outcomes(&[]).is_of_all() {
        return Err(format!(
            "--by {name} is of all calls: they are counted apart from trunks, causes and times, so leave out what chooses \
             some of them"
        ));
    }
    let mut lines: BTreeMap<Vec<String>, Line> = BTreeMap::new();
    for (label, counts) in counts(family, snapshot) {
        for (outcome, calls) in Outcome::ALL.into_iter().zip(counts).filter(|(_, calls)| *calls > 0) {
            let is_chosen = choice.has_outcome(outcome);
            if by.contains(&By::Outcome) && !is_chosen {
                continue;
            }
            let keys = by.iter().map(|by| if *by == By::Outcome { outcome.label() } else { label });
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            let line = lines.entry(keys.clone()).or_insert_with(|| Line { keys, ..Line::default() });
            let is_failure = outcome == Outcome::Failed && is_chosen;
            let is_part = if choice.is_by_outcome() { is_chosen } else { is_failure };
            line.calls += if is_chosen { calls } else { 0 };
            line.attempts += if outcome == Outcome::Elsewhere { 0 } else { calls };
            line.failed += if is_failure { calls } else { 0 };
            line.part += if is_part { calls } else { 0 };
            *line.outcomes.entry(outcome.label()).or_default() += calls;
        }
    }
    let mut lines: Vec<Line> = lines.into_values().collect();
    sort.sort(&mut lines);
    Ok(Some(lines))
}

/// The calls of all sources by one of the two; what has neither is under `""`.
fn counts(family: By, snapshot: &Snapshot) -> BTreeMap<&str, ByOutcome> {
    let mut all: BTreeMap<&str, ByOutcome> = BTreeMap::new();
    let mut add = |label, counts: &ByOutcome| {
        let own = all.entry(label).or_default();
        own.iter_mut().zip(counts).for_each(|(own, other)| *own += other);
    };
    for source in &snapshot.sources {
        match family {
            By::Kind => source.kinds.iter().for_each(|(kind, counts)| add(kind, counts)),
            _ => source.countries.iter().for_each(|(country, counts)| add(country, counts)),
        }
    }
    let mut rest = ByOutcome::default();
    snapshot.calls.iter().for_each(|series| rest[series.outcome as usize] += series.count);
    for counts in all.values() {
        rest.iter_mut().zip(counts).for_each(|(rest, count)| *rest = rest.saturating_sub(*count));
    }
    if rest.iter().any(|count| *count > 0) {
        all.insert("", rest);
    }
    all
}
