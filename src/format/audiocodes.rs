//! AudioCodes Mediant SBC: call detail records in its syslog, fields between `|`, one `CALL_END` to each leg of a call.
//!
//! The legs on Teams' side count: there is one for each attempt to reach Teams, or the one that came from there. All other
//! lines are ignored: the carrier's legs, `CALL_START` and other kinds, SIP messages, headers of media records.
//! Fields are those of the manuals ("SBC CDR Fields", release 7.2 and later), unless a header line above names others. What
//! stands before the first `|` was written by the syslog server and is not looked at.
//! Files of the device's local storage hold the same legs as a table, or one session detail record a call: see [`table`].

mod fields;
mod headers;
mod session;
mod table;

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use self::fields::{Field, Layout};
use self::headers::Headers;
use self::table::Table;
use super::device::{self, Device, Sides};
use super::names::Names;
use super::{
    Decode, Decoded, Format, Front, Public, Recognised, correlation, fields as shared, written_time,
};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Guid, Reason, RecordId, Text, Unread, UnreadField, Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// The syslog of an SBC, as a syslog server writes it.
pub static FORMAT: Format = Format {
    name: "audiocodes",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    live_within: Duration::from_mins(15),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&[
        "CALL_START",
        "CALL_CONNECT",
        "CALL_END",
        "START",
        "INTERMEDIATE",
        "STOP",
        "ATTEMPT",
        "SBC",
        "LCL",
        "RMT",
        "UNKN",
        "BYE",
        "CANCEL",
        "yes",
        "no",
    ]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    told: Some(|device| Box::new(Decoder::new(device))),
    layout: Some(|text| Table::of_layout(text).map(|_| ())),
    config: "",
};

/// Kinds of records; a line of each is one of this device.
const KINDS: [&[u8]; 8] = [
    b"SBCReportType",
    b"MediaReportType",
    b"CALL_START",
    b"CALL_CONNECT",
    b"CALL_END",
    b"MEDIA_START",
    b"MEDIA_UPDATE",
    b"MEDIA_END",
];

/// The kind of record that a header line of calls stands for.
const HEADER: &[u8] = b"SBCReportType";
const CALL_END: &[u8] = b"CALL_END";

/// A record of a call has fewer fields, one of the device's gateway more.
const GATEWAY_FIELDS: usize = 45;

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let first = memchr::memchr(b'\n', text).map(|newline| &text[..newline]);
    if first.or(finished.then_some(text)).is_some_and(|line| Table::of_header(line).is_some()) {
        return Recognised::Yes;
    }
    // JSON; a log may begin with its number, `[S=40]`.
    match device::is_json(text) && !text.starts_with(b"[S") {
        true => Recognised::No,
        false => {
            device::recognise_log(text, finished, |line| kind(line).is_some_and(|kind| KINDS.contains(&kind)))
        }
    }
}

/// What stands behind the first `|` of a line, without a carriage return as rsyslog escapes it.
fn record(line: &[u8]) -> Option<&[u8]> {
    let record = memchr::memchr(b'|', line).map(|bar| &line[bar + 1..])?;
    Some(record.strip_suffix(b"#015").unwrap_or(record))
}

fn kind(line: &[u8]) -> Option<&[u8]> {
    record(line)?.split(|byte| *byte == b'|').next().map(<[u8]>::trim_ascii)
}

/// Decodes the lines of one log.
#[derive(Debug)]
struct Decoder {
    device: &'static Device,
    headers: Headers,
    /// Where the operator says that fields stand in a log.
    told: Option<Layout>,
    /// Of a file of local storage: its header row, where it has one, and what that says.
    table: Option<(Vec<u8>, Table)>,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        // What is wrong with a layout was said when the config was read.
        let table = device.layout().and_then(|text| Table::of_layout(text).ok());
        let told = table.as_ref().and_then(Table::legs);
        Self { device, headers: Headers::default(), told, table: table.map(|table| (Vec::new(), table)) }
    }

    fn read_header(&mut self, line: &[u8]) {
        // A file has one kind, so that it alone is what reading goes on with.
        if kind(line) == Some(HEADER) {
            self.headers.add(line, record(line).and_then(Layout::of_header));
            self.table = None;
        } else if let Some(table) = Table::of_header(line) {
            self.table = Some((line.to_vec(), table));
            self.headers.clear();
        }
    }

    /// Where the fields of a record of a log stand: as a header of its device says, or the operator, or the manuals.
    fn layout(&self, line: &[u8]) -> &Layout {
        self.headers.of(line).or(self.told.as_ref()).unwrap_or_else(|| &fields::DOCUMENTED)
    }

    /// A record of the end of a call.
    fn decode_end<'a>(&self, line: &'a [u8]) -> Decoded<'a> {
        let (layout, record) = (self.layout(line), record(line).unwrap_or_default());
        let leg = Leg { fields: layout.fields(record), device: self.device };
        // Columns are the operator's own, and nothing says which; records of a gateway have more of them.
        let is_strange = !leg.has_known_origin() && *layout == *fields::DOCUMENTED;
        match is_strange && memchr::memchr_iter(b'|', record).count() < GATEWAY_FIELDS {
            true => Decoded::Rejected(Reason::UnknownColumns),
            false if is_strange => Decoded::Ignored,
            false => leg.decoded(),
        }
    }

    /// A line of a log; `None` of what may be a header.
    fn usual<'a>(&self, line: &'a [u8]) -> Option<Decoded<'a>> {
        match kind(line) {
            Some(CALL_END) => Some(self.decode_end(line)),
            Some(HEADER) => None,
            Some(kind) if KINDS.contains(&kind) => Some(Decoded::Ignored),
            _ => (self.table.is_none() && !Table::may_begin(line)).then_some(Decoded::Ignored),
        }
    }

    /// A line that no syslog server wrote.
    fn decode_row(&mut self, line: &[u8]) -> Decoded<'static> {
        if Table::of_header(line).is_some() {
            self.read_header(line);
            return Decoded::Header;
        }
        match &self.table {
            Some((header, table)) if !header.is_empty() || table.may_be(line) => {
                table.decode(line, self.device)
            }
            _ => Decoded::Ignored,
        }
    }
}

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        match kind(line) {
            Some(CALL_END) => {}
            Some(HEADER) => {
                self.read_header(line);
                return Decoded::Header;
            }
            Some(kind) if KINDS.contains(&kind) => return Decoded::Ignored,
            _ => return self.decode_row(line),
        }
        self.decode_end(line)
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.lines(text, record_bytes, |line| self.usual(line));
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        if kind(line) == Some(CALL_END) {
            return Some(
                Leg { fields: self.layout(line).fields(record(line)?), device: self.device }.sides(),
            );
        }
        self.table.as_ref()?.1.sides(line, self.device)
    }

    fn header(&self) -> Option<Vec<u8>> {
        let of_table = self.table.as_ref().map(|(line, _)| line).filter(|line| !line.is_empty());
        self.headers.lines().or(of_table.cloned())
    }

    fn resume(&mut self, header: &[u8]) {
        header.split(|byte| *byte == b'\n').for_each(|line| self.read_header(line));
    }
}

/// One leg of a call.
struct Leg<'a> {
    fields: fields::Fields<'a>,
    device: &'static Device,
}

impl<'a> Leg<'a> {
    fn get(&self, field: Field) -> &'a [u8] {
        self.fields.get(field)
    }

    fn decoded(&self) -> Decoded<'a> {
        match self.is_on_teams_side() {
            // A line that was cut does not tell whose leg it is.
            _ if !self.fields.has(Field::SipReason) => Decoded::Rejected(Reason::BadLine),
            false => Decoded::Ignored,
            true => self.call().map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    fn text(&self, field: Field) -> &'a str {
        str::from_utf8(self.get(field)).unwrap_or_default()
    }

    /// What the device calls the side that the leg is on.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        let names = [Field::IpGroup, Field::SipInterface, Field::ProxySet].map(|field| self.text(field));
        names.into_iter().flat_map(named)
    }

    fn sides(&self) -> Sides {
        self.device.sides(self.names())
    }

    /// By the names that the operator gave; without them, by Microsoft's SIP proxy or its addresses on the other end.
    fn is_on_teams_side(&self) -> bool {
        if self.device.are_known() {
            return self.device.is_teams(self.names());
        }
        let (uri, address) = match self.direction() {
            Direction::Outbound => (Field::SourceUri, Field::SourceIp),
            _ => (Field::DestinationUri, Field::DestinationIp),
        };
        device::is_microsoft(device::host(self.text(uri))) || is_microsoft_address(self.text(address))
    }

    /// `RMT`: the SBC was sent the INVITE of this leg, `LCL`: it sent it.
    fn direction(&self) -> Direction {
        match self.get(Field::Origin) {
            b"LCL" => Direction::Inbound,
            b"RMT" => Direction::Outbound,
            _ => Direction::Unknown,
        }
    }

    fn has_known_origin(&self) -> bool {
        matches!(self.get(Field::Origin), b"" | b"LCL" | b"RMT" | b"UNKN")
    }

    /// An answered call can last 0 s, so that its time of answer tells; where the columns have none, what ended it does, or
    /// that it lasted.
    fn was_answered(&self) -> bool {
        match self.fields.has(Field::ConnectTime) {
            true => !self.get(Field::ConnectTime).is_empty(),
            false => {
                let lasted = shared::whole_number(self.get(Field::Duration));
                self.get(Field::SipReason) == b"BYE" || matches!(lasted, Ok(Some(1..)))
            }
        }
    }

    fn call(&self) -> Result<Call<'a>, Reason> {
        let answered = self.was_answered();
        let mut unread = Unread::default();
        let duration = shared::duration_seconds(shared::whole_number(self.get(Field::Duration)));
        let times = [
            (Field::ReleaseTime, UnreadField::EndTime),
            (Field::ConnectTime, UnreadField::StartTime),
            (Field::SetupTime, UnreadField::InviteTime),
        ];
        let times = times.map(|(field, name)| (self.text(field), name));
        Ok(Call {
            record_id: self.record_id()?,
            trunk: Text::from(named(self.text(Field::IpGroup)).next().unwrap_or_default()),
            direction: self.direction(),
            succeeded: Some(answered),
            codes: self.codes(answered)?,
            ended_at: written_time::first(times, self.device, &mut unread),
            duration_seconds: unread.or(UnreadField::Duration, duration),
            attempt: self.attempt(),
            unread,
            detail: Detail::default(),
        })
    }

    /// The SBC may try several proxies of Teams; what came from Teams came once.
    fn attempt(&self) -> Attempt {
        match self.direction() {
            Direction::Inbound if !matches!(self.get(Field::SessionId), b"" | b"0") => Attempt::Final,
            _ => Attempt::Only,
        }
    }

    /// The session, which both legs and each attempt share; `0` is none, then the leg stands for itself.
    fn record_id(&self) -> Result<RecordId, Reason> {
        let (session, call) = (self.get(Field::SessionId), self.get(Field::SipCallId));
        match (session, call) {
            (b"" | b"0", b"") => Err(Reason::NoRecordId),
            (b"" | b"0", call) => Ok(RecordId(xxh3_128(call))),
            (session, _) => Ok(RecordId(xxh3_128(session))),
        }
    }

    fn codes(&self, answered: bool) -> Result<Codes<'a>, Reason> {
        let (sip, description) = (self.get(Field::SipReason), self.text(Field::SipDescription));
        codes(sip, description, answered, self.direction())
    }
}

/// `BYE`, `CANCEL` or a SIP code; the description is the Reason header where there was one.
fn codes<'a>(
    sip: &[u8],
    description: &'a str,
    answered: bool,
    direction: Direction,
) -> Result<Codes<'a>, Reason> {
    let sip = device::release_code(sip, answered)?;
    let said = reason_header::phrases(description).find(|said| !said.phrase.is_empty());
    let words = match said {
        _ if answered => Words::Other,
        // A text of full length was cut, also where its quote is closed.
        Some(said) if said.is_cut || CUT_AT.contains(&description.len()) => Words::MicrosoftCut,
        Some(_) => Words::Microsoft,
        None => Words::Other,
    };
    Ok(Codes {
        microsoft: None,
        sip,
        q850: reason_header::q850(description),
        text: said.map_or("", |said| said.phrase).into(),
        words,
        refused_by: device::refused_by(direction),
    })
}

/// How long a description can be: in releases until early 7.2, and since.
const CUT_AT: [usize; 2] = [26, 70];

/// The names in `2 (Teams)`, `Teams` or `2`: older firmware writes a number, and the name behind it.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let (number, name) = match text.split_once('(') {
        Some((number, name)) => (number.trim(), name.trim_end_matches(')').trim()),
        None => (text, text),
    };
    [name, number].into_iter().filter(|name| !name.is_empty())
}

/// The addresses of Microsoft's SIP proxies and media relays: 52.112.0.0/14 and 52.122.0.0/15 ("Plan Direct Routing").
fn is_microsoft_address(address: &str) -> bool {
    match address.parse::<std::net::Ipv4Addr>().map(|address| address.octets()) {
        Ok([52, second, ..]) => matches!(second, 112..=115 | 122..=123),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
