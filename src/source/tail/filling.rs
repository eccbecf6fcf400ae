//! How more of the file becomes text: read as it is, decoded, or unpacked from an archive.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::{CHUNK, LongSteps, Tail, TailError};
use crate::source::archive::{Archive, Step};
use crate::source::encoding::Decoding;
use crate::source::identity::Mark;
use crate::source::memory::Claim;

impl Tail {
    /// Has the decoder take what it had before it was let go of, one chunk more. Whether there was anything to do: there is
    /// not as long as the file has not grown.
    fn take_again(&mut self, at: u64) -> Result<bool, TailError> {
        let Some(file) = &self.file else { return Ok(false) };
        if file.metadata()?.len() <= self.read {
            return Ok(false);
        }
        let left = self.read - self.raw.len() as u64 - at;
        let mut raw = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        let length = read_some(file, &mut raw, at)?;
        let taken = self.decoding.push_again(&raw[..length], CHUNK)?;
        let at = at + taken as u64;
        self.again = (taken as u64 != left).then_some(at);
        match taken {
            0 if left > 0 && self.decoding.waits() => Err(TailError::NoRoom),
            // The file holds something else by now.
            0 if left > 0 => Err(TailError::Rewritten),
            _ => Ok(true),
        }
    }

    /// Takes in what was just read, if the file still holds what was read before it: a file may be cut and written
    /// anew at any time.
    fn take_in(&mut self, taken: usize) -> Result<(), TailError> {
        if taken == 0 || self.is_same_content()? {
            self.read += taken as u64;
            return Ok(());
        }
        Err(TailError::Rewritten)
    }

    /// Reads on by one chunk or `expected` bytes, whichever is less, and no further than to a hole that it waits at. Returns
    /// whether anything came of it; if not, there is no more for now. `finished` says that there never will be.
    pub fn fill(&mut self, expected: u64, finished: bool) -> Result<bool, TailError> {
        self.forget();
        if self.read == 0 && self.holes.at == Some(0) {
            // A file that began with what was not written yet may turn out to be anything.
            let mut decoding = Decoding::default();
            decoding.share(self.decoding.memory().clone());
            self.decoding = decoding;
        }
        if self.read == 0 && self.encoding().is_none() {
            match self.is_archive_by_its_head()? {
                Some(true) => self.archive = Some(Archive::default()),
                None if !finished => return Ok(false),
                None | Some(false) => {}
            }
        }
        if self.archive.is_some() {
            return self.fill_from_archive();
        }
        self.holes.at = None;
        let want = CHUNK.min(usize::try_from(expected).unwrap_or(CHUNK)).max(1);
        match self.again {
            Some(at) => self.take_again(at),
            None if self.is_plain() => self.fill_plain(want, finished),
            None => self.fill_decoded(want, finished),
        }
    }

    /// Reads text that lies in the file as it is.
    fn fill_plain(&mut self, want: usize, finished: bool) -> Result<bool, TailError> {
        let Some(file) = &self.file else { return Ok(false) };
        let room = self.text.len().max(self.end + want);
        // Filling room with zeros that reading overwrites takes half as long as the reading: it is kept.
        self.text.resize(room, 0);
        let taken = read_some(file, &mut self.text[self.end..self.end + want], self.read)?;
        let taken = match finished {
            true => taken,
            false => self.stop(self.end, self.end + taken, self.read),
        };
        self.take_in(taken)?;
        self.end += taken;
        self.mark_read(taken);
        self.set_apart(taken);
        Ok(taken > 0)
    }

    /// Reads what must be decoded.
    fn fill_decoded(&mut self, want: usize, finished: bool) -> Result<bool, TailError> {
        let Some(file) = &self.file else { return Ok(false) };
        self.text.truncate(self.end);
        let taken = match self.raw.len() < CHUNK {
            true => read_raw(file, &mut self.raw, want, self.read)?,
            false => 0,
        };
        let taken = if finished { taken } else { self.before_hole(taken) };
        if let Err(error) = self.take_in(taken) {
            self.raw.truncate(self.raw.len() - taken);
            return Err(error);
        }
        self.mark_read(taken);
        let before = (self.raw.len(), self.text.len());
        let used = self.decoding.push(&self.raw, finished && taken == 0, &mut self.text, CHUNK);
        // What came before damage is text like any other.
        self.end = self.text.len();
        self.raw.drain(..used?);
        if !finished && self.is_plain() {
            self.stop_behind(before.1);
        }
        if self.decoding.waits() && before.1 == self.text.len() {
            return Err(TailError::NoRoom);
        }
        let now = (self.raw.len(), self.text.len());
        // What was read of a hole is no progress.
        Ok(if self.holes.at.is_some() { now.1 != before.1 } else { taken > 0 || now != before })
    }

    /// How much of what was just read stands before a hole, where it is not plain text; what stands behind is read again.
    fn before_hole(&mut self, taken: usize) -> usize {
        let held = self.raw.len() - taken;
        let length = if self.decoding.is_utf16(&self.raw) {
            self.holes.stop_in_utf16(&self.raw, self.read - held as u64).max(held)
        } else if self.decoding.is_compressed(&self.raw) {
            let end = self.read + taken as u64;
            // Where the system does not say, zeros at the end are read again.
            let metadata = self.file.as_ref().map(File::metadata);
            let is_end = metadata.is_some_and(|data| data.is_ok_and(|data| data.len() <= end));
            held + self.holes.stop_in_compressed(&self.raw[held..], self.read, is_end)
        } else {
            // Behind a hole, the rest may turn out to be UTF-16. What is plain to its end is looked at once it is text.
            let plain = self.decoding.first_changed(&self.raw);
            match self.holes.stop(&self.raw[..plain], self.read - held as u64).max(held) {
                before if before < plain && plain < self.raw.len() => before,
                _ => return taken,
            }
        };
        self.raw.truncate(length);
        length - held
    }

    fn is_archive_by_its_head(&self) -> io::Result<Option<bool>> {
        let Some(file) = &self.file else { return Ok(Some(false)) };
        match Archive::recognise(file) {
            // A pipe is read once, from its beginning.
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => Ok(Some(false)),
            recognised => recognised,
        }
    }

    /// Takes a step of the archive, or says what came of one that was left to others.
    fn fill_from_archive(&mut self) -> Result<bool, TailError> {
        match std::mem::replace(&mut self.long_steps, LongSteps::Left) {
            LongSteps::Taken => {
                self.long_steps = LongSteps::Taken;
                self.step()
            }
            LongSteps::Done(more) => more,
            LongSteps::Left | LongSteps::Wanted if self.is_read() => Ok(false),
            LongSteps::Left | LongSteps::Wanted => {
                self.long_steps = LongSteps::Wanted;
                Err(TailError::TakesLong)
            }
        }
    }

    /// Takes the steps that were left, one at the least, until so much text is there: who waits may have that much, and a
    /// record of which it is not all.
    pub fn step_ahead(&mut self, text_bytes: usize) {
        self.long_steps = LongSteps::Left;
        loop {
            match self.step() {
                Ok(true) if self.text().len() < text_bytes => {}
                Ok(true) => return,
                ended => {
                    self.long_steps = LongSteps::Done(ended);
                    return;
                }
            }
        }
    }

    fn step(&mut self) -> Result<bool, TailError> {
        let Some(mut archive) = self.archive.take() else { return Ok(false) };
        let more = self.fill_from(&mut archive);
        self.archive = Some(archive);
        more
    }

    /// Takes a step of the archive, or looks whether all of it is there. All of it is then taken in at once.
    fn fill_from(&mut self, archive: &mut Archive) -> Result<bool, TailError> {
        let Some(file) = &self.file else { return Ok(false) };
        if archive.waits_for().is_some() {
            let length = file.metadata()?.len();
            if !archive.open(file, length)? {
                return Ok(false);
            }
            self.mark = Mark::in_file(file, 0, length)?;
            (self.read, self.holes.at) = (length, None);
        } else if !self.is_same_content()? {
            return Err(TailError::Rewritten);
        }
        let Some(file) = &self.file else { return Ok(false) };
        self.text.truncate(self.end);
        let _room = match self.decoding.memory().claim(archive.memory_bytes()) {
            Claim::Granted(room) => room,
            Claim::Later => return Err(TailError::NoRoom),
            Claim::Never => {
                archive.refuse_for_memory();
                return Ok(true);
            }
        };
        let step = archive.step(file, &mut self.text);
        self.end = self.text.len();
        let step = step?;
        if step == Step::DocumentEnds {
            self.documents.push_back(self.end);
        }
        Ok(step != Step::Nothing)
    }

    /// Takes what is not text as it is, of so many bytes read as if all were, back to be decoded.
    fn set_apart(&mut self, taken: usize) {
        let begin = self.end - taken;
        let passing = begin + self.decoding.passing(&self.text[begin..self.end]);
        self.raw.extend_from_slice(&self.text[passing..self.end]);
        self.end = passing;
    }

    /// How much of the text at `begin..end`, which was read at `offset`, stands before a hole that is to be waited at.
    fn stop(&mut self, begin: usize, end: usize, offset: u64) -> usize {
        let text = &self.text[begin..end];
        if !self.holes.waits || memchr::memchr(0, text).is_none() {
            return text.len();
        }
        // The zeros of UTF-16 are no holes.
        let plain = self.decoding.first_changed(text);
        let before = self.holes.stop(&text[..plain], offset);
        if before < plain { before } else { text.len() }
    }

    /// Goes back to the first hole behind `begin` in the text, when it just turned out that it lies in the file as it is.
    fn stop_behind(&mut self, begin: usize) {
        let length = self.end - begin;
        let before = self.stop(begin, self.end, self.read.saturating_sub(length as u64));
        if before < length {
            self.end = begin + before;
            self.read -= (length - before) as u64;
            self.text.truncate(self.end);
            // Also where nothing of it is left: the decoder may have held its first byte.
            let _ = self.set_mark();
        }
        if self.plain_text_at() == Some(self.read) {
            self.mark = Mark::default();
        }
    }
}

/// Reads up to `want` bytes behind those that are in `raw`; how many it got.
fn read_raw(file: &File, raw: &mut Vec<u8>, want: usize, at: u64) -> io::Result<usize> {
    let begin = raw.len();
    raw.resize(begin + want, 0);
    let read = read_some(file, &mut raw[begin..], at);
    raw.truncate(begin + *read.as_ref().unwrap_or(&0));
    read
}

/// What one read at this offset gives: several may read one file at once. A pipe has no offsets.
fn read_some(mut file: &File, to: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        let read = match file.read_at(to, offset) {
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => file.read(to),
            read => read,
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
