//! Observations in buckets that grow by the eighth root of two: schema 3 of Prometheus' native histograms. The bounds of
//! classic buckets lie elsewhere, so these are counted beside them.

/// The schema: each power of two has 2^3 buckets.
pub const SCHEMA: i32 = 3;
const PER_OCTAVE: i32 = 1 << SCHEMA;

/// Lower bounds of the buckets between 1 and 2: powers of the eighth root of two.
const BOUNDS: [f64; PER_OCTAVE as usize] = [
    1.0,
    1.090_507_732_665_257_7,
    1.189_207_115_002_721,
    1.296_839_554_651_009_6,
    std::f64::consts::SQRT_2,
    1.542_210_825_407_940_7,
    1.681_792_830_507_429,
    1.834_008_086_409_342_4,
];

/// Room for so many at first: from a second to some minutes.
const USUAL_BUCKETS: usize = 64;

/// Counts by bucket. Seconds from a 1,024th to centuries have some 300 of them, so nothing else bounds their number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Native {
    /// Observations of 0.
    pub zero: u64,
    /// Number of the first bucket in `counts`: number n goes up to 2^(n/8), inclusive.
    pub first: i32,
    /// From the first bucket that has counts to the last.
    pub counts: Vec<u64>,
}

impl Native {
    /// Counts a value so many times. Less than 0 is taken for 0.
    pub fn observe(&mut self, value: f64, times: u64) {
        if value > 0.0 {
            *self.at(bucket(value)) += times;
        } else {
            self.zero += times;
        }
    }

    /// The count of this bucket.
    pub fn at(&mut self, bucket: i32) -> &mut u64 {
        let place = usize::try_from(bucket.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if place >= self.counts.len() {
            self.reach(bucket);
        }
        &mut self.counts[usize::try_from(bucket - self.first).unwrap_or_default()]
    }

    /// Makes room for this bucket.
    #[cold]
    fn reach(&mut self, bucket: i32) {
        if self.counts.is_empty() {
            self.first = bucket;
            self.counts.reserve(USUAL_BUCKETS);
        }
        let missing = usize::try_from(self.first - bucket).unwrap_or_default();
        self.counts.splice(..0, std::iter::repeat_n(0, missing));
        self.first -= i32::try_from(missing).unwrap_or_default();
        let length = usize::try_from(bucket - self.first).unwrap_or_default() + 1;
        self.counts.resize(self.counts.len().max(length), 0);
    }

    /// Adds the observations of another.
    pub fn add(&mut self, other: &Self) {
        self.zero += other.zero;
        for (bucket, count) in (other.first..).zip(&other.counts).filter(|(_, count)| **count > 0) {
            *self.at(bucket) += count;
        }
    }

    /// Takes away observations that are among these.
    pub fn subtract(&mut self, other: &Self) {
        self.zero -= other.zero;
        for (bucket, count) in (other.first..).zip(&other.counts).filter(|(_, count)| **count > 0) {
            *self.at(bucket) -= count;
        }
    }

    /// How many values were observed.
    pub fn count(&self) -> u64 {
        self.zero + self.counts.iter().sum::<u64>()
    }
}

/// The bucket of a value above 0.
#[inline]
pub fn bucket(value: f64) -> i32 {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    // Between 1 and 2.
    let fraction = f64::from_bits((bits & FRACTION) | 1.0_f64.to_bits());
    let octave = i32::try_from(bits >> 52).unwrap_or_default() - 1023;
    let within = BOUNDS.iter().map(|bound| i32::from(*bound < fraction)).sum::<i32>();
    octave * PER_OCTAVE + within
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_power_of_two_is_the_upper_bound_of_its_bucket() {
        for (value, expected) in [
            (1.0, 0),
            (1.0_f64.next_up(), 1),
            (2.0, 8),
            (0.5, -8),
            (1.0 / 1024.0, -80),
            (100.0, 54),
            (3600.0, 95),
        ] {
            assert_eq!(bucket(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_value_lies_within_its_bucket(millis in 1..i64::MAX / 4) {
            let value = millis as f64 / 1024.0;
            let upper = |bucket: i32| (f64::from(bucket) / 8.0).exp2();
            let bucket = bucket(value);
            // Beside the bounds, which are not binary numbers, but for powers of two.
            prop_assert!(upper(bucket - 1) < value * (1.0 + 1e-12) && value <= upper(bucket) * (1.0 + 1e-12));
        }

        #[test]
        fn the_order_of_observations_leaves_no_trace(values in prop::collection::vec(0_u32..5_000_000, 0..40), cut in 0_usize..40) {
            let observed = |values: &[u32]| {
                let mut native = Native::default();
                values.iter().for_each(|value| native.observe(f64::from(*value) / 1024.0, 1));
                native
            };
            let (before, after) = values.split_at(cut.min(values.len()));
            let mut added = observed(after);
            added.add(&observed(before));
            prop_assert_eq!(&added, &observed(&values));
            prop_assert_eq!(added.count(), values.len() as u64);
        }
    }
}
