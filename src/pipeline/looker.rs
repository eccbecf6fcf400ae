//! Looks through the folders of one source, on a thread of its own: a drive that does not answer keeps that waiting, and no
//! other source. While it does not answer, nothing else of its source is touched.

use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Event;
use crate::clock::Moment;
use crate::source::discover::{self, Found, Step};
use crate::source::filesystem;
use crate::source::watch::{Heard, Touched, Watch};

/// A look at one name takes microseconds on a disk and milliseconds on a network drive. One that takes longer than this may
/// never come back.
const STALLED_AFTER: Duration = Duration::from_secs(2);
/// While it takes longer than this, the loop does not touch the source's files: it would wait as well.
const HESITATES_AFTER: Duration = Duration::from_millis(50);

/// What lies in the folders of a source. A source that goes and comes back is another one.
#[derive(Debug)]
pub struct Looked {
    pub source: u64,
    pub found: Found,
    /// Whether some of it lies on a drive that may not answer one day.
    pub is_elsewhere: bool,
}

/// A look that is under way, as the loop sees it.
#[derive(Debug, Clone, Copy)]
struct Looking {
    /// Steps taken before it began, and as last seen.
    begun: u64,
    steps: u64,
    /// When they were first seen to be so many.
    at: Instant,
}

/// What is to be known of a look that has come to its end.
pub struct TookBack {
    /// Paths that the loop has looked at by itself meanwhile: it knows better.
    pub meanwhile: HashSet<PathBuf>,
    /// Whether to look once more.
    pub again: bool,
    /// Whether the source has other folders by now.
    pub is_outdated: bool,
}

/// The loop's side.
pub struct Looker {
    orders: Sender<discover::Options>,
    heard: Heard,
    steps: Arc<AtomicU64>,
    looking: Option<Looking>,
    /// Whether it is to look once more after that.
    again: bool,
    /// As in [`TookBack`].
    meanwhile: HashSet<PathBuf>,
    /// Whether it is for other folders by now.
    is_outdated: bool,
    /// Whether it has ever come to an end.
    has_looked: bool,
    is_elsewhere: bool,
    is_stalled: bool,
    answers: bool,
}

impl Looker {
    /// Starts the thread, which ends with what is returned, or never where it waits for ever.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn start(source: u64, name: &Arc<str>, events: &Sender<Event>) -> io::Result<Self> {
        let (orders, ordered) = mpsc::channel();
        let (heard, steps) = (Heard::default(), Arc::new(AtomicU64::new(0)));
        let sight = Sight::new(Arc::clone(name), Arc::clone(&steps));
        let (events, noted) = (events.clone(), heard.clone());
        thread::Builder::new()
            .name(format!("looking {source}"))
            .spawn(move || sight.run(source, &ordered, &events, noted))?;
        Ok(Self {
            orders,
            heard,
            steps,
            looking: None,
            again: false,
            meanwhile: HashSet::new(),
            is_outdated: false,
            has_looked: false,
            is_elsewhere: true,
            is_stalled: false,
            answers: false,
        })
    }

    /// Has the folders looked through, as soon as that can be.
    pub fn look_through(&mut self, options: &discover::Options, now: Moment) {
        if self.looking.is_some() {
            self.again = true;
        } else if self.orders.send(options.clone()).is_ok() {
            let steps = self.steps.load(Relaxed);
            self.looking = Some(Looking { begun: steps, steps, at: now.steady });
            self.answers = false;
        }
    }

    /// The source has other folders from now on.
    pub fn reconfigured(&mut self) {
        self.is_outdated = self.looking.is_some();
    }

    /// The folders have been looked through.
    pub fn took_back(&mut self, is_elsewhere: bool) -> TookBack {
        let is_outdated = std::mem::take(&mut self.is_outdated);
        (self.looking, self.answers, self.is_elsewhere) = (None, true, is_elsewhere);
        self.has_looked |= !is_outdated;
        TookBack {
            meanwhile: std::mem::take(&mut self.meanwhile),
            again: std::mem::take(&mut self.again) || is_outdated,
            is_outdated,
        }
    }

    /// What changed since this was last asked.
    pub fn take_touched(&self) -> Touched {
        self.heard.take()
    }

    /// The loop looks at this path by itself.
    pub fn note(&mut self, path: &Path) {
        if self.looking.is_some() {
            self.meanwhile.insert(path.to_path_buf());
        }
    }

    /// Whether the folders are being looked through.
    pub fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Whether the folders were not yet looked through, and may soon have been.
    pub fn is_awaited(&self) -> bool {
        !self.has_looked && !self.is_stalled
    }

    /// Whether the source's files can be touched without waiting, as of [`Looker::sees`]: no look is under way, or it goes on.
    pub fn answers(&self) -> bool {
        self.answers
    }

    /// Whether some of its files lie on a drive that may not answer one day; until it has looked, any may.
    pub fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Whether the system does not answer, as of [`Looker::sees`].
    pub fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// Sees whether the look goes on; whether that is news.
    pub fn sees(&mut self, now: Moment) -> bool {
        let steps = self.steps.load(Relaxed);
        let since = self.looking.as_mut().map_or(Duration::ZERO, |looking| {
            if looking.steps != steps {
                (looking.steps, looking.at) = (steps, now.steady);
            }
            now.since(looking.at)
        });
        self.answers = self.looking.is_none_or(|looking| looking.begun != steps) && since < HESITATES_AFTER;
        let is_stalled = since >= STALLED_AFTER;
        std::mem::replace(&mut self.is_stalled, is_stalled) != is_stalled
    }
}

/// The thread's side.
struct Sight {
    name: Arc<str>,
    steps: Arc<AtomicU64>,
    /// What was said of folders that are not watched. It is said once.
    said: HashSet<&'static str>,
    /// Whether the look under way came to a drive elsewhere.
    is_elsewhere: bool,
}

impl Sight {
    fn new(name: Arc<str>, steps: Arc<AtomicU64>) -> Self {
        Self { name, steps, said: HashSet::new(), is_elsewhere: false }
    }

    fn run(
        mut self,
        source: u64,
        orders: &Receiver<discover::Options>,
        events: &Sender<Event>,
        heard: Heard,
    ) {
        let wake = events.clone();
        let watch = Watch::new(heard, move || {
            // A loop that has ended needs no waking.
            let _ = wake.send(Event::Touched(source));
        });
        let source_name = &self.name;
        if let Err(error) = &watch {
            warn!(source = %source_name, %error, "inotify is not available; files are polled at every rescan");
        }
        let mut watch = watch.ok();
        for options in orders {
            self.is_elsewhere = false;
            let found = options.scan_telling(&mut |step| {
                self.steps.fetch_add(1, Relaxed);
                if let Step::Folder(folder, metadata) = step {
                    self.watch(watch.as_mut(), folder, metadata);
                }
            });
            watch.iter_mut().for_each(Watch::end_of_walk);
            let looked = Looked { source, found, is_elsewhere: self.is_elsewhere };
            if events.send(Event::Looked(Box::new(looked))).is_err() {
                return;
            }
        }
    }

    fn watch(&mut self, watch: Option<&mut Watch>, folder: &Path, metadata: &Metadata) {
        let (source, shown) = (&self.name, folder.display());
        if let Some(name) = filesystem::elsewhere(folder) {
            self.is_elsewhere = true;
            if self.said.insert(name) {
                let reason = format!("the system gives no word of changes on {name}");
                info!(%source, folder = %shown, reason, "polled: looked through at every rescan");
            }
        } else if let Some(Err(reason)) = watch.map(|watch| watch.folder(folder, metadata))
            && self.said.insert("")
        {
            warn!(%source, folder = %shown, %reason, "cannot watch; new files there are found at every rescan");
        }
    }
}
