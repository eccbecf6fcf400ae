//! Tables of calls: columns found by name, and the fields of a row under them. Text with commas, semicolons or tabs
//! ([`Decoder`]); and rows of cells that something else took apart (a worksheet, rows in JSON): [`Columns::of_names`].

pub mod cells;
mod decoder;
mod near;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use fearless_simd::{Level, dispatch};
use xxhash_rust::xxh3::xxh3_64;

use self::cells::Cell;
pub use self::decoder::Decoder;
pub use self::near::{hint, lacking};
use super::fields::{self, NotWhole};
use super::names::{self, Field, Names};
use super::record_id::OwnId;
use super::row::{self, Minor};
use super::times::When;
use super::{scan, trunk};
use crate::call::{Call, Reason, Text};
use crate::framing::quoted_csv;

/// What stands between cells, the most usual one first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The columns of a table, in the order in which its header names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    all: Vec<Option<Field>>,
    /// Where each column stands among them, if it is one of the first [`scan::MOST_CELLS`].
    places: Places,
    /// What stands between cells; a comma where they come apart.
    pub separator: u8,
    /// Whether a field has two columns: which of them is empty differs from row to row.
    has_twins: bool,
    /// The deciding fields that have no column, and that some other column's name looks like.
    misspelt: Vec<Field>,
    /// Whether they are named as Graph names them.
    pub is_graph: bool,
}

/// The names in the first line of a text, each as letters and digits in lower case, when no name is quoted.
pub fn column_names(text: &[u8], separator: u8) -> Vec<String> {
    let letters = |name: &[u8]| -> String {
        let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
    };
    header_line(text).split(|byte| *byte == separator).map(letters).collect()
}

/// The header that a text begins with, without what stands above it.
fn header_line(text: &[u8]) -> &[u8] {
    quoted_csv::header(text, true).map_or(b"", |(line, _)| line)
}

impl Columns {
    /// The columns, if the text begins with the header of a table of calls. See [`Columns::of_names`].
    pub fn from_header(text: &[u8], names: Names) -> Option<Self> {
        let line = header_line(text);
        SEPARATORS.into_iter().find_map(|separator| {
            let mut cells = Vec::new();
            cells::for_each(line, separator, |cell| cells.push(&line[cell.begin..cell.end])).ok()?;
            Self::of_names(cells, names).map(|columns| Self { separator, ..columns })
        })
    }

    /// The columns of these names, if they are those of a table of calls: an id or correlation id, and two of the success
    /// flag and the codes. Any other column may be missing, any may be unknown. Of two of one field, the last that is not empty is read.
    pub fn of_names<'n>(all_names: impl IntoIterator<Item = &'n [u8]>, names: Names) -> Option<Self> {
        let mut all: Vec<Option<Field>> = Vec::new();
        let (mut unknown, mut is_graph, mut has_twins) = (Vec::new(), false, false);
        for name in all_names {
            let field = names.field(name);
            is_graph |= field.is_some_and(|field| is_of_graph(field, name));
            if field.is_none() {
                unknown.push(name);
            }
            has_twins |= field.is_some() && all.contains(&field);
            all.push(field);
        }
        let has = |field: &Field| all.contains(&Some(*field));
        let deciding = [Field::Success, Field::SipCode, Field::MicrosoftCode];
        let is_header = (has(&Field::CorrelationId) || has(&Field::Id))
            && deciding.iter().filter(|field| has(field)).count() >= 2;
        if !is_header {
            return None;
        }
        let mut misspelt = Vec::new();
        if !Field::DECIDING.iter().all(has) {
            misspelt = unknown.into_iter().filter_map(names::misspelt).filter(|field| !has(field)).collect();
        }
        let mut places = [NOWHERE; Field::COUNT];
        for (place, field) in (0..NOWHERE).zip(&all).rev() {
            if let Some(field) = field {
                places[*field as usize] = place;
            }
        }
        Some(Self { all, places, separator: b',', has_twins, misspelt, is_graph })
    }

    /// The field in a column.
    pub fn field(&self, column: usize) -> Option<Field> {
        self.all.get(column).copied().flatten()
    }

    /// How many columns there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether there is a column of this field.
    pub fn has(&self, field: Field) -> bool {
        self.all.contains(&Some(field))
    }

    /// Whether some column's name looks like that of this field, which has none.
    pub fn resembles(&self, field: Field) -> bool {
        self.misspelt.contains(&field)
    }

    /// Whether every row can be a call as it is: nothing that decides is missing, or stands twice.
    fn is_whole(&self) -> bool {
        !self.has_twins && self.misspelt.is_empty() && self.has(Field::Success) && self.has(Field::SipCode)
    }

    /// The call of a row under these columns.
    ///
    /// # Errors
    /// Why there is none; a deciding field that is missing among the reasons.
    #[inline]
    pub fn call<'a>(&self, row: &impl row::Fields<'a>, minor: impl Minor) -> Result<Call<'a>, Reason> {
        let call = row::call(row, minor)?;
        match self.is_whole() {
            true => Ok(call),
            false => row::missing(row, |field| self.has(field), |field| self.resembles(field))
                .map_or(Ok(call), Err),
        }
    }

    /// Fields of the row that a text begins with, for [`Columns::find`]. Two steps, so that they stay where they are: to
    /// return found ones copies 300 bytes for each row.
    #[inline(always)]
    fn front<'a>(&self, text: &'a [u8]) -> Fields<'a> {
        Fields::of(text, self.places)
    }

    /// Finds the fields of the row that a text begins with, and where the next one begins: a row that is whole, and has no
    /// quotes other than around cells.
    #[inline(always)]
    fn find(&self, fields: &mut Fields) -> Option<usize> {
        let (text, cells) = (fields.text, &mut fields.cells);
        let (count, next) = dispatch!(Level::new(), simd => scan::cells(simd, text, cells))?;
        (usize::from(count) == self.all.len()).then_some(next)
    }

    /// The fields of a row under these columns. A row has as many cells as the header; one more at its end,
    /// and empty, is a separator too many, which some tools write, or one within a cell that has no quotes.
    #[inline]
    fn fields<'a>(&self, record: &'a [u8]) -> Result<Fields<'a>, Reason> {
        // Only cells that are read are kept here, each in the place of its field.
        let mut fields =
            Fields::of(record, std::array::from_fn(|field| u8::try_from(field).unwrap_or(NOWHERE)));
        let mut count = 0;
        let mut last = Cell::default();
        let is_blank = |cell: Cell| fields::trimmed(&record[cell.begin..cell.end]).is_empty();
        cells::for_each(record, self.separator, |cell| {
            if let Some(Some(field)) = self.all.get(count)
                && (!self.has_twins || !is_blank(cell) || fields.get(*field).is_empty())
            {
                // A record has fewer bytes than that.
                let [begin, end] =
                    [cell.begin, cell.end].map(|place| u32::try_from(place).unwrap_or(u32::MAX));
                fields.cells.set(*field as u8, begin, end);
                fields.doubled |= u32::from(cell.doubled) << *field as usize;
            }
            count += 1;
            last = cell;
        })?;
        let one_too_many = count == self.all.len() + 1 && last.begin == last.end;
        fields.has_one_too_many = one_too_many;
        if count == self.all.len() || one_too_many { Ok(fields) } else { Err(Reason::BadCsv) }
    }
}

/// Whether this is Graph's own name of a field, and not also the admin center's.
fn is_of_graph(field: Field, name: &[u8]) -> bool {
    let letters = |name: &[u8]| column_names(name, 0).concat();
    let named = field.names();
    letters(named.graph.as_bytes()) != letters(named.admin_center.as_bytes())
        && letters(name).contains(&letters(named.graph.as_bytes()))
        && !matches!(field, Field::Id | Field::Duration)
}

/// Places of cells, by field.
type Places = [u8; Field::COUNT];

/// The place of a cell that is always empty, for columns that are missing.
const NOWHERE: u8 = scan::MOST_CELLS;

/// The fields of one row that are read; those whose column is missing are empty.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The row, and whatever stands behind it.
    text: &'a [u8],
    cells: scan::Cells,
    places: Places,
    /// The bits of the fields in which quotes are doubled.
    doubled: u32,
    /// Whether a cell more than there are columns follows, an empty one.
    has_one_too_many: bool,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn of(text: &'a [u8], places: Places) -> Self {
        Self { text, cells: scan::Cells::default(), places, doubled: 0, has_one_too_many: false }
    }

    /// A field as the record spells it, without blanks at both ends.
    #[inline(always)]
    fn get(&self, field: Field) -> &'a [u8] {
        let (begin, end) = self.cells.get(self.places[field as usize]);
        fields::trimmed(self.text.get(begin as usize..end as usize).unwrap_or_default())
    }
}

impl Fields<'_> {
    /// Whether it is the cell behind the trunk's that names an SBC: a separator within the phrase, before it, has moved it.
    fn trunk_stands_behind(&self, separator: u8) -> bool {
        let is_sbc = |cell: &[u8]| {
            str::from_utf8(cell).is_ok_and(|cell| trunk::is_fqdn(cell.trim_matches(['"', ' '])))
        };
        let named = self.get(Field::Trunk);
        let (_, end) = self.cells.get(self.places[Field::Trunk as usize]);
        let mut behind = self.text[end as usize..].split(|byte| *byte == separator).skip(1);
        !named.is_empty() && !is_sbc(named) && behind.next().is_some_and(is_sbc)
    }
}

impl<'a> row::Fields<'a> for Fields<'a> {
    /// Eight bytes are looked at, though they may reach beyond the field: nothing is copied then.
    #[inline(always)]
    fn whole(&self, field: Field) -> Result<Option<u64>, NotWhole> {
        let (begin, end) = self.cells.get(self.places[field as usize]);
        let roomy = self.text.get(begin as usize..).and_then(|text| text.first_chunk());
        let number = roomy.and_then(|roomy| fields::few_digits(*roomy, end - begin));
        number.map_or_else(|| fields::whole_number(self.get(field)), |number| Ok(Some(number)))
    }

    #[inline(always)]
    fn flag(&self, field: Field) -> Result<Option<bool>, Reason> {
        fields::flag(self.get(field))
    }

    #[inline(always)]
    fn when(&self, field: Field) -> When<'_> {
        match self.get(field) {
            [] => When::None,
            text => When::Text(text),
        }
    }

    #[inline(always)]
    fn bytes(&self, field: Field) -> &[u8] {
        self.get(field)
    }

    #[inline(always)]
    fn text(&self, field: Field) -> Text<'a> {
        fields::text(match self.doubled >> field as usize & 1 {
            0 => Cow::Borrowed(self.get(field)),
            _ => Cow::Owned(cells::undoubled(self.get(field))),
        })
    }

    #[inline(always)]
    fn hash(&self, field: Field) -> u64 {
        xxh3_64(self.get(field))
    }

    #[inline(always)]
    fn own_id(&self) -> OwnId {
        OwnId::of(self.get(Field::Id))
    }
}
