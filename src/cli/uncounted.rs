//! Why nothing of a file counts: a device's records have none of the names that `teams_side` says, none of its lines is a record
//! of the format that it is read as, or there is nothing in an archive.

use std::collections::BTreeSet;
use std::path::Path;

use super::reader::{FileRead, STANDARD_INPUT};
use super::texts;
use crate::call::Reason;
use crate::format::{Format, Recognition};
use crate::ledger::snapshot::RecordCounts;
use crate::reading::remarks;
use crate::reading::stages::{Piece, Stages};
use crate::source::open::open;
use crate::source::tail::Tail;

/// So much of a file is looked at again.
const LOOKED_AT: usize = 16 * 1024 * 1024;
/// So much of it shows of what format it is.
const HEAD: usize = 64 * 1024;

/// What to say of a file of a device of which no record counts, in words for the person who wrote the config; `None` where
/// there is no such file, or nothing in it.
pub fn explanation(path: &Path, read: &FileRead) -> Option<String> {
    let records = &read.summary.records;
    let format = read.reading.format().filter(|format| format.is_of_device())?;
    if records.counted + records.duplicate > 0
        || records.ignored == 0
        // Attempts of calls that were counted in another file.
        || read.summary.calls.is_some()
        || path.as_os_str() == STANDARD_INPUT
        || read.reading.unrecognised().is_some()
    {
        return None;
    }
    let seen = Seen::of(path, read, format)?;
    // Why they are rejected was said, and what to do.
    let are_unknown = read.summary.rejected.iter().any(|it| it.reason == Reason::UnknownColumns);
    (seen.calls > 0 || !are_unknown).then(|| seen.said(format))
}

/// What is to be said of a file in which there is nothing to be read, though it is not empty: an archive, or what was never
/// written.
pub fn without_records(path: &Path, read: &FileRead) -> Option<String> {
    if read.reading.format().is_some() {
        return None;
    }
    let begin = || texts::text_at(path, 0).filter(|_| path.as_os_str() != STANDARD_INPUT);
    if begin().is_some_and(|text| text.first() == Some(&0)) {
        let said = "it begins with NUL bytes, as a file does that was not written yet, or was emptied under its writer: see what \
                    writes it";
        return Some(said.to_owned());
    }
    read.reading.tail.is_archive().then(|| {
        "without call records: a zip archive of an export that holds Calling Plan calls at most, or an empty workbook".to_owned()
    })
}

/// Whether the file holds nothing but what its format ignores, such as a leg for itself, and others of the source count.
pub fn is_expected(read: &FileRead, others_count: bool) -> bool {
    let RecordCounts { counted, duplicate, rejected, .. } = read.summary.records;
    others_count && read.summary.ignored_are.is_some() && counted + duplicate + rejected == 0
}

/// Both, a line each, for a report; and whether nothing of the file counts, which was not to be expected.
pub fn lines(path: &Path, read: &FileRead, is_expected: bool) -> (String, bool) {
    let (mixed, why) = (mixed(path, read), explanation(path, read).filter(|_| !is_expected));
    let counts_nothing = why.is_some();
    let why = why.or_else(|| of_another_format(path, read));
    let mixed = mixed.map(|mixed| format!("    warning: {mixed}\n"));
    let why = why.map(|why| format!("    {why}\n"));
    (mixed.into_iter().chain(why).collect(), counts_nothing)
}

/// What to say of a file of which all is rejected, as it is not of the format that the config names.
fn of_another_format(path: &Path, read: &FileRead) -> Option<String> {
    let named = read.reading.options().format?;
    let RecordCounts { counted, duplicate, rejected, .. } = read.summary.records;
    let text = Some(()).filter(|()| counted + duplicate == 0 && rejected > 0);
    let text = text.and_then(|()| texts::text_at(path, 0)).filter(|_| path.as_os_str() != STANDARD_INPUT)?;
    let known = Format::certain(&text, text.len() < texts::RECORD_BYTES)?;
    let is_other = known.name != named.name;
    is_other.then(|| {
        format!("by its beginning it is of the format `{}`, and `format` names `{}`", known.name, named.name)
    })
}

/// What to say of a file that has the records of several devices, where `format` does not name one.
pub fn mixed(path: &Path, read: &FileRead) -> Option<String> {
    let options = read.reading.options();
    let format = read.reading.format().filter(|_| options.format.is_none())?;
    let head = texts::text_at(path, 0).filter(|_| path.as_os_str() != STANDARD_INPUT)?;
    remarks::mixed(format, &head, options)
}

/// The titles of a file's own header line for `layout`, where another of the source has records that need it.
pub fn layout(reads: &[&FileRead]) -> Option<String> {
    let needs =
        |read: &&&FileRead| read.summary.rejected.iter().any(|it| it.reason == Reason::UnknownColumns);
    reads.iter().find(needs)?;
    let header = reads.iter().find_map(|read| read.reading.content()?.header)?;
    let titles = header.lines().next()?.split_once('|')?.1.split('|').map(str::trim).collect::<Vec<_>>();
    let titles = crate::shown::text(&titles.join(",")).to_string();
    Some(format!(
        "  a file of this source has a header line; with this in the config, the others are read, too:\n    layout: \"{titles}\"\n"
    ))
}

/// What the records of a file show.
#[derive(Debug, Default)]
struct Seen {
    /// Records of calls.
    calls: u64,
    names: BTreeSet<String>,
    /// Whether the operator said which names are Teams'.
    are_told: bool,
    /// Whether the config names the format.
    is_named: bool,
    /// The format that the file has by its beginning, where that is another.
    other: Option<&'static str>,
}

impl Seen {
    fn of(path: &Path, read: &FileRead, format: &'static Format) -> Option<Self> {
        let options = read.reading.options();
        let (mut tail, mut stages) = (Tail::new(open(path).ok()?), Stages::new(format, options));
        let mut seen = Self { is_named: options.format.is_some(), ..Self::default() };
        let (mut looked_at, mut finished, mut head) = (0, false, Vec::new());
        while looked_at < LOOKED_AT {
            let (record, next) = match stages.next(tail.text(), finished) {
                Piece::NeedMore if finished => break,
                Piece::NeedMore => {
                    finished = !tail.fill(u64::MAX, false).ok()? && !tail.fill(1, true).ok()?;
                    continue;
                }
                Piece::Skip { next } => (0..0, next),
                Piece::Record { text, next, .. } => (text, next),
            };
            if let Some(sides) = stages.decoder.sides(&tail.text()[record]) {
                seen.calls += 1;
                seen.are_told = sides.are_told;
                seen.names.extend(sides.names);
            }
            if head.len() < HEAD {
                head.extend_from_slice(&tail.text()[..next]);
            }
            looked_at += next;
            tail.consume(next);
        }
        head.truncate(HEAD);
        if let Recognition::Known(known) = Format::recognise_with(&head, true, options.names) {
            seen.other = Some(known.name).filter(|name| *name != format.name);
        }
        Some(seen)
    }

    fn said(&self, format: &Format) -> String {
        let name = format.name;
        if self.calls == 0 {
            return match self.other {
                Some(other) => format!(
                    "none of its records is one of a call as `{name}` has them: by its beginning it is of the format `{other}`"
                ),
                None => {
                    let named = if self.is_named { "" } else { "name the device in `format`, and " };
                    let has_layout = format.device.is_some_and(|keys| keys.layout.is_some());
                    let layout = if has_layout {
                        "; where it writes no header, say in `layout` where fields stand"
                    } else {
                        ""
                    };
                    format!(
                        "none of its records is one of a call as `{name}` has them: {named}look whether it writes records of calls \
                         into this file{layout}"
                    )
                }
            };
        }
        remarks::without_side(self.calls, self.are_told, &self.names)
    }
}
