//! Any other record by config: `format: csv`, `json` or `regex`, with `fields:` that say where each of ours stands.
//!
//! The same type as a built-in format, made when the config is read.

pub mod guess;
pub mod sampling;
pub mod time;
pub mod trial;
mod advice;
mod field;
mod record;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use xxhash_rust::xxh3::xxh3_128;

pub use self::field::{FIELDS, Field};
use self::record::{Cells, Columns, Record, is_same_line};
pub use self::time::TimeFormat;
use self::trial::Trial;
use super::device::{self, Device};
use super::{Decode, Decoded, Format, Public, Recognised, fields};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, RecordId, Text, UnixMillis, Unread, UnreadField, Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// Names of the formats that a mapping makes.
pub const NAMES: [&str; 3] = ["csv", "json", "regex"];

/// A row of a report stands for at most so many calls: a telephone number in its place would drown all others in counters,
/// which never fall.
const MOST_CALLS: u64 = 10_000_000;

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
    pub quote: u8,
    /// So many lines stand above a table and its header.
    pub skip_lines: usize,
}

impl Mapping {
    fn has_header(&self) -> bool {
        matches!(self.shape, Shape::Csv { has_header: true, .. })
    }

    fn cells(&self) -> Cells {
        Cells::delimited_by(self.shape.delimiter()).quoted_by(self.quote)
    }

    /// The format that this makes. It lasts as long as the program: one for each source and reload.
    pub fn format(self) -> &'static Format {
        let (name, framing, broken) = match &self.shape {
            Shape::Csv { .. } => ("csv", Framing::QuotedCsv, Reason::BadCsv),
            Shape::Json => ("json", Framing::Json, Reason::BadJson),
            Shape::Regex(_) => ("regex", Framing::Lines, Reason::BadLine),
        };
        let config = format!("{self:?}").leak();
        let mapping = Arc::new(self);
        let decoder = move |_| -> Box<dyn Decode> { Box::new(Decoder::new(Arc::clone(&mapping))) };
        Box::leak(Box::new(Format {
            name,
            aliases: &[],
            framing,
            recognise: |_, _, _| Recognised::No,
            live_within: Duration::from_mins(15),
            is_trunk: device::is_device_trunk,
            public: Public::of_words(&[]),
            broken,
            decoder: Box::leak(Box::new(decoder)),
            told: None,
            layout: None,
            config,
        }))
    }
}

#[derive(Debug)]
struct Decoder {
    mapping: Arc<Mapping>,
    /// The header line last seen, and its columns.
    header: Option<(Vec<u8>, Columns)>,
    /// How many lines above the table were passed.
    skipped: usize,
    cells: Cells,
}

impl Decoder {
    fn new(mapping: Arc<Mapping>) -> Self {
        let cells = mapping.cells();
        Self { mapping, header: None, skipped: 0, cells }
    }

    fn read_header(&mut self, line: &[u8]) {
        if self.mapping.has_header() {
            self.header = Some((line.to_vec(), Columns::read(line, &mut self.cells)));
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

    fn header(&self) -> Option<Vec<u8>> {
        let is_past_title = self.mapping.skip_lines > 0 && self.skipped == self.mapping.skip_lines;
        let header = self.header.as_ref().map(|(line, _)| line.clone());
        // Without a header, that lines above the table were passed is all there is to go on with.
        header.or_else(|| (is_past_title && !self.mapping.has_header()).then(|| b" ".to_vec()))
    }

    fn resume(&mut self, header: &[u8]) {
        if !header.is_empty() {
            self.skipped = self.mapping.skip_lines;
            self.read_header(header);
        }
    }

    fn separator(&self) -> u8 {
        self.mapping.shape.delimiter()
    }

    fn trial(&self, record: &[u8]) -> Option<Trial> {
        let columns = self.header.as_ref().map(|(_, columns)| columns);
        let mut cells = self.mapping.cells();
        match Record::read(record, &self.mapping.shape, columns, &mut cells) {
            Ok(read) => Some(Mapped { record: &read, mapping: &self.mapping, whole: record }.trial()),
            Err(_) => Trial::of_columns(record, &self.mapping, columns?),
        }
    }
}

impl Decoder {
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
        let columns = self.header.as_ref().map(|(_, columns)| columns);
        match Record::read(record, &self.mapping.shape, columns, &mut self.cells) {
            Ok(read) if !read.meets(&self.mapping.conditions) => Decoded::Ignored,
            Ok(read) => Mapped { record: &read, mapping: &self.mapping, whole: record }.decoded(),
            Err(None) if self.mapping.rejects_others => Decoded::Rejected(Reason::BadLine),
            Err(None) => Decoded::Ignored,
            Err(Some(reason)) => Decoded::Rejected(reason),
        }
    }
}

/// One record, by the mapping.
struct Mapped<'r> {
    record: &'r Record<'r>,
    mapping: &'r Mapping,
    whole: &'r [u8],
}

impl Mapped<'_> {
    fn origin(&self, field: Field) -> Option<&Origin> {
        self.mapping.origins.iter().find(|origin| origin.field == field)
    }

    /// The value of a field, as `values` has it; `""` where there is none.
    fn get(&self, field: Field) -> String {
        let Some(origin) = self.origin(field) else { return String::new() };
        let value = match &origin.from {
            From::Constant(text) => text.clone(),
            From::Place(place) => {
                self.record.get(place).map_or_else(String::new, |value| value.trim().to_owned())
            }
        };
        let meant = origin.values.iter().find(|(written, _)| written.eq_ignore_ascii_case(&value));
        meant.map_or(value, |(_, meant)| meant.clone())
    }

    fn decoded(&self) -> Decoded<'static> {
        match self.count().and_then(|count| count.map(|count| self.call(count)).transpose()) {
            Ok(Some(call)) => Decoded::Call(call),
            Ok(None) => Decoded::Ignored,
            Err(reason) => Decoded::Rejected(reason),
        }
    }

    /// How many calls the record stands for; `None` where it is the row of no call.
    fn count(&self) -> Result<Option<NonZeroU32>, Reason> {
        if self.origin(Field::Count).is_none() {
            return Ok(Some(NonZeroU32::MIN));
        }
        match fields::whole_number(self.get(Field::Count).as_bytes()) {
            Ok(Some(count @ 0..=MOST_CALLS)) => Ok(u32::try_from(count).ok().and_then(NonZeroU32::new)),
            _ => Err(Reason::BadCount),
        }
    }

    fn call(&self, count: NonZeroU32) -> Result<Call<'static>, Reason> {
        let direction = self.direction();
        let succeeded = self.succeeded()?;
        let codes = self.codes(direction, succeeded)?;
        if succeeded.is_none() && codes.is_empty() {
            return Err(Reason::NoOutcome);
        }
        let mut unread = Unread::default();
        let duration = unread.or(UnreadField::Duration, self.duration());
        let started = unread.or(UnreadField::StartTime, self.time(Field::Started));
        let ended = unread.or(UnreadField::EndTime, self.time(Field::Ended));
        let lasted = |(at, seconds): (UnixMillis, u32)| UnixMillis(at.0 + i64::from(seconds) * 1000);
        Ok(Call {
            record_id: self.id()?,
            trunk: owned(self.get(Field::Trunk)),
            direction,
            succeeded,
            codes,
            ended_at: ended.or(started.zip(duration).map(lasted)).or(started),
            duration_seconds: duration,
            attempt: Attempt::Only,
            unread,
            detail: Detail { more: count.get() - 1, ..Detail::default() },
        })
    }

    /// A record without an id of its own is known by all that it says.
    fn id(&self) -> Result<RecordId, Reason> {
        match self.origin(Field::Id) {
            Some(_) => fields::record_id(self.get(Field::Id).as_bytes()),
            None => Ok(RecordId(xxh3_128(self.whole))),
        }
    }

    fn direction(&self) -> Direction {
        match self.get(Field::Direction).to_ascii_lowercase().as_str() {
            "inbound" => Direction::Inbound,
            "outbound" => Direction::Outbound,
            _ => Direction::Unknown,
        }
    }

    /// The flag; else whether there is a time of answer.
    fn succeeded(&self) -> Result<Option<bool>, Reason> {
        match (self.origin(Field::Success), self.origin(Field::Answered)) {
            (Some(_), _) => fields::flag(self.get(Field::Success).as_bytes()),
            (None, Some(_)) => Ok(Some(self.was_answered())),
            (None, None) => Ok(None),
        }
    }

    /// By the time of answer. A text that is no time may be a flag; else a code beside it that refuses the call says more.
    fn was_answered(&self) -> bool {
        match self.time(Field::Answered) {
            Ok(at) => at.is_some(),
            Err(_) => {
                let refused = || fields::whole_number(self.get(Field::SipCode).as_bytes());
                let flag = fields::flag(self.get(Field::Answered).as_bytes()).ok().flatten();
                flag.unwrap_or_else(|| !matches!(refused(), Ok(Some(300..=699))))
            }
        }
    }

    fn codes(&self, direction: Direction, succeeded: Option<bool>) -> Result<Codes<'static>, Reason> {
        let number = |field| fields::whole_number(self.get(field).as_bytes());
        let header = self.get(Field::ReasonHeader);
        let said = reason_header::phrases(&header).find(|said| !said.phrase.is_empty());
        let phrase = self.get(Field::Phrase);
        let (text, words) = match said.filter(|_| succeeded != Some(true)) {
            _ if !phrase.is_empty() => (phrase, Words::Microsoft),
            Some(said) => (said.phrase.to_owned(), said.words()),
            None => (phrase, Words::Other),
        };
        Ok(Codes {
            microsoft: fields::microsoft_code(number(Field::MicrosoftCode))?,
            sip: fields::sip_code(number(Field::SipCode))?,
            q850: self.q850().unwrap_or_default().or_else(|| reason_header::q850(&header)),
            text: owned(text),
            words,
            refused_by: device::refused_by(direction),
        })
    }

    /// A cause of Q.850. One that is none does not reject a call: a code beside it, or the flag, says enough.
    fn q850(&self) -> Result<Option<u8>, Reason> {
        let number = fields::whole_number(self.get(Field::Q850).as_bytes()).map_err(|_| Reason::BadCode)?;
        let in_range = |cause| u8::try_from(cause).ok().filter(|cause| *cause < 128).ok_or(Reason::BadCode);
        number.filter(|cause| *cause > 0).map(in_range).transpose()
    }

    fn duration(&self) -> Result<Option<u32>, Reason> {
        let divide_by = self.origin(Field::Duration).map_or(1, |origin| origin.divide_by.max(1));
        let written = fields::whole_number(self.get(Field::Duration).as_bytes());
        fields::duration_seconds(written.map(|number| number.map(|number| number / u64::from(divide_by))))
    }

    fn time(&self, field: Field) -> Result<Option<UnixMillis>, Reason> {
        let Some(origin) = self.origin(field) else { return Ok(None) };
        let text = self.get(field);
        match time::is_none(&text) {
            true => Ok(None),
            false => {
                let read = origin.time.read(&text, &self.mapping.device).ok_or(Reason::BadTime);
                read.map(|at| Some(at).filter(|at| !time::is_first_day(*at)))
            }
        }
    }
}

fn owned(text: String) -> Text<'static> {
    Text(text.into_bytes().into())
}

#[cfg(test)]
mod tests;
