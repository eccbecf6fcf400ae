//! The protobuf format of Prometheus (`io.prometheus.client`), each family with its length before it.

use prost::Message;

use super::family::{CORRELATION_ID, Family, Kind, Series, Value, cumulated};
use crate::call::{self, UnixMillis};
use crate::ledger::snapshot::native::{self, Native};

/// Up to here an observation counts as 0: as every client of Prometheus has it. Ours are 0, or a 1,024th of a second and more.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// The families one after another.
///
/// # Errors
/// None in practice: memory takes what it is given.
pub fn encode(families: &[Family<'_>]) -> Result<Vec<u8>, prost::EncodeError> {
    let mut all = Vec::new();
    let mut message = Vec::new();
    for family in families {
        message.clear();
        head(family).encode(&mut message)?;
        // Parts of a message that are written one after another are one message. As structs, all series of a family
        // would take several times the room.
        for series in &family.series {
            MetricFamily { metric: vec![metric(family, series)], ..MetricFamily::default() }
                .encode(&mut message)?;
        }
        prost::encode_length_delimiter(message.len(), &mut all)?;
        all.extend_from_slice(&message);
    }
    Ok(all)
}

fn head(family: &Family<'_>) -> MetricFamily {
    MetricFamily {
        name: Some(family.name.to_owned()),
        help: Some(family.help.to_owned()),
        kind: Some(match family.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        }),
        metric: Vec::new(),
        unit: family.unit().map(str::to_owned),
    }
}

fn metric(family: &Family<'_>, series: &Series<'_>) -> Metric {
    let pairs = family.labels.iter().zip(&series.labels);
    let label = pairs
        .map(|(name, value)| LabelPair { name: Some((*name).to_owned()), value: Some(value.to_string()) });
    let mut metric = Metric { label: label.collect(), gauge: None, counter: None, histogram: None };
    let created_timestamp = series.created.map(Timestamp::from);
    match series.value {
        Value::Number(value) if family.kind == Kind::Counter => {
            let exemplar = exemplar(series, 0);
            metric.counter = Some(Counter { value: Some(value), exemplar, created_timestamp });
        }
        Value::Number(value) => metric.gauge = Some(Gauge { value: Some(value) }),
        Value::Histogram(histogram) => {
            let bucket = cumulated(histogram).enumerate().map(|(place, (bound, count))| Bucket {
                cumulative_count: Some(count),
                upper_bound: Some(bound),
                exemplar: exemplar(series, place),
            });
            let (positive_span, positive_delta) = sparse(&histogram.native);
            metric.histogram = Some(Histogram {
                sample_count: Some(histogram.count()),
                sample_sum: Some(histogram.sum),
                bucket: bucket.collect(),
                schema: Some(native::SCHEMA),
                zero_threshold: Some(ZERO_THRESHOLD),
                zero_count: Some(histogram.native.zero),
                positive_span,
                positive_delta,
                created_timestamp,
            });
        }
    }
    metric
}

fn exemplar(series: &Series<'_>, place: usize) -> Option<Exemplar> {
    series.exemplars.get(place)?.map(Exemplar::from)
}

/// Native buckets as spans of neighbours, and each count less the one before. A gap of two is cheaper as two empty
/// buckets than as another span.
fn sparse(native: &Native) -> (Vec<BucketSpan>, Vec<i64>) {
    const GAP: u32 = 2;
    let (mut spans, mut deltas): (Vec<BucketSpan>, _) = (Vec::new(), Vec::new());
    let (mut before, mut gap) = (0, 0);
    for count in native.counts.iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX)) {
        if count == 0 && !spans.is_empty() {
            gap += 1;
            continue;
        }
        match spans.last_mut() {
            Some(span) if gap <= GAP => {
                for _ in 0..gap {
                    deltas.push(-before);
                    before = 0;
                }
                span.length += gap + 1;
            }
            Some(_) => spans.push(BucketSpan { offset: gap.cast_signed(), length: 1 }),
            None => spans.push(BucketSpan { offset: native.first, length: 1 }),
        }
        deltas.push(count - before);
        (before, gap) = (count, 0);
    }
    (spans, deltas)
}

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
    #[prost(string, optional, tag = "5")]
    unit: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Counter>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Gauge {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Counter {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
    #[prost(message, optional, tag = "2")]
    exemplar: Option<Exemplar>,
    #[prost(message, optional, tag = "3")]
    created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, optional, tag = "2")]
    value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

/// Neighbouring native buckets.
#[derive(Clone, PartialEq, Message)]
struct BucketSpan {
    /// Of the first span the number of its first bucket, of others how many empty buckets are before it.
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl From<call::Exemplar> for Exemplar {
    fn from(exemplar: call::Exemplar) -> Self {
        let name = Some(CORRELATION_ID.to_owned());
        let label = vec![LabelPair { name, value: Some(exemplar.correlation_id.to_string()) }];
        Self { label, value: Some(exemplar.value), timestamp: Some(exemplar.ended_at.into()) }
    }
}

impl From<UnixMillis> for Timestamp {
    fn from(UnixMillis(millis): UnixMillis) -> Self {
        let below_a_second = i32::try_from(millis.rem_euclid(1000)).unwrap_or_default();
        Self { seconds: millis.div_euclid(1000), nanos: below_a_second * 1_000_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_buckets_are_spans_with_differences() {
        let native = |first, counts: &[u64]| Native { zero: 0, first, counts: counts.to_vec() };
        for (native, spans, deltas) in [
            (native(0, &[]), &[][..], &[][..]),
            (native(54, &[4]), &[(54, 1)], &[4]),
            (native(-8, &[1, 3, 0, 0, 2]), &[(-8, 5)], &[1, 2, -3, 0, 2]),
            (native(-8, &[1, 3, 0, 0, 0, 2, 2]), &[(-8, 2), (3, 2)], &[1, 2, -1, 0]),
        ] {
            let spans: Vec<_> = spans
                .iter()
                .map(|(offset, length)| BucketSpan { offset: *offset, length: *length })
                .collect();
            assert_eq!(sparse(&native), (spans, deltas.to_vec()), "{native:?}");
        }
    }

    #[test]
    fn a_family_is_the_bytes_that_the_definition_gives() {
        let family = Family {
            name: "c_total",
            help: "H",
            kind: Kind::Counter,
            labels: vec!["l"],
            series: vec![Series {
                labels: vec!["v".into()],
                value: Value::Number(0.0),
                created: Some(UnixMillis(1_500)),
                exemplars: &[],
            }],
        };
        let label = b"\x0a\x06\x0a\x01l\x12\x01v";
        let counter = b"\x1a\x13\x09\0\0\0\0\0\0\0\0\x1a\x08\x08\x01\x10\x80\xca\xb5\xee\x01";
        let metric = [&label[..], counter].concat();
        let head = b"\x0a\x07c_total\x12\x01H\x18\x00";
        let expected = [b"\x2d", &head[..], b"\x22\x1d", &metric].concat();
        assert_eq!(encode(&[family]).unwrap(), expected);
    }
}
