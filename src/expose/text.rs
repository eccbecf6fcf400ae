//! The Prometheus text format 0.0.4, written by the `prometheus` crate. What is text 1.0.0 differs only where names
//! are not of the old alphabet, which ours are.

use prometheus::TextEncoder;
use prometheus::proto::{self, LabelPair, Metric, MetricType};

use super::family::{Family, Kind, Series, Value, cumulated};
use crate::ledger::snapshot::Histogram;

/// So many series are converted at once: the crate's form of one takes several times the room of its text.
const AT_ONCE: usize = 256;

/// The families as text.
///
/// # Errors
/// None in practice: writing to memory does not fail.
pub fn encode(families: &[Family<'_>]) -> prometheus::Result<String> {
    let mut text = String::new();
    for family in families {
        for (part, series) in family.series.chunks(AT_ONCE).enumerate() {
            let begin = text.len();
            TextEncoder::new().encode_utf8(&[converted(family, series)], &mut text)?;
            if part > 0 {
                // What is said of the family stands above the first part alone.
                text.replace_range(begin..begin + comments(&text[begin..]), "");
            }
        }
    }
    Ok(text)
}

/// How long the comments are that the text begins with.
fn comments(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum()
}

fn converted(family: &Family<'_>, series: &[Series<'_>]) -> proto::MetricFamily {
    let mut converted = proto::MetricFamily::default();
    converted.set_name(family.name.to_owned());
    converted.set_help(family.help.to_owned());
    converted.set_field_type(match family.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram => MetricType::HISTOGRAM,
    });
    converted.set_metric(series.iter().map(|series| metric(family, series)).collect());
    converted
}

fn metric(family: &Family<'_>, series: &Series<'_>) -> Metric {
    let pairs = family.labels.iter().zip(&series.labels).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value.to_string());
        pair
    });
    let mut metric = Metric::from_label(pairs.collect());
    match series.value {
        Value::Histogram(of) => metric.set_histogram(histogram(of)),
        Value::Number(value) if family.kind == Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        Value::Number(value) => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }
    metric
}

/// The encoder adds the bucket `+Inf`.
fn histogram(histogram: &Histogram) -> proto::Histogram {
    let finite = cumulated(histogram).take(histogram.bounds.len());
    let buckets = finite.map(|(bound, count)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    });
    let mut converted = proto::Histogram::default();
    converted.set_bucket(buckets.collect());
    converted.set_sample_count(histogram.count());
    converted.set_sample_sum(histogram.sum);
    converted
}
