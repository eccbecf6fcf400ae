//! A store as JSON lines: the layout, a line for each thing that it holds, and a line that says that this was all.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::StateError;
use crate::ledger::store::{Changes, LAYOUT, Row, Store, Table};

/// Rows are written to the new store when there are so many bytes of them.
const TRANSACTION_BYTES: usize = 16 * 1024 * 1024;

/// No line of an export is as long: the longest has what a source read in a minute by all its labels, or the header of a
/// file.
const LINE_BYTES: usize = 32 * 1024 * 1024;

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("this is no line that `state export` wrote: {}", said(.0))]
    Json(#[from] serde_json::Error),
    #[error("this is no line that `state export` wrote: it has more than {} bytes", LINE_BYTES)]
    TooLong,
    #[error("cannot be read: {}", crate::shown::refusal(.0))]
    Io(#[from] io::Error),
    #[error("an export begins with its layout")]
    NoLayout,
    #[error("layout {0} is newer than layout {LAYOUT}, which this version knows")]
    Newer(u64),
    #[error("there is no table `{0}`")]
    NoTable(String),
    #[error("the key is no text")]
    NoKey,
    #[error("table {table}: {reason}", table = .0.name(), reason = .1)]
    Row(Table, String),
    #[error("the ids are no hexadecimal digits")]
    NoIds,
    #[error("there is more behind the end")]
    BehindEnd,
    #[error("the export is cut: its last line is missing")]
    NoEnd,
    #[error("there is no export: the input is empty; give it what `state export` wrote")]
    Empty,
}

/// What is wrong with JSON, without the place that its reader has for it: the line is said already.
fn said(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it is cut off",
        serde_json::error::Category::Data => "it has other keys or values",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON",
    }
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Layout { layout: u64 },
    Ready { ready: bool },
    Ids { source: String, number: u64, ids: String },
    Text { table: String, key: Value, value: Value },
    End { end: bool },
}

/// Writes the first line.
pub fn begin(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", json!({ "layout": LAYOUT }))
}

/// Writes the line of one thing that a store holds.
pub fn write(out: &mut impl Write, row: Row<'_>) -> io::Result<()> {
    match row {
        Row::Ready => writeln!(out, "{}", json!({ "ready": true })),
        Row::Text { table, key, value } => {
            // The store holds JSON already, but for the names of sources.
            let (name, source) = (table.name(), Value::from(key).to_string());
            let key = if table == Table::Sources { &source } else { key };
            writeln!(out, r#"{{"table":"{name}","key":{key},"value":{value}}}"#)
        }
        Row::Ids { source, number, ids } => {
            let source = Value::from(source);
            write!(out, r#"{{"source":{source},"number":{number},"ids":""#)?;
            ids.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
            writeln!(out, r#""}}"#)
        }
    }
}

/// Writes the last line.
pub fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", json!({ "end": true }))
}

/// Reads an export into a store that is empty.
///
/// # Errors
/// What is wrong with it and in which line, or with the store.
pub fn read(mut input: impl BufRead, store: &mut Store) -> Result<(), StateError> {
    let mut changes = Changes::default();
    let (mut bytes, mut number, mut ended) = (0, 0, false);
    let mut line = Vec::new();
    loop {
        let wrong = |error: LineError| StateError::Line { file: None, line: number + 1, error };
        if !next(&mut input, &mut line).map_err(wrong)? {
            break;
        }
        if ended {
            return Err(wrong(LineError::BehindEnd));
        }
        bytes += line.len();
        ended = take(&line, number == 0, &mut changes).map_err(wrong)?;
        number += 1;
        if bytes >= TRANSACTION_BYTES || ended {
            store.write(&std::mem::take(&mut changes))?;
            bytes = 0;
        }
    }
    match ended {
        true => Ok(()),
        false if number == 0 => Err(StateError::Line { file: None, line: 1, error: LineError::Empty }),
        false => Err(StateError::Line { file: None, line: number + 1, error: LineError::NoEnd }),
    }
}

/// The next line, without its end; whether there was one.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, LineError> {
    line.clear();
    let read = input.by_ref().take(LINE_BYTES as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read > LINE_BYTES {
        return Err(LineError::TooLong);
    }
    Ok(read > 0)
}

/// Adds what a line says to the changes; whether it is the last one.
fn take(line: &[u8], first: bool, changes: &mut Changes) -> Result<bool, LineError> {
    match (serde_json::from_slice(line)?, first) {
        (Line::Layout { layout }, true) if layout > LAYOUT => return Err(LineError::Newer(layout)),
        (Line::Layout { .. }, true) => {}
        (_, true) | (Line::Layout { .. }, false) => return Err(LineError::NoLayout),
        (Line::Ready { ready }, _) => changes.ready = ready,
        (Line::Text { table, key, value }, _) => {
            let found = Table::ALL.into_iter().find(|known| known.name() == table);
            let table = found.ok_or(LineError::NoTable(table))?;
            let key = match (table, key) {
                (Table::Sources, Value::String(name)) => name,
                (Table::Sources, _) => return Err(LineError::NoKey),
                (_, key) => key.to_string(),
            };
            // Exports of older layouts, and fields of keys in another order.
            let row = table.in_newest_layout(&key, &value.to_string());
            let (key, value) = row.map_err(|reason| LineError::Row(table, reason))?;
            changes.rows.push((table, key, Some(value)));
        }
        (Line::Ids { source, number, ids }, _) => {
            let ids = from_hex(&ids).ok_or(LineError::NoIds)?;
            changes.ids.push((source, number, Some(ids)));
        }
        (Line::End { .. }, _) => return Ok(true),
    }
    Ok(false)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_never_ends_is_refused_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for begin in ["", "{\"layout\":4}\n"] {
            // Twice as much as a line may have, and no more is asked for.
            let endless = begin.as_bytes().chain(io::repeat(0).take(2 * LINE_BYTES as u64));
            let mut input = io::BufReader::new(endless);
            let message = read(&mut input, &mut store).unwrap_err().to_string();
            assert!(message.contains("this is no line that `state export` wrote: it has more"), "{message}");
            assert!(
                io::copy(&mut input, &mut io::sink()).unwrap() > LINE_BYTES as u64 / 2,
                "read to its end"
            );
        }
    }

    #[test]
    fn wrong_exports_are_refused_with_their_line() {
        for (text, expected) in [
            ("", "line 1: there is no export: the input is empty"),
            ("{\"layout\":1}\n", "line 2: the export is cut"),
            ("{\"layout\":99}\n", "line 1: layout 99 is newer than layout"),
            ("{\"ready\":true}\n", "line 1: an export begins with its layout"),
            ("{\"layout\":1}\n{\"table\":\"x\",\"key\":1,\"value\":1}\n", "line 2: there is no table `x`"),
            ("{\"layout\":1}\n{\"table\":\"sources\",\"key\":1,\"value\":1}\n", "line 2: the key is no text"),
            (
                "{\"layout\":3}\n{\"table\":\"routes\",\"key\":{\"source\":\"a\"},\"value\":1}\n",
                "line 2: table routes: missing field `trunk`",
            ),
            ("{\"layout\":1}\n{\"source\":\"a\",\"number\":1,\"ids\":\"0g\"}\n", "line 2: the ids are no"),
            ("{\"layout\":1}\n{\"source\":\"a\",\"number\":1,\"ids\":\"000\"}\n", "line 2: the ids are no"),
            ("{\"layout\":1}\n{\"end\":true}\n{\"end\":true}\n", "line 3: there is more behind the end"),
            ("{\"layout\":1}\nnothing\n", "line 2: this is no line that `state export` wrote: it is no JSON"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).unwrap();
            let message = read(text.as_bytes(), &mut store).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
