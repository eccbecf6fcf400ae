//! Where a cause is looked for: one trunk or several, in one direction or both.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::evidence::{Share, Whole};
use super::grid::{Cause, Grid, Route};
use crate::call::Direction;

/// Some trunks.
#[derive(Debug, Clone)]
pub struct Place {
    /// `None` is both.
    pub direction: Option<Direction>,
    pub routes: Vec<Route>,
}

impl Place {
    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.direction == other.direction && self.trunks() == other.trunks()
    }

    /// Whether some calls are of both.
    pub fn shares_routes(&self, other: &Self) -> bool {
        self.routes.iter().any(|route| other.routes.contains(route))
    }

    fn trunks(&self) -> BTreeSet<&Arc<str>> {
        self.routes.iter().map(|(trunk, _)| trunk).collect()
    }

    /// Each of its trunks.
    pub fn each_trunk(&self) -> Vec<Self> {
        let of = |trunk: &Arc<str>| {
            let routes = self.routes.iter().filter(|route| route.0 == *trunk).cloned().collect();
            Self { routes, ..self.clone() }
        };
        self.trunks().into_iter().map(of).collect()
    }
}

/// The places that have failed calls of a cause, the widest first: all trunks, and each, in both directions and in each.
pub fn places(grid: &Grid, cause: &Cause) -> Vec<Place> {
    let failed: BTreeSet<&Route> = grid.failed.get(cause).into_iter().flat_map(|it| it.keys()).collect();
    let trunks: BTreeSet<&Arc<str>> = failed.iter().map(|(trunk, _)| trunk).collect();
    let directions: BTreeSet<Direction> = failed.iter().map(|(_, direction)| *direction).collect();
    let mut places: Vec<Place> = Vec::new();
    let trunks = [None].into_iter().chain(trunks.into_iter().map(Some));
    for trunk in trunks {
        let of_trunk = |trunk: &Arc<str>| {
            let all = [Direction::Inbound, Direction::Outbound, Direction::Unknown];
            all.map(|direction| (Arc::clone(trunk), direction)).to_vec()
        };
        let mut here = trunk.map_or_else(|| grid.attempts.keys().cloned().collect(), of_trunk);
        here.retain(|route| grid.attempts.contains_key(route));
        for direction in [None].into_iter().chain(directions.iter().copied().map(Some)) {
            let is_here = |route: &&Route| direction.is_none_or(|direction| direction == route.1);
            let routes: Vec<Route> = here.iter().filter(is_here).cloned().collect();
            if routes.iter().any(|route| failed.contains(route)) {
                places.push(Place { direction, routes });
            }
        }
    }
    places
}

/// Of a place, the trunks and the direction that have a burst, if they alone are surer than all of it; with how sure that is.
/// The rest of the place is what they are compared with: else a wide place would seem surer only for being wide.
///
/// Of trunks in the order of how much fails, the best choice is the first few (Neill 2012, linear-time subset scanning).
pub fn narrowed(
    grid: &Grid,
    cause: &Cause,
    place: Place,
    evidence: f64,
    stretches: &Range<usize>,
) -> (Place, f64) {
    let whole = Whole::of(grid.share(cause, &place.routes, 0..grid.length));
    let mut best = (place.clone(), evidence);
    let directions: BTreeSet<Direction> = place.routes.iter().map(|(_, direction)| *direction).collect();
    let directions = directions.into_iter().map(Some).filter(|_| place.direction.is_none());
    for direction in [place.direction].into_iter().chain(directions) {
        let mut by_trunk: BTreeMap<&Arc<str>, (Share, Vec<&Route>)> = BTreeMap::new();
        for route in place.routes.iter().filter(|route| direction.is_none_or(|it| it == route.1)) {
            let here = grid.share(cause, std::slice::from_ref(route), stretches.clone());
            let (share, routes) = by_trunk.entry(&route.0).or_default();
            *share = share.with(here);
            routes.push(route);
        }
        let mut by_trunk: Vec<(Share, Vec<&Route>)> = by_trunk.into_values().collect();
        by_trunk.sort_by(|(one, _), (other, _)| other.rate().total_cmp(&one.rate()));
        let mut here = Share::default();
        for count in 1..=by_trunk.len() {
            here = here.with(by_trunk[count - 1].0);
            if let Some(evidence) = whole.evidence(here).filter(|evidence| *evidence > best.1 + MARGIN) {
                let routes =
                    by_trunk[..count].iter().flat_map(|(_, routes)| routes.iter().map(|it| (*it).clone()));
                best = (Place { direction, routes: routes.collect() }, evidence);
            }
        }
    }
    best
}

/// By so much a narrower place has to be surer: there are many of them, and chance makes one a little surer.
const MARGIN: f64 = 3.0;
