//! Files read once from beginning to end, for the commands that look without watching.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::call::UnixMillis;
use crate::clock;
use crate::ledger::snapshot::{RecordCounts, Snapshot};
use crate::ledger::{Applied, Ledger, SourceIndex};
use crate::pipeline::Options;
use crate::reading::batch::{Rejected, wider};
use crate::reading::{self, Batch, Reading, Turn};
use crate::source::tail::TailError;

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// How much is read between two looks at the progress bar.
const STEP_BYTES: u64 = 16 * 1024 * 1024;

/// Reads files into a ledger of its own, which nothing else sees and nothing keeps.
pub struct Reader {
    ledger: Ledger,
    progress: ProgressBar,
}

impl Reader {
    /// A reader for these options, and the books of their sources. `bytes` are to be read in all; on a terminal, a
    /// bar shows how far it has come.
    pub fn new(options: &Options, bytes: u64) -> (Self, Vec<SourceIndex>) {
        let (ledger, sources) = options.ledger(clock::now());
        (Self { ledger, progress: progress(bytes) }, sources)
    }

    /// Reads one file to its end.
    ///
    /// # Errors
    /// Why it could not be opened or read on; what came before is in the ledger.
    pub fn read(
        &mut self,
        path: &Path,
        source: SourceIndex,
        options: reading::Options,
    ) -> Result<FileRead, (Option<Box<FileRead>>, TailError)> {
        let file = open(path).map_err(|error| (None, error.into()))?;
        // A pipe has none.
        let size = file.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
        let mut read = FileRead { reading: Reading::new(file, options), summary: Summary::default() };
        match self.read_all(&mut read, size, source) {
            Ok(()) => Ok(read),
            Err(error) => Err((Some(Box::new(read)), error)),
        }
    }

    fn read_all(
        &mut self,
        read: &mut FileRead,
        size: Option<u64>,
        source: SourceIndex,
    ) -> Result<(), TailError> {
        let context = self.ledger.context(source, clock::now(), false);
        let mut is_at_end = false;
        loop {
            let before = read.reading.tail.read_bytes();
            let expected = size.map(|size| size.saturating_sub(before));
            let turn = match is_at_end {
                false => read.reading.turn(&context, expected, STEP_BYTES),
                true => read.reading.finish(&context),
            };
            self.progress.inc(read.reading.tail.read_bytes() - before);
            if let Some(batch) = read.reading.take_batch() {
                let applied = self.ledger.apply(source, &batch);
                read.summary.add(&batch, applied);
            }
            match turn? {
                Turn::More => {}
                Turn::CaughtUp if is_at_end => return Ok(()),
                Turn::CaughtUp => is_at_end = true,
            }
        }
    }

    /// What was read.
    pub fn snapshot(mut self) -> Arc<Snapshot> {
        self.progress.finish_and_clear();
        Arc::new(self.ledger.snapshot(true))
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct FileRead {
    pub reading: Reading,
    pub summary: Summary,
}

/// What was found in one file, for people to look at.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub records: RecordCounts,
    /// End of the earliest and of the latest call.
    pub calls: Option<(UnixMillis, UnixMillis)>,
    /// The first few rejected records.
    pub rejected: Vec<Rejected>,
}

impl Summary {
    fn add(&mut self, batch: &Batch, applied: Applied) {
        let records = &mut self.records;
        records.counted += applied.counted;
        records.duplicate += applied.duplicate;
        records.header += batch.records.header;
        records.ignored += batch.records.ignored;
        records.rejected += batch.records.rejected;
        self.calls = self.calls.into_iter().chain(batch.calls.span).reduce(wider);
        self.rejected.extend_from_slice(&batch.rejected);
    }
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
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    if path.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    File::open(path)
}

/// A path for people to read.
pub fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(STANDARD_INPUT) => "standard input".to_owned(),
        _ => path.display().to_string(),
    }
}

/// The size of all these files together, as far as it can be told.
pub fn total_bytes<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> u64 {
    paths.into_iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}
