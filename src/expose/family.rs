//! A metric family as every format sees it: name, help, type, label names and series. Knows no format.

use std::borrow::Cow;
use std::cmp::Ordering;

use prometheus::proto::{self, LabelPair, MetricType};

use crate::call::{Exemplar, UnixMillis};
use crate::ledger::snapshot::Histogram;

/// All series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family<'a> {
    pub name: &'a str,
    pub help: &'a str,
    pub kind: Kind,
    pub labels: Vec<&'a str>,
    pub series: Vec<Series<'a>>,
}

/// The metric types that the daemon has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The label of an exemplar.
pub const CORRELATION_ID: &str = "correlation_id";

/// One series: the values of the family's labels in their order, and what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    pub labels: Vec<Cow<'a, str>>,
    pub value: Value<'a>,
    /// When it began, at 0. Gauges have no beginning.
    pub created: Option<UnixMillis>,
    /// One call among those that it counts: of a counter, or of each bucket of a histogram; empty where none is shown.
    pub exemplars: &'a [Option<Exemplar>],
}

impl Series<'_> {
    /// The order of their label values. Most series share the texts of the first ones, which so need not be read.
    pub fn cmp_labels(&self, other: &Self) -> Ordering {
        let pairs = self.labels.iter().zip(&other.labels);
        let mut differing = pairs.filter(|(one, other)| !std::ptr::eq(&***one, &***other));
        differing
            .find_map(|(one, other)| Some(one.cmp(other)).filter(|order| order.is_ne()))
            .unwrap_or(Ordering::Equal)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Number(f64),
    Histogram(&'a Histogram),
}

impl Kind {
    /// As text formats call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl<'a> Family<'a> {
    /// The base unit that the name ends in, if it names one.
    pub fn unit(&self) -> Option<&'a str> {
        let name = self.base_name();
        ["seconds", "bytes"]
            .into_iter()
            .find(|unit| name.strip_suffix(unit).is_some_and(|before| before.ends_with('_')))
    }

    /// The name without the `_total` of a counter: what OpenMetrics calls the family.
    pub fn base_name(&self) -> &'a str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// A family that a registry gathered. Only counters and gauges come from there.
    pub fn gathered(family: &'a proto::MetricFamily) -> Self {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => Kind::Counter,
            MetricType::GAUGE | MetricType::HISTOGRAM | MetricType::SUMMARY | MetricType::UNTYPED => {
                Kind::Gauge
            }
        };
        let metrics = family.get_metric();
        let names = metrics.first().map_or(&[][..], proto::Metric::get_label);
        let series = metrics.iter().map(|metric| Series {
            labels: metric.get_label().iter().map(|pair| Cow::Borrowed(pair.value())).collect(),
            value: Value::Number(match kind {
                Kind::Counter => metric.get_counter().get_value(),
                Kind::Gauge | Kind::Histogram => metric.get_gauge().get_value(),
            }),
            created: None,
            exemplars: &[],
        });
        Self {
            name: family.name(),
            help: family.help(),
            kind,
            labels: names.iter().map(LabelPair::name).collect(),
            series: series.collect(),
        }
    }
}

/// A histogram's buckets as formats show them: upper bound and cumulated count, `+Inf` last.
pub fn cumulated(histogram: &Histogram) -> impl Iterator<Item = (f64, u64)> {
    let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
    let counts = histogram.buckets.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    bounds.zip(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_from_the_name() {
        for (name, kind, unit) in [
            ("cdr_call_duration_seconds", Kind::Histogram, Some("seconds")),
            ("cdr_exporter_read_bytes_total", Kind::Counter, Some("bytes")),
            ("cdr_exporter_pending_bytes", Kind::Gauge, Some("bytes")),
            ("cdr_calls_total", Kind::Counter, None),
            ("cdr_exporter_files", Kind::Gauge, None),
            ("seconds", Kind::Gauge, None),
        ] {
            let family = Family { name, help: "", kind, labels: Vec::new(), series: Vec::new() };
            assert_eq!(family.unit(), unit, "{name}");
        }
    }

    #[test]
    fn buckets_are_cumulated_up_to_infinity() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 9.0] {
            histogram.observe(value);
        }
        let buckets: Vec<_> = cumulated(&histogram).collect();
        assert_eq!(buckets, [(1.0, 2), (2.0, 3), (f64::INFINITY, 4)]);
    }
}
