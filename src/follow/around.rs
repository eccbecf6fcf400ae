//! What the files of a source are looked after with, and what comes of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::file::File;
use super::lines::Lines;
use super::quiet::Patience;
use crate::call::UnixMillis;
use crate::clock::Moment;
use crate::ledger::{Contents, Decision, FileEvent};
use crate::reading::{self, Batch, Context};
use crate::source::identity::FileId;
use crate::source::memory::Memory;

/// What the files of a source are looked after with.
pub struct Around<'a> {
    pub source: &'a str,
    pub options: reading::Options,
    pub memory: &'a Memory,
    /// What is known of their texts.
    pub contents: &'a mut Contents,
    pub context: &'a Context,
    pub now: Moment,
    pub patience: Patience,
    pub lines: &'a mut Lines,
    pub out: &'a mut Outbox,
}

/// What came of looking after files, for the ledger.
#[derive(Debug, Default)]
pub struct Outbox {
    pub reads: Vec<Read>,
    pub events: Vec<FileEvent>,
}

/// A batch, and the text that it was read from.
#[derive(Debug)]
pub struct Read {
    pub batch: Batch,
    pub path: PathBuf,
    pub lineage: u64,
}

impl Outbox {
    /// Notes what happened to a file.
    pub fn event(&mut self, event: FileEvent, at: UnixMillis) -> Decision {
        self.events.push(event);
        Decision { event, at }
    }

    /// Notes what was read of a file.
    pub fn batch(&mut self, batch: Batch, path: &Path, lineage: u64) {
        self.reads.push(Read { batch, path: path.to_path_buf(), lineage });
    }
}

/// The other files, for one that has its turn.
pub struct Surroundings<'s> {
    pub files: &'s mut HashMap<FileId, File>,
    /// Takes those that must have a turn before this one goes on.
    pub behind: &'s mut Vec<FileId>,
}
