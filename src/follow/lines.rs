//! How many lines of the log a source may fill with single files: where many are damaged or removed at once, so many are named
//! and the others are counted.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::clock::Moment;

/// So many files are named in so much time.
const MOST: usize = 100;
const PAUSE: Duration = Duration::from_secs(60);

/// What was said of files, each kind with a limit of its own: what happens to files must not silence what is wrong with them.
#[derive(Debug, Default)]
pub struct Lines {
    /// Files that cannot be read, are of no known format, or were removed unread.
    faults: Limited,
    /// Files that were removed, copied, rotated, resumed or written anew.
    events: Limited,
}

/// Lines of one kind.
#[derive(Debug, Default)]
struct Limited {
    /// When the lines began that count towards the limit.
    begun: Option<Instant>,
    said: usize,
    /// Files that were not named, since there were too many lines.
    unsaid: u64,
}

impl Lines {
    /// Whether one more file may be named that something is wrong with; else it is counted.
    pub fn may_name(&mut self, now: Moment) -> bool {
        self.faults.may_name(now)
    }

    /// The same of a file to which something happened.
    pub fn may_tell(&mut self, now: Moment) -> bool {
        self.events.may_name(now)
    }

    /// Once in a while, says how many files were not named.
    pub fn say_rest(&mut self, source: &str, now: Moment) {
        if let Some(files) = self.faults.take_unsaid(now) {
            warn!(
                source,
                files,
                "more files cannot be read, are of no known format, or were removed unread; `cdr-exporter status` lists those \
                 that are there"
            );
        }
        if let Some(files) = self.events.take_unsaid(now) {
            info!(
                source,
                files,
                "more files were removed, copied, rotated, resumed or written anew; cdr_exporter_file_events_total counts \
                 them all"
            );
        }
    }
}

impl Limited {
    /// Whether one more file may be named; else it is counted.
    fn may_name(&mut self, now: Moment) -> bool {
        self.begun.get_or_insert(now.steady);
        let may = self.said < MOST;
        if may {
            self.said += 1
        } else {
            self.unsaid += 1
        }
        may
    }

    /// Once in a while, how many files were not named; from then on as many may be named again.
    fn take_unsaid(&mut self, now: Moment) -> Option<u64> {
        self.begun.filter(|begun| now.since(*begun) >= PAUSE)?;
        let unsaid = std::mem::take(self).unsaid;
        (unsaid > 0).then_some(unsaid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::UnixMillis;

    #[test]
    fn so_many_files_are_named_in_a_minute_and_the_others_are_counted() {
        let begun = Instant::now();
        let at = |seconds| Moment { steady: begun + Duration::from_secs(seconds), wall: UnixMillis(0) };
        let mut lines = Lines::default();
        let named = (0..1000).filter(|second| lines.may_tell(at(second / 50))).count();
        assert_eq!((named, lines.events.take_unsaid(at(59))), (MOST, None));
        assert!(lines.may_name(at(59)), "a fault is said all the same");
        let rest = (lines.events.take_unsaid(at(60)), lines.events.take_unsaid(at(600)));
        assert_eq!(rest, (Some(1000 - MOST as u64), None));
        assert!(lines.may_tell(at(601)));
        assert_eq!(lines.events.take_unsaid(at(700)), None, "all were named");
    }
}
