//! Record ids in memory: which are there, and on which day each was last seen.
//!
//! Built from hash tables that double one after another: each holds up to twice as many ids as another one. The memory
//! for an id is then about the same at any number of ids, and growing never moves more than a few hundredths of them.

use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_128;

use super::{NO_DAY, Seen};

/// How many tables there are.
const PARTS: usize = 64;

/// Each table gets the ids of some of so many ranges of hashes.
const RANGES: usize = 1024;

const KEY_BYTES: usize = 10;

/// An id as it is kept: 80 bits of its hash. Among ten million ids two are taken for one once in 10^10 times.
///
/// 12 bytes with the day, and one byte of the hash table's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Known {
    key: [u8; KEY_BYTES],
    day: [u8; 2],
}

impl Known {
    fn new(seen: Seen) -> Self {
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&xxh3_128(&seen.id().to_le_bytes()).to_le_bytes()[..KEY_BYTES]);
        Self { key, day: seen.day().to_le_bytes() }
    }

    fn day(self) -> u16 {
        u16::from_le_bytes(self.day)
    }

    /// The hash that a table places it by.
    fn hash(&self) -> u64 {
        let mut hash = [0; size_of::<u64>()];
        hash.copy_from_slice(&self.key[..size_of::<u64>()]);
        u64::from_le_bytes(hash)
    }

    /// The range of its hash, from bits that tables do not place it by: those use the lowest and the highest.
    fn range(&self) -> usize {
        usize::from(u16::from_le_bytes([self.key[5], self.key[6]])) % RANGES
    }
}

/// Ids by hash.
#[derive(Debug)]
pub struct Table {
    parts: Vec<HashTable<Known>>,
    part_of_range: [u8; RANGES],
}

impl Table {
    pub fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| HashTable::new()).collect(), part_of_range: parts_of_ranges() }
    }

    /// Inserts ids, but those of [`NO_DAY`]. Returns of each the day that was there. Those of one table follow each other: what is
    /// looked at of it then stays near the processor, which else waits for the memory most of the time.
    pub fn insert_all(&mut self, seen: &[Seen]) -> Vec<Option<u16>> {
        let mut before = vec![None; seen.len()];
        let (ids, ranges) = self.by_part(seen.iter().copied());
        for (part, range) in self.parts.iter_mut().zip(ranges) {
            for (place, known) in &ids[range] {
                before[*place as usize] = insert(part, *known);
            }
        }
        before
    }

    /// The ids, each with its place, in the order of their tables; and where those of each table stand.
    fn by_part(&self, seen: impl Iterator<Item = Seen>) -> (Vec<(u32, Known)>, [Range<usize>; PARTS]) {
        let known: Vec<Known> = seen.map(Known::new).collect();
        let mut ranges = [const { 0..0 }; PARTS];
        known.iter().for_each(|known| ranges[self.part_of(*known)].end += 1);
        let mut begin = 0;
        for range in &mut ranges {
            (range.start, range.end) = (begin, begin + range.end);
            begin = range.end;
        }
        let mut next = ranges.each_ref().map(|range| range.start);
        let mut ids = vec![(0, Known::default()); known.len()];
        for (place, known) in (0..).zip(known) {
            let next = &mut next[self.part_of(known)];
            ids[*next] = (place, known);
            *next += 1;
        }
        (ids, ranges)
    }

    fn part_of(&self, known: Known) -> usize {
        usize::from(self.part_of_range[known.range()])
    }

    /// Inserts an id, and keeps the later day if it is there. Returns the day that was there.
    pub fn insert(&mut self, seen: Seen) -> Option<u16> {
        let known = Known::new(seen);
        let part = self.part_of(known);
        insert(&mut self.parts[part], known)
    }

    /// Whether the id is there, with this very day.
    pub fn contains(&self, seen: Seen) -> bool {
        let known = Known::new(seen);
        let part = &self.parts[self.part_of(known)];
        part.find(known.hash(), |other| other.key == known.key && other.day == known.day).is_some()
    }

    /// Whether the id is there, whenever it was seen.
    pub fn has(&self, seen: Seen) -> bool {
        let known = Known::new(seen);
        has(&self.parts[self.part_of(known)], known)
    }

    /// Removes the ids last seen before this day, and gives back the memory that is not needed.
    pub fn remove_before(&mut self, day: u16) {
        for part in &mut self.parts {
            part.retain(|known| known.day() >= day);
            part.shrink_to_fit(Known::hash);
        }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(HashTable::len).sum()
    }

    #[cfg(test)]
    pub fn sorted(&self) -> Vec<Known> {
        let mut all: Vec<_> = self.parts.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// How many bytes they take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(HashTable::allocation_size).sum()
    }
}

fn insert(part: &mut HashTable<Known>, known: Known) -> Option<u16> {
    match part.entry(known.hash(), |other| other.key == known.key, Known::hash) {
        Entry::Vacant(place) => {
            if known.day() != NO_DAY {
                place.insert(known);
            }
            None
        }
        Entry::Occupied(mut place) => {
            let day = place.get().day();
            if day < known.day() {
                *place.get_mut() = known;
            }
            Some(day)
        }
    }
}

fn has(part: &HashTable<Known>, known: Known) -> bool {
    part.find(known.hash(), |other| other.key == known.key).is_some()
}

/// Which table has which range: each has a little more of them than the one before, the last twice as many as the first.
fn parts_of_ranges() -> [u8; RANGES] {
    let mut parts = [0; RANGES];
    let (mut part, mut end) = (0, 0.0);
    for (range, place) in parts.iter_mut().enumerate() {
        while range as f64 >= end {
            part += 1;
            end = RANGES as f64 * (f64::from(part) / PARTS as f64).exp2() - RANGES as f64;
        }
        *place = part - 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::call::RecordId;

    fn seen(id: u64, day: u16) -> Seen {
        Seen::new(RecordId(u128::from(id) << 64), day)
    }

    #[test]
    fn an_id_takes_about_the_same_memory_at_any_number() {
        let mut table = Table::new();
        for id in 0..400_000 {
            table.insert(seen(id, 1));
            if table.len() >= 100_000 && id % 1000 == 0 {
                let each = table.bytes() as f64 / table.len() as f64;
                assert!(each < 25.0, "{} ids: {each:.1} bytes each", table.len());
            }
        }
    }

    #[test]
    fn tables_share_the_ids_unevenly() {
        let mut shares = [0_u32; PARTS];
        parts_of_ranges().iter().for_each(|part| shares[usize::from(*part)] += 1);
        assert!(shares.iter().all(|share| (10..=23).contains(share)), "{shares:?}");
        assert!(shares[PARTS - 1] > shares[0] * 3 / 2, "{shares:?}");
    }

    proptest! {
        #[test]
        fn knows_what_was_inserted(
            inserts in proptest::collection::vec((0_u64..3_000, 1_u16..4), 0..4_000),
            oldest in 1_u16..4,
        ) {
            let (mut table, mut truth) = (Table::new(), HashMap::<u64, u16>::new());
            for (id, day) in inserts {
                prop_assert_eq!(table.insert(seen(id, day)), truth.get(&id).copied());
                truth.entry(id).and_modify(|latest| *latest = day.max(*latest)).or_insert(day);
            }
            prop_assert_eq!(table.len(), truth.len());
            table.remove_before(oldest);
            truth.retain(|_, day| *day >= oldest);
            prop_assert_eq!(table.len(), truth.len());
            for (id, day) in truth {
                prop_assert!(table.contains(seen(id, day)) && !table.contains(seen(id, day + 1)));
            }
        }
    }
}
