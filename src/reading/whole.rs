//! Whether a text is still as it was read, from its first byte on: by hashes that are taken as it is read.

use std::fs::File;
use std::ops::Range;

use super::{Content, Reading, Turn};
use crate::source::blocks::{self, Blocks, PIECE_BYTES};
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
    /// Of the file with this text.
    pub fn new(file: File, expected: Blocks, holes: Vec<Range<u64>>) -> Self {
        Self { tail: Tail::new(file), so_far: Blocks::default(), expected, holes }
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
    /// From now on waits at holes, keeps hashes of what is read, and leaves to others what takes long.
    pub fn follow(mut self) -> Self {
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
            let check = Check::new(file.try_clone()?, blocks, self.given_up.ranges().collect());
            self.check = Some(Box::new(check));
        }
        Ok(())
    }

    /// Goes on comparing, and then with what was written into holes.
    pub(super) fn check_on(&mut self, budget: u64) -> Result<Turn, TailError> {
        let Some(check) = &mut self.check else { return Ok(Turn::CaughtUp) };
        let Some(is_same) = check.go_on(budget)? else { return Ok(Turn::More) };
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
    pub(super) fn is_known(&mut self, known: &Content, budget: u64) -> Result<Option<bool>, TailError> {
        let (Some(blocks), Some(file)) = (&known.blocks, self.tail.file()) else { return Ok(Some(true)) };
        let check = match &mut self.check {
            Some(check) => check,
            None => {
                let file = file.try_clone()?;
                self.check.insert(Box::new(Check::new(file, blocks.clone(), known.unwritten())))
            }
        };
        let is_same = check.go_on(budget)?;
        if is_same.is_some() {
            self.check = None;
        }
        Ok(is_same)
    }
}
