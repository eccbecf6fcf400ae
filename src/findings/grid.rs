//! Calls on a grid of equal stretches of time, for each trunk and direction: what the search for bursts walks over.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Tallies;
use super::evidence::Share;
use crate::call::{CodePair, Direction, Outcome};

/// How long one may be, in minutes.
const STRETCHES: [i64; 11] = [1, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 10_080];

/// No more of them than this.
const MOST_STRETCHES: i64 = 600;

/// Trunk and direction.
pub type Route = (Arc<str>, Direction);

/// A cause by its name and codes.
pub type Cause = (Arc<str>, CodePair);

/// The grid.
#[derive(Debug)]
pub struct Grid {
    /// The first minute.
    pub first: i64,
    /// The minute behind the last.
    pub end: i64,
    /// How many minutes a stretch has.
    stretch: i64,
    /// How many stretches there are.
    pub length: usize,
    /// All calls of each route but those taken elsewhere.
    pub attempts: BTreeMap<Route, Vec<u32>>,
    /// The failed ones of each cause, by route.
    pub failed: BTreeMap<Cause, BTreeMap<Route, Vec<u32>>>,
}

impl Grid {
    /// The calls between two minutes.
    pub fn of(tallies: &Tallies, first: i64, end: i64) -> Self {
        let minutes = end - first;
        let fits = |stretch: &&i64| parts(minutes, **stretch) <= MOST_STRETCHES;
        let stretch = STRETCHES.iter().find(fits).copied().unwrap_or(parts(minutes, MOST_STRETCHES));
        // On the hour, where a stretch divides it.
        let begin = first.div_euclid(stretch) * stretch;
        let length = usize::try_from(parts(end - begin, stretch)).unwrap_or(1).max(1);
        let mut grid =
            Self { first: begin, end, stretch, length, attempts: BTreeMap::new(), failed: BTreeMap::new() };
        for (labels, minutes) in tallies.series() {
            if labels.outcome == Outcome::Elsewhere {
                continue;
            }
            let route = (Arc::clone(&labels.trunk), labels.direction);
            grid.add(minutes, |grid| grid.attempts.entry(route.clone()).or_insert_with(|| vec![0; length]));
            if labels.outcome == Outcome::Failed {
                let cause = (Arc::clone(&labels.cause), labels.codes);
                grid.add(minutes, |grid| {
                    let routes = grid.failed.entry(cause.clone()).or_default();
                    routes.entry(route.clone()).or_insert_with(|| vec![0; length])
                });
            }
        }
        grid
    }

    fn add(&mut self, minutes: &BTreeMap<i64, u64>, cells: impl FnOnce(&mut Self) -> &mut Vec<u32>) {
        let (first, stretch) = (self.first, self.stretch);
        let cells = cells(self);
        for (minute, calls) in minutes {
            let place = usize::try_from((minute - first).div_euclid(stretch)).ok();
            if let Some(cell) = place.and_then(|place| cells.get_mut(place)) {
                *cell = cell.saturating_add(u32::try_from(*calls).unwrap_or(u32::MAX));
            }
        }
    }

    /// The first minute of a stretch; of the one behind the last, the end.
    pub fn minute(&self, stretch: usize) -> i64 {
        (self.first + i64::try_from(stretch).unwrap_or_default() * self.stretch).min(self.end)
    }

    /// The failed calls of a cause, on all routes.
    pub fn failed_of(&self, cause: &Cause) -> u64 {
        let cells = self.failed.get(cause).into_iter().flat_map(BTreeMap::values).flatten();
        cells.map(|calls| u64::from(*calls)).sum()
    }

    /// All calls of all routes from a stretch on.
    pub fn attempts_since(&self, stretch: usize) -> u64 {
        self.attempts.values().flat_map(|cells| &cells[stretch..]).map(|calls| u64::from(*calls)).sum()
    }

    /// All calls of these routes in these stretches, and the failed ones of a cause.
    pub fn share(&self, cause: &Cause, routes: &[Route], stretches: Range<usize>) -> Share {
        let sum = |cells: Option<&Vec<u32>>| -> u64 {
            cells.map_or(0, |cells| cells[stretches.clone()].iter().map(|calls| u64::from(*calls)).sum())
        };
        let failed = self.failed.get(cause);
        Share {
            failed: routes.iter().map(|route| sum(failed.and_then(|routes| routes.get(route)))).sum(),
            attempts: routes.iter().map(|route| sum(self.attempts.get(route))).sum(),
        }
    }
}

/// Into how many parts of such a length something falls, the last one shorter.
fn parts(length: i64, part: i64) -> i64 {
    length.saturating_add(part - 1).div_euclid(part)
}
