//! The record ids that a source has seen, so that a record that comes again in an overlapping export is known.
//!
//! 16 bytes an id: 112 bits of it and the day on which it was last seen. Two random ids have the same 112 bits once in
//! 10^33 pairs.

use hashbrown::HashTable;

use crate::call::{RecordId, UnixMillis};

const DAY_BITS: u32 = 16;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// An id with the day of its last sight in the lowest bits.
#[derive(Debug, Clone, Copy)]
struct Seen(u128);

impl Seen {
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

    fn hash(self) -> u64 {
        // The ids are hashes or random GUIDs already; one multiplication spreads what a GUID's fixed bits leave.
        let [_, _, a, b, c, d, e, f, g, h, bytes @ ..] = self.0.to_be_bytes();
        let upper = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let [i, j, k, l, ..] = bytes;
        (upper ^ u64::from(u32::from_be_bytes([i, j, k, l]))).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The ids one source remembers.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: HashTable<Seen>,
}

impl Duplicates {
    /// Whether this id is new; from now on it is not.
    pub fn is_new(&mut self, id: RecordId, now: UnixMillis) -> bool {
        let seen = Seen::new(id, day(now));
        let entry = self.seen.entry(seen.hash(), |other| other.id() == seen.id(), |other| other.hash());
        match entry {
            hashbrown::hash_table::Entry::Occupied(mut known) => {
                *known.get_mut() = seen;
                false
            }
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(seen);
                true
            }
        }
    }

    /// Forgets the ids last seen more than `days` days ago.
    pub fn forget(&mut self, days: u16, now: UnixMillis) {
        let oldest = u128::from(day(now).saturating_sub(days));
        self.seen.retain(|seen| seen.day() >= oldest);
        if self.seen.len() < self.seen.capacity() / 4 {
            self.seen.shrink_to_fit(|seen| seen.hash());
        }
    }

    /// How many ids are remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }
}

fn day(now: UnixMillis) -> u16 {
    u16::try_from(now.0 / MILLIS_PER_DAY).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(20_000 * MILLIS_PER_DAY);

    #[test]
    fn an_id_is_new_once() {
        let mut duplicates = Duplicates::default();
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
    fn an_id_is_forgotten_some_days_after_its_last_sight() {
        let mut duplicates = Duplicates::default();
        let days = |count: i64| UnixMillis(NOW.0 + count * MILLIS_PER_DAY);
        duplicates.is_new(RecordId(1), NOW);
        duplicates.is_new(RecordId(2), NOW);
        duplicates.is_new(RecordId(2), days(3));
        duplicates.forget(7, days(7));
        assert_eq!(duplicates.len(), 2);
        duplicates.forget(7, days(8));
        assert!(duplicates.is_new(RecordId(1), days(8)) && !duplicates.is_new(RecordId(2), days(8)));
    }
}
