//! Made-up calls onto the disk at a steady rate, as one who polls Graph would write them: into a file that grows, and
//! every minute a new one.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::traffic::{self, SPIKE_TRUNK, TRUNKS, Traffic};
use crate::call::UnixMillis;
use crate::cli::inspect::time;
use crate::clock;

/// How often calls are written.
const BATCH_EVERY: Duration = Duration::from_millis(50);
/// More calls are not written at once, so that one who cannot keep up does not fall behind ever more.
const BATCH_CALLS: f64 = 20_000.0;
/// How many files are kept, the one that grows included. The others were read long ago.
const FILES: usize = 5;
/// Calls in the file about the past, and how many milliseconds back they go.
const EARLIER_CALLS: i64 = 6_000;
const EARLIER: i64 = 60 * 60 * 1000;

/// Writes calls into a folder.
pub struct Writer {
    folder: PathBuf,
    traffic: Traffic,
    start: UnixMillis,
    calls_per_second: f64,
    /// The minute that the file is for.
    file: Option<(i64, File)>,
    files: VecDeque<PathBuf>,
}

impl Writer {
    /// Writes a file of the calls of the hour before `start`, which ended in every way there is, and makes ready to
    /// write on from there.
    ///
    /// # Errors
    /// Why that file could not be written.
    pub fn new(folder: PathBuf, seed: u64, start: UnixMillis, calls_per_second: f64) -> io::Result<Self> {
        let mut traffic = Traffic::new(seed, start);
        let mut rows = String::new();
        for number in 0..EARLIER_CALLS {
            let call = traffic.varied_call(UnixMillis(start.0 - EARLIER + number * EARLIER / EARLIER_CALLS));
            traffic.graph_row(&call, &mut rows);
        }
        let path = folder.join("earlier.ndjson");
        fs::write(&path, rows)?;
        Ok(Self { folder, traffic, start, calls_per_second, file: None, files: [path].into() })
    }

    /// Writes until the other end of `stop` is gone, or the disk will take no more.
    pub fn run(mut self, stop: &Receiver<()>) {
        let mut due = 0.0;
        let mut written = Instant::now();
        let mut spike_was_on = false;
        while stop.recv_timeout(BATCH_EVERY) == Err(RecvTimeoutError::Timeout) {
            let now = clock::now();
            due += written.elapsed().as_secs_f64() * self.calls_per_second;
            due = due.min(BATCH_CALLS);
            written = Instant::now();
            if let Err(error) = self.write(&mut due, now) {
                error!(%error, "cannot write made-up calls; no more will come");
                return;
            }
            let spike_is_on = traffic::spike_is_on(self.start, now);
            if spike_is_on != spike_was_on {
                let next = time(traffic::next_spike(self.start, now));
                let message = if spike_is_on { "a spike of failures begins" } else { "the spike is over" };
                info!(trunk = TRUNKS[SPIKE_TRUNK].fqdn, next, "{message}");
                spike_was_on = spike_is_on;
            }
        }
    }

    /// Writes the calls that are due, all at once.
    fn write(&mut self, due: &mut f64, now: UnixMillis) -> io::Result<()> {
        let mut rows = String::new();
        while *due >= 1.0 {
            *due -= 1.0;
            let call = self.traffic.call(now);
            self.traffic.graph_row(&call, &mut rows);
        }
        self.file(now)?.write_all(rows.as_bytes())
    }

    /// The file of this minute. One that is new takes the place of the oldest.
    fn file(&mut self, now: UnixMillis) -> io::Result<&mut File> {
        let minute = now.0.div_euclid(60_000);
        let file = match self.file.take() {
            Some((of, file)) if of == minute => file,
            _ => {
                let path = self.folder.join(format!("calls-{minute}.ndjson"));
                let file = File::options().create(true).append(true).open(&path)?;
                self.files.push_back(path);
                while self.files.len() > FILES {
                    self.files.pop_front().map_or(Ok(()), fs::remove_file)?;
                }
                file
            }
        };
        Ok(&mut self.file.insert((minute, file)).1)
    }
}
