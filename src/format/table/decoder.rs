//! Decodes the rows of a text by the header that stands above them.

use super::Columns;
use crate::call::{Call, Guid, Reason};
use crate::format::correlation;
use crate::format::names::{Field, Names};
use crate::format::row::{self, Lenient, Usual};
use crate::format::times::Dates;
use crate::format::{Decode, Decoded, Front};
use crate::framing::quoted_csv::is_above_header;
use crate::framing::{COMMAS, Marks};

/// The decoder of one file.
#[derive(Debug, Default)]
pub struct Decoder {
    names: Names,
    /// The header last seen, as the file spells it, and its columns.
    header: Option<(Vec<u8>, Columns)>,
    dates: Dates,
}

impl Decoder {
    /// At the beginning of a file.
    pub fn new(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

    fn decoded<'a>(&mut self, record: &'a [u8]) -> Result<Call<'a>, Reason> {
        let Some((_, columns)) = &self.header else { return Err(Reason::NoHeader) };
        let fields = columns.fields(record)?;
        let call = columns.call(&fields, Lenient::of(&fields, &mut self.dates));
        match call {
            // Behind a separator within a cell all cells stand one too far, and that shows.
            Err(_) if fields.has_one_too_many => Err(Reason::BadCsv),
            Ok(_) if fields.has_one_too_many && fields.trunk_stands_behind(columns.separator) => {
                Err(Reason::BadCsv)
            }
            call => call,
        }
    }

    fn header_or<'a>(&mut self, reason: Reason, record: &[u8]) -> Decoded<'a> {
        match Columns::from_header(record, self.names) {
            Some(columns) => {
                self.header = Some((record.to_vec(), columns));
                Decoded::Header
            }
            None if is_above_header(record) => Decoded::Header,
            None => Decoded::Rejected(reason),
        }
    }

    /// Whether these are as many cells as there are columns, and all empty: Excel leaves such rows below a table.
    fn is_blank(&self, record: &[u8]) -> bool {
        let Some((_, columns)) = &self.header else { return false };
        let is_separator = |byte: &u8| *byte == columns.separator;
        matches!(record.first(), Some(first) if is_separator(first) || matches!(first, b' ' | b'"'))
            && record.iter().all(|byte| is_separator(byte) || matches!(byte, b' ' | b'"'))
            && record.iter().filter(|byte| is_separator(byte)).count() + 1 == columns.count()
    }
}

impl Decode for Decoder {
    fn resume(&mut self, kept: &[u8]) {
        let header;
        (self.dates, header) = Dates::of_kept(kept);
        self.header = Columns::from_header(header, self.names).map(|columns| (header.to_vec(), columns));
    }

    fn header(&self) -> Option<Vec<u8>> {
        let (header, _) = self.header.as_ref()?;
        Some(self.dates.kept_with(header))
    }

    fn marks(&self) -> Marks {
        let separator = self.header.as_ref().map_or(COMMAS.separator, |(_, columns)| columns.separator);
        Marks { separator, ..COMMAS }
    }

    /// Decodes one row, cut without its newline; a carriage return may be left at its end.
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.trim_ascii().is_empty() {
            return Decoded::Ignored;
        }
        let is_blank = self.is_blank(record);
        match self.decoded(record) {
            Ok(call) => Decoded::Call(call),
            Err(_) if is_blank => Decoded::Ignored,
            // A header never reads as a call, since its codes are no numbers: only what was refused may be one.
            Err(reason) => self.header_or(reason, record),
        }
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        let (_, columns) = self.header.as_ref()?;
        let mut fields = columns.front(text);
        if columns.separator == b',' && !columns.has_twins && columns.find(&mut fields).is_some() {
            return correlation::of(fields.get(Field::CorrelationId));
        }
        let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
        correlation::of(columns.fields(line).ok()?.get(Field::CorrelationId))
    }

    /// The usual row is a call, and has no quotes other than around cells.
    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        let Some((_, columns)) = &self.header else { return };
        if columns.separator != b',' || !columns.is_whole() {
            return;
        }
        let minor = Usual { keeps_detail: front.keeps_detail };
        // The newline comes on top.
        front.fill(
            text,
            record_bytes.saturating_add(1),
            |_| false,
            |text, calls| {
                let mut fields = columns.front(text);
                let next = columns.find(&mut fields)?;
                calls.push(row::call(&fields, minor).ok()?);
                Some(next)
            },
        );
    }
}
