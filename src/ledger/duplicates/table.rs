//! Ids in memory, for looking up many at once: where one belongs is one line of the processor's caches, and all of those
//! are on their way before the first is needed.
//!
//! The places are memory of their own rather than the allocator's, so that the kernel may be asked for large pages: an id
//! belongs anywhere, and with pages of 4 KiB nearly each one costs a search for its page too.

use std::alloc::{Layout, handle_alloc_error};

use memmap2::MmapMut;

use super::{SEEN_BYTES, Seen};

/// In how many parts the ids are held, so that growing moves a sixteenth at a time.
const PARTS: usize = 16;

/// How many ids a line of the processor's caches holds.
const LINE: usize = 64 / SEEN_BYTES;

/// A page of 4 KiB: what the least part takes.
const FEWEST_PLACES: usize = 4096 / SEEN_BYTES;

/// From this size on memory comes in large pages.
const LARGE_PAGE: usize = 2 * 1024 * 1024;

/// Ids by hash.
#[derive(Debug)]
pub struct Table([Part; PARTS]);

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
        Self(std::array::from_fn(|_| Part::default()))
    }

    /// Where an id belongs. Most are random or hashes already; two products make each bit count for others.
    pub fn hash(seen: Seen) -> Hash {
        let halves = [0, 64].map(|shift| (seen.id() >> shift) & u128::from(u64::MAX));
        let folded = |product: u128| (product ^ product >> 64) & u128::from(u64::MAX);
        let mixed = folded((halves[0] ^ 0x9e37_79b9_7f4a_7c15) * (halves[1] ^ 0xd1b5_4a32_d192_ed03));
        Hash(u64::try_from(folded(mixed * 0x8cb9_2ba7_2f3d_8dd7)).unwrap_or_default())
    }

    /// Looks where an id with this hash belongs, which brings that into the caches; what is there means nothing.
    pub fn touch(&self, hash: Hash) -> u8 {
        let places = self.0[hash.part()].places();
        places.get(hash.place(places.len())).map_or(0, |[first, ..]| *first)
    }

    /// Makes room for so many more ids at once, rather than growing again and again; not where there is no memory for it.
    pub fn reserve(&mut self, more: usize) {
        for part in &mut self.0 {
            let count = part.count + more / PARTS;
            if count > part.room()
                && let Some(memory) = memory(places_for(count))
            {
                part.move_to(memory);
            }
        }
    }

    /// Takes an id, with the later day.
    pub fn take(&mut self, seen: Seen, hash: Hash) -> Known {
        let part = &mut self.0[hash.part()];
        part.make_room(part.count + 1);
        let place = part.find(seen, hash);
        let place = &mut part.places_mut()[place];
        let there = Seen::from_bytes(*place);
        if there.is_none() {
            *place = seen.to_bytes();
            part.count += 1;
            return Known::No;
        }
        if seen.day() <= there.day() {
            return Known::Yes;
        }
        *place = seen.to_bytes();
        Known::Earlier
    }

    /// Whether the id is there, with this very day.
    pub fn holds(&self, seen: Seen) -> bool {
        let hash = Self::hash(seen);
        let part = &self.0[hash.part()];
        part.count > 0 && part.places()[part.find(seen, hash)] == seen.to_bytes()
    }

    /// Forgets all but those that are `kept`, and gives back most of the room that is not needed.
    pub fn retain(&mut self, kept: impl Fn(Seen) -> bool) {
        for part in &mut self.0 {
            let left = part.iter().filter(|seen| kept(*seen)).count();
            if left < part.count || places_for(left) < part.places().len() / 2 {
                let mut smaller = Part::default();
                smaller.make_room(left);
                part.iter().filter(|seen| kept(*seen)).for_each(|seen| smaller.put(seen));
                *part = smaller;
            }
        }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.count).sum()
    }

    /// For how many ids there is room.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.0.iter().map(Part::room).sum()
    }

    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = Seen> {
        self.0.iter().flat_map(Part::iter)
    }
}

impl Hash {
    /// The first of a line, of so many places: a power of two, or none.
    fn place(self, places: usize) -> usize {
        let lines = (places / LINE) as u64;
        usize::try_from(self.0 >> 4 & lines.wrapping_sub(1)).unwrap_or_default() * LINE
    }

    #[cfg(test)]
    pub fn part_and_place(self, places: usize) -> (usize, usize) {
        (self.part(), self.place(places))
    }

    /// By bits that a part does not place its ids by.
    fn part(self) -> usize {
        usize::try_from(self.0 % PARTS as u64).unwrap_or_default()
    }
}

/// Some of the ids, each in the first place that was free from where it belongs on, round and round.
#[derive(Debug, Default)]
struct Part {
    /// As many as a power of two, of [`SEEN_BYTES`] each; `None` before the first id.
    memory: Option<MmapMut>,
    count: usize,
}

impl Part {
    fn places(&self) -> &[[u8; SEEN_BYTES]] {
        self.memory.as_ref().map_or(&[], |memory| memory.as_chunks().0)
    }

    fn places_mut(&mut self) -> &mut [[u8; SEEN_BYTES]] {
        self.memory.as_mut().map_or(&mut [], |memory| memory.as_chunks_mut().0)
    }

    /// For how many ids there is room: with more, looking for a free place would take long.
    fn room(&self) -> usize {
        self.places().len() / 4 * 3
    }

    /// Makes room for so many ids in all.
    fn make_room(&mut self, count: usize) {
        if count > self.room() {
            self.grow(count);
        }
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        let places = places_for(count);
        match memory(places) {
            Some(memory) => self.move_to(memory),
            // As the allocator does, when it has no more.
            None => handle_alloc_error(Layout::array::<u128>(places).unwrap_or(Layout::new::<u128>())),
        }
    }

    fn move_to(&mut self, memory: MmapMut) {
        let before = std::mem::replace(self, Self { memory: Some(memory), count: 0 });
        before.iter().for_each(|seen| self.put(seen));
    }

    /// Puts an id in that is not there; there is room.
    fn put(&mut self, seen: Seen) {
        let place = self.find(seen, Table::hash(seen));
        self.places_mut()[place] = seen.to_bytes();
        self.count += 1;
    }

    /// The place where this id is, or else the free one where it belongs. There is a free one.
    fn find(&self, seen: Seen, hash: Hash) -> usize {
        let places = self.places();
        let mut place = hash.place(places.len());
        loop {
            let there = Seen::from_bytes(places[place]);
            if there.is_none() || there.id() == seen.id() {
                return place;
            }
            place = (place + 1) & (places.len() - 1);
        }
    }

    fn iter(&self) -> impl Iterator<Item = Seen> {
        self.places().iter().map(|place| Seen::from_bytes(*place)).filter(|seen| !seen.is_none())
    }
}

/// How many places a part has for so many ids.
fn places_for(count: usize) -> usize {
    (count.div_ceil(3) * 4).next_power_of_two().max(FEWEST_PLACES)
}

/// So many free places, if there is memory for them.
fn memory(places: usize) -> Option<MmapMut> {
    let bytes = places.checked_mul(SEEN_BYTES)?;
    let memory = MmapMut::map_anon(bytes).ok()?;
    #[cfg(target_os = "linux")]
    if bytes >= LARGE_PAGE {
        // Where there are no large pages, small ones hold the same.
        let _ = memory.advise(memmap2::Advice::HugePage);
    }
    Some(memory)
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

    /// Ids that belong into the last line of the first part, as long as that is at its smallest.
    fn at_the_end() -> impl Iterator<Item = u64> {
        let last = (0, FEWEST_PLACES - LINE);
        (0..).filter(move |id| Table::hash(seen(*id, 0)).part_and_place(FEWEST_PLACES) == last)
    }

    #[test]
    fn behind_the_last_place_comes_the_first() {
        let ids: Vec<u64> = at_the_end().take(3 * LINE).collect();
        let mut table = Table::new();
        let take = |table: &mut Table, id| table.take(seen(id, 1), Table::hash(seen(id, 1)));
        assert!(ids.iter().all(|id| take(&mut table, *id) == Known::No));
        assert!(ids.iter().all(|id| take(&mut table, *id) == Known::Yes));
        assert!(table.0[0].places()[..LINE].iter().all(|place| !Seen::from_bytes(*place).is_none()));
        let gone = seen(ids[0], 1).id();
        table.retain(|seen| seen.id() != gone);
        assert_eq!(ids.iter().filter(|id| table.holds(seen(**id, 1))).count(), ids.len() - 1);
    }

    #[test]
    fn room_that_there_is_no_memory_for_is_not_made() {
        let mut table = Table::new();
        table.take(seen(1, 1), Table::hash(seen(1, 1)));
        let room = table.room();
        table.reserve(1 << 50);
        assert_eq!((table.room(), table.holds(seen(1, 1))), (room, true));
    }

    proptest! {
        #[test]
        fn knows_what_it_took(
            takes in proptest::collection::vec((0_u64..3_000, 1_u16..4), 0..4_000),
            reserved in 0..20_000_usize,
            oldest in 1_u128..4,
        ) {
            let (mut table, mut truth) = (Table::new(), HashMap::new());
            for (number, (id, day)) in takes.iter().enumerate() {
                if number == takes.len() / 2 {
                    table.reserve(reserved);
                }
                let known = match truth.get(id) {
                    None => Known::No,
                    Some(earlier) if day > earlier => Known::Earlier,
                    Some(_) => Known::Yes,
                };
                let latest = truth.entry(*id).or_insert(*day);
                *latest = *day.max(latest);
                let taken = seen(*id, *day);
                prop_assert_eq!(table.take(taken, Table::hash(taken)), known);
            }
            prop_assert_eq!(table.len(), truth.len());
            table.retain(|seen| seen.day() >= oldest);
            truth.retain(|_, day| u128::from(*day) >= oldest);
            prop_assert_eq!((table.len(), table.iter().count()), (truth.len(), truth.len()));
            for (id, day) in truth {
                prop_assert!(table.holds(seen(id, day)) && !table.holds(seen(id, day + 1)));
            }
        }
    }
}
