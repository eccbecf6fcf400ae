//! The text that Prometheus scrapes, as values to compare.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Labels, labels};

// Compiled once: a page has hundreds of lines.
static SAMPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$").unwrap());
static LABEL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(\w+)="((?:[^"\\]|\\.)*)",?"#).unwrap());
static ESCAPE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\(.)").unwrap());

/// Every sample of one scrape, by metric name and labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics(BTreeMap<String, BTreeMap<Labels, f64>>);

impl Metrics {
    /// Reads text format 0.0.4; panics on a line that is none and on a series that comes twice.
    pub fn parse(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts = SAMPLE.captures(line).unwrap_or_else(|| panic!("not a sample: {line}"));
            let labels = parse_labels(parts.get(2).map_or("", |labels| labels.as_str()));
            let value = parts[3].parse().unwrap_or_else(|error| panic!("{error}: {line}"));
            let before = metrics.0.entry(parts[1].to_owned()).or_default().insert(labels, value);
            assert_eq!(before, None, "the series comes twice: {line}");
        }
        metrics
    }

    /// Every series of a metric with its value; empty if there is none.
    pub fn series(&self, name: &str) -> BTreeMap<Labels, f64> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// As [`series`](Self::series), without those at 0: a known series may be exposed before it counts.
    pub fn counted(&self, name: &str) -> BTreeMap<Labels, f64> {
        self.series(name).into_iter().filter(|(_, value)| *value != 0.0).collect()
    }

    /// The value of the only series of this name that has these labels and perhaps others.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut matching = self.matching(name, labels);
        let value = matching.next();
        assert_eq!(matching.next(), None, "several series of {name} have {labels:?}");
        value
    }

    /// The sum over every series of this name that has these labels and perhaps others.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).sum()
    }

    fn matching(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = f64> {
        let series = self.0.get(name).into_iter().flatten();
        series
            .filter(|(known, _)| {
                labels.iter().all(|(name, value)| known.get(*name).is_some_and(|v| v == value))
            })
            .map(|(_, value)| *value)
    }
}

fn parse_labels(text: &str) -> Labels {
    let labels = LABEL.captures_iter(text).map(|parts| (parts[1].to_owned(), unescape(&parts[2]))).collect();
    assert_eq!(LABEL.replace_all(text, ""), "", "not labels: {text}");
    labels
}

fn unescape(value: &str) -> String {
    let plain =
        |parts: &regex::Captures<'_>| if &parts[1] == "n" { "\n".to_owned() } else { parts[1].to_owned() };
    ESCAPE.replace_all(value, plain).into_owned()
}

#[test]
fn a_scrape_is_read_by_name_and_labels() {
    let metrics = Metrics::parse(
        r#"# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{outcome="answered",trunk="a"} 3
calls_total{outcome="failed",trunk="a"} 2
calls_total{outcome="failed",trunk="b\\\"\n}"} 0
plain 1.5e3
bucket{le="+Inf"} +Inf
"#,
    );
    assert_eq!(metrics.value("plain", &[]), Some(1500.0));
    assert_eq!(metrics.value("absent", &[]), None);
    assert_eq!(metrics.value("bucket", &[("le", "+Inf")]), Some(f64::INFINITY));
    assert_eq!(metrics.sum("calls_total", &[("trunk", "a")]), 5.0);
    assert_eq!(metrics.value("calls_total", &[("trunk", "b\\\"\n}")]), Some(0.0));
    let counted = [
        (labels([("outcome", "answered"), ("trunk", "a")]), 3.0),
        (labels([("outcome", "failed"), ("trunk", "a")]), 2.0),
    ];
    assert_eq!(metrics.counted("calls_total"), counted.into());
}

#[test]
#[should_panic = "comes twice"]
fn a_series_that_comes_twice_is_an_error() {
    Metrics::parse("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n");
}
