//! When the loop last turned: what health, readiness, systemd's watchdog and an alert go by.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Gauge, Opts};

use crate::clock::{self, Clock, Moment};

/// A loop that has not turned for so long is stalled. It turns once a second even when there is nothing to do; a slow
/// disk may hold it up for a while.
const TURN_LIMIT: Duration = Duration::from_secs(60);
/// So long may the store take to load before the first turn: ten million remembered ids take seconds.
const LOAD_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Notes the turns of the loop. Clones share them.
#[derive(Clone)]
pub struct Heartbeat {
    clock: Clock,
    started: Instant,
    /// When the loop last turned, and how many turns there were.
    turned: Arc<Mutex<(Option<Instant>, u64)>>,
    pub(super) timestamp: Gauge,
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("turned", &self.turned).finish_non_exhaustive()
    }
}

impl Heartbeat {
    /// A loop that has yet to turn.
    pub fn new(clock: Clock) -> Self {
        let timestamp = super::gauge(Opts::new(
            "cdr_exporter_loop_last_turn_timestamp_seconds",
            "When the loop that reads and counts last turned, in seconds since 1970.",
        ));
        Self { started: clock().steady, clock, turned: Arc::default(), timestamp }
    }

    /// The loop turns.
    pub fn beat(&self, now: Moment) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        *turned = (Some(now.steady), turned.1 + 1);
        self.timestamp.set(clock::seconds(now.wall));
    }

    /// How many turns there were.
    pub fn turns(&self) -> u64 {
        self.turned.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// What is wrong, once the loop takes longer than it may.
    pub fn stalled(&self) -> Option<String> {
        let last = self.turned.lock().unwrap_or_else(PoisonError::into_inner).0;
        let waited = (self.clock)().since(last.unwrap_or(self.started));
        let seconds = waited.as_secs();
        match last {
            Some(_) if waited > TURN_LIMIT => Some(format!(
                "the loop that reads files has not turned for {seconds} s: it waits for a disk or a network share, or is stuck"
            )),
            None if waited > LOAD_LIMIT => Some(format!("the store has been loading for {seconds} s")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::call::UnixMillis;

    #[test]
    fn a_loop_is_stalled_once_it_takes_longer_than_it_may() {
        let (passed, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let clock: Clock = Arc::new({
            let passed = Arc::clone(&passed);
            move || Moment {
                wall: UnixMillis(1_790_000_000_500),
                steady: start + Duration::from_secs(passed.load(Ordering::Relaxed)),
            }
        });
        let heartbeat = Heartbeat::new(Arc::clone(&clock));
        let stalled_at = |seconds| {
            passed.store(seconds, Ordering::Relaxed);
            heartbeat.stalled()
        };
        assert_eq!(stalled_at(600), None, "it may be loading");
        assert_eq!(stalled_at(601).as_deref(), Some("the store has been loading for 601 s"));
        heartbeat.beat(clock());
        assert_eq!((heartbeat.turns(), heartbeat.timestamp.get()), (1, 1_790_000_000.5));
        assert_eq!(stalled_at(661), None);
        assert!(stalled_at(662).is_some_and(|reason| reason.contains("has not turned for 61 s")));
        heartbeat.beat(clock());
        assert_eq!(stalled_at(700), None);
    }
}
