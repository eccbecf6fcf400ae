//! What systemd is told, where it wants to know: that the daemon listens, stops, and that its loop turns.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time;
use tracing::{debug, warn};

use crate::telemetry::Heartbeat;

/// The service manager that started the daemon, if that is one.
pub struct Systemd {
    heartbeat: Heartbeat,
    /// How often it wants to hear of the loop, if at all.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// Asks the environment whether there is one.
    pub fn new(heartbeat: Heartbeat) -> Self {
        Self { heartbeat, watchdog: sd_notify::watchdog_enabled() }
    }

    /// The daemon listens.
    pub fn ready(&self) {
        tell(NotifyState::Ready);
    }

    /// The daemon is about to end.
    pub fn stopping(&self) {
        tell(NotifyState::Stopping);
    }

    /// Says again and again that the loop turns, as long as it does, and twice as often as is wanted. While the store is
    /// being loaded, there is no loop yet.
    pub async fn watch(&self) {
        let Some(limit) = self.watchdog else { return std::future::pending().await };
        let mut every = time::interval((limit / 2).max(Duration::from_millis(1)));
        let mut seen = None;
        loop {
            every.tick().await;
            let turns = self.heartbeat.turns();
            let is_loading = turns == 0 && self.heartbeat.stalled().is_none();
            if is_loading || seen != Some(turns) {
                tell(NotifyState::Watchdog);
            } else {
                warn!(
                    "the loop that reads files has not turned; systemd's watchdog is not told that all is well"
                );
            }
            seen = Some(turns);
        }
    }
}

/// Where nobody wants to know, this does nothing.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd cannot be told");
    }
}
