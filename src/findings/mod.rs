//! Counts by time to findings in words: which cause, on which trunk, since when, and what to do. `inspect`, its report and
//! the daemon's page ask the same.
//!
//! The method is one question, asked of many places: does the share of calls that fail here differ from the share
//! elsewhere by more than chance explains? "Here" is
//!
//! 1. a stretch of time, for each cause on one trunk or all, in one direction or both, against the rest of the time there
//!    ([`burst`]); of the place that explains most, the trunks and the direction are named that have it ([`place`]), and trunks
//!    that have it at different times each by itself;
//! 2. a trunk against all others, without what the first has named ([`peers`]);
//! 3. the time since a cause was first seen ([`new`]);
//! 4. everything, when no other explains why so many calls fail ([`level`]).
//!
//! Chance is measured by the likelihood ratio of [`evidence`], against the number of places that were looked at, so that a
//! quiet day names none. What is sure but small is not named either: see [`LEAST_RATIO`] and [`LEAST_CALLS`].

mod burst;
mod evidence;
mod grid;
mod level;
pub mod microsoft_code;
mod new;
mod peers;
mod place;
mod shown;
#[cfg(test)]
mod tests;
pub mod time;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

use crate::call::{CodePair, Direction, Outcome};
use crate::classify::{Catalogue, Side};
use grid::Grid;
pub use shown::Shown;
pub use words::{calls, capital, percent, percent_of, thousands};

/// A share is worth a sentence from this many times the usual one on.
pub const LEAST_RATIO: f64 = 2.5;

/// Fewer failed calls than this are worth none.
pub const LEAST_CALLS: u64 = 4;

/// More findings than this help nobody.
const MOST_FINDINGS: usize = 10;

/// Calls that are alike, and ended in one minute.
#[derive(Debug, Clone, Copy)]
pub struct Tally<'t> {
    /// Minutes since 1970-01-01T00:00Z.
    pub minute: i64,
    /// As it is shown: the value of the label.
    pub trunk: &'t str,
    pub direction: Direction,
    pub outcome: Outcome,
    /// Of a failed call, as are the codes; `""` of any other.
    pub cause: &'t str,
    pub codes: CodePair,
    pub calls: u64,
}

/// What calls are counted together by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    pub trunk: Arc<str>,
    pub direction: Direction,
    pub outcome: Outcome,
    pub cause: Arc<str>,
    pub codes: CodePair,
}

/// Labels, borrowed to look up.
#[derive(Hash)]
struct Key<'t> {
    trunk: &'t str,
    direction: Direction,
    outcome: Outcome,
    cause: &'t str,
    codes: CodePair,
}

impl Equivalent<Labels> for Key<'_> {
    fn equivalent(&self, labels: &Labels) -> bool {
        (self.direction, self.outcome, self.codes) == (labels.direction, labels.outcome, labels.codes)
            && (self.trunk, self.cause) == (&*labels.trunk, &*labels.cause)
    }
}

/// Calls by labels and minute.
#[derive(Debug, Clone, Default)]
pub struct Tallies {
    series: Vec<(Labels, BTreeMap<i64, u64>)>,
    index: HashMap<Labels, usize>,
}

impl Tallies {
    /// Adds calls.
    pub fn add(&mut self, tally: Tally<'_>) {
        if tally.calls == 0 {
            return;
        }
        let Tally { minute, trunk, direction, outcome, cause, codes, calls } = tally;
        let place = self.index.get(&Key { trunk, direction, outcome, cause, codes }).copied();
        let place = place.unwrap_or_else(|| {
            let labels = Labels { trunk: trunk.into(), direction, outcome, cause: cause.into(), codes };
            self.index.insert(labels.clone(), self.series.len());
            self.series.push((labels, BTreeMap::new()));
            self.series.len() - 1
        });
        *self.series[place].1.entry(minute).or_default() += calls;
    }

    /// Each label set with its calls by minute, in order of time.
    pub fn series(&self) -> impl Iterator<Item = (&Labels, &BTreeMap<i64, u64>)> {
        self.series.iter().map(|(labels, minutes)| (labels, minutes))
    }

    /// Minute of the first call, and the one behind the last.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.series.iter().filter_map(|(_, minutes)| minutes.keys().next()).min()?;
        let last = self.series.iter().filter_map(|(_, minutes)| minutes.keys().next_back()).max()?;
        Some((*first, last + 1))
    }

    /// What there is to say about them.
    pub fn findings(&self, catalogue: &Catalogue) -> Findings {
        let mut found = Findings { span: self.span(), ..Findings::default() };
        for (labels, minutes) in self.series() {
            let calls: u64 = minutes.values().sum();
            if labels.outcome != Outcome::Elsewhere {
                found.attempts += calls;
            }
            if labels.outcome == Outcome::Failed {
                found.failed += calls;
                let side = catalogue.about(&labels.cause, labels.codes).side();
                *found.by_side.entry(side).or_default() += calls;
            }
        }
        let Some((first, end)) = found.span else { return found };
        let mut grid = Grid::of(self, first, end);
        let mut all = burst::find(&mut grid, catalogue);
        all.extend(peers::find(&grid, catalogue));
        all.extend(new::find(self, &grid, catalogue, &all));
        all.extend(level::find(&grid, catalogue, &all));
        all.sort_by(|one, other| other.excess.total_cmp(&one.excess));
        all.truncate(MOST_FINDINGS);
        found.leading = level::leading(self, catalogue);
        found.findings = all;
        found
    }
}

/// Whether more failed of these calls, `(failed, all)`, than of others, and it is sure where so many places are looked at.
pub fn differs(here: (u64, u64), elsewhere: (u64, u64), places: usize) -> bool {
    let share = |(failed, attempts)| evidence::Share { failed, attempts };
    evidence::of(share(here), share(elsewhere)).is_some_and(|it| it > evidence::needed(places as f64))
}

/// What there is to say about some calls.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Minute of the first call, and the one behind the last.
    pub span: Option<(i64, i64)>,
    /// Calls without those that another leg or endpoint took: what rates are of.
    pub attempts: u64,
    pub failed: u64,
    /// Failed calls by who can do something about them.
    pub by_side: BTreeMap<Option<Side>, u64>,
    /// The most telling first; none on a quiet day.
    pub findings: Vec<Finding>,
    /// The most frequent cause, for a day of which nothing else is to be said.
    pub leading: Option<Finding>,
}

/// What makes it worth a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// More calls failed in a stretch of time than in the rest of it.
    Burst,
    /// More calls fail on a trunk than on the others.
    Peers,
    /// A cause that was not there before.
    New,
    /// Many calls fail all the time.
    Level,
}

impl Kind {
    /// Its name for programs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Peers => "trunk_differs",
            Self::New => "new_cause",
            Self::Level => "level",
        }
    }
}

/// What the calls of a finding are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The same place, before.
    Before,
    /// The same place, after.
    After,
    /// The other trunks, in the same time.
    OtherTrunks(usize),
    /// Nothing.
    Nothing,
}

/// What is usual there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual {
    pub against: Against,
    pub calls: u64,
    pub attempts: u64,
    /// How long that was, in minutes.
    pub minutes: i64,
}

/// One thing that is worth a sentence.
#[derive(Debug, Clone)]
pub struct Finding {
    pub kind: Kind,
    /// The cause, or of several the most frequent.
    pub cause: Arc<str>,
    pub codes: CodePair,
    pub category: String,
    pub side: Option<Side>,
    pub remedy: String,
    /// Where; `None` is several trunks.
    pub trunk: Option<Arc<str>>,
    /// The trunks that have such calls.
    pub on: Vec<Arc<str>>,
    /// `None` is both.
    pub direction: Option<Direction>,
    /// First minute, and the one behind the last.
    pub from: i64,
    pub to: i64,
    /// Whether that is the end of all there is to see.
    pub goes_on: bool,
    /// Failed calls of this cause there; of every cause where a trunk differs.
    pub calls: u64,
    /// Of that cause, where a trunk differs.
    pub of_cause: u64,
    /// All calls there in that time, but those that were taken elsewhere.
    pub attempts: u64,
    pub usual: Usual,
    /// How many more calls failed than usual: the order of findings.
    pub excess: f64,
}

impl Finding {
    /// A finding about a cause, of which place, time and numbers are still to be said.
    fn about(kind: Kind, cause: &Arc<str>, codes: CodePair, catalogue: &Catalogue) -> Self {
        let about = catalogue.about(cause, codes);
        Self {
            kind,
            cause: Arc::clone(cause),
            codes,
            category: about.category().to_owned(),
            side: about.side(),
            remedy: about.remedy().to_owned(),
            trunk: None,
            on: Vec::new(),
            direction: None,
            from: 0,
            to: 0,
            goes_on: false,
            calls: 0,
            of_cause: 0,
            attempts: 0,
            usual: Usual { against: Against::Nothing, calls: 0, attempts: 0, minutes: 0 },
            excess: 0.0,
        }
    }

    /// The share of the calls there that failed so.
    pub fn share(&self) -> f64 {
        if self.attempts == 0 { 0.0 } else { self.calls as f64 / self.attempts as f64 }
    }
}
