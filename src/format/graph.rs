//! Microsoft Graph `directRoutingLogRow`: one JSON object to one call.
//!
//! Its properties are documented at learn.microsoft.com/graph/api/resources/callrecords-directroutinglogrow.

mod full;
mod near;
mod quick;
mod rows;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::LazyCell;
use std::time::Duration;

use serde::de::{DeserializeSeed, IgnoredAny};

use self::full::{AnyRow, ERROR, RowOf};
use self::quick::{Layout, ROOM};
use self::rows::Rows;
use super::names::{Field, Lookalikes, Names};
use super::row::{self, Fields, Lenient, Row, Usual, Value};
use super::times::Dates;
use super::{Decode, Decoded, Format, Front, Public, Recognised, correlation, trunk};
use crate::call::{Call, Guid, Reason};
use crate::framing::{Framing, Holders, json};

/// `getDirectRoutingCalls` as it answers, and what is made of its rows: documents, arrays, a row a line.
pub static FORMAT: Format = Format {
    name: "graph",
    aliases: &[],
    framing: Framing::Json(Holders::USUAL),
    recognise,
    is_log: false,
    // Graph knows a call within minutes, but somebody has to ask.
    live_within: Duration::from_hours(6),
    is_trunk: trunk::is_fqdn,
    public: Public {
        words: WORDS,
        numbers: &["finalSipCode", "callEndSubReason", "duration"],
        microsoft_code: "callEndSubReason",
        correlation_id: "correlationId",
        trunk: &["trunkFullyQualifiedDomainName"],
    },
    broken: Reason::BadJson,
    decoder: &|names| Box::new(Decoder::new(names)),
    device: None,
    twin: None,
    config: "",
};

/// Names and words that name nobody.
pub const WORDS: &[&str] = &[
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
];

/// JSON that may hold objects is taken for Graph's here; its first record then shows whether it is
/// ([`Reason::NotARow`]). Lines of a log may begin with a bracket too: what follows it decides.
fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let Some((first @ (b'{' | b'['), rest)) = text.split_first() else { return Recognised::No };
    match (first, rest.trim_ascii_start()) {
        // Arrays of arrays.
        (b'[', [b'[', rest @ ..]) => recognise_inner(rest, finished),
        (b'{', [b'"' | b'}', ..]) | (b'[', [b'{' | b']', ..]) => Recognised::Yes,
        (_, []) if !finished => Recognised::NeedMore,
        _ => Recognised::No,
    }
}

fn recognise_inner(text: &[u8], finished: bool) -> Recognised {
    match text.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != b'[') {
        Some(b'{' | b']') => Recognised::Yes,
        None if !finished => Recognised::NeedMore,
        _ => Recognised::No,
    }
}

/// Whether a text has a property that Graph's rows alone have.
pub fn is_named_in(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    text.contains("callendsubreason") || text.contains("finalsipcode")
}

/// Decodes rows one by one.
#[derive(Debug, Default)]
pub struct Decoder {
    names: Names,
    /// A record that was not UTF-8, with replacement characters.
    repaired: String,
    layout: Layout,
    lookalikes: Lookalikes,
    /// The record, with room behind it.
    roomy: Vec<u8>,
    dates: Dates,
    /// The columns of rows that have no names.
    rows: Rows,
}

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some(
            "no Direct Routing calls, such as Calling Plan rows (getPstnCalls), communications/callRecords, or rows without codes: \
             ask for getDirectRoutingCalls",
        )
    }

    fn misspelt(&self, record: &[u8]) -> Option<String> {
        near::hint(record, self.names)
    }

    fn header(&self) -> Option<Vec<u8>> {
        self.rows.kept(self.dates)
    }

    fn resume(&mut self, header: &[u8]) {
        (self.rows, self.dates) = Rows::of_kept(header, self.names);
    }

    /// Decodes one JSON value. Of a property that comes twice the last counts.
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.roomy.clear();
        self.roomy.extend_from_slice(record);
        self.roomy.extend_from_slice(&[0; ROOM]);
        let mut row = Row::default();
        // Also where it was tried before and had no room: ids that are not UTF-8 are those of the bytes then.
        let usual = self.layout.read(&self.roomy, &mut row);
        let lookalikes = &mut self.lookalikes;
        let resembling =
            LazyCell::new(|| full::resembling(&String::from_utf8_lossy(record), self.names, lookalikes));
        let resembles = |field: Field| resembling.contains(&field);
        if usual.is_some_and(|end| record[end..].iter().all(is_blank)) {
            let layout = &self.layout;
            let resembles = |field| layout.resembles(field) && resembles(field);
            return decode_row(&row, &mut self.dates, resembles).unwrap_or_else(Decoded::Rejected);
        }
        let text = match std::str::from_utf8(record) {
            Ok(text) => text,
            Err(_) => {
                self.repaired = String::from_utf8_lossy(record).into_owned();
                &self.repaired
            }
        };
        if text.trim_ascii_start().starts_with('[') {
            return self.rows.decode(text, self.names, &mut self.dates);
        }
        let decoded = read(text, self.names).and_then(|row| decode_row(&row, &mut self.dates, resembles));
        decoded.unwrap_or_else(Decoded::Rejected)
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        let minor = Usual { keeps_detail: front.keeps_detail };
        front.fill(text, record_bytes, json::is_blank, |text, calls| self.usual(text, minor, calls));
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_json(text, "\"correlationId\"")
    }

    fn rest(&mut self) {
        self.layout = Layout::new(self.names);
        (self.repaired, self.roomy, self.lookalikes) = Default::default();
    }
}

impl Decoder {
    fn new(names: Names) -> Self {
        Self { names, layout: Layout::new(names), ..Self::default() }
    }

    /// The call that the text begins with, if its row is of the usual kind, and how long that is.
    #[inline(always)]
    fn usual<'t>(&mut self, text: &'t [u8], minor: Usual, calls: &mut Vec<Call<'t>>) -> Option<usize> {
        let mut row = Row::default();
        let Some(end) = self.layout.read(text, &mut row) else { return self.escaped(text, calls) };
        if kind(&row) != Kind::DirectRouting {
            return None;
        }
        if !is_whole(&row) {
            let missing = row::missing(&row, |field| row.has(field), |field| self.layout.resembles(field));
            missing.map_or(Some(()), |_| None)?;
        }
        match row::call(&row, minor) {
            Ok(call) => calls.push(call),
            Err(_) => calls.push(lenient(&row, &mut self.dates).ok()?),
        }
        Some(end)
    }

    /// The same of a row that is usual but for escapes in its fields, such as the `+` of telephone numbers where .NET writes
    /// them: where it ends is known, which is half of the work. Whether a property that it lacks is misspelt is not asked here.
    #[cold]
    #[inline(never)]
    fn escaped<'t>(&mut self, text: &'t [u8], calls: &mut Vec<Call<'t>>) -> Option<usize> {
        let end = self.layout.escaped_end()?;
        let row = read(str::from_utf8(&text[..end]).ok()?, self.names).ok()?;
        let Ok(Decoded::Call(call)) = decode_row(&row, &mut self.dates, |_| true) else { return None };
        calls.push(call);
        Some(end)
    }
}

/// The call of a row that writes times otherwise than Microsoft does. Apart, so that the usual way stays short.
#[inline(never)]
fn lenient<'a>(row: &impl Fields<'a>, dates: &mut Dates) -> Result<Call<'a>, Reason> {
    row::call(row, Lenient::of(row, dates))
}

/// Reads anything that may be a row.
fn read(text: &str, names: Names) -> Result<AnyRow<'_>, Reason> {
    if !text.trim_ascii_start().starts_with('{') {
        return serde_json::from_str(text).map_or(Err(Reason::BadJson), |IgnoredAny| Err(Reason::NotARow));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let row = RowOf(names).deserialize(&mut json).map_err(|_| Reason::BadJson)?;
    json.end().map_err(|_| Reason::BadJson)?;
    Ok(row)
}

/// `resembles` says whether some property looks like that of a deciding field.
fn decode_row<'a, Bytes>(
    row: &Row<Bytes>,
    dates: &mut Dates,
    resembles: impl Fn(Field) -> bool,
) -> Result<Decoded<'a>, Reason>
where
    Bytes: AsRef<[u8]> + Clone + Into<Cow<'a, [u8]>>,
{
    match kind(row) {
        Kind::DirectRouting => {}
        Kind::Other => return Ok(Decoded::Ignored),
        Kind::Error => return Err(Reason::ErrorAnswer),
        Kind::NoRow => return Err(Reason::NotARow),
    }
    let call = row::call(row, Usual { keeps_detail: true }).or_else(|_| lenient(row, dates));
    let call = call.map_err(|reason| if holds_columns(row) { Reason::NotARow } else { reason })?;
    if !is_whole(row) {
        row::missing(row, |field| row.has(field), resembles).map_or(Ok(()), Err)?;
    }
    Ok(Decoded::Call(call))
}

/// Whether the properties hold those of all rows, as pandas writes a table where nobody says otherwise.
fn holds_columns<Bytes>(row: &Row<Bytes>) -> bool {
    [Field::SipCode, Field::Success].into_iter().all(|field| matches!(row.get(field), Value::Odd))
}

/// What kind of object a JSON object is.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// A `directRoutingLogRow`.
    DirectRouting,
    /// A row of another report, for example a `pstnCallLogRow`.
    Other,
    /// An answer that there is nothing, and why.
    Error,
    /// Nothing that a report of calls would hold.
    NoRow,
}

/// Which kind of row this is. No other report of Graph has codes, phrase or trunk.
#[inline(always)]
fn kind<Bytes: AsRef<[u8]>>(row: &Row<Bytes>) -> Kind {
    let is_named =
        |name: &[u8]| matches!(row.get(Field::Kind), Value::Text(kind) if kind.as_ref().ends_with(name));
    let has_kind = matches!(row.get(Field::Kind), Value::Text(_));
    let has = |field| row.has(field);
    let direct_routing =
        [Field::SipCode, Field::MicrosoftCode, Field::Phrase, Field::Trunk].into_iter().any(has)
            || has(Field::Success) && (has(Field::Id) || has(Field::CorrelationId));
    match () {
        () if has_kind && is_named(ERROR) && !direct_routing => Kind::Error,
        () if has_kind && !is_named(ERROR) && !is_named(b"directRoutingLogRow") => Kind::Other,
        () if direct_routing => Kind::DirectRouting,
        () if has(Field::Id) => Kind::Other,
        () => Kind::NoRow,
    }
}

/// Whether nothing that decides is missing.
#[inline(always)]
fn is_whole<Bytes>(row: &Row<Bytes>) -> bool {
    Field::DECIDING.into_iter().all(|field| row.has(field))
}
