//! A file of the device's local storage (`Current`, then `CDR_….csv`): a table of legs, or of session detail records.
//!
//! Which columns it has is up to the operator, and whether it has a header row is not documented. So a header row names them, or
//! `layout:` in the config does; titles are those of the syslog. Without either nothing is read.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::fields::{Field, Layout};
use super::leg::Leg;
use super::session;
use crate::call::Reason;
use crate::format::device::{Device, Sides};
use crate::format::{Decoded, loose_cells};

/// What the titles of a table say.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    delimiter: u8,
    columns: usize,
    rows: Rows,
}

#[derive(Debug, PartialEq, Eq)]
enum Rows {
    Legs(Layout),
    Sessions(session::Layout),
}

/// What may stand between cells; which of them is not documented. `|` is that of the syslog, which has headers of gateways, too.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// That of a log, whose columns the operator may name, too.
const OF_LOG: u8 = b'|';

impl Table {
    /// A table below this line; `None` where it is no header row.
    pub fn of_header(line: &[u8]) -> Option<Self> {
        if !Self::may_begin(line) {
            return None;
        }
        let line = String::from_utf8_lossy(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line));
        DELIMITERS.into_iter().find_map(|delimiter| Self::of_titles(&line, delimiter))
    }

    /// Whether a line may be a header row: a log has many lines that are none.
    pub fn may_begin(line: &[u8]) -> bool {
        static REASON: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Reason"));
        REASON.find(line).is_some()
    }

    /// A table with the titles that the operator wrote.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_layout(text: &str) -> Result<Self, String> {
        let missing = "expected titles in one line, one of which is SIPTrmReason or EgressSIPTrmReason";
        let text = text.trim();
        let of_log = || Self::of_titles(text.trim_matches('|'), OF_LOG);
        Self::of_header(text.as_bytes()).or_else(of_log).ok_or_else(|| missing.to_owned())
    }

    /// Where the fields of legs stand in the records of a log.
    pub fn legs(&self) -> Option<Layout> {
        match &self.rows {
            Rows::Legs(layout) => Some(layout.behind_kind()),
            Rows::Sessions(_) => None,
        }
    }

    /// Whether a line without a header row above it may be a row, which may be cut; the operator may mean the records of a log, and
    /// other lines of that are none.
    pub fn may_be(&self, line: &[u8]) -> bool {
        let cells = memchr::memchr_iter(self.delimiter, line).count() + 1;
        self.delimiter != OF_LOG && cells * 2 >= self.columns
    }

    fn of_titles(line: &str, delimiter: u8) -> Option<Self> {
        let titles = loose_cells::split(line, delimiter);
        if titles.len() < 2 {
            return None;
        }
        let cells = || titles.iter().map(String::as_bytes);
        let sessions = session::Layout::of_titles(cells()).map(Rows::Sessions);
        let rows = sessions.or_else(|| Layout::of_titles(cells()).map(Rows::Legs))?;
        Some(Self { delimiter, columns: titles.len(), rows })
    }

    /// The names of the sides of a row that is of a call.
    pub fn sides(&self, line: &[u8], device: &'static Device) -> Option<Sides> {
        let cells = loose_cells::split(&String::from_utf8_lossy(line), self.delimiter);
        match &self.rows {
            _ if cells.len() < self.columns => None,
            Rows::Sessions(layout) => layout.sides(&cells, device),
            Rows::Legs(layout) => {
                let fields = layout.fields_of(cells.iter().map(String::as_bytes));
                let is_call = matches!(fields.get(Field::Kind), b"" | b"CALL_END");
                is_call.then(|| Leg { fields, device }.sides())
            }
        }
    }

    /// One row.
    pub fn decode(&self, line: &[u8], device: &'static Device) -> Decoded<'static> {
        let cells = loose_cells::split(&String::from_utf8_lossy(line), self.delimiter);
        if cells.len() < self.columns {
            return Decoded::Rejected(Reason::BadLine);
        }
        match &self.rows {
            Rows::Sessions(layout) => layout.decode(&cells, device),
            Rows::Legs(layout) => {
                let fields = layout.fields_of(cells.iter().map(String::as_bytes));
                match fields.get(Field::Kind) {
                    // A table need not say: it is one of calls.
                    b"" | b"CALL_END" => Leg { fields, device }.decoded().owned(),
                    _ => Decoded::Ignored,
                }
            }
        }
    }
}
