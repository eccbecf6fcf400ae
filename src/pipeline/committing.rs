//! Commits: what became of them, when one that failed is made again, and what is published meanwhile.

use std::time::{Duration, Instant};

use tracing::{error, info};

use crate::clock::{Clock, Moment};
use crate::ledger::Ledger;
use crate::ledger::snapshot::{Published, Snapshot};
use crate::ledger::store::StoreError;

/// How long after a failure the next attempt is made, at first; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Publishes what is committed, and nothing else.
#[derive(Debug)]
pub struct Committing {
    published: Published,
    /// While commits fail: when the last one did, and how long to wait.
    failed: Option<(Instant, Duration)>,
}

impl Committing {
    /// No commit yet.
    pub fn new(published: Published) -> Self {
        Self { published, failed: None }
    }

    /// How long until the next attempt; `None` when the last commit succeeded. Until one does nothing more may be
    /// read.
    pub fn pause(&self, now: Moment) -> Option<Duration> {
        self.failed.map(|(at, pause)| pause.saturating_sub(now.since(at)))
    }

    /// Commits, and publishes what came of it; whether it succeeded.
    pub fn commit(&mut self, ledger: &mut Ledger, ready: bool, clock: &Clock) -> bool {
        match ledger.commit(ready) {
            Ok(mut snapshot) => {
                if self.failed.take().is_some() {
                    info!("commits succeed again; reading goes on");
                }
                snapshot.commits.last = Some(clock().wall);
                self.published.publish(snapshot);
                true
            }
            Err(error) => {
                let mut last = Snapshot::clone(&self.published.current());
                last.caught_up = ready;
                last.commits.failures = ledger.commit_failures();
                last.commits.failing = Some(error.to_string());
                self.published.publish(last);
                self.failed(&error, clock().steady);
                false
            }
        }
    }

    fn failed(&mut self, reason: &StoreError, now: Instant) {
        if self.failed.is_none() {
            error!(
                %reason,
                "cannot commit; the last committed values stay up and reading pauses until it can"
            );
        }
        let pause = self.failed.map_or(FIRST_PAUSE, |(_, pause)| (2 * pause).min(LONGEST_PAUSE));
        self.failed = Some((now, pause));
    }
}
