//! The counters of calls, by their label sets, under the caps.
//!
//! Indexed by small numbers on the way in; texts are made once, when a label set is first seen. Nothing expires.
//! What does not fit is folded into the trunk `other` or the cause `other`, and counted as overflow by the caller.
//!
//! Each kind of label has a budget of its own, so that none can use up another's: the trunks of a source, and its
//! failures that the catalogue does not list. Failures that it lists always fit: there are so many for each route.

mod limits;
mod listed;
pub mod stored;
mod trunks;

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

pub use self::limits::{Families, Limits};
use self::listed::{Listed, code_labels};
pub use self::trunks::TrunkName;
use self::trunks::Trunks;
use super::history::Series;
use super::snapshot::{CallSeries, DurationSeries, FailureSeries, Histogram, Route};
use crate::call::{Arrival, CodePair, Direction, Exemplar, Outcome, UnixMillis};
use crate::classify::Catalogue;
use crate::reading::exemplars::Exemplars;
use crate::reading::labels::{self, LabelSet};
use crate::reading::sums::{DURATION_SECONDS, SETUP_SECONDS, Sum, Sums, wider};

/// The label value that everything over a cap is folded into.
pub const OTHER: &str = "other";

/// Place of a source in the order in which the ledger first saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceIndex(pub usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RouteIndex(usize);

/// The counters of one (source, trunk, direction).
#[derive(Debug)]
struct RouteCounts {
    source: SourceIndex,
    route: Arc<Route>,
    /// By outcome, then arrival.
    calls: [[u64; 2]; Outcome::ALL.len()],
    durations: Histogram,
    setups: Histogram,
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
    /// How many failures of each source the catalogue does not list, without those that were folded.
    pub(super) unlisted: Vec<usize>,
    listed: Listed,
}

impl Counts {
    /// Counters of no source yet, with a zero series of each failed row of this catalogue for every new route.
    pub fn new(limits: Limits, catalogue: &Catalogue) -> Self {
        Self {
            limits,
            sources: Vec::new(),
            routes: Vec::new(),
            failures: Vec::new(),
            failure_index: HashMap::new(),
            unlisted: Vec::new(),
            listed: Listed::of(catalogue),
        }
    }

    /// Adds a source.
    pub fn add_source(&mut self, source: Arc<str>, names: Vec<TrunkName>) -> SourceIndex {
        self.sources.push(Trunks::new(source, names));
        self.unlisted.push(0);
        SourceIndex(self.sources.len() - 1)
    }

    /// Takes new options: what is counted stays, new names and rows hold from here on.
    pub fn reconfigure(&mut self, limits: Limits, catalogue: &Catalogue, now: UnixMillis) {
        self.limits = limits;
        // What was folded may fit now.
        self.sources.iter_mut().for_each(Trunks::forget_spellings);
        self.listed = Listed::of(catalogue);
        (0..self.routes.len()).for_each(|route| self.make_zero_series(RouteIndex(route), now));
        self.unlisted = vec![0; self.sources.len()];
        for key in self.failure_index.keys() {
            if self.is_unlisted(&key.cause, key.codes) {
                self.unlisted[self.routes[key.route.0].source.0] += 1;
            }
        }
    }

    /// Takes new trunk names for a source.
    pub fn rename_trunks(&mut self, source: SourceIndex, names: Vec<TrunkName>) {
        self.sources[source.0].rename(names);
    }

    /// The trunks of a source that were seen since the start.
    pub fn trunks_seen(&self, source: SourceIndex) -> impl Iterator<Item = String> {
        self.sources[source.0].seen()
    }

    /// Adds durations and setup times of one route, with the exemplars at its place in the batch.
    pub fn observe(
        &mut self,
        source: SourceIndex,
        labels::Route { trunk, direction }: &labels::Route<Box<str>>,
        sums: &Sums,
        (exemplars, place): (&Exemplars, u32),
        now: UnixMillis,
    ) {
        let (route, _) = self.route(source, trunk, *direction, now);
        let counts = &mut self.routes[route.0];
        sums.durations.add_to(place, &mut counts.durations);
        counts.durations.show(exemplars.durations(place));
        sums.setups.add_to(place, &mut counts.setups);
        counts.setups.show(exemplars.setups(place));
    }

    /// Adds calls of one label set, with the newest of them that failed; says as what they were counted, and whether they
    /// did not fit under a cap and went into `other`.
    pub fn add(
        &mut self,
        source: SourceIndex,
        labels: &LabelSet,
        sum: &Sum,
        exemplar: Option<Exemplar>,
        now: UnixMillis,
    ) -> (Series, bool) {
        let (route, mut overflow) = self.route(source, &labels.trunk, labels.direction, now);
        let counts = &mut self.routes[route.0];
        counts.changed = true;
        counts.calls[labels.outcome as usize][labels.arrival as usize] += sum.count;
        let mut counted_as = Series {
            route: Arc::clone(&counts.route),
            outcome: labels.outcome,
            cause: Arc::clone(&labels.cause),
            codes: labels.codes,
        };
        if labels.outcome == Outcome::Failed {
            let (series, folded) = self.add_failures(route, labels, sum, exemplar, now);
            (counted_as.cause, counted_as.codes) = (Arc::clone(&series.cause), series.codes);
            overflow |= folded;
        }
        (counted_as, overflow)
    }

    fn add_failures(
        &mut self,
        route: RouteIndex,
        labels: &LabelSet,
        sum: &Sum,
        exemplar: Option<Exemplar>,
        now: UnixMillis,
    ) -> (&FailureSeries, bool) {
        let LabelSet { arrival, codes, .. } = *labels;
        let key = FailureKey { route, cause: &*labels.cause, codes, arrival };
        let (series, overflow) = match self.failure_index.get(&key) {
            Some(series) => (*series, false),
            None if self.fits(route, &labels.cause, codes) => (self.add_failure(key.owned(), now), false),
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
        if let Some(exemplar) = exemplar {
            series.exemplar = exemplar.newer_than(series.exemplar);
        }
        (series, overflow)
    }

    /// Whether one more series of failures fits into the budget that it takes from.
    fn fits(&self, route: RouteIndex, cause: &str, codes: CodePair) -> bool {
        let unlisted = self.unlisted[self.routes[route.0].source.0];
        !self.is_unlisted(cause, codes) || unlisted < self.limits.unlisted_per_source
    }

    /// Whether a series of failures takes from the budget of those that the catalogue does not list.
    fn is_unlisted(&self, cause: &str, codes: CodePair) -> bool {
        !is_folded(cause, codes) && self.listed.labels(cause, codes).is_none()
    }

    fn add_failure(&mut self, key: FailureKey<Arc<str>>, created: UnixMillis) -> usize {
        let FailureKey { route, cause, codes, arrival } = &key;
        let (route, listed) = (&self.routes[route.0], self.listed.labels(cause, *codes));
        let [microsoft_code, sip_code] = match listed {
            Some(labels) => labels.clone(),
            None if is_folded(cause, *codes) => [OTHER; 2].map(Arc::from),
            None => code_labels(*codes),
        };
        if listed.is_none() && !is_folded(cause, *codes) {
            self.unlisted[route.source.0] += 1;
        }
        let series = FailureSeries {
            route: Arc::clone(&route.route),
            cause: Arc::clone(cause),
            microsoft_code,
            sip_code,
            codes: *codes,
            arrival: *arrival,
            count: 0,
            seen: None,
            exemplar: None,
            created,
        };
        self.failures.push(FailureCounts { series, changed: true });
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
        let trunks = &mut self.sources[source.0];
        let (trunk, overflow) = trunks.of(spelling, self.limits.trunks_per_source);
        let known = trunks.known[trunk].routes[direction as usize];
        (known.unwrap_or_else(|| self.new_route(source, trunk, direction, now)), overflow)
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
            source,
            route: Arc::new(route),
            calls: Default::default(),
            durations: Histogram::new(DURATION_SECONDS),
            setups: Histogram::new(SETUP_SECONDS),
            created,
            changed: true,
        });
        index
    }

    /// The first failure of a cause is visible to `increase()` only when its series was there before, at 0.
    fn make_zero_series(&mut self, route: RouteIndex, now: UnixMillis) {
        let key = |(cause, codes): (&Arc<str>, CodePair)| {
            let key = FailureKey { route, cause: Arc::clone(cause), codes, arrival: Arrival::Live };
            (!self.failure_index.contains_key(&key)).then_some(key)
        };
        for key in self.listed.each().filter_map(key).collect::<Vec<_>>() {
            self.add_failure(key, now);
        }
    }

    /// How many spellings are kept.
    #[cfg(test)]
    pub fn spellings(&self) -> usize {
        self.sources.iter().map(|trunks| trunks.spellings.len()).sum()
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
        self.histograms(|counts| Some(&counts.durations))
    }

    /// Every histogram of `cdr_call_setup_seconds`: of routes whose records tell it.
    pub fn setups(&self) -> Vec<DurationSeries> {
        let is_shown = self.limits.families.setup;
        self.histograms(|counts| Some(&counts.setups).filter(|setups| is_shown && setups.count() > 0))
    }

    fn histograms(&self, of: impl Fn(&RouteCounts) -> Option<&Histogram>) -> Vec<DurationSeries> {
        let series = |counts: &RouteCounts| {
            let (route, created) = (Arc::clone(&counts.route), counts.created);
            Some(DurationSeries { route, histogram: of(counts)?.clone(), created })
        };
        self.routes.iter().filter_map(series).collect()
    }
}

/// Whether these are the cause and codes of the failures that did not fit.
fn is_folded(cause: &str, codes: CodePair) -> bool {
    cause == OTHER && codes == CodePair::default()
}
