//! The compiled-in tables as text: CSV under a header that must be so, and faults with their line.
//!
//! `build.rs` includes this file to check the tables by the same rules, so it may use nothing of ours.

use std::fmt;
use std::str::FromStr;

/// The longest cause, in characters: what a legend or a column of a table has room for.
pub const MAXIMUM_CAUSE: usize = 48;

/// Why a row may not be in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one: its line in the table, or its place in the operator's list, counted from 0.
    pub at: usize,
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refused {}

/// One row under its header.
pub struct Row<'r> {
    record: &'r csv::StringRecord,
    columns: &'r [&'r str],
}

impl Row<'_> {
    pub fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    pub fn filled(&self, column: usize) -> Result<String, String> {
        match self.text(column) {
            "" => Err(format!("{} is empty", self.columns[column])),
            text => Ok(text.to_owned()),
        }
    }

    pub fn code<N: FromStr>(&self, column: usize) -> Result<N, String> {
        let text = self.text(column);
        text.parse().map_err(|_| format!("{} `{text}` is not a code", self.columns[column]))
    }

    /// The message about a value that is none of those that the column may have.
    pub fn unknown(&self, column: usize) -> String {
        format!("{} `{}` is not known", self.columns[column], self.text(column))
    }
}

/// Reads every row, each with its line.
///
/// # Errors
/// The first line that is not CSV, or that `from_row` refuses; another header.
pub fn read<T>(
    text: &str,
    columns: &[&str],
    from_row: impl Fn(&Row<'_>) -> Result<T, String>,
) -> Result<Vec<(usize, T)>, Refused> {
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let mut lines = Lines { text, start: 0, line: 1 };
    let header = rows.headers().map_err(|error| lines.refused(&error))?;
    if header != columns {
        return Err(Refused { at: 1, reason: format!("the header is not {}", columns.join(",")) });
    }
    let rows = rows.records().map(|record| {
        let record = record.map_err(|error| lines.refused(&error))?;
        let at = lines.of(record.position());
        let row = from_row(&Row { record: &record, columns }).map_err(|reason| Refused { at, reason })?;
        Ok((at, row))
    });
    rows.collect()
}

/// Whether a text may be the value of the `cause` label.
///
/// # Errors
/// What is wrong with it.
pub fn check_cause(cause: &str) -> Result<(), String> {
    if cause.trim().is_empty() {
        return Err("the cause is empty".to_owned());
    }
    let length = cause.chars().count();
    if length > MAXIMUM_CAUSE {
        return Err(format!(
            "the cause `{cause}` has {length} characters, more than the {MAXIMUM_CAUSE} allowed"
        ));
    }
    if cause.trim().len() != cause.len() || cause.chars().any(char::is_control) {
        return Err(format!("the cause {cause:?} has white space at an end, or a control character"));
    }
    Ok(())
}

/// Whether a text may be the value of the `category` label.
///
/// # Errors
/// What is wrong with it.
pub fn check_category(category: &str) -> Result<(), String> {
    if category.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_')) {
        return Ok(());
    }
    Err(format!("the category `{category}` has other characters than lower-case letters, digits and _"))
}

fn fault(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields instead of {expected_len}")
        }
        _ => error.to_string(),
    }
}

/// Tells the lines of rows, which come in their order: each line end is counted once.
struct Lines<'t> {
    text: &'t str,
    /// Where the row begins that was asked for last.
    start: usize,
    /// Its line.
    line: usize,
}

impl Lines<'_> {
    /// The line of a row, counted from 1. The reader's own count lags by one where lines end with CR LF.
    fn of(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
        let row = self.text.get(start..).unwrap_or_default().trim_start_matches(['\r', '\n']);
        let start = self.text.len() - row.len();
        self.line += self.text.get(self.start..start).unwrap_or_default().matches('\n').count();
        self.start = start;
        self.line
    }

    fn refused(&mut self, error: &csv::Error) -> Refused {
        Refused { at: self.of(error.position()), reason: fault(error) }
    }
}
