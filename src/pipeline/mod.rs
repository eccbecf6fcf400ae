//! The loop: one thread that owns the files and the ledger, woken by [`Event`]s, publishing at each commit.

pub mod rejected;
mod booking;
mod committing;
mod files;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{info, warn};

use self::committing::Committing;
use self::files::Files;
pub use self::files::Patience;
use crate::call::UnixMillis;
use crate::classify::Catalogue;
use crate::ledger::snapshot::Published;
use crate::ledger::status::FileStatus;
use crate::ledger::store::{Store, StoreError};
use crate::ledger::{FilesNow, Ledger, Limits, SourceIndex, SourceOptions};
use crate::reading;
use crate::source::discover;
use crate::source::watch::{Unwatched, Watch};

/// Everything that wakes the loop. Time does so too, as the lack of an event.
#[derive(Debug)]
pub enum Event {
    /// Files changed; the watch knows which.
    Touched,
    /// Say how each file fares.
    Files(oneshot::Sender<Vec<FileStatus>>),
    /// Go on with other options.
    Reload(Box<Options>),
    Stop,
}

/// What the loop is told.
#[derive(Debug, Clone)]
pub struct Options {
    pub sources: Vec<Source>,
    pub limits: Limits,
    pub catalogue: Arc<Catalogue>,
    /// How often everything is looked at, whether or not the system said that something changed.
    pub rescan_interval: Duration,
    pub patience: Patience,
}

/// What the loop is told of a source.
#[derive(Debug, Clone)]
pub struct Source {
    pub books: SourceOptions,
    pub discover: discover::Options,
    pub reading: reading::Options,
}

impl Options {
    /// An empty ledger for these options, in memory only, with the books of each source, in their order.
    pub fn ledger(&self, now: UnixMillis) -> (Ledger, Vec<SourceIndex>) {
        let mut ledger = Ledger::new(self.limits, Arc::clone(&self.catalogue));
        let indexes = self.sources.iter().map(|source| ledger.source(source.books.clone(), now)).collect();
        (ledger, indexes)
    }

    /// The ledger of this store, under these options.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ledger_of(&self, store: Store, now: UnixMillis) -> Result<Ledger, StoreError> {
        Ledger::open(store, self.limits, Arc::clone(&self.catalogue), now)
    }
}

/// Input that pauses for so long is committed at once.
const COMMIT_WHEN_IDLE: Duration = Duration::from_millis(50);
/// Steady input is committed this often, and after so many bytes read; sooner where a live file waits to be shown beside
/// a huge one.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
const COMMIT_LIVE_EVERY: Duration = Duration::from_millis(100);
const COMMIT_BYTES: u64 = 64 * 1024 * 1024;
/// How often quiet files are looked after at the least, and how often ids past remembering are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// The loop and what it owns.
pub struct Pipeline {
    rescan_interval: Duration,
    patience: Patience,
    ledger: Ledger,
    files: Vec<Files>,
    /// The name and the books of each of `files`.
    sources: Vec<(Arc<str>, SourceIndex)>,
    watch: Option<Watch>,
    /// Folders that could not be watched, each said once.
    unwatched: HashSet<PathBuf>,
    committing: Committing,
    rejected: Option<rejected::Log>,
    clock: fn() -> UnixMillis,
    /// Whether the files present at the start have been read.
    ready: bool,
    /// When the oldest and the newest uncommitted work was done.
    uncommitted: Option<(Instant, Instant)>,
    /// Whether since the last commit a file was read to its end, as live ones are again and again.
    one_caught_up: bool,
    scanned: Instant,
    tidied: Instant,
    forgot: Instant,
}

impl Pipeline {
    /// A loop over these options, which books in `ledger`, writes rejected records to `rejected`, is told of changed
    /// files through `wake` and publishes to `published`.
    pub fn new(
        options: Options,
        ledger: Ledger,
        rejected: Option<rejected::Options>,
        wake: Sender<Event>,
        published: Published,
        clock: fn() -> UnixMillis,
    ) -> Self {
        let watch = Watch::new(move || {
            // A loop that has ended needs no waking.
            let _ = wake.send(Event::Touched);
        });
        if let Err(error) = &watch {
            warn!(%error, "the system gives no word of changed files; they are found at every rescan");
        }
        let now = Instant::now();
        let mut pipeline = Self {
            rescan_interval: options.rescan_interval,
            patience: options.patience,
            ready: false,
            ledger,
            files: Vec::new(),
            sources: Vec::new(),
            watch: watch.ok(),
            unwatched: HashSet::new(),
            committing: Committing::new(published),
            rejected: rejected.map(rejected::Log::new),
            clock,
            uncommitted: None,
            one_caught_up: false,
            scanned: now,
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
            let event = match self.patience() {
                Duration::ZERO => events.try_recv().ok(),
                patience => match events.recv_timeout(patience) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => Some(Event::Stop),
                },
            };
            match event {
                Some(Event::Touched) => self.look(),
                Some(Event::Files(answer)) => {
                    // Whoever asked may have gone.
                    let _ = answer.send(self.files.iter().flat_map(Files::status).collect());
                }
                Some(Event::Reload(options)) => self.reload(*options),
                Some(Event::Stop) => break,
                None => {}
            }
            self.work();
        }
        if !self.commit() {
            warn!("stopped without a last commit; what it would have held is read again at the next start");
        }
    }

    /// How long nothing needs doing.
    fn patience(&self) -> Duration {
        let next = self.rescan_interval.saturating_sub(self.scanned.elapsed());
        if let Some(pause) = self.committing.pause() {
            return next.min(pause);
        }
        if self.files.iter().any(Files::is_behind) || !self.ready {
            return Duration::ZERO;
        }
        let next = next.min(self.tidy_every().saturating_sub(self.tidied.elapsed()));
        match self.uncommitted {
            Some((_, newest)) => next.min(COMMIT_WHEN_IDLE.saturating_sub(newest.elapsed())),
            None => next,
        }
    }

    fn tidy_every(&self) -> Duration {
        TIDY_EVERY.min(self.patience.quiet)
    }

    /// Does what is due: a turn for a file of each source, a rescan, a commit. While a commit fails, only that is
    /// tried again: what cannot be made durable is better left in the files.
    fn work(&mut self) {
        if self.scanned.elapsed() >= self.rescan_interval {
            self.scan();
        }
        match self.committing.pause() {
            Some(Duration::ZERO) => {
                self.commit();
            }
            Some(_) => {}
            None => self.read_on(),
        }
    }

    fn read_on(&mut self) {
        let now = (self.clock)();
        for files in &mut self.files {
            if files.is_behind() {
                self.one_caught_up |= files.turn(&mut self.ledger, self.rejected.as_mut(), now);
                let instant = Instant::now();
                self.uncommitted = Some((self.uncommitted.map_or(instant, |(oldest, _)| oldest), instant));
            }
        }
        if self.tidied.elapsed() >= self.tidy_every() {
            self.tidied = Instant::now();
            let mut tidied = false;
            for files in &mut self.files {
                tidied |= files.tidy(&mut self.ledger, self.rejected.as_mut(), now, self.patience);
            }
            if tidied {
                self.commit();
            }
        }
        if self.forgot.elapsed() >= FORGET_EVERY {
            self.forgot = Instant::now();
            self.ledger.forget(now);
        }
        let behind = self.files.iter().any(Files::is_behind);
        if !behind && !self.ready {
            self.ready = true;
            self.commit();
            info!("ready: the files present at the start are read");
        }
        let many = self.ledger.uncommitted_bytes() >= COMMIT_BYTES;
        let every = if self.one_caught_up { COMMIT_LIVE_EVERY } else { COMMIT_EVERY };
        let due = self.uncommitted.is_some_and(|(oldest, newest)| {
            many || oldest.elapsed() >= every || (!behind && newest.elapsed() >= COMMIT_WHEN_IDLE)
        });
        if due {
            self.commit();
        }
    }

    /// Whether all that was read is now durable.
    fn commit(&mut self) -> bool {
        for files in &mut self.files {
            files.before_commit(&mut self.ledger);
        }
        if let Some(log) = &mut self.rejected {
            log.write();
        }
        self.uncommitted = None;
        self.one_caught_up = false;
        self.committing.commit(&mut self.ledger, self.ready, self.clock)
    }

    /// Looks at what the watch saw.
    fn look(&mut self) {
        let Some(watch) = &self.watch else { return };
        let touched = watch.take();
        if touched.rescan {
            return self.scan();
        }
        let now = (self.clock)();
        for path in touched.paths {
            for files in &mut self.files {
                files.look(&path, &mut self.ledger, now);
            }
        }
    }

    /// Looks at everything, and watches what can be watched.
    fn scan(&mut self) {
        // The watches come first: what appears after the look at a folder is then heard of.
        if let Some(watch) = &mut self.watch {
            for (folder, reason) in watch.set(self.files.iter().flat_map(Files::folders)) {
                if self.unwatched.insert(folder.clone()) {
                    say_unwatched(&folder, &reason);
                }
            }
        }
        let now = (self.clock)();
        for files in &mut self.files {
            files.scan(&mut self.ledger, now);
        }
        self.scanned = Instant::now();
    }

    fn reload(&mut self, options: Options) {
        self.ledger.reconfigure(options.limits, Arc::clone(&options.catalogue), (self.clock)());
        self.rescan_interval = options.rescan_interval;
        self.patience = options.patience;
        // A source that goes leaves what is known of its files, with what was counted of them.
        self.files.iter_mut().for_each(|files| files.before_commit(&mut self.ledger));
        self.configure(options);
        self.scan();
        self.commit();
    }

    /// Takes the sources of these options; what is known of a source of the same name stays.
    fn configure(&mut self, options: Options) {
        let mut before: Vec<_> =
            std::mem::take(&mut self.sources).into_iter().zip(self.files.drain(..)).collect();
        let mut after = Vec::new();
        for Source { books, discover, reading } in options.sources {
            let name = Arc::clone(&books.name);
            let index = self.ledger.source(books, (self.clock)());
            let files = match before.iter().position(|((known, _), _)| *known == name) {
                Some(place) => {
                    let (_, mut files) = before.swap_remove(place);
                    files.reconfigure(discover, reading);
                    files
                }
                None => Files::new(name.to_string(), index, discover, reading, &self.ledger),
            };
            self.sources.push((name, index));
            after.push(files);
        }
        for ((_, index), _) in before {
            // Its counters stay; it has no files any more.
            self.ledger.files_now(index, FilesNow::default());
        }
        self.files = after;
    }
}

fn say_unwatched(folder: &Path, reason: &Unwatched) {
    let folder = folder.display();
    match reason {
        Unwatched::Elsewhere(_) => info!(%folder, %reason, "polled: looked through at every rescan"),
        Unwatched::Refused(_) => {
            warn!(%folder, %reason, "cannot watch; new files there are found at every rescan");
        }
    }
}
