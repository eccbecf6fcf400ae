//! What was read is remembered by marks, so that a file that was written anew shows: in memory, and in the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::Tail;
use crate::source::identity::{MARK_BYTES, Mark};

impl Tail {
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
    pub(super) fn set_mark(&mut self) -> io::Result<()> {
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
    pub(super) fn mark_read(&mut self, taken: usize) {
        if taken > 0 {
            let _ = self.set_mark();
        }
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
}
