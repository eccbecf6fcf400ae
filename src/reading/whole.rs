//! Whether a text is still as it was read, from its first byte on: by hashes that are taken as it is read.

use std::ops::Range;

use super::{Content, Reading, Turn, given_up};
use crate::source::blocks::{self, Blocks, PIECE_BYTES};
use crate::source::memory::Memory;
use crate::source::tail::{Tail, TailError};

/// A text being read once more, to be compared with what was read of it.
#[derive(Debug)]
pub struct Check {
    tail: Tail,
    so_far: Blocks,
    expected: Blocks,
    /// What was never written, and may be by now.
    holes: Vec<Range<u64>>,
}

impl Check {
    /// Of the text that this tail begins with.
    pub fn new(tail: Tail, expected: Blocks, holes: Vec<Range<u64>>) -> Self {
        Self { tail, so_far: Blocks::default(), expected, holes }
    }

    /// Reads on by about `budget` bytes of text; whether the text is the same, once that is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn go_on(&mut self, budget: u64) -> Result<Option<bool>, TailError> {
        let begin = self.so_far.end();
        loop {
            let missing = self.expected.end() - self.so_far.end();
            if missing == 0 {
                return Ok(Some(self.so_far == self.expected));
            }
            if self.so_far.end() - begin >= budget {
                return Ok(None);
            }
            let text = self.tail.text();
            let there =
                text.len().min(usize::try_from(missing).unwrap_or(usize::MAX)) / PIECE_BYTES * PIECE_BYTES;
            if there == 0 {
                let held = text.len();
                match self.tail.fill(u64::MAX, false) {
                    Ok(true) => continue,
                    Ok(false) | Err(TailError::Rewritten) => return Ok(Some(false)),
                    // What came before damage is there all the same.
                    Err(TailError::Damaged(_)) if self.tail.text().len() > held => continue,
                    Err(TailError::Damaged(_)) => return Ok(Some(false)),
                    Err(error) => return Err(error),
                }
            }
            let at = self.so_far.end();
            if self.holes.iter().any(|hole| hole.start < at + there as u64 && at < hole.end) {
                let mut text = text[..there].to_vec();
                blocks::blank(&mut text, at, &self.holes);
                self.so_far.add(&text);
            } else {
                self.so_far.add(&text[..there]);
            }
            self.tail.consume(there);
        }
    }
}

impl Reading {
    /// From now on waits at holes, keeps hashes of what is read, unpacks with this memory, and leaves to others what takes
    /// long.
    pub fn follow(mut self, memory: &Memory) -> Self {
        self.tail.share(memory.clone());
        self.tail.holes.waits = true;
        self.tail.leave_long_steps(true);
        self.blocks = Some(Blocks::default());
        self
    }

    /// Takes the next `count` bytes of the text into the hashes.
    pub(super) fn hash(&mut self, count: usize) {
        let Some(hashes) = &mut self.blocks else { return };
        let partial = usize::try_from(self.position.saturating_sub(hashes.end())).unwrap_or(usize::MAX);
        let mut text = &self.tail.text()[..count];
        if partial.saturating_add(count) < PIECE_BYTES {
            return;
        }
        if partial > 0 {
            let first =
                (partial < PIECE_BYTES).then(|| self.tail.text_before(self.position, partial)).flatten();
            // What was read is there no more: it cannot be told whether it changes.
            let Some(mut first) = first else {
                self.blocks = None;
                return;
            };
            let (rest, behind) = text.split_at(PIECE_BYTES - partial);
            first.extend(rest);
            hashes.add(&first);
            text = behind;
        }
        hashes.add(text);
    }

    /// Whether the file can be compared with what was read of it, and is not already.
    pub fn can_be_checked(&self) -> bool {
        self.tail.is_open() && !self.tail.is_archive() && self.check.is_none() && self.filling.is_none()
    }

    /// Begins to compare what the file holds with what was read of it. Turns do that, once all is read that is new.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn begin_check(&mut self) -> std::io::Result<()> {
        if let Some(file) = self.tail.file() {
            let blocks = self.blocks.clone().unwrap_or_default();
            let again = self.tail.beside(file.try_clone()?);
            let holes = given_up::unwritten(&self.given_up.holes, self.tail.plain_text_at());
            self.check = Some(Box::new(Check::new(again, blocks, holes)));
        }
        Ok(())
    }

    /// Goes on comparing, and then with what was written into holes.
    pub(super) fn check_on(&mut self, budget: u64) -> Result<Turn, TailError> {
        let Some(check) = &mut self.check else { return Ok(Turn::CaughtUp) };
        let is_same = match check.go_on(budget) {
            // It may be the reading itself that has the room.
            Err(TailError::NoRoom) if self.tail.shed() => return Ok(Turn::More),
            is_same => is_same?,
        };
        let Some(is_same) = is_same else { return Ok(Turn::More) };
        self.check = None;
        self.checked = Some(is_same);
        if is_same && self.begin_hole()? { Ok(Turn::More) } else { Ok(Turn::CaughtUp) }
    }

    /// What came of comparing, if it came to an end since this was last asked.
    pub fn take_checked(&mut self) -> Option<bool> {
        self.checked.take()
    }

    /// How many holes were filled and read since this was last asked.
    pub fn take_filled(&mut self) -> u64 {
        std::mem::take(&mut self.filled)
    }

    /// Goes on comparing the file with a content that it may have, as in [`Reading::pass_over`]; `None` while that is not
    /// known.
    pub(super) fn compare_with(&mut self, known: &Content, budget: u64) -> Result<Option<bool>, TailError> {
        let (Some(blocks), Some(file)) = (&known.blocks, self.tail.file()) else { return Ok(Some(true)) };
        let check = match &mut self.check {
            Some(check) => check,
            None => {
                let again = self.tail.beside(file.try_clone()?);
                self.check.insert(Box::new(Check::new(again, blocks.clone(), known.unwritten())))
            }
        };
        let is_same = check.go_on(budget)?;
        if is_same.is_some() {
            self.check = None;
        }
        Ok(is_same)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zstd::stream::raw::CParameter;

    use super::*;
    use crate::call::UnixMillis;
    use crate::reading::{Context, Options};
    use crate::source::memory::Claim;

    /// A frame that takes a window of 1 MiB, to which more can be written.
    fn frame() -> zstd::stream::write::Encoder<'static, Vec<u8>> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(CParameter::WindowLog(20)).unwrap();
        encoder
    }

    /// Rows that count.
    fn rows(numbers: Range<u64>) -> String {
        let row = |number| {
            format!(
                "{{\"id\":\"{number}\",\"callType\":\"ByotOut\",\"successfulCall\":false,\"finalSipCode\":410,\
                 \"callEndSubReason\":531004,\"endDateTime\":\"2026-11-01T00:00:00Z\",\
                 \"trunkFullyQualifiedDomainName\":\"sbc1.contoso.com\"}}\n"
            )
        };
        numbers.map(row).collect()
    }

    fn turn(reading: &mut Reading) -> Result<Turn, TailError> {
        reading.turn(&Context::of_counts(UnixMillis(0)), None, 64 * 1024)
    }

    /// Turns until there is no more.
    fn read(reading: &mut Reading) -> Result<(), TailError> {
        while turn(reading)? == Turn::More {}
        Ok(())
    }

    #[test]
    fn a_check_takes_its_memory_from_that_of_all_files() {
        let mut encoder = frame();
        encoder.write_all(rows(0..2000).as_bytes()).unwrap();
        encoder.flush().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(encoder.get_ref()).unwrap();
        let memory = Memory::limited(2 << 20);
        let mut reading = Reading::new(file.reopen().unwrap(), Options::default()).follow(&memory);
        read(&mut reading).unwrap();
        // The frame is not at its end: the reading keeps its window, and there is room for one only.
        assert!(memory.free() < 1 << 20);
        reading.begin_check().unwrap();
        read(&mut reading).unwrap();
        assert_eq!(reading.take_checked(), Some(true));
        // Others have the room.
        let Claim::Granted(others) = memory.claim(memory.free()) else { panic!("there is room") };
        reading.begin_check().unwrap();
        assert!(matches!(read(&mut reading), Err(TailError::NoRoom)));
        drop(others);
        read(&mut reading).unwrap();
        assert_eq!(reading.take_checked(), Some(true));
        // In the midst of a check, the file grows.
        reading.begin_check().unwrap();
        assert_eq!(turn(&mut reading).unwrap(), Turn::More);
        assert!(memory.free() < 1 << 20);
        let written = encoder.get_ref().len();
        encoder.write_all(rows(2000..2010).as_bytes()).unwrap();
        file.write_all(&encoder.finish().unwrap()[written..]).unwrap();
        let mut turns = 0;
        while !matches!(turn(&mut reading), Ok(Turn::CaughtUp)) {
            turns += 1;
            assert!(turns < 100, "it waits for ever");
        }
        assert_eq!(reading.content().unwrap().records.map(|records| records.calls), Some(2010));
    }
}
