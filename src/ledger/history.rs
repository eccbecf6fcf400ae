//! Calls by the minute in which they ended: what the last days looked like. It changes in the commits that count, so that
//! its sums are those of the counters; calls without a time, or of minutes that are not kept, are in the counters only.
//!
//! A cell takes 8 bytes here and about as many in the store: a day of 100,000 calls over 200 trunks makes 90,000 cells.

mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::snapshot::Route;
use crate::call::{CodePair, Outcome, UnixMillis};
use crate::reading::sums::MinuteCalls;
pub use stored::{MinuteKey, SeriesKey, StoredMinute, StoredSeries, numbered, without};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Minutes that are longer ago go.
    pub keep: Duration,
    /// Beyond so many cells the oldest minutes go, whatever `keep` says.
    pub cells: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep: Duration::from_secs(14 * 24 * 60 * 60), cells: 4_000_000 }
    }
}

/// Minutes since 1970-01-01T00:00Z.
pub type Minute = u32;

const MINUTES_OF_AN_HOUR: u32 = 60;

/// The labels of calls that are counted together; as in the counters, without `arrival`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    pub route: Arc<Route>,
    pub outcome: Outcome,
    /// Of a failed call, as are the codes; `""` of any other.
    pub cause: Arc<str>,
    /// None where a cap folded the cause.
    pub codes: CodePair,
}

/// The calls of one series in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    series: u32,
    calls: u32,
}

/// The minutes of one hour; cells by series.
type Hour = BTreeMap<Minute, Vec<Cell>>;

/// What is kept, for readers. A clone shares it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Minutes {
    series: Arc<BTreeMap<u32, Series>>,
    hours: BTreeMap<u32, Arc<Hour>>,
}

impl Minutes {
    /// Shows the calls of each series in each of these minutes, in order of time.
    pub fn each(&self, minutes: Range<Minute>, mut take: impl FnMut(Minute, &Series, u32)) {
        let hours = minutes.start / MINUTES_OF_AN_HOUR..minutes.end.div_ceil(MINUTES_OF_AN_HOUR);
        if minutes.is_empty() {
            return;
        }
        for hour in self.hours.range(hours).map(|(_, hour)| hour) {
            for (minute, cells) in hour.range(minutes.clone()) {
                for Cell { series, calls } in cells {
                    if let Some(series) = self.series.get(series) {
                        take(*minute, series, *calls);
                    }
                }
            }
        }
    }

    /// The first minute that has calls, and the one behind the last.
    pub fn span(&self) -> Option<Range<Minute>> {
        let first = self.hours.first_key_value()?.1.first_key_value()?.0;
        let last = self.hours.last_key_value()?.1.last_key_value()?.0;
        Some(*first..last + 1)
    }
}

/// The history, to be changed and stored.
#[derive(Debug)]
pub struct History {
    options: Options,
    minutes: Minutes,
    numbers: HashMap<Series, u32>,
    /// No number below is free.
    least_free: u32,
    /// How many cells each series has: one without cells is forgotten.
    cells_of: HashMap<u32, usize>,
    cells: usize,
    /// Calls to be added by minute and number of the series; kept for its room.
    noted: Vec<(Minute, u32, i32)>,
    /// What the store has otherwise.
    changed_minutes: BTreeSet<Minute>,
    changed_series: BTreeSet<u32>,
}

impl History {
    /// Nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            minutes: Minutes::default(),
            numbers: HashMap::new(),
            least_free: 0,
            cells_of: HashMap::new(),
            cells: 0,
            noted: Vec::new(),
            changed_minutes: BTreeSet::new(),
            changed_series: BTreeSet::new(),
        }
    }

    /// What readers see of it.
    pub fn minutes(&self) -> Minutes {
        self.minutes.clone()
    }

    /// Takes new options.
    pub fn reconfigure(&mut self, options: Options, now: UnixMillis) {
        self.options = options;
        self.forget_older(now);
    }

    /// Adds calls of these series by the minute in which they ended; a minute may come several times. All cells of a minute are
    /// added at once, since many trunks have nearly a cell for each call.
    pub fn add(&mut self, series: &[Option<Series>], calls: &[MinuteCalls], now: UnixMillis) {
        let first = self.first_kept(now);
        let mut numbers = vec![None; series.len()];
        let mut noted = std::mem::take(&mut self.noted);
        for MinuteCalls { labels, minute, calls } in calls.iter().filter(|it| it.minute >= first) {
            let place = *labels as usize;
            let Some(series) = &series[place] else { continue };
            let number = *numbers[place].get_or_insert_with(|| self.number(series));
            noted.push((*minute, number, *calls));
        }
        noted.sort_unstable_by_key(|(minute, series, _)| u64::from(*minute) << 32 | u64::from(*series));
        noted.dedup_by(|(minute, series, calls), (last, into, sum)| {
            let is_same = (*minute, *series) == (*last, *into);
            *sum = if is_same { sum.saturating_add(*calls) } else { *sum };
            is_same
        });
        noted.retain(|(_, _, calls)| *calls > 0);
        for cells in noted.chunk_by(|(minute, ..), (next, ..)| minute == next) {
            let Some((minute, ..)) = cells.first() else { continue };
            let cell = |(_, series, calls): &(Minute, u32, i32)| Cell {
                series: *series,
                calls: i32::unsigned_abs(*calls),
            };
            self.add_cells(*minute, cells.iter().map(cell));
            self.changed_minutes.insert(*minute);
        }
        noted.clear();
        self.noted = noted;
        while self.cells > self.options.cells.max(1) && self.drop_first_minute() {}
    }

    /// Adds cells, by rising number of their series, to those of a minute.
    fn add_cells(&mut self, minute: Minute, added: impl ExactSizeIterator<Item = Cell>) {
        let hour = self.minutes.hours.entry(minute / MINUTES_OF_AN_HOUR).or_default();
        let cells = Arc::make_mut(hour).entry(minute).or_default();
        let before = std::mem::take(cells);
        cells.reserve_exact(before.len() + added.len());
        let mut before = before.into_iter().peekable();
        for mut cell in added {
            cells.extend(std::iter::from_fn(|| before.next_if(|known| known.series < cell.series)));
            if let Some(known) = before.next_if(|known| known.series == cell.series) {
                cell.calls = cell.calls.saturating_add(known.calls);
            } else {
                self.cells += 1;
                *self.cells_of.entry(cell.series).or_default() += 1;
            }
            cells.push(cell);
        }
        cells.extend(before);
    }

    /// The number of a series: the least that is free, so that a history that is read again goes on with the same.
    fn number(&mut self, series: &Series) -> u32 {
        if let Some(number) = self.numbers.get(series) {
            return *number;
        }
        let mut number = self.least_free;
        while self.minutes.series.contains_key(&number) {
            number += 1;
        }
        self.least_free = number + 1;
        Arc::make_mut(&mut self.minutes.series).insert(number, series.clone());
        self.numbers.insert(series.clone(), number);
        self.changed_series.insert(number);
        number
    }

    fn first_kept(&self, now: UnixMillis) -> Minute {
        let keep = i64::try_from(self.options.keep.as_millis()).unwrap_or(i64::MAX);
        minute(UnixMillis(now.0.saturating_sub(keep))).unwrap_or(0)
    }

    /// Forgets the minutes that are past keeping.
    pub fn forget_older(&mut self, now: UnixMillis) {
        let first = self.first_kept(now);
        while self.minutes.span().is_some_and(|span| span.start < first) && self.drop_first_minute() {}
    }

    /// Whether there was one.
    fn drop_first_minute(&mut self) -> bool {
        let Some(mut hour) = self.minutes.hours.first_entry() else { return false };
        let first = Arc::make_mut(hour.get_mut()).pop_first();
        if hour.get().is_empty() {
            hour.remove();
        }
        let Some((minute, cells)) = first else { return false };
        self.changed_minutes.insert(minute);
        self.cells -= cells.len();
        for Cell { series, .. } in cells {
            let left = self.cells_of.entry(series).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.drop_series(series);
            }
        }
        true
    }

    fn drop_series(&mut self, number: u32) {
        self.cells_of.remove(&number);
        if let Some(series) = Arc::make_mut(&mut self.minutes.series).remove(&number) {
            self.numbers.remove(&series);
            self.least_free = self.least_free.min(number);
            self.changed_series.insert(number);
        }
    }
}

/// The minute of a time; `None` before 1970, and where it is too far ahead to be one.
pub fn minute(at: UnixMillis) -> Option<Minute> {
    u32::try_from(at.0.div_euclid(60_000)).ok()
}

#[cfg(test)]
mod tests;
