//! AudioCodes Mediant SBC: call detail records in its syslog, fields between `|`, one `CALL_END` to each leg of a call.
//!
//! The legs on Teams' side count: there is one for each attempt to reach Teams, or the one that came from there. All other
//! lines are ignored: the carrier's legs, `CALL_START` and other kinds, SIP messages, headers of media records.
//! Fields are those of the manuals ("SBC CDR Fields", release 7.2 and later), unless a header line above names others. What
//! stands before the first `|` was written by the syslog server and is not looked at.
//! Files of the device's local storage hold the same legs as a table, or one session detail record a call: see [`table`].

mod fields;
mod headers;
mod leg;
mod session;
mod table;

use std::time::Duration;

use self::fields::Layout;
use self::headers::Headers;
use self::leg::Leg;
use self::table::Table;
use super::device::{self, Beside, Device, Keys, Sides};
use super::names::Names;
use super::{Decode, Decoded, Format, Front, Public, Recognised, Usual, correlation};
use crate::call::{Guid, Reason};
use crate::framing::Framing;

/// The syslog of an SBC, as a syslog server writes it.
pub static FORMAT: Format = Format {
    name: "audiocodes",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    is_log: true,
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
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
        teams_side: true,
        carrier_trunk: Some(carrier_trunk),
        layout: Some(|text| Table::of_layout(text).map(|_| ())),
    }),
    twin: None,
    config: "",
};

/// Legs have no names of the other side; session detail records do.
fn carrier_trunk(beside: &Beside<'_>) -> Result<(), &'static str> {
    let letters = beside.layout.to_ascii_lowercase().replace([' ', '_'], "");
    match letters.contains("egresssip") {
        true => Ok(()),
        false => Err(
            "a leg of `audiocodes` names its own side alone: `trunk_from: carrier` goes with session detail records, \
             whose columns `layout` names",
        ),
    }
}

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
    memchr::memchr(b'|', line).map(|bar| device::without_escaped_end(&line[bar + 1..]))
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
    /// Whether a record of a log was seen: then a line that looks like a header row is none, but what somebody wrote into a message.
    is_log: bool,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        // What is wrong with a layout was said when the config was read.
        let table = device.layout().and_then(|text| Table::of_layout(text).ok());
        let told = table.as_ref().and_then(Table::legs);
        Self {
            device,
            headers: Headers::default(),
            told,
            table: table.map(|table| (Vec::new(), table)),
            is_log: false,
        }
    }

    /// Takes a header line, if it is one; whether it is.
    fn read_header(&mut self, line: &[u8]) -> bool {
        // A file has one kind, so that it alone is what reading goes on with.
        if kind(line) == Some(HEADER) {
            self.headers.add(line, record(line).and_then(Layout::of_header));
            (self.table, self.is_log) = (None, true);
        } else if let Some(table) = Table::of_header(line).filter(|_| !self.is_log) {
            self.table = Some((line.to_vec(), table));
            self.headers.clear();
        } else {
            return false;
        }
        true
    }

    /// Where the fields of a record of a log stand: as a header of its device says, or the operator, or the manuals.
    fn layout(&self, line: &[u8]) -> &Layout {
        self.headers.of(line).or(self.told.as_ref()).unwrap_or_else(|| &fields::DOCUMENTED)
    }

    /// A record of the end of a call; `None` where its columns are the operator's own, and nothing says which.
    fn leg<'a>(&self, line: &'a [u8]) -> Option<Leg<'a>> {
        let layout = self.layout(line);
        let leg = Leg { fields: layout.fields(record(line).unwrap_or_default()), device: self.device };
        (leg.is_as_documented() || *layout != *fields::DOCUMENTED).then_some(leg)
    }

    fn decode_end<'a>(&self, line: &'a [u8]) -> Decoded<'a> {
        let fields = || memchr::memchr_iter(b'|', record(line).unwrap_or_default()).count();
        match self.leg(line) {
            Some(leg) => leg.decoded(),
            // Records of a gateway have more of them.
            None if fields() < GATEWAY_FIELDS => Decoded::Rejected(Reason::UnknownColumns),
            None => Decoded::Ignored,
        }
    }

    /// A line of a log; `None` of what may be a header.
    fn usual<'a>(&mut self, line: &'a [u8]) -> Option<Decoded<'a>> {
        match kind(line) {
            Some(HEADER) => None,
            Some(kind) if KINDS.contains(&kind) => {
                // What looks like a record in a table is what somebody wrote into a cell.
                self.is_log |= self.table.as_ref().is_none_or(|(header, _)| header.is_empty());
                Some(if kind == CALL_END { self.decode_end(line) } else { Decoded::Ignored })
            }
            _ if self.is_log || self.table.is_none() && !Table::may_begin(line) => Some(Decoded::Ignored),
            _ => None,
        }
    }

    /// A header line, or one that no syslog server wrote.
    fn decode_row(&mut self, line: &[u8]) -> Decoded<'static> {
        if self.read_header(line) {
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
        self.usual(line).unwrap_or_else(|| self.decode_row(line))
    }

    fn decode_front<'t>(&mut self, text: &'t [u8], record_bytes: usize, front: &mut Front<'t>) {
        front.lines(text, record_bytes, |line, calls| Usual::of(self.usual(line)?, calls));
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        if kind(line) == Some(CALL_END) {
            return self.leg(line).map(|leg| leg.sides());
        }
        self.table.as_ref()?.1.sides(line, self.device)
    }

    fn header(&self) -> Option<Vec<u8>> {
        let of_table = self.table.as_ref().map(|(line, _)| line).filter(|line| !line.is_empty());
        self.headers.lines().or(of_table.cloned())
    }

    fn resume(&mut self, header: &[u8]) {
        for line in header.split(|byte| *byte == b'\n') {
            self.read_header(line);
        }
    }
}

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
