//! One file, read from where it was left to where it ends now, as text.

mod filling;
mod marking;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::archive::Archive;
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
    /// The next step of an archive is for somebody whom nobody waits for.
    #[error("it takes long")]
    TakesLong,
    /// Whoever read it panicked: what it read of the file and did not hand over is to be read again.
    #[error("a fault of this program at its text: please report the line of the log that says so")]
    Fault,
}

/// What becomes of steps that can take seconds: an archive is checked as a whole, and a workbook gone through.
#[derive(Debug, Default)]
enum LongSteps {
    /// They are taken like any other.
    #[default]
    Taken,
    /// They are left to [`Tail::step_ahead`].
    Left,
    /// One is needed.
    Wanted,
    /// One was taken, and came to this.
    Done(Result<bool, TailError>),
}

/// A file being followed.
#[derive(Debug)]
pub struct Tail {
    file: Option<File>,
    decoding: Decoding,
    /// The file as an archive, if it is one.
    archive: Option<Archive>,
    long_steps: LongSteps,
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
            long_steps: LongSteps::default(),
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

    /// Another tail, of a file at its beginning, that unpacks with the same memory.
    pub fn beside(&self, file: File) -> Self {
        let mut tail = Self::new(file);
        tail.share(self.decoding.memory().clone());
        tail
    }

    /// Another tail, of a file whose text lies in it from `text_at` on as it is, at this mark of it, that unpacks with the same
    /// memory and leaves the same steps to others.
    pub fn beside_at(&self, file: File, text_at: u64, mark: Mark) -> Self {
        let mut tail = Self::at(file, text_at, mark);
        tail.share(self.decoding.memory().clone());
        tail.leave_long_steps(!matches!(self.long_steps, LongSteps::Taken));
        tail
    }

    /// Gives back the memory of unpacking; whether there was any. When the file grows, it is unpacked from its beginning
    /// again.
    pub fn shed(&mut self) -> bool {
        let had_any = self.decoding.shed();
        if had_any {
            self.again = Some(0);
        }
        had_any
    }

    /// The text that is there and not consumed.
    pub fn text(&self) -> &[u8] {
        &self.text[self.begin..self.end]
    }

    /// The text from so many bytes before [`Tail::text`] on, as far as it is still in memory.
    pub fn text_from(&self, bytes_before: u64) -> Option<&[u8]> {
        let begin = self.begin.checked_sub(usize::try_from(bytes_before).ok()?)?;
        Some(&self.text[begin..self.end])
    }

    /// How many bytes of the file stand before its text, if the text lies in it as it is.
    pub fn plain_text_at(&self) -> Option<u64> {
        self.decoding.encoding().and_then(Encoding::plain_text_at)
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

    /// At the end of a file that nobody writes any more: that what is compressed is not whole.
    pub fn cut(&self) -> Option<Damaged> {
        self.decoding.cut()
    }

    /// How far into [`Tail::text`] the next document begins that was joined to the one before, if that is known.
    pub fn document_end(&self) -> Option<usize> {
        self.documents.front().map(|end| end - self.begin)
    }

    /// The document before is done with.
    pub fn next_document(&mut self) {
        self.documents.pop_front();
    }

    /// From now on, whether steps that take long are left to [`Tail::step_ahead`].
    pub fn leave_long_steps(&mut self, are_left: bool) {
        self.long_steps = if are_left { LongSteps::Left } else { LongSteps::Taken };
    }

    /// Whether reading waits for [`Tail::step_ahead`].
    pub fn wants_step_ahead(&self) -> bool {
        matches!(self.long_steps, LongSteps::Wanted)
    }

    /// Whether what came of it was not taken yet.
    pub fn was_stepped_ahead(&self) -> bool {
        matches!(self.long_steps, LongSteps::Done(_))
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

    /// In these ranges of the text, bytes that were given up may be written yet: nothing is wrong if they are. What is
    /// known of the text behind them is taken from the file anew.
    pub fn give_up(&mut self, ranges: impl Iterator<Item = Range<u64>>) {
        let Some(text_at) = self.plain_text_at() else { return };
        self.holes.given_up = ranges.map(|range| text_at + range.start..text_at + range.end).collect();
    }

    /// Whether what was read so far is text as it is, up to its last byte.
    fn is_plain(&self) -> bool {
        self.decoding.is_plain() && self.raw.is_empty()
    }

    /// The file, where its text lies in it as it is, and where that begins.
    pub fn plain_file(&self) -> Option<(&File, u64)> {
        self.file.as_ref().zip(self.plain_text_at())
    }

    /// Whether the hole where reading waits begins with what was written since.
    pub fn is_hole_filled(&self) -> bool {
        self.holes.at.is_some_and(|at| self.is_written_at(at))
    }

    /// Whether the file has a byte at this offset that is not NUL.
    pub fn is_written_at(&self, at: u64) -> bool {
        let mut byte = [0];
        let read = self.file.as_ref().map(|file| file.read_at(&mut byte, at));
        matches!(read, Some(Ok(1))) && byte != [0]
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn steps_that_take_long_can_be_left_to_others() {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["a.csv", "b.csv"] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(name.as_bytes()).unwrap();
        }
        let archive = writer.finish().unwrap().into_inner();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&archive[..50]).unwrap();
        let mut tail = Tail::new(File::open(file.path()).unwrap());
        tail.leave_long_steps(true);
        let is_left = |tail: &mut Tail| {
            matches!(tail.fill(u64::MAX, false), Err(TailError::TakesLong)) && tail.wants_step_ahead()
        };
        // Not all of it is there: that shows once.
        assert!(is_left(&mut tail) && is_left(&mut tail));
        tail.step_ahead(1);
        assert!(!tail.wants_step_ahead() && !tail.fill(u64::MAX, false).unwrap());
        file.write_all(&archive[50..]).unwrap();
        for text in ["a.csv", "a.csvb.csv"] {
            assert!(is_left(&mut tail));
            tail.step_ahead(text.len());
            assert!(tail.text().starts_with(text.as_bytes()) && !tail.wants_step_ahead());
        }
        while is_left(&mut tail) {
            tail.step_ahead(usize::MAX);
            assert!(!tail.fill(u64::MAX, false).unwrap());
        }
        assert!(tail.is_read() && !tail.fill(u64::MAX, false).unwrap());
    }

    #[test]
    fn a_nul_that_turns_out_to_begin_a_hole_is_given_back() {
        let mut writer = tempfile::NamedTempFile::new().unwrap();
        writer.write_all(b"x\n\0").unwrap();
        let mut tail = Tail::new(File::open(writer.path()).unwrap());
        tail.holes.waits = true;
        while tail.fill(u64::MAX, false).unwrap() {}
        writer.write_all(&[0; 600]).unwrap();
        while tail.fill(u64::MAX, false).unwrap() {}
        assert_eq!((tail.text(), tail.read_bytes(), tail.holes.at), (&b"x\n"[..], 2, Some(2)));
        writer.as_file().write_all_at(&[b'y'; 601], 2).unwrap();
        while tail.fill(u64::MAX, false).unwrap() {}
        assert_eq!(tail.text().len(), 603, "it is the same text");
    }

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
