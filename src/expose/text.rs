//! The Prometheus text format 0.0.4. What is text 1.0.0 differs only where names are not of the old alphabet, which ours are.

use std::fmt::Write;

use super::family::{Family, Series, Value, cumulated};
use super::sample::{Lines, Number};

/// The families as text.
pub fn encode(families: &[Family<'_>]) -> String {
    let mut text = String::new();
    families.iter().for_each(|family| write_family(family, &mut text));
    text
}

fn write_family(family: &Family<'_>, text: &mut String) {
    let Family { name, help, kind, labels, series } = family;
    // A help text says nothing that would have to be escaped but line ends and backslashes.
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.label());
    let lines = Lines::new(name, labels);
    for Series { labels, value, .. } in series {
        match value {
            Value::Number(value) => lines.write("", labels, *value, text),
            Value::Histogram(histogram) => {
                for (bound, count) in cumulated(histogram) {
                    lines.begin_bucket(labels, &Number(bound).to_string(), text);
                    Number(count as f64).write_last(text);
                }
                lines.write("_sum", labels, histogram.sum, text);
                lines.write("_count", labels, histogram.count() as f64, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expose::family::Kind;
    use crate::ledger::snapshot::Histogram;

    #[test]
    fn a_family_is_written_as_the_format_wants_it() {
        let mut histogram = Histogram::new(&[0.5, 30.0]);
        for value in [0.25, 31.0] {
            histogram.observe(value);
        }
        let series = |labels: Vec<&'static str>, value| Series {
            labels: labels.into_iter().map(Into::into).collect(),
            value,
            created: None,
            exemplars: &[],
        };
        let calls = Family {
            name: "calls_total",
            help: "A \"call\" \\ two\nlines.",
            kind: Kind::Counter,
            labels: vec!["trunk", "direction"],
            series: vec![series(vec!["a \"b\" \\ c\nd", ""], Value::Number(3.0))],
        };
        let seconds = Family {
            name: "age_seconds",
            help: "Age.",
            kind: Kind::Histogram,
            labels: vec!["source"],
            series: vec![series(vec!["s"], Value::Histogram(&histogram))],
        };
        let time = Family {
            name: "time_seconds",
            help: "Time.",
            kind: Kind::Gauge,
            labels: Vec::new(),
            series: vec![series(Vec::new(), Value::Number(1_730_798_819.258))],
        };
        let expected = r#"# HELP calls_total A "call" \\ two\nlines.
# TYPE calls_total counter
calls_total{trunk="a \"b\" \\ c\nd",direction=""} 3
# HELP age_seconds Age.
# TYPE age_seconds histogram
age_seconds_bucket{source="s",le="0.5"} 1
age_seconds_bucket{source="s",le="30"} 1
age_seconds_bucket{source="s",le="+Inf"} 2
age_seconds_sum{source="s"} 31.25
age_seconds_count{source="s"} 2
# HELP time_seconds Time.
# TYPE time_seconds gauge
time_seconds 1730798819.258
"#;
        assert_eq!(encode(&[calls, seconds, time]), expected);
    }
}
