//! The loop: one thread that owns the files and the ledger, woken by [`Event`]s, publishing at each commit. Where there is
//! much to read, threads beside it read; what they found is counted here, in the order of each file.

pub mod rejected;
mod committing;
mod looker;
mod looking;
mod options;
mod refusals;
mod workers;

use std::panic::resume_unwind;
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
use self::workers::{Job, Workers};
use crate::clock::{Clock, Moment};
pub use crate::follow::Patience;
use crate::follow::{Around, Done, Files, Outbox};
use crate::ledger::status::FileStatus;
use crate::ledger::{FilesNow, Ledger, SourceIndex};
use crate::reading::trunk;
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

/// How soon it is seen whether a look goes on that something waits for.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// The loop turns this often at the least, so that it is known to turn.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// A file with no more than this to read is read by the loop itself: to hand it over would take longer.
const WORTH_A_WORKER: u64 = 64 * 1024;

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
    /// When the oldest and the newest uncommitted work was done.
    uncommitted: Option<(Instant, Instant)>,
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
                Some(Event::Files(answer)) => {
                    // Whoever asked may have gone.
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
        match self.uncommitted {
            Some((oldest, _)) if self.is_behind() => {
                next.min(self.commit_every().saturating_sub(now.since(oldest)))
            }
            Some((_, newest)) => next.min(COMMIT_WHEN_IDLE.saturating_sub(now.since(newest))),
            None => next,
        }
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

    /// Files that wait for memory have what others hold and do not need, and their turn once any became free.
    fn make_room(&mut self) {
        if !self.sources.iter().any(|source| source.files.waits_for_room()) {
            return;
        }
        self.sources.iter_mut().for_each(|source| source.files.shed());
        let released = self.memory.released();
        if self.released != released {
            self.released = released;
            self.sources.iter_mut().for_each(|source| source.files.try_for_room());
        }
    }

    fn read_on(&mut self) {
        self.make_room();
        for place in 0..self.sources.len() {
            if self.sources[place].is_waiting() {
                self.give_a_turn(place);
            }
        }
        let now = (self.clock)();
        if now.since(self.tidied) >= self.tidy_every() {
            self.tidied = now.steady;
            let mut tidied = false;
            for place in 0..self.sources.len() {
                tidied |= self.sources[place].is_tidied_at_any_time() && self.tidy(place, now);
            }
            tidied |= self.ledger.decide_attempts(now.wall);
            if tidied {
                self.commit();
            }
        }
        if now.since(self.forgot) >= FORGET_EVERY {
            self.forgot = now.steady;
            self.ledger.forget(now.wall);
        }
        self.commit_if_due();
    }

    /// Looks after the quiet files of a source; whether anything came of it.
    fn tidy(&mut self, place: usize, now: Moment) -> bool {
        self.with(place, now, Files::tidy)
    }

    fn commit_if_due(&mut self) {
        let behind = self.is_behind();
        if !behind && !self.ready {
            self.ready = true;
            let is_first_start = !self.ledger.is_ready();
            self.commit();
            info!("ready: the files present at the start are read");
            if is_first_start {
                self.sources
                    .iter()
                    .for_each(|source| propose_trunks(&source.name, source.index, &self.ledger));
            }
        }
        let now = (self.clock)();
        let many = self.ledger.uncommitted_bytes() >= COMMIT_BYTES;
        let every = self.commit_every();
        let due = self.uncommitted.is_some_and(|(oldest, newest)| {
            many || now.since(oldest) >= every || (!behind && now.since(newest) >= COMMIT_WHEN_IDLE)
        });
        if due {
            self.commit();
        }
    }

    /// How often steady input is committed now.
    fn commit_every(&self) -> Duration {
        if self.one_caught_up { COMMIT_LIVE_EVERY } else { COMMIT_EVERY }
    }

    /// Gives a file of this source its turn. Much is read by a worker, if one is free.
    fn give_a_turn(&mut self, place: usize) {
        let now = (self.clock)();
        match self.with(place, now, Files::next_turn) {
            Ok(task) => {
                let source = self.sources[place].number;
                match self.workers.as_mut().filter(|workers| workers.has_room()) {
                    Some(workers) if task.is_known && task.expected > WORTH_A_WORKER => {
                        workers.give(Job { source, task });
                    }
                    _ => self.take_back(place, task.run()),
                }
            }
            Err(caught_up) => self.note_work(caught_up),
        }
    }

    /// A worker has done a turn.
    fn turned(&mut self, Turned { source, done }: Turned) {
        if let Some(workers) = &mut self.workers {
            workers.took_back();
        }
        let done = done.unwrap_or_else(|panic| resume_unwind(panic));
        // A source that is gone has its files no more: what was read of one is not counted.
        if let Some(place) = self.sources.iter().position(|followed| followed.number == source) {
            self.take_back(place, done);
        }
    }

    fn take_back(&mut self, place: usize, done: Done) {
        let now = (self.clock)();
        let caught_up = self.with(place, now, |files, around| files.take_back(done, around));
        self.note_work(caught_up);
    }

    /// Something is to be committed.
    fn note_work(&mut self, caught_up: bool) {
        self.one_caught_up |= caught_up;
        let now = (self.clock)().steady;
        self.uncommitted = Some((self.uncommitted.map_or(now, |(oldest, _)| oldest), now));
    }

    /// Looks after the files of a source, and counts what comes of it.
    fn with<T>(
        &mut self,
        place: usize,
        now: Moment,
        work: impl FnOnce(&mut Files, &mut Around<'_>) -> T,
    ) -> T {
        let Followed { name, index, files, .. } = &mut self.sources[place];
        let context = self.ledger.context(*index, now.wall, self.rejected.is_some());
        let mut out = Outbox::default();
        let mut around = Around {
            source: name,
            options: files.options(),
            memory: &self.memory,
            contents: self.ledger.contents_mut(*index),
            context: &context,
            now,
            patience: self.patience,
            out: &mut out,
        };
        let result = work(files, &mut around);
        for event in out.events {
            self.ledger.file_event(*index, event);
        }
        for read in out.reads {
            self.ledger.apply(*index, &read.batch);
            self.refusals.take(name, &read);
            if let Some(log) = &mut self.rejected {
                log.take(name, &read, now.wall);
            }
        }
        result
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

    fn reload(&mut self, options: Options) {
        self.ledger.reconfigure(options.limits, Arc::clone(&options.catalogue), (self.clock)().wall);
        self.ledger.keep_history(options.history, (self.clock)().wall);
        self.rescan_interval = options.rescan_interval;
        self.patience = options.patience;
        self.configure(options);
        self.scan();
        self.commit();
    }

    /// Takes the sources of these options; what is known of a source of the same name stays.
    fn configure(&mut self, options: Options) {
        let mut before = std::mem::take(&mut self.sources);
        for Source { books, discover, reading } in options.sources {
            let name = Arc::clone(&books.name);
            let index = self.ledger.source(books, (self.clock)().wall);
            let followed = match before.iter().position(|known| known.name == name) {
                Some(place) => {
                    let mut followed = before.swap_remove(place);
                    followed.files.reconfigure(discover, reading);
                    followed.looker.iter_mut().for_each(Looker::reconfigured);
                    followed
                }
                None => {
                    self.numbered += 1;
                    let files = Files::new(discover, reading, self.ledger.contents(index));
                    let looker = self.start_looking(self.numbered, &name);
                    let looked = (self.clock)().steady;
                    Followed { name, index, number: self.numbered, files, looker, looked, is_touched: false }
                }
            };
            self.sources.push(followed);
        }
        self.memory.set_limit(options.memory_bytes);
        // One half for files that may still grow, the other for those that wait for their turn.
        let open_files = self.open_files / self.sources.len().max(1) / 2;
        self.sources.iter_mut().for_each(|source| source.files.keep_at_most(open_files));
        for Followed { index, .. } in before {
            // Its counters stay; it has no files any more.
            self.ledger.files_now(index, FilesNow::default());
        }
    }
}

/// Says at the first start how to let no other text become the label `trunk` than the names of SBCs.
fn propose_trunks(source: &str, index: SourceIndex, ledger: &Ledger) {
    let proposed = ledger.proposed_trunks(index);
    if !proposed.is_empty() {
        let config = trunk::proposal(&proposed);
        info!(source, %config, "trunks are shown as records spell them; with this in the config, no others ever are");
    }
}
