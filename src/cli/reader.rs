//! Files read once from beginning to end, for the commands that look without watching.

mod summary;

pub use self::summary::Summary;

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};

use super::texts::text_at;
use crate::call::RecordId;
use crate::clock;
use crate::format::names::Names;
use crate::format::table;
use crate::ledger::snapshot::Snapshot;
use crate::ledger::{Ledger, SourceIndex};
use crate::pipeline::Options;
use crate::reading::listing::{Listed, Listing, newest};
use crate::reading::origins::Origins;
use crate::reading::overlap::{Overlap, Twice};
use crate::reading::{self, Batch, Context, Reading, Turn};
use crate::source::archive::WORKBOOK;
use crate::source::open;
use crate::source::tail::TailError;

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// How much is read between two looks at the progress bar.
const STEP_BYTES: u64 = 16 * 1024 * 1024;

/// How many batches may wait to be counted for each thread: reading then bounds itself by counting.
const WAITING_BATCHES: usize = 4;

/// Reads files into a ledger of its own, which nothing else sees and nothing keeps.
pub struct Reader {
    ledger: Ledger,
    overlap: Overlap,
    origins: Origins,
    progress: ProgressBar,
    threads: usize,
    listing: Option<Arc<Listing>>,
    listed: Vec<ListedIn>,
    /// Of each call of several records the attempt that decides it.
    listed_attempts: HashMap<RecordId, ListedIn>,
}

/// A call, and the place of its file among those that were read.
#[derive(Debug, Clone)]
pub struct ListedIn {
    pub place: usize,
    pub call: Listed,
}

/// What became of a file: why it could not be opened or read to its end, with what came before.
pub type Outcome = Result<FileRead, (Option<Box<FileRead>>, TailError)>;

/// What a thread tells of a file, by its place among them.
enum Told {
    Batch(usize, Box<Batch>),
    Ended(usize, Result<Box<Reading>, (Option<Box<Reading>>, TailError)>),
}

impl Reader {
    /// A reader for these options, and the books of their sources. `bytes` are to be read in all; on a terminal, a
    /// bar shows how far it has come. Reads by so many threads; counting is done by the one that calls.
    pub fn new(options: &Options, bytes: u64, threads: usize) -> (Self, Vec<SourceIndex>) {
        let (ledger, sources) = options.ledger(clock::now());
        let progress = progress(bytes);
        (
            Self {
                ledger,
                overlap: Overlap::default(),
                origins: Origins::default(),
                progress,
                threads: threads.max(1),
                listing: None,
                listed: Vec::new(),
                listed_attempts: HashMap::new(),
            },
            sources,
        )
    }

    /// Lists calls one by one, too.
    pub fn list(&mut self, listing: Listing) {
        self.listing = Some(Arc::new(listing));
    }

    /// The calls that were listed, newest first.
    pub fn take_listed(&mut self) -> Vec<ListedIn> {
        if let Some(listing) = &self.listing {
            let decided = self.listed_attempts.drain().map(|(_, listed)| listed);
            let is_meant = |it: &ListedIn| (listing.is_meant)(&it.call.labels, it.call.ended_at);
            self.listed.extend(decided.filter(is_meant));
            newest(&mut self.listed, listing.limit, |listed| &listed.call);
        }
        std::mem::take(&mut self.listed)
    }

    /// Notes the calls of a batch that are to be listed.
    fn note_listed(&mut self, place: usize, batch: &mut Batch) {
        let listed = std::mem::take(&mut batch.listed);
        if let (Some(listing), false) = (&self.listing, listed.is_empty()) {
            self.listed.extend(listed.into_iter().map(|call| ListedIn { place, call }));
            newest(&mut self.listed, listing.limit, |listed| &listed.call);
        }
        for call in std::mem::take(&mut batch.listed_attempts) {
            let before = self.listed_attempts.get(&call.id);
            if before.is_none_or(|before| call.tried().decides(before.call.tried())) {
                self.listed_attempts.insert(call.id, ListedIn { place, call });
            }
        }
    }

    /// Reads files to their ends, several at a time, and one by several threads where there are more threads than files.
    /// What they hold is counted in the order of each file. Returns what became of each, in their order.
    pub fn read(
        &mut self,
        paths: &[PathBuf],
        source: SourceIndex,
        options: reading::Options,
    ) -> Vec<Outcome> {
        let listing = self.listing.clone();
        let context = self.ledger.context(source, clock::now(), false);
        let context = Context {
            listing,
            keeps_exemplars: false,
            notes_origins: true,
            keeps_families: options.keeps_detail,
            ..context
        };
        let readers = self.threads.min(paths.len());
        let threads_each = self.threads / readers.max(1);
        let (told, tells) = mpsc::sync_channel(WAITING_BATCHES * self.threads);
        let next = AtomicUsize::new(0);
        let mut summaries = vec![Summary::default(); paths.len()];
        let mut outcomes: Vec<Option<Outcome>> = paths.iter().map(|_| None).collect();
        let progress = self.progress.clone();
        thread::scope(|scope| {
            for _ in 0..readers {
                let (told, next, context, progress) = (told.clone(), &next, &context, &progress);
                scope.spawn(move || {
                    while let Some(place) =
                        Some(next.fetch_add(1, Relaxed)).filter(|place| *place < paths.len())
                    {
                        let mut file =
                            OneFile { place, told: &told, context, progress, threads: threads_each };
                        let ended = file.read(&paths[place], options);
                        // Nobody listens once the program ends.
                        let _ = told.send(Told::Ended(place, ended));
                    }
                });
            }
            drop(told);
            for told in tells {
                match told {
                    Told::Batch(place, mut batch) => {
                        self.note_listed(place, &mut batch);
                        self.overlap.add(&batch);
                        self.origins.add(&batch.origins);
                        let applied = self.ledger.apply(source, &batch);
                        summaries[place].add(&batch, applied);
                    }
                    Told::Ended(place, ended) => {
                        let summary = std::mem::take(&mut summaries[place]);
                        let read = |reading: Box<Reading>| FileRead { reading: *reading, summary };
                        outcomes[place] = Some(match ended {
                            Ok(reading) => Ok(read(reading)),
                            Err((reading, error)) => Err((reading.map(|it| Box::new(read(it))), error)),
                        });
                    }
                }
            }
        });
        outcomes.into_iter().flatten().collect()
    }

    /// The formats that seem to bring the same calls.
    pub fn twice(&self) -> Option<Twice> {
        self.overlap.twice()
    }

    /// Where the Microsoft codes of failed calls come from.
    pub fn take_origins(&mut self) -> Origins {
        std::mem::take(&mut self.origins)
    }

    /// As [`Ledger::trunks_seen`].
    pub fn trunks_seen(&self, source: SourceIndex) -> BTreeSet<String> {
        self.ledger.trunks_seen(source)
    }

    /// As [`Ledger::proposed_trunks`].
    pub fn proposed_trunks(&self, source: SourceIndex) -> BTreeSet<String> {
        self.ledger.proposed_trunks(source)
    }

    /// What was read.
    pub fn snapshot(mut self) -> Arc<Snapshot> {
        self.progress.finish_and_clear();
        self.ledger.decide_all_attempts(clock::now());
        Arc::new(self.ledger.snapshot(true))
    }
}

/// Reads one file.
struct OneFile<'r> {
    place: usize,
    told: &'r SyncSender<Told>,
    context: &'r Context,
    progress: &'r ProgressBar,
    threads: usize,
}

impl OneFile<'_> {
    fn read(
        &mut self,
        path: &Path,
        options: reading::Options,
    ) -> Result<Box<Reading>, (Option<Box<Reading>>, TailError)> {
        let file = open(path).map_err(|error| (None, error.into()))?;
        // A pipe has none.
        let size = file.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
        let mut reading = Box::new(Reading::new(file, options));
        let ended = self.read_all(&mut reading, size);
        // What it says of the file is kept, not its descriptor and buffers.
        reading.rest();
        reading.tail.close();
        match ended {
            Ok(()) => Ok(reading),
            Err(error) => Err((Some(reading), error)),
        }
    }

    fn read_all(&mut self, reading: &mut Reading, size: Option<u64>) -> Result<(), TailError> {
        let mut is_at_end = false;
        loop {
            let before = reading.tail.read_bytes();
            let expected = size.map(|size| size.saturating_sub(before));
            let parts = match is_at_end {
                false => reading.read_in_parts(self.context, expected.unwrap_or_default(), self.threads),
                true => None,
            };
            let turn = match parts {
                Some(batches) => {
                    // What was read before stands before it.
                    reading.take_batch().into_iter().chain(batches).for_each(|batch| self.tell(batch));
                    Ok(Turn::More)
                }
                None if is_at_end => reading.finish(self.context),
                None => reading.turn(self.context, expected, STEP_BYTES),
            };
            self.progress.inc(reading.tail.read_bytes().saturating_sub(before));
            // That a turn was over is no reason to begin another batch, which would have each label set anew.
            if reading.is_full() || !matches!(turn, Ok(Turn::More)) {
                reading.take_batch().into_iter().for_each(|batch| self.tell(batch));
            }
            match turn? {
                Turn::More => {}
                Turn::CaughtUp if is_at_end => {
                    return reading.tail.cut().map_or(Ok(()), |cut| Err(cut.into()));
                }
                Turn::CaughtUp => is_at_end = true,
            }
        }
    }

    fn tell(&self, batch: Batch) {
        // Nobody listens once the program ends.
        let _ = self.told.send(Told::Batch(self.place, Box::new(batch)));
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct FileRead {
    pub reading: Reading,
    pub summary: Summary,
}

/// As many threads as there are cores.
pub fn all_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A bar for so many bytes, shown on a terminal only.
pub fn progress(bytes: u64) -> ProgressBar {
    let progress = if io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    progress
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new(STANDARD_INPUT) {
        return standard_input();
    }
    open::open(path)
}

/// Standard input from where it stands. Who has it before us may have read some of a file; what is left of that is handed
/// on as a pipe would.
fn standard_input() -> io::Result<File> {
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if !file.stream_position().is_ok_and(|position| position > 0) {
        return Ok(file);
    }
    let (reader, mut writer) = io::pipe()?;
    // It ends with the file, or when nobody reads any more.
    thread::spawn(move || io::copy(&mut file, &mut writer));
    Ok(File::from(OwnedFd::from(reader)))
}

/// Why a file is not read, and what to mend in it, if that is known.
pub fn unrecognised(path: &Path, reading: &Reading, names: Names) -> Option<(&'static str, Option<String>)> {
    let why = reading.unrecognised()?;
    let archive = reading.encoding().and_then(|encoding| encoding.archive);
    let hint = match archive {
        Some(WORKBOOK) => Some("of a workbook, the first worksheet with anything in it is read".to_owned()),
        _ => header_hint(path, names),
    };
    Some((why, hint))
}

/// What to mend in the header of a table that is not recognised, or whose rows lack what decides.
pub fn header_hint(path: &Path, names: Names) -> Option<String> {
    table::hint(&text_at(path, 0)?, names)
}

/// A path for people to read.
pub fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(STANDARD_INPUT) => "standard input".to_owned(),
        _ => crate::shown::path(path),
    }
}

/// The size of all these files together, as far as it can be told.
pub fn total_bytes<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> u64 {
    paths.into_iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}
