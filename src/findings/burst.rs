//! Bursts: stretches of time in which more calls failed of one cause than in the rest, on one trunk or several, in one
//! direction or both.
//!
//! Each cause is looked for in each place, and of all places and stretches the one with most evidence is named. What it
//! explains is taken out, and the search goes on until nothing is sure any more.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::evidence::{self, Share, Whole};
use super::grid::{Cause, Grid, Route};
use super::place::{Place, narrowed, places};
use super::{Against, Finding, Kind, LEAST_CALLS, Usual};
use crate::classify::Catalogue;

/// So many bursts of one cause are looked for.
const MOST_OF_A_CAUSE: usize = 5;

/// Bursts of one cause at one place that so many stretches without a failed call part are one.
const GAP: usize = 2;

/// A stretch of time at a place.
#[derive(Debug)]
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
        let all = grid.failed.get(&cause).cloned().unwrap_or_default();
        let mut windows: Vec<Window> = Vec::new();
        for _ in 0..MOST_OF_A_CAUSE {
            let best = best(grid, &cause).filter(|window| window.evidence > needed);
            let Some(window) = best.map(|best| told_apart(grid, &cause, best, needed)) else { break };
            take_out(grid, &cause, &window.place.routes, window.stretches.clone());
            add(&mut windows, window);
        }
        // Each is told with all calls that failed, and the search for what is no burst goes on without them.
        let rest = grid.failed.insert(cause.clone(), all).unwrap_or_default();
        found.extend(windows.iter().map(|window| finding(grid, &cause, window, &windows, catalogue)));
        grid.failed.insert(cause, rest);
    }
    found
}

/// Adds a burst. One that follows upon another at the same place is the same: a fault that sets in within a stretch begins
/// with few failed calls, and one that ends slowly ends with few.
fn add(windows: &mut Vec<Window>, mut burst: Window) {
    while let Some(place) = windows.iter().position(|other| other.is_same(&burst)) {
        let Window { stretches, evidence, .. } = windows.swap_remove(place);
        burst.stretches = stretches.start.min(burst.stretches.start)..stretches.end.max(burst.stretches.end);
        burst.evidence += evidence;
    }
    windows.push(burst);
}

/// The stretch of time and place with most evidence. Of places with the same, the narrowest.
fn best(grid: &Grid, cause: &Cause) -> Option<Window> {
    let windows = places(grid, cause).into_iter().filter_map(|place| window(grid, cause, place));
    windows.max_by(|one, other| one.evidence.total_cmp(&other.evidence))
}

/// The stretch of time with most evidence at a place.
fn window(grid: &Grid, cause: &Cause, place: Place) -> Option<Window> {
    let (stretches, evidence) = Cells::of(grid, cause, &place.routes).best()?;
    Some(Window { place, stretches, evidence })
}

/// A burst at the trunks that have it alone; or where those have it at different times, the one of these that is surest.
fn told_apart(grid: &Grid, cause: &Cause, best: Window, needed: f64) -> Window {
    let whole = Whole::of(grid.share(cause, &best.place.routes, 0..grid.length));
    let (place, evidence) = narrowed(grid, cause, best.place, best.evidence, &best.stretches);
    let best = Window { place, evidence, ..best };
    let each = best.place.each_trunk().into_iter().filter_map(|place| window(grid, cause, place));
    let sure: Vec<Window> = each.filter(|window| window.evidence > needed).collect();
    // Each burst more has to be worth its sentence. All are compared with the same rest.
    let evidence = |it: &Window| whole.evidence(grid.share(cause, &it.place.routes, it.stretches.clone()));
    let evidence: f64 = sure.iter().filter_map(evidence).map(|evidence| evidence - needed).sum();
    if sure.len() < 2 || evidence <= best.evidence - needed {
        return best;
    }
    let surest = sure.into_iter().max_by(|one, other| one.evidence.total_cmp(&other.evidence));
    let Some(Window { place, stretches, evidence }) = surest else { return best };
    let (place, evidence) = narrowed(grid, cause, place, evidence, &stretches);
    Window { place, stretches, evidence }
}

impl Window {
    /// Whether both are one burst.
    fn is_same(&self, other: &Self) -> bool {
        let (one, two) = (&self.stretches, &other.stretches);
        let gap = two.start.saturating_sub(one.end).max(one.start.saturating_sub(two.end));
        self.place.is(&other.place) && gap <= GAP
    }
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
        let whole = Whole::of(all);
        let mut best: Option<(Range<usize>, f64)> = None;
        for (place, start) in self.hits.iter().enumerate() {
            for last in &self.hits[place..] {
                let stretches = *start..last + 1;
                let evidence = whole.evidence(self.share(&stretches));
                if evidence.is_some_and(|it| best.as_ref().is_none_or(|(_, most)| it > *most)) {
                    best = evidence.map(|evidence| (stretches, evidence));
                }
            }
        }
        best
    }
}

/// Tells of a burst. What is usual is what came before it, back to the last of the other bursts there; where nothing came
/// before, what came after.
fn finding(grid: &Grid, cause: &Cause, window: &Window, all: &[Window], catalogue: &Catalogue) -> Finding {
    let Window { place, stretches, .. } = window;
    let share = |stretches: Range<usize>| grid.share(cause, &place.routes, stretches);
    let others = all.iter().filter(|other| other.place.shares_routes(place)).map(|other| &other.stretches);
    let since = others.clone().map(|it| it.end).filter(|end| *end <= stretches.start).max().unwrap_or(0);
    let until =
        others.map(|it| it.start).filter(|start| *start >= stretches.end).min().unwrap_or(grid.length);
    let here = share(stretches.clone());
    let (before, after) = (share(since..stretches.start), share(stretches.end..until));
    let (from, to) = (grid.minute(stretches.start), grid.minute(stretches.end));
    let (against, usual, minutes) = match (before.attempts, after.attempts) {
        (0, 0) => (Against::Nothing, before, 0),
        (0, _) => (Against::After, after, grid.minute(until) - to),
        _ => (Against::Before, before, from - grid.minute(since)),
    };
    let trunks = failing(grid, cause, place, stretches);
    Finding {
        trunk: trunks.first().filter(|_| trunks.len() == 1).cloned(),
        on: trunks,
        direction: place.direction,
        from,
        to,
        goes_on: until == grid.length && goes_on(here, after),
        calls: here.failed,
        of_cause: here.failed,
        attempts: here.attempts,
        usual: Usual { against, calls: usual.failed, attempts: usual.attempts, minutes },
        excess: here.excess(usual),
        ..Finding::about(Kind::Burst, &cause.0, cause.1, catalogue)
    }
}

/// The trunks of a place on which calls failed then.
fn failing(grid: &Grid, cause: &Cause, place: &Place, stretches: &Range<usize>) -> Vec<Arc<str>> {
    let failed =
        |route: &&Route| grid.share(cause, std::slice::from_ref(*route), stretches.clone()).failed > 0;
    let trunks: BTreeSet<&Arc<str>> = place.routes.iter().filter(failed).map(|(trunk, _)| trunk).collect();
    trunks.into_iter().cloned().collect()
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
