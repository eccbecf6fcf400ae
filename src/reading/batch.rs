//! What a stretch of one file came to: calls, classified and folded into counts for each label set, and what was no call.
//!
//! A batch owns what it holds and knows no ledger. Whoever wants to know what was read reads batches.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};

use super::HowRead;
use super::content::Records;
use super::found::Found;
use super::histogram::Histogram;
use super::listing::{Listed, Listing, newest};
use super::mask;
use crate::call::{
    Arrival, Attempt, Call, CodePair, Direction, Outcome, Reason, RecordId, UnixMillis, Unread, UnreadField,
};
use crate::classify::{Catalogue, Cause, Verdict};
use crate::format::Format;
use crate::format::trunk::{HIDDEN, Only};

/// Upper bounds of `cdr_call_duration_seconds`: from a call that dropped at once to two hours.
pub const DURATION_SECONDS: &[f64] =
    &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];

/// Upper bounds of `cdr_call_age_seconds`: from a row written at once to an export a month old.
pub const AGE_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0, 2_592_000.0];

/// A call that ends further ahead of our clock than this has a wrong time: it has no age, and is not live.
const CLOCK_DIFFERENCE: i64 = 24 * 60 * 60 * 1000;

/// A batch that holds this much is handed over: memory is bounded however short records are.
const FULL_BYTES: usize = 4 * 1024 * 1024;

/// How many rejected records of a file are kept for people to look at, where they are not written down.
const REJECTED_KEPT: u64 = 3;

/// What reading needs to know beside the file.
#[derive(Debug, Clone)]
pub struct Context {
    pub catalogue: Arc<Catalogue>,
    pub now: UnixMillis,
    /// Whether the source remembers record ids: each call is then kept by itself, until the ledger knows whether it is new.
    pub remembers: bool,
    /// Whether rejected records are written down: each is then kept, masked.
    pub keeps_rejected: bool,
    /// The trunks that may be shown; without it, all that their format lets through.
    pub trunks: Option<Arc<Only>>,
    /// Which calls are listed one by one; `None`: none.
    pub listing: Option<Arc<Listing>>,
}

/// What a stretch of one file came to.
#[derive(Debug, Default)]
pub struct Batch {
    /// When it was read.
    pub now: Option<UnixMillis>,
    /// Bytes taken from the disk.
    pub read_bytes: u64,
    pub records: Records,
    pub calls: Calls,
    /// Records that are not the whole of their call; among [`Records::calls`], and not in `calls`.
    pub attempts: Vec<Attempted>,
    /// How many records were rejected for each reason, in the order of [`Reason::ALL`].
    pub rejected_by_reason: [u64; Reason::ALL.len()],
    /// What those records are that its format ignores, if there are any to tell of.
    pub ignored_are: Option<&'static str>,
    /// Those that are to be written down, or the first few of the file.
    pub rejected: Vec<Rejected>,
    /// How much memory those take.
    rejected_bytes: usize,
    /// Calls one by one, as far as they are asked for.
    pub listed: Vec<Listed>,
    /// Attempts one by one, of which one decides its call.
    pub listed_attempts: Vec<Listed>,
}

/// A rejected record: where it stands, and what is left of it when everything personal is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its number among the file's records, from 1.
    pub number: u64,
    /// Offset of its first byte in the file's text.
    pub position: u64,
    pub reason: Reason,
    /// How long it is; 0 where it is too long.
    pub bytes: usize,
    /// `None` where it is not to be written down.
    pub masked: Option<String>,
}

impl Batch {
    /// Adds what was found in a text. `so_far` are the records of the file, these included.
    pub fn add(&mut self, found: &Found<'_>, how: HowRead, so_far: &Records, context: &Context) {
        self.now = Some(context.now);
        self.records.add(found);
        match found {
            Found::Calls { calls, positions } => {
                for (place, call) in calls.iter().enumerate() {
                    let added = self.calls.add(call, how, context);
                    if let (Some(listing), Some(position)) = (&context.listing, positions.get(place)) {
                        self.list(call, &added, *position, listing);
                    }
                    if let Added::Attempt(attempted) = added {
                        self.attempts.push(attempted);
                    }
                }
            }
            Found::Rejected { reason, position, text, bytes } => {
                self.rejected_by_reason[*reason as usize] += 1;
                if context.keeps_rejected || so_far.rejected <= REJECTED_KEPT {
                    let masked = context
                        .keeps_rejected
                        .then(|| mask::masked(text, how.format, context.trunks.as_deref()));
                    self.rejected_bytes += size_of::<Rejected>() + masked.as_ref().map_or(0, String::len);
                    self.rejected.push(Rejected {
                        number: so_far.total(),
                        position: *position,
                        reason: *reason,
                        bytes: usize::try_from(*bytes).unwrap_or(usize::MAX),
                        masked,
                    });
                }
            }
            Found::Ignored { .. } => self.ignored_are = how.ignored_are,
            Found::Header { .. } => {}
        }
    }

    #[cold]
    fn list(&mut self, call: &Call<'_>, added: &Added, position: u64, listing: &Listing) {
        match added {
            Added::Counted(place) => {
                let labels = &self.calls.label_sets[*place as usize];
                if (listing.is_meant)(labels, call.ended_at) {
                    self.listed.push(Listed::of(call, labels, position));
                }
                if self.listed.len() > 2 * listing.limit {
                    newest(&mut self.listed, listing.limit, |call| call);
                }
            }
            Added::Attempt(attempted) => {
                self.listed_attempts.push(Listed::of(call, &attempted.labels, position));
            }
        }
    }

    /// Calls of which all attempts are known, each by the one that decided it.
    pub fn of_attempts(attempts: &[Attempted], now: UnixMillis, remembers: bool) -> Self {
        let mut batch = Self { now: Some(now), ..Self::default() };
        batch.records.calls = attempts.len() as u64;
        attempts.iter().for_each(|attempted| batch.calls.add_decided(attempted, now, remembers));
        batch
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.now.is_none() && self.read_bytes == 0
    }

    /// Whether it is to be handed over before more is added.
    pub fn is_full(&self) -> bool {
        self.bytes() >= FULL_BYTES
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let attempts = self.attempts.len() * (size_of::<Attempted>() + 64);
        self.calls.bytes() + attempts + self.rejected_bytes
    }
}

/// The labels of calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSet {
    /// As records spell it; `""` where what stands there cannot be the name of a trunk, and [`HIDDEN`] where the operator
    /// did not name it.
    pub trunk: Box<str>,
    pub direction: Direction,
    pub outcome: Outcome,
    pub arrival: Arrival,
    /// Of a failed call; `""` of any other.
    pub cause: Arc<str>,
    /// Of a failed call.
    pub codes: CodePair,
}

/// What a label set is found by; owned in the index, and borrowed to look up there.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key<Trunk, Cause> {
    trunk: Trunk,
    direction: Direction,
    outcome: Outcome,
    arrival: Arrival,
    cause: Cause,
    codes: CodePair,
}

type OwnedKey = Key<Box<[u8]>, Arc<str>>;

impl Equivalent<OwnedKey> for Key<&[u8], &str> {
    fn equivalent(&self, key: &OwnedKey) -> bool {
        (self.direction, self.outcome, self.arrival, self.codes)
            == (key.direction, key.outcome, key.arrival, key.codes)
            && (self.trunk, self.cause) == (&*key.trunk, &*key.cause)
    }
}

/// One of the attempts of a call, classified as if it were the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The same for all attempts of the call.
    pub id: RecordId,
    pub attempt: Attempt,
    pub labels: LabelSet,
    pub ended_at: Option<UnixMillis>,
    pub duration_seconds: Option<u32>,
}

impl Attempted {
    /// Whether it decided the call, whatever other attempts there are.
    pub fn is_answered(&self) -> bool {
        self.labels.outcome == Outcome::Answered
    }

    /// The one that decided the call, of an earlier and a later attempt.
    pub fn deciding(self, later: Self) -> Self {
        let rank = |attempted: &Self| (attempted.is_answered(), attempted.attempt);
        if rank(&later) >= rank(&self) { later } else { self }
    }
}

/// What became of a call that was read.
enum Added {
    /// It counts under the label set at this place.
    Counted(u32),
    /// More attempts of it may come.
    Attempt(Attempted),
}

/// One call, as far as counting needs it.
#[derive(Debug, Clone, Copy)]
struct Counted {
    id: RecordId,
    ended_at: Option<UnixMillis>,
    duration_seconds: Option<u32>,
    /// Its place among the label sets.
    labels: u32,
    unread: Unread,
}

/// The calls of a batch.
#[derive(Debug, Default)]
pub struct Calls {
    label_sets: Vec<LabelSet>,
    index: HashMap<OwnedKey, u32>,
    /// Each by itself, where record ids are remembered.
    counted: Vec<Counted>,
    all: Sums,
    /// End of the earliest and of the latest call.
    pub span: Option<(UnixMillis, UnixMillis)>,
}

/// Calls folded into counts.
#[derive(Debug, Clone)]
pub struct Sums {
    /// In the order of the label sets; those behind the last one are 0.
    by_label_set: Vec<Sum>,
    /// `cdr_call_age_seconds`.
    pub ages: Histogram,
    /// End of the newest call.
    pub newest: Option<UnixMillis>,
    /// How many entries `minutes` has in all label sets.
    minutes: usize,
    /// How many calls have a field that could not be read, in the order of [`UnreadField::ALL`].
    pub unread: [u64; UnreadField::ALL.len()],
    /// How many of them have a time of two readings.
    pub ambiguous: u64,
}

/// The calls of one label set.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    pub count: u64,
    /// `cdr_call_duration_seconds`, of answered calls.
    pub durations: Option<Histogram>,
    /// Earliest and latest end.
    pub seen: Option<(UnixMillis, UnixMillis)>,
    /// Calls by the minute in which they ended, counted from 1970; a minute may come several times. Without calls whose
    /// time is wrong or not known.
    pub minutes: Vec<(u32, u32)>,
}

impl Calls {
    /// Counts a call, unless it is only an attempt.
    fn add(&mut self, call: &Call<'_>, how: HowRead, context: &Context) -> Added {
        let verdict = context.catalogue.classify(call);
        let age = age(call.ended_at, context.now);
        let live_within = i64::try_from(how.live_within.as_millis()).unwrap_or(i64::MAX);
        let arrival = if age.is_some_and(|age| age < live_within) { Arrival::Live } else { Arrival::Late };
        let (ended_at, duration_seconds) = (call.ended_at, call.duration_seconds);
        if call.attempt != Attempt::Only {
            let (cause, codes) = labelled(&verdict);
            let only = context.trunks.as_deref();
            let labels = label_set(call, &verdict, arrival, how.format, only, (&*cause).into(), codes);
            let attempt = call.attempt;
            return Added::Attempt(Attempted {
                id: call.record_id,
                attempt,
                labels,
                ended_at,
                duration_seconds,
            });
        }
        let labels = self.labels(call, &verdict, arrival, how.format, context);
        let counted = Counted { id: call.record_id, ended_at, duration_seconds, labels, unread: call.unread };
        self.fold(counted, verdict.outcome, age, context.remembers);
        Added::Counted(labels)
    }

    /// Adds a call that was decided by this attempt.
    fn add_decided(&mut self, attempted: &Attempted, now: UnixMillis, remembers: bool) {
        let Attempted { id, ended_at, duration_seconds, ref labels, .. } = *attempted;
        let place = self.label_sets.iter().position(|known| known == labels).unwrap_or_else(|| {
            self.label_sets.push(labels.clone());
            self.label_sets.len() - 1
        });
        let labels_place = u32::try_from(place).unwrap_or(u32::MAX);
        // The formats that write attempts note no unread fields.
        let unread = Unread::default();
        let counted = Counted { id, ended_at, duration_seconds, labels: labels_place, unread };
        self.fold(counted, labels.outcome, age(ended_at, now), remembers);
    }

    fn fold(&mut self, counted: Counted, outcome: Outcome, age: Option<i64>, remembers: bool) {
        if remembers {
            self.counted.push(counted);
        }
        self.all.add(&counted, outcome, age);
        self.span = self.span.into_iter().chain(counted.ended_at.map(|at| (at, at))).reduce(wider);
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
        self.label_sets.push(label_set(call, verdict, arrival, format, only, Arc::clone(&cause), codes));
        self.index.insert(Key { trunk: trunk.into(), direction, outcome, arrival, cause, codes }, place);
        place
    }

    /// The ids of the calls, where they are remembered.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = RecordId> {
        self.counted.iter().map(|call| call.id)
    }

    /// All calls.
    pub fn all(&self) -> &Sums {
        &self.all
    }

    /// Those whose id is new, by their place among the ids. `now` is when the batch was read.
    pub fn only(&self, new: impl Iterator<Item = bool>, now: UnixMillis) -> Sums {
        let mut sums = Sums::default();
        for (call, _) in self.counted.iter().zip(new).filter(|(_, new)| *new) {
            let outcome = self.label_sets[call.labels as usize].outcome;
            sums.add(call, outcome, age(call.ended_at, now));
        }
        sums
    }

    /// Each label set with its calls among these.
    pub fn label_sets<'c>(&'c self, sums: &'c Sums) -> impl Iterator<Item = (&'c LabelSet, &'c Sum)> {
        self.label_sets.iter().zip(&sums.by_label_set).filter(|(_, sum)| sum.count > 0)
    }

    fn bytes(&self) -> usize {
        let by_label_set = size_of::<LabelSet>() + size_of::<OwnedKey>() + size_of::<Sum>() + 128;
        let by_minute = self.all.minutes * 2 * size_of::<(u32, u32)>();
        self.counted.len() * size_of::<Counted>() + self.label_sets.len() * by_label_set + by_minute
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            by_label_set: Vec::new(),
            ages: Histogram::new(AGE_SECONDS),
            newest: None,
            unread: Default::default(),
            ambiguous: 0,
            minutes: 0,
        }
    }
}

impl Sums {
    fn add(&mut self, call: &Counted, outcome: Outcome, age: Option<i64>) {
        let place = call.labels as usize;
        if self.by_label_set.len() <= place {
            self.by_label_set.resize_with(place + 1, Sum::default);
        }
        let sum = &mut self.by_label_set[place];
        sum.count += 1;
        match (outcome, call.duration_seconds) {
            (Outcome::Answered, Some(seconds)) => {
                let durations = sum.durations.get_or_insert_with(|| Histogram::new(DURATION_SECONDS));
                durations.observe(f64::from(seconds));
            }
            (Outcome::Failed, _) => {
                sum.seen = sum.seen.into_iter().chain(call.ended_at.map(|at| (at, at))).reduce(wider);
            }
            _ => {}
        }
        if let (Some(age), Some(ended_at)) = (age, call.ended_at) {
            self.minutes += usize::from(sum.add_minute(ended_at));
            self.ages.observe(seconds(age));
            self.newest = self.newest.max(call.ended_at);
        }
        if !call.unread.is_empty() {
            for (count, field) in self.unread.iter_mut().zip(UnreadField::ALL) {
                *count += u64::from(call.unread.has(field));
            }
            self.ambiguous += u64::from(call.unread.is_ambiguous());
        }
    }

    /// How many calls these are.
    pub fn count(&self) -> u64 {
        self.by_label_set.iter().map(|sum| sum.count).sum()
    }
}

/// The trunk as it may be shown. A name or a number of a person in its place must not become a label; the call counts all
/// the same.
fn shown_trunk<'t>(spelled: &'t str, format: &Format, only: Option<&Only>) -> &'t str {
    let is_trunk = (format.is_trunk)(spelled);
    match only {
        Some(_) if spelled.is_empty() => "",
        Some(only) if !is_trunk || !only.lets_through(spelled) => HIDDEN,
        None if !is_trunk => "",
        _ => spelled,
    }
}

impl Sum {
    /// Counts a call in its minute; whether that takes another entry. Calls of a file are nearly in order of time, so the
    /// last entry is looked at alone.
    fn add_minute(&mut self, ended_at: UnixMillis) -> bool {
        let Ok(minute) = u32::try_from(ended_at.0.div_euclid(60_000)) else { return false };
        match self.minutes.last_mut() {
            Some((last, calls)) if *last == minute => {
                *calls += 1;
                false
            }
            _ => {
                self.minutes.push((minute, 1));
                true
            }
        }
    }
}

/// The cause and codes that become labels: those of a failed call.
fn labelled<'c>(verdict: &Verdict<'c>) -> (Cow<'c, str>, CodePair) {
    let codes = verdict.codes;
    match verdict.outcome {
        Outcome::Failed if matches!(verdict.cause, Cause::Listed(_)) => (verdict.cause.name(), codes),
        Outcome::Failed => (verdict.cause.name(), codes.without_numbers()),
        _ => (Cow::Borrowed(""), CodePair::default()),
    }
}

fn label_set(
    call: &Call<'_>,
    verdict: &Verdict<'_>,
    arrival: Arrival,
    format: &Format,
    only: Option<&Only>,
    cause: Arc<str>,
    codes: CodePair,
) -> LabelSet {
    let spelled = call.trunk.read();
    let trunk = shown_trunk(&spelled, format, only).into();
    let (direction, outcome) = (call.direction, verdict.outcome);
    LabelSet { trunk, direction, outcome, arrival, cause, codes }
}

/// Milliseconds since the call ended, unless its time is wrong.
fn age(ended_at: Option<UnixMillis>, now: UnixMillis) -> Option<i64> {
    ended_at.map(|ended| now.0.saturating_sub(ended.0)).filter(|age| *age > -CLOCK_DIFFERENCE)
}

/// Milliseconds in seconds, rounded up to a part that binary numbers write exactly: sums of them are then the same in
/// whatever order calls are counted.
fn seconds(millis: i64) -> f64 {
    (millis.max(0) as f64 * 1.024).ceil() / 1024.0
}

/// The span that holds both.
pub fn wider(
    (first, last): (UnixMillis, UnixMillis),
    (from, to): (UnixMillis, UnixMillis),
) -> (UnixMillis, UnixMillis) {
    (first.min(from), last.max(to))
}
