//! The folder of a store: made where it is missing, held by one process at a time, and asked whether a store was lost from it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{FILE, StoreError};
use crate::source::open::not_regular;

/// Held for as long as the store is in use, also while the file is closed between two attempts. Its first line is a mark:
/// what became of the store. It is empty until a store was made.
const LOCK: &str = "ledger.lock";

const USED: &str = "used";
const SET_ASIDE: &str = "set aside: ";

/// What became of the store of a folder that has none.
#[derive(Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none.
    Nothing,
    /// There was one.
    Used,
    /// `state reset` moved it there.
    SetAside(PathBuf),
}

/// What became of the store of this folder.
pub fn before(folder: &Path) -> Before {
    let text = fs::read_to_string(folder.join(LOCK)).unwrap_or_default();
    let mark = text.lines().next().unwrap_or_default();
    match mark.strip_prefix(SET_ASIDE) {
        Some(name) => Before::SetAside(folder.join(name)),
        None if mark == USED => Before::Used,
        None => Before::Nothing,
    }
}

/// Notes in the lock that there is a store.
///
/// # Errors
/// When the system refuses.
pub fn mark_used(lock: &File) -> io::Result<()> {
    mark(lock, USED)
}

/// Notes in the lock that the store has this name from now on, until there is another one.
///
/// # Errors
/// When the system refuses.
pub fn mark_set_aside(lock: &File, name: &str) -> io::Result<()> {
    mark(lock, &format!("{SET_ASIDE}{name}"))
}

/// One write, and only the first line counts: a crash leaves this mark or the one before. It outlasts a loss of power: an
/// outdated mark would call a lost store one that was set aside.
fn mark(lock: &File, mark: &str) -> io::Result<()> {
    let mark = format!("{mark}\n");
    let mut known = vec![0; mark.len()];
    if lock.read_exact_at(&mut known, 0).is_ok() && known == mark.as_bytes() {
        return Ok(());
    }
    lock.write_all_at(mark.as_bytes(), 0)?;
    lock.set_len(mark.len() as u64)?;
    lock.sync_all()
}

/// Takes the lock away, as long as it is held, where no store was ever made.
pub fn remove_if_unused(folder: &Path, _held: &File) {
    if before(folder) == Before::Nothing && !folder.join(FILE).exists() {
        let _ = fs::remove_file(folder.join(LOCK));
    }
}

/// Whether this is a folder, or can be made one.
///
/// # Errors
/// When it, or what it is to be in, is something else.
pub fn check_folder(folder: &Path) -> Result<(), StoreError> {
    let there = folder.ancestors().find_map(|path| Some((path, path.symlink_metadata().ok()?)));
    let Some((path, _)) = there else { return Ok(()) };
    let what = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(metadata) => not_regular(metadata.file_type()).unwrap_or("a file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "a link that leads to nothing",
        Err(error) => return Err(StoreError::refused(path, error)),
    };
    Err(StoreError::NoFolder { path: path.to_path_buf(), what })
}

/// Makes the folder of a store where it is missing; only its owner may look inside. Returns the folders that were made,
/// the innermost first.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    check_folder(folder)?;
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<PathBuf> = folder.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
        // A new folder outlasts a loss of power once the one above it is on the disk, if that can be told to be.
        let made = folder.canonicalize()?;
        let above = made.ancestors().skip(1).take(missing.len());
        above.filter_map(|above| File::open(above).ok()).try_for_each(|above| above.sync_all())
    });
    made.map(|()| missing).map_err(|error| StoreError::refused(folder, error))
}

/// Keeps others out of a folder until it is dropped.
///
/// # Errors
/// When another holds it, and when the system refuses.
pub fn lock(folder: &Path) -> Result<File, StoreError> {
    let refused = |error: io::Error| StoreError::refused(folder, error);
    let mut tries = 0..3;
    loop {
        let file =
            File::options().create(true).truncate(false).read(true).write(true).open(folder.join(LOCK));
        let file = file.map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.join(FILE))),
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
        // Whoever held it may have taken it away: a file without a name keeps nobody out. Some file systems count no names.
        if file.metadata().map_err(refused)?.nlink() > 0 || tries.next().is_none() {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    #[test]
    fn only_a_store_that_was_there_can_be_missed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let found = || before(folder.path());
        let held = || lock(folder.path()).unwrap();
        assert_eq!(found(), Before::Nothing, "an empty folder");
        drop(held());
        assert_eq!(found(), Before::Nothing, "no store was made");
        drop(Store::open(folder.path()).unwrap());
        assert_eq!(found(), Before::Used);
        mark_set_aside(&held(), "ledger.redb.reset-1").unwrap();
        fs::rename(at(FILE), at("ledger.redb.reset-1")).unwrap();
        assert_eq!(found(), Before::SetAside(at("ledger.redb.reset-1")));
        drop(Store::open(folder.path()).unwrap());
        fs::remove_file(at(FILE)).unwrap();
        assert_eq!(found(), Before::Used, "another one was made since");
        // The lock of an earlier version, beside its store.
        fs::write(at(LOCK), "").unwrap();
        fs::rename(at("ledger.redb.reset-1"), at(FILE)).unwrap();
        drop(Store::open_existing(folder.path(), false).unwrap());
        assert_eq!(found(), Before::Used);
    }

    #[test]
    fn a_lock_that_was_taken_away_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        remove_if_unused(folder.path(), &first);
        let second = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(StoreError::InUse(_))));
        mark_used(&second).unwrap();
        remove_if_unused(folder.path(), &second);
        assert_eq!(before(folder.path()), Before::Used, "a lock with a mark stays");
    }
}
