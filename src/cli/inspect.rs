//! `cdr-exporter inspect`: what files hold, read once.

mod report;

pub use report::time;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Exit;
use super::reader::{self, Reader, STANDARD_INPUT};
use crate::config;
use crate::expose::families;
use crate::shown;
use crate::source::companion;
use crate::source::discover::{Exclude, Options, Pattern};

/// Read files once and print the calls, outcomes and causes of failure that they hold
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdr-exporter inspect DirectRouting.calls.2026-11-01.csv\n  \
                        zcat -f *.json* | cdr-exporter inspect - --output json")]
pub struct Arguments {
    /// Files, folders or globs; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// How to print what was found
    #[arg(long, value_name = "OUTPUT", default_value = "table")]
    output: Output,
    /// Count a record each time it comes; faster, in less memory
    #[arg(long)]
    count_duplicates: bool,
    /// Threads that read; all cores if it is not said
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Table,
    /// For programs
    Json,
    /// The cdr_* families, as /metrics would show them
    Prometheus,
}

/// Reads and prints. The answer is no when a file could not be read or is of no known format.
pub fn run(arguments: &Arguments) -> Exit {
    let mut options = match config::load(None, &arguments.files) {
        Ok(options) => options,
        Err(error) => return fail(&error.to_string(), Exit::Usage),
    };
    if arguments.count_duplicates {
        options.sources[0].books.remember = Duration::ZERO;
    }
    let mut exit = Exit::Ok;
    let mut paths = Vec::new();
    for argument in &arguments.files {
        let (found, reasons) = files(argument);
        paths.extend(found);
        for reason in reasons {
            exit = fail(&format!("{}: {reason}", shown::text(argument)), Exit::No);
        }
    }
    let threads = arguments.threads.unwrap_or_else(reader::all_cores);
    let (mut reader, sources) = Reader::new(&options, reader::total_bytes(&paths), threads);
    let mut without_calls = false;
    for (path, outcome) in paths.iter().zip(reader.read(&paths, sources[0], options.sources[0].reading)) {
        let shown = reader::shown(path);
        match outcome {
            Ok(read) => {
                without_calls |= read.summary.has_no_call();
                if let Some(explanation) = read.reading.unrecognised() {
                    exit = fail(&format!("{shown}: not read: {explanation}"), Exit::No);
                }
            }
            Err((_, error)) => exit = fail(&format!("{shown}: {error}"), Exit::No),
        }
    }
    let snapshot = reader.snapshot();
    if without_calls && snapshot.calls.iter().all(|series| series.count == 0) {
        exit = fail("none of the records is a call that counts; `cdr-exporter check` says why", Exit::No);
    }
    let text = match arguments.output {
        Output::Table => report::Report::of(&snapshot).table(),
        Output::Json => report::Report::of(&snapshot).json(),
        Output::Prometheus => match families::text(&snapshot) {
            Ok(text) => text,
            Err(error) => return fail(&error.to_string(), Exit::Internal),
        },
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error.to_string(), Exit::Internal),
        _ => exit,
    }
}

fn fail(message: &str, exit: Exit) -> Exit {
    eprintln!("cdr-exporter inspect: {message}");
    exit
}

/// The files that an argument stands for, and why some are missing; a name that is there is that file, whatever characters
/// it has.
fn files(argument: &str) -> (Vec<PathBuf>, Vec<String>) {
    let path = Path::new(argument);
    if argument == STANDARD_INPUT || path.is_file() {
        return (vec![path.to_path_buf()], Vec::new());
    }
    let options = Pattern::parse(argument).and_then(|pattern| {
        Ok(Options { patterns: vec![pattern], exclude: Exclude::parse(Exclude::DEFAULT)? })
    });
    let found = match options {
        Ok(options) => options.scan(),
        Err(error) => return (Vec::new(), vec![error.to_string()]),
    };
    let unreadable = found.unreadable.iter().map(|(path, error)| format!("{}: {error}", shown::path(path)));
    let mut reasons: Vec<String> =
        unreadable.chain(found.left_out_said().map(|said| shown::text(&said))).collect();
    if found.files.is_empty() && reasons.is_empty() {
        let none = match path.is_dir() {
            true => {
                "there is no file in this folder to read (those that begin with a dot or end in .tmp or .part are left alone)"
            }
            false => "there is no such file",
        };
        reasons.push(none.to_owned());
    }
    // What always comes with an export is read only where it is named itself.
    let paths = found.files.into_iter().map(|(path, _)| path);
    (paths.filter(|path| companion::explanation_at(path).is_none()).collect(), reasons)
}
