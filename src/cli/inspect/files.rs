//! The files that the command line names, and which of them hold nothing.

use std::path::{Path, PathBuf};

use crate::cli::counted;
use crate::cli::reader::{FileRead, STANDARD_INPUT, shown};
use crate::cli::uncounted;
use crate::ledger::snapshot::RecordCounts;
use crate::source::companion;
use crate::source::discover::{Exclude, Options, Pattern};

/// So many places in a folder that cannot be read are named.
const MOST_REASONS: usize = 20;

/// So many files are looked at again.
const MOST_EXPLAINED: usize = 3;

/// The files that an argument stands for, and why some are missing; a name that is there is that file, whatever characters
/// it has.
pub fn of(argument: &str) -> (Vec<PathBuf>, Vec<String>) {
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
    // Who says it names the argument.
    let is_argument = |place: &Path| std::path::absolute(path).is_ok_and(|path| path == place);
    let unreadable = found.unreadable.iter().map(|(place, error)| match is_argument(place) {
        true => error.to_string(),
        false => format!("{}: {error}", crate::shown::path(place)),
    });
    let mut reasons: Vec<String> = unreadable.take(MOST_REASONS).collect();
    if let Some(more) = found.unreadable.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        reasons.push(format!("{} cannot be read", counted(more as u64, "more place")));
    }
    reasons.extend(found.left_out_said().map(|said| crate::shown::text(&said)));
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
    let (companions, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.partition(|path| companion::explanation_at(path).is_some());
    if let (true, Some(first)) = (paths.is_empty(), companions.first()) {
        let explanation = companion::explanation_at(first).unwrap_or_default();
        reasons.push(format!("nothing but what lies beside records: {}: {explanation}", shown(first)));
    }
    (paths, reasons)
}

/// Warnings of the first files that have records of several devices.
pub fn mixed(paths: &[PathBuf], reads: &[Option<FileRead>]) -> Vec<String> {
    let said = paths.iter().zip(reads).filter_map(|(path, read)| {
        let mixed = uncounted::mixed(path, read.as_ref()?)?;
        Some(format!("{}: {mixed}", shown(path)))
    });
    said.take(MOST_EXPLAINED).collect()
}

/// Why nothing of the first files of a device counts, where no file holds a call.
pub fn uncounted(paths: &[PathBuf], reads: &[Option<FileRead>]) -> Vec<String> {
    let said = paths.iter().zip(reads).filter_map(|(path, read)| {
        let why = uncounted::explanation(path, read.as_ref()?)?;
        Some(format!("{}: {why}", shown(path)))
    });
    said.take(MOST_EXPLAINED).collect()
}

/// What is to be said of files that hold nothing, where no file holds a call.
pub fn empty(paths: &[PathBuf], reads: &[Option<FileRead>]) -> Vec<String> {
    let is_empty = |read: &FileRead| {
        let RecordCounts { counted, duplicate, ignored, rejected, .. } = read.summary.records;
        read.reading.unrecognised().is_none() && counted + duplicate + ignored + rejected == 0
    };
    let empty: Vec<(&PathBuf, &FileRead)> = paths
        .iter()
        .zip(reads)
        .filter_map(|(path, read)| Some((path, read.as_ref().filter(|read| is_empty(read))?)))
        .collect();
    let what = |path: &Path, read: &FileRead| match read.summary.records.header {
        0 => uncounted::without_records(path, read)
            .unwrap_or_else(|| "empty: there is no record in it".to_owned()),
        _ => "empty but for a header: there is no record below it".to_owned(),
    };
    let said =
        empty.iter().take(MOST_REASONS).map(|(path, read)| format!("{}: {}", shown(path), what(path, read)));
    let more = empty.len().checked_sub(MOST_REASONS).filter(|more| *more > 0);
    let are = |more| if more == 1 { "is" } else { "are" };
    said.chain(more.map(|more| format!("{} {} empty", counted(more as u64, "more file"), are(more))))
        .collect()
}
