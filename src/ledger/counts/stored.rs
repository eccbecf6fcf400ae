//! The counters of calls as rows of the store.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Counts, FailureKey, OTHER, RouteCounts, RouteIndex, SourceIndex};
use crate::call::{Arrival, CodePair, Direction, Outcome, UnixMillis};
use crate::ledger::snapshot::{FailureSeries, Route};
use crate::ledger::store::Table;
use crate::ledger::stored::{
    DIRECTIONS, FailureLabels, RouteKey, StoredHistogram, from_json, labelled, to_json,
};
use crate::reading::sums::{DURATION_SECONDS, SETUP_SECONDS};

pub const ARRIVALS: [Arrival; 2] = [Arrival::Live, Arrival::Late];

#[derive(Serialize, Deserialize)]
struct StoredRoute {
    created: i64,
    /// By outcome; outcomes that never came are left out.
    calls: BTreeMap<String, StoredCalls>,
    durations: StoredHistogram,
    /// Where records told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setups: Option<StoredHistogram>,
}

#[derive(Serialize, Deserialize)]
struct StoredCalls {
    live: u64,
    late: u64,
}

#[derive(Serialize, Deserialize)]
pub struct StoredFailure {
    created: i64,
    count: u64,
    seen: Option<StoredSpan>,
}

/// End of the earliest and of the latest call.
#[derive(Serialize, Deserialize)]
struct StoredSpan {
    first: i64,
    last: i64,
}

/// How many calls a row of a route holds, and how many of them failed.
///
/// # Errors
/// What is wrong with the row.
pub fn calls_of_route(value: &str) -> Result<(u64, u64), String> {
    let stored: StoredRoute = from_json(value)?;
    let sum = |calls: &StoredCalls| calls.live + calls.late;
    let failed = stored.calls.get(Outcome::Failed.label()).map_or(0, sum);
    Ok((stored.calls.values().map(sum).sum(), failed))
}

/// How many calls a row of failures holds.
///
/// # Errors
/// What is wrong with the row.
pub fn calls_of_failure(value: &str) -> Result<u64, String> {
    Ok(from_json::<StoredFailure>(value)?.count)
}

impl Counts {
    /// The rows that are other than in the store.
    pub fn changes(&self) -> impl Iterator<Item = (Table, String, Option<String>)> {
        let routes = self.routes.iter().filter(|counts| counts.changed);
        let routes =
            routes.map(|counts| (Table::Routes, route_key(&counts.route), Some(route_value(counts))));
        let failures = self.failures.iter().filter(|counts| counts.changed).map(|counts| &counts.series);
        let failures =
            failures.map(|series| (Table::Failures, failure_key(series), Some(failure_value(series))));
        routes.chain(failures)
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.routes.iter_mut().for_each(|counts| counts.changed = false);
        self.failures.iter_mut().for_each(|counts| counts.changed = false);
    }

    /// Takes a route from the store, whatever the caps say: it was counted under them.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore_route(&mut self, key: &str, value: &str) -> Result<(), String> {
        let RouteKey { source, trunk, direction } = from_json(key)?;
        let stored: StoredRoute = from_json(value)?;
        let source = self.restored_source(&source)?;
        let direction = labelled(&direction, &DIRECTIONS, Direction::label)?;
        let trunks = &mut self.sources[source.0];
        let trunk = trunks.place(&trunk).unwrap_or_else(|| trunks.add((*trunk).into()));
        let route = self.add_route(source, trunk, direction, UnixMillis(stored.created));
        let counts = &mut self.routes[route.0];
        for (outcome, StoredCalls { live, late }) in stored.calls {
            let outcome = Outcome::from_label(&outcome).ok_or_else(|| format!("no outcome `{outcome}`"))?;
            counts.calls[outcome as usize] = [live, late];
        }
        counts.durations = stored.durations.over(DURATION_SECONDS)?;
        if let Some(setups) = stored.setups {
            counts.setups = setups.over(SETUP_SECONDS)?;
        }
        counts.changed = false;
        Ok(())
    }

    /// Takes a series of failures from the store; its route must be there.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub fn restore_failure(&mut self, key: &str, value: &str) -> Result<(), String> {
        let key: FailureLabels<'_> = from_json(key)?;
        let stored: StoredFailure = from_json(value)?;
        let route = self.restored_route(&key.source, &key.trunk, &key.direction)?;
        let codes = key.codes()?;
        let arrival = labelled(&key.arrival, &ARRIVALS, Arrival::label)?;
        let key = FailureKey { route, cause: (*key.cause).into(), codes, arrival };
        let index = self.add_failure(key, UnixMillis(stored.created));
        let counts = &mut self.failures[index];
        counts.series.count = stored.count;
        counts.series.seen = stored.seen.map(|seen| (UnixMillis(seen.first), UnixMillis(seen.last)));
        counts.changed = false;
        Ok(())
    }

    fn restored_source(&self, name: &str) -> Result<SourceIndex, String> {
        let place = self.sources.iter().position(|trunks| &*trunks.source == name);
        place.map(SourceIndex).ok_or_else(|| format!("there is no source `{name}`"))
    }

    fn restored_route(&self, source: &str, trunk: &str, direction: &str) -> Result<RouteIndex, String> {
        let trunks = &self.sources[self.restored_source(source)?.0];
        let direction = labelled(direction, &DIRECTIONS, Direction::label)?;
        trunks.place(trunk).and_then(|trunk| trunks.known[trunk].routes[direction as usize]).ok_or_else(
            || {
                format!(
                    "there is no route of source `{source}`, trunk `{trunk}`, direction `{}`",
                    direction.label()
                )
            },
        )
    }
}

impl FailureLabels<'_> {
    /// The codes as numbers; none in the series that the cap folds into.
    ///
    /// # Errors
    /// When they are no codes.
    pub fn codes(&self) -> Result<CodePair, String> {
        Ok(match (&*self.cause, &*self.microsoft_code, &*self.sip_code) {
            (OTHER, OTHER, OTHER) => CodePair::default(),
            (_, OTHER, sip) => CodePair { microsoft: Some(CodePair::OTHER), sip: code(sip)? },
            (_, microsoft, sip) => CodePair { microsoft: code(microsoft)?, sip: code(sip)? },
        })
    }
}

/// The code whose label this is; none where the record had none, and where the cap folded it.
fn code<T: FromStr>(label: &str) -> Result<Option<T>, String> {
    match label {
        "" => Ok(None),
        label => label.parse().map(Some).map_err(|_| format!("`{label}` is no code")),
    }
}

fn route_key(route: &Route) -> String {
    let Route { source, trunk, direction } = route;
    to_json(&RouteKey {
        source: (&**source).into(),
        trunk: (&**trunk).into(),
        direction: direction.label().into(),
    })
}

fn route_value(counts: &RouteCounts) -> String {
    let calls = Outcome::ALL.into_iter().filter_map(|outcome| {
        let [live, late] = counts.calls[outcome as usize];
        (live + late > 0).then(|| (outcome.label().to_owned(), StoredCalls { live, late }))
    });
    to_json(&StoredRoute {
        created: counts.created.0,
        calls: calls.collect(),
        durations: StoredHistogram::of(&counts.durations),
        setups: (counts.setups.count() > 0).then(|| StoredHistogram::of(&counts.setups)),
    })
}

fn failure_key(series: &FailureSeries) -> String {
    let Route { source, trunk, direction } = &*series.route;
    to_json(&FailureLabels {
        source: (&**source).into(),
        trunk: (&**trunk).into(),
        direction: direction.label().into(),
        cause: (&*series.cause).into(),
        microsoft_code: (&*series.microsoft_code).into(),
        sip_code: (&*series.sip_code).into(),
        arrival: series.arrival.label().into(),
    })
}

fn failure_value(series: &FailureSeries) -> String {
    to_json(&StoredFailure {
        created: series.created.0,
        count: series.count,
        seen: series.seen.map(|(first, last)| StoredSpan { first: first.0, last: last.0 }),
    })
}
