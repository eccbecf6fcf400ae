//! The checked configuration: what was written made into each stage's options, or the place and reason why not.

mod collect;
mod file;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo, Unit};
use regex::Regex;
use serde_saphyr::Spanned;

use crate::call::Outcome;
use crate::classify::{Catalogue, Entry, Side};
use crate::decode::Format;
use crate::ledger::{Limits, SourceOptions, TrunkName};
use crate::pipeline::{self, Patience, Source, reading};
use crate::source::discover::{Exclude, Options, Pattern};

/// Why a configuration cannot be used: where, and what to do.
#[derive(Debug)]
pub struct ConfigError {
    file: Option<PathBuf>,
    /// Line and column, from 1.
    place: Option<(u64, u64)>,
    message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
        }
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if self.file.is_some() || self.place.is_some() {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

type Checked<T> = Result<T, ConfigError>;

/// Where the state is kept when nothing else is said.
pub const STORAGE: &str = "data/";
/// The name of the source that paths on the command line make.
const SOURCE_OF_PATHS: &str = "teams";
const RESCAN_INTERVAL: Duration = Duration::from_secs(10);
const PATIENCE: Patience =
    Patience { quiet: Duration::from_secs(3), unfinished_after: Duration::from_secs(300) };
/// Looking at files more often than this would be all that the daemon does.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// Overlapping exports are a matter of days; a week is what a forgotten download folder needs.
const REMEMBER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// All that a config says.
#[derive(Debug)]
pub struct Config {
    pub pipeline: pipeline::Options,
    pub collect: Vec<crate::collect::Options>,
}

/// Nothing is collected.
impl From<pipeline::Options> for Config {
    fn from(pipeline: pipeline::Options) -> Self {
        Self { pipeline, collect: Vec::new() }
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
            let text = std::fs::read_to_string(file)
                .map_err(|error| named(plain(format!("cannot read it: {error}"))))?;
            parse(&text, storage).map_err(named)?
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
        catalogue: Arc::new(Catalogue::built_in()),
        rescan_interval: RESCAN_INTERVAL,
        patience: PATIENCE,
    }
}

fn source_of_paths(paths: &[String]) -> Checked<Source> {
    let pattern = |path: &String| Pattern::parse(path).map_err(|error| plain(error.to_string()));
    Ok(Source {
        books: SourceOptions { name: SOURCE_OF_PATHS.into(), remember: REMEMBER, trunk_names: Vec::new() },
        discover: Options {
            patterns: paths.iter().map(pattern).collect::<Checked<_>>()?,
            exclude: Exclude::parse(Exclude::DEFAULT).map_err(|error| plain(error.to_string()))?,
        },
        reading: reading::Options::default(),
    })
}

/// Checks the text of a config file.
fn parse(text: &str, storage: &Path) -> Checked<Config> {
    let mut file: file::File = serde_saphyr::from_str(text).map_err(|error| not_as_written(&error))?;
    let collect = collect::checked(&file.collect, storage)?;
    for name in file.collect.drain(..).map(|entry| entry.name) {
        if !file.sources.iter().any(|source| source.name.value == name.value) {
            file.sources.push(file::Source::named(name));
        }
    }
    let record_bytes = match &file.limits.record_bytes {
        Some(written) => bytes(written)?,
        None => reading::Options::default().record_bytes,
    };
    let mut names = HashSet::new();
    for source in &file.sources {
        if source.name.value.trim().is_empty() {
            return Err(at(&source.name, "a source needs a name; it becomes the label `source`"));
        }
        if !names.insert(&source.name.value) {
            return Err(at(&source.name, format!("there are two sources named `{}`", source.name.value)));
        }
    }
    let limits = Limits::default();
    let spool = |source: &file::Source| {
        collect.iter().find(|options| options.source == source.name.value).map(|options| &*options.folder)
    };
    let sources = file.sources.iter().map(|written| source(written, spool(written), record_bytes));
    let pipeline = pipeline::Options {
        sources: sources.collect::<Checked<_>>()?,
        limits: Limits {
            trunks_per_source: file.limits.trunks_per_source.unwrap_or(limits.trunks_per_source),
            series: file.limits.series.unwrap_or(limits.series),
        },
        catalogue: Arc::new(catalogue(&file.causes)?),
        rescan_interval: interval(file.rescan_interval.as_ref(), RESCAN_INTERVAL)?,
        patience: Patience {
            quiet: interval(file.quiet.as_ref(), PATIENCE.quiet)?,
            unfinished_after: interval(file.unfinished_after.as_ref(), PATIENCE.unfinished_after)?,
        },
    };
    Ok(Config { pipeline, collect })
}

/// A source as it is written, and the folder that is collected into for it, if one is.
fn source(written: &file::Source, spool: Option<&Path>, record_bytes: usize) -> Checked<Source> {
    if written.paths.is_none() && spool.is_none() {
        let message = "the key `paths` is missing; only a source that `collect` feeds needs none";
        return Err(at(&written.name, message));
    }
    let paths = written.paths.as_deref().unwrap_or_default();
    if paths.is_empty() && spool.is_none() {
        return Err(at(&written.name, format!("the source `{}` has no paths", written.name.value)));
    }
    let pattern =
        |path: &Spanned<String>| Pattern::parse(&path.value).map_err(|error| at(path, error.to_string()));
    let collected = spool.map(|folder| {
        let folder = globset::escape(&folder.to_string_lossy());
        let calls = format!("{folder}/{}", crate::collect::CALLS);
        Pattern::parse(&calls).map_err(|error| at(&written.name, error.to_string()))
    });
    let exclude = match &written.exclude {
        Some(globs) => {
            for glob in globs {
                Exclude::parse([glob.value.as_str()]).map_err(|error| at(glob, error.to_string()))?;
            }
            Exclude::parse(globs.iter().map(|glob| glob.value.as_str()))
        }
        None => Exclude::parse(Exclude::DEFAULT),
    };
    Ok(Source {
        books: SourceOptions {
            name: written.name.value.as_str().into(),
            remember: written.remember.as_ref().map_or(Ok(REMEMBER), duration)?,
            trunk_names: written.trunks.iter().map(trunk_name).collect::<Checked<_>>()?,
        },
        discover: Options {
            patterns: paths.iter().map(pattern).chain(collected).collect::<Checked<_>>()?,
            exclude: exclude.map_err(|error| at(&written.name, error.to_string()))?,
        },
        reading: reading::Options {
            format: written.format.as_ref().map_or(Ok(None), format)?,
            live_within: written.live_within.as_ref().map(duration).transpose()?,
            record_bytes,
        },
    })
}

fn format(written: &Spanned<String>) -> Checked<Option<Format>> {
    match written.value.as_str() {
        "auto" => Ok(None),
        name => match Format::from_name(name) {
            Some(format) => Ok(Some(format)),
            None => {
                let known: Vec<&str> = ["auto"].into_iter().chain(Format::ALL.map(Format::name)).collect();
                Err(at(written, unknown("format", name, &known)))
            }
        },
    }
}

/// A name for the FQDNs that match from their beginning to their end.
fn trunk_name(written: &file::Trunk) -> Checked<TrunkName> {
    let whole = format!("^(?i:{})$", written.matches.value);
    // Compiled alone first, so that the message shows the text that was written.
    let matches = Regex::new(&written.matches.value).and_then(|_| Regex::new(&whole));
    let matches =
        matches.map_err(|error| at(&written.matches, format!("not a regular expression: {error}")))?;
    Ok(TrunkName { matches, name: written.name.clone() })
}

fn catalogue(causes: &[Spanned<file::Cause>]) -> Checked<Catalogue> {
    let entries = causes.iter().map(|cause| entry(&cause.value)).collect::<Checked<_>>()?;
    Catalogue::with_operator_entries(entries).map_err(|refused| at(&causes[refused.at], refused.to_string()))
}

fn entry(written: &file::Cause) -> Checked<Entry> {
    let outcome = Outcome::from_label(&written.outcome.value).ok_or_else(|| {
        at(&written.outcome, unknown("outcome", &written.outcome.value, &Outcome::ALL.map(Outcome::label)))
    })?;
    let side = Side::from_label(&written.side.value).ok_or_else(|| {
        at(&written.side, unknown("side", &written.side.value, &Side::ALL.map(Side::label)))
    })?;
    Ok(Entry {
        microsoft_code: written.microsoft_code,
        sip_code: written.sip_code,
        phrase: written.phrase.clone(),
        cause: written.cause.as_str().into(),
        outcome,
        side,
        category: written.category.clone(),
        ner: outcome.into(),
        documented_for: "config".to_owned(),
        remedy: written.remedy.clone(),
    })
}

/// A length of time such as `90s`, `6h` or `7d`; a day is 24 hours.
fn duration(written: &Spanned<String>) -> Checked<Duration> {
    let seconds = written
        .value
        .parse::<Span>()
        .ok()
        .and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        at(written, format!("`{}` is not a length of time such as 90s, 6h or 7d", written.value))
    })
}

/// A length of time between two looks at files.
fn interval(written: Option<&Spanned<String>>, default: Duration) -> Checked<Duration> {
    let Some(written) = written else { return Ok(default) };
    let value = duration(written)?;
    if value < LEAST_INTERVAL {
        return Err(at(written, format!("`{}` is less than {LEAST_INTERVAL:?}", written.value)));
    }
    Ok(value)
}

fn bytes(written: &Spanned<String>) -> Checked<usize> {
    let size = written.value.parse::<ByteSize>().ok().and_then(|size| usize::try_from(size.as_u64()).ok());
    size.filter(|size| *size > 0)
        .ok_or_else(|| at(written, format!("`{}` is not a size such as 512KiB or 1MiB", written.value)))
}

fn unknown(what: &str, value: &str, known: &[&str]) -> String {
    format!("`{value}` is no {what}; {}", meant(value, known))
}

/// The known word that was probably meant, or all of them.
fn meant(value: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|word| (strsim::damerau_levenshtein(value, word), *word)).min();
    match nearest {
        Some((distance, word)) if distance <= 2.max(word.len() / 3) => format!("did you mean `{word}`?"),
        _ => format!("there are {}", known.join(", ")),
    }
}

fn not_as_written(error: &serde_saphyr::Error) -> ConfigError {
    let error = error.without_snippet();
    let message = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key `{field}` here; {}", meant(field, expected))
        }
        serde_saphyr::Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` is there twice")
        }
        serde_saphyr::Error::Unexpected { expected: "mapping start", .. } => {
            "expected keys with their values, such as `name: teams`".to_owned()
        }
        serde_saphyr::Error::Unexpected { expected: "sequence start", .. } => {
            "expected a list: [a, b], or lines that begin with `- `".to_owned()
        }
        serde_saphyr::Error::InvalidScalar { ty: "u16", .. } => "not a whole number up to 65535".to_owned(),
        serde_saphyr::Error::InvalidScalar { .. } => "not a whole number from 0".to_owned(),
        error => {
            let text = error.to_string();
            // The place is said once, in front.
            text.split(" at line ").next().unwrap_or(&text).trim_end_matches(',').to_owned()
        }
    };
    ConfigError { file: None, place: error.location().map(|place| (place.line(), place.column())), message }
}

fn at<T>(written: &Spanned<T>, message: impl Into<String>) -> ConfigError {
    let place = (written.referenced.line(), written.referenced.column());
    ConfigError { file: None, place: Some(place), message: message.into() }
}

fn plain(message: String) -> ConfigError {
    ConfigError { file: None, place: None, message }
}
