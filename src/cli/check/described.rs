//! What is said of one file: its format, its records by what became of them, and what to mend.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use super::trial;
use crate::call::UnreadField;
use crate::cli::inspect::time;
use crate::cli::reader::{self, FileRead, Summary};
use crate::cli::{texts, uncounted};
use crate::findings::thousands;
use crate::format::names::Names;
use crate::format::table;
use crate::framing::Framing;
use crate::reading::batch::Rejected;
use crate::shown;

/// So much of the first rejected record of a reason is shown, masked.
const MASKED_SHOWN: usize = 1000;

/// What to mend where rows lack what decides, or are counted without what they could tell.
fn missing_hint(path: &Path, read: &FileRead, names: Names) -> Option<String> {
    let rejected = read.summary.rejected.iter().find(|rejected| rejected.reason.is_missing_name());
    let Some(rejected) = rejected else { return table::lacking(&texts::text_at(path, 0)?, names) };
    let format = read.reading.format()?;
    match format.framing {
        Framing::Json(_) => (format.decoder)(names).misspelt(&texts::text_at(path, rejected.position)?),
        _ => reader::header_hint(path, names),
    }
}

/// What was recognised in a file, and what is to be mended.
pub fn describe(
    path: &Path,
    result: &Result<FileRead, (Option<Box<FileRead>>, impl Display)>,
    names: Names,
    is_expected: bool,
) -> String {
    let mut text = format!("  {}\n", shown::path(path));
    let read = match result {
        Ok(read) => Some(read),
        Err((read, error)) => {
            text += &format!("    cannot be read: {error}\n");
            read.as_deref()
        }
    };
    let Some(read) = read else { return text };
    let FileRead { reading, summary: found } = read;
    let line = |hint: Option<String>| hint.map(|hint| format!("    {hint}\n")).unwrap_or_default();
    if let Some((why, hint)) = reader::unrecognised(path, reading, names) {
        return text + &format!("    not recognised: {why}\n") + &line(hint);
    }
    let encoding = reading.encoding().map_or_else(|| "empty".to_owned(), |encoding| encoding.to_string());
    let format = reading.format().map_or("no format yet", |format| format.name);
    text += &format!("    {format}, {encoding}\n");
    text += &summary(found);
    if found.has_no_call() && !is_expected {
        text += "    none of these records is a call that counts\n";
    }
    text + &line(missing_hint(path, read, names)) + &line(uncounted::without_records(path, read))
}

/// Whether a file is of a known format and has calls, or is expected to have none.
pub fn is_well(read: &FileRead, is_expected: bool) -> bool {
    let has_calls = is_expected || !read.summary.has_no_call() && !trial::has_no_call(read);
    read.reading.unrecognised().is_none() && has_calls
}

/// What a rejected record looks like; where a name is missing, the name says more.
fn shape(rejected: &Rejected) -> String {
    let masked = &rejected.masked;
    if masked.is_empty() || rejected.reason.is_missing_name() {
        return String::new();
    }
    let shown: String = masked.chars().take(MASKED_SHOWN).collect();
    let more = if masked.len() > shown.len() { "..." } else { "" };
    format!("      with letters as x and digits as 0: {shown}{more}\n")
}

fn summary(summary: &Summary) -> String {
    let parts: Vec<String> = summary
        .records
        .labelled()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(label, count)| format!("{} {label}", thousands(*count)))
        .collect();
    let mut text =
        format!("    records: {}\n", if parts.is_empty() { "none".to_owned() } else { parts.join(", ") });
    if let Some((first, last)) = summary.calls {
        text += &format!("    calls from {} to {}\n", time(first), time(last));
    }
    if let Some(what) = summary.ignored_are {
        text += &format!("    ignored: {what}\n");
    }
    let mut shown = BTreeSet::new();
    for rejected in &summary.rejected {
        let label = rejected.reason.label();
        text += &format!(
            "    rejected: record {} at byte {}: {label}: {}\n",
            rejected.number,
            rejected.position,
            rejected.reason.explanation()
        );
        if shown.insert(label) {
            text += &shape(rejected);
        }
    }
    for (field, calls) in UnreadField::ALL.iter().zip(summary.unread).filter(|(_, calls)| *calls > 0) {
        text += &format!("    {}: {calls}\n", field.said(summary.unread_time));
    }
    if let Some(time) = summary.unread_time {
        text += &format!("      {}\n", time.explanation());
    }
    text
}
