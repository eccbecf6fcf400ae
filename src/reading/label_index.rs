//! Finds the label set of a call among those that calls of the same text had. Each call is looked up, so most are found with one
//! look at the name of their trunk.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::hash_map::EntryRef;
use hashbrown::{Equivalent, HashMap};

use super::labels::{LabelSet, label_set, labelled, owned_cause};
use crate::call::{Arrival, Call, CodePair, Direction, Outcome};
use crate::classify::Verdict;
use crate::format::Format;
use crate::format::trunk::Only;

/// Beyond so many, label sets are made anew for each batch: what stands where a trunk should be is then most likely none.
const MOST_HANDED_ON: usize = 8 * 1024;

/// About how many bytes the texts of a label set take, and the spare room of what finds it.
const TEXTS: usize = 256;

/// Label sets by what calls say.
#[derive(Debug, Default)]
pub struct LabelIndex {
    /// What decides how a trunk may be shown: the format, and the trunks that the operator named.
    shown_by: Option<(&'static Format, Option<Arc<Only>>)>,
    /// As records spell it.
    trunks: HashMap<Vec<u8>, OfTrunk>,
    failures: HashMap<Failure<Arc<str>>, Known>,
    /// How many batches came before this one.
    batch: u32,
    /// How many label sets and trunks were new in this batch.
    new_label_sets: usize,
    new_trunks: usize,
}

/// What is known of a trunk.
#[derive(Debug)]
struct OfTrunk {
    number: u32,
    /// The label sets that say no more than the trunk, direction, outcome and arrival of a call; see [`place`].
    plain: [Option<Known>; PLAIN],
}

const PLAIN: usize = 2 * 3 * Outcome::ALL.len();

/// The place of a label set among the plain ones. Those that a text is likely to have lie side by side.
fn place(direction: Direction, outcome: Outcome, arrival: Arrival) -> usize {
    (arrival as usize * 3 + direction as usize) * Outcome::ALL.len() + outcome as usize
}

/// A label set that calls of the text had.
#[derive(Debug)]
struct Known {
    labels: Arc<LabelSet>,
    /// The last batch that has it, and its place there.
    batch: u32,
    place: u32,
}

/// What the label set of a failed call is found by; its cause is owned in the index, and borrowed to look up there.
#[derive(Debug, PartialEq, Eq)]
struct Failure<Cause> {
    /// Its number.
    trunk: u32,
    direction: Direction,
    arrival: Arrival,
    cause: Cause,
    codes: CodePair,
}

impl<Cause: Hash> Hash for Failure<Cause> {
    /// In few steps. Codes tell causes apart, where there are any.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { trunk, direction, arrival, cause, codes } = self;
        let small = [*direction as u16, *arrival as u16, codes.sip.unwrap_or_default()];
        state.write_u64(
            small.into_iter().fold(u64::from(*trunk), |packed, value| packed << 16 | u64::from(value)),
        );
        match codes.microsoft {
            Some(microsoft) => state.write_u64(microsoft),
            None => cause.hash(state),
        }
    }
}

impl Equivalent<Failure<Arc<str>>> for Failure<&str> {
    fn equivalent(&self, key: &Failure<Arc<str>>) -> bool {
        (self.trunk, self.direction, self.arrival, self.codes)
            == (key.trunk, key.direction, key.arrival, key.codes)
            && is_same_cause(self.cause, &key.cause)
    }
}

/// The text of a listed cause is the catalogue's own, and lies where it lay before: it need not be read.
fn is_same_cause(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one.len() == other.len() && one == other
}

/// Where the label set of a call is.
#[derive(Debug)]
pub enum InBatch {
    /// At this place in the batch.
    At(u32),
    /// Not yet in the batch: it is to be put at the place that was told.
    New(Arc<LabelSet>),
}

impl LabelIndex {
    /// Calls of this format follow: what trunks are shown as under another, or under another config, is forgotten.
    pub fn follow(&mut self, format: &'static Format, only: Option<&Arc<Only>>) {
        let is_same = |(known, before): &(&'static Format, Option<Arc<Only>>)| {
            std::ptr::eq(*known, format) && before.as_ref().map(Arc::as_ptr) == only.map(Arc::as_ptr)
        };
        if !self.shown_by.as_ref().is_some_and(is_same) {
            self.trunks.clear();
            self.failures.clear();
            self.shown_by = Some((format, only.cloned()));
        }
    }

    /// Finds the label set of a call, whose trunk is shown as format and operator say. One that the batch has not yet will stand at `next`.
    pub fn find(
        &mut self,
        call: &Call<'_>,
        verdict: &Verdict<'_>,
        arrival: Arrival,
        (format, only): (&Format, Option<&Only>),
        next: u32,
    ) -> InBatch {
        let Self { trunks, failures, batch, new_label_sets, new_trunks, .. } = self;
        let (trunk, direction) = (&*call.trunk.0, call.direction);
        let (cause, codes) = labelled(verdict);
        let mut make = |cause: Arc<str>| {
            *new_label_sets += 1;
            let labels = label_set(call, verdict, arrival, format, only, cause, codes);
            Known { labels: Arc::new(labels), batch: batch.wrapping_sub(1), place: next }
        };
        let number = u32::try_from(trunks.len()).unwrap_or(u32::MAX);
        let of_trunk = trunks.entry_ref(trunk).or_insert_with(|| {
            *new_trunks += 1;
            OfTrunk { number, plain: [const { None }; PLAIN] }
        });
        let known = if verdict.outcome == Outcome::Failed {
            let trunk = of_trunk.number;
            match failures.entry_ref(&Failure { trunk, direction, arrival, cause: &*cause, codes }) {
                EntryRef::Occupied(known) => known.into_mut(),
                EntryRef::Vacant(none) => {
                    let cause = owned_cause(verdict, &cause);
                    let known = make(Arc::clone(&cause));
                    none.insert_with_key(Failure { trunk, direction, arrival, cause, codes }, known)
                }
            }
        } else {
            let plain = &mut of_trunk.plain[place(direction, verdict.outcome, arrival)];
            plain.get_or_insert_with(|| make(owned_cause(verdict, &cause)))
        };
        if known.batch == *batch {
            return InBatch::At(known.place);
        }
        (known.batch, known.place) = (*batch, next);
        InBatch::New(Arc::clone(&known.labels))
    }

    /// That of the next batch of the same text, in which the same label sets are likely.
    pub fn successor(&mut self) -> Self {
        let mut index = std::mem::take(self);
        if index.trunks.len() + index.failures.len() > MOST_HANDED_ON {
            index = Self::default();
        }
        Self { batch: index.batch.wrapping_add(1), new_label_sets: 0, new_trunks: 0, ..index }
    }

    /// About how much memory it takes that no batch before this one took.
    pub fn bytes(&self) -> usize {
        let label_set = size_of::<LabelSet>() + size_of::<(Failure<Arc<str>>, Known)>() + TEXTS;
        self.new_label_sets * label_set + self.new_trunks * size_of::<OfTrunk>()
    }
}
