//! Calls gathered into lines by what the operator asks for, with the attempts that failures are of.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::iter;
use std::sync::Arc;

use clap::ValueEnum;
use jiff::tz::TimeZone;

use super::facts::{Cell, Facts};
use super::select::Choice;
use crate::call::{CodePair, Outcome};
use crate::classify::Catalogue;
use crate::findings::{Labels, time};

/// What calls are gathered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    Cause,
    Trunk,
    Direction,
    Side,
    Hour,
    Day,
    Outcome,
    /// What was called: a person, a bot, a conference
    Kind,
    /// The country that was called
    Country,
}

impl By {
    /// Its name for programs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Trunk => "trunk",
            Self::Direction => "direction",
            Self::Side => "side",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Outcome => "outcome",
            Self::Kind => "kind",
            Self::Country => "country",
        }
    }

    /// Whether failed calls only have it: attempts are then those of everything else that is asked for.
    fn is_of_failures(self) -> bool {
        matches!(self, Self::Cause | Self::Side)
    }

    /// Whether it is counted apart from all others but the outcome.
    pub fn is_apart(self) -> bool {
        matches!(self, Self::Kind | Self::Country)
    }
}

/// The order of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Most failed calls first
    Failed,
    /// Most calls first
    Attempts,
    /// The highest share of failed calls first
    Share,
    /// By name or time
    Name,
}

/// Equal stretches of time: the columns of bars, timelines and heat maps.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub first: i64,
    pub step: i64,
    pub length: usize,
}

impl Axis {
    /// At most so many stretches over this time, each a number of minutes that people count in.
    pub fn over((first, end): (i64, i64), most: i64) -> Self {
        const STEPS: [i64; 14] = [1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10_080];
        let parts = |step: i64| (end - first.div_euclid(step) * step + step - 1).div_euclid(step);
        let step = STEPS.into_iter().find(|step| parts(*step) <= most);
        let step = step.unwrap_or((end - first) / most + 1);
        Self {
            first: first.div_euclid(step) * step,
            step,
            length: usize::try_from(parts(step)).unwrap_or(1).max(1),
        }
    }

    /// Where a minute stands.
    pub fn place(&self, minute: i64) -> Option<usize> {
        usize::try_from((minute - self.first).div_euclid(self.step)).ok().filter(|place| *place < self.length)
    }
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// In the order in which they were asked for.
    pub keys: Vec<String>,
    pub cause: Option<(Arc<str>, CodePair)>,
    /// Calls that these keys have, of the outcomes that are meant.
    pub calls: u64,
    /// Calls that the failed ones are of.
    pub attempts: u64,
    pub failed: u64,
    /// The part of the attempts that is told of: failed calls, or where outcomes were chosen those.
    pub part: u64,
    pub outcomes: BTreeMap<&'static str, u64>,
    /// First and last minute of failed calls.
    pub seen: Option<(i64, i64)>,
    /// Attempts, failed calls and the part of the attempts along the axis.
    pub attempts_by_time: Vec<u64>,
    pub failed_by_time: Vec<u64>,
    pub part_by_time: Vec<u64>,
    /// Failed calls by trunk, the most first.
    pub trunks: Vec<(Arc<str>, u64)>,
}

impl Line {
    /// The share of the attempts that is told of.
    pub fn share(&self) -> f64 {
        share(self.part, self.attempts)
    }

    fn add_failed(&mut self, labels: &Labels, sum: &Sum) {
        self.failed += sum.calls;
        add(&mut self.failed_by_time, &sum.by_time);
        self.seen = self.seen.into_iter().chain(sum.seen).reduce(wider);
        self.cause.get_or_insert_with(|| (Arc::clone(&labels.cause), labels.codes));
        match self.trunks.iter_mut().find(|(trunk, _)| *trunk == labels.trunk) {
            Some((_, failed)) => *failed += sum.calls,
            None => self.trunks.push((Arc::clone(&labels.trunk), sum.calls)),
        }
    }
}

/// A part of a whole.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What to gather, and how.
pub struct Grouping<'g> {
    pub by: &'g [By],
    pub sort: Sort,
    pub axis: Axis,
    pub choice: &'g Choice,
    pub catalogue: &'g Catalogue,
}

impl Grouping<'_> {
    /// The lines, sorted.
    pub fn lines(&self, facts: &Facts) -> Vec<Line> {
        let mut lines: BTreeMap<Vec<String>, Line> = BTreeMap::new();
        let mut attempts: HashMap<Vec<String>, (u64, Vec<u64>)> = HashMap::new();
        let route_keys: Vec<By> =
            self.by.iter().copied().filter(|by| !by.is_of_failures() && *by != By::Outcome).collect();
        let is_of_failures = self.by.iter().any(|by| by.is_of_failures());
        let mut names = Names::new(self.choice.zone(), self.catalogue);
        let mut gather = |labels: &Labels, sum: &Sum| {
            if labels.outcome != Outcome::Elsewhere {
                let of = attempts.entry(names.keys(&route_keys, labels, sum.minute)).or_default();
                of.0 += sum.calls;
                add(&mut of.1, &sum.by_time);
            }
            let is_failure = self.choice.is_failure(labels, self.catalogue);
            if is_of_failures && !is_failure {
                return;
            }
            let is_chosen = self.choice.has_outcome(labels.outcome);
            if self.by.contains(&By::Outcome) && !is_chosen {
                return;
            }
            let keys = names.keys(self.by, labels, sum.minute);
            let line = lines.entry(keys.clone()).or_insert_with(|| Line { keys, ..Line::default() });
            line.calls += if is_chosen { sum.calls } else { 0 };
            *line.outcomes.entry(labels.outcome.label()).or_default() += sum.calls;
            if is_failure {
                line.add_failed(labels, sum);
            }
            if self.choice.is_part(labels, self.catalogue) {
                line.part += sum.calls;
                add(&mut line.part_by_time, &sum.by_time);
            }
        };
        // Only where time is asked for, minutes have lines of their own.
        let is_of_time = self.by.iter().any(|by| matches!(by, By::Hour | By::Day));
        facts.each(|labels, cells| match is_of_time {
            true => cells.for_each(|cell| gather(labels, &Sum::of(iter::once(cell), self.axis))),
            false => gather(labels, &Sum::of(cells, self.axis)),
        });
        let mut lines: Vec<Line> = lines.into_values().collect();
        for line in &mut lines {
            let kept = self.by.iter().zip(&line.keys).filter(|(by, _)| route_keys.contains(by));
            let of = attempts.get(&kept.map(|(_, key)| key.clone()).collect::<Vec<_>>());
            (line.attempts, line.attempts_by_time) = of.cloned().unwrap_or_default();
            line.trunks.sort_by_key(|(_, failed)| Reverse(*failed));
            line.failed_by_time.resize(self.axis.length, 0);
            line.part_by_time.resize(self.axis.length, 0);
            line.attempts_by_time.resize(self.axis.length, 0);
        }
        self.sort.sort(&mut lines);
        lines
    }
}

impl Sort {
    /// Brings lines, which stand by name, in this order.
    pub fn sort(self, lines: &mut [Line]) {
        match self {
            Self::Failed => lines.sort_by_key(|line| Reverse((line.failed, line.calls))),
            Self::Attempts => lines.sort_by_key(|line| Reverse((line.attempts, line.failed))),
            Self::Share => lines.sort_by(|one, other| other.share().total_cmp(&one.share())),
            Self::Name => {}
        }
    }
}

fn add(all: &mut Vec<u64>, more: &[u64]) {
    all.resize(all.len().max(more.len()), 0);
    all.iter_mut().zip(more).for_each(|(all, more)| *all += more);
}

/// Calls of one label set.
#[derive(Default)]
struct Sum {
    /// Of one of them.
    minute: Option<i64>,
    calls: u64,
    /// Along the axis; empty where none has a time.
    by_time: Vec<u64>,
    /// First and last minute.
    seen: Option<(i64, i64)>,
}

impl Sum {
    fn of(cells: impl Iterator<Item = Cell>, axis: Axis) -> Self {
        let mut sum = Self::default();
        for (minute, calls) in cells {
            sum.calls += calls;
            sum.minute = minute;
            sum.seen = sum.seen.into_iter().chain(minute.map(|at| (at, at))).reduce(wider);
            if let Some(place) = minute.and_then(|minute| axis.place(minute)) {
                sum.by_time.resize(axis.length, 0);
                sum.by_time[place] += calls;
            }
        }
        sum
    }
}

fn wider((first, last): (i64, i64), (from, to): (i64, i64)) -> (i64, i64) {
    (first.min(from), last.max(to))
}

/// Keys of calls; hours and days are worked out once.
struct Names<'n> {
    zone: &'n TimeZone,
    catalogue: &'n Catalogue,
    hours: HashMap<i64, [String; 2]>,
}

impl<'n> Names<'n> {
    fn new(zone: &'n TimeZone, catalogue: &'n Catalogue) -> Self {
        Self { zone, catalogue, hours: HashMap::new() }
    }

    fn keys(&mut self, by: &[By], labels: &Labels, minute: Option<i64>) -> Vec<String> {
        by.iter().map(|by| self.key(*by, labels, minute)).collect()
    }

    fn key(&mut self, by: By, labels: &Labels, minute: Option<i64>) -> String {
        match by {
            By::Cause => format!("{} {}", labels.cause, labels.codes.shown()),
            By::Trunk => labels.trunk.to_string(),
            By::Direction => labels.direction.label().to_owned(),
            By::Side => {
                let side = self.catalogue.about(&labels.cause, labels.codes).side();
                side.map_or("", |side| side.label()).to_owned()
            }
            By::Hour => self.hour(minute)[1].clone(),
            By::Day => self.hour(minute)[0].clone(),
            By::Outcome => labels.outcome.label().to_owned(),
            By::Kind | By::Country => String::new(),
        }
    }

    /// Day and hour. Zones differ by quarters of an hour.
    fn hour(&mut self, minute: Option<i64>) -> &[String; 2] {
        let quarter = minute.map_or(i64::MIN, |minute| minute.div_euclid(15));
        let zone = self.zone;
        self.hours.entry(quarter).or_insert_with(|| match minute {
            None => ["no time".to_owned(), "no time".to_owned()],
            Some(minute) => {
                let at = time::at(minute, zone);
                [at.strftime("%Y-%m-%d").to_string(), at.strftime("%Y-%m-%d %H:00").to_string()]
            }
        })
    }
}
