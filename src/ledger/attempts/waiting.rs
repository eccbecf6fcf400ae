//! The calls of one source that wait: found by their ids, and in the order in which they began to.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::call::{RecordId, UnixMillis};
use crate::reading::calls::Attempted;

/// A call by the attempt that decides it, as far as is known.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub since: UnixMillis,
    pub attempted: Attempted,
}

/// Each call once. Every unanswered call of a file that is caught up with goes through here: it takes little more memory than its
/// attempt.
#[derive(Debug, Default)]
pub struct Queue {
    /// `None` in the place of those that were taken from their midst.
    calls: VecDeque<Option<Waiting>>,
    /// They are numbered as they come: the number of the first of them, and of the next that comes. After the last number comes 0.
    first: u32,
    next: u32,
    numbers: HashTable<Numbered>,
    hasher: DefaultHashBuilder,
}

/// The number of a call, and a part of the hash of its id, so that growing asks for no call.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    number: u32,
    hash: u32,
}

impl Numbered {
    fn new(hasher: &DefaultHashBuilder, id: RecordId, number: u32) -> Self {
        Self { number, hash: (hasher.hash_one(id) >> 32) as u32 }
    }

    /// What a table places it by: the lowest bits and the highest.
    fn hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl Queue {
    /// How many calls wait.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many places they take, with those of calls that were taken.
    pub fn places(&self) -> usize {
        self.calls.len()
    }

    /// What has the first place: a call, or nothing any more.
    pub fn front(&self) -> Option<Option<&Waiting>> {
        self.calls.front().map(Option::as_ref)
    }

    pub fn get(&self, id: RecordId) -> Option<&Waiting> {
        let known = self.numbers.find(self.numbered(id, 0).hash(), is(&self.calls, self.first, id))?;
        self.calls.get(place(self.first, known.number))?.as_ref()
    }

    /// The call, if it waits; else this one, which waits from now on: then `None`.
    pub fn get_or_push(&mut self, id: RecordId, waiting: impl FnOnce() -> Waiting) -> Option<&mut Waiting> {
        let new = self.numbered(id, self.next);
        match self.numbers.entry(new.hash(), is(&self.calls, self.first, id), Numbered::hash) {
            Entry::Occupied(known) => self.calls.get_mut(place(self.first, known.get().number))?.as_mut(),
            Entry::Vacant(vacant) => {
                vacant.insert(new);
                self.calls.push_back(Some(waiting()));
                self.next = self.next.wrapping_add(1);
                None
            }
        }
    }

    /// Takes what has the first place.
    pub fn pop_front(&mut self) -> Option<Waiting> {
        let first = self.calls.pop_front()?;
        let number = self.first;
        self.first = number.wrapping_add(1);
        if let Some(call) = &first {
            self.forget(call.attempted.id, number);
        }
        first
    }

    /// Takes a call out of their midst; whether it was there.
    pub fn remove(&mut self, id: RecordId) -> bool {
        let hash = self.numbered(id, 0).hash();
        let Ok(known) = self.numbers.find_entry(hash, is(&self.calls, self.first, id)) else { return false };
        let (Numbered { number, .. }, _) = known.remove();
        let was_there = self.calls.get_mut(place(self.first, number)).and_then(Option::take).is_some();
        // Attempts of a call mostly follow each other: the place of the last call is then free for the next.
        if self.calls.pop_back_if(|last| last.is_none()).is_some() {
            self.next = self.next.wrapping_sub(1);
        }
        was_there
    }

    /// Takes the calls that are meant.
    pub fn take_if(&mut self, is_meant: impl Fn(&Waiting) -> bool) -> Vec<Attempted> {
        let calls = self.calls.iter_mut().filter_map(|call| call.take_if(|call| is_meant(call)));
        let taken: Vec<_> = calls.map(|call| call.attempted).collect();
        if !taken.is_empty() {
            self.close_ranks();
        }
        taken
    }

    /// Gives back the places of calls that were taken.
    pub fn close_ranks(&mut self) {
        self.calls.retain(Option::is_some);
        self.number();
    }

    /// Puts them in the order in which they began to wait.
    pub fn sort(&mut self) {
        self.calls.make_contiguous().sort_unstable_by_key(|call| call.as_ref().map(|call| call.since));
        self.number();
    }

    fn number(&mut self) {
        let Self { calls, first, next, numbers, hasher } = self;
        numbers.clear();
        *next = *first;
        for call in calls {
            if let Some(call) = call {
                let new = Numbered::new(hasher, call.attempted.id, *next);
                numbers.insert_unique(new.hash(), new, Numbered::hash);
            }
            *next = next.wrapping_add(1);
        }
    }

    fn forget(&mut self, id: RecordId, number: u32) {
        let hash = self.numbered(id, number).hash();
        if let Ok(known) = self.numbers.find_entry(hash, |known| known.number == number) {
            known.remove();
        }
    }

    fn numbered(&self, id: RecordId, number: u32) -> Numbered {
        Numbered::new(&self.hasher, id, number)
    }
}

/// Whether what has a number is the call of this id.
fn is(calls: &VecDeque<Option<Waiting>>, first: u32, id: RecordId) -> impl Fn(&Numbered) -> bool {
    let at = move |number| calls.get(place(first, number))?.as_ref();
    move |known| at(known.number).is_some_and(|call: &Waiting| call.attempted.id == id)
}

/// The place of a number, by that of the first.
fn place(first: u32, number: u32) -> usize {
    number.wrapping_sub(first) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::call::{Arrival, Attempt, CodePair, Direction, Outcome, Unread};
    use crate::reading::labels::LabelSet;

    fn waiting(id: u128, since: i64) -> Waiting {
        let labels = Arc::new(LabelSet {
            trunk: "".into(),
            direction: Direction::Inbound,
            outcome: Outcome::Failed,
            arrival: Arrival::Live,
            cause: "".into(),
            codes: CodePair::default(),
        });
        let (id, attempt, unread) = (RecordId(id), Attempt::Branch, Unread::NONE);
        let (ended_at, duration_seconds, correlation_id) = (None, None, None);
        let attempted = Attempted { id, attempt, labels, ended_at, duration_seconds, correlation_id, unread };
        Waiting { since: UnixMillis(since), attempted }
    }

    proptest! {
        #[test]
        fn a_queue_is_a_map_that_knows_its_order(steps in prop::collection::vec((0..6_u8, 0..12_u128), 0..200), first: u32) {
            let mut queue = Queue { first, next: first, ..Queue::default() };
            let mut map = BTreeMap::new();
            for (now, (step, id)) in (0..).zip(steps) {
                match step {
                    0..=2 => {
                        let known = queue.get_or_push(RecordId(id), || waiting(id, now)).map(|it| it.since.0);
                        prop_assert_eq!(known, map.get(&id).copied());
                        map.entry(id).or_insert(now);
                    }
                    3 => prop_assert_eq!(queue.remove(RecordId(id)), map.remove(&id).is_some()),
                    4 => {
                        let first = map.iter().min_by_key(|(_, since)| **since).map(|(id, since)| (*id, *since));
                        while queue.front().is_some_and(|first| first.is_none()) {
                            prop_assert!(queue.pop_front().is_none());
                        }
                        prop_assert_eq!(queue.pop_front().map(|it| (it.attempted.id.0, it.since.0)), first);
                        first.map(|(id, _)| map.remove(&id));
                    }
                    _ => {
                        let taken = queue.take_if(|it| it.attempted.id.0 == id).len();
                        prop_assert_eq!(taken, map.remove(&id).iter().count());
                    }
                }
                prop_assert_eq!((queue.len(), queue.is_empty()), (map.len(), map.is_empty()));
                for id in 0..12 {
                    prop_assert_eq!(queue.get(RecordId(id)).map(|it| it.since.0), map.get(&id).copied());
                }
            }
        }
    }
}
