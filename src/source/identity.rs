//! Which file is which: what stays the same when its name changes, and what changes when its content does.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

use xxhash_rust::xxh3::xxh3_64;

use super::blocks;

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

/// When a file of which all is known was last written: as long as a look shows the same, nothing has changed. Times in
/// nanoseconds since 1970; `changed` also tells of a tool that set `modified` back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub size: u64,
    pub modified: i64,
    pub changed: i64,
}

/// How many bytes before a position are remembered.
pub const MARK_BYTES: usize = 4096;

/// A hash of the bytes just before a position: whether they are still the same tells a file that grew from one
/// that was written anew, also when it is already longer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Offset that the mark ends at, in bytes.
    pub end: u64,
    /// How many bytes it covers.
    pub length: usize,
    pub hash: u64,
}

impl Mark {
    /// The mark at `position` of the text that begins at `text_at` of `file`.
    pub fn in_file(file: &File, text_at: u64, position: u64) -> io::Result<Self> {
        let length = usize::try_from(position).unwrap_or(MARK_BYTES).min(MARK_BYTES);
        Self::of_file(file, position, text_at + position, length)
    }

    /// The mark at `end` of a text of which `before` is the end, or all.
    pub fn of_text(before: &[u8], end: u64) -> Self {
        let before = &before[before.len().saturating_sub(MARK_BYTES)..];
        Self { end, length: before.len(), hash: xxh3_64(before) }
    }

    /// The mark at `end` of `file`, if `known` still stands before it.
    pub fn behind(known: &[u8], file: &File, end: u64) -> io::Result<Option<Self>> {
        let length = usize::try_from(end).unwrap_or(MARK_BYTES).min(MARK_BYTES);
        let mut bytes = [0; MARK_BYTES];
        let bytes = &mut bytes[..length];
        file.read_exact_at(bytes, end - length as u64)?;
        Ok(bytes.ends_with(known).then(|| Self { end, length, hash: xxh3_64(bytes) }))
    }

    /// The same mark, with another end: where a file's text begins is where its offsets and the text's differ.
    pub fn at_end(self, end: u64) -> Self {
        Self { end, ..self }
    }

    /// Whether there are as many bytes in the mark as one ever has.
    pub fn is_whole(&self) -> bool {
        self.length == MARK_BYTES
    }

    /// Whether a text that has `before` in front of the mark's end, or less of it, is the one marked.
    pub fn ends(&self, before: &[u8]) -> bool {
        let length = self.length.min(MARK_BYTES);
        before.len() >= length && xxh3_64(&before[before.len() - length..]) == self.hash
    }

    /// Whether `file`, whose text begins at `text_at`, still holds the same bytes there.
    pub fn holds(&self, file: &File, text_at: u64) -> io::Result<bool> {
        self.holds_but(file, text_at, &[])
    }

    /// The same, where in `holes`, offsets of the text, anything may have been written since.
    pub fn holds_but(&self, file: &File, text_at: u64, holes: &[Range<u64>]) -> io::Result<bool> {
        match Self::of_file_but(file, self.end, text_at + self.end, self.length, holes) {
            Ok(now) => Ok(now == *self),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn of_file(file: &File, end: u64, file_end: u64, length: usize) -> io::Result<Self> {
        Self::of_file_but(file, end, file_end, length, &[])
    }

    fn of_file_but(
        file: &File,
        end: u64,
        file_end: u64,
        length: usize,
        holes: &[Range<u64>],
    ) -> io::Result<Self> {
        let mut bytes = [0; MARK_BYTES];
        let bytes = &mut bytes[..length.min(MARK_BYTES)];
        file.read_exact_at(bytes, file_end - bytes.len() as u64)?;
        blocks::blank(bytes, end - bytes.len() as u64, holes);
        Ok(Self { end, length, hash: xxh3_64(bytes) })
    }
}

/// Lengths at which the head of a text is hashed.
const HEAD_LENGTHS: [usize; 5] = [64, 128, 256, 512, 1024];

/// How many bytes the head of a text has at most.
pub const HEAD_BYTES: usize = HEAD_LENGTHS[HEAD_LENGTHS.len() - 1];

/// Hashes of the first bytes of a text behind its header, so that the beginning of a copy can be told from another
/// file as early as possible. Holds none of the text itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Where in the text it begins.
    pub at: u64,
    /// The hash of each length that the text reached.
    pub hashes: Vec<u64>,
}

impl Head {
    /// The head of a text whose first bytes behind the header at `at` are these.
    pub fn of(text: &[u8], at: u64) -> Self {
        let reached = HEAD_LENGTHS.iter().take_while(|length| **length <= text.len());
        Self { at, hashes: reached.map(|length| xxh3_64(&text[..*length])).collect() }
    }

    /// The hash of each length that the text reached.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Whether both texts are the same, as far as the heads of both reach.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.at == other.at && self.hashes.iter().zip(&other.hashes).all(|(own, other)| own == other)
    }

    /// Whether there is anything in it that tells one text from another.
    pub fn tells(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Whether the text reached every length.
    pub fn is_whole(&self) -> bool {
        self.hashes.len() == HEAD_LENGTHS.len()
    }
}
