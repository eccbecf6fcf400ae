//! The record ids that a source has seen, so that a record that comes again in an overlapping export is known.
//!
//! 16 bytes an id: 112 bits of it and the day on which it was last seen. Two random ids have the same 112 bits once in
//! 10^33 pairs.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

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
        xxh3_64(&self.id().to_le_bytes())
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
    fn ids_that_differ_in_one_place_only_spread() {
        for shift in [0, 16, 32, 48, 64, 80, 96, 112] {
            let place = |number: u128| Seen::new(RecordId(number << shift), 0).hash() & 0x3fff;
            let places: std::collections::HashSet<u64> = (0..10_000).map(place).collect();
            assert!(places.len() > 5_000, "bits from {shift}: {} places", places.len());
        }
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
