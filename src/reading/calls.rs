//! The calls of a batch, classified and counted by label set; each by itself too, where record ids are remembered.

use std::num::NonZero;
use std::sync::Arc;

use hashbrown::HashMap;

use super::deciding::Tried;
use super::label_index::{InBatch, LabelIndex};
use super::labels::{LabelSet, Route};
use super::observations;
use super::sums::{Counted, MinuteCalls, Observed, Sum, Sums, age, wider};
use super::{Context, HowRead};
use crate::call::{
    Arrival, Attempt, Call, Detail, Outcome, RecordId, UnixMillis, Unread, UnreadField, UnreadTime,
};
use crate::classify::Verdict;
use crate::format::trunk::Only;
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
    /// Of one that failed: the bits of Microsoft's GUID, where its record has it. Many attempts wait: this takes no more for `None`.
    pub correlation_id: Option<NonZero<u128>>,
    /// Not kept in the store: what waits there at a restart is then counted without it.
    pub unread: Unread,
}

impl Attempted {
    /// By what it may decide its call.
    pub fn tried(&self) -> Tried {
        Tried { outcome: self.labels.outcome, attempt: self.attempt, ended_at: self.ended_at }
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

/// About how many bytes a route takes: its durations and setup times, and the exemplars of their buckets.
const ROUTE: usize = 2 * observations::BYTES_OF_A_ROUTE + 512;

/// Calls of so many bytes fill a batch: the processor's cache still has them when they are applied.
const CACHED_BYTES: usize = 512 * 1024;

/// But not before they are so many times what their label sets and routes take, which cost their time once a batch.
const CACHED_TIMES: usize = 2;

/// So many label sets of attempts are found by where they lie: few are in use at a time.
const RECENT: usize = 16;

/// The calls of a batch.
#[derive(Debug, Default)]
pub struct Calls {
    pub label_sets: Vec<Arc<LabelSet>>,
    /// Those of attempts, in the same places.
    of_attempts: Vec<Option<Arc<LabelSet>>>,
    /// The place of the route of each label set.
    routes: Vec<u32>,
    route_index: HashMap<Route<Box<str>>, u32>,
    /// The places of those that attempts brought.
    decided: HashMap<Arc<LabelSet>, u32>,
    /// Some of them, each in a place by where it lies.
    recent: [Option<(Arc<LabelSet>, u32)>; RECENT],
    index: LabelIndex,
    /// Each by itself, where record ids are remembered.
    counted: Vec<Counted>,
    /// What of them could not be read, by their places.
    unread: Vec<(usize, Unread)>,
    all: Sums,
    /// Route and buckets of the calls that were found last, where exemplars are kept; whoever wants them takes them.
    /// `None` of an attempt, which is in no bucket yet.
    pub observed: Vec<Option<(u32, Observed)>>,
    /// End of the earliest and of the latest call.
    pub span: Option<(UnixMillis, UnixMillis)>,
}

impl Calls {
    /// Calls of this format follow: what trunks are shown as under another, or under another config, is forgotten.
    pub fn follow(&mut self, format: &'static Format, only: Option<&Arc<Only>>) {
        self.index.follow(format, only);
    }

    /// Says whether anybody asks for what stands in families of its own.
    pub fn keep_families(&mut self, keeps_families: bool) {
        self.all.keeps_families = keeps_families;
    }

    /// Counts a call, unless it is only an attempt.
    pub fn add(&mut self, call: &Call<'_>, how: HowRead, now: UnixMillis, context: &Context) -> Added {
        let verdict = context.catalogue.classify(call);
        let age = age(call.ended_at, now);
        let live_within = i64::try_from(how.live_within.as_millis()).unwrap_or(i64::MAX);
        let arrival = if age.is_some_and(|age| age < live_within) { Arrival::Live } else { Arrival::Late };
        let (ended_at, duration_seconds, mut unread) = (call.ended_at, call.duration_seconds, call.unread);
        if age.is_none() && ended_at.is_some() {
            unread.add_time(UnreadField::EndTime, UnreadTime::Ahead);
        }
        let labels = self.labels(call, &verdict, arrival, how.format, context);
        let keeps_observed = context.keeps_exemplars && self.observed.len() < Front::ROOM;
        self.keep_families(context.keeps_families);
        if call.attempt != Attempt::Only {
            if keeps_observed {
                self.observed.push(None);
            }
            return Added::Attempt(Attempted {
                id: call.record_id,
                attempt: call.attempt,
                labels: self.labels_of_attempt(labels),
                ended_at,
                duration_seconds,
                unread,
                correlation_id: None,
            });
        }
        let route = self.routes[labels as usize];
        let (id, detail) = (call.record_id, call.detail);
        let counted = Counted { id, ended_at, duration_seconds, detail, labels, route };
        self.note_unread(unread, context.remembers);
        let observed = self.fold(counted, verdict.outcome, age, context.remembers);
        if keeps_observed {
            self.observed.push(Some((route, observed)));
        }
        Added::Counted(labels)
    }

    /// The label set at this place, for an attempt: one that no other batch has. Who counts the batch before this one, on another
    /// core, else counts references to it at the same time, and each such step waits for the other core.
    fn labels_of_attempt(&mut self, place: u32) -> Arc<LabelSet> {
        let place = place as usize;
        if self.of_attempts.len() <= place {
            self.of_attempts.resize(place + 1, None);
        }
        let own = || Arc::new(LabelSet::clone(&self.label_sets[place]));
        Arc::clone(self.of_attempts[place].get_or_insert_with(own))
    }

    /// Adds a call that was decided by this attempt. Returns the place of its label set.
    pub fn add_decided(&mut self, attempted: &Attempted, now: UnixMillis) -> u32 {
        let Attempted { id, ended_at, duration_seconds, unread, ref labels, .. } = *attempted;
        let place = self.place_of(labels);
        // The formats that write attempts tell no detail.
        let detail = Detail::default();
        let route = self.routes[place as usize];
        let counted = Counted { id, ended_at, duration_seconds, detail, labels: place, route };
        self.note_unread(unread, false);
        self.fold(counted, labels.outcome, age(ended_at, now), false);
        place
    }

    /// The place of the label set of an attempt.
    fn place_of(&mut self, labels: &Arc<LabelSet>) -> u32 {
        // Their sizes are about that.
        let recent = Arc::as_ptr(labels).addr() / size_of::<LabelSet>() % RECENT;
        if let Some((known, place)) = &self.recent[recent]
            && Arc::ptr_eq(known, labels)
        {
            return *place;
        }
        let place = self.decided.get(labels).copied();
        let place = place.unwrap_or_else(|| {
            let place = self.add_label_set(Arc::clone(labels));
            self.decided.insert(Arc::clone(labels), place);
            place
        });
        self.recent[recent] = Some((Arc::clone(labels), place));
        place
    }

    /// Notes what could not be read of the call that comes next.
    fn note_unread(&mut self, unread: Unread, remembers: bool) {
        if unread.is_empty() {
            return;
        }
        if remembers {
            self.unread.push((self.counted.len(), unread));
        }
        self.all.add_unread(unread);
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
        let (shown_by, next) = ((format, context.trunks.as_deref()), place(self.label_sets.len()));
        match self.index.find(call, verdict, arrival, shown_by, next) {
            InBatch::At(place) => place,
            InBatch::New(labels) => self.add_label_set(labels),
        }
    }

    /// A new label set at the next place.
    fn add_label_set(&mut self, labels: Arc<LabelSet>) -> u32 {
        let LabelSet { trunk, direction, .. } = &*labels;
        let (place, next) = (place(self.label_sets.len()), place(self.route_index.len()));
        let known = self.route_index.get(&Route { trunk: &**trunk, direction: *direction });
        let route = known.copied().unwrap_or_else(|| {
            self.route_index.insert(Route { trunk: trunk.clone(), direction: *direction }, next);
            next
        });
        self.routes.push(route);
        self.label_sets.push(labels);
        place
    }

    /// Those of the next batch of the same text, in which the same label sets are likely.
    pub fn successor(&mut self) -> Self {
        // With some room more, as it has fewer label sets of its own: growing copies all calls.
        let counted = Vec::with_capacity(self.counted.len() + self.counted.len() / 8);
        Self { index: self.index.successor(), counted, ..Self::default() }
    }

    /// The ids of the calls, where they are remembered.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = RecordId> {
        self.counted.iter().map(|call| call.id)
    }

    /// The trunks of the calls, as they may be shown; one may come twice.
    pub fn trunks(&self) -> impl Iterator<Item = &str> {
        self.route_index.keys().map(|route| &*route.trunk)
    }

    /// All calls.
    pub fn all(&self) -> &Sums {
        &self.all
    }

    /// Those whose id is new, by their place among the ids. `now` is when the batch was begun.
    ///
    /// The fewer are folded again: either those that are new, or the others, to be taken away from all.
    pub fn only(&self, new: &[bool], now: UnixMillis) -> Sums {
        let known = new.iter().filter(|new| !**new).count();
        if known * 2 > new.len() {
            return self.folded(new, true, now);
        }
        let again = self.folded(new, false, now);
        let mut sums = self.all.clone();
        let in_doubt = sums.subtract(&again);
        if in_doubt.any {
            let left = self.counted.iter().zip(new).filter_map(|(call, new)| new.then_some(call));
            left.for_each(|call| sums.look_again(&in_doubt, call, now));
        }
        let left = self.unread.iter().filter(|(place, _)| new[*place]);
        sums.unread_time = left.filter_map(|(_, unread)| unread.time()).next();
        sums
    }

    /// Those that are new or not, folded.
    fn folded(&self, new: &[bool], which: bool, now: UnixMillis) -> Sums {
        let mut sums = Sums { keeps_families: self.all.keeps_families, ..Sums::default() };
        for (call, _) in self.counted.iter().zip(new).filter(|(_, new)| **new == which) {
            let outcome = self.label_sets[call.labels as usize].outcome;
            sums.add(call, outcome, age(call.ended_at, now));
        }
        let unread = self.unread.iter().filter(|(place, _)| new[*place] == which);
        unread.for_each(|(_, unread)| sums.add_unread(*unread));
        sums
    }

    /// Each label set with its place, and its calls among these.
    pub fn label_sets<'c>(&'c self, sums: &'c Sums) -> impl Iterator<Item = (usize, &'c LabelSet, &'c Sum)> {
        let all = self.label_sets.iter().map(|labels| &**labels).zip(&sums.by_label_set).enumerate();
        all.map(|(place, (labels, sum))| (place, labels, sum)).filter(|(_, _, sum)| sum.count > 0)
    }

    /// Each route with its place, of which these have durations or setup times.
    pub fn routes(&self, sums: &Sums) -> impl Iterator<Item = (u32, &Route<Box<str>>)> {
        let routes = self.route_index.iter().map(|(route, place)| (*place, route));
        routes.filter(|(place, _)| sums.durations.has(*place) || sums.setups.has(*place))
    }

    /// Whether no more calls should be added, though there would be room.
    pub fn are_full(&self) -> bool {
        let bytes = self.counted_bytes();
        bytes >= CACHED_BYTES && bytes >= CACHED_TIMES * self.bytes_of_label_sets()
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.counted_bytes() + self.bytes_of_label_sets()
    }

    fn counted_bytes(&self) -> usize {
        self.counted.len() * size_of::<Counted>()
    }

    /// And all that is kept for each.
    fn bytes_of_label_sets(&self) -> usize {
        self.index.bytes()
            + self.label_sets.len() * size_of::<Sum>()
            + self.route_index.len() * ROUTE
            + self.all.minutes.len() * size_of::<MinuteCalls>()
    }
}

fn place(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
