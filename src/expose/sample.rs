//! Pieces of a line that both text formats have: the name, labels, and the value behind them.
//!
//! There are tens of thousands of series, at each scrape. So pieces are put one behind the other, and formatted only where they must be.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// How the lines of one family begin: its name, and what stands before the value of each label, `{trunk="` before the first and
/// `",direction="` before another.
#[derive(Debug)]
pub struct Lines<'f> {
    name: &'f str,
    before: Vec<String>,
}

impl<'f> Lines<'f> {
    /// Of the family of this name, with these label names in the order of the values.
    pub fn new(name: &'f str, labels: &[&str]) -> Self {
        let before = |(place, label): (usize, &&str)| match place {
            0 => format!("{{{label}=\""),
            _ => format!("\",{label}=\""),
        };
        Self { name, before: labels.iter().enumerate().map(before).collect() }
    }

    /// Writes the name with a suffix, and the labels with these values, in braces where there are any.
    pub fn begin(&self, suffix: &str, values: &[Cow<'_, str>], text: &mut String) {
        self.write_open(suffix, values, text);
        if !values.is_empty() {
            text.push_str("\"}");
        }
    }

    /// The same of a bucket of a histogram, with its upper bound.
    pub fn begin_bucket(&self, values: &[Cow<'_, str>], bound: &str, text: &mut String) {
        self.write_open("_bucket", values, text);
        text.push_str(if values.is_empty() { "{" } else { "\"," });
        for piece in ["le=\"", bound, "\"}"] {
            text.push_str(piece);
        }
    }

    /// Writes a whole line.
    pub fn write(&self, suffix: &str, values: &[Cow<'_, str>], value: f64, text: &mut String) {
        self.begin(suffix, values, text);
        Number(value).write_last(text);
    }

    fn write_open(&self, suffix: &str, values: &[Cow<'_, str>], text: &mut String) {
        text.push_str(self.name);
        text.push_str(suffix);
        for (before, value) in self.before.iter().zip(values) {
            text.push_str(before);
            write_escaped(value, text);
        }
    }
}

/// Writes a label value.
pub fn write_escaped(value: &str, text: &mut String) {
    let mut rest = value;
    while let Some(at) = memchr::memchr3(b'\\', b'"', b'\n', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        text.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
}

/// Below, whole numbers are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl Number {
    /// Writes the value behind a blank, and the end of the line.
    pub fn write_last(self, text: &mut String) {
        // Writing to a string does not fail.
        let _ = writeln!(text, " {self}");
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            // Nearly all, and several times as fast.
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
            value if value.fract() == 0.0 && value.abs() < EXACT && value.is_sign_positive() => {
                write!(f, "{}", value as i64)
            }
            value if value.abs() < EXACT => write!(f, "{value}"),
            value => write!(f, "{value:e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_in_braces() {
        for (names, values, expected, with) in [
            (&[][..], &[][..], "", r#"{le="1"}"#),
            (
                &["trunk"],
                &["a \"b\" \\ c\nd"],
                r#"{trunk="a \"b\" \\ c\nd"}"#,
                r#"{trunk="a \"b\" \\ c\nd",le="1"}"#,
            ),
            (&["a", "b"], &["", "x"], r#"{a="",b="x"}"#, r#"{a="",b="x",le="1"}"#),
        ] {
            let values: Vec<Cow<'_, str>> = values.iter().map(|value| Cow::Borrowed(*value)).collect();
            let (mut text, mut text_with) = (String::new(), String::new());
            let lines = Lines::new("n", names);
            lines.begin("_sum", &values, &mut text);
            lines.begin_bucket(&values, "1", &mut text_with);
            assert_eq!((text, text_with), (format!("n_sum{expected}"), format!("n_bucket{with}")));
        }
    }

    #[test]
    fn numbers_keep_their_value() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (-3.0, "-3"),
            (41.0, "41"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e300, "1e300"),
            (0.1, "0.1"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Number(value).to_string(), expected);
        }
    }
}
