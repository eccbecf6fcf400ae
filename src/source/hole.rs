//! Holes: runs of NULs where a writer has not written yet, as NFS, SMB and parallel downloads leave them for a while, and a
//! crash for ever. A file that is followed is read up to one, and no further until it is filled or given up.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Writers that come out of order do so in blocks of this or more. A shorter run of NULs that does not end where a block
/// does is no hole: some devices end their lines so.
const BLOCK_BYTES: u64 = 512;

/// Whether a run of NULs of this length that ends at this offset of the file, where something stands behind it, is a hole.
pub fn is_hole(length: usize, end: u64) -> bool {
    length as u64 >= BLOCK_BYTES || end.is_multiple_of(BLOCK_BYTES)
}

/// How much is searched for the end of a hole at a time.
const SEARCHED_BYTES: usize = 64 * 1024;

/// So much of a hole is read in search of its end, where the file system does not know that it is one.
const MAXIMUM_SEARCHED: u64 = 64 * 1024 * 1024;

/// Where reading a file waits for bytes that are not written yet. All offsets are those of the file.
#[derive(Debug, Clone, Default)]
pub struct Holes {
    /// Whether it waits at all: only a file that is followed may be written to yet.
    pub waits: bool,
    /// Where it waits now.
    pub at: Option<u64>,
    /// NULs before this are read like any other text.
    pub passed: u64,
    /// Those that were read over, and may be filled yet.
    pub given_up: Vec<Range<u64>>,
}

impl Holes {
    /// How much of these bytes, which were read at `offset`, stands before a hole that is to be waited at. The bytes end at
    /// the end of the file, or are as many as a block at the least.
    pub fn stop(&mut self, bytes: &[u8], offset: u64) -> usize {
        self.stop_before(bytes, offset, |length, end| end.is_none_or(|end| is_hole(length, end)))
    }

    /// As [`Holes::stop`], of UTF-16, where each character of ASCII has one zero, and no more than three stand in a row.
    pub fn stop_in_utf16(&mut self, bytes: &[u8], offset: u64) -> usize {
        let is_hole = |length, end: Option<u64>| match end {
            None => length > 1,
            Some(end) => length > 3 && is_hole(length, end),
        };
        let begin = self.stop_before(bytes, offset, is_hole);
        // The first of the zeros may be the second half of a character.
        bytes.len().min(begin + usize::from(!(offset + begin as u64).is_multiple_of(2)))
    }

    /// As [`Holes::stop`], of compressed text, which has shorter runs of its own: where zstd packs rows that are nearly alike,
    /// up to some hundred. `is_end` says that the file ends where the bytes do. Of a run that may go on behind the bytes
    /// nothing is taken: from within it, it cannot be told from one of those.
    pub fn stop_in_compressed(&mut self, bytes: &[u8], offset: u64, is_end: bool) -> usize {
        self.stop_before(bytes, offset, |length, end| {
            length as u64 >= BLOCK_BYTES || end.is_none() && !is_end
        })
    }

    /// How much stands before a run of NULs that is a hole, by its length and where it ends, if that is known: where it goes
    /// on is seen when it is read from its beginning.
    fn stop_before(
        &mut self,
        bytes: &[u8],
        offset: u64,
        is_hole: impl Fn(usize, Option<u64>) -> bool,
    ) -> usize {
        let mut from = match self.waits {
            true => {
                usize::try_from(self.passed.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len())
            }
            false => return bytes.len(),
        };
        while let Some(nul) = memchr::memchr(0, &bytes[from..]) {
            let begin = from + nul;
            let length = bytes[begin..].iter().take_while(|byte| **byte == 0).count();
            from = begin + length;
            let end = (from < bytes.len()).then_some(offset + from as u64);
            // No file begins with NULs, however few.
            if is_hole(length, end) || offset + begin as u64 == 0 {
                if begin == 0 {
                    self.at = Some(offset);
                }
                return begin;
            }
        }
        bytes.len()
    }
}

/// Whether all of these bytes of the file are written. Looks at both ends first.
///
/// # Errors
/// When the file cannot be read.
pub fn is_filled(file: &File, hole: Range<u64>) -> io::Result<bool> {
    let ends = [hole.start..hole.start + 1, hole.end - 1..hole.end];
    for range in ends.into_iter().chain([hole]) {
        let mut at = range.start;
        let mut bytes = [0; 4096];
        while at < range.end {
            let wanted = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(bytes.len());
            let read = file.read_at(&mut bytes[..wanted], at)?;
            if read == 0 || memchr::memchr(0, &bytes[..read]).is_some() {
                return Ok(false);
            }
            at += read as u64;
        }
    }
    Ok(true)
}

/// Whether two texts, which begin at these offsets of their files, are different ones in their first `length` bytes, whatever
/// is still to be written of them. Only as much as is searched at a time is compared: `false` where it does not show in that.
///
/// # Errors
/// When one of the files cannot be read.
pub fn are_different(texts: [(&File, u64); 2], length: u64) -> io::Result<bool> {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(SEARCHED_BYTES);
    let begin = |(file, at): (&File, u64)| {
        let mut bytes = vec![0; length];
        let read = file.read_at(&mut bytes, at)?;
        bytes.truncate(read);
        io::Result::Ok(bytes)
    };
    let [one, other] = texts.map(begin);
    Ok(one?.iter().zip(&other?).any(|(one, other)| one != other && *one != 0 && *other != 0))
}

/// Where the hole at `from` ends, if something stands behind it and that is near enough to be found.
///
/// # Errors
/// When the file cannot be read.
pub fn end_of(file: &File, from: u64) -> io::Result<Option<u64>> {
    let Some(mut at) = data_from(file, from)? else { return Ok(None) };
    let last = at.saturating_add(MAXIMUM_SEARCHED);
    let mut bytes = vec![0; SEARCHED_BYTES];
    while at < last {
        let read = file.read_at(&mut bytes, at)?;
        if read == 0 {
            return Ok(None);
        }
        if let Some(end) = bytes[..read].iter().position(|byte| *byte != 0) {
            return Ok(Some(at + end as u64));
        }
        at += read as u64;
    }
    Ok(None)
}

/// The end of the last byte behind `from` that is not NUL; where that is too far before the end of the file to be looked for,
/// the end of the hole at `from`.
///
/// # Errors
/// When the file cannot be read.
pub fn end_of_text(file: &File, from: u64) -> io::Result<Option<u64>> {
    let Some(from) = data_from(file, from)? else { return Ok(None) };
    let mut end = file.metadata()?.len();
    let least = from.max(end.saturating_sub(MAXIMUM_SEARCHED));
    let mut bytes = vec![0; SEARCHED_BYTES];
    while end > least {
        let begin = end.saturating_sub(SEARCHED_BYTES as u64).max(least);
        let part = &mut bytes[..usize::try_from(end - begin).unwrap_or_default()];
        file.read_exact_at(part, begin)?;
        if let Some(last) = part.iter().rposition(|byte| *byte != 0) {
            return Ok(Some(begin + last as u64 + 1));
        }
        end = begin;
    }
    if least > from { end_of(file, from) } else { Ok(None) }
}

/// Where the file system has anything from `from` on; sparse parts have no bytes to be read.
fn data_from(file: &File, from: u64) -> io::Result<Option<u64>> {
    match seek(file, SeekFrom::Data(from)) {
        Ok(data) => Ok(Some(data)),
        Err(Errno::NXIO) => Ok(None),
        Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => Ok(Some(from)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(bytes: &[u8], offset: u64, passed: u64) -> (usize, Option<u64>) {
        let mut holes = Holes { waits: true, passed, ..Holes::default() };
        (holes.stop(bytes, offset), holes.at)
    }

    #[test]
    fn reading_stops_where_blocks_are_missing() {
        let text = |parts: &[(u8, usize)]| {
            parts.iter().flat_map(|(byte, count)| vec![*byte; *count]).collect::<Vec<u8>>()
        };
        let long = text(&[(b'a', 100), (0, 600), (b'b', 100)]);
        let block = text(&[(b'a', 500), (0, 12), (b'b', 100)]);
        let stray = text(&[(b'a', 100), (0, 2), (b'b', 100), (0, 1), (b'c', 7)]);
        let end = text(&[(b'a', 100), (0, 3)]);
        for (name, bytes, offset, passed, expected) in [
            ("a long run", &long, 0, 0, (100, None)),
            ("from the run on", &long[100..].to_vec(), 100, 0, (0, Some(100))),
            ("given up", &long, 0, 800, (800, None)),
            ("up to the end of a block", &block, 0, 0, (500, None)),
            ("not up to one", &block, 5, 0, (612, None)),
            ("stray bytes", &stray, 0, 0, (210, None)),
            ("up to the end", &end, 0, 0, (100, None)),
            ("nothing else", &text(&[(0, 3)]), 9, 0, (0, Some(9))),
            ("at the head", &text(&[(0, 3), (b'a', 7)]), 0, 0, (0, Some(0))),
        ] {
            assert_eq!(stop(bytes, offset, passed), expected, "{name}");
        }
        assert_eq!(Holes::default().stop(&long, 0), long.len(), "nobody waits");
    }

    #[test]
    fn zeros_of_characters_are_no_holes() {
        let text = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(unit).collect()
        };
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let one = text(&"a,\u{100}\u{1}".repeat(100), unit);
            let stop = |bytes: &[u8], offset| {
                let mut holes = Holes { waits: true, ..Holes::default() };
                (holes.stop_in_utf16(bytes, offset), holes.at)
            };
            assert_eq!(stop(&one, 2), (one.len(), None));
            let with_hole = [&one[..], &[0; 600], &one].concat();
            assert_eq!(stop(&with_hole, 2), (one.len(), None));
            let begin = one.len() + 600 - stop(&with_hole[one.len()..], 0).0;
            assert_eq!((begin, stop(&with_hole[one.len()..], 2).1), (one.len() + 600, Some(2)));
            assert_eq!(stop(&[&one[..], &[0; 40]].concat(), 2), (one.len(), None), "up to the end");
        }
    }

    #[test]
    fn zeros_of_compressed_text_are_no_holes() {
        let stop = |bytes: &[u8], is_end| {
            let mut holes = Holes { waits: true, ..Holes::default() };
            (holes.stop_in_compressed(bytes, 100, is_end), holes.at)
        };
        let member = [&[7; 50][..], &[0; 9]].concat();
        assert_eq!(stop(&member, true), (59, None));
        assert_eq!(stop(&member, false), (50, None), "it may go on");
        assert_eq!(stop(&[&member[..], &[7]].concat(), false), (60, None));
        assert_eq!(stop(&[&member[..], &[0; 120], &[7]].concat(), true), (180, None));
        assert_eq!(stop(&[&member[..], &[0; 503]].concat(), true), (50, None));
        assert_eq!(stop(&[&[0; 512][..], &[7]].concat(), true), (0, Some(100)));
    }

    #[test]
    fn ends_are_found_in_sparse_files_and_in_written_ones() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.write_all_at(&[0; 200_000], 3).unwrap();
        file.write_all_at(b"two", 1_000_000).unwrap();
        file.set_len(3_000_000).unwrap();
        assert_eq!(end_of(&file, 3).unwrap(), Some(1_000_000));
        assert_eq!(end_of(&file, 1_000_003).unwrap(), None);
        assert_eq!(end_of_text(&file, 3).unwrap(), Some(1_000_003));
        assert_eq!(end_of_text(&file, 1_000_003).unwrap(), None);
        assert!(is_filled(&file, 0..3).unwrap() && !is_filled(&file, 1..4).unwrap());
    }

    #[test]
    fn an_end_that_is_far_is_not_searched_for() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.write_all_at(b"two", 5000).unwrap();
        // Written, so that the file system does not know that nothing stands there.
        let zeros = vec![0; 1 << 20];
        (0..MAXIMUM_SEARCHED + zeros.len() as u64).step_by(zeros.len()).for_each(|at| {
            file.write_all_at(&zeros, 5003 + at).unwrap();
        });
        assert_eq!(end_of_text(&file, 3).unwrap(), Some(5000), "as far as the next text");
        assert_eq!(end_of_text(&file, 5003).unwrap(), None);
    }
}
