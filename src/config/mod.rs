//! The checked configuration: what was written made into each stage's options, or the place and reason why not.

mod causes;
mod collect;
mod device;
mod errors;
mod file;
mod limits;
mod mapping;
mod sources;
mod units;

use std::io;
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
use crate::ledger::{Limits, history};
use crate::pipeline::{self, Patience};
use crate::small_file;

/// Where the state is kept when nothing else is said.
pub const STORAGE: &str = "data/";
const RESCAN_INTERVAL: Duration = Duration::from_secs(10);
const PATIENCE: Patience =
    Patience { quiet: Duration::from_secs(3), unfinished_after: Duration::from_secs(300) };

/// All that a config says.
#[derive(Debug)]
pub struct Config {
    pub pipeline: pipeline::Options,
    pub collect: Vec<crate::collect::Options>,
    /// Files for signing in that cannot be read now. The daemon reads them each time anew, so it starts all the same.
    pub unreadable: Vec<ConfigError>,
}

/// Nothing is collected.
impl From<pipeline::Options> for Config {
    fn from(pipeline: pipeline::Options) -> Self {
        Self { pipeline, collect: Vec::new(), unreadable: Vec::new() }
    }
}

/// The options of the loop alone, as [`load_with`] gives them for the usual storage path.
///
/// # Errors
/// As [`load_with`].
pub fn load(file: Option<&Path>, paths: &[String]) -> Checked<pipeline::Options> {
    Ok(load_with(file, paths, Path::new(STORAGE))?.pipeline)
}

/// The options that a config file, paths or both give. Paths make a source named `teams` of their own. What is
/// collected lies under the storage path.
///
/// # Errors
/// The first thing that is wrong in the file or with a path; and that there is no source at all.
pub fn load_with(file: Option<&Path>, paths: &[String], storage: &Path) -> Checked<Config> {
    let mut config = match file {
        Some(file) => {
            let named = |mut error: ConfigError| {
                error.file = Some(file.to_path_buf());
                error
            };
            let text = small_file::read_or_await(file).and_then(|text| io::read_to_string(text.as_slice()));
            let text = text.map_err(|error| named(plain(small_file::unreadable(&error))))?;
            let config = parse(&text, storage).map_err(named)?;
            let unreadable = config.unreadable.into_iter().map(named).collect();
            Config { unreadable, ..config }
        }
        None => defaults().into(),
    };
    let options = &mut config.pipeline;
    if !paths.is_empty() {
        if options.sources.iter().any(|source| &*source.books.name == SOURCE_OF_PATHS) {
            return Err(plain(format!(
                "paths on the command line make a source named `{SOURCE_OF_PATHS}`, and the config has one of that name: \
                 put the paths there"
            )));
        }
        options.sources.push(source_of_paths(paths)?);
    }
    Ok(config)
}

/// The options of an empty config.
pub fn defaults() -> pipeline::Options {
    pipeline::Options {
        sources: Vec::new(),
        limits: Limits::default(),
        history: history::Options::default(),
        catalogue: Catalogue::built_in(),
        rescan_interval: RESCAN_INTERVAL,
        patience: PATIENCE,
        threads: default_threads(),
        memory_bytes: limits::DEFAULT_MEMORY_BYTES,
    }
}

/// Half of the cores: what reads beside the loop must leave room for it, and for others.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2)
}

/// `Yes`, `No` and `n` are the words of some device, `0503` is a code, and columns are named like that, too: flags are `true` and
/// `false`.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true, leading_zero_numbers_as_strings: true, underscored_numbers_as_strings: true }
}

/// Checks the text of a config file.
fn parse(text: &str, storage: &Path) -> Checked<Config> {
    let mut file: file::File =
        serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| not_as_written(&error))?;
    let collect = collect::checked(&file.collect, storage)?;
    let unreadable = file.collect.iter().flat_map(collect::unreadable).collect();
    for name in file.collect.drain(..).map(|entry| entry.name) {
        if !file.sources.iter().any(|source| source.name.value == name.value) {
            file.sources.push(file::Source::named(name));
        }
    }
    let spool = |source: &str| {
        collect.iter().find(|options| options.source == source).map(|options| &*options.folder)
    };
    let memory_bytes = limits::memory_bytes(&file.limits)?;
    let pipeline = pipeline::Options {
        sources: sources(&file.sources, spool, limits::record_bytes(&file.limits, memory_bytes)?)?,
        limits: limits::labels(&file.limits, &file.families)?,
        history: limits::history(&file.history)?,
        catalogue: Arc::new(catalogue(&file.causes)?),
        rescan_interval: interval(file.rescan_interval.as_ref(), RESCAN_INTERVAL)?,
        patience: Patience {
            quiet: interval(file.quiet.as_ref(), PATIENCE.quiet)?,
            unfinished_after: interval(file.unfinished_after.as_ref(), PATIENCE.unfinished_after)?,
        },
        threads: default_threads(),
        memory_bytes,
    };
    Ok(Config { pipeline, collect, unreadable })
}
