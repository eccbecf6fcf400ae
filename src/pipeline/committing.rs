//! Commits: what became of them, when one that failed is made again, and what is published meanwhile.

use std::time::{Duration, Instant};

use tracing::{error, info};

use crate::call::UnixMillis;
use crate::ledger::Ledger;
use crate::ledger::snapshot::{Commits, Published, Snapshot};

/// How long after a failure the next attempt is made, at first; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Publishes what is committed, and nothing else.
#[derive(Debug)]
pub struct Committing {
    published: Published,
    figures: Commits,
    /// While commits fail: when the last one did, and how long to wait.
    failed: Option<(Instant, Duration)>,
}

impl Committing {
    /// No commit yet.
    pub fn new(published: Published) -> Self {
        Self { published, figures: Commits::default(), failed: None }
    }

    /// How long until the next attempt; `None` when the last commit succeeded. Until one does nothing more may be
    /// read.
    pub fn pause(&self) -> Option<Duration> {
        self.failed.map(|(at, pause)| pause.saturating_sub(at.elapsed()))
    }

    /// Commits, and publishes what came of it; whether it succeeded.
    pub fn commit(&mut self, ledger: &mut Ledger, ready: bool, clock: fn() -> UnixMillis) -> bool {
        let begun = Instant::now();
        match ledger.commit(ready) {
            Ok(snapshot) => {
                self.succeeded(begun.elapsed(), clock());
                self.published.publish(Snapshot { commits: self.figures.clone(), ..snapshot });
                true
            }
            Err(error) => {
                self.failed(error.to_string());
                let last = Snapshot::clone(&self.published.current());
                self.published.publish(Snapshot { caught_up: ready, commits: self.figures.clone(), ..last });
                false
            }
        }
    }

    fn succeeded(&mut self, duration: Duration, now: UnixMillis) {
        self.figures.total += 1;
        self.figures.duration.observe(duration.as_secs_f64());
        self.figures.last = Some(now);
        self.figures.failing = None;
        if self.failed.take().is_some() {
            info!("commits succeed again; reading goes on");
        }
    }

    fn failed(&mut self, reason: String) {
        self.figures.failures += 1;
        if self.failed.is_none() {
            error!(
                reason,
                "cannot commit; the last committed values stay up and reading pauses until it can"
            );
        }
        let pause = self.failed.map_or(FIRST_PAUSE, |(_, pause)| (2 * pause).min(LONGEST_PAUSE));
        self.failed = Some((Instant::now(), pause));
        self.figures.failing = Some(reason);
    }
}
