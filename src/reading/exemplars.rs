//! The newest failed call of each label set, by its correlation id: the way from a spike to one of its calls. The id is
//! read of no other call, so it costs the usual one nothing.

use std::collections::BTreeMap;

use crate::call::{Exemplar, Guid, UnixMillis};

/// Those of a batch, by the place of their label set.
#[derive(Debug, Default)]
pub struct Exemplars {
    by_label_set: BTreeMap<u32, Newest>,
    /// Label sets whose newest call's id has yet to be read.
    unread: Vec<u32>,
}

#[derive(Debug, Default)]
struct Newest {
    /// End, and offset of the record in the text, of the newest call, until its id is read.
    unread: Option<(UnixMillis, u64)>,
    known: Option<Exemplar>,
}

impl Exemplars {
    /// A call of this label set failed.
    pub fn note(&mut self, labels: u32, ended_at: UnixMillis, position: u64) {
        let newest = self.by_label_set.entry(labels).or_default();
        if newest.unread.is_none_or(|(last, _)| last <= ended_at)
            && newest.known.is_none_or(|known| known.ended_at <= ended_at)
        {
            if newest.unread.is_none() {
                self.unread.push(labels);
            }
            newest.unread = Some((ended_at, position));
        }
    }

    /// Reads the ids of those that were noted since; a call without one leaves the place to the one before.
    pub fn read(&mut self, mut id_at: impl FnMut(u64) -> Option<Guid>) {
        for labels in self.unread.drain(..) {
            let Some(newest) = self.by_label_set.get_mut(&labels) else { continue };
            let Some((ended_at, position)) = newest.unread.take() else { continue };
            if let Some(correlation_id) = id_at(position) {
                newest.known = Some(Exemplar { correlation_id, ended_at });
            }
        }
    }

    /// That of a label set.
    pub fn of(&self, labels: usize) -> Option<Exemplar> {
        self.by_label_set.get(&u32::try_from(labels).ok()?)?.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_call_that_has_an_id_is_kept() {
        let mut exemplars = Exemplars::default();
        let read = |exemplars: &mut Exemplars| {
            // Those at odd offsets have none.
            exemplars.read(|position| (position % 2 == 0).then_some(Guid(position.into())));
            exemplars.of(7).map(|exemplar| (exemplar.correlation_id.0, exemplar.ended_at.0))
        };
        for (ended_at, position) in [(5, 10), (9, 20), (8, 30)] {
            exemplars.note(7, UnixMillis(ended_at), position);
        }
        assert_eq!((read(&mut exemplars), exemplars.of(8)), (Some((20, 9)), None));
        exemplars.note(7, UnixMillis(7), 40);
        assert_eq!(read(&mut exemplars), Some((20, 9)), "an older one");
        exemplars.note(7, UnixMillis(10), 41);
        assert_eq!(read(&mut exemplars), Some((20, 9)), "one without an id");
        exemplars.note(7, UnixMillis(10), 42);
        assert_eq!(read(&mut exemplars), Some((42, 10)));
    }
}
