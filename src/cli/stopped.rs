//! The store for commands that work on it while the daemon is stopped, with the config that it runs with.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::serve::no_sources;
use crate::ledger::store::{Store, StoreError};
use crate::ledger::{Ledger, SourceIndex};
use crate::pipeline::Options;
use crate::{clock, config};

/// What to give where nothing was given.
const NOT_SAID: &str =
    "say what the daemon reads: the paths that serve is started with, or its --config.file FILE";

/// What the daemon is started with.
#[derive(Debug, Args)]
pub struct Stopped {
    /// The files, folders or globs that the daemon is started with, if any
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The config file that the daemon is started with, if any
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Folder of the store
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = config::STORAGE)]
    storage_path: PathBuf,
}

/// Why a command cannot do its work, and the code to leave with.
#[derive(Debug)]
pub struct Failed {
    pub message: String,
    pub exit: Exit,
}

impl Failed {
    pub fn new(message: impl Into<String>, exit: Exit) -> Self {
        Self { message: message.into(), exit }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string(), Exit::Store)
    }
}

impl Stopped {
    /// The options, the ledger of the store under them, and the books of each of the sources.
    ///
    /// # Errors
    /// When the config is wrong or the store cannot be used.
    pub fn open(&self) -> Result<(Options, Ledger, Vec<SourceIndex>), Failed> {
        let config = config::load_with(self.config_file.as_deref(), &self.paths, &self.storage_path);
        let options = config.map_err(|error| Failed::new(error.to_string(), Exit::BadConfig))?.pipeline;
        if options.sources.is_empty() {
            return Err(match &self.config_file {
                Some(file) => Failed::new(no_sources(file), Exit::BadConfig),
                None => Failed::new(NOT_SAID, Exit::Usage),
            });
        }
        let store = Store::open_existing(&self.storage_path, false)?;
        let mut ledger = options.ledger_of(store, clock::now())?;
        let sources = &options.sources;
        let books = sources.iter().map(|source| ledger.source(source.books.clone(), clock::now())).collect();
        Ok((options, ledger, books))
    }
}
