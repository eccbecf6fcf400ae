//! A histogram with fixed bounds, which can be added to another.

/// Observations by their size; the last bucket is `+Inf`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds, inclusive, rising; without `+Inf`.
    pub bounds: &'static [f64],
    /// Observations per bucket, not cumulated; one more than there are bounds.
    pub buckets: Vec<u64>,
    pub sum: f64,
}

impl Histogram {
    /// An empty histogram over these bounds.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts one value.
    pub fn observe(&mut self, value: f64) {
        // Few bounds are counted faster than searched: no branch depends on the value.
        let bucket = self.bounds.iter().filter(|bound| **bound < value).count();
        self.buckets[bucket] += 1;
        self.sum += value;
    }

    /// Adds the observations of another over the same bounds.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds);
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own += other);
        self.sum += other.sum;
    }

    /// How many values were observed.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}
