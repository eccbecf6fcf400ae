//! Trunks on which more calls fail than on the others, all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{self, Share};
use super::grid::{Cause, Grid, Route};
use super::{Against, Finding, Kind, Usual};
use crate::classify::Catalogue;

/// Trunks that differ, from the worst on; each is compared with those that do not.
pub fn find(grid: &Grid, catalogue: &Catalogue) -> Vec<Finding> {
    let mut trunks = shares(grid);
    let needed = evidence::needed(trunks.len() as f64);
    let mut found = Vec::new();
    while trunks.len() > 1 {
        let all = sum(trunks.values());
        let evidence = |share: &Share| evidence::of(*share, all.without(*share));
        let differs = trunks.iter().filter_map(|(trunk, share)| Some((trunk, share, evidence(share)?)));
        let worst = differs.max_by(|one, other| one.2.total_cmp(&other.2));
        let Some((trunk, here, _)) = worst.filter(|(.., evidence)| *evidence > needed) else { break };
        let (trunk, here) = (Arc::clone(trunk), *here);
        trunks.remove(&trunk);
        found.extend(finding(grid, &trunk, here, &trunks, catalogue));
    }
    found
}

/// Failed calls among all of each trunk, whatever the cause.
fn shares(grid: &Grid) -> BTreeMap<Arc<str>, Share> {
    let total = |cells: &Vec<u32>| -> u64 { cells.iter().map(|calls| u64::from(*calls)).sum() };
    let mut shares: BTreeMap<Arc<str>, Share> = BTreeMap::new();
    for ((trunk, _), cells) in &grid.attempts {
        shares.entry(Arc::clone(trunk)).or_default().attempts += total(cells);
    }
    for ((trunk, _), cells) in grid.failed.values().flatten() {
        shares.entry(Arc::clone(trunk)).or_default().failed += total(cells);
    }
    shares
}

fn sum<'s>(shares: impl Iterator<Item = &'s Share>) -> Share {
    shares.fold(Share::default(), |all, share| all.with(*share))
}

fn finding(
    grid: &Grid,
    trunk: &Arc<str>,
    here: Share,
    others: &BTreeMap<Arc<str>, Share>,
    catalogue: &Catalogue,
) -> Option<Finding> {
    let on = |is_here: bool| -> Vec<Route> {
        let is_so = |route: &&Route| if is_here { route.0 == *trunk } else { others.contains_key(&route.0) };
        grid.attempts.keys().filter(is_so).cloned().collect()
    };
    let (here_routes, other_routes) = (on(true), on(false));
    let excess = |cause: &Cause| {
        let share = |routes| grid.share(cause, routes, 0..grid.length);
        share(&here_routes).excess(share(&other_routes))
    };
    let by_excess = grid.failed.keys().map(|cause| (excess(cause), cause));
    let (_, cause) = by_excess.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let usual = sum(others.values());
    let directions: BTreeSet<_> = here_routes
        .iter()
        .filter(|route| grid.share(cause, std::slice::from_ref(route), 0..grid.length).failed > 0)
        .map(|(_, direction)| *direction)
        .collect();
    Some(Finding {
        trunk: Some(Arc::clone(trunk)),
        on: vec![Arc::clone(trunk)],
        direction: directions.first().filter(|_| directions.len() == 1).copied(),
        from: grid.first,
        to: grid.end,
        goes_on: true,
        calls: here.failed,
        of_cause: grid.share(cause, &here_routes, 0..grid.length).failed,
        attempts: here.attempts,
        usual: Usual {
            against: Against::OtherTrunks(others.len()),
            calls: usual.failed,
            attempts: usual.attempts,
            minutes: grid.end - grid.first,
        },
        excess: here.excess(usual),
        ..Finding::about(Kind::Peers, &cause.0, cause.1, catalogue)
    })
}
