//! The columns of an export, found by name, and the fields of a row under them.

use std::borrow::Cow;

use fearless_simd::{Level, dispatch};

use super::csv::{self, Cell};
use crate::decode::fields::{self, NotWhole};
use crate::decode::{Reason, scan};

/// The columns that are read, by their place in [`Fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    CorrelationId,
    Invite,
    Start,
    Failure,
    End,
    Duration,
    Success,
    Caller,
    Callee,
    CallType,
    SipCode,
    MicrosoftCode,
    Phrase,
    Trunk,
}

impl Column {
    const COUNT: usize = Self::Trunk as usize + 1;

    /// By the name as [`squeezed`].
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "correlationid" => Self::CorrelationId,
            "invitetime" => Self::Invite,
            "starttime" => Self::Start,
            "failuretime" => Self::Failure,
            "endtime" => Self::End,
            "durationseconds" | "duration" => Self::Duration,
            "success" => Self::Success,
            "callernumber" => Self::Caller,
            "calleenumber" => Self::Callee,
            "calltype" => Self::CallType,
            "finalsipcode" => Self::SipCode,
            "finalmicrosoftsubcode" => Self::MicrosoftCode,
            "finalsipphrase" => Self::Phrase,
            "sbcfqdn" => Self::Trunk,
            _ => return None,
        })
    }
}

/// The names in the first line of a text, each as [`squeezed`], when no name is quoted.
pub fn column_names(text: &[u8], separator: u8) -> Vec<String> {
    first_line(text).split(|byte| *byte == separator).map(squeezed).collect()
}

/// Lower case, letters and digits only: `Correlation ID` and `CorrelationId` are one name.
fn squeezed(name: &[u8]) -> String {
    name.iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

fn first_line(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    text[..end].trim_ascii_end()
}

/// The columns of an export, in the order in which its header names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    all: Vec<Option<Column>>,
    /// Those that are read, with their places.
    read: Vec<(usize, Column)>,
}

impl Columns {
    /// The columns, if the first line of the text is the header of this export: it names a correlation id,
    /// the success flag and at least one of the codes. Any other column may be missing, any may be unknown.
    pub fn from_header(text: &[u8]) -> Option<Self> {
        let mut columns: Vec<Option<Column>> = Vec::new();
        let line = first_line(text);
        let take = |cell: Cell| {
            let column = Column::named(&squeezed(&line[cell.begin..cell.end]));
            // Of two columns with one name, the first is read.
            columns.push(column.filter(|_| !columns.contains(&column)));
        };
        csv::for_each(line, take).ok()?;
        let has = |column| columns.contains(&Some(column));
        let has_code = has(Column::SipCode) || has(Column::MicrosoftCode);
        let read = columns.iter().enumerate().filter_map(|(place, column)| Some((place, (*column)?)));
        let read = read.collect();
        let is_header = has(Column::CorrelationId) && has(Column::Success) && has_code;
        is_header.then_some(Self { all: columns, read })
    }

    /// The fields of the row that the text begins with, and where the next one begins: a row that is whole and has
    /// no quotes.
    #[inline(always)]
    pub fn front<'a>(&self, text: &'a [u8]) -> Option<(Fields<'a>, usize)> {
        let mut begins = [0; scan::BLOCK];
        let (count, next) = dispatch!(Level::new(), simd => scan::cells(simd, text, &mut begins))?;
        if count != self.all.len() {
            return None;
        }
        let mut fields = Fields::of(text);
        for (place, column) in &self.read {
            let [begin, next] = begins.get(*place..)?.first_chunk()?;
            fields.places[*column as usize] = [*begin, next - 1];
        }
        Some((fields, next))
    }

    /// The fields of a row under these columns. A row has as many cells as the header; one more at its end,
    /// and empty, is a comma too many, which some tools write.
    #[inline]
    pub fn fields<'a>(&self, record: &'a [u8]) -> Result<Fields<'a>, Reason> {
        let mut fields = Fields::of(record);
        let mut count = 0;
        let mut last = Cell::default();
        csv::for_each(record, |cell| {
            if let Some(Some(column)) = self.all.get(count) {
                // A record has fewer bytes than that.
                fields.places[*column as usize] =
                    [cell.begin, cell.end].map(|place| u32::try_from(place).unwrap_or(u32::MAX));
                fields.doubled |= u16::from(cell.doubled) << *column as usize;
            }
            count += 1;
            last = cell;
        })?;
        let one_too_many = count == self.all.len() + 1 && last.begin == last.end;
        if count == self.all.len() || one_too_many { Ok(fields) } else { Err(Reason::BadCsv) }
    }
}

/// The fields of one row that are read; those whose column is missing are empty.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The row, and whatever stands behind it.
    text: &'a [u8],
    /// Where each begins and ends, by column.
    places: [[u32; 2]; Column::COUNT],
    /// The bits of the columns in whose field quotes are doubled.
    doubled: u16,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn of(text: &'a [u8]) -> Self {
        Self { text, places: [[0; 2]; Column::COUNT], doubled: 0 }
    }

    /// A field as the record spells it, without blanks at both ends.
    #[inline(always)]
    pub fn get(&self, column: Column) -> &'a [u8] {
        let [begin, end] = self.places[column as usize];
        fields::trimmed(self.text.get(begin as usize..end as usize).unwrap_or_default())
    }

    /// A field as it was meant.
    #[inline(always)]
    pub fn value(&self, column: Column) -> Cow<'a, [u8]> {
        match self.doubled >> column as usize & 1 {
            0 => Cow::Borrowed(self.get(column)),
            _ => Cow::Owned(csv::undoubled(self.get(column))),
        }
    }

    /// The number in a field. Eight bytes are looked at, though they may reach beyond it: nothing is copied then.
    #[inline(always)]
    pub fn number(&self, column: Column) -> Result<Option<u64>, NotWhole> {
        let [begin, end] = self.places[column as usize];
        let roomy = self.text.get(begin as usize..).and_then(|text| text.first_chunk());
        let number = roomy.and_then(|roomy| fields::few_digits(*roomy, end - begin));
        number.map_or_else(|| fields::whole_number(self.get(column)), |number| Ok(Some(number)))
    }
}
