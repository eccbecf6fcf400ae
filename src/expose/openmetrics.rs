//! OpenMetrics 1.0.0, which is 0.0.1 as well: the families as text, and the line that ends an answer.

use std::fmt::{self, Write};

use super::family::{CORRELATION_ID, Family, Kind, Series, Value, cumulated};
use crate::call::{Exemplar, UnixMillis};
use crate::ledger::snapshot::Histogram;

/// The last line of an answer.
pub const END: &str = "# EOF\n";

/// The families as text, without the last line; with when each series began, where that is wanted.
pub fn encode(families: &[Family<'_>], with_created: bool) -> String {
    let mut text = String::new();
    for family in families {
        // Writing to a string does not fail.
        let _ = write_family(family, with_created, &mut text);
    }
    text
}

fn write_family(family: &Family<'_>, with_created: bool, text: &mut String) -> fmt::Result {
    let name = family.base_name();
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    writeln!(text, "# TYPE {name} {kind}")?;
    if let Some(unit) = family.unit() {
        writeln!(text, "# UNIT {name} {unit}")?;
    }
    writeln!(text, "# HELP {name} {}", Escaped(family.help))?;
    for series in &family.series {
        let labels = Labels { names: &family.labels, values: series };
        match series.value {
            Value::Number(value) => {
                let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
                write!(text, "{name}{suffix}{labels} {}", Number(value))?;
                write_exemplar(series.exemplars.first(), text)?;
            }
            Value::Histogram(histogram) => write_histogram(name, &labels, histogram, series.exemplars, text)?,
        }
        if let Some(UnixMillis(created)) = series.created.filter(|_| with_created) {
            writeln!(text, "{name}_created{labels} {}", Number(created as f64 / 1000.0))?;
        }
    }
    Ok(())
}

/// The rest of a line: the exemplar, where there is one.
fn write_exemplar(exemplar: Option<&Option<Exemplar>>, text: &mut String) -> fmt::Result {
    if let Some(Some(exemplar)) = exemplar {
        let (id, at) = (exemplar.correlation_id, Number(exemplar.ended_at.0 as f64 / 1000.0));
        write!(text, " # {{{CORRELATION_ID}=\"{id}\"}} {} {at}", Number(exemplar.value))?;
    }
    text.write_char('\n')
}

fn write_histogram(
    name: &str,
    labels: &Labels<'_>,
    histogram: &Histogram,
    exemplars: &[Option<Exemplar>],
    text: &mut String,
) -> fmt::Result {
    for (bucket, (bound, count)) in cumulated(histogram).enumerate() {
        write!(text, "{name}_bucket{{")?;
        labels.write_pairs(text)?;
        let comma = if labels.names.is_empty() { "" } else { "," };
        write!(text, "{comma}le=\"{}\"}} {count}", Bound(bound))?;
        write_exemplar(exemplars.get(bucket), text)?;
    }
    writeln!(text, "{name}_count{labels} {}", histogram.count())?;
    writeln!(text, "{name}_sum{labels} {}", Number(histogram.sum))
}

/// The labels of one series, in braces where there are any.
struct Labels<'a> {
    names: &'a [&'a str],
    values: &'a Series<'a>,
}

impl Labels<'_> {
    fn write_pairs(&self, text: &mut impl Write) -> fmt::Result {
        let pairs = self.names.iter().zip(&self.values.labels);
        for (place, (name, value)) in pairs.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(text, "{comma}{name}=\"{}\"", Escaped(value))?;
        }
        Ok(())
    }
}

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return Ok(());
        }
        f.write_char('{')?;
        self.write_pairs(f)?;
        f.write_char('}')
    }
}

/// A label value or help text as it stands in the format.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = memchr::memchr3(b'\\', b'"', b'\n', rest.as_bytes()) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'"' => "\\\"",
                _ => "\\n",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A value of a sample.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            // What rounds to itself as an integer is one; below 2^53 nothing is lost.
            value if value.abs() < 9_007_199_254_740_992.0 => write!(f, "{value}"),
            value => write!(f, "{value:e}"),
        }
    }
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

    #[test]
    fn numbers_keep_their_value() {
        for (value, expected) in [
            (0.0, "0"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e300, "1e300"),
            (0.1, "0.1"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Number(value).to_string(), expected);
        }
    }
}
