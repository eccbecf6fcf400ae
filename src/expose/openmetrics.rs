//! OpenMetrics 1.0.0, which is 0.0.1 as well: the families as text, and the line that ends an answer.

use std::fmt::{self, Write};

use super::family::{CORRELATION_ID, Family, Kind, Series, Value, cumulated};
use super::sample::{Lines, Number, write_escaped};
use crate::call::{Exemplar, UnixMillis};

/// The last line of an answer.
pub const END: &str = "# EOF\n";

/// The families as text, without the last line; with when each series began, where that is wanted.
pub fn encode(families: &[Family<'_>], with_created: bool) -> String {
    let mut text = String::new();
    families.iter().for_each(|family| write_family(family, with_created, &mut text));
    text
}

fn write_family(family: &Family<'_>, with_created: bool, text: &mut String) {
    let name = family.base_name();
    // Writing to a string does not fail.
    let _ = writeln!(text, "# TYPE {name} {}", family.kind.label());
    if let Some(unit) = family.unit() {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    let _ = write!(text, "# HELP {name} ");
    write_escaped(family.help, text);
    text.push('\n');
    let lines = Lines::new(name, &family.labels);
    let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
    for Series { labels, value, created, exemplars } in &family.series {
        match value {
            Value::Number(value) => {
                lines.begin(suffix, labels, text);
                write_value(Number(*value), exemplars.first(), text);
            }
            Value::Histogram(histogram) => {
                for (bucket, (bound, count)) in cumulated(histogram).enumerate() {
                    lines.begin_bucket(labels, &Bound(bound).to_string(), text);
                    write_value(Number(count as f64), exemplars.get(bucket), text);
                }
                lines.write("_count", labels, histogram.count() as f64, text);
                lines.write("_sum", labels, histogram.sum, text);
            }
        }
        if let Some(UnixMillis(created)) = created.filter(|_| with_created) {
            lines.write("_created", labels, created as f64 / 1000.0, text);
        }
    }
}

/// The rest of a line: its value, and the exemplar, where there is one.
fn write_value(value: Number, exemplar: Option<&Option<Exemplar>>, text: &mut String) {
    let Some(Some(exemplar)) = exemplar else { return value.write_last(text) };
    let (id, at) = (exemplar.correlation_id, Number(exemplar.ended_at.0 as f64 / 1000.0));
    // Writing to a string does not fail.
    let _ = writeln!(text, " {value} # {{{CORRELATION_ID}=\"{id}\"}} {} {at}", Number(exemplar.value));
}

/// An upper bound in its canonical form, which is that of a float.
struct Bound(f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == f64::INFINITY { f.write_str("+Inf") } else { write!(f, "{:?}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Guid;
    use crate::ledger::snapshot::Histogram;

    #[test]
    fn a_family_is_written_as_the_format_wants_it() {
        let mut histogram = Histogram::new(&[0.5, 30.0]);
        for value in [0.25, 31.0] {
            histogram.observe(value);
        }
        let created = Some(UnixMillis(1_790_000_000_250));
        let correlation_id = Guid(0x9e8b_ba57_dc14_533a_a7dd_f0da_6575_eed1);
        let newest = Exemplar { correlation_id, ended_at: UnixMillis(1_790_000_100_500), value: 1.0 };
        let newest_call = [Some(newest)];
        let longest = [None, None, Some(Exemplar { value: 31.0, ..newest })];
        let labels = vec!["a \"b\" \\ c\nd".into()];
        let calls = Family {
            name: "calls_total",
            help: "A \"call\".",
            kind: Kind::Counter,
            labels: vec!["trunk"],
            series: vec![Series { labels, value: Value::Number(3.0), created, exemplars: &newest_call }],
        };
        let seconds = Family {
            name: "age_seconds",
            help: "Age.",
            kind: Kind::Histogram,
            labels: Vec::new(),
            series: vec![Series {
                labels: Vec::new(),
                value: Value::Histogram(&histogram),
                created,
                exemplars: &longest,
            }],
        };
        let escaped = r#"{trunk="a \"b\" \\ c\nd"}"#;
        let expected = format!(
            "# TYPE calls counter\n# HELP calls A \\\"call\\\".\ncalls_total{escaped} 3 \
             # {{correlation_id=\"9e8bba57-dc14-533a-a7dd-f0da6575eed1\"}} 1 1790000100.5\n\
             calls_created{escaped} 1790000000.25\n\
             # TYPE age_seconds histogram\n# UNIT age_seconds seconds\n# HELP age_seconds Age.\n\
             age_seconds_bucket{{le=\"0.5\"}} 1\nage_seconds_bucket{{le=\"30.0\"}} 1\n\
             age_seconds_bucket{{le=\"+Inf\"}} 2 \
             # {{correlation_id=\"9e8bba57-dc14-533a-a7dd-f0da6575eed1\"}} 31 1790000100.5\nage_seconds_count 2\nage_seconds_sum 31.25\n\
             age_seconds_created 1790000000.25\n"
        );
        assert_eq!(encode(&[calls.clone(), seconds], true), expected);
        let without = encode(&[calls], false);
        assert!(!without.contains("_created"), "{without}");
    }
}
