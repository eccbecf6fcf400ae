//! A record as places with texts: columns, properties or groups.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::{Captures, Regex};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{From, Origin, Shape, Where};
use crate::call::Reason;
use crate::format::device;
use crate::format::names::text_of;

/// The columns that a header line names, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    pub fn read(line: &[u8], cells: &mut Cells) -> Self {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        Self(cells.of(text_of(line).as_bytes()).iter().map(|name| name.trim().to_owned()).collect())
    }

    /// Whether a line has the same names, whatever their order and their case: that of another file behind this one.
    pub fn are_named_by(&self, line: &[u8], cells: &mut Cells) -> bool {
        let sorted = |Self(names): &Self| {
            let mut names: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
            names.sort_unstable();
            names
        };
        let are_as_long = |Self(names): &Self| names.iter().map(String::len).sum::<usize>() <= line.len();
        are_as_long(self) && sorted(self) == sorted(&Self::read(line, cells))
    }
}

impl Columns {
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

/// The column that a place names, counted from 0: by its name in the header, or by its number from 1.
pub fn column_of(place: &str, columns: Option<&Columns>) -> Option<usize> {
    match columns {
        Some(Columns(names)) => names.iter().position(|name| name.eq_ignore_ascii_case(place)),
        None => place.parse::<usize>().ok()?.checked_sub(1),
    }
}

/// One record.
#[derive(Debug)]
pub enum Record<'r> {
    Cells {
        cells: Vec<String>,
        columns: Option<&'r Columns>,
    },
    /// And its text, in which numbers stand as they were written.
    Object(Value, &'r [u8]),
    Groups {
        groups: Captures<'r>,
        pattern: &'r Regex,
    },
}

impl<'r> Record<'r> {
    /// Reads a record; `None` of a line that no pattern matches.
    pub fn read(
        record: &'r [u8],
        shape: &'r Shape,
        columns: Option<&'r Columns>,
        cells: &mut Cells,
    ) -> Result<Option<Self>, Reason> {
        match shape {
            Shape::Csv { .. } => {
                let mut cells = cells.of(record.strip_suffix(b"\r").unwrap_or(record));
                if let Some(Columns(names)) = columns {
                    // Some devices write a delimiter behind the last cell of a row, but not of the header.
                    let surplus = cells.split_off(names.len().min(cells.len()));
                    if cells.len() < names.len() || surplus.iter().any(|cell| !cell.trim().is_empty()) {
                        return Err(Reason::BadCsv);
                    }
                }
                Ok(Some(Self::Cells { cells, columns }))
            }
            Shape::Json => match serde_json::from_slice::<Value>(record) {
                Ok(value) if value.is_object() => Ok(Some(Self::Object(value, record))),
                Ok(_) => Err(Reason::NotARow),
                Err(_) => Err(Reason::BadJson),
            },
            Shape::Regex(patterns) => {
                let line =
                    str::from_utf8(device::without_escaped_end(record)).map_err(|_| Reason::BadLine)?;
                let captured = |pattern: &'r Regex| Some((pattern.captures(line)?, pattern));
                let matched = patterns.iter().find_map(captured);
                Ok(matched.map(|(groups, pattern)| Self::Groups { groups, pattern }))
            }
        }
    }

    /// The text at a place; `None` where there is none.
    pub fn get(&self, place: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Cells { cells, columns } => {
                cells.get(column_of(place, *columns)?).map(|cell| cell.as_str().into())
            }
            Self::Object(value, text) => match found(value, place)? {
                Value::Null => None,
                Value::String(text) => Some(text.as_str().into()),
                Value::Number(number) if number.is_f64() => {
                    // Of so many digits the end would be lost, and with it what makes two ids differ.
                    let written = written(text, &names_in(place)).filter(|text| is_whole(text));
                    Some(written.map_or_else(|| number.to_string().into(), Cow::Borrowed))
                }
                other => Some(other.to_string().into()),
            },
            Self::Groups { groups, .. } => groups.name(place).map(|group| group.as_str().into()),
        }
    }

    /// Of a row below names: whether one of these columns holds its own name, as the row of a table without names may, and
    /// whether one holds a number or a time, as names do not.
    pub fn speaks_of_names<'p>(&self, places: impl Iterator<Item = &'p str>) -> (bool, bool) {
        let Self::Cells { cells, columns: columns @ Some(_) } = self else { return (false, true) };
        let values = places.filter_map(|place| Some((place, cells.get(column_of(place, *columns)?)?.trim())));
        values.fold((false, false), |(repeats, differs), (place, value)| {
            (repeats || value.eq_ignore_ascii_case(place), differs || is_number(value) && !is_number(place))
        })
    }

    /// The property of an object that holds objects, where there is one.
    pub fn holder_of_objects(&self) -> Option<&str> {
        let Self::Object(value, _) = self else { return None };
        let holds = |value: &Value| value.as_array().is_some_and(|all| all.iter().any(Value::is_object));
        value.as_object()?.iter().find(|(_, value)| holds(value)).map(|(name, _)| name.as_str())
    }

    /// The texts at the places of a mapping's fields, in their order.
    pub fn texts(&self, origins: &[Origin]) -> Vec<Cow<'_, str>> {
        let text = |origin: &Origin| match &origin.from {
            From::Place(place) => self.get(place).unwrap_or_default(),
            From::Constant(_) => Cow::Borrowed(""),
        };
        origins.iter().map(text).collect()
    }

    /// Every place with a value, by the name under which [`Record::get`] finds it: columns, the properties of objects in
    /// objects by JSON Pointer, the groups of the pattern that matched.
    pub fn places(&self) -> Vec<String> {
        match self {
            Self::Cells { columns: Some(Columns(names)), .. } => names.clone(),
            Self::Cells { cells, columns: None } => {
                (1..=cells.len()).map(|column| column.to_string()).collect()
            }
            Self::Object(value, _) => {
                let mut places = Vec::new();
                add_places(value, "", &mut places);
                places
            }
            Self::Groups { pattern, .. } => pattern.capture_names().flatten().map(str::to_owned).collect(),
        }
    }

    /// Whether it has such a place, though it may be empty.
    pub fn has(&self, place: &str) -> bool {
        match self {
            Self::Cells { .. } => self.get(place).is_some(),
            Self::Object(value, _) => found(value, place).is_some(),
            Self::Groups { pattern, .. } => pattern.capture_names().flatten().any(|name| name == place),
        }
    }

    /// Whether it is a call, by these conditions.
    pub fn meets(&self, conditions: &[Where]) -> bool {
        conditions
            .iter()
            .all(|condition| condition.is_met_by(&self.get(&condition.place).unwrap_or_default()))
    }
}

/// Whether a text is a number or a time, perhaps with a few words: a third of it are digits.
pub fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && digits * 3 >= text.len()
}

/// Whether two lines say the same, whatever ends them or stands before the first of a file.
pub fn is_same_line(one: &[u8], other: &[u8]) -> bool {
    fn bare(line: &[u8]) -> &[u8] {
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_end()
    }
    one.len().abs_diff(other.len()) <= 5 && bare(one) == bare(other)
}

fn found<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    if place.starts_with('/') { value.pointer(place) } else { value.get(place) }
}

/// The text of the value to which these names lead in a text of JSON.
fn written<'t>(text: &'t [u8], names: &[String]) -> Option<&'t str> {
    let Some((name, rest)) = names.split_first() else { return str::from_utf8(text).ok() };
    let within: &RawValue = match text.first()? {
        b'[' => serde_json::from_slice::<Vec<&RawValue>>(text).ok()?.get(name.parse::<usize>().ok()?)?,
        _ => serde_json::from_slice::<BTreeMap<Cow<'_, str>, &RawValue>>(text).ok()?.get(name.as_str())?,
    };
    written(within.get().as_bytes(), rest)
}

/// Whether a number has no fraction and no exponent.
fn is_whole(number: &str) -> bool {
    number.strip_prefix('-').unwrap_or(number).bytes().all(|byte| byte.is_ascii_digit())
}

/// The names that lead to a place: of a JSON Pointer, or the name of a property itself.
pub fn names_in(place: &str) -> Vec<String> {
    match place.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect(),
        None => vec![place.to_owned()],
    }
}

/// So many objects may stand within each other for their properties to be named.
const DEEPEST: usize = 6;

/// The properties of an object that hold a value, those of the top by their names and those within by JSON Pointer.
fn add_places(value: &Value, within: &str, places: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let pointer = format!("{within}/{}", name.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Object(_) if pointer.matches('/').count() < DEEPEST => add_places(value, &pointer, places),
            _ if within.is_empty() && !name.starts_with('/') => places.push(name.clone()),
            _ => places.push(pointer),
        }
    }
}

/// Takes lines apart into cells (RFC 4180, with any delimiter). Made once for many lines: its tables cost more than one.
#[derive(Debug)]
pub struct Cells {
    delimiter: u8,
    reader: csv_core::Reader,
}

impl Cells {
    pub fn delimited_by(delimiter: u8) -> Self {
        Self { delimiter, reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build() }
    }

    /// The same, where another character quotes, or none does.
    #[must_use]
    pub fn quoted_by(self, quote: Option<u8>) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(self.delimiter).quoting(quote.is_some()).quote(quote.unwrap_or(b'"'));
        Self { reader: builder.build(), ..self }
    }

    pub fn of(&mut self, line: &[u8]) -> Vec<String> {
        self.reader.reset();
        let delimiters = line.iter().filter(|byte| **byte == self.delimiter).count();
        let (mut text, mut ends) = (vec![0; line.len() + 1], vec![0; delimiters + 2]);
        let (mut read, mut written, mut count) = (0, 0, 0);
        loop {
            let (result, taken, output, fields) =
                self.reader.read_record(&line[read..], &mut text[written..], &mut ends[count..]);
            (read, written, count) = (read + taken, written + output, count + fields);
            // The second time nothing is left, which ends the last field.
            if matches!(result, csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End) {
                break;
            }
        }
        let begins = std::iter::once(0).chain(ends[..count].iter().copied());
        let cell = |(begin, end): (usize, &usize)| String::from_utf8_lossy(&text[begin..*end]).into_owned();
        begins.zip(&ends[..count]).map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_those_of_rfc_4180() {
        let mut cells = Cells::delimited_by(b';');
        for (line, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a;b", vec!["a", "b"]),
            ("a;;", vec!["a", "", ""]),
            (";", vec!["", ""]),
            ("\"a;\"\"b\";c", vec!["a;\"b", "c"]),
            ("\"a\nb\";c", vec!["a\nb", "c"]),
            ("a,b;c", vec!["a,b", "c"]),
        ] {
            assert_eq!(cells.of(line.as_bytes()), expected, "{line:?}");
        }
    }
}
