//! The text of records that were read before, to look at them again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::source::open;
use crate::source::tail::Tail;

/// A record is looked at no further than this.
pub const RECORD_BYTES: usize = 64 * 1024;

/// What of a file's text begins at this offset, as far as a record is looked at again.
pub fn text_at(path: &Path, position: u64) -> Option<Vec<u8>> {
    let mut found = None;
    texts_at(path, None, &[position], |_, text| found = Some(text.to_vec()));
    found
}

/// The same at each of these rising offsets, in one go. Where the text lies plainly in its file, and from which byte on, nothing else
/// of it is read.
pub fn texts_at(
    path: &Path,
    plain_text_at: Option<u64>,
    positions: &[u64],
    mut take: impl FnMut(u64, &[u8]),
) -> Option<()> {
    let file = open::open(path).ok()?;
    if let Some(begin) = plain_text_at {
        let mut text = vec![0; RECORD_BYTES];
        for position in positions {
            let length = read_at(&file, &mut text, begin + position).ok()?;
            take(*position, &text[..length]);
        }
        return Some(());
    }
    let (mut tail, mut at) = (Tail::new(file), 0);
    for position in positions {
        loop {
            let ahead = usize::try_from(position - at).unwrap_or(usize::MAX).min(tail.text().len());
            tail.consume(ahead);
            at += ahead as u64;
            if at == *position && tail.text().len() >= RECORD_BYTES {
                break;
            }
            if !tail.fill(u64::MAX, false).ok()? {
                // The end may be without a line end.
                tail.fill(1, true).ok();
                break;
            }
        }
        let text = tail.text().get(usize::try_from(position - at).ok()?..)?;
        take(*position, &text[..text.len().min(RECORD_BYTES)]);
    }
    Some(())
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    loop {
        match file.read_at(&mut buffer[length..], at + length as u64)? {
            0 => return Ok(length),
            more => length += more,
        }
    }
}
