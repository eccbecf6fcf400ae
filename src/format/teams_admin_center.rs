//! Teams admin center `DirectRouting.calls.<UTC date>.csv`: one CSV row to one call.
//!
//! The columns are documented at
//! learn.microsoft.com/microsoftteams/teams-analytics-and-reports/pstn-usage-report.

mod columns;
pub(super) mod csv;
#[cfg(test)]
mod tests;

use std::time::Duration;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use self::columns::{Column, Fields};
pub use self::columns::{Columns, column_names};
use super::{Decode, Decoded, Format, Front, Public, Recognised, fields, trunk};
use crate::call::{Attempt, Call, Codes, Reason, RecordId};
use crate::framing::Framing;

/// The report "PSTN and SMS usage" of the admin center, exported.
pub static FORMAT: Format = Format {
    name: "teams_admin_center",
    aliases: &[],
    expected: "DirectRouting.calls.*.csv of the Teams admin center with its header row",
    framing: Framing::QuotedCsv,
    recognise,
    // Its rows appear after 24 to 48 hours.
    live_within: Duration::from_hours(72),
    is_trunk: trunk::is_fqdn,
    public: Public {
        words: &[
            "CorrelationId",
            "Correlation ID",
            "SIP Address",
            "Display Name",
            "User country",
            "Invite time",
            "Start time",
            "Failure time",
            "End time",
            "Duration (seconds)",
            "Success",
            "Caller Number",
            "Callee Number",
            "Call type",
            "Azure region for Media",
            "Azure region for Signaling",
            "Final SIP code",
            "Final Microsoft subcode",
            "Final SIP Phrase",
            "SBC FQDN",
            "Media bypass",
            "Shared correlation ID",
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
        // Which cell of a broken row is the caller's number cannot be told: no value is shown by its name.
        numbers: &[],
        microsoft_code: "",
        correlation_id: "",
        trunk: &[],
    },
    broken: Reason::BadCsv,
    decoder: &|| Box::<Decoder>::default(),
    told: None,
    config: "",
};

/// A first line longer than this is no header.
const MAXIMUM_HEADER_BYTES: usize = 64 * 1024;

fn recognise(text: &[u8], finished: bool) -> Recognised {
    let is_whole = memchr::memchr(b'\n', text).is_some() || finished || text.len() > MAXIMUM_HEADER_BYTES;
    match is_whole {
        false if matches!(text, [b'{' | b'[', ..]) => Recognised::No,
        false => Recognised::NeedMore,
        true if Columns::from_header(text).is_some() => Recognised::Yes,
        true => Recognised::No,
    }
}

/// Decodes the rows of one file by the header that stands above them.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The header last seen, as the file spells it, and its columns.
    header: Option<(Vec<u8>, Columns)>,
}

impl Decode for Decoder {
    fn resume(&mut self, header: &[u8]) {
        self.header = Columns::from_header(header).map(|columns| (header.to_vec(), columns));
    }

    fn header(&self) -> Option<&[u8]> {
        self.header.as_ref().map(|(text, _)| text.as_slice())
    }

    /// Decodes one row, cut without its newline; a carriage return may be left at its end.
    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.trim_ascii().is_empty() {
            return Decoded::Ignored;
        }
        let call = match &self.header {
            Some((_, columns)) => columns.fields(record).and_then(|fields| call(&fields)),
            None => Err(Reason::NoHeader),
        };
        // A header never reads as a call, since its codes are no numbers: only what was refused may be one.
        call.map_or_else(|reason| self.header_or(reason, record), Decoded::Call)
    }

    /// The usual row is a call, and has no quotes other than around cells.
    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        let Some((_, columns)) = &self.header else { return };
        // The newline comes on top.
        front.fill(
            text,
            record_bytes.saturating_add(1),
            |_| false,
            |text, calls| {
                let mut fields = columns.front(text);
                let next = columns.find(&mut fields)?;
                calls.push(call(&fields).ok()?);
                Some(next)
            },
        );
    }
}

impl Decoder {
    fn header_or<'a>(&mut self, reason: Reason, record: &[u8]) -> Decoded<'a> {
        match Columns::from_header(record) {
            Some(columns) => {
                self.header = Some((record.to_vec(), columns));
                Decoded::Header
            }
            None => Decoded::Rejected(reason),
        }
    }
}

#[inline(always)]
fn call<'a>(fields: &Fields<'a>) -> Result<Call<'a>, Reason> {
    let record_id = record_id(fields)?;
    let codes = Codes {
        microsoft: fields::microsoft_code(fields.number(Column::MicrosoftCode))?,
        sip: fields::sip_code(fields.number(Column::SipCode))?,
        text: fields::text(fields.value(Column::Phrase)),
        ..Codes::default()
    };
    let duration_seconds = fields::duration_seconds(fields.number(Column::Duration))?;
    let succeeded = fields::flag(fields.get(Column::Success))?;
    if succeeded.is_none() && codes.is_empty() {
        return Err(Reason::NoOutcome);
    }
    Ok(Call {
        record_id,
        direction: fields::direction(fields.get(Column::CallType)),
        succeeded,
        codes,
        ended_at: fields::ended_at(
            [Column::End, Column::Failure, Column::Start, Column::Invite],
            |column| fields::time(fields.get(column)),
            duration_seconds.filter(|_| succeeded == Some(true)),
        )?,
        duration_seconds,
        trunk: fields::text(fields.value(Column::Trunk)),
        attempt: Attempt::Only,
    })
}

/// The export has no id of its own for a row, and several legs share a correlation id.
fn record_id(fields: &Fields) -> Result<RecordId, Reason> {
    const IDENTIFYING: [Column; 6] = [
        Column::CorrelationId,
        Column::Invite,
        Column::CallType,
        Column::Trunk,
        Column::Caller,
        Column::Callee,
    ];
    if fields.get(Column::CorrelationId).is_empty() && fields.get(Column::Invite).is_empty() {
        return Err(Reason::NoRecordId);
    }
    // Each by itself, so that ("ab", "c") is not ("a", "bc"). Ids are stored: a change here would count every remembered
    // call again.
    let hashes = IDENTIFYING.map(|column| xxh3_64(fields.get(column)).to_le_bytes());
    Ok(RecordId(xxh3_128(hashes.as_flattened())))
}
