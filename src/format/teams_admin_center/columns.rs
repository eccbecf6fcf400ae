//! The columns of an export, found by name, and the fields of a row under them.

use std::borrow::Cow;

use fearless_simd::{Level, dispatch};

use super::csv::{self, Cell};
use crate::call::Reason;
use crate::format::fields::{self, NotWhole};
use crate::format::scan;

/// The columns that are read.
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
    /// Where each column stands among them, if it is one of the first [`scan::MOST_CELLS`].
    places: Places,
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
        let mut places = [NOWHERE; Column::COUNT];
        for (place, column) in (0..NOWHERE).zip(&columns) {
            if let Some(column) = column {
                places[*column as usize] = place;
            }
        }
        let is_header = has(Column::CorrelationId) && has(Column::Success) && has_code;
        is_header.then_some(Self { all: columns, places })
    }

    /// Fields of the row that a text begins with, for [`Columns::find`]. Two steps, so that they stay where they are: to
    /// return found ones copies 300 bytes for each row.
    #[inline(always)]
    pub fn front<'a>(&self, text: &'a [u8]) -> Fields<'a> {
        Fields::of(text, self.places)
    }

    /// Finds the fields of the row that a text begins with, and where the next one begins: a row that is whole, and has no
    /// quotes other than around cells.
    #[inline(always)]
    pub fn find(&self, fields: &mut Fields) -> Option<usize> {
        let (text, cells) = (fields.text, &mut fields.cells);
        let (count, next) = dispatch!(Level::new(), simd => scan::cells(simd, text, cells))?;
        (usize::from(count) == self.all.len()).then_some(next)
    }

    /// The fields of a row under these columns. A row has as many cells as the header; one more at its end,
    /// and empty, is a comma too many, which some tools write.
    #[inline]
    pub fn fields<'a>(&self, record: &'a [u8]) -> Result<Fields<'a>, Reason> {
        // Only cells that are read are kept here, each in the place of its column.
        let mut fields =
            Fields::of(record, std::array::from_fn(|column| u8::try_from(column).unwrap_or(NOWHERE)));
        let mut count = 0;
        let mut last = Cell::default();
        csv::for_each(record, |cell| {
            if let Some(Some(column)) = self.all.get(count) {
                // A record has fewer bytes than that.
                let [begin, end] =
                    [cell.begin, cell.end].map(|place| u32::try_from(place).unwrap_or(u32::MAX));
                fields.cells.set(*column as u8, begin, end);
                fields.doubled |= u16::from(cell.doubled) << *column as usize;
            }
            count += 1;
            last = cell;
        })?;
        let one_too_many = count == self.all.len() + 1 && last.begin == last.end;
        if count == self.all.len() || one_too_many { Ok(fields) } else { Err(Reason::BadCsv) }
    }
}

/// Places of cells, by column.
type Places = [u8; Column::COUNT];

/// The place of a cell that is always empty, for columns that are missing.
const NOWHERE: u8 = scan::MOST_CELLS;

/// The fields of one row that are read; those whose column is missing are empty.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The row, and whatever stands behind it.
    text: &'a [u8],
    cells: scan::Cells,
    places: Places,
    /// The bits of the columns in whose field quotes are doubled.
    doubled: u16,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn of(text: &'a [u8], places: Places) -> Self {
        Self { text, cells: scan::Cells::default(), places, doubled: 0 }
    }

    /// A field as the record spells it, without blanks at both ends.
    #[inline(always)]
    pub fn get(&self, column: Column) -> &'a [u8] {
        let (begin, end) = self.cells.get(self.places[column as usize]);
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
        let (begin, end) = self.cells.get(self.places[column as usize]);
        let roomy = self.text.get(begin as usize..).and_then(|text| text.first_chunk());
        let number = roomy.and_then(|roomy| fields::few_digits(*roomy, end - begin));
        number.map_or_else(|| fields::whole_number(self.get(column)), |number| Ok(Some(number)))
    }
}
