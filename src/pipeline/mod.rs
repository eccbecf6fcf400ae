//! The loop: one thread that owns the files and the ledger, woken by [`Event`]s, publishing at each commit. Where there is
//! much to read, threads beside it read; what they found is counted here, in the order of each file.

pub mod rejected;
mod committing;
mod configuring;
mod looker;
mod looking;
mod options;
mod refusals;
mod turns;
mod workers;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{info, warn};

use self::committing::Committing;
pub use self::looker::Looked;
use self::looker::Looker;
pub use self::options::{Host, Options, Source};
use self::refusals::Refusals;
pub use self::workers::Turned;
use self::workers::Workers;
use crate::call::UnixMillis;
use crate::clock::{Clock, Moment};
pub use crate::follow::Patience;
use crate::follow::{Files, Lines};
use crate::ledger::status::FileStatus;
use crate::ledger::{Ledger, SourceIndex};
use crate::reading::overlap::Overlap;
use crate::source::memory::Memory;
use crate::telemetry::Heartbeat;

/// Everything that wakes the loop. Time does so too, as the lack of an event.
#[derive(Debug)]
pub enum Event {
    /// Files of the source with this number changed; its watch knows which.
    Touched(u64),
    /// The folders of a source have been looked through.
    Looked(Box<Looked>),
    /// A worker has done a turn.
    Turned(Box<Turned>),
    /// Say how each file fares.
    Files(oneshot::Sender<Vec<FileStatus>>),
    /// Go on with other options.
    Reload(Box<Options>),
    Stop,
}

/// What is read of files that have more is committed this often, and after so many bytes; what completes a file, as soon as
/// the disk has rested from the last commit.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
const COMMIT_BYTES: u64 = 64 * 1024 * 1024;
/// How often quiet files are looked after at the least.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// How soon it is seen whether a look goes on that something waits for.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// The loop turns this often at the least, so that it is known to turn.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// A source whose files are followed.
struct Followed {
    name: Arc<str>,
    index: SourceIndex,
    /// No other source ever has this number.
    number: u64,
    files: Files,
    /// `None` where the system had no thread for it.
    looker: Option<Looker>,
    /// When its folders were last looked through.
    looked: Instant,
    /// Whether something changed that was not looked at yet.
    is_touched: bool,
    /// When all that was known of its files was last read.
    all_read: Option<UnixMillis>,
    /// Whether its formats bring the same calls; nothing once that was said.
    overlap: Option<Overlap>,
    /// How many lines of the log its files have filled.
    lines: Lines,
}

/// The loop and what it owns.
pub struct Pipeline {
    rescan_interval: Duration,
    patience: Patience,
    ledger: Ledger,
    sources: Vec<Followed>,
    /// How many sources there ever were.
    numbered: u64,
    workers: Option<Workers>,
    events: Sender<Event>,
    committing: Committing,
    rejected: Option<rejected::Log>,
    refusals: Refusals,
    clock: Clock,
    heartbeat: Heartbeat,
    open_files: usize,
    /// What files are unpacked with, and how many times of it had become free when files last tried.
    memory: Memory,
    released: u64,
    /// Whether the files present at the start have been read.
    ready: bool,
    /// When the oldest uncommitted work was done.
    uncommitted: Option<Instant>,
    /// Whether since the last commit a file was read to its end, as live ones are again and again.
    one_caught_up: bool,
    tidied: Instant,
    forgot: Instant,
}

impl Pipeline {
    /// A loop over these options, which books in `ledger` and writes rejected records to `rejected`.
    pub fn new(options: Options, ledger: Ledger, rejected: Option<rejected::Options>, host: Host) -> Self {
        let Host { wake, published, clock, heartbeat, open_files } = host;
        let workers = Workers::start(options.threads, &wake);
        if let Err(error) = &workers {
            warn!(%error, "the system has no more threads; one reads all files");
        }
        let now = clock().steady;
        let mut pipeline = Self {
            rescan_interval: options.rescan_interval,
            patience: options.patience,
            ready: false,
            ledger,
            sources: Vec::new(),
            numbered: 0,
            workers: workers.ok(),
            events: wake,
            committing: Committing::new(published),
            rejected: rejected.map(rejected::Log::new),
            refusals: Refusals::default(),
            clock,
            heartbeat,
            open_files,
            memory: Memory::limited(options.memory_bytes),
            released: 0,
            uncommitted: None,
            one_caught_up: false,
            tidied: now,
            forgot: now,
        };
        pipeline.configure(options);
        pipeline
    }

    /// Runs until it is told to stop, then commits what was read.
    pub fn run(mut self, events: &Receiver<Event>) {
        // What the store holds is shown at once.
        self.commit();
        self.scan();
        loop {
            self.heartbeat.beat((self.clock)());
            let event = match self.patience() {
                Duration::ZERO => events.try_recv().ok(),
                patience => match events.recv_timeout(patience) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => Some(Event::Stop),
                },
            };
            match event {
                Some(Event::Touched(source)) => self.look(source),
                Some(Event::Looked(looked)) => self.looked(*looked),
                Some(Event::Turned(turned)) => self.turned(*turned),
                // The client has gone: make no list for it.
                Some(Event::Files(answer)) if answer.is_closed() => {}
                Some(Event::Files(answer)) => {
                    let _ = answer.send(self.status());
                }
                Some(Event::Reload(options)) => self.reload(*options),
                Some(Event::Stop) => break,
                None => {}
            }
            self.work();
        }
        // What workers still read is not counted, and read again at the next start.
        if !self.commit() {
            warn!("stopped without a last commit; what it would have held is read again at the next start");
        }
    }

    /// How long nothing needs doing.
    fn patience(&self) -> Duration {
        let now = (self.clock)();
        let next = self.until_next_look(now).min(BEAT_EVERY);
        if let Some(pause) = self.committing.pause(now) {
            return next.min(pause);
        }
        let is_waiting = self.sources.iter().any(Followed::is_waiting);
        if is_waiting || (!self.ready && !self.is_behind()) {
            return Duration::ZERO;
        }
        let next = next.min(self.tidy_every().saturating_sub(now.since(self.tidied)));
        let waits = self.sources.iter().any(Followed::waits_for_answer);
        let next = if waits { next.min(LOOK_AGAIN_AFTER) } else { next };
        self.until_commit(now, self.is_behind()).map_or(next, |commit| next.min(commit))
    }

    fn tidy_every(&self) -> Duration {
        TIDY_EVERY.min(self.patience.quiet)
    }

    /// Whether a file waits for its turn, or has one.
    fn is_behind(&self) -> bool {
        self.sources.iter().any(Followed::is_behind)
    }

    fn status(&self) -> Vec<FileStatus> {
        let now = (self.clock)();
        let of =
            |source: &Followed| source.files.status(&source.name, self.ledger.contents(source.index), now);
        self.sources.iter().flat_map(of).collect()
    }

    /// Does what is due: a turn for a file of each source, a rescan, a commit. While a commit fails, only that is
    /// tried again: what cannot be made durable is better left in the files.
    fn work(&mut self) {
        let now = (self.clock)();
        self.see_who_answers(now);
        self.look_where_due(now);
        match self.committing.pause(now) {
            Some(Duration::ZERO) => {
                self.commit();
            }
            Some(_) => {}
            None => self.read_on(),
        }
    }

    fn commit_if_due(&mut self) {
        let behind = self.is_behind();
        if !behind && !self.ready {
            self.ready = true;
            let is_first_start = !self.ledger.is_ready();
            if is_first_start {
                self.ledger.decide_past_attempts((self.clock)().wall);
            }
            self.commit();
            info!("ready: the files present at the start are read");
            if is_first_start {
                self.sources.iter().for_each(|source| configuring::propose_trunks(source, &self.ledger));
            }
        }
        let now = (self.clock)();
        let many = self.ledger.uncommitted_bytes() >= COMMIT_BYTES;
        if many || self.until_commit(now, behind) == Some(Duration::ZERO) {
            self.commit();
        }
    }

    /// How long until what was read is to be committed, if anything was.
    fn until_commit(&self, now: Moment, behind: bool) -> Option<Duration> {
        let oldest = self.uncommitted?;
        let may_wait = behind && !self.one_caught_up;
        let wait = if may_wait { COMMIT_EVERY.saturating_sub(now.since(oldest)) } else { Duration::ZERO };
        Some(wait.max(self.committing.rest(now)))
    }

    /// Whether all that was read is now durable.
    fn commit(&mut self) -> bool {
        for source in &self.sources {
            self.ledger.files_now(source.index, source.files_now());
        }
        if let Some(log) = &mut self.rejected {
            log.write();
        }
        self.refusals.say((self.clock)().steady);
        self.uncommitted = None;
        self.one_caught_up = false;
        self.committing.commit(&mut self.ledger, self.ready, &self.clock)
    }
}
