//! Any other record by config: `format: csv`, `json` or `regex`, with `fields:` that say where each of ours stands.
//!
//! The same type as a built-in format, made when the config is read.

pub mod guess;
pub mod sampling;
pub mod time;
pub mod trial;
mod advice;
mod call;
mod field;
mod object;
mod pattern;
mod quick;
mod record;

use std::time::Duration;

use regex::Regex;

use self::call::Mapped;
pub use self::field::{FIELDS, Field};
use self::quick::Quick;
use self::record::{Cells, Columns, Record, is_same_line, names_in};
use self::time::Minutes;
pub use self::time::TimeFormat;
use self::trial::Trial;
use super::device::{self, Device};
use super::trunk::may_be_person;
use super::{Decode, Decoded, Format, Front, Public, Recognised};
use crate::call::Reason;
use crate::framing::{Framing, Holders, Marks, json};

/// Names of the formats that a mapping makes.
pub const NAMES: [&str; 3] = ["csv", "json", "regex"];

/// How records look, before anything is said of their fields.
#[derive(Debug, Clone)]
pub enum Shape {
    Csv {
        delimiter: u8,
        /// Whether the first line names the columns; else they are named by number, from 1.
        has_header: bool,
    },
    /// Objects; fields by JSON Pointer (RFC 6901) or by name.
    Json,
    /// Lines; fields by the names of groups. The first pattern that matches counts.
    Regex(Vec<Regex>),
}

impl Format {
    /// Whether the config says where its fields stand.
    pub fn is_mapped(&self) -> bool {
        NAMES.contains(&self.name)
    }

    /// Whether this trunk may be a person's name. The groups of a device have names that its operator gave; of a table, any column may
    /// be taken for that of trunks.
    pub fn may_name_person(&self, trunk: &str) -> bool {
        self.is_mapped() && may_be_person(trunk)
    }
}

impl Shape {
    fn delimiter(&self) -> u8 {
        if let Self::Csv { delimiter, .. } = self { *delimiter } else { b',' }
    }
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub field: Field,
    pub from: From,
    /// What some values stand for: `{Yes: true}`.
    pub values: Vec<(String, String)>,
    pub time: TimeFormat,
    /// A duration is that many times its seconds.
    pub divide_by: u32,
}

/// A place in a record, or always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    Place(String),
    Constant(String),
}

/// A condition that records must meet to be calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    pub place: String,
    pub is: Vec<String>,
}

impl Where {
    /// Whether a record with this value at the place is a call.
    fn is_met_by(&self, value: &str) -> bool {
        let value = device::trimmed(value);
        self.is.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    }
}

/// What the config says of a record format.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub shape: Shape,
    pub origins: Vec<Origin>,
    pub conditions: Vec<Where>,
    /// Whether lines that no pattern matches are rejected; else they are ignored.
    pub rejects_others: bool,
    pub device: Device,
    /// What cells of a table stand in that hold its delimiter.
    pub quote: Option<u8>,
    /// So many lines stand above a table and its header.
    pub skip_lines: usize,
    /// The properties of objects that hold records; where nothing is said of them, the usual ones.
    pub records_in: Option<Vec<String>>,
}

impl Mapping {
    fn has_header(&self) -> bool {
        matches!(self.shape, Shape::Csv { has_header: true, .. })
    }

    fn marks(&self) -> Marks {
        Marks { separator: self.shape.delimiter(), quote: self.quote, has_blank_lines: false }
    }

    fn cells(&self) -> Cells {
        Cells::delimited_by(self.shape.delimiter()).quoted_by(self.quote)
    }

    /// What holds records of JSON. A property in which a field stands is part of the record.
    fn holders(&'static self) -> Holders {
        match &self.records_in {
            Some(names) => Holders::named(names),
            None => Holders::usual_but(Box::leak(self.outer_names().collect())),
        }
    }

    /// The properties of the record itself in which its fields stand.
    fn outer_names(&self) -> impl Iterator<Item = String> {
        self.wanted().filter_map(|(_, place)| names_in(place).into_iter().next())
    }

    /// The format that this makes.
    pub fn format(self) -> &'static Format {
        let (name, broken) = match &self.shape {
            Shape::Csv { .. } => ("csv", Reason::BadCsv),
            Shape::Json => ("json", Reason::BadJson),
            Shape::Regex(_) => ("regex", Reason::BadLine),
        };
        Format::lasting(name, format!("{self:?}"), |config| {
            let mapping: &'static Self = Box::leak(Box::new(self));
            let holders = mapping.holders();
            let decoder = move |_| -> Box<dyn Decode> { Box::new(Decoder::new(mapping, holders)) };
            Format {
                name,
                aliases: &[],
                framing: match &mapping.shape {
                    Shape::Csv { .. } => Framing::QuotedCsv,
                    Shape::Json => Framing::Json(holders),
                    Shape::Regex(_) => Framing::Lines,
                },
                recognise: |_, _, _| Recognised::No,
                is_log: false,
                live_within: Duration::from_mins(15),
                is_trunk: device::is_device_trunk,
                public: Public::of_words(&[]),
                broken,
                decoder: Box::leak(Box::new(decoder)),
                device: None,
                twin: None,
                config,
            }
        })
    }
}

#[derive(Debug)]
struct Decoder {
    mapping: &'static Mapping,
    holders: Holders,
    /// The header line last seen, and its columns.
    header: Option<(Vec<u8>, Columns)>,
    /// How usual records are read, where there is a fast way; of a table once its columns are known.
    quick: Option<Quick>,
    /// How many lines above the table were passed.
    skipped: usize,
    cells: Cells,
    minutes: Minutes,
}

impl Decoder {
    fn new(mapping: &'static Mapping, holders: Holders) -> Self {
        let (quick, cells) = (Quick::of(mapping, holders, None), mapping.cells());
        Self { mapping, holders, header: None, quick, skipped: 0, cells, minutes: Minutes::default() }
    }

    fn read_header(&mut self, line: &[u8]) {
        if self.mapping.has_header() {
            let columns = Columns::read(line, &mut self.cells);
            self.quick = Quick::of(self.mapping, self.holders, Some(&columns));
            self.header = Some((line.to_vec(), columns));
        }
    }
}

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        match self.mapping.shape {
            // A name in another character set rejects no call.
            Shape::Json | Shape::Regex(_) if str::from_utf8(record).is_err() => {
                self.read(String::from_utf8_lossy(record).as_bytes())
            }
            _ => self.read(record),
        }
    }

    /// The header, or a blank for each line above it that was passed, where that is all there is to go on with.
    fn header(&self) -> Option<Vec<u8>> {
        let header = self.header.as_ref().map(|(line, _)| line.clone());
        header.or_else(|| (self.skipped > 0).then(|| vec![b' '; self.skipped]))
    }

    fn resume(&mut self, header: &[u8]) {
        let is_above = header.iter().all(|byte| *byte == b' ') && header.len() <= self.mapping.skip_lines;
        if is_above {
            self.skipped = header.len();
        } else if !header.is_empty() {
            self.skipped = self.mapping.skip_lines;
            self.read_header(header);
        }
    }

    fn marks(&self) -> Marks {
        // The blank line below a title is one of those above the table.
        Marks { has_blank_lines: self.skipped < self.mapping.skip_lines, ..self.mapping.marks() }
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        let is_above =
            self.skipped < self.mapping.skip_lines || self.header.is_none() && self.mapping.has_header();
        let Some(quick) = self.quick.as_mut().filter(|_| !is_above) else { return };
        let header = self.header.as_ref().map(|(header, _)| header.as_slice());
        let is_header = |line: &[u8]| header.is_some_and(|header| is_same_line(header, line));
        let known = (self.mapping, &self.minutes);
        match self.mapping.shape {
            Shape::Csv { .. } => {
                front.with_ends(text, record_bytes, |text, calls| quick.row(text, known, is_header, calls));
            }
            Shape::Json => front
                .records(text, record_bytes, json::is_blank, |text, calls| quick.object(text, known, calls)),
            Shape::Regex(_) => {
                front.lines(text, record_bytes, |line, calls| quick.line(line, known, calls));
            }
        }
    }

    fn trial(&self, record: &[u8]) -> Option<Trial> {
        let columns = self.header.as_ref().map(|(_, columns)| columns);
        let mut cells = self.mapping.cells();
        match Record::read(record, &self.mapping.shape, columns, &mut cells) {
            Ok(Some(read)) => Some(self.with_fields(&read, record, |fields| fields.trial(&read))),
            Ok(None) | Err(_) => Trial::of_columns(record, self.mapping, columns?),
        }
    }
}

impl Decoder {
    /// The fields of any record, given to `read`.
    fn with_fields<T>(
        &self,
        record: &Record<'_>,
        whole: &[u8],
        read: impl FnOnce(&Mapped<'_, '_>) -> T,
    ) -> T {
        let texts = record.texts(&self.mapping.origins);
        read(&Mapped::new(self.mapping, &self.minutes, whole, |origin| &texts[origin]))
    }

    fn read(&mut self, record: &[u8]) -> Decoded<'static> {
        if self.skipped < self.mapping.skip_lines {
            self.skipped += 1;
            return Decoded::Header;
        }
        if self.header.is_none() && self.mapping.has_header() {
            self.read_header(record);
            return Decoded::Header;
        }
        // Files that were put together have one each.
        if self.header.as_ref().is_some_and(|(header, _)| is_same_line(header, record)) {
            return Decoded::Header;
        }
        // Another one may have its columns in another order.
        if self.header.as_ref().is_some_and(|(_, columns)| columns.are_named_by(record, &mut self.cells)) {
            self.read_header(record);
            return Decoded::Header;
        }
        let columns = self.header.as_ref().map(|(_, columns)| columns);
        match Record::read(record, &self.mapping.shape, columns, &mut self.cells) {
            Ok(Some(read)) if !read.meets(&self.mapping.conditions) => Decoded::Ignored,
            Ok(Some(read)) => self.with_fields(&read, record, |fields| fields.decoded().owned()),
            Ok(None) if self.mapping.rejects_others => Decoded::Rejected(Reason::BadLine),
            Ok(None) => Decoded::Ignored,
            Err(reason) => Decoded::Rejected(reason),
        }
    }
}

#[cfg(test)]
mod tests;
