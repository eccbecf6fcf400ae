//! Holds requests to so many in any minute, over restarts too: the times of the last ones stand in a file.
//!
//! The file need not survive a power cut: that takes longer than the minute it is about.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use super::inbox::{Inbox, Interrupted};
use super::now;

/// What is taken for a minute: requests arrive at their server later than they leave, and not all by the same time.
const MINUTE: i64 = 61_000;

/// When the last requests were made.
#[derive(Debug)]
pub struct Pace {
    file: Option<File>,
    limit: usize,
    /// Oldest first, in milliseconds since 1970.
    made: VecDeque<i64>,
}

impl Pace {
    /// Goes on from what the file holds.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, per_minute: u32) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let text = io::read_to_string(&file).unwrap_or_default();
        let limit = usize::try_from(per_minute).unwrap_or(usize::MAX).max(1);
        let mut made: Vec<i64> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        made.sort_unstable();
        Ok(Self { file: Some(file), limit, made: made.into() })
    }

    /// One that a restart forgets.
    pub fn unkept(per_minute: u32) -> Self {
        Self { file: None, limit: usize::try_from(per_minute).unwrap_or(usize::MAX), made: VecDeque::new() }
    }

    /// How long to wait before the next request at this time.
    fn wait(&mut self, now: i64) -> Duration {
        // A clock that was set back must not hold everything up until it is there again.
        self.made.iter_mut().for_each(|made| *made = (*made).min(now));
        while self.made.front().is_some_and(|made| now - made >= MINUTE) {
            self.made.pop_front();
        }
        let first_to_leave = self.made.len().checked_sub(self.limit).and_then(|place| self.made.get(place));
        let wait = first_to_leave.map_or(0, |made| made + MINUTE - now);
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }

    /// Waits for the turn of the next request and notes it.
    ///
    /// # Errors
    /// When an order ends the wait.
    pub fn next(&mut self, inbox: &mut Inbox) -> Result<(), Interrupted> {
        loop {
            // Without a wait this still sees an order that has come.
            let wait = self.wait(now());
            inbox.pause(wait)?;
            if wait.is_zero() {
                break;
            }
        }
        self.made.push_back(now());
        if let Some(file) = &self.file {
            // Lines of one width: a kill between the two leaves whole ones. What it cannot keep, a restart forgets.
            let text: String = self.made.iter().map(|made| format!("{made:>20}\n")).collect();
            let _ = file.write_all_at(text.as_bytes(), 0);
            let _ = file.set_len(text.len() as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut pace = Pace::open(&folder.path().join("requests"), 3).unwrap();
        let (mut now, mut made) = (1_000_000, Vec::new());
        for step in 0..20 {
            now += i64::try_from(pace.wait(now).as_millis()).unwrap() + step % 3;
            assert_eq!(pace.wait(now), Duration::ZERO);
            pace.made.push_back(now);
            made.push(now);
        }
        assert!(made.windows(4).all(|four| four[3] - four[0] >= MINUTE), "{made:?}");
        assert!(made[19] - made[0] < 7 * MINUTE, "no slower than it must be: {made:?}");
    }

    #[test]
    fn a_restart_forgets_nothing_and_a_clock_set_back_holds_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests");
        let (_keep, mut inbox) = super::super::inbox();
        let mut pace = Pace::open(&path, 2).unwrap();
        for _ in 0..2 {
            pace.next(&mut inbox).unwrap();
        }
        let mut again = Pace::open(&path, 2).unwrap();
        let wait = again.wait(now());
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(61), "{wait:?}");
        assert_eq!(again.wait(now() - 3_600_000), Duration::from_millis(61_000));
    }
}
