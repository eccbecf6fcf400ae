//! How many lines of the log a source may fill with single files: where many are damaged at once, so many are named and the
//! others are counted.

use std::time::{Duration, Instant};

use crate::clock::Moment;

/// So many files are named in so much time.
const MOST: usize = 100;
const PAUSE: Duration = Duration::from_secs(60);

/// What was said of files that cannot be read, or are of no known format.
#[derive(Debug, Default)]
pub struct Lines {
    /// When the lines began that count towards the limit.
    begun: Option<Instant>,
    said: usize,
    /// Files that were not named, since there were too many lines.
    unsaid: u64,
}

impl Lines {
    /// Whether one more file may be named; else it is counted.
    pub fn may_name(&mut self, now: Moment) -> bool {
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
    pub fn take_unsaid(&mut self, now: Moment) -> Option<u64> {
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
        let named = (0..1000).filter(|second| lines.may_name(at(second / 50))).count();
        assert_eq!((named, lines.take_unsaid(at(59))), (MOST, None));
        assert_eq!((lines.take_unsaid(at(60)), lines.take_unsaid(at(600))), (Some(1000 - MOST as u64), None));
        assert!(lines.may_name(at(601)));
        assert_eq!(lines.take_unsaid(at(700)), None, "all were named");
    }
}
