//! Microsoft Graph `directRoutingLogRow`: one JSON object to one call.
//!
//! Its properties are documented at learn.microsoft.com/graph/api/resources/callrecords-directroutinglogrow.

mod full;
mod quick;
mod row;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use serde::de::IgnoredAny;

use self::quick::{Layout, ROOM};
use self::row::{Kind, Row};
use super::{Decode, Decoded, Format, Front, Public, Recognised, trunk};
use crate::call::{Call, Reason};
use crate::framing::{Framing, json};

/// `getDirectRoutingCalls` as it answers, and what is made of its rows: documents, arrays, a row a line.
pub static FORMAT: Format = Format {
    name: "graph",
    aliases: &[],
    expected: "directRoutingLogRow records of Microsoft Graph as JSON",
    framing: Framing::Json,
    recognise,
    // Graph knows a call within minutes, but somebody has to ask.
    live_within: Duration::from_hours(6),
    is_trunk: trunk::is_fqdn,
    public: Public {
        words: &[
            "@odata.context",
            "@odata.count",
            "@odata.nextLink",
            "@odata.type",
            "value",
            "#microsoft.graph.callRecords.directRoutingLogRow",
            "#microsoft.graph.callRecords.pstnCallLogRow",
            "id",
            "correlationId",
            "userId",
            "userPrincipalName",
            "userDisplayName",
            "inviteDateTime",
            "startDateTime",
            "failureDateTime",
            "endDateTime",
            "duration",
            "callType",
            "successfulCall",
            "callerNumber",
            "calleeNumber",
            "mediaPathLocation",
            "signalingLocation",
            "finalSipCode",
            "callEndSubReason",
            "finalSipCodePhrase",
            "trunkFullyQualifiedDomainName",
            "mediaBypassEnabled",
            "true",
            "false",
            "null",
            "Yes",
            "No",
            "ByotIn",
            "ByotOut",
            "ByotInUcap",
            "ByotOutUcap",
            "ByotOutUserTransfer",
        ],
        numbers: &["finalSipCode", "callEndSubReason", "duration"],
        microsoft_code: "callEndSubReason",
        correlation_id: "correlationId",
        trunk: &["trunkFullyQualifiedDomainName"],
    },
    broken: Reason::BadJson,
    decoder: &|| Box::<Decoder>::default(),
    told: None,
    config: "",
};

/// JSON that may hold objects is taken for Graph's here; its first record then shows whether it is
/// ([`Reason::NotARow`]). Lines of a log may begin with a bracket too: what follows it decides.
fn recognise(text: &[u8], finished: bool) -> Recognised {
    let Some((first @ (b'{' | b'['), rest)) = text.split_first() else { return Recognised::No };
    match (first, rest.trim_ascii_start().first()) {
        (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b']')) => Recognised::Yes,
        (_, None) if !finished => Recognised::NeedMore,
        _ => Recognised::No,
    }
}

/// Decodes rows one by one. What is made of one does not depend on the others.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A record that was not UTF-8, with replacement characters.
    repaired: String,
    layout: Layout,
    /// The record, with room behind it.
    roomy: Vec<u8>,
}

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some("no Direct Routing calls, such as Calling Plan rows (getPstnCalls), or rows without codes")
    }

    /// Decodes one JSON value. Of a property that comes twice the last counts.
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
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

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.fill(text, record_bytes, json::is_blank, |text, calls| self.usual(text, calls));
    }

    fn rest(&mut self) {
        *self = Self::default();
    }
}

impl Decoder {
    /// The call that the text begins with, if its row is of the usual kind, and how long that is.
    #[inline(always)]
    fn usual<'t>(&mut self, text: &'t [u8], calls: &mut Vec<Call<'t>>) -> Option<usize> {
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
