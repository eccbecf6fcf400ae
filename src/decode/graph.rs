//! Microsoft Graph `directRoutingLogRow`: one JSON object to one call.
//!
//! Its properties are documented at learn.microsoft.com/graph/api/resources/callrecords-directroutinglogrow.

mod full;
mod quick;
mod row;
#[cfg(test)]
mod tests;

use serde::de::IgnoredAny;

use self::row::{Kind, Row};
use super::{Decoded, Reason};

/// Decodes rows one by one; they say nothing about each other.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A record that was not UTF-8, with replacement characters.
    repaired: String,
}

impl Decoder {
    /// Decodes one JSON value. Of a property that comes twice the last counts.
    pub fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let row = match quick::read(record) {
            Some(row) => Ok(row),
            None => self.read(record),
        };
        match row.and_then(|row| decode_row(&row)) {
            Ok(decoded) => decoded,
            Err(reason) => Decoded::Rejected(reason),
        }
    }

    fn read<'a>(&'a mut self, record: &'a [u8]) -> Result<Row<'a>, Reason> {
        let text = match std::str::from_utf8(record) {
            Ok(text) => text,
            Err(_) => {
                self.repaired = String::from_utf8_lossy(record).into_owned();
                &self.repaired
            }
        };
        match text.trim_ascii_start().starts_with('{') {
            true => serde_json::from_str(text).map_err(|_| Reason::BadJson),
            false => {
                serde_json::from_str(text).map_or(Err(Reason::BadJson), |IgnoredAny| Err(Reason::NotARow))
            }
        }
    }
}

#[inline]
fn decode_row<'a>(row: &Row<'a>) -> Result<Decoded<'a>, Reason> {
    match row.kind() {
        Kind::DirectRouting => row.call().map(Decoded::Call),
        Kind::Other => Ok(Decoded::Ignored),
        Kind::NoRow => Err(Reason::NotARow),
    }
}
