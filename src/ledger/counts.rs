//! The counters of calls, by their label sets, under the caps.
//!
//! Indexed by small numbers on the way in; texts are made once, when a label set is first seen. Nothing expires.
//! What does not fit is folded into the trunk `other` or the cause `other`, and counted as overflow by the caller.

pub mod stored;

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use regex::Regex;

use super::snapshot::{CallSeries, DurationSeries, FailureSeries, Histogram, Route};
use crate::call::{Arrival, CodePair, Direction, Outcome, UnixMillis};
use crate::classify::Catalogue;
use crate::reading::batch::{DURATION_SECONDS, LabelSet, Sum, wider};

/// The label value that everything over a cap is folded into.
pub const OTHER: &str = "other";

/// How many label sets there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub trunks_per_source: usize,
    /// Over all sources: each of `cdr_calls_total`, `cdr_call_failures_total` and `cdr_call_duration_seconds`.
    pub series: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { trunks_per_source: 200, series: 20_000 }
    }
}

/// The operator's name for the trunks whose whole FQDN matches: `$1` in the name is the first group.
#[derive(Debug, Clone)]
pub struct TrunkName {
    pub matches: Regex,
    pub name: String,
}

/// Place of a source in the order in which the ledger first saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceIndex(pub usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RouteIndex(usize);

/// One source's trunks.
#[derive(Debug)]
struct Trunks {
    source: Arc<str>,
    names: Vec<TrunkName>,
    /// As records spell them, to a place in `known`, and whether they are folded there.
    spellings: HashMap<Box<str>, (usize, bool)>,
    known: Vec<Trunk>,
}

#[derive(Debug)]
struct Trunk {
    name: Arc<str>,
    routes: [Option<RouteIndex>; 3],
}

/// The counters of one (source, trunk, direction).
#[derive(Debug)]
struct RouteCounts {
    route: Arc<Route>,
    /// By outcome, then arrival.
    calls: [[u64; 2]; Outcome::ALL.len()],
    durations: Histogram,
    created: UnixMillis,
    /// Whether the store has something else.
    changed: bool,
}

/// One series of failures.
#[derive(Debug)]
struct FailureCounts {
    series: FailureSeries,
    /// Whether the store has something else.
    changed: bool,
}

/// The labels of a failure; the name of its cause is owned in the index, and borrowed to look up there.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FailureKey<Name> {
    route: RouteIndex,
    cause: Name,
    codes: CodePair,
    arrival: Arrival,
}

impl FailureKey<&str> {
    fn owned(&self) -> FailureKey<Arc<str>> {
        FailureKey { route: self.route, cause: self.cause.into(), codes: self.codes, arrival: self.arrival }
    }
}

impl Equivalent<FailureKey<Arc<str>>> for FailureKey<&str> {
    fn equivalent(&self, key: &FailureKey<Arc<str>>) -> bool {
        (self.route, self.cause, self.codes, self.arrival) == (key.route, &*key.cause, key.codes, key.arrival)
    }
}

/// All counters of calls.
#[derive(Debug)]
pub struct Counts {
    pub(super) limits: Limits,
    sources: Vec<Trunks>,
    routes: Vec<RouteCounts>,
    failures: Vec<FailureCounts>,
    failure_index: HashMap<FailureKey<Arc<str>>, usize>,
    pub(super) label_sets: usize,
    zero: Vec<(Arc<str>, CodePair)>,
}

/// So many spellings of trunks are known at a glance, also of those that are folded: others cost a search.
const MOST_SPELLINGS: usize = 10_000;

/// What a route takes of the cap when it is made: its live outcomes and its histogram.
const LABEL_SETS_PER_ROUTE: usize = Outcome::ALL.len() + 1;

impl Counts {
    /// Counters of no source yet, with a zero series of each failed row of this catalogue for every new route.
    pub fn new(limits: Limits, catalogue: &Catalogue) -> Self {
        Self {
            limits,
            sources: Vec::new(),
            routes: Vec::new(),
            failures: Vec::new(),
            failure_index: HashMap::new(),
            label_sets: 0,
            zero: zero_series(catalogue),
        }
    }

    /// Adds a source.
    pub fn add_source(&mut self, source: Arc<str>, names: Vec<TrunkName>) -> SourceIndex {
        self.sources.push(Trunks { source, names, spellings: HashMap::new(), known: Vec::new() });
        SourceIndex(self.sources.len() - 1)
    }

    /// Takes new options: what is counted stays, new names and rows hold from here on.
    pub fn reconfigure(&mut self, limits: Limits, catalogue: &Catalogue, now: UnixMillis) {
        self.limits = limits;
        // What was folded may fit now.
        self.sources.iter_mut().for_each(|trunks| trunks.spellings.clear());
        self.zero = zero_series(catalogue);
        // Where there is not room for all of them, the same are made before and after a restart.
        let mut routes: Vec<usize> = (0..self.routes.len()).collect();
        routes.sort_by(|one, other| self.routes[*one].route.cmp(&self.routes[*other].route));
        for route in routes {
            self.make_zero_series(RouteIndex(route), now);
        }
    }

    /// Takes new trunk names for a source.
    pub fn rename_trunks(&mut self, source: SourceIndex, names: Vec<TrunkName>) {
        let trunks = &mut self.sources[source.0];
        trunks.names = names;
        trunks.spellings.clear();
    }

    /// Adds calls of one label set; `true` when they did not fit under a cap and went into `other`.
    pub fn add(&mut self, source: SourceIndex, labels: &LabelSet, sum: &Sum, now: UnixMillis) -> bool {
        let (route, mut overflow) = self.route(source, &labels.trunk, labels.direction, now);
        let counts = &mut self.routes[route.0];
        counts.changed = true;
        let cell = &mut counts.calls[labels.outcome as usize][labels.arrival as usize];
        if *cell == 0 && labels.arrival == Arrival::Late {
            self.label_sets += 1;
        }
        *cell += sum.count;
        if let Some(durations) = &sum.durations {
            counts.durations.add(durations);
        }
        if labels.outcome == Outcome::Failed {
            overflow |= self.add_failures(route, labels, sum, now);
        }
        overflow
    }

    fn add_failures(&mut self, route: RouteIndex, labels: &LabelSet, sum: &Sum, now: UnixMillis) -> bool {
        let LabelSet { arrival, codes, .. } = *labels;
        let key = FailureKey { route, cause: &*labels.cause, codes, arrival };
        let (series, overflow) = match self.failure_index.get(&key) {
            Some(series) => (*series, false),
            None if self.label_sets < self.limits.series => (self.add_failure(key.owned(), now), false),
            None => {
                let key = FailureKey { cause: OTHER, codes: CodePair::default(), ..key };
                let known = self.failure_index.get(&key).copied();
                (known.unwrap_or_else(|| self.add_failure(key.owned(), now)), true)
            }
        };
        let FailureCounts { series, changed } = &mut self.failures[series];
        *changed = true;
        series.count += sum.count;
        series.seen = series.seen.into_iter().chain(sum.seen).reduce(wider);
        overflow
    }

    fn add_failure(&mut self, key: FailureKey<Arc<str>>, created: UnixMillis) -> usize {
        let overflow = &*key.cause == OTHER && key.codes == CodePair::default();
        let text = |code: Option<u64>| match code {
            _ if overflow => OTHER.into(),
            Some(code) => code.to_string().into(),
            None => "".into(),
        };
        let series = FailureSeries {
            route: Arc::clone(&self.routes[key.route.0].route),
            cause: Arc::clone(&key.cause),
            microsoft_code: text(key.codes.microsoft),
            sip_code: text(key.codes.sip.map(u64::from)),
            codes: key.codes,
            arrival: key.arrival,
            count: 0,
            seen: None,
            created,
        };
        self.failures.push(FailureCounts { series, changed: true });
        self.label_sets += 1;
        self.failure_index.insert(key, self.failures.len() - 1);
        self.failures.len() - 1
    }

    /// The route of a call, and whether it had to be folded.
    fn route(
        &mut self,
        source: SourceIndex,
        spelling: &str,
        direction: Direction,
        now: UnixMillis,
    ) -> (RouteIndex, bool) {
        let (trunk, overflow) = self.trunk(source, spelling);
        if let Some(route) = self.sources[source.0].known[trunk].routes[direction as usize] {
            return (route, overflow);
        }
        if !self.route_fits() && &*self.sources[source.0].known[trunk].name != OTHER {
            let other = self.other_trunk(source);
            let folded = self.sources[source.0].known[other].routes[direction as usize];
            return (folded.unwrap_or_else(|| self.new_route(source, other, direction, now)), true);
        }
        (self.new_route(source, trunk, direction, now), overflow)
    }

    fn route_fits(&self) -> bool {
        self.label_sets + LABEL_SETS_PER_ROUTE <= self.limits.series
    }

    fn new_route(
        &mut self,
        source: SourceIndex,
        trunk: usize,
        direction: Direction,
        now: UnixMillis,
    ) -> RouteIndex {
        let route = self.add_route(source, trunk, direction, now);
        self.make_zero_series(route, now);
        route
    }

    fn add_route(
        &mut self,
        source: SourceIndex,
        trunk: usize,
        direction: Direction,
        created: UnixMillis,
    ) -> RouteIndex {
        let trunks = &mut self.sources[source.0];
        let index = RouteIndex(self.routes.len());
        let route = Route {
            source: Arc::clone(&trunks.source),
            trunk: Arc::clone(&trunks.known[trunk].name),
            direction,
        };
        trunks.known[trunk].routes[direction as usize] = Some(index);
        self.routes.push(RouteCounts {
            route: Arc::new(route),
            calls: Default::default(),
            durations: Histogram::new(DURATION_SECONDS),
            created,
            changed: true,
        });
        self.label_sets += LABEL_SETS_PER_ROUTE;
        index
    }

    /// The first failure of a cause is visible to `increase()` only when its series was there before, at 0.
    fn make_zero_series(&mut self, route: RouteIndex, now: UnixMillis) {
        for (cause, codes) in self.zero.clone() {
            let key = FailureKey { route, cause, codes, arrival: Arrival::Live };
            if self.label_sets < self.limits.series && !self.failure_index.contains_key(&key) {
                self.add_failure(key, now);
            }
        }
    }

    /// The trunk that a record spells so, and whether it had to be folded.
    fn trunk(&mut self, source: SourceIndex, spelling: &str) -> (usize, bool) {
        let (limit, fits) = (self.limits.trunks_per_source, self.route_fits());
        let trunks = &mut self.sources[source.0];
        if let Some(trunk) = trunks.spellings.get(spelling) {
            return *trunk;
        }
        let name = trunks.name(spelling);
        let known = trunks.known.iter().position(|trunk| *trunk.name == *name);
        let trunk = match known {
            Some(trunk) => (trunk, false),
            // A trunk without a route would take a place under the cap, and nothing would tell of it after a restart.
            None if fits && trunks.known.iter().filter(|trunk| &*trunk.name != OTHER).count() < limit => {
                (trunks.add(name), false)
            }
            // What is spelled like that is known from now on.
            None if &*name == OTHER => return (self.other_trunk(source), true),
            None => (self.other_trunk(source), true),
        };
        // Spellings differ by case only, yet there are many ways to do that.
        let trunks = &mut self.sources[source.0];
        if trunks.spellings.len() < MOST_SPELLINGS.max(4 * limit) {
            trunks.spellings.insert(spelling.into(), trunk);
        }
        trunk
    }

    /// How many spellings are kept.
    #[cfg(test)]
    pub fn spellings(&self) -> usize {
        self.sources.iter().map(|trunks| trunks.spellings.len()).sum()
    }

    fn other_trunk(&mut self, source: SourceIndex) -> usize {
        let trunks = &mut self.sources[source.0];
        let known = trunks.known.iter().position(|trunk| &*trunk.name == OTHER);
        known.unwrap_or_else(|| trunks.add(OTHER.into()))
    }

    /// Every series of `cdr_calls_total`: the live ones of each route, the late ones that were ever counted.
    pub fn calls(&self) -> Vec<CallSeries> {
        let mut series = Vec::with_capacity(self.routes.len() * Outcome::ALL.len());
        for counts in &self.routes {
            for outcome in Outcome::ALL {
                for arrival in [Arrival::Live, Arrival::Late] {
                    let count = counts.calls[outcome as usize][arrival as usize];
                    if count > 0 || arrival == Arrival::Live {
                        let (route, created) = (Arc::clone(&counts.route), counts.created);
                        series.push(CallSeries { route, outcome, arrival, count, created });
                    }
                }
            }
        }
        series
    }

    /// Every series of `cdr_call_failures_total`.
    pub fn failures(&self) -> Vec<FailureSeries> {
        self.failures.iter().map(|failure| failure.series.clone()).collect()
    }

    /// Every histogram of `cdr_call_duration_seconds`.
    pub fn durations(&self) -> Vec<DurationSeries> {
        let series = |counts: &RouteCounts| DurationSeries {
            route: Arc::clone(&counts.route),
            histogram: counts.durations.clone(),
            created: counts.created,
        };
        self.routes.iter().map(series).collect()
    }
}

impl Trunks {
    fn add(&mut self, name: Arc<str>) -> usize {
        self.known.push(Trunk { name, routes: [None; 3] });
        self.known.len() - 1
    }

    /// The label value: the operator's name, else the FQDN in lower case, as DNS compares it.
    fn name(&self, spelling: &str) -> Arc<str> {
        let fqdn = spelling.to_ascii_lowercase();
        for TrunkName { matches, name } in &self.names {
            if let Some(captures) = matches.captures(&fqdn) {
                let mut named = String::new();
                captures.expand(name, &mut named);
                return named.into();
            }
        }
        fqdn.into()
    }
}

fn zero_series(catalogue: &Catalogue) -> Vec<(Arc<str>, CodePair)> {
    catalogue.failed_label_sets().map(|entry| (Arc::clone(&entry.cause), entry.codes())).collect()
}
