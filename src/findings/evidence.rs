//! How sure it is that two shares differ: the likelihood ratio of two binomial shares against one, in natural logarithms.
//! It is the statistic of Kulldorff's scan (1997); for a place that was not chosen by looking, e^-ratio is about how likely
//! chance alone would do this.

use super::{LEAST_CALLS, LEAST_RATIO};

/// Failed calls among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub failed: u64,
    pub attempts: u64,
}

impl Share {
    /// The share itself; half a call is added so that nothing failed of few says little.
    fn cautious(self) -> f64 {
        (self.failed as f64 + 0.5) / (self.attempts as f64 + 1.0)
    }

    fn log_likelihood(self) -> f64 {
        let (failed, attempts) = (self.failed as f64, self.attempts as f64);
        let part = |count: f64| if count > 0.0 { count * (count / attempts).ln() } else { 0.0 };
        part(failed) + part(attempts - failed)
    }

    /// Both together.
    pub fn with(self, other: Self) -> Self {
        Self { failed: self.failed + other.failed, attempts: self.attempts + other.attempts }
    }

    /// The share as a number; 0 of nothing.
    pub fn rate(self) -> f64 {
        if self.attempts == 0 { 0.0 } else { self.failed as f64 / self.attempts as f64 }
    }

    /// What is left of it without another.
    pub fn without(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_sub(other.failed),
            attempts: self.attempts.saturating_sub(other.attempts),
        }
    }

    /// Failed calls beyond those that the other share would have made of the same calls.
    pub fn excess(self, usual: Self) -> f64 {
        self.failed as f64 - usual.rate() * self.attempts as f64
    }

    /// The least that the true share may be, with one chance in a thousand that it is less (Wilson).
    pub fn lower_bound(self) -> f64 {
        const Z: f64 = 3.09;
        if self.attempts == 0 {
            return 0.0;
        }
        let n = self.attempts as f64;
        let share = self.failed as f64 / n;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        (middle - half) / (1.0 + Z * Z / n)
    }
}

/// All calls of which some stretches or places are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Whole {
    share: Share,
    log_likelihood: f64,
}

impl Whole {
    /// Of these calls.
    pub fn of(share: Share) -> Self {
        Self { share, log_likelihood: share.log_likelihood() }
    }

    /// The evidence that more fails of this part than of the rest; `None` where that would not be worth a sentence.
    pub fn evidence(&self, here: Share) -> Option<f64> {
        let elsewhere = self.share.without(here);
        is_worth_it(here, elsewhere)
            .then(|| here.log_likelihood() + elsewhere.log_likelihood() - self.log_likelihood)
    }
}

/// The evidence that more fails here than elsewhere; `None` where that would not be worth a sentence.
pub fn of(here: Share, elsewhere: Share) -> Option<f64> {
    Whole::of(here.with(elsewhere)).evidence(here)
}

fn is_worth_it(here: Share, elsewhere: Share) -> bool {
    if here.failed < LEAST_CALLS || here.attempts == 0 || elsewhere.attempts == 0 {
        return false;
    }
    here.rate() >= LEAST_RATIO * elsewhere.cautious()
}

/// The evidence that it takes where so many places were looked at: chance alone reaches it once in a thousand times.
pub fn needed(places: f64) -> f64 {
    (places.max(1.0) * 1000.0).ln()
}
