//! What is known of a file's text and how far it was read.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::found::Found;
use super::given_up::{self, Hole};
use crate::framing::Place;
use crate::source::blocks::Blocks;
use crate::source::identity::{Head, Mark};

/// What is known of a file's content and how far it was read: enough to go on there after a restart, and to know
/// a copy of it under another name, compressed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// End of the last record booked, in bytes of the text.
    pub position: u64,
    /// What stands before the position.
    pub mark: Mark,
    pub head: Head,
    /// Where between records the splitter stood.
    pub place: Place,
    /// The name of the format.
    pub format: String,
    /// The last header row.
    pub header: Option<String>,
    /// How many bytes of the file stand before its text, if the text lies in the file as it is.
    pub plain_text_at: Option<u64>,
    /// Drawn at random when reading began at the beginning: the same for this text and its copies, another for any
    /// text that takes its place. 0 where that was before layout 2 of the store.
    pub lineage: u64,
    /// What stands before the position; `None` where reading began before layout 2 of the store.
    pub records: Option<Records>,
    /// Position of a record that was rejected because it was not finished, and may be yet.
    pub unfinished: Option<u64>,
    /// Holes that were given up, and may be filled yet.
    pub holes: Vec<Hole>,
    /// Hashes of the text before the position; `None` where reading began before they were kept.
    pub blocks: Option<Blocks>,
}

impl Content {
    /// As [`given_up::unwritten`].
    pub fn unwritten(&self) -> Vec<Range<u64>> {
        given_up::unwritten(&self.holes, self.plain_text_at)
    }

    /// Whether the text that begins at `text_at` of this file still has what stood before the position. Where nothing was
    /// written, anything may stand by now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_marked_in(&self, file: &File, text_at: u64) -> io::Result<bool> {
        self.mark.holds_but(file, text_at, &self.unwritten())
    }
}

#[cfg(test)]
impl Content {
    /// Graph's rows in a file as they are, read up to this position.
    pub fn up_to(position: u64, mark: Mark, head: Head) -> Self {
        Self {
            position,
            mark,
            head,
            place: Place::Top,
            format: "graph".to_owned(),
            header: None,
            plain_text_at: Some(0),
            lineage: 1,
            records: None,
            unfinished: None,
            holes: Vec::new(),
            blocks: None,
        }
    }
}

/// How many records of each kind a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Records {
    /// Calls, those that came before included.
    pub calls: u64,
    pub header: u64,
    pub ignored: u64,
    pub rejected: u64,
}

impl Records {
    /// How many records these are.
    pub fn total(&self) -> u64 {
        let Self { calls, header, ignored, rejected } = self;
        calls + header + ignored + rejected
    }

    /// Adds what was found.
    pub fn add(&mut self, found: &Found<'_>) {
        match found {
            Found::Calls { calls, .. } => self.calls += calls.len() as u64,
            Found::Header { .. } => self.header += 1,
            Found::Ignored { positions } => self.ignored += positions.len() as u64,
            Found::Rejected { .. } => self.rejected += 1,
        }
    }

    /// These, and those that stand `before` them.
    pub fn after(self, before: Self) -> Self {
        Self {
            calls: before.calls + self.calls,
            header: before.header + self.header,
            ignored: before.ignored + self.ignored,
            rejected: before.rejected + self.rejected,
        }
    }
}
