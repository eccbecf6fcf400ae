//! The durable store: one redb file in a folder of its own, changed in one transaction for each commit.
//!
//! It keeps rows of text and batches of record ids and knows what neither means. Its layout is a number in the table
//! `meta`; a change of a table, a key or a value is a new layout.

mod error;
mod file;
mod place;

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;

use redb::{Database, TableDefinition};

use crate::source::identity::FileId;
pub use error::{Storage, StoreError};
use place::check_folder;
pub use place::{Before, before, lock, make_folder, mark_set_aside, mark_used, remove_if_unused};

/// The layout that this version writes, and the newest that it reads. The first change raises an older one to it, in the
/// same transaction.
///
/// 1. The first: no tables `replayed` and `commits`; files without lineage, records and decision.
/// 2. Keys are lists: `["teams","sbc1.contoso.com","inbound"]`.
/// 3. Keys are objects: `{"source":"teams","trunk":"sbc1.contoso.com","direction":"inbound"}`.
/// 4. With the tables `attempts`, `history_series` and `history`.
pub const LAYOUT: u64 = 4;

/// The file, in the folder that the operator names.
pub const FILE: &str = "ledger.redb";

/// Pages that redb keeps in memory: the ledger reads everything once, at the start.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const IDS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("ids");

/// A table of texts by texts; both are JSON, but for the keys of `Sources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Sources,
    Routes,
    Failures,
    /// Calls of which more attempts may come.
    Attempts,
    Files,
    /// Rejected records that were counted later.
    Replayed,
    /// How commits went.
    Commits,
    /// Numbers of the series in `History`.
    HistorySeries,
    /// Calls by minute.
    History,
}

impl Table {
    /// In the order in which they are read: a row refers only to rows before it.
    pub const ALL: [Self; 9] = [
        Self::Sources,
        Self::Routes,
        Self::Failures,
        Self::Attempts,
        Self::Files,
        Self::Replayed,
        Self::Commits,
        Self::HistorySeries,
        Self::History,
    ];

    /// Its name in the store and in an export.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Routes => "routes",
            Self::Failures => "failures",
            Self::Attempts => "attempts",
            Self::Files => "files",
            Self::Replayed => "replayed",
            Self::Commits => "commits",
            Self::HistorySeries => "history_series",
            Self::History => "history",
        }
    }

    /// Whether the first layout did not have it.
    fn is_younger(self) -> bool {
        matches!(self, Self::Attempts | Self::Replayed | Self::Commits | Self::HistorySeries | Self::History)
    }

    fn definition(self) -> TableDefinition<'static, &'static str, &'static str> {
        TableDefinition::new(self.name())
    }
}

/// What one transaction changes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Whether the files present at the very first start are read from now on.
    pub ready: bool,
    /// Rows by key; without a value the row goes.
    pub rows: Vec<(Table, String, Option<String>)>,
    /// Batches of ids by source and number; without ids the batch goes.
    pub ids: Vec<(String, u64, Option<Vec<u8>>)>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        !self.ready && self.rows.is_empty() && self.ids.is_empty()
    }
}

/// One thing that the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row<'r> {
    /// The files present at the very first start are read.
    Ready,
    Text {
        table: Table,
        key: &'r str,
        value: &'r str,
    },
    Ids {
        source: &'r str,
        number: u64,
        ids: &'r [u8],
    },
}

/// An open store. Nobody else can open it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Which file that was when it was opened: no other may get what belongs to it.
    file: FileId,
    /// `None` after a failure: redb wants a file that failed it to be opened again.
    database: Option<Database>,
    _lock: File,
}

impl Store {
    /// Opens the store of this folder, and makes both where they are missing.
    ///
    /// # Errors
    /// When it is in use, damaged, newer than this program, or when the system refuses.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let refused = |error: io::Error| StoreError::refused(folder, error);
        make_folder(folder)?;
        let lock = lock(folder)?;
        let path = folder.join(FILE);
        if !path.try_exists().map_err(refused)? {
            // Made under another name: a crash must not leave half a store.
            let new = folder.join(format!("{FILE}.new"));
            remove_if_there(&new).map_err(refused)?;
            drop(guarded(&new, || file::create(&new, CACHE_BYTES))?);
            fs::rename(&new, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(refused)?;
        }
        Self::open_file(path, true, lock)
    }

    /// Opens a store that must be there; with `check`, every page is read and its checksum compared.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when there is none.
    pub fn open_existing(folder: &Path, check: bool) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        check_folder(folder)?;
        if !path.is_file() {
            return Err(StoreError::Missing(path));
        }
        Self::open_file(path, check, lock(folder)?)
    }

    fn open_file(path: PathBuf, check: bool, lock: File) -> Result<Self, StoreError> {
        let metadata = path.metadata().map_err(|error| StoreError::refused(&path, error))?;
        // Stores of earlier versions are without a mark. On a full disk it is tried again at the next start.
        let _ = mark_used(&lock);
        if metadata.len() == 0 {
            return Err(StoreError::Empty(path));
        }
        let database = guarded(&path, || file::open(&path, CACHE_BYTES, check))?;
        Ok(Self { path, file: FileId::of(&metadata), database: Some(database), _lock: lock })
    }

    /// Hands over everything that the store holds, as the newest layout has it: first the rows, table by table, then the
    /// ids of each source in the order in which they were stored.
    ///
    /// # Errors
    /// When it cannot be read, and when `take` says why it cannot use a row; the store is then damaged.
    pub fn each(&mut self, mut take: impl FnMut(Row<'_>) -> Result<(), String>) -> Result<(), StoreError> {
        self.with_database(|path, database| {
            file::each(database, &mut take).map_err(|failure| failure.at(path))
        })
    }

    /// The layout that it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn layout(&mut self) -> Result<u64, StoreError> {
        self.with_database(file::known_layout)
    }

    /// One batch of ids; `None` when there is none of this number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ids(&mut self, source: &str, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.with_database(|path, database| {
            file::ids(database, source, number).map_err(|error| StoreError::of_redb(path, error))
        })
    }

    /// Makes these changes, all or none; when it returns they outlast a crash. What is written are whole values:
    /// the same changes may be made again when it is not known whether they were.
    ///
    /// # Errors
    /// When the system refuses. The next call tries again from the beginning.
    pub fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        self.with_database(|path, database| {
            file::write(database, changes).map_err(|failure| failure.at(path))
        })
    }

    fn with_database<T>(
        &mut self,
        work: impl FnOnce(&Path, &Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_place()?;
        let (path, database) = (&self.path, self.database.take());
        let (done, database) = guarded(path, || {
            let database = database.map_or_else(|| file::open(path, CACHE_BYTES, false), Ok)?;
            Ok((work(path, &database)?, database))
        })?;
        self.database = Some(database);
        Ok(done)
    }

    /// What is written to a file that has lost its name is lost with the process.
    fn check_place(&self) -> Result<(), StoreError> {
        match self.path.metadata() {
            Ok(metadata) if FileId::of(&metadata) == self.file => Ok(()),
            Ok(_) => Err(StoreError::Gone(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Gone(self.path.clone())),
            Err(error) => Err(StoreError::refused(&self.path, error)),
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

thread_local! {
    /// Whether this thread is in [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// redb promises errors for a damaged file, and has panicked on some all the same: that is damage too, and is said as
/// such; where in redb it was helps no operator.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match GUARDED.get() {
            true => tracing::debug!(%panic, "the store cannot be read"),
            false => usual(panic),
        }));
    });
    let before = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    done.unwrap_or_else(|_| Err(StoreError::damaged(path, "a part of it cannot be read")))
}

#[cfg(test)]
pub(super) mod tests;
