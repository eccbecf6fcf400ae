//! The record ids that a source has seen. A record that comes again, as in overlapping exports, is a duplicate.
//!
//! In the store an id takes 16 bytes: 112 bits of it and the day on which it was last seen. Two random ids have the same
//! 112 bits once in 10^33 pairs.

mod table;

use std::collections::VecDeque;

use self::table::Table;
use crate::call::{RecordId, UnixMillis};

const DAY_BITS: u32 = 16;
/// No id was seen on it: it is only looked for.
const NO_DAY: u16 = 0;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// An id with the day on which it was seen in the lowest bits.
#[derive(Debug, Clone, Copy)]
struct Seen(u128);

impl Seen {
    fn new(id: RecordId, day: u16) -> Self {
        // The day takes the place of 16 bits; they are folded into others, so that every bit of the id counts.
        let folded = (id.0 << DAY_BITS) ^ (id.0 >> (128 - DAY_BITS) << (2 * DAY_BITS));
        Self(folded | u128::from(day))
    }

    fn id(self) -> u128 {
        self.0 >> DAY_BITS
    }

    fn day(self) -> u16 {
        let [low, high, ..] = self.to_bytes();
        u16::from_le_bytes([low, high])
    }

    fn to_bytes(self) -> [u8; SEEN_BYTES] {
        self.0.to_le_bytes()
    }

    fn from_bytes(bytes: [u8; SEEN_BYTES]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

/// A batch of this many ids is closed: it is not written again. With fewer, the next ids are added to it. With the key,
/// so many fit a page of 16 KiB; redb's pages are powers of two, and each batch has one of its own.
const BATCH_IDS: usize = 1000;

/// So many outdated ids may stay in the store, however few are remembered.
const OUTDATED_IDS: usize = 32 * BATCH_IDS;

const SEEN_BYTES: usize = size_of::<u128>();

/// A batch in the store that is not written again.
#[derive(Debug)]
struct Batch {
    number: u64,
    newest: u16,
}

/// A batch as the store is to have it: its number, and its ids unless it is to go.
pub type BatchChange = (u64, Option<Vec<u8>>);

/// The ids one source remembers, and which batches of the store hold them.
///
/// An id seen again on a later day is stored again; a batch goes when its newest id is past remembering. What is out
/// of date in the oldest batches is cleaned out, so that ids seen every day do not fill the store.
#[derive(Debug)]
pub struct Duplicates {
    seen: Table,
    /// Whether there is a store to keep them in.
    stored: bool,
    /// By rising number.
    closed: VecDeque<Batch>,
    /// The number of the open batch.
    next: u64,
    /// The ids of the open batch: the first `written` are in the store.
    open: Vec<Seen>,
    written: usize,
    /// Numbers of batches that are to go from the store.
    dropped: Vec<u64>,
}

impl Duplicates {
    /// No ids yet; `stored` if they are to be kept in a store.
    pub fn new(stored: bool) -> Self {
        Self {
            seen: Table::new(),
            stored,
            closed: VecDeque::new(),
            next: 0,
            open: Vec::new(),
            written: 0,
            dropped: Vec::new(),
        }
    }

    /// Inserts ids. Returns of each whether it was not there.
    pub fn insert_all(&mut self, ids: impl Iterator<Item = RecordId>, now: UnixMillis) -> Vec<bool> {
        self.insert_some(ids.map(|id| (id, true)), now)
    }

    /// As [`Duplicates::insert_all`], where only the ids marked so are inserted: the others are looked for.
    pub fn insert_some(&mut self, ids: impl Iterator<Item = (RecordId, bool)>, now: UnixMillis) -> Vec<bool> {
        let day = day(now);
        let seen: Vec<Seen> =
            ids.map(|(id, inserts)| Seen::new(id, if inserts { day } else { NO_DAY })).collect();
        let before = self.seen.insert_all(&seen);
        self.keep_later(seen.iter().zip(&before).map(|(seen, before)| (*seen, *before)));
        before.iter().map(Option::is_none).collect()
    }

    /// Inserts an id. Returns whether it was not there.
    pub fn insert(&mut self, id: RecordId, now: UnixMillis) -> bool {
        let seen = Seen::new(id, day(now));
        let before = self.seen.insert(seen);
        self.keep_later([(seen, before)].into_iter());
        before.is_none()
    }

    /// Keeps for the store what was seen on a later day than before.
    fn keep_later(&mut self, seen: impl Iterator<Item = (Seen, Option<u16>)>) {
        if self.stored {
            let later = seen.filter(|(seen, before)| seen.day() > before.unwrap_or(NO_DAY));
            self.open.extend(later.map(|(seen, _)| seen));
        }
    }

    /// Whether this id is remembered.
    pub fn contains(&self, id: RecordId) -> bool {
        self.seen.has(Seen::new(id, NO_DAY))
    }

    /// Forgets the ids last seen more than `days` days ago.
    pub fn forget(&mut self, days: u16, now: UnixMillis) {
        let oldest = day(now).saturating_sub(days);
        self.seen.remove_before(oldest);
        let dropped = &mut self.dropped;
        self.closed.retain(|batch| {
            let kept = batch.newest >= oldest;
            if !kept {
                dropped.push(batch.number);
            }
            kept
        });
    }

    /// How many ids are remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// What the next commit has to write.
    pub fn changes(&self) -> Vec<BatchChange> {
        let mut changes: Vec<_> = self.dropped.iter().map(|number| (*number, None)).collect();
        if self.open.len() > self.written {
            let batches = (self.next..).zip(self.open.chunks(BATCH_IDS));
            changes.extend(batches.map(|(number, ids)| (number, Some(bytes(ids)))));
        }
        changes
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.dropped.clear();
        if self.open.len() == self.written {
            return;
        }
        let rest = self.open.split_off(self.open.len() - self.open.len() % BATCH_IDS);
        for ids in std::mem::replace(&mut self.open, rest).chunks(BATCH_IDS) {
            self.close(ids);
        }
        self.written = self.open.len();
    }

    fn close(&mut self, ids: &[Seen]) {
        let newest = ids.iter().map(|seen| seen.day()).max().unwrap_or_default();
        self.closed.push_back(Batch { number: self.next, newest });
        self.next += 1;
    }

    /// Takes a batch from the store; they come by rising number.
    ///
    /// # Errors
    /// When these bytes are no batch.
    pub fn restore(&mut self, number: u64, ids: &[u8]) -> Result<(), String> {
        let ids = seen_in(ids).ok_or_else(|| format!("batch {number} is cut"))?;
        // The batch before this one had a successor: nothing is added to it any more.
        let before = std::mem::take(&mut self.open);
        if !before.is_empty() {
            self.close(&before);
        }
        for seen in &ids {
            self.seen.insert(*seen);
        }
        (self.next, self.written, self.open) = (number, ids.len(), ids);
        Ok(())
    }

    /// How many batches to clean at a commit: a third of what is stored is out of date then, so that three times as
    /// many as the commit adds keep up with it.
    pub fn cleaned_at_a_commit(&self) -> usize {
        3 * (self.open.len() - self.written).div_ceil(BATCH_IDS)
    }

    /// The oldest batch, when more than a third of the ids in the store are out of date.
    pub fn to_clean(&self) -> Option<u64> {
        let stored = self.closed.len() * BATCH_IDS;
        let oldest = self.closed.front()?;
        (stored > self.len() + self.len() / 2 + OUTDATED_IDS).then_some(oldest.number)
    }

    /// Stores again what is not out of date in the oldest batch, and lets it go.
    pub fn clean(&mut self, ids: &[u8]) {
        let stored = seen_in(ids).unwrap_or_default().into_iter();
        let current: Vec<Seen> = stored.filter(|seen| self.seen.contains(*seen)).collect();
        self.open.extend(current);
        self.dropped.extend(self.closed.pop_front().map(|batch| batch.number));
    }
}

fn bytes(ids: &[Seen]) -> Vec<u8> {
    ids.iter().flat_map(|seen| seen.to_bytes()).collect()
}

/// The ids in these bytes; `None` when the last one is cut.
fn seen_in(bytes: &[u8]) -> Option<Vec<Seen>> {
    let (ids, rest) = bytes.as_chunks::<SEEN_BYTES>();
    rest.is_empty().then(|| ids.iter().map(|id| Seen::from_bytes(*id)).collect())
}

/// The day, from 1 on, since 1970.
fn day(now: UnixMillis) -> u16 {
    u16::try_from(now.0 / MILLIS_PER_DAY).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(20_000 * MILLIS_PER_DAY);

    #[test]
    fn an_id_is_new_once() {
        let mut duplicates = Duplicates::new(false);
        let ids = [0u128, 1, 1 << 17, 1 << 111, 1 << 112, 1 << 127, u128::MAX, 0xdead_beef << 90];
        for id in ids {
            assert!(duplicates.insert(RecordId(id), NOW), "{id:x}");
        }
        for id in ids {
            assert!(duplicates.contains(RecordId(id)) && !duplicates.insert(RecordId(id), NOW), "{id:x}");
        }
        assert_eq!(duplicates.len(), ids.len());
    }

    #[test]
    fn ids_that_differ_in_a_few_bits_are_different() {
        for shift in [0, 16, 32, 48, 64, 80, 96, 112] {
            let mut duplicates = Duplicates::new(false);
            assert!(
                (0..5_000u128).all(|number| duplicates.insert(RecordId(number << shift), NOW)),
                "{shift}"
            );
        }
    }

    #[test]
    fn an_id_is_forgotten_some_days_after_its_last_sight() {
        let mut duplicates = Duplicates::new(false);
        let days = |count: i64| UnixMillis(NOW.0 + count * MILLIS_PER_DAY);
        duplicates.insert(RecordId(1), NOW);
        duplicates.insert(RecordId(2), NOW);
        duplicates.insert(RecordId(2), days(3));
        duplicates.forget(7, days(7));
        assert_eq!(duplicates.len(), 2);
        duplicates.forget(7, days(8));
        assert!(duplicates.insert(RecordId(1), days(8)) && !duplicates.insert(RecordId(2), days(8)));
    }

    /// A store of batches, as the real one would be after each commit.
    #[derive(Default)]
    struct Kept(std::collections::BTreeMap<u64, Vec<u8>>);

    impl Kept {
        /// Commits; returns how many ids it wrote.
        fn commit(&mut self, duplicates: &mut Duplicates) -> usize {
            for _ in 0..duplicates.cleaned_at_a_commit() {
                if let Some(number) = duplicates.to_clean() {
                    duplicates.clean(&self.0[&number]);
                }
            }
            let mut written = 0;
            for (number, ids) in duplicates.changes() {
                written += ids.as_ref().map_or(0, |ids| ids.len() / SEEN_BYTES);
                match ids {
                    Some(ids) => self.0.insert(number, ids),
                    None => self.0.remove(&number),
                };
            }
            duplicates.settle();
            written
        }

        fn restored(&self) -> Duplicates {
            let mut restored = Duplicates::new(true);
            for (number, ids) in &self.0 {
                restored.restore(*number, ids).unwrap();
            }
            restored
        }

        fn sizes(&self) -> Vec<usize> {
            self.0.values().map(|ids| ids.len() / SEEN_BYTES).collect()
        }
    }

    #[test]
    fn a_commit_writes_what_it_adds() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        let mut ids = (0u128..).map(|number| RecordId(number << 64));
        for (new, written, sizes) in [
            (0, 0, &[][..]),
            (3, 3, &[3]),
            (0, 0, &[3]),
            (2, 5, &[5]),
            (994, 999, &[999]),
            (2, 1001, &[1000, 1]),
            (1, 2, &[1000, 2]),
            (2998, 3000, &[1000, 1000, 1000, 1000]),
            (4, 4, &[1000, 1000, 1000, 1000, 4]),
        ] {
            for id in ids.by_ref().take(new) {
                assert!(duplicates.insert(id, NOW));
            }
            assert_eq!((kept.commit(&mut duplicates), &*kept.sizes()), (written, sizes));
            duplicates_are_restored(&duplicates, &kept);
        }
    }

    fn duplicates_are_restored(duplicates: &Duplicates, kept: &Kept) {
        let restored = kept.restored();
        assert_eq!(restored.seen.sorted(), duplicates.seen.sorted());
        assert_eq!(restored.changes(), Vec::new());
    }

    #[test]
    fn a_batch_goes_on_after_a_restart() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        for number in 0..10u128 {
            duplicates.insert(RecordId(number << 64), NOW);
            kept.commit(&mut duplicates);
            duplicates = kept.restored();
        }
        assert_eq!((kept.sizes(), duplicates.len()), (vec![10], 10));
    }

    #[test]
    fn ids_seen_every_day_do_not_fill_the_store() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        for day in 0..12 {
            let now = UnixMillis(NOW.0 + day * MILLIS_PER_DAY);
            for part in 0..25u128 {
                for number in 0..2000 {
                    let new = duplicates.insert(RecordId((part * 2000 + number) << 64), now);
                    assert_eq!(new, day == 0);
                }
                kept.commit(&mut duplicates);
            }
            duplicates.forget(7, now);
            kept.commit(&mut duplicates);
            duplicates_are_restored(&duplicates, &kept);
            let stored: usize = kept.sizes().iter().sum();
            assert!(stored <= 50_000 * 3 / 2 + OUTDATED_IDS + 4000, "day {day}: {stored}");
        }
    }

    #[test]
    fn batches_go_when_their_ids_are_forgotten() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        for number in 0..5000u128 {
            duplicates.insert(RecordId(number << 64), NOW);
        }
        kept.commit(&mut duplicates);
        duplicates.forget(7, UnixMillis(NOW.0 + 8 * MILLIS_PER_DAY));
        kept.commit(&mut duplicates);
        assert_eq!((kept.sizes(), duplicates.len()), (vec![], 0));
    }

    #[test]
    fn memory_of_forgotten_ids_is_given_back() {
        let mut duplicates = Duplicates::new(false);
        (0..20_000u128).for_each(|number| _ = duplicates.insert(RecordId(number << 64), NOW));
        let next = UnixMillis(NOW.0 + MILLIS_PER_DAY);
        (0..1_000u128).for_each(|number| _ = duplicates.insert(RecordId(number << 64), next));
        let before = duplicates.seen.bytes();
        duplicates.forget(0, next);
        assert_eq!(duplicates.len(), 1_000);
        assert!(duplicates.seen.bytes() < before / 10, "{} of {before} bytes", duplicates.seen.bytes());
        assert!((0..1_000u128).all(|number| !duplicates.insert(RecordId(number << 64), next)));
    }

    #[test]
    fn a_cut_batch_is_refused() {
        assert!(Duplicates::new(true).restore(0, &[0; 17]).is_err());
    }
}
