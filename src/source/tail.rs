//! One file, read from where it was left to where it ends now, as text.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::archive::{Archive, Step};
use super::encoding::{Damaged, Decoding, Encoding};
use super::hole::{self, Holes};
use super::identity::{MARK_BYTES, Mark};
use super::memory::Memory;

/// How much is read at a time: enough that a system call costs nothing, little enough to stay in the cache.
const CHUNK: usize = 256 * 1024;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// All memory for unpacking is taken by others; it may be read on once they have done.
    #[error("too many files are being unpacked at once")]
    NoRoom,
    /// What was read is no longer before what would be read next.
    #[error("it was written anew while it was read")]
    Rewritten,
}

/// A file being followed.
#[derive(Debug)]
pub struct Tail {
    file: Option<File>,
    decoding: Decoding,
    /// The file as an archive, if it is one.
    archive: Option<Archive>,
    /// Where in the text the documents of an archive end.
    documents: VecDeque<usize>,
    /// How many bytes the decoder has had again, where it was let go of.
    again: Option<u64>,
    /// Bytes of the file taken in so far.
    read: u64,
    /// Bytes taken in that are not text yet.
    raw: Vec<u8>,
    /// Text not yet consumed stands at `begin..end`; before it, some that is; behind it, room to read into.
    text: Vec<u8>,
    begin: usize,
    end: usize,
    /// Of the file, at `read`.
    mark: Mark,
    /// Where it waits for bytes that are not written yet.
    pub holes: Holes,
}

impl Tail {
    /// A file at its beginning.
    pub fn new(file: File) -> Self {
        Self {
            file: Some(file),
            decoding: Decoding::default(),
            archive: None,
            documents: VecDeque::new(),
            again: None,
            read: 0,
            raw: Vec::new(),
            text: Vec::new(),
            begin: 0,
            end: 0,
            mark: Mark::default(),
            holes: Holes::default(),
        }
    }

    /// A file whose text lies in it from `text_at` on as it is, at this mark of that text.
    pub fn at(file: File, text_at: u64, mark: Mark) -> Self {
        let read = text_at + mark.end;
        let decoding = Decoding::of_plain_text(text_at > 0);
        Self { read, decoding, mark: mark.at_end(read), ..Self::new(file) }
    }

    /// Unpacks with memory from this only.
    pub fn share(&mut self, memory: Memory) {
        self.decoding.share(memory);
    }

    /// Gives back the memory of unpacking, if there is any. When the file grows, it is unpacked from its beginning again.
    pub fn shed(&mut self) {
        if self.decoding.shed() {
            self.again = Some(0);
        }
    }

    /// Has the decoder take what it had before it was let go of, one chunk more. Whether there was anything to do: there is
    /// not as long as the file has not grown.
    fn take_again(&mut self, file: &File, at: u64) -> Result<bool, TailError> {
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

    /// The text that is there and not consumed.
    pub fn text(&self) -> &[u8] {
        &self.text[self.begin..self.end]
    }

    /// How many bytes of the file stand before its text, if the text lies in it as it is.
    pub fn plain_text_at(&self) -> Option<u64> {
        self.decoding.encoding().and_then(Encoding::plain_text_at)
    }

    /// The mark at `position` of the text, which is `at` bytes into [`Tail::text`].
    pub fn text_mark(&self, position: u64, at: usize) -> Mark {
        let end = self.begin + at;
        if end >= MARK_BYTES || end as u64 >= position {
            return Mark::of_text(&self.text[..end], position);
        }
        if self.plain_text_at().is_some_and(|text_at| self.mark.end == text_at + position)
            && self.mark.is_whole()
        {
            return self.mark.at_end(position);
        }
        let in_file = match (&self.file, self.plain_text_at()) {
            (Some(file), Some(text_at)) => Mark::in_file(file, text_at, position).ok(),
            _ => None,
        };
        // A file that was just written anew leaves what is in memory, if less than a whole mark.
        let in_memory = || Mark::of_text(&self.text[..end], position);
        in_file.filter(|_| self.is_same_content().unwrap_or(false)).unwrap_or_else(in_memory)
    }

    /// Whether the text before `at` bytes into [`Tail::text`] is the one marked.
    pub fn is_marked(&self, mark: &Mark, at: usize) -> bool {
        match (&self.file, self.plain_text_at()) {
            (Some(file), Some(text_at)) => mark.holds(file, text_at).unwrap_or(false),
            _ => mark.ends(&self.text[..self.begin + at]),
        }
    }

    /// Lets go of the first `count` bytes of the text.
    pub fn consume(&mut self, count: usize) {
        self.begin += count;
        debug_assert!(self.begin <= self.end);
        while self.documents.front().is_some_and(|end| *end < self.begin) {
            self.documents.pop_front();
        }
    }

    /// Whether the file is an archive, of which the text may hold several documents.
    pub fn is_archive(&self) -> bool {
        self.archive.is_some()
    }

    /// How far into [`Tail::text`] the next document begins that was joined to the one before, if that is known.
    pub fn document_end(&self) -> Option<usize> {
        self.documents.front().map(|end| end - self.begin)
    }

    /// The document before is done with.
    pub fn next_document(&mut self) {
        self.documents.pop_front();
    }

    /// Why an archive is not read yet, if so.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.archive.as_ref().and_then(Archive::waits_for)
    }

    /// Why an archive cannot be read, if so.
    pub fn refused(&self) -> Option<&'static str> {
        self.archive.as_ref().and_then(Archive::refused)
    }

    /// Whether an archive was read to its end.
    pub fn is_read(&self) -> bool {
        self.archive.as_ref().is_some_and(Archive::is_read)
    }

    /// The encoding, once enough bytes were read to tell.
    pub fn encoding(&self) -> Option<Encoding> {
        self.archive.as_ref().map(Archive::encoding).or_else(|| self.decoding.encoding())
    }

    /// Bytes of the file taken in so far.
    pub fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Bytes taken in that are not yet consumed as text.
    pub fn held_bytes(&self) -> u64 {
        (self.raw.len() + self.end - self.begin) as u64
    }

    /// Whether the file is open.
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// The open file.
    pub fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Gives the descriptor back; [`Tail::reopen`] goes on where it was.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Goes on with the same content under a new descriptor.
    pub fn reopen(&mut self, file: File) {
        self.file = Some(file);
    }

    /// Whether what was read before is still what the open file holds. Cheap; asked before reading on after a pause.
    pub fn is_same_content(&self) -> io::Result<bool> {
        match &self.file {
            Some(file) if self.mark.end > 0 => match self.mark.holds_but(file, 0, &self.holes.given_up) {
                // What a pipe gave is gone.
                Err(error) if error.kind() == io::ErrorKind::NotSeekable => Ok(true),
                held => held,
            },
            _ => Ok(true),
        }
    }

    /// Whether this file holds what was read, of which there is something.
    pub fn is_content_of(&self, file: &File) -> bool {
        self.mark.end > 0 && self.mark.holds_but(file, 0, &self.holes.given_up).unwrap_or(false)
    }

    /// Remembers what was read, for [`Tail::is_same_content`]: what is in memory, as the file may be another one by
    /// now.
    fn set_mark(&mut self) -> io::Result<()> {
        let known = match self.is_plain() {
            true => &self.text[self.end.saturating_sub(MARK_BYTES)..self.end],
            false => &[],
        };
        if known.len() == MARK_BYTES {
            self.mark = Mark::of_text(known, self.read);
        } else if let Some(file) = &self.file
            && let Some(mark) = Mark::behind(known, file, self.read)?
        {
            self.mark = mark;
        }
        Ok(())
    }

    /// As [`Tail::set_mark`], when anything was read. Where that fails, the mark before it still serves.
    fn mark_read(&mut self, taken: usize) {
        if taken > 0 {
            let _ = self.set_mark();
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

    /// In these ranges of the text, bytes that were given up may be written yet: nothing is wrong if they are. What is
    /// known of the text behind them is taken from the file anew.
    pub fn give_up(&mut self, ranges: impl Iterator<Item = Range<u64>>) {
        let Some(text_at) = self.plain_text_at() else { return };
        self.holes.given_up = ranges.map(|range| text_at + range.start..text_at + range.end).collect();
    }

    /// What was given up is read now, so the file has another end and memory holds what is no more.
    pub fn mark_anew(&mut self) -> io::Result<()> {
        self.drop_front(self.begin);
        let held = self.text[self.begin..self.end].to_vec();
        if let Some(file) = &self.file
            && let Some(mark) = Mark::behind(&held[held.len().saturating_sub(MARK_BYTES)..], file, self.read)?
        {
            self.mark = mark;
        }
        Ok(())
    }

    /// The last `count` bytes before [`Tail::text`], from memory or from the file, if that holds what was read.
    pub fn text_before(&self, position: u64, count: usize) -> Option<Vec<u8>> {
        if self.begin >= count {
            return Some(self.text[self.begin - count..self.begin].to_vec());
        }
        let (file, text_at) = (self.file.as_ref()?, self.plain_text_at()?);
        let mut bytes = vec![0; count];
        file.read_exact_at(&mut bytes, text_at + position - count as u64).ok()?;
        self.is_same_content().ok()?.then_some(bytes)
    }

    /// Reads on by one chunk or `expected` bytes, whichever is less, and no further than to a hole that it waits at. Returns
    /// whether anything came of it; if not, there is no more for now. `finished` says that there never will be.
    pub fn fill(&mut self, expected: u64, finished: bool) -> Result<bool, TailError> {
        self.forget();
        if self.read == 0 && self.encoding().is_none() {
            match self.is_archive_by_its_head()? {
                Some(true) => self.archive = Some(Archive::default()),
                None if !finished => return Ok(false),
                None | Some(false) => {}
            }
        }
        if let Some(mut archive) = self.archive.take() {
            let more = self.fill_from(&mut archive);
            self.archive = Some(archive);
            return more;
        }
        self.holes.at = None;
        let plain = self.is_plain();
        if let (Some(at), Some(file)) = (self.again, &self.file) {
            let file = file.try_clone()?;
            return self.take_again(&file, at);
        }
        let Some(file) = &self.file else { return Ok(false) };
        let want = CHUNK.min(usize::try_from(expected).unwrap_or(CHUNK)).max(1);
        if plain {
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
            return Ok(taken > 0);
        }
        self.text.truncate(self.end);
        let taken = match self.raw.len() < CHUNK {
            true => read_raw(file, &mut self.raw, want, self.read)?,
            false => 0,
        };
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
        Ok(taken > 0 || before != (self.raw.len(), self.text.len()))
    }

    fn is_archive_by_its_head(&self) -> io::Result<Option<bool>> {
        let Some(file) = &self.file else { return Ok(Some(false)) };
        match Archive::recognise(file) {
            // A pipe is read once, from its beginning.
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => Ok(Some(false)),
            recognised => recognised,
        }
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
            self.read = length;
        } else if !self.is_same_content()? {
            return Err(TailError::Rewritten);
        }
        let Some(file) = &self.file else { return Ok(false) };
        self.text.truncate(self.end);
        let step = archive.step(file, &mut self.text);
        self.end = self.text.len();
        let step = step?;
        if step == Step::DocumentEnds {
            self.documents.push_back(self.end);
        }
        Ok(step != Step::Nothing)
    }

    /// Whether what was read so far is text as it is, up to its last byte.
    fn is_plain(&self) -> bool {
        self.decoding.is_plain() && self.raw.is_empty()
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
            self.mark_read(before);
        }
        if self.plain_text_at() == Some(self.read) {
            self.mark = Mark::default();
        }
    }

    /// The file, where its text lies in it as it is, and where that begins.
    pub fn plain_file(&self) -> Option<(&File, u64)> {
        self.file.as_ref().zip(self.plain_text_at())
    }

    /// Whether the hole where reading waits begins with what was written since.
    pub fn is_hole_filled(&self) -> bool {
        let (Some(file), Some(at)) = (&self.file, self.holes.at) else { return false };
        let mut first = [0];
        file.read_at(&mut first, at).is_ok_and(|read| read == 1 && first != [0])
    }

    /// Gives up the hole where reading waits, and all behind it that something stands behind. Returns whether anything does.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pass_holes(&mut self) -> io::Result<bool> {
        let (Some(file), from) = (&self.file, self.holes.at.unwrap_or(self.read)) else { return Ok(false) };
        self.holes.passed = hole::end_of_text(file, from)?.unwrap_or_default();
        Ok(self.holes.passed > from)
    }

    /// Drops the text that neither a record nor a mark needs any more.
    fn forget(&mut self) {
        self.drop_front(self.begin.saturating_sub(MARK_BYTES));
    }

    fn drop_front(&mut self, count: usize) {
        self.text.copy_within(count..self.end, 0);
        self.begin -= count;
        self.end -= count;
        self.documents.iter_mut().for_each(|end| *end -= count);
    }

    /// Gives back memory that a large read took, when little of it is still needed.
    pub fn rest(&mut self) {
        if self.plain_text_at().is_some() {
            // The file itself has what a mark needs.
            self.drop_front(self.begin);
        }
        self.forget();
        self.text.truncate(self.end);
        if self.text.capacity() > 2 * self.text.len() {
            self.text.shrink_to_fit();
        }
        self.raw.shrink_to_fit();
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_cut_and_regrown_between_two_reads_is_noticed() {
        let text = |letter: &[u8]| letter.repeat(3 * CHUNK);
        let mut writer = tempfile::NamedTempFile::new().unwrap();
        writer.write_all(&text(b"a")).unwrap();
        let mut tail = Tail::new(File::open(writer.path()).unwrap());
        while tail.read_bytes() < CHUNK as u64 {
            assert!(tail.fill(u64::MAX, false).unwrap());
        }
        std::fs::write(writer.path(), text(b"b")).unwrap();
        let before = (tail.read_bytes(), tail.text().len());
        assert!(matches!(tail.fill(u64::MAX, false), Err(TailError::Rewritten)));
        assert_eq!((tail.read_bytes(), tail.text().len()), before);
        assert!(tail.text().iter().all(|byte| *byte == b'a') && !tail.is_same_content().unwrap());
    }
}
