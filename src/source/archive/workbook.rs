//! The first worksheet of an Excel workbook as CSV (RFC 4180), so that all behind it reads a table.
//!
//! Cells are text, numbers as they are, dates as Excel's serial numbers. The sheet is gone through anew for each piece of
//! text: what a workbook takes between two pieces is a row number, however large it is.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::directory::At;

/// How much text the first step adds, about: as much as is looked at to know the file.
const FIRST_STEP_BYTES: usize = 1024 * 1024;
/// And any later one. With less, a large workbook would be gone through too often.
const STEP_BYTES: usize = 8 * 1024 * 1024;

/// Cells further to the right are left out: no report has so many columns.
const MOST_COLUMNS: usize = 256;

/// What Excel itself lets stand in a cell. Longer ones are cut: a small file could have one text in every cell of a row.
const MOST_CHARACTERS: usize = 32_767;

/// What is held of a part takes so many times its bytes at most: each text of a cell is one of its own.
const HELD_FACTOR: u64 = 3;

/// What lies between the first day of Excel for Windows, 1900, and that of old ones for the Mac, 1904.
const DAYS_TO_1904: f64 = 1462.0;

const UNREADABLE: &str = "an Excel workbook that cannot be read: save it as CSV";

/// A workbook, and how far it was read.
#[derive(Debug)]
pub struct Workbook {
    /// Of its file, in bytes.
    length: u64,
    /// How much memory a step takes, about, in bytes.
    pub memory_bytes: u64,
    /// The first row that is not text yet; `None` when all are.
    row: Option<u32>,
    /// How many cells the longest row had so far. Shorter ones get as many: Excel leaves out what is empty.
    width: usize,
}

impl Workbook {
    /// At its beginning; of what its parts unpack to, so many bytes are held while it is gone through.
    pub fn new(length: u64, held_bytes: u64) -> Self {
        Self { length, memory_bytes: held_bytes * HELD_FACTOR + STEP_BYTES as u64, row: Some(0), width: 0 }
    }

    /// Whether all of it was read.
    pub fn is_read(&self) -> bool {
        self.row.is_none()
    }

    /// Appends rows to `text`.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn step(&mut self, file: &File, text: &mut Vec<u8>) -> Result<(), &'static str> {
        let Some(row) = self.row else { return Ok(()) };
        let book = BufReader::new(At { file, position: 0, length: self.length });
        // The library is given whatever lies in a folder, and must not take the daemon along.
        let width = &mut self.width;
        let read = catch_unwind(AssertUnwindSafe(|| rows(book, row, width, text)));
        self.row = read.map_err(|_| UNREADABLE)?.map_err(|_| UNREADABLE)?;
        Ok(())
    }
}

/// Appends rows from this one on, and returns the first that is left.
fn rows(
    book: BufReader<At<'_>>,
    from: u32,
    width: &mut usize,
    text: &mut Vec<u8>,
) -> Result<Option<u32>, XlsxError> {
    let mut book = Xlsx::new(book)?;
    let epoch = if book.has_1904_epoch() { DAYS_TO_1904 } else { 0.0 };
    let Some(name) = worksheet(&mut book)? else { return Ok(None) };
    let mut cells = book.worksheet_cells_reader(&name)?;
    let (mut row, mut line, begin) = (from, Vec::new(), text.len());
    let step_bytes = if from == 0 { FIRST_STEP_BYTES } else { STEP_BYTES };
    while let Some(cell) = cells.next_cell()? {
        let (at, column) = cell.get_position();
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if at < from || column >= MOST_COLUMNS {
            continue;
        }
        if at != row {
            take_line(&mut line, width, text);
            if text.len() - begin >= step_bytes {
                return Ok(Some(at));
            }
            row = at;
        }
        if line.len() <= column {
            line.resize(column + 1, String::new());
        }
        line[column] = shown(cell.get_value(), epoch);
    }
    take_line(&mut line, width, text);
    Ok(None)
}

/// The first worksheet in which there is anything, those that are shown before those that are hidden: Power Query leaves an
/// empty one in front.
fn worksheet(book: &mut Xlsx<BufReader<At<'_>>>) -> Result<Option<String>, XlsxError> {
    let sheets = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let mut sheets: Vec<_> = sheets.cloned().collect();
    sheets.sort_by_key(|sheet| sheet.visible != SheetVisible::Visible);
    for sheet in sheets {
        let mut cells = book.worksheet_cells_reader(&sheet.name)?;
        while let Some(cell) = cells.next_cell()? {
            if !matches!(cell.get_value(), DataRef::Empty) {
                return Ok(Some(sheet.name));
            }
        }
    }
    Ok(None)
}

/// A cell's text.
fn shown(value: &DataRef<'_>, epoch: f64) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => cut(text),
        DataRef::SharedString(text) => cut(text),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(time) => (time.as_f64() + if time.is_datetime() { epoch } else { 0.0 }).to_string(),
        // A value that the sheet could not work out is not an empty one.
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn cut(text: &str) -> String {
    let end = text.char_indices().nth(MOST_CHARACTERS).map_or(text.len(), |(end, _)| end);
    text[..end].to_owned()
}

/// Appends a row, if there is anything in it.
fn take_line(line: &mut Vec<String>, width: &mut usize, text: &mut Vec<u8>) {
    if line.iter().all(String::is_empty) {
        line.clear();
        return;
    }
    *width = line.len().max(*width);
    line.resize(*width, String::new());
    for (place, cell) in line.drain(..).enumerate() {
        if place > 0 {
            text.push(b',');
        }
        if cell.contains(['"', ',', ';', '\t', '\r', '\n']) {
            text.extend(format!("\"{}\"", cell.replace('"', "\"\"")).bytes());
        } else {
            text.extend(cell.bytes());
        }
    }
    text.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_longer_than_excel_lets_it_be() {
        let long = "\u{e9}".repeat(MOST_CHARACTERS + 1);
        assert_eq!(shown(&DataRef::SharedString(&long), 0.0).chars().count(), MOST_CHARACTERS);
        assert_eq!(shown(&DataRef::String(long), 0.0).chars().count(), MOST_CHARACTERS);
    }
}
