//! The directory at the end of a zip archive: whether it is there, and which of the members are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use memchr::memmem;
use zip::{CompressionMethod, ZipArchive};

use super::member::Member;
use crate::source::companion;

/// The end record, without the comment that may follow it.
const END_BYTES: usize = 22;
const LONGEST_COMMENT: usize = u16::MAX as usize;
/// The locator of zip64's end record, which stands before the other, and that record.
const LOCATOR_BYTES: u64 = 20;
const END64_BYTES: usize = 56;

/// A directory of tens of thousands of members: no export has one.
const MOST_DIRECTORY_BYTES: u64 = 4 * 1024 * 1024;
/// What is read of an archive unpacks to no more than this: it is gone through twice, and to its end each time.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// Parts of a workbook that are held in memory while it is gone through, and what they unpack to at most.
const HELD: [&str; 4] =
    ["xl/sharedstrings.xml", "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"];
const MOST_HELD_BYTES: u64 = 64 * 1024 * 1024;

/// The kinds of members that are read.
const TEXTS: [&str; 4] = [".csv", ".json", ".ndjson", ".jsonl"];

/// What stands at the end of an archive.
#[derive(Debug, PartialEq, Eq)]
pub enum Directory {
    /// No directory, or not all of it yet.
    NotThere,
    /// It, or a member's header, is not as it is to be.
    Damaged,
    /// Why the archive cannot be read as it is.
    Refused(&'static str),
    There(Contents),
}

/// What an archive holds for us.
#[derive(Debug, PartialEq, Eq)]
pub enum Contents {
    /// Members that are texts, by name.
    Texts(Vec<Member>),
    /// The parts of a workbook, and how many bytes those that are held in memory unpack to.
    Workbook {
        parts: Vec<Member>,
        held_bytes: u64,
    },
    /// Nothing but what always comes with an export.
    Companions,
    Nothing,
}

/// Reads the directory of a file of this length.
pub fn read(file: &File, length: u64) -> io::Result<Directory> {
    let bytes = match directory_bytes(file, length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Directory::NotThere),
        bytes => bytes?,
    };
    let Some(bytes) = bytes else { return Ok(Directory::NotThere) };
    if bytes > MOST_DIRECTORY_BYTES {
        return Ok(Directory::Refused("a zip archive of tens of thousands of members: unpack it first"));
    }
    let Ok(mut archive) = ZipArchive::new(At { file, position: 0, length }) else {
        return Ok(Directory::Damaged);
    };
    Ok(contents(&mut archive).unwrap_or_else(|directory| directory))
}

/// How long the directory is, if all of it is there.
fn directory_bytes(file: &File, length: u64) -> io::Result<Option<u64>> {
    let most = (END_BYTES + LONGEST_COMMENT) as u64;
    let begin = length.saturating_sub(most);
    let mut end = vec![0; usize::try_from(length - begin).unwrap_or_default()];
    file.read_exact_at(&mut end, begin)?;
    for at in memmem::rfind_iter(&end, b"PK\x05\x06") {
        let Some(record) = end[at..].first_chunk::<END_BYTES>() else { continue };
        // A comment reaches to the end of the file, or this is no end record.
        if at + END_BYTES + usize::from(u16::from_le_bytes([record[20], record[21]])) != end.len() {
            continue;
        }
        let (bytes, offset) = (number(&record[12..16]), number(&record[16..20]));
        let position = begin + at as u64;
        if [bytes, offset].contains(&u64::from(u32::MAX)) {
            return directory64_bytes(file, position);
        }
        return Ok(is_directory(file, offset, bytes, position)?.then_some(bytes));
    }
    Ok(None)
}

/// As [`directory_bytes`], where zip64's end record stands before the other at `position`.
fn directory64_bytes(file: &File, position: u64) -> io::Result<Option<u64>> {
    let Some(locator_at) = position.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let mut locator = [0; 20];
    file.read_exact_at(&mut locator, locator_at)?;
    let end_at = number(&locator[8..16]);
    if !locator.starts_with(b"PK\x06\x07") || end_at >= locator_at {
        return Ok(None);
    }
    let mut record = [0; END64_BYTES];
    file.read_exact_at(&mut record, end_at)?;
    let (bytes, offset) = (number(&record[40..48]), number(&record[48..56]));
    let is_there = record.starts_with(b"PK\x06\x06") && is_directory(file, offset, bytes, end_at)?;
    Ok(is_there.then_some(bytes))
}

/// Whether a directory of so many bytes stands at `offset`, and ends where the end record begins.
fn is_directory(file: &File, offset: u64, bytes: u64, end: u64) -> io::Result<bool> {
    if offset.checked_add(bytes) != Some(end) {
        return Ok(false);
    }
    let mut mark = [0; 4];
    file.read_exact_at(&mut mark, offset)?;
    Ok(bytes == 0 || mark == *b"PK\x01\x02")
}

/// A number, the lowest byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Which members there are, and what they make of the archive.
fn contents(archive: &mut ZipArchive<At<'_>>) -> Result<Directory, Directory> {
    let (mut texts, mut parts, mut others, mut companions) = (Vec::new(), Vec::new(), 0, 0);
    let mut is_workbook = false;
    let (mut bytes, mut held_bytes) = (0_u64, 0);
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| Directory::Damaged)?;
        let name = String::from_utf8_lossy(entry.name_raw()).to_ascii_lowercase();
        let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_text = TEXTS.iter().any(|ending| base.ends_with(ending));
        let is_part = name.starts_with("xl/") && (base.ends_with(".xml") || base.ends_with(".rels"));
        is_workbook |= name == "xl/workbook.xml";
        if entry.is_dir() || companion::explanation(base).is_some() {
            companions += 1;
        } else if name == "xl/workbook.bin" {
            return Err(Directory::Refused("a binary Excel workbook (.xlsb): save it as CSV"));
        } else if is_text || is_part {
            if entry.encrypted() {
                return Err(Directory::Refused("a zip archive with a password: unpack it first"));
            }
            let is_deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                _ => {
                    return Err(Directory::Refused(
                        "a zip archive packed by another method than deflate: unpack it first",
                    ));
                }
            };
            bytes = bytes.saturating_add(entry.size());
            if HELD.contains(&&*name) {
                held_bytes = entry.size().saturating_add(held_bytes);
            }
            if bytes > MOST_BYTES || held_bytes > MOST_HELD_BYTES {
                return Err(Directory::Refused("an archive that unpacks to too much: unpack it first"));
            }
            let start = entry.data_start().ok_or(Directory::Damaged)?;
            let (packed, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
            let member = Member { start, packed, size, crc, is_deflated };
            if is_text { texts.push((name, member)) } else { parts.push(member) }
        } else {
            others += 1;
        }
    }
    texts.sort_by(|(name, _), (other, _)| name.cmp(other));
    let texts: Vec<Member> = texts.into_iter().map(|(_, member)| member).collect();
    Ok(Directory::There(match (texts.is_empty(), others) {
        _ if is_workbook => Contents::Workbook { parts, held_bytes },
        (false, _) => Contents::Texts(texts),
        (true, 0) if companions > 0 => Contents::Companions,
        (true, _) => Contents::Nothing,
    }))
}

/// A file that is read at places, whatever else reads it.
#[derive(Debug)]
pub struct At<'f> {
    pub file: &'f File,
    pub position: u64,
    pub length: u64,
}

impl Read for At<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = to.len().min(left);
        let read = self.file.read_at(&mut to[..most], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
