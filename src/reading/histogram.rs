//! A histogram with fixed bounds, and the same observations in native buckets. It can be added to another.

use super::native::Native;
use crate::call::Exemplar;

/// Observations by their size; the last bucket is `+Inf`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds, inclusive, rising; without `+Inf`.
    pub bounds: &'static [f64],
    /// Observations per bucket, not cumulated; one more than there are bounds.
    pub buckets: Vec<u64>,
    pub sum: f64,
    /// The same observations.
    pub native: Native,
    /// One call of each bucket, as far as any is known; empty where none is.
    pub exemplars: Vec<Option<Exemplar>>,
}

impl Histogram {
    /// An empty histogram over these bounds.
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = vec![0; bounds.len() + 1];
        Self { bounds, buckets, sum: 0.0, native: Native::default(), exemplars: Vec::new() }
    }

    /// Counts one value; says in which bucket.
    #[inline]
    pub fn observe(&mut self, value: f64) -> usize {
        self.observe_times(value, 1)
    }

    /// Counts a value so many times; says in which bucket.
    pub fn observe_times(&mut self, value: f64, times: u64) -> usize {
        let bucket = bucket_of(self.bounds, value);
        self.buckets[bucket] += times;
        self.sum += value * times as f64;
        self.native.observe(value, times);
        bucket
    }

    /// Adds the observations of another over the same bounds.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds);
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own += other);
        self.sum += other.sum;
        self.native.add(&other.native);
    }

    /// Takes away observations that are among these. Sums of seconds as they are observed are exact, so nothing is left over.
    pub fn subtract(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own -= other);
        self.sum -= other.sum;
        self.native.subtract(&other.native);
    }

    /// Takes newer calls for exemplars of the buckets that have any.
    pub fn show(&mut self, newer: impl Iterator<Item = Option<Exemplar>>) {
        for (bucket, exemplar) in newer.enumerate() {
            let Some(exemplar) = exemplar.filter(|_| self.buckets[bucket] > 0) else { continue };
            if self.exemplars.is_empty() {
                self.exemplars = vec![None; self.buckets.len()];
            }
            let known = &mut self.exemplars[bucket];
            *known = exemplar.newer_than(*known);
        }
    }

    /// How many values were observed.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// The bucket of a value, by its place among those with these bounds. Few bounds are counted faster than searched: no branch depends
/// on the value.
#[inline]
pub fn bucket_of(bounds: &[f64], value: f64) -> usize {
    bounds.iter().filter(|bound| **bound < value).count()
}
