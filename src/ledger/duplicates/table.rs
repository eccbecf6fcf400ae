//! Ids in memory, for looking up many at once: an id stands at the place that its hash names or soon behind it, so that
//! one piece of memory is read for each, and all of them are on their way before the first is needed.

use super::Seen;

/// In how many parts the ids are held, so that growing moves little at a time, within the caches.
const PARTS: usize = 256;

/// The places of the smallest part that has any.
const LEAST: usize = 4;

/// Ids by hash.
#[derive(Debug)]
pub struct Table(Vec<Part>);

/// Ids whose hashes begin alike.
#[derive(Debug, Default, Clone)]
struct Part {
    /// As many as a power of two, a quarter of them free at the least, or none at all.
    places: Vec<Seen>,
    taken: usize,
}

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
        Self(vec![Part::default(); PARTS])
    }

    /// Where an id belongs. Most are random or hashes already; two products make each bit count for others.
    pub fn hash(seen: Seen) -> Hash {
        let halves = [0, 64].map(|shift| (seen.id() >> shift) & u128::from(u64::MAX));
        let folded = |product: u128| (product ^ product >> 64) & u128::from(u64::MAX);
        let mixed = folded((halves[0] ^ 0x9e37_79b9_7f4a_7c15) * (halves[1] ^ 0xd1b5_4a32_d192_ed03));
        Hash(u64::try_from(folded(mixed * 0x8cb9_2ba7_2f3d_8dd7)).unwrap_or_default())
    }

    /// What stands where an id with this hash belongs: reading it brings it into the caches.
    pub fn touch(&self, hash: Hash) -> u128 {
        let part = &self.0[hash.part()];
        part.places.get(hash.place(part.places.len())).map_or(0, |seen| seen.0)
    }

    /// Takes an id, with the later day.
    pub fn take(&mut self, seen: Seen, hash: Hash) -> Known {
        let part = &mut self.0[hash.part()];
        if (part.taken + 1) * 4 > part.places.len() * 3 {
            part.resize((2 * part.places.len()).max(LEAST));
        }
        let place = part.place_of(seen, hash);
        let there = &mut part.places[place];
        let known = match there.day() {
            0 => Known::No,
            day if seen.day() > day => Known::Earlier,
            _ => Known::Yes,
        };
        if known != Known::Yes {
            *there = seen;
        }
        part.taken += usize::from(known == Known::No);
        known
    }

    /// Whether the id is there, with this very day.
    pub fn holds(&self, seen: Seen) -> bool {
        let hash = Self::hash(seen);
        let part = &self.0[hash.part()];
        !part.places.is_empty() && part.places[part.place_of(seen, hash)].0 == seen.0
    }

    /// Forgets all but those that are `kept`.
    pub fn retain(&mut self, kept: impl Fn(Seen) -> bool) {
        for part in &mut self.0 {
            let forgotten = part.ids().filter(|seen| !kept(*seen)).count();
            if forgotten > 0 {
                part.places.iter_mut().filter(|seen| !kept(**seen)).for_each(|seen| *seen = Seen::NONE);
                part.taken -= forgotten;
                // Those behind the forgotten ones may move to better places, too.
                part.resize(if part.taken == 0 { 0 } else { (2 * part.taken).next_power_of_two() });
            }
        }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.taken).sum()
    }

    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = Seen> {
        self.0.iter().flat_map(Part::ids)
    }
}

impl Hash {
    fn part(self) -> usize {
        usize::from(self.0.to_be_bytes()[0])
    }

    /// Of so many places, a power of two or zero.
    pub fn place(self, places: usize) -> usize {
        usize::try_from(self.0 & places.wrapping_sub(1) as u64).unwrap_or_default()
    }
}

impl Part {
    fn ids(&self) -> impl Iterator<Item = Seen> {
        self.places.iter().copied().filter(|seen| seen.day() > 0)
    }

    /// Where the id stands, or the free place where it would.
    fn place_of(&self, seen: Seen, hash: Hash) -> usize {
        let mut place = hash.place(self.places.len());
        while let there = self.places[place]
            && there.day() > 0
            && there.id() != seen.id()
        {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Makes so many places, more than there are ids, or none.
    fn resize(&mut self, places: usize) {
        let before = std::mem::replace(&mut self.places, vec![Seen::NONE; places]);
        for seen in before.into_iter().filter(|seen| seen.day() > 0) {
            let place = self.place_of(seen, Table::hash(seen));
            self.places[place] = seen;
        }
    }
}
