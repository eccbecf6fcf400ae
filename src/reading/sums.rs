//! Calls folded into counts: what they add to the metrics of each label set and of their source. Every metric of calls begins
//! here; CONTRIBUTING.md lists the files that it passes through.

use super::histogram::Histogram;
use super::observations::{Observations, TICKS_PER_SECOND, seconds_of};
use super::tallies::Tallies;
use crate::call::{Detail, Outcome, RecordId, UnixMillis, Unread, UnreadField, UnreadTime};

/// Upper bounds of `cdr_call_duration_seconds`: from a call that dropped at once to two hours.
pub const DURATION_SECONDS: &[f64] =
    &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];

/// Upper bounds of `cdr_call_setup_seconds`: from a call picked up at once to one that rang as long as it may.
pub const SETUP_SECONDS: &[f64] = &[0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0];

/// Upper bounds of `cdr_call_age_seconds`: from a row written at once to an export a month old.
pub const AGE_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];

/// A call that ends further ahead of our clock than this has a wrong time: it has no age, and is not live.
const CLOCK_DIFFERENCE: i64 = 24 * 60 * 60 * 1000;

/// One call, as far as counting needs it. A batch keeps many, so each has the size of a line of the processor's cache.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    pub id: RecordId,
    pub ended_at: Option<UnixMillis>,
    pub duration_seconds: Option<u32>,
    pub detail: Detail,
    /// Its place among the label sets.
    pub labels: u32,
    /// Its place among the routes.
    pub route: u32,
}

const _: () = assert!(size_of::<Counted>() == 64);

/// Bucket and seconds of a call in each histogram that it is in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observed {
    pub duration: Option<(usize, f64)>,
    pub setup: Option<(usize, f64)>,
    pub age: Option<(usize, f64)>,
}

/// Calls folded into counts.
#[derive(Debug, Clone)]
pub struct Sums {
    /// How many records these calls come from.
    pub records: u64,
    /// Whether durations, setup times, ages, kinds and countries are counted too.
    pub keeps_families: bool,
    /// In the order of the label sets; those behind the last one are 0.
    pub by_label_set: Vec<Sum>,
    /// `cdr_call_duration_seconds`, of answered calls, by route: a trunk and a direction.
    pub durations: Observations,
    /// `cdr_call_setup_seconds`, of answered and failed calls, by route.
    pub setups: Observations,
    /// `cdr_call_age_seconds`.
    pub ages: Histogram,
    /// End of the newest call.
    pub newest: Option<UnixMillis>,
    pub tallies: Tallies,
    /// Calls by the minute in which they ended. Without calls whose time is wrong or not known.
    pub minutes: Vec<MinuteCalls>,
    /// How many calls have a field that could not be read, in the order of [`UnreadField::ALL`].
    pub unread: [u64; UnreadField::ALL.len()],
    /// Why the first of the times among them could not be read.
    pub unread_time: Option<UnreadTime>,
}

/// The calls of one label set.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    pub count: u64,
    /// Earliest and latest end.
    pub seen: Option<(UnixMillis, UnixMillis)>,
    /// The place of its last entry among [`Sums::minutes`].
    last_minute: Option<u32>,
}

/// The calls of one label set in one minute; both may come several times.
#[derive(Debug, Clone, Copy)]
pub struct MinuteCalls {
    /// The place of the label set.
    pub labels: u32,
    /// Counted from 1970.
    pub minute: u32,
    /// Less than 0 where calls of another entry are taken away.
    pub calls: i32,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            records: 0,
            keeps_families: true,
            by_label_set: Vec::new(),
            durations: Observations::new(DURATION_SECONDS, TICKS_PER_SECOND),
            setups: Observations::new(SETUP_SECONDS, 1),
            ages: Histogram::new(AGE_SECONDS),
            newest: None,
            tallies: Tallies::default(),
            unread: Default::default(),
            unread_time: None,
            minutes: Vec::new(),
        }
    }
}

impl Sums {
    /// Adds a call, or the calls of a row of a report; says in which buckets. Such a row has at most a sum or a mean of their
    /// durations, which is no duration of any: it is in no histogram of them.
    pub fn add(&mut self, call: &Counted, outcome: Outcome, age: Option<i64>) -> Observed {
        let mut observed = Observed::default();
        let sum = room(&mut self.by_label_set, call.labels);
        let calls = call.detail.calls();
        self.records += 1;
        sum.count += calls;
        if let (Outcome::Answered, Some(seconds), 1, true) =
            (outcome, call.duration_seconds, calls, self.keeps_families)
        {
            observed.duration =
                Some(self.durations.observe(call.route, u64::from(seconds) * TICKS_PER_SECOND));
        }
        if let (Outcome::Answered | Outcome::Failed, Some(millis), true) =
            (outcome, call.detail.setup_millis, self.keeps_families)
        {
            observed.setup = Some(self.setups.observe(call.route, ticks(i64::from(millis))));
        }
        if self.keeps_families {
            self.tallies.count(&call.detail, outcome);
        }
        if let (Some(age), Some(ended_at)) = (age, call.ended_at) {
            self.add_minute(call.labels, ended_at, calls);
            if self.keeps_families {
                let seconds = seconds_of(ticks(age));
                observed.age = Some((self.ages.observe_times(seconds, calls), seconds));
            }
        }
        if outcome == Outcome::Failed {
            self.by_label_set[call.labels as usize].widen(call);
        }
        if age.is_some() {
            self.newest = self.newest.max(call.ended_at);
        }
        observed
    }

    /// Notes what of a call could not be read.
    pub fn add_unread(&mut self, unread: Unread) {
        for (count, field) in self.unread.iter_mut().zip(UnreadField::ALL) {
            *count += u64::from(unread.has(field));
        }
        self.unread_time = self.unread_time.or(unread.time());
    }

    /// Counts calls in their minute. Calls of a file are nearly in order of time, so the last entry of the label set is looked
    /// at alone.
    fn add_minute(&mut self, labels: u32, ended_at: UnixMillis, calls: u64) {
        let calls = i32::try_from(calls).unwrap_or(i32::MAX);
        let Ok(minute) = u32::try_from(ended_at.0.div_euclid(60_000)) else { return };
        let last = &mut self.by_label_set[labels as usize].last_minute;
        match last.and_then(|last| self.minutes.get_mut(last as usize)) {
            Some(known) if known.minute == minute => known.calls = known.calls.saturating_add(calls),
            _ => {
                *last = u32::try_from(self.minutes.len()).ok();
                self.minutes.push(MinuteCalls { labels, minute, calls });
            }
        }
    }
}

impl Sum {
    /// Notes a call that failed.
    fn widen(&mut self, call: &Counted) {
        self.seen = self.seen.into_iter().chain(call.ended_at.map(|at| (at, at))).reduce(wider);
    }
}

impl Sums {
    /// Takes away calls that are among these. Returns whether any of them was the earliest or latest, for [`Sums::look_again`].
    pub fn subtract(&mut self, other: &Self) -> InDoubt {
        self.records -= other.records;
        let mut in_doubt = InDoubt { label_sets: vec![false; self.by_label_set.len()], ..InDoubt::default() };
        for (place, other) in other.by_label_set.iter().enumerate() {
            let own = &mut self.by_label_set[place];
            own.count -= other.count;
            if let (Some((first, last)), Some((from, to))) = (own.seen, other.seen)
                && (first == from || last == to)
            {
                (own.seen, in_doubt.label_sets[place], in_doubt.any) = (None, true, true);
            }
        }
        if self.newest == other.newest && self.newest.is_some() {
            (self.newest, in_doubt.newest, in_doubt.any) = (None, true, true);
        }
        let taken = other.minutes.iter().map(|it| MinuteCalls { calls: -it.calls, ..*it });
        self.minutes.extend(taken);
        self.durations.subtract(&other.durations);
        self.setups.subtract(&other.setups);
        self.ages.subtract(&other.ages);
        self.tallies.subtract(&other.tallies);
        self.unread.iter_mut().zip(other.unread).for_each(|(own, other)| *own -= other);
        in_doubt
    }

    /// Notes what of a call that is left is the earliest or the latest of all, where that went.
    pub fn look_again(&mut self, in_doubt: &InDoubt, call: &Counted, now: UnixMillis) {
        if in_doubt.label_sets[call.labels as usize] {
            self.by_label_set[call.labels as usize].widen(call);
        }
        if in_doubt.newest && age(call.ended_at, now).is_some() {
            self.newest = self.newest.max(call.ended_at);
        }
    }
}

/// Of which the earliest or latest call was taken away.
#[derive(Debug, Default)]
pub struct InDoubt {
    /// By place.
    label_sets: Vec<bool>,
    newest: bool,
    /// Whether there is anything.
    pub any: bool,
}

/// The sum at this place.
fn room<T: Default>(sums: &mut Vec<T>, place: u32) -> &mut T {
    let place = place as usize;
    if sums.len() <= place {
        sums.resize_with(place + 1, T::default);
    }
    &mut sums[place]
}

/// Milliseconds since the call ended, unless its time is wrong.
pub fn age(ended_at: Option<UnixMillis>, now: UnixMillis) -> Option<i64> {
    ended_at.map(|ended| now.0.saturating_sub(ended.0)).filter(|age| *age > -CLOCK_DIFFERENCE)
}

/// Milliseconds in ticks, rounded up.
pub fn ticks(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or_default().saturating_mul(TICKS_PER_SECOND).div_ceil(1000)
}

/// The span that holds both.
pub fn wider(
    (first, last): (UnixMillis, UnixMillis),
    (from, to): (UnixMillis, UnixMillis),
) -> (UnixMillis, UnixMillis) {
    (first.min(from), last.max(to))
}
