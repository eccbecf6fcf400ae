//! A token bucket over all requests.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One request each so often, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub every: Duration,
    pub burst: u32,
}

/// The bucket: when it would be full again, at this rate.
#[derive(Debug, Default)]
pub struct Limiter(Mutex<Option<(Rate, Instant)>>);

impl Limiter {
    /// Whether one more request is within the rate; if so, it counts.
    pub fn allows(&self, rate: Rate) -> bool {
        self.allows_at(rate, Instant::now())
    }

    fn allows_at(&self, rate: Rate, now: Instant) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = bucket.filter(|(of, _)| *of == rate).map(|(_, full_at)| full_at);
        let without = full_at.map_or(now, |full_at| full_at.max(now));
        let (Some(with), Some(latest)) = (
            without.checked_add(rate.every),
            rate.every.checked_mul(rate.burst).and_then(|all| now.checked_add(all)),
        ) else {
            return false;
        };
        let allowed = with <= latest;
        if allowed {
            *bucket = Some((rate, with));
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let rate = Rate { every: Duration::from_secs(1), burst: 3 };
        let (limiter, start) = (Limiter::default(), Instant::now());
        let at = |millis| limiter.allows_at(rate, start + Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(999), at(1000), at(1000)], [false, true, false]);
        assert_eq!([at(60_000), at(60_000), at(60_000), at(60_000)], [true, true, true, false]);
        let never = Rate { every: Duration::MAX, burst: 2 };
        assert!(!Limiter::default().allows(never));
    }
}
