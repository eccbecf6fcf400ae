//! Causes that were not there before: all of their calls came late in the time there is to see.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence;
use super::grid::{Cause, Grid};
use super::{Against, Finding, Kind, LEAST_CALLS, Tallies, Usual};
use crate::call::Outcome;
use crate::classify::Catalogue;

/// A cause is new if no call of it stands in this part of all calls.
const PART_WITHOUT: f64 = 0.5;

/// The causes that are new, but for those that `named` has.
pub fn find(tallies: &Tallies, grid: &Grid, catalogue: &Catalogue, named: &[Finding]) -> Vec<Finding> {
    let all = grid.attempts_since(0);
    let needed = evidence::needed(grid.failed.len() as f64);
    let is_named = |cause: &Cause| named.iter().any(|it| (&it.cause, it.codes) == (&cause.0, cause.1));
    let mut found = Vec::new();
    for cause in grid.failed.keys().filter(|cause| !is_named(cause)) {
        let failed = grid.failed_of(cause);
        let cells = grid.failed.get(cause).into_iter().flat_map(BTreeMap::values);
        let first = cells.filter_map(|cells| cells.iter().position(|calls| *calls > 0)).min();
        let Some(first) = first.filter(|_| failed >= LEAST_CALLS) else { continue };
        let since = grid.attempts_since(first);
        let part = since as f64 / all.max(1) as f64;
        // How likely all of them would fall there by chance.
        let evidence = -(failed as f64) * part.ln();
        if part > 1.0 - PART_WITHOUT || evidence < needed {
            continue;
        }
        let mut trunks: Vec<Arc<str>> = calls_of(tallies, cause).map(|(trunk, _)| trunk.into()).collect();
        trunks.dedup();
        let from = calls_of(tallies, cause).map(|(_, first)| first).min().unwrap_or(grid.first);
        found.push(Finding {
            trunk: trunks.first().filter(|_| trunks.len() == 1).cloned(),
            on: trunks,
            from,
            to: grid.end,
            goes_on: true,
            calls: failed,
            of_cause: failed,
            attempts: since,
            usual: Usual {
                against: Against::Before,
                calls: 0,
                attempts: all - since,
                minutes: from - grid.first,
            },
            excess: failed as f64,
            ..Finding::about(Kind::New, &cause.0, cause.1, catalogue)
        });
    }
    found
}

/// Trunk and first minute of each series of a cause, by trunk.
fn calls_of<'t>(tallies: &'t Tallies, cause: &Cause) -> impl Iterator<Item = (&'t str, i64)> {
    let (name, codes) = (cause.0.clone(), cause.1);
    let of_cause = tallies.series().filter(move |(labels, _)| {
        labels.outcome == Outcome::Failed && labels.cause == name && labels.codes == codes
    });
    let mut all: Vec<_> =
        of_cause.filter_map(|(labels, minutes)| Some((&*labels.trunk, *minutes.keys().next()?))).collect();
    all.sort_unstable();
    all.into_iter()
}
