//! Which file is which: what stays the same when its name changes, and what changes when its content does.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use xxhash_rust::xxh3::xxh3_64;

/// Device and inode: one file under whatever name, until it is removed and its number given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl FileId {
    /// The identity of the file with this metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// How many bytes before a position are remembered.
const MARK_BYTES: usize = 4096;

/// A hash of the bytes just before a position: whether they are still the same tells a file that grew from one
/// that was written anew, also when it is already longer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Offset in the file that the mark ends at, in bytes.
    pub end: u64,
    hash: u64,
}

impl Mark {
    /// The mark of what `file` holds before `end`.
    pub fn at(file: &File, end: u64) -> io::Result<Self> {
        let length = usize::try_from(end).unwrap_or(MARK_BYTES).min(MARK_BYTES);
        let mut bytes = [0; MARK_BYTES];
        file.read_exact_at(&mut bytes[..length], end - length as u64)?;
        Ok(Self { end, hash: xxh3_64(&bytes[..length]) })
    }

    /// Whether `file` still holds the same bytes there.
    pub fn holds(&self, file: &File) -> io::Result<bool> {
        match Self::at(file, self.end) {
            Ok(now) => Ok(now == *self),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
