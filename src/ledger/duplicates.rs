//! The record ids that a source has seen, so that a record that comes again in an overlapping export is known.
//!
//! 16 bytes an id, in the store, and in memory with the places that are free: 112 bits of it and the day on which it was
//! last seen. Two random ids have the same 112 bits once in 10^33 pairs.

mod table;

use std::collections::VecDeque;
use std::hint::black_box;

use self::table::{Known, Table};
use crate::call::{RecordId, UnixMillis};

const DAY_BITS: u32 = 16;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// An id with the day of its last sight in the lowest bits.
#[derive(Debug, Clone, Copy)]
struct Seen(u128);

impl Seen {
    /// None at all: every other one has a day.
    const NONE: Self = Self(0);

    fn new(id: RecordId, day: u16) -> Self {
        // The bits that the day takes the place of are folded into others, so that every bit of the id counts.
        let folded = (id.0 << DAY_BITS) ^ (id.0 >> (128 - DAY_BITS) << (2 * DAY_BITS));
        Self(folded | u128::from(day))
    }

    fn id(self) -> u128 {
        self.0 >> DAY_BITS
    }

    fn day(self) -> u128 {
        self.0 & u128::from(u16::MAX)
    }

    fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    fn to_bytes(self) -> [u8; SEEN_BYTES] {
        self.0.to_le_bytes()
    }

    fn from_bytes(bytes: [u8; SEEN_BYTES]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

/// How many ids are looked up at once: enough that waiting for memory overlaps.
const AT_ONCE: usize = 64;

/// A batch of this many ids is closed: it is not written again. With fewer, the next ids are added to it. So many leave
/// room for their key in a page of 16 KiB; redb's pages are powers of two, and a batch has one of its own.
const BATCH_IDS: usize = 1000;

/// So many ids may be stored in vain, however few are remembered.
const IDS_IN_VAIN: usize = 32 * BATCH_IDS;

/// Room is made ahead for no more than so many ids in all, 32 MiB: the size of a file may mislead, and a large table takes
/// long to move at once.
const MOST_AHEAD: usize = 1 << 20;

/// Nor is it made for more than so many times the ids that are there.
const MOST_TIMES: usize = 64;

const SEEN_BYTES: usize = size_of::<u128>();

/// A batch in the store that is not written again.
#[derive(Debug)]
struct Batch {
    number: u64,
    newest: u128,
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

    /// Makes room for about so many new ids, if they are not too many.
    pub fn expect(&mut self, ids: usize) {
        let ids = ids.min(MOST_AHEAD.saturating_sub(self.len()));
        if ids <= MOST_TIMES * self.len() {
            self.seen.reserve(ids);
        }
    }

    /// Which of these ids are new, each in its place; from now on they are not.
    pub fn are_new(&mut self, ids: impl ExactSizeIterator<Item = RecordId>, now: UnixMillis) -> Vec<bool> {
        let day = day(now);
        let mut new = Vec::with_capacity(ids.len());
        let mut ids = ids.peekable();
        let mut places = [(Seen::NONE, Table::hash(Seen::NONE)); AT_ONCE];
        while ids.peek().is_some() {
            let mut count = 0;
            for (place, id) in places.iter_mut().zip(ids.by_ref()) {
                let seen = Seen::new(id, day);
                *place = (seen, Table::hash(seen));
                count += 1;
            }
            let places = &places[..count];
            // Nothing is made of what is read here; all of it is asked of the memory before any of it is waited for.
            black_box(places.iter().fold(0, |any, (_, hash)| any | self.seen.touch(*hash)));
            for (seen, hash) in places {
                let known = self.seen.take(*seen, *hash);
                if known != Known::Yes && self.stored {
                    self.open.push(*seen);
                }
                new.push(known == Known::No);
            }
        }
        new
    }

    /// Forgets the ids last seen more than `days` days ago.
    pub fn forget(&mut self, days: u16, now: UnixMillis) {
        let oldest = u128::from(day(now).saturating_sub(days));
        self.seen.retain(|seen| seen.day() >= oldest);
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
            self.seen.take(*seen, Table::hash(*seen));
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
        (stored > self.len() + self.len() / 2 + IDS_IN_VAIN).then_some(oldest.number)
    }

    /// Stores again what is not out of date in the oldest batch, and lets it go.
    pub fn clean(&mut self, ids: &[u8]) {
        let stored = seen_in(ids).unwrap_or_default().into_iter();
        let current: Vec<Seen> = stored.filter(|seen| self.seen.holds(*seen)).collect();
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

    impl Duplicates {
        fn is_new(&mut self, id: RecordId, now: UnixMillis) -> bool {
            self.are_new([id].into_iter(), now) == [true]
        }
    }

    const NOW: UnixMillis = UnixMillis(20_000 * MILLIS_PER_DAY);

    #[test]
    fn an_id_is_new_once() {
        let mut duplicates = Duplicates::new(false);
        let ids = [0u128, 1, 1 << 17, 1 << 111, 1 << 112, 1 << 127, u128::MAX, 0xdead_beef << 90];
        for id in ids {
            assert!(duplicates.is_new(RecordId(id), NOW), "{id:x}");
        }
        for id in ids {
            assert!(!duplicates.is_new(RecordId(id), NOW), "{id:x}");
        }
        assert_eq!(duplicates.len(), ids.len());
    }

    #[test]
    fn ids_that_differ_in_one_place_only_spread() {
        for shift in [0, 16, 32, 48, 64, 80, 96, 112] {
            let place =
                |number: u128| Table::hash(Seen::new(RecordId(number << shift), 0)).part_and_place(0x1000);
            let places: std::collections::HashSet<(usize, usize)> = (0..10_000).map(place).collect();
            assert!(places.len() > 5_000, "bits from {shift}: {} places", places.len());
        }
    }

    #[test]
    fn an_id_is_forgotten_some_days_after_its_last_sight() {
        let mut duplicates = Duplicates::new(false);
        let days = |count: i64| UnixMillis(NOW.0 + count * MILLIS_PER_DAY);
        duplicates.is_new(RecordId(1), NOW);
        duplicates.is_new(RecordId(2), NOW);
        duplicates.is_new(RecordId(2), days(3));
        duplicates.forget(7, days(7));
        assert_eq!(duplicates.len(), 2);
        duplicates.forget(7, days(8));
        assert!(duplicates.is_new(RecordId(1), days(8)) && !duplicates.is_new(RecordId(2), days(8)));
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

    fn sorted(duplicates: &Duplicates) -> Vec<u128> {
        let mut ids: Vec<u128> = duplicates.seen.iter().map(|seen| seen.0).collect();
        ids.sort_unstable();
        ids
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
                assert!(duplicates.is_new(id, NOW));
            }
            assert_eq!((kept.commit(&mut duplicates), &*kept.sizes()), (written, sizes));
            duplicates_are_restored(&duplicates, &kept);
        }
    }

    fn duplicates_are_restored(duplicates: &Duplicates, kept: &Kept) {
        let restored = kept.restored();
        assert_eq!(sorted(&restored), sorted(duplicates));
        assert_eq!(restored.changes(), Vec::new());
    }

    #[test]
    fn a_batch_goes_on_after_a_restart() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        for number in 0..10u128 {
            duplicates.is_new(RecordId(number << 64), NOW);
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
                    let new = duplicates.is_new(RecordId((part * 2000 + number) << 64), now);
                    assert_eq!(new, day == 0);
                }
                kept.commit(&mut duplicates);
            }
            duplicates.forget(7, now);
            kept.commit(&mut duplicates);
            duplicates_are_restored(&duplicates, &kept);
            let stored: usize = kept.sizes().iter().sum();
            assert!(stored <= 50_000 * 3 / 2 + IDS_IN_VAIN + 4000, "day {day}: {stored}");
        }
    }

    #[test]
    fn batches_go_when_their_ids_are_forgotten() {
        let (mut duplicates, mut kept) = (Duplicates::new(true), Kept::default());
        for number in 0..5000u128 {
            duplicates.is_new(RecordId(number << 64), NOW);
        }
        kept.commit(&mut duplicates);
        duplicates.forget(7, UnixMillis(NOW.0 + 8 * MILLIS_PER_DAY));
        kept.commit(&mut duplicates);
        assert_eq!((kept.sizes(), duplicates.len()), (vec![], 0));
    }

    #[test]
    fn room_is_made_ahead_within_bounds() {
        let mut duplicates = Duplicates::new(false);
        let mut ids = (0u128..).map(|number| RecordId(number << 64));
        for (known, room) in [
            (0, 0..1),
            (1_000, 1_000..8_000),
            (MOST_AHEAD / MOST_TIMES, MOST_AHEAD..3 * MOST_AHEAD),
            (MOST_AHEAD + 1_000, MOST_AHEAD..3 * MOST_AHEAD),
        ] {
            while duplicates.len() < known {
                duplicates.is_new(ids.next().unwrap(), NOW);
            }
            duplicates.expect(usize::MAX);
            assert!(room.contains(&duplicates.seen.room()), "{known}: {}", duplicates.seen.room());
        }
        assert_eq!(duplicates.len(), MOST_AHEAD + 1_000);
    }

    #[test]
    fn room_that_is_not_needed_is_given_back() {
        let mut duplicates = Duplicates::new(false);
        for number in 0..20_000u128 {
            duplicates.is_new(RecordId(number << 64), NOW);
        }
        duplicates.expect(usize::MAX);
        assert!(duplicates.seen.room() >= MOST_AHEAD);
        duplicates.forget(7, NOW);
        assert!((20_000..100_000).contains(&duplicates.seen.room()), "{}", duplicates.seen.room());
        assert!((0..20_000u128).all(|number| !duplicates.is_new(RecordId(number << 64), NOW)));
    }

    #[test]
    fn a_cut_batch_is_refused() {
        assert!(Duplicates::new(true).restore(0, &[0; 17]).is_err());
    }
}
