//! `cdr-exporter inspect`: what files hold, read once.

mod apart;
mod calls;
mod csv;
mod html;
mod facts;
mod files;
mod group;
mod report;
mod select;
mod table;
mod view;

pub use report::time;
pub use select::Choice;
pub use table::{Style, wrapped};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use self::group::By;
use self::view::{Arrangement, View};
use super::Exit;
use super::reader::{self, FileRead, Reader};
use crate::call::{Outcome, UnixMillis};
use crate::config;
use crate::expose::families;
use crate::ledger::history;
use crate::ledger::snapshot::Snapshot;
use crate::pipeline::{self, Source};
use crate::reading::{self, origins::Origins};
use crate::shown;

/// Counts by series and minute that are kept, 8 bytes each: 200 days of 100,000 calls over 200 trunks. Then the oldest go.
const HISTORY_CELLS: usize = 20_000_000;

/// Read files once and say which cause, on which trunk, since when, and what to do
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdr-exporter inspect DirectRouting.calls.2026-11-01.csv\n  \
                        cdr-exporter inspect --by trunk,cause --since 2h *.csv\n  \
                        zcat -f *.json* | cdr-exporter inspect - --output json")]
pub struct Arguments {
    /// Files, folders or globs; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// How to print what was found
    #[arg(long, value_name = "OUTPUT", default_value = "table")]
    output: Output,
    /// Read as this config says: its causes and trunk names, and the format of the source that has the first of the files
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Read as the config says of this source, wherever the files are
    #[arg(long, value_name = "NAME", requires = "config_file")]
    source: Option<String>,
    /// Count a record each time it comes; faster, in less memory
    #[arg(long)]
    count_duplicates: bool,
    /// Threads that read; all cores if it is not said
    #[arg(long, value_name = "NUMBER", value_parser = super::threads)]
    threads: Option<usize>,
    /// List the calls themselves, newest first, with correlation ids
    #[arg(long)]
    calls: bool,
    /// No more calls than this in that list, 0 is all; 20 without it, on a page 50 failed ones
    #[arg(long, value_name = "NUMBER", value_parser = super::whole_number)]
    limit: Option<usize>,
    #[command(flatten)]
    choice: Choice,
    /// Only calls with this outcome: answered, busy, no_answer, cancelled, declined, elsewhere, failed; several with commas
    #[arg(
        long,
        value_name = "OUTCOME",
        value_delimiter = ',',
        value_parser = select::outcome,
        help_heading = "Which calls"
    )]
    outcome: Vec<Outcome>,
    #[command(flatten)]
    arrangement: Arrangement,
}

/// So many calls a list has, unless --limit says otherwise.
const CALLS_OF_A_LIST: usize = 20;
/// So many failed calls a page shows, unless --limit says otherwise.
const CALLS_OF_A_PAGE: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets: a line for each group of --by, or for each cause and trunk
    Csv,
    /// A page to print or to send: one file that needs nothing else
    Html,
    /// The cdr_* families, as /metrics would show them; without choice or arrangement
    Prometheus,
}

/// Reads and prints. The answer is no when a file could not be read or is of no known format.
pub fn run(arguments: &Arguments) -> Exit {
    let choice = arguments.choice.with_outcomes(&arguments.outcome);
    if let Some(message) = not_together(arguments, &choice) {
        return fail("inspect", message, Exit::Usage);
    }
    let remember = if arguments.count_duplicates { Duration::ZERO } else { Duration::MAX };
    let config = arguments.config_file.as_deref().map(|file| (file, arguments.source.as_deref()));
    let options = match options(&arguments.files, config, remember) {
        Ok(options) => options,
        Err((message, exit)) => return fail("inspect", &message, exit),
    };
    let most = arguments.limit.map(|limit| if limit == 0 { usize::MAX } else { limit });
    let limit = match (arguments.calls, arguments.output) {
        (true, _) => Some((most.unwrap_or(CALLS_OF_A_LIST), false)),
        (false, Output::Html) => Some((most.unwrap_or(CALLS_OF_A_PAGE), true)),
        (false, _) => None,
    };
    let how = How {
        threads: arguments.threads,
        limit,
        keeps_families: arguments.output == Output::Prometheus
            || arguments.arrangement.by.iter().any(|by| by.is_apart()),
        choice: &choice,
        command: "inspect",
        is_again: false,
    };
    let (was_read, exit) = read(&arguments.files, &options, &how);
    match written(arguments, &choice, was_read) {
        Err((message, exit)) => fail("inspect", &message, exit),
        Ok(text) => super::print("inspect", &text, exit),
    }
}

/// What was asked for and cannot be had together: nothing that was written is passed over in silence.
fn not_together(arguments: &Arguments, choice: &Choice) -> Option<&'static str> {
    let Arguments { calls, limit, output, arrangement, .. } = arguments;
    let is_arranged = !arrangement.by.is_empty() || arrangement.sort.is_some() || arrangement.top.is_some();
    match output {
        Output::Csv | Output::Prometheus if *calls => Some("--calls is listed as a table, JSON or HTML"),
        Output::Prometheus if !choice.is_of_all() || is_arranged || choice.zone() != &TimeZone::UTC => Some(
            "--output prometheus has the counters of all calls: leave out what chooses and arranges some",
        ),
        Output::Table if *calls && is_arranged => Some(
            "--calls lists the newest calls, and --by, --sort and --top arrange tables: leave one of them out (--limit says \
             how many calls are listed)",
        ),
        Output::Table | Output::Json | Output::Csv | Output::Prometheus if limit.is_some() && !calls => {
            Some("--limit is of the list of calls: add --calls, or --output html")
        }
        _ if choice.has_only_some_failures() && choice.has_other_outcomes() => Some(
            "--cause, --code and --side choose failed calls: leave them or --outcome out, or write --outcome failed",
        ),
        _ if *calls && !choice.has_fixed_end() => {
            Some("with --calls, write --until as a date or a date and time")
        }
        _ => None,
    }
}

/// How files are read: as the config says, if one is given, of the source with this name, or else of the one that has the
/// first of the files.
///
/// # Errors
/// What is wrong with the config or a path, and the code to leave with.
pub fn options(
    files: &[String],
    config: Option<(&Path, Option<&str>)>,
    remember: Duration,
) -> Result<pipeline::Options, (String, Exit)> {
    let mut options = config::load(None, files).map_err(|error| (error.to_string(), Exit::Usage))?;
    // Calls of any age are looked at.
    options.history = history::Options { keep: Duration::MAX, cells: HISTORY_CELLS };
    let source = &mut options.sources[0];
    if let Some((file, named)) = config {
        let config = config::load(Some(file), &[]).map_err(|error| (error.to_string(), Exit::BadConfig))?;
        let names = config.sources.iter().flat_map(|source| source.books.trunk_names.iter().cloned());
        source.books.trunk_names = names.collect();
        if let Some(configured) = configured(&config.sources, named, &files[0])
            .map_err(|reason| (format!("{}: {reason}", file.display()), Exit::Usage))?
        {
            source.books.name = Arc::clone(&configured.books.name);
            source.reading = configured.reading;
            source.books.trunk_names.clone_from(&configured.books.trunk_names);
            source.books.trunks.clone_from(&configured.books.trunks);
            source.books.attempts_within = configured.books.attempts_within;
        }
        (options.catalogue, options.limits) = (config.catalogue, config.limits);
    }
    source.books.remember = source.books.remember.min(remember);
    Ok(options)
}

/// The source of this name, or else the one that has this file; where none has it, the only one, if it is.
fn configured<'s>(
    sources: &'s [Source],
    named: Option<&str>,
    file: &str,
) -> Result<Option<&'s Source>, String> {
    if let Some(name) = named {
        let known: Vec<&str> = sources.iter().map(|source| &*source.books.name).collect();
        let found = sources.iter().find(|source| &*source.books.name == name);
        return found
            .map(Some)
            .ok_or_else(|| format!("there is no source `{name}`; it has {}", known.join(", ")));
    }
    let covers = |source: &&Source| std::path::absolute(file).is_ok_and(|path| source.discover.covers(&path));
    Ok(sources.iter().find(covers).or(match sources {
        [only] => Some(only),
        _ => None,
    }))
}

/// What is compared: of a trunk, of a cause on it, or of all.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    pub failed: u64,
    pub attempts: u64,
    /// Who can fix the cause, in words, if its codes tell; and what to do.
    pub advice: Option<(Option<&'static str>, String)>,
}

/// Failed calls and attempts of each trunk, of each cause on it, and under no key of all.
///
/// # Errors
/// Which text is no time.
pub fn lines_by(snapshot: Arc<Snapshot>, choice: &Choice) -> Result<BTreeMap<Vec<String>, Compared>, String> {
    let arrangement = Arrangement { by: vec![By::Trunk, By::Cause], top: Some(0), sort: None };
    let view = View::of(snapshot, choice, &arrangement, 1)?;
    let found = &view.facts.findings;
    let all = Compared { failed: found.failed, attempts: found.attempts, advice: None };
    let mut lines = BTreeMap::from([(Vec::new(), all)]);
    for line in &view.trunks {
        let compared = Compared { failed: line.failed, attempts: line.attempts, advice: None };
        lines.insert(line.keys.clone(), compared);
    }
    for line in view.asked.iter().flat_map(|(_, lines)| lines) {
        let about = line.cause.as_ref().map(|(cause, codes)| view.snapshot.catalogue.about(cause, *codes));
        let advice =
            about.map(|about| (about.side().map(|side| side.explanation()), about.remedy().to_owned()));
        lines.insert(line.keys.clone(), Compared { failed: line.failed, attempts: line.attempts, advice });
    }
    Ok(lines)
}

/// What was read of some files.
pub struct WasRead {
    pub snapshot: Arc<Snapshot>,
    pub calls: Vec<calls::Call>,
    pub origins: Origins,
}

/// How files are read.
pub struct How<'h> {
    /// All cores if it is not said.
    pub threads: Option<usize>,
    /// So many calls are listed, or so many failed ones.
    pub limit: Option<(usize, bool)>,
    /// Whether durations, ages, kinds and countries are counted too, which takes time.
    pub keeps_families: bool,
    pub choice: &'h Choice,
    /// Who says what is wrong.
    pub command: &'h str,
    /// Whether the same files were read before, so that what is wrong with them was said.
    pub is_again: bool,
}

impl How<'_> {
    fn say(&self, message: &str) {
        if !self.is_again {
            super::say(self.command, message);
        }
    }

    fn fail(&self, message: &str) -> Exit {
        self.say(message);
        Exit::No
    }
}

/// Reads files. What is wrong with one file is said, and the others are read all the same.
pub fn read(arguments: &[String], options: &pipeline::Options, how: &How<'_>) -> (WasRead, Exit) {
    let How { threads, limit, keeps_families, choice, .. } = *how;
    let fail = |message: &str| how.fail(message);
    let mut exit = Exit::Ok;
    let mut paths = Vec::new();
    for argument in arguments {
        let (found, reasons) = files::of(argument);
        paths.extend(found);
        for reason in reasons {
            exit = fail(&format!("{}: {reason}", shown::text(argument)));
        }
    }
    let threads = threads.unwrap_or_else(reader::all_cores);
    let (mut reader, sources) = Reader::new(options, reader::total_bytes(&paths), threads);
    let names = &options.sources[0].books.trunk_names;
    let reading = reading::Options { keeps_detail: keeps_families, ..options.sources[0].reading };
    if let Some(limit) = limit {
        reader.list(calls::listing(choice, &options.catalogue, names, limit));
    }
    let (mut reads, mut without_calls): (Vec<Option<FileRead>>, bool) = (Vec::new(), false);
    for (path, outcome) in paths.iter().zip(reader.read(&paths, sources[0], reading)) {
        let shown = reader::shown(path);
        reads.push(match outcome {
            Ok(read) => {
                without_calls |= read.summary.has_no_call();
                if let Some((why, hint)) = reader::unrecognised(path, &read.reading, reading.names) {
                    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                    exit = fail(&format!("{shown}: not read: {why}{hint}"));
                }
                Some(read)
            }
            Err((read, error)) => {
                exit = fail(&format!("{shown}: {error}"));
                read.map(|read| *read)
            }
        });
    }
    let twice = reader.twice().map(|twice| twice.sentence());
    for warning in files::mixed(&paths, &reads).into_iter().chain(twice) {
        how.say(&format!("warning: {warning}"));
    }
    let mut listed = reader.take_listed();
    let origins = reader.take_origins();
    let snapshot = reader.snapshot();
    if snapshot.calls.iter().all(|series| series.count == 0) {
        if without_calls {
            let message = "none of the records is a call that counts; `cdr-exporter check` says why";
            exit = fail(message);
        }
        for message in files::empty(&paths, &reads).into_iter().chain(files::uncounted(&paths, &reads)) {
            exit = fail(&message);
        }
    }
    let span = snapshot.history.span().map(|span| (i64::from(span.start), i64::from(span.end)));
    if let (false, Some(Ok((first, end)))) = (choice.is_at_any_time(), span.map(|span| choice.minutes(span)))
    {
        let is_within = |at: UnixMillis| (first..end).contains(&at.0.div_euclid(60_000));
        listed.retain(|listed| listed.call.ended_at.is_some_and(is_within));
    }
    let calls = calls::of(listed, &paths, &reads, names, choice.zone());
    (WasRead { snapshot, calls, origins }, exit)
}

/// What was found, as it was asked for.
fn written(arguments: &Arguments, choice: &Choice, was_read: WasRead) -> Result<String, (String, Exit)> {
    let WasRead { snapshot, calls, origins } = was_read;
    let internal = |error: String| (error, Exit::Internal);
    if arguments.output == Output::Prometheus {
        return Ok(families::text(&snapshot));
    }
    let mut arrangement = arguments.arrangement.clone();
    // The same column twice says nothing more.
    for by in std::mem::take(&mut arrangement.by) {
        if !arrangement.by.contains(&by) {
            arrangement.by.push(by);
        }
    }
    if arguments.output == Output::Csv && arrangement.by.is_empty() {
        arrangement.by = vec![By::Trunk, By::Direction, By::Cause];
    }
    if matches!(arguments.output, Output::Csv | Output::Json) {
        arrangement.top = arrangement.top.or(Some(0));
    }
    let style = Style::of_standard_output();
    let columns = if arguments.output == Output::Html { 48 } else { style.bar_columns() };
    let view = View::of(snapshot, choice, &arrangement, columns);
    let view = View { origins, ..view.map_err(|error| (error, Exit::Usage))? };
    match arguments.output {
        Output::Table if arguments.calls => Ok(calls::table(&calls)),
        Output::Table => Ok(table::text(&view, style)),
        Output::Json => Ok(report::json(&view, &calls)),
        Output::Html => Ok(html::page(&view, &calls)),
        Output::Csv => {
            let (by, lines) = view.asked.as_ref().map_or((&[][..], &[][..]), |(by, lines)| (by, lines));
            csv::text(&view, by, lines).map_err(|error| internal(error.to_string()))
        }
        Output::Prometheus => Ok(String::new()),
    }
}

fn fail(command: &str, message: &str, exit: Exit) -> Exit {
    super::say(command, message);
    exit
}
