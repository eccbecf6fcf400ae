//! The checked configuration: what was written made into each stage's options, or the place and reason why not.

mod causes;
mod errors;
mod file;
mod limits;
mod sources;
mod units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::causes::catalogue;
pub use self::errors::ConfigError;
use self::errors::{Checked, not_as_written, plain};
pub use self::sources::counted_twice;
use self::sources::{SOURCE_OF_PATHS, source_of_paths, sources};
use self::units::interval;
use crate::classify::Catalogue;
use crate::ledger::Limits;
use crate::pipeline::{self, Patience};

const RESCAN_INTERVAL: Duration = Duration::from_secs(10);
const PATIENCE: Patience =
    Patience { quiet: Duration::from_secs(3), unfinished_after: Duration::from_secs(300) };

/// The options that a config file, paths or both give. Paths make a source named `teams` of their own.
///
/// # Errors
/// The first thing that is wrong in the file or with a path; and that there is no source at all.
pub fn load(file: Option<&Path>, paths: &[String]) -> Checked<pipeline::Options> {
    let mut options = match file {
        Some(file) => {
            let named = |mut error: ConfigError| {
                error.file = Some(file.to_path_buf());
                error
            };
            let text = std::fs::read_to_string(file)
                .map_err(|error| named(plain(format!("cannot read it: {error}"))))?;
            parse(&text).map_err(named)?
        }
        None => defaults(),
    };
    if !paths.is_empty() {
        if options.sources.iter().any(|source| &*source.books.name == SOURCE_OF_PATHS) {
            return Err(plain(format!(
                "paths on the command line make a source named `{SOURCE_OF_PATHS}`, and the config has one of that name: \
                 put the paths there"
            )));
        }
        options.sources.push(source_of_paths(paths)?);
    }
    Ok(options)
}

/// The options of an empty config.
pub fn defaults() -> pipeline::Options {
    pipeline::Options {
        sources: Vec::new(),
        limits: Limits::default(),
        catalogue: Arc::new(Catalogue::built_in()),
        rescan_interval: RESCAN_INTERVAL,
        patience: PATIENCE,
        threads: default_threads(),
    }
}

/// Half of the cores: what reads beside the loop must leave room for it, and for others.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2)
}

/// Checks the text of a config file.
fn parse(text: &str) -> Checked<pipeline::Options> {
    let file: file::File = serde_saphyr::from_str(text).map_err(|error| not_as_written(&error))?;
    Ok(pipeline::Options {
        sources: sources(&file.sources, limits::record_bytes(&file.limits)?)?,
        limits: limits::label_sets(&file.limits)?,
        catalogue: Arc::new(catalogue(&file.causes)?),
        rescan_interval: interval(file.rescan_interval.as_ref(), RESCAN_INTERVAL)?,
        patience: Patience {
            quiet: interval(file.quiet.as_ref(), PATIENCE.quiet)?,
            unfinished_after: interval(file.unfinished_after.as_ref(), PATIENCE.unfinished_after)?,
        },
        threads: default_threads(),
    })
}
