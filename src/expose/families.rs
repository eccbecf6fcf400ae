//! A snapshot as metric families: their names, help texts and labels, and the collector that serves them.

use std::cmp::Ordering;
use std::collections::HashMap;

use prometheus::TextEncoder;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, Metric, MetricFamily, MetricType};

use crate::call::UnixMillis;
use crate::classify::Catalogue;
use crate::ledger::snapshot::{CallSeries, Commits, DurationSeries, FailureSeries, Histogram};
use crate::ledger::snapshot::{Published, Route, Snapshot, SourceSnapshot};

/// What all series of one name share.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    labels: &'static [&'static str],
}

const CALLS: Family = Family {
    name: "cdr_calls_total",
    help: "Call records counted, by outcome.",
    kind: MetricType::COUNTER,
    labels: &["source", "trunk", "direction", "outcome", "arrival"],
};
const CALL_FAILURES: Family = Family {
    name: "cdr_call_failures_total",
    help: "Failed calls counted, by cause and code pair.",
    kind: MetricType::COUNTER,
    labels: &["source", "trunk", "direction", "cause", "microsoft_code", "sip_code", "arrival"],
};
const CALL_DURATION: Family = Family {
    name: "cdr_call_duration_seconds",
    help: "From INVITE to end of the answered calls.",
    kind: MetricType::HISTOGRAM,
    labels: &["source", "trunk", "direction"],
};
const CALL_AGE: Family = Family {
    name: "cdr_call_age_seconds",
    help: "From the end of a call to when it was counted.",
    kind: MetricType::HISTOGRAM,
    labels: &["source"],
};
const CAUSE_INFO: Family = Family {
    name: "cdr_cause_info",
    help: "Always 1; the labels say of each known code pair what it means, who can fix it and how.",
    kind: MetricType::GAUGE,
    labels: &["cause", "microsoft_code", "sip_code", "category", "side", "remedy"],
};
const NEWEST_CALL: Family = Family {
    name: "cdr_newest_call_timestamp_seconds",
    help: "End of the newest call counted, in seconds since 1970.",
    kind: MetricType::GAUGE,
    labels: &["source"],
};
const RECORDS: Family = Family {
    name: "cdr_exporter_records_total",
    help: "Records read; each is in exactly one result.",
    kind: MetricType::COUNTER,
    labels: &["source", "result"],
};
const REJECTED_RECORDS: Family = Family {
    name: "cdr_exporter_rejected_records_total",
    help: "Records that could not be read as calls, by reason.",
    kind: MetricType::COUNTER,
    labels: &["source", "reason"],
};
const READ_BYTES: Family = Family {
    name: "cdr_exporter_read_bytes_total",
    help: "Bytes read from files, before decompression.",
    kind: MetricType::COUNTER,
    labels: &["source"],
};
const PENDING_BYTES: Family = Family {
    name: "cdr_exporter_pending_bytes",
    help: "Bytes in files that are not counted yet.",
    kind: MetricType::GAUGE,
    labels: &["source"],
};
const FILES: Family = Family {
    name: "cdr_exporter_files",
    help: "Files known, by state.",
    kind: MetricType::GAUGE,
    labels: &["source", "state"],
};
const FILE_EVENTS: Family = Family {
    name: "cdr_exporter_file_events_total",
    help: "What happened to files.",
    kind: MetricType::COUNTER,
    labels: &["source", "event"],
};
const READ_RECORDS: Family = Family {
    name: "cdr_exporter_read_records_total",
    help: "Records found in files; counted apart from their results, whose sum it must be.",
    kind: MetricType::COUNTER,
    labels: &["source"],
};
const COMMITS: Family = Family {
    name: "cdr_exporter_commits_total",
    help: "Times that counts and file positions were made durable.",
    kind: MetricType::COUNTER,
    labels: &[],
};
const COMMIT_FAILURES: Family = Family {
    name: "cdr_exporter_commit_failures_total",
    help: "Times that counts and file positions could not be made durable; nothing is lost, reading waits.",
    kind: MetricType::COUNTER,
    labels: &[],
};
const COMMIT_DURATION: Family = Family {
    name: "cdr_exporter_commit_duration_seconds",
    help: "How long it took to make counts and file positions durable.",
    kind: MetricType::HISTOGRAM,
    labels: &[],
};
const LAST_COMMIT: Family = Family {
    name: "cdr_exporter_last_commit_timestamp_seconds",
    help: "When counts and file positions were last made durable, in seconds since 1970.",
    kind: MetricType::GAUGE,
    labels: &[],
};
const SERIES_OVERFLOW: Family = Family {
    name: "cdr_exporter_series_overflow_total",
    help: "Label sets folded into other by the limits on trunks and series.",
    kind: MetricType::COUNTER,
    labels: &["source"],
};

/// Every family that a snapshot fills.
const ALL: [&Family; 18] = [
    &CALLS,
    &CALL_FAILURES,
    &CALL_DURATION,
    &CALL_AGE,
    &CAUSE_INFO,
    &NEWEST_CALL,
    &RECORDS,
    &REJECTED_RECORDS,
    &READ_BYTES,
    &PENDING_BYTES,
    &FILES,
    &FILE_EVENTS,
    &SERIES_OVERFLOW,
    &READ_RECORDS,
    &COMMITS,
    &COMMIT_FAILURES,
    &COMMIT_DURATION,
    &LAST_COMMIT,
];

/// Serves what is published to a registry: one snapshot for each scrape.
#[derive(Debug)]
pub struct Families {
    published: Published,
    descriptions: Vec<Desc>,
}

impl Families {
    /// A collector over what is published.
    ///
    /// # Errors
    /// None in practice: when a name, help text or label of this file breaks the rules of the format.
    pub fn new(published: Published) -> prometheus::Result<Self> {
        let descriptions = ALL.into_iter().map(Family::describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { published, descriptions })
    }
}

impl Collector for Families {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        all_of(&self.published.current())
    }
}

/// What a snapshot holds about calls and causes, in the text format; the daemon's own counters are left out.
///
/// # Errors
/// None in practice: writing to memory does not fail, and no family is empty.
pub fn text(snapshot: &Snapshot) -> prometheus::Result<String> {
    let mut families = all_of(snapshot);
    families.retain(|family| !family.name().starts_with("cdr_exporter_"));
    TextEncoder::new().encode_to_string(&families)
}

/// The families of a snapshot that have series, sorted by name, their series sorted by label values.
fn all_of(snapshot: &Snapshot) -> Vec<MetricFamily> {
    let mut families = vec![about_causes(&snapshot.catalogue)];
    families.extend(about_sources(&snapshot.sources));
    families.extend(about_commits(&snapshot.commits));
    if snapshot.ready {
        families.extend(about_calls(snapshot));
    }
    families.retain(|family| !family.get_metric().is_empty());
    families.sort_by(|a, b| a.name().cmp(b.name()));
    families
}

fn about_calls(snapshot: &Snapshot) -> [MetricFamily; 4] {
    let call = |series: &CallSeries| {
        let [source, trunk, direction] = route_labels(&series.route);
        let labels = [source, trunk, direction, series.outcome.label(), series.arrival.label()];
        CALLS.number(&labels, series.count as f64)
    };
    let failure = |series: &FailureSeries| {
        let [source, trunk, direction] = route_labels(&series.route);
        let [cause, microsoft, sip] = [&*series.cause, &*series.microsoft_code, &*series.sip_code];
        let labels = [source, trunk, direction, cause, microsoft, sip, series.arrival.label()];
        CALL_FAILURES.number(&labels, series.count as f64)
    };
    let duration = |series: &DurationSeries| {
        let labels = route_labels(&series.route);
        CALL_DURATION.histogram(&labels, &series.histogram)
    };
    let age = |source: &SourceSnapshot| CALL_AGE.histogram(&[&source.name], &source.call_age);
    [
        CALLS.with(snapshot.calls.iter().map(call)),
        CALL_FAILURES.with(snapshot.failures.iter().map(failure)),
        CALL_DURATION.with(snapshot.durations.iter().map(duration)),
        CALL_AGE.with(snapshot.sources.iter().map(age)),
    ]
}

fn route_labels(route: &Route) -> [&str; 3] {
    [&route.source, &route.trunk, route.direction.label()]
}

fn about_causes(catalogue: &Catalogue) -> MetricFamily {
    CAUSE_INFO.with(catalogue.info_rows().map(|entry| {
        let labels = [
            entry.cause.to_string(),
            entry.microsoft_code.to_string(),
            entry.sip_code.to_string(),
            entry.category.to_string(),
            entry.side.label().to_owned(),
            entry.remedy.to_string(),
        ];
        CAUSE_INFO.number(&labels.each_ref().map(String::as_str), 1.0)
    }))
}

fn about_sources(sources: &[SourceSnapshot]) -> [MetricFamily; 9] {
    let newest_call = |source: &SourceSnapshot| {
        let UnixMillis(ended_at) = source.newest_call?;
        Some(NEWEST_CALL.number(&[&source.name], ended_at as f64 / 1000.0))
    };
    [
        NEWEST_CALL.with(sources.iter().filter_map(newest_call)),
        READ_RECORDS.by_source(sources, |source| source.read_records),
        READ_BYTES.by_source(sources, |source| source.read_bytes),
        PENDING_BYTES.with(pending_bytes(sources)),
        SERIES_OVERFLOW.by_source(sources, |source| source.series_overflow),
        RECORDS.by_source_and(sources, |source| source.records.labelled().to_vec()),
        REJECTED_RECORDS.by_source_and(sources, |source| source.rejected.clone()),
        FILES.by_source_and(sources, |source| source.files.clone()),
        FILE_EVENTS.by_source_and(sources, |source| source.file_events.clone()),
    ]
}

/// A source that is not configured any more has no files, and nothing to be read.
fn pending_bytes(sources: &[SourceSnapshot]) -> impl Iterator<Item = Metric> {
    let configured = sources.iter().filter(|source| !source.files.is_empty());
    configured.map(|source| PENDING_BYTES.number(&[&source.name], source.pending_bytes as f64))
}

fn about_commits(commits: &Commits) -> [MetricFamily; 4] {
    let last = commits.last.map(|UnixMillis(last)| LAST_COMMIT.number(&[], last as f64 / 1000.0));
    [
        COMMITS.with([COMMITS.number(&[], commits.total as f64)].into_iter()),
        COMMIT_FAILURES.with([COMMIT_FAILURES.number(&[], commits.failures as f64)].into_iter()),
        COMMIT_DURATION.with([COMMIT_DURATION.histogram(&[], &commits.duration)].into_iter()),
        LAST_COMMIT.with(last.into_iter()),
    ]
}

impl Family {
    fn describe(&self) -> prometheus::Result<Desc> {
        let labels = self.labels.iter().map(ToString::to_string).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, HashMap::new())
    }

    /// This family with these series, sorted by their label values.
    fn with(&self, series: impl Iterator<Item = Metric>) -> MetricFamily {
        let mut series: Vec<Metric> = series.collect();
        series.sort_by(by_label_values);
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(series);
        family
    }

    /// One series for each source.
    fn by_source(&self, sources: &[SourceSnapshot], value: impl Fn(&SourceSnapshot) -> u64) -> MetricFamily {
        self.with(sources.iter().map(|source| self.number(&[&source.name], value(source) as f64)))
    }

    /// One series for each source and each value of a second label.
    fn by_source_and(
        &self,
        sources: &[SourceSnapshot],
        values: impl Fn(&SourceSnapshot) -> Vec<(&'static str, u64)>,
    ) -> MetricFamily {
        self.with(sources.iter().flat_map(|source| {
            let values = values(source).into_iter();
            values.map(|(label, value)| self.number(&[&source.name, label], value as f64))
        }))
    }

    /// One series of a counter or gauge.
    fn number(&self, labels: &[&str], value: f64) -> Metric {
        let mut metric = self.labelled(labels);
        if self.kind == MetricType::COUNTER {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        metric
    }

    /// One series of a histogram; the encoder adds the bucket `+Inf`.
    fn histogram(&self, labels: &[&str], histogram: &Histogram) -> Metric {
        let mut cumulated = 0;
        let buckets = histogram.bounds.iter().zip(&histogram.buckets).map(|(bound, count)| {
            cumulated += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(cumulated);
            bucket
        });
        let mut exposed = proto::Histogram::default();
        exposed.set_bucket(buckets.collect());
        exposed.set_sample_count(histogram.count());
        exposed.set_sample_sum(histogram.sum);
        let mut metric = self.labelled(labels);
        metric.set_histogram(exposed);
        metric
    }

    fn labelled(&self, values: &[&str]) -> Metric {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let pairs = self.labels.iter().zip(values).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        });
        Metric::from_label(pairs.collect())
    }
}

/// The order in which the registry sorts as well; series that come in order cost it one pass.
fn by_label_values(a: &Metric, b: &Metric) -> Ordering {
    let (a, b) = (a.get_label().iter(), b.get_label().iter());
    a.map(LabelPair::value).cmp(b.map(LabelPair::value))
}
