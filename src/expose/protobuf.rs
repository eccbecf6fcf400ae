//! The protobuf format of Prometheus (`io.prometheus.client`), each family with its length before it.

use prost::Message;

use super::family::{CORRELATION_ID, Family, Kind, Series, Value, cumulated};
use crate::call::{self, UnixMillis};

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
            let exemplar = series.exemplar.map(Exemplar::from);
            metric.counter = Some(Counter { value: Some(value), exemplar, created_timestamp });
        }
        Value::Number(value) => metric.gauge = Some(Gauge { value: Some(value) }),
        Value::Histogram(histogram) => {
            let bucket = cumulated(histogram)
                .map(|(bound, count)| Bucket { cumulative_count: Some(count), upper_bound: Some(bound) });
            metric.histogram = Some(Histogram {
                sample_count: Some(histogram.count()),
                sample_sum: Some(histogram.sum),
                bucket: bucket.collect(),
                created_timestamp,
            });
        }
    }
    metric
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
    #[prost(message, optional, tag = "15")]
    created_timestamp: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
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
        Self { label, value: Some(1.0), timestamp: Some(exemplar.ended_at.into()) }
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
                exemplar: None,
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
