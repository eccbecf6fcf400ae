//! Microsoft Graph `directRoutingLogRow`: one JSON object to one call.
//!
//! Its properties are documented at learn.microsoft.com/graph/api/resources/callrecords-directroutinglogrow.

mod full;
mod quick;
mod row;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::de::IgnoredAny;

use self::quick::{Layout, ROOM};
use self::row::{Kind, Row};
use super::{Decoded, Reason};
use crate::call::Call;

/// Decodes rows one by one. What is made of one does not depend on the others.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A record that was not UTF-8, with replacement characters.
    repaired: String,
    layout: Layout,
    /// The record, with room behind it.
    roomy: Vec<u8>,
}

impl Decoder {
    /// Decodes one JSON value. Of a property that comes twice the last counts.
    pub fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.roomy.clear();
        self.roomy.extend_from_slice(record);
        self.roomy.extend_from_slice(&[0; ROOM]);
        let mut row = Row::default();
        let decoded = match self.layout.read(&self.roomy, &mut row) {
            Some(end) if record[end..].iter().all(is_blank) => decode_row(&row),
            _ => read(record, &mut self.repaired).and_then(|row| decode_row(&row)),
        };
        decoded.unwrap_or_else(Decoded::Rejected)
    }

    /// As [`super::Decoder::decode_front`].
    #[inline(always)]
    pub fn decode_front<'a>(&mut self, text: &'a [u8], calls: &mut Vec<Call<'a>>) -> Option<usize> {
        let mut row = Row::default();
        let end = self.layout.read(text, &mut row)?;
        if row.kind() != Kind::DirectRouting {
            return None;
        }
        calls.push(row.call().ok()?);
        Some(end)
    }
}

/// Reads anything that may be a row.
fn read<'a>(record: &'a [u8], repaired: &'a mut String) -> Result<Row<Cow<'a, [u8]>>, Reason> {
    let text = match std::str::from_utf8(record) {
        Ok(text) => text,
        Err(_) => {
            *repaired = String::from_utf8_lossy(record).into_owned();
            repaired
        }
    };
    match text.trim_ascii_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|_| Reason::BadJson),
        false => serde_json::from_str(text).map_or(Err(Reason::BadJson), |IgnoredAny| Err(Reason::NotARow)),
    }
}

fn decode_row<'a, Bytes>(row: &Row<Bytes>) -> Result<Decoded<'a>, Reason>
where
    Bytes: AsRef<[u8]> + Clone + Into<Cow<'a, [u8]>>,
{
    match row.kind() {
        Kind::DirectRouting => row.call().map(Decoded::Call),
        Kind::Other => Ok(Decoded::Ignored),
        Kind::NoRow => Err(Reason::NotARow),
    }
}
