//! Series of calls taken out of a store for good, while no daemon uses it: what they took of a limit is free again.
//!
//! What was read stays read: positions and record ids are left alone, so that no call is counted anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::balance::Balance;
use super::counts::OTHER;
use super::counts::stored::{calls_of_failure, calls_of_route};
use super::history::{self, Series};
use super::snapshot::Route;
use super::store::{Changes, Row, Store, StoreError, Table};
use super::stored::{FailureLabels, RouteKey, from_json};
use crate::call::{CodePair, Outcome, UnixMillis};
use crate::classify::Catalogue;

/// Which series are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'w> {
    /// All of a trunk, in one source or in all.
    Trunk { trunk: &'w str, source: Option<&'w str> },
    /// All of a source, its own counters included.
    Source(&'w str),
    /// Failures whose cause and codes the catalogue does not list, and those folded into `other`.
    Unlisted { source: Option<&'w str> },
}

/// What became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub routes: usize,
    pub failures: usize,
    /// Whether the counters of the source itself begin anew.
    pub source: bool,
    /// Every source and trunk that the store has, to say what could have been meant.
    pub sources: BTreeSet<String>,
    pub trunks: BTreeSet<String>,
    /// Numbers of the series of the history that go.
    history: BTreeSet<u32>,
}

/// The rows that change.
#[derive(Debug, Default)]
struct Going {
    changes: Changes,
    /// What goes of each source that stays.
    of_sources: BTreeMap<String, OfSource>,
}

/// What goes of a source that stays.
#[derive(Debug)]
struct OfSource {
    balance: Balance,
    /// Calls, those of them that failed, and failed calls by cause.
    calls: u64,
    failed: u64,
    causes: u64,
}

/// Takes them out of the store, in one transaction.
///
/// # Errors
/// When the store cannot be read or written.
pub fn forget(
    store: &mut Store,
    which: Which<'_>,
    catalogue: &Catalogue,
    now: UnixMillis,
) -> Result<Forgotten, StoreError> {
    let (mut forgotten, mut going) = (Forgotten::default(), Going::default());
    store.each(|row| {
        if let Row::Text { table, key, value } = row {
            forgotten.look(which, catalogue, now, (table, key, value), &mut going)?;
        }
        Ok(())
    })?;
    let Going { mut changes, of_sources } = going;
    changes.rows.extend(of_sources.into_iter().filter_map(|(name, of)| of.noted(name)));
    if !changes.is_empty() {
        store.write(&changes)?;
    }
    Ok(forgotten)
}

impl OfSource {
    /// The row of its source in which is noted what goes, so that its books still balance; `None` where nothing does.
    fn noted(self, name: String) -> Option<(Table, String, Option<String>)> {
        let Self { mut balance, calls, failed, causes } = self;
        balance.apart.forgotten_calls += calls;
        balance.apart.forgotten_causes += causes.saturating_sub(failed);
        (calls + causes > 0).then(|| (Table::Sources, name, Some(balance.to_json())))
    }
}

impl Forgotten {
    /// Whether nothing was there to forget.
    pub fn is_nothing(&self) -> bool {
        (self.routes, self.failures, self.source) == (0, 0, false)
    }

    fn look(
        &mut self,
        which: Which<'_>,
        catalogue: &Catalogue,
        now: UnixMillis,
        (table, key, value): (Table, &str, &str),
        Going { changes, of_sources }: &mut Going,
    ) -> Result<(), String> {
        let mut goes = |row: Option<String>| changes.rows.push((table, key.to_owned(), row));
        match table {
            Table::Sources => {
                self.sources.insert(key.to_owned());
                if which == Which::Source(key) {
                    self.source = true;
                    goes(Some(Balance::restore(value)?.begun_anew(now)));
                } else {
                    let balance = Balance::restore(value)?;
                    of_sources.insert(key.to_owned(), OfSource { balance, calls: 0, failed: 0, causes: 0 });
                }
            }
            Table::Routes => {
                let RouteKey { source, trunk, .. } = from_json(key)?;
                if which.is_route(&source, &trunk) {
                    self.routes += 1;
                    goes(None);
                    if let Some(of) = of_sources.get_mut(&*source) {
                        let (calls, failed) = calls_of_route(value)?;
                        (of.calls, of.failed) = (of.calls + calls, of.failed + failed);
                    }
                }
                self.trunks.insert(trunk.into_owned());
            }
            Table::Failures => {
                let labels: FailureLabels<'_> = from_json(key)?;
                if which.is_failure(&labels, catalogue)? {
                    self.failures += 1;
                    goes(None);
                    if let Some(of) = of_sources.get_mut(&*labels.source) {
                        of.causes += calls_of_failure(value)?;
                    }
                }
            }
            Table::HistorySeries => {
                let (number, series) = history::numbered(key, value)?;
                if which.is_series(&series, catalogue) {
                    self.history.insert(number);
                    goes(None);
                }
            }
            // Their series stand before them.
            Table::History => {
                if let Some(left) = history::without(value, &self.history)? {
                    goes(left);
                }
            }
            // A call that waits is counted later, as any call that comes after this.
            Table::Attempts | Table::Files | Table::Replayed | Table::Commits => {}
        }
        Ok(())
    }
}

impl Which<'_> {
    fn is_route(self, of: &str, at: &str) -> bool {
        match self {
            Self::Trunk { trunk, source } => trunk == at && source.is_none_or(|source| source == of),
            Self::Source(source) => source == of,
            Self::Unlisted { .. } => false,
        }
    }

    fn is_failure(self, labels: &FailureLabels<'_>, catalogue: &Catalogue) -> Result<bool, String> {
        let Self::Unlisted { source } = self else { return Ok(self.is_route(&labels.source, &labels.trunk)) };
        let is_unlisted = is_unlisted(&labels.cause, labels.codes()?, catalogue);
        Ok(source.is_none_or(|source| source == labels.source) && is_unlisted)
    }

    fn is_series(self, series: &Series, catalogue: &Catalogue) -> bool {
        let Route { source: of, trunk, .. } = &*series.route;
        let Self::Unlisted { source } = self else { return self.is_route(of, trunk) };
        source.is_none_or(|source| source == &**of)
            && series.outcome == Outcome::Failed
            && is_unlisted(&series.cause, series.codes, catalogue)
    }
}

fn is_unlisted(cause: &str, codes: CodePair, catalogue: &Catalogue) -> bool {
    let mut listed = catalogue.failed_label_sets();
    cause == OTHER || !listed.any(|entry| &*entry.cause == cause && entry.codes() == codes)
}

impl Balance {
    /// The row of a source of which nothing is counted yet, which remembers record ids as this one does.
    fn begun_anew(&self, now: UnixMillis) -> String {
        let remember: Duration = self.remember;
        Self::new(remember, now).to_json()
    }
}
