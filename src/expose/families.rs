//! A snapshot as metric families: their names, help texts and labels, and which of its counts each shows.
//!
//! What no snapshot holds, the program itself, has its families in `telemetry` (and the web config in `access`).

mod described;

use std::borrow::Cow;
use std::collections::HashSet;

use self::described::{
    CALL_AGE, CALL_DURATION, CALL_FAILURES, CALL_SETUP, CALLS, CALLS_BY_COUNTRY, CALLS_BY_KIND, CAUSE_INFO,
    COMMIT_DURATION, COMMIT_FAILURES, COMMITS, Described, FILE_EVENTS, FILES, FOLDERS_LEFT_OUT,
    FORGOTTEN_CALLS, FORGOTTEN_CAUSES, FURTHER_CALLS, LAST_COMMIT, LATE_ANSWERS, NEWEST_CALL, PATHS_MATCHED,
    PENDING_BYTES, PENDING_CALLS, READ_BYTES, READ_RECORDS, RECORDS, REJECTED_RECORDS, SERIES_OVERFLOW,
    SOURCE_INFO, SOURCE_UP, UNREAD_FIELDS,
};
use super::family::{Family, Kind, Series, Value};
use super::text;
use crate::call::{Outcome, UnixMillis};
use crate::classify::{Cause, Side};
use crate::ledger::PathsNow;
use crate::ledger::snapshot::{ByOutcome, Route, Snapshot, SourceSnapshot};
use crate::ledger::snapshot::{CallSeries, Commits, DurationSeries, FailureSeries, Histogram};

/// What a snapshot holds about calls and causes, in the text format; the daemon's own counters are left out.
pub fn text(snapshot: &Snapshot) -> String {
    let mut families = all_of(snapshot);
    families.retain(|family| !family.name.starts_with("cdr_exporter_"));
    text::encode(&families)
}

/// The families of a snapshot that have series, sorted by name, their series sorted by label values.
pub fn all_of(snapshot: &Snapshot) -> Vec<Family<'_>> {
    let mut families = vec![about_causes(snapshot)];
    families.extend(about_sources(&snapshot.sources));
    families.extend(about_commits(&snapshot.commits));
    if snapshot.ready {
        families.extend(about_calls(snapshot));
    }
    families.retain(|family| !family.series.is_empty());
    families.sort_by(|a, b| a.name.cmp(b.name));
    families
}

fn about_calls(snapshot: &Snapshot) -> [Family<'_>; 7] {
    let sources = &snapshot.sources;
    [
        CALL_SETUP.with(snapshot.setups.iter().map(durations)),
        CALLS_BY_KIND.with(sources.iter().flat_map(|source| {
            source.kinds.iter().flat_map(|(kind, counts)| by_outcome(source, kind, counts))
        })),
        CALLS_BY_COUNTRY.with(sources.iter().flat_map(|source| {
            source.countries.iter().flat_map(|(country, counts)| by_outcome(source, country, counts))
        })),
        CALLS.with(snapshot.calls.iter().map(calls)),
        CALL_FAILURES.with(snapshot.failures.iter().map(failures)),
        CALL_DURATION.with(snapshot.durations.iter().map(durations)),
        CALL_AGE.with(
            snapshot
                .sources
                .iter()
                .map(|source| histogram(&[&source.name], &source.call_age, Some(source.created))),
        ),
    ]
}

fn calls(series: &CallSeries) -> Series<'_> {
    let [source, trunk, direction] = route_labels(&series.route);
    let labels = [source, trunk, direction, series.outcome.label(), series.arrival.label()];
    number(&labels, series.count as f64, Some(series.created))
}

fn failures(series: &FailureSeries) -> Series<'_> {
    let [source, trunk, direction] = route_labels(&series.route);
    let [cause, microsoft, sip] = [&*series.cause, &*series.microsoft_code, &*series.sip_code];
    let labels = [source, trunk, direction, cause, microsoft, sip, series.arrival.label()];
    let exemplars = std::slice::from_ref(&series.exemplar);
    Series { exemplars, ..number(&labels, series.count as f64, Some(series.created)) }
}

/// One series for each outcome.
fn by_outcome<'s>(
    source: &'s SourceSnapshot,
    label: &'s str,
    counts: &'s ByOutcome,
) -> impl Iterator<Item = Series<'s>> {
    Outcome::ALL.into_iter().map(move |outcome| {
        number(&[&source.name, label, outcome.label()], counts[outcome as usize] as f64, Some(source.created))
    })
}

fn durations(series: &DurationSeries) -> Series<'_> {
    histogram(&route_labels(&series.route), &series.histogram, Some(series.created))
}

fn route_labels(route: &Route) -> [&str; 3] {
    [&route.source, &route.trunk, route.direction.label()]
}

/// The rows of the catalogue, and the causes of failures that were counted outside it but say something all the same.
fn about_causes(snapshot: &Snapshot) -> Family<'_> {
    let listed = snapshot.catalogue.info_rows().map(|entry| (Cause::Listed(entry), entry.codes()));
    let mut seen = HashSet::new();
    let counted = snapshot.failures.iter().filter(|_| snapshot.ready).filter_map(|series| {
        let cause = snapshot.catalogue.about(&series.cause, series.codes);
        let says_something = matches!(cause, Cause::Range(_) | Cause::Standard(_));
        (says_something && seen.insert((cause.name(), series.codes))).then_some((cause, series.codes))
    });
    CAUSE_INFO.with(listed.chain(counted).map(|(cause, codes)| Series {
        labels: vec![
            cause.name(),
            Cow::Owned(codes.microsoft_label()),
            Cow::Owned(codes.sip.map(|code| code.to_string()).unwrap_or_default()),
            Cow::Borrowed(cause.category()),
            Cow::Borrowed(cause.side().map(Side::label).unwrap_or_default()),
            Cow::Borrowed(cause.remedy()),
        ],
        value: Value::Number(1.0),
        created: None,
        exemplars: &[],
    }))
}

fn about_sources(sources: &[SourceSnapshot]) -> [Family<'_>; 19] {
    let newest = sources.iter().filter_map(|source| Some((&source.name, source.newest_call?)));
    let newest = newest.map(|(name, UnixMillis(end))| number(&[name], end as f64 / 1000.0, None));
    [
        NEWEST_CALL.with(newest),
        READ_RECORDS.by_source(sources, |source| source.read_records),
        READ_BYTES.by_source(sources, |source| source.read_bytes),
        PENDING_BYTES.with(pending(sources, |source| source.pending_bytes)),
        PENDING_CALLS.with(pending(sources, |source| source.pending_calls)),
        LATE_ANSWERS.by_source(sources, |source| source.late_answers),
        FURTHER_CALLS.by_source(sources, |source| source.apart.further_calls),
        FORGOTTEN_CALLS.by_source(sources, |source| source.apart.forgotten_calls),
        FORGOTTEN_CAUSES.by_source(sources, |source| source.apart.forgotten_causes),
        PATHS_MATCHED.with(paths(sources, |paths| paths.matched)),
        FOLDERS_LEFT_OUT.with(paths(sources, |paths| paths.left_out)),
        SOURCE_INFO.with(
            configured(sources).map(|source| {
                number(&[&source.name, source.prefer.as_deref().unwrap_or_default()], 1.0, None)
            }),
        ),
        SOURCE_UP.with(paths(sources, |paths| u64::from(paths.is_up))),
        SERIES_OVERFLOW.by_source(sources, |source| source.series_overflow),
        RECORDS.by_source_and(sources, |source| source.records.labelled().to_vec()),
        REJECTED_RECORDS.by_source_and(sources, |source| source.rejected.clone()),
        UNREAD_FIELDS.by_source_and(sources, |source| source.unread.clone()),
        FILES.by_source_and(sources, |source| source.files.clone()),
        FILE_EVENTS.by_source_and(sources, |source| source.file_events.clone()),
    ]
}

/// A source that is not configured any more has no files, and nothing to be read.
fn pending(
    sources: &[SourceSnapshot],
    value: impl Fn(&SourceSnapshot) -> u64,
) -> impl Iterator<Item = Series<'_>> {
    configured(sources).map(move |source| number(&[&source.name], value(source) as f64, None))
}

fn configured(sources: &[SourceSnapshot]) -> impl Iterator<Item = &SourceSnapshot> {
    sources.iter().filter(|source| !source.files.is_empty())
}

/// Where the paths of the sources lead that are configured.
fn paths(sources: &[SourceSnapshot], value: fn(&PathsNow) -> u64) -> impl Iterator<Item = Series<'_>> {
    sources.iter().filter_map(move |source| {
        let paths = source.paths.as_ref()?;
        Some(number(&[&source.name], value(paths) as f64, None))
    })
}

fn about_commits(commits: &Commits) -> [Family<'_>; 4] {
    let last = commits.last.map(|UnixMillis(last)| number(&[], last as f64 / 1000.0, None));
    let only = |value: u64| [number(&[], value as f64, None)].into_iter();
    [
        COMMITS.with(only(commits.total)),
        COMMIT_FAILURES.with(only(commits.failures)),
        COMMIT_DURATION.with([histogram(&[], &commits.duration, None)].into_iter()),
        LAST_COMMIT.with(last.into_iter()),
    ]
}

impl Described {
    /// This family with these series, sorted by their label values.
    fn with<'a>(&self, series: impl Iterator<Item = Series<'a>>) -> Family<'a> {
        let mut series: Vec<Series<'a>> = series.collect();
        debug_assert!(series.iter().all(|series| series.labels.len() == self.labels.len()), "{}", self.name);
        series.sort_by(Series::cmp_labels);
        Family { name: self.name, help: self.help, kind: self.kind, labels: self.labels.to_vec(), series }
    }

    /// One series for each source.
    fn by_source<'a>(
        &self,
        sources: &'a [SourceSnapshot],
        value: impl Fn(&SourceSnapshot) -> u64,
    ) -> Family<'a> {
        self.with(
            sources.iter().map(|source| number(&[&source.name], value(source) as f64, Some(source.created))),
        )
    }

    /// One series for each source and each value of a second label.
    fn by_source_and<'a>(
        &self,
        sources: &'a [SourceSnapshot],
        values: impl Fn(&SourceSnapshot) -> Vec<(&'static str, u64)>,
    ) -> Family<'a> {
        let created = |source: &SourceSnapshot| (self.kind == Kind::Counter).then_some(source.created);
        self.with(sources.iter().flat_map(|source| {
            let values = values(source).into_iter();
            values.map(move |(label, value)| number(&[&source.name, label], value as f64, created(source)))
        }))
    }
}

/// One series of a counter or gauge.
fn number<'a>(labels: &[&'a str], value: f64, created: Option<UnixMillis>) -> Series<'a> {
    Series { labels: borrowed(labels), value: Value::Number(value), created, exemplars: &[] }
}

/// One series of a histogram.
fn histogram<'a>(labels: &[&'a str], histogram: &'a Histogram, created: Option<UnixMillis>) -> Series<'a> {
    let (value, exemplars) = (Value::Histogram(histogram), &*histogram.exemplars);
    Series { labels: borrowed(labels), value, created, exemplars }
}

fn borrowed<'a>(labels: &[&'a str]) -> Vec<Cow<'a, str>> {
    labels.iter().map(|label| Cow::Borrowed(*label)).collect()
}
