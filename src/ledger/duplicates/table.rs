//! Ids in memory, for looking up many at once: what tells most ids apart is a byte of each in one small piece of memory,
//! and all those pieces are on their way before the first is needed.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Seen;

/// In how many parts the ids are held, so that growing moves little at a time, within the caches.
const PARTS: usize = 256;

/// Ids by hash.
#[derive(Debug)]
pub struct Table(Vec<HashTable<Seen>>);

/// Where an id belongs.
#[derive(Debug, Clone, Copy)]
pub struct Hash(u64);

/// What was there of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    No,
    /// Its last sight was on an earlier day.
    Earlier,
    Yes,
}

impl Table {
    pub fn new() -> Self {
        Self((0..PARTS).map(|_| HashTable::new()).collect())
    }

    /// Where an id belongs. Most are random or hashes already; two products make each bit count for others.
    pub fn hash(seen: Seen) -> Hash {
        let halves = [0, 64].map(|shift| (seen.id() >> shift) & u128::from(u64::MAX));
        let folded = |product: u128| (product ^ product >> 64) & u128::from(u64::MAX);
        let mixed = folded((halves[0] ^ 0x9e37_79b9_7f4a_7c15) * (halves[1] ^ 0xd1b5_4a32_d192_ed03));
        Hash(u64::try_from(folded(mixed * 0x8cb9_2ba7_2f3d_8dd7)).unwrap_or_default())
    }

    /// Looks where an id with this hash belongs, which brings that into the caches; always `false`.
    pub fn touch(&self, hash: Hash) -> bool {
        self.0[hash.part()].find(hash.0, |_| false).is_some()
    }

    /// Makes room for so many more ids at once, rather than growing again and again.
    pub fn reserve(&mut self, more: usize) {
        for part in &mut self.0 {
            part.reserve(more / PARTS, |there| Self::hash(*there).0);
        }
    }

    /// Takes an id, with the later day.
    pub fn take(&mut self, seen: Seen, hash: Hash) -> Known {
        let rehash = |there: &Seen| Self::hash(*there).0;
        match self.0[hash.part()].entry(hash.0, |there| there.id() == seen.id(), rehash) {
            Entry::Vacant(free) => {
                free.insert(seen);
                Known::No
            }
            Entry::Occupied(mut there) if seen.day() > there.get().day() => {
                *there.get_mut() = seen;
                Known::Earlier
            }
            Entry::Occupied(_) => Known::Yes,
        }
    }

    /// Whether the id is there, with this very day.
    pub fn holds(&self, seen: Seen) -> bool {
        let hash = Self::hash(seen);
        self.0[hash.part()].find(hash.0, |there| there.0 == seen.0).is_some()
    }

    /// Forgets all but those that are `kept`.
    pub fn retain(&mut self, kept: impl Fn(Seen) -> bool) {
        for part in &mut self.0 {
            part.retain(|seen| kept(*seen));
            part.shrink_to(part.len(), |there| Self::hash(*there).0);
        }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(HashTable::len).sum()
    }

    /// For how many ids there is room.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.0.iter().map(HashTable::capacity).sum()
    }

    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = Seen> {
        self.0.iter().flatten().copied()
    }
}

impl Hash {
    /// Of so many places, a power of two.
    #[cfg(test)]
    pub fn place(self, places: u64) -> u64 {
        self.0 & (places - 1)
    }

    /// By bits that a part does not place its ids by: those are the lowest, as many as it has places for, and the
    /// seven highest.
    fn part(self) -> usize {
        usize::try_from(self.0 >> 40).unwrap_or_default() % PARTS
    }
}
