//! Seconds by route, as the calls of a batch bring them. Each observation is counted in one place, which tells its classic bucket
//! and its native one: with hundreds of trunks, what counting costs is memory, and so it touches little of that.

use super::histogram::{Histogram, bucket_of};
use super::native;

/// Seconds are observed in whole 1,024ths: binary numbers write them exactly, so sums are the same in whatever order calls come.
pub const TICKS_PER_SECOND: u64 = 1024;

/// So many places a route has: one for 0, and one for each native bucket between the least and the largest number of seconds that
/// are observed, with one more for each classic bound between them.
const PLACES: usize = 272;

/// What a route takes, in bytes.
pub const BYTES_OF_A_ROUTE: usize = PLACES * size_of::<u32>() + size_of::<u64>();

/// Observations of one histogram, by the place of their route.
#[derive(Debug, Clone)]
pub struct Observations {
    /// Upper bounds of the classic buckets, inclusive, rising.
    bounds: &'static [f64],
    /// The native bucket of the least observation above 0.
    least: i32,
    /// [`PLACES`] of each route.
    counts: Vec<u32>,
    /// Of each route, in ticks.
    sums: Vec<u64>,
}

impl Observations {
    /// None yet, over these bounds. Nothing between 0 and `least_ticks` is observed, and nothing above 2^32 seconds, or above 2^22
    /// if the least is a tick.
    pub fn new(bounds: &'static [f64], least_ticks: u64) -> Self {
        let least = native::bucket(seconds_of(least_ticks));
        Self { bounds, least, counts: Vec::new(), sums: Vec::new() }
    }

    /// Counts one. Says in which classic bucket, and how many seconds that are.
    #[inline]
    pub fn observe(&mut self, route: u32, ticks: u64) -> (usize, f64) {
        let seconds = seconds_of(ticks);
        let bucket = bucket_of(self.bounds, seconds);
        let place = if ticks == 0 { 0 } else { self.place(seconds, bucket) };
        let route = route as usize;
        if route >= self.sums.len() {
            self.make_room(route);
        }
        self.sums[route] += ticks;
        self.counts[route * PLACES..][..PLACES][place] += 1;
        (bucket, seconds)
    }

    #[cold]
    fn make_room(&mut self, route: usize) {
        self.sums.resize(route + 1, 0);
        self.counts.resize(self.sums.len() * PLACES, 0);
    }

    /// The place of a number of seconds in this classic bucket. Between two native buckets lie so many places more as there are
    /// classic bounds, so no two pairs of buckets have the same.
    #[inline]
    fn place(&self, seconds: f64, bucket: usize) -> usize {
        usize::try_from(native::bucket(seconds) - self.least).unwrap_or_default() + 1 + bucket
    }

    /// Whether the route has any.
    pub fn has(&self, route: u32) -> bool {
        self.counts_of(route).iter().any(|count| *count > 0)
    }

    fn counts_of(&self, route: u32) -> &[u32] {
        let begin = route as usize * PLACES;
        self.counts.get(begin..begin + PLACES).unwrap_or_default()
    }

    /// Takes away observations that are among these.
    pub fn subtract(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(own, other)| *own -= other);
        self.sums.iter_mut().zip(&other.sums).for_each(|(own, other)| *own -= other);
    }

    /// Adds those of a route to a histogram over the same bounds.
    pub fn add_to(&self, route: u32, histogram: &mut Histogram) {
        debug_assert_eq!(self.bounds, histogram.bounds);
        let mut bucket = 0;
        let counts = self.counts_of(route).iter().enumerate();
        for (place, count) in counts.filter(|(_, count)| **count > 0) {
            // A bound is the last place of its bucket.
            while self.bounds.get(bucket).is_some_and(|bound| place > self.place(*bound, bucket)) {
                bucket += 1;
            }
            let count = u64::from(*count);
            histogram.buckets[bucket] += count;
            match i32::try_from(place).unwrap_or_default() {
                0 => histogram.native.zero += count,
                place => {
                    let before = 1 + i32::try_from(bucket).unwrap_or_default();
                    *histogram.native.at(place - before + self.least) += count;
                }
            }
        }
        histogram.sum += self.sums.get(route as usize).map_or(0.0, |ticks| seconds_of(*ticks));
    }
}

/// Ticks in seconds.
pub fn seconds_of(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reading::sums::{DURATION_SECONDS, SETUP_SECONDS, ticks};

    /// Each observation by itself, in a histogram that counts both kinds of buckets.
    fn one_by_one(bounds: &'static [f64], all: impl Iterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new(bounds);
        all.for_each(|ticks| _ = histogram.observe(seconds_of(ticks)));
        histogram
    }

    /// The same numbers, whatever room there is beside them.
    fn assert_same(one: &Histogram, other: &Histogram) {
        let native = |histogram: &Histogram| {
            let counts = (histogram.native.first..).zip(&histogram.native.counts);
            counts.filter(|(_, count)| **count > 0).map(|(at, count)| (at, *count)).collect::<Vec<_>>()
        };
        assert_eq!((&one.buckets, one.sum, one.native.zero), (&other.buckets, other.sum, other.native.zero));
        assert_eq!(native(one), native(other));
    }

    #[test]
    fn the_largest_numbers_have_a_place() {
        for (bounds, least, largest) in [
            (DURATION_SECONDS, TICKS_PER_SECOND, u64::from(u32::MAX) * TICKS_PER_SECOND),
            (SETUP_SECONDS, 1, ticks(u32::MAX.into())),
        ] {
            let mut observations = Observations::new(bounds, least);
            let mut histogram = Histogram::new(bounds);
            let all = [0, least, largest, largest];
            all.iter().for_each(|ticks| _ = observations.observe(3, *ticks));
            observations.add_to(3, &mut histogram);
            assert_same(&histogram, &one_by_one(bounds, all.into_iter()));
            assert!(observations.has(3) && !observations.has(2) && !observations.has(4));
        }
    }

    proptest! {
        #[test]
        fn observations_are_those_of_a_histogram(
            millis in prop::collection::vec((0_u32..3, prop_oneof![0_u32..130_000, any::<u32>()], any::<bool>()), 0..60),
        ) {
            let (mut all, mut again) = (Observations::new(SETUP_SECONDS, 1), Observations::new(SETUP_SECONDS, 1));
            for (route, millis, is_again) in &millis {
                let observed = all.observe(*route, ticks(i64::from(*millis)));
                if *is_again {
                    prop_assert_eq!(again.observe(*route, ticks(i64::from(*millis))), observed);
                }
            }
            all.subtract(&again);
            for route in 0..3 {
                let of_route = millis.iter().filter(|(at, _, is_again)| *at == route && !is_again);
                let mut histogram = Histogram::new(SETUP_SECONDS);
                all.add_to(route, &mut histogram);
                assert_same(&histogram, &one_by_one(SETUP_SECONDS, of_route.map(|(_, millis, _)| ticks(i64::from(*millis)))));
            }
        }

        #[test]
        fn a_bound_belongs_to_its_bucket(seconds in 0_u32..8_000) {
            let mut observations = Observations::new(DURATION_SECONDS, TICKS_PER_SECOND);
            let mut histogram = Histogram::new(DURATION_SECONDS);
            let near = [seconds, 1, 5, 10, 7200, 7201].map(|seconds| u64::from(seconds) * TICKS_PER_SECOND);
            near.iter().for_each(|ticks| _ = observations.observe(0, *ticks));
            observations.add_to(0, &mut histogram);
            assert_same(&histogram, &one_by_one(DURATION_SECONDS, near.into_iter()));
        }
    }
}
