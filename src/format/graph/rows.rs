//! Rows without names, below the columns that name them: `"columns":[…],"rows":[[…],…]` of Log Analytics and Data Explorer.

use std::borrow::Cow;

use serde::Deserialize;

use super::full::AnyRow;
use crate::call::Reason;
use crate::format::Decoded;
use crate::format::names::Names;
use crate::format::row::{Lenient, Row, Value};
use crate::format::table::Columns;
use crate::format::times::Dates;

/// The columns that stand above the next row.
#[derive(Debug, Default)]
pub struct Rows {
    /// As the file spells them.
    text: String,
    /// `None` where they are not those of calls.
    columns: Option<Columns>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow, alias = "ColumnName", alias = "Name")]
    name: Cow<'a, str>,
}

impl Rows {
    /// Decodes an array: columns, or the cells of a row below them.
    pub fn decode<'a>(&mut self, text: &'a str, names: Names, dates: &mut Dates) -> Decoded<'a> {
        if text.trim_ascii_start()[1..].trim_ascii_start().starts_with('{') {
            return self.take_columns(text, names);
        }
        let Ok(cells) = serde_json::from_str::<Vec<Value<Cow<'a, [u8]>>>>(text) else {
            return Decoded::Rejected(Reason::BadJson);
        };
        match &self.columns {
            Some(columns) => call(columns, cells, dates).unwrap_or_else(Decoded::Rejected),
            None if self.text.is_empty() => Decoded::Rejected(Reason::NotARow),
            None => Decoded::Ignored,
        }
    }

    fn take_columns<'a>(&mut self, text: &str, names: Names) -> Decoded<'a> {
        let Ok(columns) = serde_json::from_str::<Vec<Column<'_>>>(text) else {
            return Decoded::Rejected(Reason::NotARow);
        };
        self.columns = Columns::of_names(columns.iter().map(|column| column.name.as_bytes()), names);
        text.clone_into(&mut self.text);
        match self.columns {
            Some(_) => Decoded::Header,
            None => Decoded::Ignored,
        }
    }

    /// What is kept of them, to go on by.
    pub fn kept(&self, dates: Dates) -> Option<Vec<u8>> {
        let is_known = dates != Dates::Unknown || !self.text.is_empty();
        is_known.then(|| dates.kept_with(self.text.as_bytes()))
    }

    /// From what was kept.
    pub fn of_kept(kept: &[u8], names: Names) -> (Self, Dates) {
        let (dates, text) = Dates::of_kept(kept);
        let mut rows = Self::default();
        if let Ok(text) = str::from_utf8(text)
            && !text.is_empty()
        {
            rows.take_columns(text, names);
        }
        (rows, dates)
    }
}

fn call<'a>(
    columns: &Columns,
    cells: Vec<Value<Cow<'a, [u8]>>>,
    dates: &mut Dates,
) -> Result<Decoded<'a>, Reason> {
    if cells.len() != columns.count() {
        return Err(Reason::BadCsv);
    }
    let mut row: AnyRow<'a> = Row::default();
    for (column, value) in cells.into_iter().enumerate() {
        if let Some(field) = columns.field(column) {
            row.add(field, value);
        }
    }
    let minor = Lenient::of(&row, dates);
    columns.call(&row, minor).map(Decoded::Call)
}
