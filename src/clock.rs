//! Time, passed in: the wall clock that calls are dated by, and one that never steps back, for waiting.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::call::UnixMillis;

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub wall: UnixMillis,
    pub steady: Instant,
}

impl Moment {
    /// How long ago that was; nothing where it is to come.
    pub fn since(&self, earlier: Instant) -> Duration {
        self.steady.saturating_duration_since(earlier)
    }
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// The clock of the system.
pub fn system() -> Clock {
    Arc::new(|| Moment { wall: now(), steady: Instant::now() })
}

/// The system's wall clock.
pub fn now() -> UnixMillis {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Seconds since 1970, as Prometheus shows moments.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for 285,000 years")]
pub fn seconds(at: UnixMillis) -> f64 {
    at.0 as f64 / 1000.0
}
