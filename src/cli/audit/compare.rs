//! What was counted against what is found again, and of what it can be said that it must be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::Audit;
use crate::call::Outcome;
use crate::clock;
use crate::ledger::snapshot::{RecordCounts, Route, Snapshot, SourceSnapshot};
use crate::reading::Records;

/// What the files of a source hold.
#[derive(Debug, Default)]
pub struct Recount {
    /// Files of which it was not kept what they held.
    pub unknown: usize,
    /// What was found when they were read, each text once.
    then: Records,
    /// Whether calls of the source have attempts: those that join another are booked as ignored, and which do depends on
    /// which came first.
    pub has_attempts: bool,
    /// Calls that were rejected then and can be read now.
    late: u64,
    /// Rejected records that were counted by `replay`.
    replayed: u64,
    /// Why more may have been counted than the files hold.
    more: Option<&'static str>,
    differences: Vec<String>,
}

/// What came of comparing a source.
#[derive(Debug, Default)]
pub struct Compared {
    pub differences: Vec<String>,
    /// What was counted beyond what the files hold, and why that is no difference.
    pub note: Option<String>,
}

impl Recount {
    /// No file yet, and so many rejected records that were counted by `replay`.
    pub fn new(replayed: u64) -> Self {
        Self { replayed, ..Self::default() }
    }

    /// Adds one file: what was found in it `then`, and what is found now.
    pub fn add_file(&mut self, path: &Path, then: Option<Records>, now: Records, is_copy: bool) {
        let Some(then) = then else {
            self.unknown += 1;
            self.note_more("it was not kept then what each file held");
            return;
        };
        let late = now.calls.saturating_sub(then.calls);
        let as_then = Records { calls: now.calls - late, rejected: now.rejected + late, ..now };
        if as_then != then {
            let parts = [
                ("calls", then.calls, now.calls),
                ("headers", then.header, now.header),
                ("ignored records", then.ignored, now.ignored),
                ("rejected records", then.rejected, now.rejected),
            ];
            for (what, then, now) in parts.into_iter().filter(|(_, then, now)| then != now) {
                self.differs(path, &format!("{then} {what} were found in it, and now {now}"));
            }
        }
        if !is_copy {
            let all = &mut self.then;
            all.calls += then.calls;
            all.header += then.header;
            all.ignored += then.ignored;
            all.rejected += then.rejected;
            self.late += late;
        }
    }

    /// Notes why more may have been counted than the files hold.
    pub fn note_more(&mut self, why: &'static str) {
        self.more.get_or_insert(why);
    }

    /// Notes what is wrong with a file.
    pub fn differs(&mut self, path: &Path, what: &str) {
        self.differences.push(format!("{}: {what}", crate::shown::path(path)));
    }

    /// What was ever read of the source, but for what was replayed.
    fn ever_read(&self, source: &SourceSnapshot) -> Records {
        let RecordCounts { counted, duplicate, header, ignored, rejected } = source.records;
        Records { calls: (counted + duplicate).saturating_sub(self.replayed), header, ignored, rejected }
    }

    /// What was found in the files and cannot have been, since less was ever read.
    fn too_many(&self, source: &SourceSnapshot) -> Vec<String> {
        let (files, ever) = (self.then, self.ever_read(source));
        let both = |records: Records| records.calls + records.ignored;
        let mut parts =
            vec![("headers", files.header, ever.header), ("rejected records", files.rejected, ever.rejected)];
        match self.has_attempts {
            true => parts.push(("calls and ignored records", both(files), both(ever))),
            false => parts.extend([
                ("calls", files.calls, ever.calls),
                ("ignored records", files.ignored, ever.ignored),
            ]),
        }
        let too_many = parts.into_iter().filter(|(_, files, ever)| files > ever);
        let said = |(what, files, ever)| {
            format!("the ledger: {files} {what} were found in files, and {ever} in all")
        };
        too_many.map(said).collect()
    }

    /// Whether the files hold as many records of each kind as were ever read.
    fn is_complete(&self, source: &SourceSnapshot) -> bool {
        let without_kind = |records: Records| match self.has_attempts {
            true => Records { calls: records.calls + records.ignored, ignored: 0, ..records },
            false => records,
        };
        self.unknown == 0 && without_kind(self.then) == without_kind(self.ever_read(source))
    }

    /// Whether calls of several attempts were counted by other attempts than they are now that all are known.
    fn were_decided_otherwise(&self, ledger: &SourceSnapshot, files: &SourceSnapshot) -> bool {
        let of = |source: &SourceSnapshot| (source.records.duplicate, source.records.ignored);
        self.has_attempts && (ledger.late_answers > 0 || of(ledger) != of(files))
    }

    /// Differences of label sets, of the ledger and of the files.
    fn label_sets(
        &self,
        name: &str,
        [(counted, ledger), (again, files)]: [(&Snapshot, &SourceSnapshot); 2],
        why_more: Option<&str>,
    ) -> Vec<String> {
        let Self { late, replayed, .. } = *self;
        let coarse = ledger.series_overflow + files.series_overflow > 0;
        let (ledger, files) = (label_sets(counted, name, coarse), label_sets(again, name, coarse));
        let all: BTreeSet<&String> = ledger.keys().chain(files.keys()).collect();
        let mut differences = Vec::new();
        for labels in all {
            let [ledger, files] = [&ledger, &files].map(|sets| sets.get(labels).copied().unwrap_or_default());
            let is_less = files > ledger + late.saturating_sub(replayed);
            let is_more = why_more.is_none() && ledger > files + replayed.saturating_sub(late);
            if is_less || is_more {
                differences.push(format!("{labels}: the ledger has {ledger}, the files {files}"));
            }
        }
        differences
    }

    /// Why more may have been counted of a source than its files hold, and `None` where it may not.
    fn why_more(
        &self,
        ledger: &SourceSnapshot,
        files: &SourceSnapshot,
        remember: Duration,
    ) -> Option<&'static str> {
        // An id that came again when it was forgotten was counted again.
        let age = clock::now().0.saturating_sub(ledger.created.0);
        let remembered = i64::try_from(remember.as_millis()).unwrap_or(i64::MAX);
        if age > remembered && ledger.records.duplicate != files.records.duplicate {
            return Some("record ids that came again when they were forgotten were counted again");
        }
        if self.is_complete(ledger) {
            return None;
        }
        // The text that a file held before leaves no other trace where it was short, or where a copy of it was there.
        let went = |(event, count): &(&str, u64)| *count > 0 && WENT.contains(event);
        self.more.or(ledger.file_events.iter().any(went).then_some(GONE))
    }
}

/// Said where calls were counted before all of their attempts came.
const DECIDED_OTHERWISE: &str = "label sets are not compared: attempts came later than `attempts_within`, and their calls were \
                                 counted without them";

/// Events of a file whose text is there no more, by their labels.
const WENT: [&str; 3] = ["truncated", "replaced", "removed"];

/// Said where text that was counted is there no more.
pub const GONE: &str = "files of this source are gone since, or were written anew";

impl Audit {
    /// Every difference of one source.
    pub fn compare(&self, name: &str, counted: &Snapshot, again: &Snapshot, remember: Duration) -> Compared {
        let of = |snapshot: &Snapshot| snapshot.sources.iter().find(|source| &*source.name == name).cloned();
        let (Some(ledger), Some(files)) = (of(counted), of(again)) else { return Compared::default() };
        let mut differences = self.recount.differences.clone();
        differences.extend(within(counted, &ledger));
        differences.extend(self.recount.too_many(&ledger));
        let why_more = self.recount.why_more(&ledger, &files, remember);
        let surplus = ledger.records.counted.saturating_sub(files.records.counted);
        let labels = self.recount.label_sets(name, [(counted, &ledger), (again, &files)], why_more);
        if !labels.is_empty() && self.recount.were_decided_otherwise(&ledger, &files) {
            let (counted, found) = (ledger.records.counted, files.records.counted + ledger.late_answers);
            let is_right = if why_more.is_some() { counted >= found } else { counted == found };
            if !is_right {
                differences.push(format!("calls: the ledger has {counted}, the files {found}"));
            }
            return Compared { differences, note: Some(DECIDED_OTHERWISE.to_owned()) };
        }
        differences.extend(labels);
        if let Some(note) = forgotten(&ledger, &self.recount, &differences) {
            return Compared { differences, note: Some(note) };
        }
        let note = why_more.filter(|_| surplus > 0).map(|why| {
            let calls = if surplus == 1 { "call was" } else { "calls were" };
            format!("{surplus} more {calls} counted than the files hold, which is no difference: {why}")
        });
        Compared { differences, note }
    }
}

/// That `state forget` took counters away, where there are differences that come of it.
fn forgotten(ledger: &SourceSnapshot, recount: &Recount, differences: &[String]) -> Option<String> {
    let (calls, causes) = (ledger.apart.forgotten_calls, ledger.apart.forgotten_causes);
    let is_all = !recount.too_many(ledger).is_empty() && calls + causes == 0;
    match differences.is_empty() {
        true => None,
        false if is_all => Some(
            "less was ever counted than the files hold: so it is after `state forget --source`, which begins the counters anew \
             and has no file read again"
                .to_owned(),
        ),
        false if calls + causes > 0 => Some(format!(
            "`state forget` took {calls} calls and {causes} causes of failed calls away, and the files still hold them: \
             differences of these are no fault"
        )),
        false => None,
    }
}

/// What does not fit together in the ledger's own numbers of a source.
pub fn within(counted: &Snapshot, source: &SourceSnapshot) -> Vec<String> {
    let of = |route: &Route| route.source == source.name;
    let calls = counted.calls.iter().filter(|series| of(&series.route));
    let failed: u64 =
        calls.clone().filter(|series| series.outcome == Outcome::Failed).map(|series| series.count).sum();
    let failures: u64 =
        counted.failures.iter().filter(|series| of(&series.route)).map(|series| series.count).sum();
    let (records, apart) = (source.records, source.apart);
    let results: u64 = records.labelled().iter().map(|(_, count)| count).sum();
    let reasons: u64 = source.rejected.iter().map(|(_, count)| count).sum();
    let sums = [
        ("records read and the sum of their results", source.read_records, results),
        (
            "records counted and the sum of calls",
            records.counted + apart.further_calls,
            calls.map(|series| series.count).sum::<u64>() + apart.forgotten_calls,
        ),
        ("calls that failed and the sum of their causes", failed, failures + apart.forgotten_causes),
        ("records rejected and the sum of their reasons", records.rejected, reasons),
    ];
    let unequal = sums.into_iter().filter(|(_, one, other)| one != other);
    unequal.map(|(what, one, other)| format!("the ledger: {what} differ: {one} and {other}")).collect()
}

/// Every counter of calls of a source by its labels, over `arrival`: when a record was read cannot be told from it.
/// `coarse` where label sets were folded into `other`: which were depends on the order of the calls.
fn label_sets(snapshot: &Snapshot, source: &str, coarse: bool) -> BTreeMap<String, u64> {
    let mut sets = BTreeMap::new();
    let mut add = |labels: String, count: u64| {
        if count > 0 {
            *sets.entry(labels).or_default() += count;
        }
    };
    let route = |route: &Route| match coarse {
        true => format!("direction={:?}", route.direction.label()),
        false => format!("trunk={:?},direction={:?}", route.trunk, route.direction.label()),
    };
    for series in snapshot.calls.iter().filter(|series| &*series.route.source == source) {
        let labels = format!("{},outcome={:?}", route(&series.route), series.outcome.label());
        add(format!("cdr_calls_total{{{labels}}}"), series.count);
    }
    for series in snapshot.failures.iter().filter(|series| !coarse && &*series.route.source == source) {
        let codes = format!("microsoft_code={:?},sip_code={:?}", series.microsoft_code, series.sip_code);
        let labels = format!("{},cause={:?},{codes}", route(&series.route), series.cause);
        add(format!("cdr_call_failures_total{{{labels}}}"), series.count);
    }
    for series in snapshot.durations.iter().filter(|series| &*series.route.source == source) {
        let bounds = series.histogram.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&series.histogram.buckets) {
            let labels = format!("{},le={bound:?}", route(&series.route));
            add(format!("cdr_call_duration_seconds{{{labels}}}"), *count);
        }
    }
    sets
}
