//! Many calls fail, all the time and everywhere: there is nothing to compare with but what is bearable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::Share;
use super::grid::{Cause, Grid, Route};
use super::{Finding, Kind, LEAST_CALLS, Tallies};
use crate::call::Outcome;
use crate::classify::Catalogue;

/// The share of failed calls that is bearable. The alerts wake someone where all trunks together surely lose more.
const BEARABLE: f64 = 0.1;

/// The most frequent cause of what no other finding names, if that is more than bearable.
pub fn find(grid: &Grid, catalogue: &Catalogue, named: &[Finding]) -> Option<Finding> {
    let routes: Vec<Route> = grid.attempts.keys().cloned().collect();
    let by_trunk: BTreeSet<_> =
        named.iter().filter(|it| it.kind == Kind::Peers).map(|it| &it.trunk).collect();
    let routes: Vec<Route> =
        routes.into_iter().filter(|(trunk, _)| !by_trunk.contains(&Some(trunk.clone()))).collect();
    let is_new = |cause: &&Cause| {
        named.iter().any(|it| it.kind == Kind::New && (&it.cause, it.codes) == (&cause.0, cause.1))
    };
    let causes: Vec<&Cause> = grid.failed.keys().filter(|cause| !is_new(cause)).collect();
    let trunks = failing(grid, &causes, &routes);
    // Where one trunk alone has them, its calls are what they are of.
    let is_of_it = |(trunk, _): &Route| trunks.len() != 1 || trunks.contains(trunk);
    let routes: Vec<Route> = routes.into_iter().filter(is_of_it).collect();
    let shares = causes.iter().map(|cause| (grid.share(cause, &routes, 0..grid.length), *cause));
    let shares: Vec<(Share, &Cause)> = shares.collect();
    let (share, worst) = *shares.iter().max_by_key(|(share, _)| share.failed)?;
    let failed = shares.iter().map(|(share, _)| share.failed).sum();
    let all = Share { failed, attempts: share.attempts };
    if failed < LEAST_CALLS || all.lower_bound() < BEARABLE {
        return None;
    }
    Some(Finding {
        trunk: trunks.first().filter(|_| trunks.len() == 1).cloned(),
        on: trunks.into_iter().collect(),
        from: grid.first,
        to: grid.end,
        goes_on: true,
        calls: failed,
        of_cause: share.failed,
        attempts: all.attempts,
        excess: failed as f64 - BEARABLE * all.attempts as f64,
        ..Finding::about(Kind::Level, &worst.0, worst.1, catalogue)
    })
}

/// The trunks of these routes on which calls failed of these causes.
fn failing(grid: &Grid, causes: &[&Cause], routes: &[Route]) -> BTreeSet<Arc<str>> {
    let of_causes = causes.iter().filter_map(|cause| grid.failed.get(*cause)).flatten();
    let failed =
        of_causes.filter(|(route, cells)| routes.contains(route) && cells.iter().any(|calls| *calls > 0));
    failed.map(|((trunk, _), _)| Arc::clone(trunk)).collect()
}

/// The most frequent cause, worth a sentence or not.
pub fn leading(tallies: &Tallies, catalogue: &Catalogue) -> Option<Finding> {
    let mut causes: BTreeMap<Cause, (u64, BTreeSet<&str>)> = BTreeMap::new();
    let (mut failed, mut attempts) = (0, 0);
    for (labels, minutes) in tallies.series() {
        let calls: u64 = minutes.values().sum();
        attempts += if labels.outcome == Outcome::Elsewhere { 0 } else { calls };
        if labels.outcome == Outcome::Failed {
            failed += calls;
            let of_cause = causes.entry((labels.cause.clone(), labels.codes)).or_default();
            of_cause.0 += calls;
            of_cause.1.insert(&labels.trunk);
        }
    }
    let (cause, (calls, trunks)) = causes.iter().max_by_key(|(_, (calls, _))| *calls)?;
    let (from, to) = tallies.span()?;
    Some(Finding {
        trunk: trunks.first().filter(|_| trunks.len() == 1).map(|trunk| (*trunk).into()),
        on: trunks.iter().map(|trunk| (*trunk).into()).collect(),
        from,
        to,
        goes_on: true,
        calls: failed,
        of_cause: *calls,
        attempts,
        ..Finding::about(Kind::Level, &cause.0, cause.1, catalogue)
    })
}
