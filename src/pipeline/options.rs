//! What the loop is told by the config, and given by its process.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::{Event, Patience};
use crate::call::UnixMillis;
use crate::classify::Catalogue;
use crate::clock::Clock;
use crate::ledger::snapshot::Published;
use crate::ledger::store::{Store, StoreError};
use crate::ledger::{Ledger, Limits, SourceIndex, SourceOptions, history};
use crate::reading;
use crate::source::discover;
use crate::telemetry::Heartbeat;

/// What the loop is told.
#[derive(Debug, Clone)]
pub struct Options {
    pub sources: Vec<Source>,
    pub limits: Limits,
    pub history: history::Options,
    pub catalogue: Arc<Catalogue>,
    /// How often everything is looked at, whether or not the system said that something changed.
    pub rescan_interval: Duration,
    pub patience: Patience,
    /// How many threads read beside the loop. A reload does not change it.
    pub threads: usize,
    /// How much memory all files together may take to be unpacked, in bytes.
    pub memory_bytes: u64,
}

/// What the loop is given by the process that it runs in.
#[derive(Clone)]
pub struct Host {
    /// Wakes the loop.
    pub wake: Sender<Event>,
    /// What is committed goes there.
    pub published: Published,
    pub clock: Clock,
    /// Is told of each turn.
    pub heartbeat: Heartbeat,
    /// How many files of all sources may be kept open.
    pub open_files: usize,
}

/// What the loop is told of a source.
#[derive(Debug, Clone)]
pub struct Source {
    pub books: SourceOptions,
    pub discover: discover::Options,
    pub reading: reading::Options,
}

impl Options {
    /// The same for one of the sources alone.
    pub fn of_source(&self, source: &Source) -> Self {
        Self { sources: vec![source.clone()], catalogue: Arc::clone(&self.catalogue), ..*self }
    }

    /// An empty ledger for these options, in memory only, with the books of each source, in their order.
    pub fn ledger(&self, now: UnixMillis) -> (Ledger, Vec<SourceIndex>) {
        let mut ledger = Ledger::new(self.limits, Arc::clone(&self.catalogue));
        ledger.keep_history(self.history, now);
        let indexes = self.sources.iter().map(|source| ledger.source(source.books.clone(), now)).collect();
        (ledger, indexes)
    }

    /// The ledger of this store, under these options.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ledger_of(&self, store: Store, now: UnixMillis) -> Result<Ledger, StoreError> {
        let mut ledger = Ledger::open(store, self.limits, Arc::clone(&self.catalogue), now)?;
        ledger.keep_history(self.history, now);
        Ok(ledger)
    }
}
