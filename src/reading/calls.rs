//! The calls of a batch, classified and counted by label set; each by itself too, where record ids are remembered.

use std::sync::Arc;

use hashbrown::HashMap;

use super::labels::{Key, LabelSet, OwnedKey, label_set, labelled};
use super::sums::{Counted, Observed, Sum, Sums, age, wider};
use super::{Context, HowRead};
use crate::call::{Arrival, Attempt, Call, Detail, Guid, Outcome, RecordId, UnixMillis, Unread};
use crate::classify::Verdict;
use crate::format::{Format, Front};

/// One of the attempts of a call, classified as if it were the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The same for all attempts of the call.
    pub id: RecordId,
    pub attempt: Attempt,
    pub labels: Arc<LabelSet>,
    pub ended_at: Option<UnixMillis>,
    pub duration_seconds: Option<u32>,
    /// Of one that failed: Microsoft's GUID, where its record has it.
    pub correlation_id: Option<Guid>,
    /// Not kept in the store: what waits there at a restart is then counted without it.
    pub unread: Unread,
}

impl Attempted {
    /// Whether it decided the call, whatever other attempts there are.
    pub fn is_answered(&self) -> bool {
        self.labels.outcome == Outcome::Answered
    }

    /// The one that decided the call, of an attempt that was read before and one that was read now: the later by its own time,
    /// whichever file was read first. Of two at the same time it is the one that was read now.
    pub fn deciding(self, other: Self) -> Self {
        let rank = |it: &Self| (it.is_answered(), it.attempt, it.ended_at);
        if rank(&other) >= rank(&self) { other } else { self }
    }
}

/// What became of a call that was read.
#[derive(Debug)]
pub enum Added {
    /// It counts under the label set at this place.
    Counted(u32),
    /// More attempts of it may come.
    Attempt(Attempted),
}

/// About how many bytes the histograms of a label set take, and the exemplars of their buckets.
const HISTOGRAMS: usize = 1024;

/// The calls of a batch.
#[derive(Debug, Default)]
pub struct Calls {
    pub label_sets: Vec<Arc<LabelSet>>,
    /// The places of those that attempts brought.
    decided: HashMap<Arc<LabelSet>, u32>,
    /// The last of them.
    last_decided: Option<(Arc<LabelSet>, u32)>,
    index: HashMap<OwnedKey, u32>,
    /// Each by itself, where record ids are remembered.
    counted: Vec<Counted>,
    all: Sums,
    /// Label set and buckets of the calls that were found last, where exemplars are kept; whoever wants them takes them.
    /// `None` of an attempt, which is in no bucket yet.
    pub observed: Vec<Option<(u32, Observed)>>,
    /// End of the earliest and of the latest call.
    pub span: Option<(UnixMillis, UnixMillis)>,
}

impl Calls {
    /// Counts a call, unless it is only an attempt.
    pub fn add(&mut self, call: &Call<'_>, how: HowRead, context: &Context) -> Added {
        let verdict = context.catalogue.classify(call);
        let age = age(call.ended_at, context.now);
        let live_within = i64::try_from(how.live_within.as_millis()).unwrap_or(i64::MAX);
        let arrival = if age.is_some_and(|age| age < live_within) { Arrival::Live } else { Arrival::Late };
        let (ended_at, duration_seconds) = (call.ended_at, call.duration_seconds);
        let labels = self.labels(call, &verdict, arrival, how.format, context);
        let keeps_observed = context.keeps_exemplars && self.observed.len() < Front::ROOM;
        if call.attempt != Attempt::Only {
            if keeps_observed {
                self.observed.push(None);
            }
            return Added::Attempt(Attempted {
                id: call.record_id,
                attempt: call.attempt,
                labels: Arc::clone(&self.label_sets[labels as usize]),
                ended_at,
                duration_seconds,
                unread: call.unread,
                correlation_id: None,
            });
        }
        self.all.keeps_families = context.keeps_families;
        let (detail, unread) = (call.detail, call.unread);
        let counted = Counted { id: call.record_id, ended_at, duration_seconds, detail, labels, unread };
        let observed = self.fold(counted, verdict.outcome, age, context.remembers);
        if keeps_observed {
            self.observed.push(Some((labels, observed)));
        }
        Added::Counted(labels)
    }

    /// Adds a call that was decided by this attempt. Returns the place of its label set.
    pub fn add_decided(&mut self, attempted: &Attempted, now: UnixMillis, remembers: bool) -> u32 {
        let Attempted { id, ended_at, duration_seconds, unread, ref labels, .. } = *attempted;
        let place = self.place_of(labels);
        // The formats that write attempts tell no detail.
        let detail = Detail::default();
        let counted = Counted { id, ended_at, duration_seconds, detail, labels: place, unread };
        self.fold(counted, labels.outcome, age(ended_at, now), remembers);
        place
    }

    /// The place of the label set of an attempt.
    fn place_of(&mut self, labels: &Arc<LabelSet>) -> u32 {
        if let Some((last, place)) = &self.last_decided
            && Arc::ptr_eq(last, labels)
        {
            return *place;
        }
        let place = self.decided.get(labels).copied().unwrap_or_else(|| {
            let place = u32::try_from(self.label_sets.len()).unwrap_or(u32::MAX);
            self.label_sets.push(Arc::clone(labels));
            self.decided.insert(Arc::clone(labels), place);
            place
        });
        self.last_decided = Some((Arc::clone(labels), place));
        place
    }

    fn fold(&mut self, counted: Counted, outcome: Outcome, age: Option<i64>, remembers: bool) -> Observed {
        if remembers {
            self.counted.push(counted);
        }
        self.span = self.span.into_iter().chain(counted.ended_at.map(|at| (at, at))).reduce(wider);
        self.all.add(&counted, outcome, age)
    }

    /// The place of the call's label set.
    fn labels(
        &mut self,
        call: &Call<'_>,
        verdict: &Verdict<'_>,
        arrival: Arrival,
        format: &Format,
        context: &Context,
    ) -> u32 {
        let outcome = verdict.outcome;
        let (cause, codes) = labelled(verdict);
        let (trunk, direction) = (&*call.trunk.0, call.direction);
        let key = Key { trunk, direction, outcome, arrival, cause: &*cause, codes };
        if let Some(place) = self.index.get(&key) {
            return *place;
        }
        let place = u32::try_from(self.label_sets.len()).unwrap_or(u32::MAX);
        let cause: Arc<str> = (*cause).into();
        let only = context.trunks.as_deref();
        let labels = label_set(call, verdict, arrival, format, only, Arc::clone(&cause), codes);
        self.label_sets.push(Arc::new(labels));
        self.index.insert(Key { trunk: trunk.into(), direction, outcome, arrival, cause, codes }, place);
        place
    }

    /// The ids of the calls, where they are remembered.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = RecordId> {
        self.counted.iter().map(|call| call.id)
    }

    /// The trunks of the calls, as they may be shown; one may come several times.
    pub fn trunks(&self) -> impl Iterator<Item = &str> {
        self.label_sets.iter().map(|labels| &*labels.trunk)
    }

    /// All calls.
    pub fn all(&self) -> &Sums {
        &self.all
    }

    /// Those whose id is new, by their place among the ids. `now` is when the batch was read.
    pub fn only(&self, new: impl Iterator<Item = bool>, now: UnixMillis) -> Sums {
        let mut sums = Sums { keeps_families: self.all.keeps_families, ..Sums::default() };
        for (call, _) in self.counted.iter().zip(new).filter(|(_, new)| *new) {
            let outcome = self.label_sets[call.labels as usize].outcome;
            sums.add(call, outcome, age(call.ended_at, now));
        }
        sums
    }

    /// Each label set with its place, and its calls among these.
    pub fn label_sets<'c>(&'c self, sums: &'c Sums) -> impl Iterator<Item = (usize, &'c LabelSet, &'c Sum)> {
        let all = self.label_sets.iter().map(|labels| &**labels).zip(&sums.by_label_set).enumerate();
        all.map(|(place, (labels, sum))| (place, labels, sum)).filter(|(_, _, sum)| sum.count > 0)
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        let by_label_set = size_of::<LabelSet>() + size_of::<OwnedKey>() + size_of::<Sum>() + HISTOGRAMS;
        let by_minute = self.all.minutes * 2 * size_of::<(u32, u32)>();
        self.counted.len() * size_of::<Counted>() + self.label_sets.len() * by_label_set + by_minute
    }
}
