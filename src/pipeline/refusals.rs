//! Tells people in the log of records that do not count, and of fields that could not be read: a line for each file and
//! reason, with how many and where.
//!
//! A file that goes on has at most one line a minute for a reason, and all files together have a few.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::call::{Reason, UnreadField, UnreadTime};
use crate::follow::Read;
use crate::shown;

/// How long after a line of a file and reason the next one comes at the earliest.
const PAUSE: Duration = Duration::from_secs(60);
/// How many lines there are in that time, of all files.
const MOST_LINES: usize = 20;
/// How many files and reasons are kept apart.
const MOST_KEPT: usize = 4096;

/// Why records do not count, or count without a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Why {
    Rejected(Reason),
    /// What they are.
    Ignored(&'static str),
    Unread(UnreadField),
}

/// What leads people to one of the records.
#[derive(Debug, Clone, Copy)]
enum Example {
    None,
    /// Where it begins in the text of the file.
    At(u64),
    /// A date in it.
    Time(UnreadTime),
}

#[derive(Debug)]
struct Of {
    source: String,
    /// Records of which no line tells yet.
    records: u64,
    /// Of the first of them.
    example: Example,
    said: Option<Instant>,
}

/// Records that do not count, by file and reason.
#[derive(Debug, Default)]
pub struct Refusals {
    of: HashMap<(PathBuf, Why), Of>,
    /// When the lines began that count towards the limit, and how many there were.
    lines: Option<(Instant, usize)>,
    /// What there is to say of files: with the name of their source.
    remarks: Vec<(String, PathBuf, String)>,
    /// Records of which no line told, since there were too many lines.
    unsaid: u64,
}

impl Refusals {
    /// Notes what of a batch does not count.
    pub fn take(&mut self, source: &str, read: &Read) {
        let batch = &read.batch;
        let remarks =
            batch.remarks.iter().map(|remark| (source.to_owned(), read.path.clone(), remark.clone()));
        self.remarks.extend(remarks.take(MOST_LINES.saturating_sub(self.remarks.len())));
        for reason in Reason::ALL {
            let records = batch.rejected_by_reason[reason as usize];
            let first = batch.rejected.iter().find(|rejected| rejected.reason == reason);
            let example = first.map_or(Example::None, |rejected| Example::At(rejected.position));
            self.note(source, &read.path, Why::Rejected(reason), records, example);
        }
        if let Some(what) = batch.ignored_are {
            self.note(source, &read.path, Why::Ignored(what), batch.records.ignored, Example::None);
        }
        let calls = batch.calls.all();
        for (field, count) in UnreadField::ALL.into_iter().zip(calls.unread) {
            let time = calls.unread_time.filter(|_| field != UnreadField::Duration);
            let example = time.map_or(Example::None, Example::Time);
            self.note(source, &read.path, Why::Unread(field), count, example);
        }
    }

    fn note(&mut self, source: &str, path: &Path, why: Why, records: u64, example: Example) {
        if records == 0 {
            return;
        }
        let key = (path.to_path_buf(), why);
        if self.of.len() >= MOST_KEPT && !self.of.contains_key(&key) {
            self.unsaid += records;
            return;
        }
        let of = self.of.entry(key).or_insert_with(|| Of {
            source: source.to_owned(),
            records: 0,
            example,
            said: None,
        });
        if of.records == 0 {
            of.example = example;
        }
        of.records += records;
    }

    /// Writes the lines that are due; how many.
    pub fn say(&mut self, now: Instant) -> usize {
        let is_over = |at: Instant| now.saturating_duration_since(at) >= PAUSE;
        if self.lines.is_some_and(|(begun, _)| is_over(begun)) {
            self.lines = None;
            // Taken outside the macro, which looks at nothing where warnings are not logged.
            let records = std::mem::take(&mut self.unsaid);
            if records > 0 {
                warn!(
                    records,
                    "more records did not count, or not with all fields; `status` says of which files"
                );
            }
        }
        let mut written = self.say_remarks(now);
        for ((path, why), of) in self.of.iter_mut().filter(|(_, of)| of.records > 0) {
            if of.said.is_some_and(|at| !is_over(at)) {
                continue;
            }
            let (_, lines) = self.lines.get_or_insert((now, 0));
            let records = std::mem::take(&mut of.records);
            if *lines >= MOST_LINES {
                self.unsaid += records;
                continue;
            }
            of.said = Some(now);
            *lines += 1;
            written += 1;
            of.write(path, *why, records);
        }
        self.of.retain(|_, of| of.records > 0 || of.said.is_some_and(|at| !is_over(at)));
        written
    }

    fn say_remarks(&mut self, now: Instant) -> usize {
        if self.remarks.is_empty() {
            return 0;
        }
        let (_, lines) = self.lines.get_or_insert((now, 0));
        let said = self.remarks.len().min(MOST_LINES.saturating_sub(*lines));
        for (source, path, remark) in self.remarks.drain(..said) {
            let (source, path) = (shown::text(&source), shown::path(&path));
            warn!(source, %path, "{remark}");
        }
        *lines += said;
        said
    }
}

impl Of {
    fn write(&self, path: &Path, why: Why, records: u64) {
        let (source, path) = (shown::text(&self.source), shown::path(path));
        match (why, self.example) {
            (Why::Rejected(reason), Example::At(first_at_byte)) => {
                let (label, why) = (reason.label(), reason.explanation());
                warn!(source, %path, records, reason = label, first_at_byte, "rejected: {why}");
            }
            (Why::Rejected(reason), _) => {
                let (label, why) = (reason.label(), reason.explanation());
                warn!(source, %path, records, reason = label, "rejected: {why}");
            }
            (Why::Ignored(what), _) => info!(source, %path, records, "ignored: {what}"),
            (Why::Unread(field), Example::Time(time)) => {
                let (field, why) = (field.label(), time.explanation());
                match time {
                    UnreadTime::Zone => {
                        warn!(source, %path, records, field, "counted with a time in a zone that is not known: {why}");
                    }
                    _ => {
                        warn!(source, %path, records, field, "counted without a field that could not be read: {why}")
                    }
                }
            }
            (Why::Unread(field), _) => {
                let field = field.label();
                warn!(source, %path, records, field, "counted without a field that could not be read");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Batch;
    use crate::reading::batch::Rejected;

    fn read(path: &str, reasons: &[Reason]) -> Read {
        let mut batch = Batch::default();
        for reason in reasons {
            batch.rejected_by_reason[*reason as usize] += 1;
            batch.rejected.push(Rejected {
                number: 1,
                position: 7,
                reason: *reason,
                bytes: 1,
                masked: String::new(),
            });
        }
        Read { batch, path: path.into(), lineage: 1 }
    }

    #[test]
    fn a_file_has_a_line_a_minute_for_each_reason() {
        let mut refusals = Refusals::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let many = read("/cdr/a", &[Reason::BadCode, Reason::BadCode, Reason::BadTime]);
        for (seconds, expected) in [(0, 2), (1, 0), (59, 0), (60, 2), (61, 0), (500, 2)] {
            refusals.take("teams", &many);
            assert_eq!(refusals.say(at(seconds)), expected, "after {seconds} s");
        }
        assert_eq!(refusals.say(at(501)), 0);
        assert_eq!(refusals.say(at(600)), 0, "all was said");
        assert!(refusals.of.is_empty(), "and is kept no longer");
    }

    #[test]
    fn many_files_have_a_few_lines() {
        let mut refusals = Refusals::default();
        let begin = Instant::now();
        for number in 0..MOST_KEPT + 100 {
            refusals.take("teams", &read(&format!("/cdr/{number}"), &[Reason::BadCode]));
        }
        assert_eq!(refusals.of.len(), MOST_KEPT);
        assert_eq!(refusals.say(begin), MOST_LINES);
        assert_eq!(refusals.unsaid, (MOST_KEPT + 100 - MOST_LINES) as u64);
        refusals.take("teams", &read("/cdr/new", &[Reason::BadCode]));
        assert_eq!(refusals.say(begin + PAUSE), 1);
        assert_eq!(refusals.unsaid, 0, "said in one line");
    }
}
