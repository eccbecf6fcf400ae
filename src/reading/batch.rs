//! What a stretch of one file came to: calls, classified and folded into counts for each label set, and what was no call.
//!
//! A batch owns what it holds and knows no ledger. Whoever wants to know what was read reads batches.

use std::num::NonZero;
use std::sync::Arc;

use super::calls::{Added, Attempted, Calls};
use super::content::Records;
use super::exemplars::Exemplars;
use super::found::Found;
use super::listing::{Listed, Listing, newest};
use super::origins::Origins;
use super::{HowRead, mask};
use crate::call::{Call, Exemplar, Guid, Outcome, Reason, UnixMillis};
use crate::classify::Catalogue;
use crate::format::trunk::Only;

/// A batch that holds this much is handed over: memory is bounded however short records are.
pub const FULL_BYTES: usize = 8 * 1024 * 1024;

/// So many attempts fill one, too: they are put among those that wait while the processor's cache still has them.
const FULL_ATTEMPTS: usize = 4 * 1024;

/// How many rejected records of a file are kept for people to look at, where they are not written down.
const REJECTED_KEPT: u64 = 3;

/// What reading needs to know beside the file.
#[derive(Debug, Clone)]
pub struct Context {
    pub catalogue: Arc<Catalogue>,
    pub now: UnixMillis,
    /// Whether the source remembers record ids: each call is then kept by itself, until the ledger knows whether it is new.
    pub remembers: bool,
    /// Whether rejected records are written down: each is then kept.
    pub keeps_rejected: bool,
    /// The trunks that may be shown; without it, all that their format lets through.
    pub trunks: Option<Arc<Only>>,
    /// Whether the newest failed call of each label set is kept by its correlation id.
    pub keeps_exemplars: bool,
    /// Whether it is noted where Microsoft codes come from.
    pub notes_origins: bool,
    /// Whether what stands in families of its own is counted too: durations, setup times, ages, kinds and countries.
    pub keeps_families: bool,
    /// Which calls are listed one by one; `None`: none.
    pub listing: Option<Arc<Listing>>,
}

#[cfg(test)]
impl Context {
    /// Of a source that remembers no ids and keeps nothing but counts.
    pub fn of_counts(now: UnixMillis) -> Self {
        Self {
            catalogue: Catalogue::built_in(),
            now,
            remembers: false,
            keeps_rejected: false,
            trunks: None,
            keeps_exemplars: false,
            notes_origins: false,
            keeps_families: true,
            listing: None,
        }
    }
}

/// What a stretch of one file came to.
#[derive(Debug, Default)]
pub struct Batch {
    /// When it was begun: the age of its calls is as of then.
    pub now: Option<UnixMillis>,
    /// The format of the records.
    pub format: Option<&'static str>,
    /// Bytes taken from the disk.
    pub read_bytes: u64,
    pub records: Records,
    pub calls: Calls,
    /// Of failed calls, where they are kept.
    pub exemplars: Exemplars,
    /// Records that are not the whole of their call; among [`Records::calls`], and not in `calls`.
    pub attempts: Vec<Attempted>,
    /// Failed ones whose correlation id has yet to be read: their place, and the position of their record.
    attempts_without_id: Vec<(usize, u64)>,
    /// How many records were rejected for each reason, in the order of [`Reason::ALL`].
    pub rejected_by_reason: [u64; Reason::ALL.len()],
    /// What those records are that its format ignores, if there are any to tell of.
    pub ignored_are: Option<&'static str>,
    /// Those that are to be written down, or the first few of the file.
    pub rejected: Vec<Rejected>,
    /// How much memory those take.
    rejected_bytes: usize,
    /// Where Microsoft codes come from, if that is asked for.
    pub origins: Origins,
    /// Calls one by one, as far as they are asked for.
    pub listed: Vec<Listed>,
    /// Attempts one by one, of which one decides its call.
    pub listed_attempts: Vec<Listed>,
    /// What people should hear of the file.
    pub remarks: Vec<String>,
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
    /// What is left of it.
    pub masked: String,
}

impl Batch {
    /// Adds what was found in a text. `so_far` are the records of the file, these included.
    pub fn add(&mut self, found: &Found<'_>, how: HowRead, so_far: &Records, context: &Context) {
        // Whenever the rest of it is read: what is taken away from it later must be as old as it was.
        let now = *self.now.get_or_insert(context.now);
        self.format = Some(how.format.name);
        self.records.add(found);
        match found {
            Found::Calls { calls, positions } => {
                self.calls.follow(how.format, context.trunks.as_ref());
                for (place, call) in calls.iter().enumerate() {
                    let added = self.calls.add(call, how, now, context);
                    if let (Some(listing), Some(position)) = (&context.listing, positions.get(place)) {
                        self.list(call, &added, *position, (listing, &context.catalogue));
                    }
                    if context.notes_origins {
                        self.note_origin(call, &added);
                    }
                    match added {
                        Added::Counted(labels) if context.keeps_exemplars => {
                            self.note_failed(call, labels, positions.get(place));
                        }
                        Added::Counted(_) => {}
                        Added::Attempt(attempted) => {
                            self.note_attempt(attempted, positions.get(place), context)
                        }
                    }
                }
            }
            Found::Rejected { reason, position, text, bytes } => {
                self.rejected_by_reason[*reason as usize] += 1;
                if context.keeps_rejected || so_far.rejected <= REJECTED_KEPT {
                    let masked = mask::masked(text, how.format, context.trunks.as_deref());
                    self.rejected_bytes += size_of::<Rejected>() + masked.len();
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

    fn note_origin(&mut self, call: &Call<'_>, added: &Added) {
        let labels = match added {
            Added::Counted(place) => &self.calls.label_sets[*place as usize],
            Added::Attempt(attempted) => &attempted.labels,
        };
        self.origins.note(labels, call.codes.microsoft);
    }

    fn note_attempt(&mut self, attempted: Attempted, position: Option<&u64>, context: &Context) {
        if let Some(position) = position
            && context.keeps_exemplars
            && attempted.labels.outcome == Outcome::Failed
        {
            self.attempts_without_id.push((self.attempts.len(), *position));
        }
        self.attempts.push(attempted);
    }

    /// Reads the ids of the failed attempts that were noted since.
    pub(super) fn read_ids_of_attempts(&mut self, id_at: impl Fn(u64) -> Option<Guid>) {
        for (place, position) in self.attempts_without_id.drain(..) {
            self.attempts[place].correlation_id = id_at(position).and_then(|id| NonZero::new(id.0));
        }
    }

    fn note_failed(&mut self, call: &Call<'_>, labels: u32, position: Option<&u64>) {
        if self.calls.label_sets[labels as usize].outcome == Outcome::Failed
            && let (Some(ended_at), Some(position)) = (call.ended_at, position)
        {
            self.exemplars.note(labels, ended_at, *position);
        }
    }

    #[cold]
    fn list(
        &mut self,
        call: &Call<'_>,
        added: &Added,
        position: u64,
        (listing, catalogue): (&Listing, &Catalogue),
    ) {
        // Asked for again only of what is listed: labels of calls that did not fail have no codes.
        let listed = |labels| Listed::of(call, labels, catalogue.classify(call).codes, position);
        match added {
            Added::Counted(place) => {
                let labels = &self.calls.label_sets[*place as usize];
                if (listing.is_meant)(labels, call.ended_at) {
                    self.listed.push(listed(labels));
                }
                if self.listed.len() > listing.limit.saturating_mul(2) {
                    newest(&mut self.listed, listing.limit, |call| call);
                }
            }
            Added::Attempt(attempted) => {
                self.listed_attempts.push(listed(&attempted.labels));
            }
        }
    }

    /// Calls of which all attempts are known, each by the one that decided it. Their ids are not kept.
    pub fn of_attempts<'a>(
        attempts: impl IntoIterator<Item = &'a Attempted>,
        keeps_families: bool,
        now: UnixMillis,
    ) -> Self {
        let mut batch = Self { now: Some(now), ..Self::default() };
        batch.calls.keep_families(keeps_families);
        for attempted in attempts {
            batch.records.calls += 1;
            let labels = batch.calls.add_decided(attempted, now);
            if let (Some(id), Some(ended_at)) = (attempted.correlation_id, attempted.ended_at) {
                let correlation_id = Guid(id.get());
                batch.exemplars.know(labels, Exemplar { correlation_id, ended_at, value: 1.0 });
            }
        }
        batch
    }

    /// The one behind it in the same text, if it is full: then there is more.
    pub fn successor(&mut self) -> Option<Self> {
        self.is_full().then(|| self.following())
    }

    /// An empty one that goes on with the label sets of this, which so need not be made again.
    pub fn following(&mut self) -> Self {
        let attempts = Vec::with_capacity(self.attempts.len() + self.attempts.len() / 8);
        Self { calls: self.calls.successor(), attempts, ..Self::default() }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.now.is_none() && self.read_bytes == 0
    }

    /// Whether it is to be handed over before more is added.
    pub fn is_full(&self) -> bool {
        self.bytes() >= FULL_BYTES || self.attempts.len() >= FULL_ATTEMPTS || self.calls.are_full()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let attempts = self.attempts.len() * (size_of::<Attempted>() + 64);
        self.calls.bytes() + attempts + self.rejected_bytes
    }
}
