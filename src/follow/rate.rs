//! How fast a file is being read, over the last while.

use std::time::{Duration, Instant};

/// The rate is over this time and up to as much before it.
const WINDOW: Duration = Duration::from_secs(10);

/// Bytes taken in this window and in the one before.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    begun: Instant,
    window: Instant,
    bytes: u64,
    before: u64,
}

impl Rate {
    /// Nothing was read yet.
    pub fn new(now: Instant) -> Self {
        Self { begun: now, window: now, bytes: 0, before: 0 }
    }

    /// Adds bytes read just now.
    pub fn add(&mut self, bytes: u64, now: Instant) {
        *self = self.at(now);
        self.bytes += bytes;
    }

    fn at(self, now: Instant) -> Self {
        match now.saturating_duration_since(self.window).as_secs() / WINDOW.as_secs() {
            0 => self,
            1 => Self { window: self.window + WINDOW, bytes: 0, before: self.bytes, ..self },
            _ => Self { window: now, bytes: 0, before: 0, ..self },
        }
    }

    /// Bytes a second.
    pub fn per_second(&self, now: Instant) -> f64 {
        let Self { begun, window, bytes, before } = self.at(now);
        let of_before = 1.0 - now.saturating_duration_since(window).as_secs_f64() / WINDOW.as_secs_f64();
        let time = now.saturating_duration_since(begun).clamp(Duration::from_secs(1), WINDOW);
        (bytes as f64 + before as f64 * of_before) / time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_over_the_last_seconds() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut rate = Rate::new(start);
        assert_eq!(rate.per_second(at(0.0)), 0.0);
        rate.add(1000, at(0.5));
        assert_eq!(rate.per_second(at(0.5)), 1000.0);
        assert_eq!(rate.per_second(at(5.0)), 200.0);
        assert_eq!(rate.per_second(at(10.0)), 100.0);
        assert_eq!(rate.per_second(at(15.0)), 50.0);
        rate.add(500, at(15.0));
        assert_eq!(rate.per_second(at(15.0)), 100.0);
        assert_eq!(rate.per_second(at(29.0)).round(), 5.0);
        assert_eq!(rate.per_second(at(40.0)), 0.0);
    }
}
