//! The one place where followed files are looked at on the disk.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::call::UnixMillis;
use crate::source::discover::is_absence;
use crate::source::identity::{FileId, Stamp};
use crate::source::open;

/// What a look shows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub size: u64,
    /// When its content was last changed, in nanoseconds.
    modified: i128,
    /// When anything about it was: a tool that sets the one back leaves a trace in the other.
    changed: i128,
    /// Whether it has a name anywhere.
    pub is_linked: bool,
}

impl Look {
    /// Nothing was seen yet: whatever is seen is other than this.
    pub const NONE: Self = Self { size: 0, modified: i128::MIN, changed: i128::MIN, is_linked: false };

    /// What this metadata shows.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            is_linked: metadata.nlink() > 0,
        }
    }

    /// What an open file shows.
    pub fn at_open(file: &File) -> io::Result<Self> {
        Ok(Self::of(&file.metadata()?))
    }

    /// What the file with this name shows, if it is the one meant.
    pub fn at_path(path: &Path, id: FileId) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(|metadata| FileId::of(metadata) == id)?;
        Some(Self::of(&metadata))
    }

    /// What to know it by after a restart.
    pub fn stamp(&self) -> Stamp {
        let of = |time: i128| i64::try_from(time).unwrap_or(i64::MIN);
        Stamp { size: self.size, modified: of(self.modified), changed: of(self.changed) }
    }

    /// Whether nobody touched the file for so long, by its own times.
    pub fn is_older_than(&self, age: Duration, now: UnixMillis) -> bool {
        let touched = self.modified.max(self.changed);
        (i128::from(now.0) * 1_000_000).saturating_sub(touched)
            >= i128::try_from(age.as_nanos()).unwrap_or(i128::MAX)
    }

    /// Whether a content of the same size was last written at the same time. A rename changes neither.
    pub fn is_as_written(&self, other: &Self) -> bool {
        (self.size, self.modified) == (other.size, other.modified)
    }

    /// Whether anything of the file itself changed; how many names it has is not of it.
    pub fn differs(&self, other: &Self) -> bool {
        (self.size, self.modified, self.changed) != (other.size, other.modified, other.changed)
    }
}

/// The nearest folder above this one that is there and can be gone through; `None` where that cannot be told.
pub fn nearest_above(folder: &Path) -> Option<&Path> {
    for above in folder.ancestors().skip(1) {
        match fs::read_dir(above) {
            Ok(_) => return Some(above),
            Err(error) if is_absence(&error) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The device that a folder is on.
pub fn device_of(folder: &Path) -> Option<u64> {
    folder.metadata().ok().map(|folder| folder.dev())
}

/// Opens a file, if it is the one meant.
pub fn open(path: &Path, id: FileId) -> io::Result<File> {
    let file = open::open(path)?;
    // When another file took the name since it was seen, the next look finds it.
    if FileId::of(&file.metadata()?) == id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn what_took_the_place_of_a_file_since_it_was_looked_at_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "x").unwrap();
        let id = FileId::of(&path.metadata().unwrap());
        assert!(open(&path, id).is_ok());
        fs::rename(&path, folder.path().join("old")).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
        let fifo = FileId::of(&path.metadata().unwrap());
        // The FIFO may have the inode of a file that is no more.
        for seen in [id, fifo] {
            let refused = open(&path, seen).expect_err("a FIFO");
            assert_eq!(refused.to_string(), "a FIFO is here, not a regular file");
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, "y").unwrap();
        assert_eq!(open(&path, id).expect_err("another").kind(), io::ErrorKind::NotFound);
    }
}
