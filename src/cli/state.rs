//! `cdr-exporter state`: looks after the durable store while no daemon uses it.

mod forget;
mod import;
mod lines;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use self::import::import;
use self::lines::LineError;
use super::{Exit, counted, one_or_more};
use crate::ledger::store::{self, FILE, Row, Storage, Store, StoreError};
use crate::{clock, config};

/// Check, export, import, thin out or set aside what was counted
#[derive(Debug, Args)]
#[command(after_help = "Examples, each while the daemon is stopped:
  cdr-exporter state verify --storage.path /var/lib/cdr-exporter
  cdr-exporter state export --storage.path /var/lib/cdr-exporter > ledger.jsonl
  cdr-exporter state import --storage.path /var/lib/cdr-exporter --force \\
      < ledger.jsonl
  cdr-exporter state forget --storage.path /var/lib/cdr-exporter \\
      --trunk old-sbc.contoso.com
  cdr-exporter state reset --storage.path /var/lib/cdr-exporter

When serve says that the store is damaged, go one way:
  1. state verify says what is wrong with it.
  2. state export saves what it holds. If that fails, the store cannot be saved: put a copy of it from a backup in \
its place, or reset. Counters then begin at 0, which Prometheus takes for a restart, and the files that still \
exist are counted again from their beginning.
  3. Otherwise state reset, and state import of what was saved. A damaged number may have become another one: \
audit compares what was counted with the files that still exist.

verify, export and import say how much there is. A route is a trunk in one direction. It has a counter of failed calls for \
each cause and code pair, most of them at 0.

A reset deletes nothing: it moves the store aside. What forget takes away is gone.

Exit status: 0 done, 1 the store is damaged, the export cannot be imported or there is nothing to forget, 2 wrong \
usage, 64 bad config, 74 the store cannot be used.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check every page of the store and everything that it holds
    Verify(Folder),
    /// Write everything that the store holds to standard output, as JSON lines
    Export(Folder),
    /// Make a store of an export
    Import {
        #[command(flatten)]
        storage: Folder,
        /// The export; without it, standard input
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Take the place of the store that is there, which is moved aside
        #[arg(long)]
        force: bool,
    },
    /// Take series away for good: those of a trunk or source that is no more, or of codes outside the catalogue
    Forget(forget::Arguments),
    /// Move the store aside, so that the daemon begins with an empty one
    Reset(Folder),
}

#[derive(Debug, Args)]
struct Folder {
    /// Folder of the store
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = "data/")]
    path: PathBuf,
}

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
enum StateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}: {reason}", reason = crate::shown::refusal(.1))]
    Io(String, io::Error),
    #[error("{name}, line {line}: {error}. Nothing was changed", name = shown(.file.as_deref()))]
    Line { file: Option<PathBuf>, line: usize, error: LineError },
    #[error("{0}: there is a store already; `state reset` moves it aside, and so does --force")]
    There(PathBuf),
    #[error("{path}: the store is damaged: {reason}. {next}", path = .path.display())]
    Damaged { path: PathBuf, reason: String, next: String },
    #[error("the export cannot be used: {0}. Nothing was changed")]
    Export(String),
    #[error("{0}")]
    NothingToForget(String),
    #[error(transparent)]
    Config(#[from] config::ConfigError),
}

/// An export for people: its file, or where it comes in.
fn shown(file: Option<&Path>) -> String {
    file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string())
}

impl StateError {
    /// The same, of the export in this file.
    fn of(self, file: Option<&Path>) -> Self {
        match self {
            Self::Line { line, error, .. } => Self::Line { file: file.map(Path::to_path_buf), line, error },
            error => error,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Store(StoreError::Damaged { .. } | StoreError::Empty(_))
            | Self::Damaged { .. }
            | Self::Export(_)
            | Self::NothingToForget(_)
            | Self::Line { .. } => Exit::No,
            Self::Config(_) => Exit::BadConfig,
            Self::Store(_) | Self::Io(..) | Self::There(_) => Exit::Store,
        }
    }
}

/// Does what is asked, and says on standard error what was done.
pub fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.action {
        Action::Verify(Folder { path }) => verify(path),
        Action::Export(Folder { path }) => export(path),
        Action::Import { storage, file, force } => import(&storage.path, file.as_deref(), *force),
        Action::Forget(arguments) => forget::run(arguments),
        Action::Reset(Folder { path }) => reset(path),
    };
    let (message, exit) = match done {
        Ok(message) => (message, Exit::Ok),
        Err(error) => (error.to_string(), error.exit()),
    };
    super::say("state", message);
    exit
}

/// How much a store holds.
#[derive(Default)]
struct Tally {
    rows: [usize; store::Table::ALL.len()],
    ids: usize,
}

impl Tally {
    fn add(&mut self, row: Row<'_>) {
        match row {
            Row::Ready => {}
            Row::Text { table, .. } => self.rows[table as usize] += 1,
            Row::Ids { ids, .. } => self.ids += ids.len() / size_of::<u128>(),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = store::Table::ALL
            .into_iter()
            .filter_map(|table| Some((self.rows[table as usize], words(table)?)));
        let mut parts: Vec<String> = parts
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, (one, more))| one_or_more(rows as u64, one, more))
            .collect();
        parts.push(counted(self.ids as u64, "record id"));
        f.write_str(&parts.join(", "))
    }
}

/// What people call one row of a table, and several; `None` where nobody counts them.
fn words(table: store::Table) -> Option<(&'static str, &'static str)> {
    use store::Table::{
        Attempts, Commits, Failures, Files, History, HistorySeries, Replayed, Routes, Sources,
    };
    Some(match table {
        Sources => ("source", "sources"),
        Routes => ("route", "routes"),
        Failures => ("counter of failed calls", "counters of failed calls"),
        Attempts => ("call that waits for more attempts", "calls that wait for more attempts"),
        Files => ("file", "files"),
        Replayed => ("replayed record", "replayed records"),
        History => ("minute of history", "minutes of history"),
        HistorySeries | Commits => return None,
    })
}

fn verify(folder: &Path) -> Result<String, StateError> {
    let path = folder.join(FILE);
    let verified =
        Store::open_existing(folder, true).and_then(|mut store| Ok((store.layout()?, load(store)?)));
    let (layout, tally) = verified.map_err(|error| with_next(error, || save(&Storage(&path))))?;
    Ok(format!("{}: whole. Layout {layout}: {tally}", path.display()))
}

/// What to do about a damaged store, in the place of the advice to verify it.
fn with_next(error: StoreError, next: impl FnOnce() -> String) -> StateError {
    match error {
        StoreError::Damaged { path, reason } => StateError::Damaged { path, reason, next: next() },
        error => error.into(),
    }
}

/// How to go on with a damaged store. Whether it can be exported is not tried here: to open it so changes the file.
fn save(storage: &Storage<'_>) -> String {
    format!(
        "What it holds may still be whole. Save it:\n  cdr-exporter state export {storage} > ledger.jsonl\nIf that \
         fails, it says how to go on. If it does not, take what was saved in again:\n  cdr-exporter state reset \
         {storage}\n  cdr-exporter state import {storage} < ledger.jsonl\nA damaged number may have become another \
         one: `cdr-exporter audit` compares what was counted with the files that are still there"
    )
}

fn begin_anew(storage: &Storage<'_>) -> String {
    format!(
        "Put a copy of it from a backup in its place, or begin anew:\n  cdr-exporter state reset {storage}\nCounters \
         then begin at 0, which Prometheus takes for a restart, and the files that are still there are counted again"
    )
}

/// Reads a store as the daemon would.
fn load(mut store: Store) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    store.each(|row| {
        tally.add(row);
        Ok(())
    })?;
    // The options change nothing of what is read.
    config::defaults().ledger_of(store, clock::now())?;
    Ok(tally)
}

fn export(folder: &Path) -> Result<String, StateError> {
    // Without a check of the whole: what can be read of a damaged store is worth having.
    let path = folder.join(FILE);
    let anew = || {
        format!("What was written is not all of it and cannot be imported. {}", begin_anew(&Storage(&path)))
    };
    let mut store = Store::open_existing(folder, false).map_err(|error| with_next(error, anew))?;
    let mut tally = Tally::default();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut written = lines::begin(&mut out);
    let read = store.each(|row| {
        if written.is_ok() {
            written = lines::write(&mut out, row);
            tally.add(row);
        }
        Ok(())
    });
    if read.is_ok() && written.is_ok() {
        written = lines::end(&mut out);
    }
    match written.and_then(|()| out.flush()) {
        // A reader that goes away has no whole export either.
        Err(error) => return Err(StateError::Io("cannot write the export".to_owned(), error)),
        Ok(()) => read.map_err(|error| with_next(error, anew))?,
    }
    Ok(format!("exported {tally}"))
}

fn reset(folder: &Path) -> Result<String, StateError> {
    let store = folder.join(FILE);
    if !store.exists() {
        return Err(StoreError::Missing(store).into());
    }
    let lock = store::lock(folder)?;
    let refused = |error| StateError::Io(folder.display().to_string(), error);
    let name = name_aside("reset");
    // First: to open a store that is still there marks it as used again.
    store::mark_set_aside(&lock, &name).map_err(refused)?;
    let aside = move_aside(&store, &name)?;
    Ok(format!("the store is now {}; the daemon will begin with an empty one", aside.display()))
}

/// A name for the store after the time and what became of it.
fn name_aside(why: &str) -> String {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    format!("{FILE}.{why}-{time}")
}

/// Gives the store another name in its folder, and returns where that is.
fn move_aside(store: &Path, name: &str) -> Result<PathBuf, StateError> {
    let refused = |error| StateError::Io(store.display().to_string(), error);
    let aside = store.with_file_name(name);
    fs::rename(store, &aside).map_err(refused)?;
    let folder = store.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
    Ok(aside)
}
