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

/// After a commit the disk rests for so many times as long as it took, within these bounds: a fast one has no more than twenty
/// commits a second, and calls that come on a slow one are shown after little more than a tenth of a second.
const REST: u32 = 9;
const LEAST_REST: Duration = Duration::from_millis(45);
const LONGEST_REST: Duration = Duration::from_millis(100);

/// How long the disk rests from a commit that took so long.
fn rest_after(commit: Duration) -> Duration {
    (REST * commit).clamp(LEAST_REST, LONGEST_REST)
}

/// Publishes what is committed, and nothing else.
#[derive(Debug)]
pub struct Committing {
    published: Published,
    /// When the last commit ended, and how long the disk rests from then on.
    last: Option<(Instant, Duration)>,
    /// While commits fail: when the last one did, and how long to wait.
    failed: Option<(Instant, Duration)>,
}

impl Committing {
    /// No commit yet.
    pub fn new(published: Published) -> Self {
        Self { published, last: None, failed: None }
    }

    /// How long until the next attempt; `None` when the last commit succeeded. Until one does nothing more may be
    /// read.
    pub fn pause(&self, now: Moment) -> Option<Duration> {
        self.failed.map(|(at, pause)| pause.saturating_sub(now.since(at)))
    }

    /// How long the disk still rests from the last commit.
    pub fn rest(&self, now: Moment) -> Duration {
        self.last.map_or(Duration::ZERO, |(ended, rest)| rest.saturating_sub(now.since(ended)))
    }

    /// Commits, and publishes what came of it; whether it succeeded.
    pub fn commit(&mut self, ledger: &mut Ledger, ready: bool, clock: &Clock) -> bool {
        let begun = clock().steady;
        match ledger.commit(ready) {
            Ok(mut snapshot) => {
                let ended = clock();
                self.last = Some((ended.steady, rest_after(ended.since(begun))));
                if self.failed.take().is_some() {
                    info!("commits succeed again; reading goes on");
                }
                snapshot.commits.last = Some(ended.wall);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_rests_the_longer_the_slower_it_is() {
        for (commit, rest) in [(0, 45), (5, 45), (8, 72), (100, 100), (5000, 100)] {
            assert_eq!(rest_after(Duration::from_millis(commit)), Duration::from_millis(rest), "{commit} ms");
        }
    }
}
