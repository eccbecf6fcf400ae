//! Bursts: stretches of time in which more calls failed of one cause than in the rest, on one trunk or all, in one
//! direction or both.
//!
//! Each cause is looked for in each place, and of all places and stretches the one with most evidence is named. What it
//! explains is taken out, and the search goes on until nothing is sure any more.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::evidence::{self, Share};
use super::grid::{Cause, Grid, Route};
use super::{Against, Finding, Kind, LEAST_CALLS, Usual};
use crate::call::Direction;
use crate::classify::Catalogue;

/// So many bursts of one cause are looked for.
const MOST_OF_A_CAUSE: usize = 5;

/// Where a cause is looked for.
#[derive(Debug, Clone)]
struct Place {
    trunk: Option<Arc<str>>,
    direction: Option<Direction>,
    routes: Vec<Route>,
}

/// A stretch of time at a place.
struct Window {
    place: Place,
    stretches: Range<usize>,
    evidence: f64,
}

/// All bursts. Their failed calls are taken out of the grid.
pub fn find(grid: &mut Grid, catalogue: &Catalogue) -> Vec<Finding> {
    let causes: Vec<Cause> = grid.failed.keys().cloned().collect();
    let places: usize = causes.iter().map(|cause| places(grid, cause).len()).sum();
    let windows = grid.length as f64 * grid.length as f64 / 2.0;
    let needed = evidence::needed(windows * places as f64);
    let mut found = Vec::new();
    for cause in causes {
        for _ in 0..MOST_OF_A_CAUSE {
            let best = best(grid, &cause).filter(|window| window.evidence > needed);
            let Some(Window { place, stretches, .. }) = best else { break };
            add(&mut found, finding(grid, &cause, &place, stretches.clone(), catalogue));
            take_out(grid, &cause, &place.routes, stretches);
        }
    }
    found
}

/// Adds a burst. One that follows upon another at the same place is the same: a fault that sets in within a stretch begins
/// with few failed calls.
fn add(found: &mut Vec<Finding>, burst: Finding) {
    let is_at_its_place = |other: &&mut Finding| {
        (&other.cause, other.codes, &other.trunk, other.direction)
            == (&burst.cause, burst.codes, &burst.trunk, burst.direction)
    };
    let follows = |earlier: &Finding, later: &Finding| {
        earlier.to == later.from && earlier.usual.against == Against::Before
    };
    let other =
        found.iter_mut().filter(is_at_its_place).find(|it| follows(it, &burst) || follows(&burst, it));
    let Some(other) = other else { return found.push(burst) };
    let (earlier, later) = if follows(other, &burst) { (&*other, &burst) } else { (&burst, &*other) };
    *other = Finding {
        to: later.to,
        goes_on: later.goes_on,
        trunks: earlier.trunks.max(later.trunks),
        calls: earlier.calls + later.calls,
        of_cause: earlier.of_cause + later.of_cause,
        attempts: earlier.attempts + later.attempts,
        excess: earlier.excess + later.excess,
        ..earlier.clone()
    };
}

/// The places that have failed calls of a cause, the widest first.
fn places(grid: &Grid, cause: &Cause) -> Vec<Place> {
    let failed: BTreeSet<&Route> = grid.failed.get(cause).into_iter().flat_map(|it| it.keys()).collect();
    let all: Vec<&Route> = grid.attempts.keys().collect();
    let trunks: BTreeSet<&Arc<str>> = failed.iter().map(|(trunk, _)| trunk).collect();
    let directions: BTreeSet<Direction> = failed.iter().map(|(_, direction)| *direction).collect();
    let mut places: Vec<Place> = Vec::new();
    let trunks = [None].into_iter().chain(trunks.into_iter().map(Some));
    for trunk in trunks {
        for direction in [None].into_iter().chain(directions.iter().copied().map(Some)) {
            let is_here = |route: &&&Route| {
                trunk.is_none_or(|trunk| *trunk == route.0)
                    && direction.is_none_or(|direction| direction == route.1)
            };
            let routes: Vec<Route> = all.iter().filter(is_here).map(|route| (*route).clone()).collect();
            if failed.iter().any(|route| is_here(&route)) {
                places.push(Place { trunk: trunk.cloned(), direction, routes });
            }
        }
    }
    places
}

/// The stretch of time and place with most evidence. Of places with the same, the narrowest.
fn best(grid: &Grid, cause: &Cause) -> Option<Window> {
    let windows = places(grid, cause).into_iter().filter_map(|place| {
        let cells = Cells::of(grid, cause, &place.routes);
        let (stretches, evidence) = cells.best()?;
        Some(Window { place, stretches, evidence })
    });
    windows.max_by(|one, other| one.evidence.total_cmp(&other.evidence))
}

/// Failed calls and all calls up to the beginning of each stretch.
struct Cells {
    failed: Vec<u64>,
    attempts: Vec<u64>,
    /// Stretches in which calls failed.
    hits: Vec<usize>,
}

impl Cells {
    fn of(grid: &Grid, cause: &Cause, routes: &[Route]) -> Self {
        let mut failed = vec![0; grid.length + 1];
        let mut attempts = vec![0; grid.length + 1];
        let add = |sums: &mut Vec<u64>, cells: Option<&Vec<u32>>| {
            for (sum, calls) in sums.iter_mut().skip(1).zip(cells.into_iter().flatten()) {
                *sum += u64::from(*calls);
            }
        };
        for route in routes {
            add(&mut failed, grid.failed.get(cause).and_then(|routes| routes.get(route)));
            add(&mut attempts, grid.attempts.get(route));
        }
        let hits = (0..grid.length).filter(|stretch| failed[stretch + 1] > 0).collect();
        for sums in [&mut failed, &mut attempts] {
            for place in 1..sums.len() {
                sums[place] += sums[place - 1];
            }
        }
        Self { failed, attempts, hits }
    }

    fn share(&self, stretches: &Range<usize>) -> Share {
        Share {
            failed: self.failed[stretches.end] - self.failed[stretches.start],
            attempts: self.attempts[stretches.end] - self.attempts[stretches.start],
        }
    }

    /// Of the stretches that begin and end with a failed call, the one with most evidence.
    fn best(&self) -> Option<(Range<usize>, f64)> {
        let all = self.share(&(0..self.failed.len() - 1));
        if all.failed < LEAST_CALLS {
            return None;
        }
        let mut best: Option<(Range<usize>, f64)> = None;
        for (place, start) in self.hits.iter().enumerate() {
            for last in &self.hits[place..] {
                let stretches = *start..last + 1;
                let here = self.share(&stretches);
                let evidence = evidence::of(here, all.without(here));
                if evidence.is_some_and(|it| best.as_ref().is_none_or(|(_, most)| it > *most)) {
                    best = evidence.map(|evidence| (stretches, evidence));
                }
            }
        }
        best
    }
}

fn finding(
    grid: &Grid,
    cause: &Cause,
    place: &Place,
    stretches: Range<usize>,
    catalogue: &Catalogue,
) -> Finding {
    let share = |stretches: Range<usize>| grid.share(cause, &place.routes, stretches);
    let here = share(stretches.clone());
    let rest = share(0..grid.length).without(here);
    let (before, after) = (share(0..stretches.start), share(stretches.end..grid.length));
    let (from, to) = (grid.minute(stretches.start), grid.minute(stretches.end));
    let (against, usual, minutes) = match before.attempts {
        0 => (Against::After, after, grid.end - to),
        _ => (Against::Before, before, from - grid.first),
    };
    let failed = grid.failed.get(cause);
    let has_some = |route: &&Route| {
        let cells = failed.and_then(|routes| routes.get(*route));
        cells.is_some_and(|cells| cells[stretches.clone()].iter().any(|calls| *calls > 0))
    };
    let trunks: BTreeSet<&Arc<str>> = place.routes.iter().filter(has_some).map(|(trunk, _)| trunk).collect();
    if let (None, 1, Some(trunk)) = (&place.trunk, trunks.len(), trunks.first()) {
        // As sure in all places together, but people are to hear where it is.
        let routes = place.routes.iter().filter(|route| route.0 == **trunk).cloned().collect();
        let place = Place { trunk: Some(Arc::clone(trunk)), direction: place.direction, routes };
        return finding(grid, cause, &place, stretches, catalogue);
    }
    Finding {
        trunk: place.trunk.clone(),
        trunks: trunks.len(),
        direction: place.direction,
        from,
        to,
        goes_on: goes_on(here, after),
        calls: here.failed,
        of_cause: here.failed,
        attempts: here.attempts,
        usual: Usual { against, calls: usual.failed, attempts: usual.attempts, minutes },
        excess: here.excess(rest),
        ..Finding::about(Kind::Burst, &cause.0, cause.1, catalogue)
    }
}

/// Whether there are so few calls after a burst that they do not show its end: all of them coming through is then no less
/// likely than one in twenty.
fn goes_on(here: Share, after: Share) -> bool {
    let came_through = 1.0 - here.failed as f64 / here.attempts.max(1) as f64;
    came_through.powf(after.attempts as f64) > 0.05
}

/// The calls of a burst say nothing about the rest of the time, nor about other trunks.
fn take_out(grid: &mut Grid, cause: &Cause, routes: &[Route], stretches: Range<usize>) {
    let Some(failed) = grid.failed.get_mut(cause) else { return };
    for route in routes {
        let Some(cells) = failed.get_mut(route) else { continue };
        cells[stretches.clone()].fill(0);
    }
}
