//! The newest failed call of each label set, and the newest call of each bucket of the histograms, by their correlation
//! ids: the way from a spike to one of its calls. The id is read of few calls, so it costs the usual one nothing.

use super::Batch;
use super::found::Found;
use super::sums::Observed;
use crate::call::{Exemplar, Guid, UnixMillis};

/// While text is read at full speed, every other call is the newest of some bucket. Of each piece of text, so many ids are
/// read for buckets: those of the buckets whose known calls are the oldest. What a live file grows by has fewer.
const BUCKETS_OF_A_TEXT: usize = 32;

/// What a call is the newest of: its series of failures, or a bucket of a histogram of its route or source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Failure { labels: u32 },
    Setup { route: u32, bucket: usize },
    Duration { route: u32, bucket: usize },
    Age { bucket: usize },
}

/// A call that is to be an exemplar, until its id is read.
#[derive(Debug, Clone, Copy)]
pub struct Noted {
    pub ended_at: UnixMillis,
    /// Offset of the record in the text.
    pub position: u64,
    /// As in [`Exemplar`].
    pub value: f64,
}

/// Those of a batch.
#[derive(Debug, Default)]
pub struct Exemplars {
    /// By the place of their label set.
    failures: Vec<Newest>,
    /// By the place of their route.
    setups: Vec<Vec<Newest>>,
    durations: Vec<Vec<Newest>>,
    ages: Vec<Newest>,
    /// Places whose newest call's id has yet to be read.
    unread_failures: Vec<Place>,
    unread_buckets: Vec<Place>,
}

#[derive(Debug, Clone, Default)]
struct Newest {
    unread: Option<Noted>,
    known: Option<Exemplar>,
}

impl Exemplars {
    /// A call of this label set failed.
    pub fn note(&mut self, labels: u32, ended_at: UnixMillis, position: u64) {
        self.note_at(Place::Failure { labels }, Noted { ended_at, position, value: 1.0 });
    }

    /// A call of this label set failed, whose id is known.
    pub fn know(&mut self, labels: u32, exemplar: Exemplar) {
        let newest = self.at(Place::Failure { labels });
        newest.known = exemplar.newer_than(newest.known);
    }

    /// A call came into these buckets.
    fn note_buckets(&mut self, route: u32, observed: &Observed, ended_at: UnixMillis, position: u64) {
        let places = [
            observed.duration.map(|(bucket, value)| (Place::Duration { route, bucket }, value)),
            observed.setup.map(|(bucket, value)| (Place::Setup { route, bucket }, value)),
            observed.age.map(|(bucket, value)| (Place::Age { bucket }, value)),
        ];
        for (place, value) in places.into_iter().flatten() {
            self.note_at(place, Noted { ended_at, position, value });
        }
    }

    /// A call came that may be shown there.
    pub fn note_at(&mut self, place: Place, noted: Noted) {
        let newest = self.at(place);
        if newest.unread.is_none_or(|last| last.ended_at <= noted.ended_at)
            && newest.known.is_none_or(|known| known.ended_at <= noted.ended_at)
        {
            let was_unread = newest.unread.replace(noted).is_some();
            match place {
                _ if was_unread => {}
                Place::Failure { .. } => self.unread_failures.push(place),
                _ => self.unread_buckets.push(place),
            }
        }
    }

    fn at(&mut self, place: Place) -> &mut Newest {
        match place {
            Place::Failure { labels } => room(&mut self.failures, labels as usize),
            Place::Setup { route, bucket } => room(room(&mut self.setups, route as usize), bucket),
            Place::Duration { route, bucket } => room(room(&mut self.durations, route as usize), bucket),
            Place::Age { bucket } => room(&mut self.ages, bucket),
        }
    }

    /// Reads the ids of those that were noted since; a call without one leaves the place to the one before.
    pub fn read(&mut self, mut id_at: impl FnMut(u64) -> Option<Guid>) {
        let mut buckets = std::mem::take(&mut self.unread_buckets);
        if buckets.len() > BUCKETS_OF_A_TEXT {
            let known = |place: &Place| self.at(*place).known.map(|known| known.ended_at);
            buckets.select_nth_unstable_by_key(BUCKETS_OF_A_TEXT, known);
            buckets.drain(BUCKETS_OF_A_TEXT..).for_each(|place| self.at(place).unread = None);
        }
        for place in self.unread_failures.drain(..).chain(buckets).collect::<Vec<_>>() {
            let newest = self.at(place);
            let Some(Noted { ended_at, position, value }) = newest.unread.take() else { continue };
            if let Some(correlation_id) = id_at(position) {
                newest.known = Some(Exemplar { correlation_id, ended_at, value });
            }
        }
    }

    /// That of the failures of a label set.
    pub fn failure(&self, labels: usize) -> Option<Exemplar> {
        self.failures.get(labels)?.known
    }

    /// Those of the setup times of a route, bucket by bucket.
    pub fn setups(&self, route: u32) -> impl Iterator<Item = Option<Exemplar>> {
        self.setups.get(route as usize).into_iter().flatten().map(|newest| newest.known)
    }

    /// Those of the durations of a route, bucket by bucket.
    pub fn durations(&self, route: u32) -> impl Iterator<Item = Option<Exemplar>> {
        self.durations.get(route as usize).into_iter().flatten().map(|newest| newest.known)
    }

    /// Those of the ages, bucket by bucket.
    pub fn ages(&self) -> impl Iterator<Item = Option<Exemplar>> {
        self.ages.iter().map(|newest| newest.known)
    }
}

impl Batch {
    /// The calls that were just added may be exemplars of their buckets.
    pub(super) fn note_buckets(&mut self, found: &Found<'_>) {
        let mut observed = std::mem::take(&mut self.calls.observed);
        if let Found::Calls { calls, positions } = found
            && calls.len() == observed.len()
        {
            for ((call, position), observed) in calls.iter().zip(*positions).zip(&observed) {
                let (Some(ended_at), Some((route, observed))) = (call.ended_at, observed) else { continue };
                self.exemplars.note_buckets(*route, observed, ended_at, *position);
            }
        }
        observed.clear();
        self.calls.observed = observed;
    }
}

fn room<T: Default>(of: &mut Vec<T>, place: usize) -> &mut T {
    if of.len() <= place {
        of.resize_with(place + 1, T::default);
    }
    &mut of[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(ended_at: i64, position: u64) -> Noted {
        Noted { ended_at: UnixMillis(ended_at), position, value: 1.0 }
    }

    /// Those at odd offsets have no id.
    fn id_at(position: u64) -> Option<Guid> {
        position.is_multiple_of(2).then_some(Guid(position.into()))
    }

    #[test]
    fn the_newest_call_that_has_an_id_is_kept() {
        let mut exemplars = Exemplars::default();
        let place = Place::Failure { labels: 7 };
        let read = |exemplars: &mut Exemplars| {
            exemplars.read(id_at);
            exemplars.failure(7).map(|exemplar| (exemplar.correlation_id.0, exemplar.ended_at.0))
        };
        for (ended_at, position) in [(5, 10), (9, 20), (8, 30)] {
            exemplars.note_at(place, noted(ended_at, position));
        }
        assert_eq!((read(&mut exemplars), exemplars.failure(8)), (Some((20, 9)), None));
        exemplars.note_at(place, noted(7, 40));
        assert_eq!(read(&mut exemplars), Some((20, 9)), "an older one");
        exemplars.note_at(place, noted(10, 41));
        assert_eq!(read(&mut exemplars), Some((20, 9)), "one without an id");
        exemplars.note_at(place, noted(10, 42));
        assert_eq!(read(&mut exemplars), Some((42, 10)));
    }

    #[test]
    fn each_text_costs_so_many_ids_and_no_bucket_is_left_behind() {
        let mut exemplars = Exemplars::default();
        let all = || (0..4).flat_map(|route| (0..12).map(move |bucket| Place::Duration { route, bucket }));
        for text in 1..=2 {
            all().for_each(|place| exemplars.note_at(place, noted(text, 10)));
            let mut reads = 0;
            exemplars.read(|position| {
                reads += 1;
                id_at(position)
            });
            assert_eq!(reads, BUCKETS_OF_A_TEXT);
        }
        assert!((0..4).all(|route| exemplars.durations(route).filter(Option::is_some).count() == 12));
        exemplars.note_at(Place::Age { bucket: 2 }, noted(9, 8));
        exemplars.read(id_at);
        assert_eq!(
            exemplars.ages().map(|known| known.map(|it| it.ended_at.0)).collect::<Vec<_>>(),
            [None, None, Some(9)]
        );
    }
}
