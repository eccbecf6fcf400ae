//! Oracle (Acme Packet) session border controllers: local accounting files, `cdrYYYYMMDDHHMM[a-j]`, one line to each record.
//!
//! STOP records are calls, also those that nobody answered; START and INTERIM are ignored. Which attribute stands where depends
//! on the release and on the account configuration: the operator gives the layout, as `dump_csv_format` has the SBC write it.
//! Without one, the published layouts of C6.1 to C6.4 hold, which the number of columns tells apart.
//! Documented in Oracle's Accounting Guides, 8.1 to 10.1. Whether values with quotes in them are escaped is not: either is read.

mod layout;
mod recognise;

use std::borrow::Cow;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use self::layout::{Attribute, Layout};
use self::recognise::{Kind, kind, recognise};
use super::device::{self, Device, EndedBy, Keys, Sides};
use super::{Decode, Decoded, Format, Public, answered, correlation, fields, loose_cells, written_time};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Guid, Reason, RecordId, Text, UnixMillis, Unread, UnreadField,
    Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// Accounting files of the SBC itself.
pub static FORMAT: Format = Format {
    name: "oracle",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    is_log: false,
    // A file is closed, and then fetched, once an hour where nothing else is configured.
    live_within: Duration::from_mins(90),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&["SIP", "UTC", "GMT"]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder::new(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder::new(device)),
        teams_side: true,
        carrier_trunk: Some(|_| Ok(())),
        layout: Some(|text| Layout::read(text).map(|_| ())),
    }),
    twin: None,
    config: "",
};

#[derive(Debug)]
struct Decoder {
    device: &'static Device,
    layout: Option<Layout>,
    /// The line of names last seen.
    names: Option<Vec<u8>>,
}

impl Decoder {
    fn new(device: &'static Device) -> Self {
        // What is wrong with it was said when the config was read.
        let layout = device.layout().and_then(|text| Layout::read(text).ok());
        Self { device, layout, names: None }
    }

    /// Takes the names of attributes that stand above the records, unless the operator gave a layout.
    fn read_names(&mut self, line: &[u8]) {
        if self.device.layout().is_none() && !line.is_empty() {
            self.layout = Layout::read(&String::from_utf8_lossy(line)).ok();
            self.names = Some(line.to_vec());
        }
    }
}

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some(
            "START and INTERIM records, calls without a realm of `teams_side`, and a layout that lies among the records; a call counts by its STOP record",
        )
    }

    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let text = String::from_utf8_lossy(line);
        if layout::is_names(&text) {
            self.read_names(line);
            return Decoded::Header;
        }
        let cells = loose_cells::split(&text, b',');
        if layout::is_layout_line(&cells) {
            return Decoded::Ignored;
        }
        let layout = match &self.layout {
            Some(layout) => Cow::Borrowed(layout),
            None => match (kind(&cells[0]), Layout::published(cells.len())) {
                (Some(Kind::Other), _) => return Decoded::Ignored,
                (_, Some(layout)) => Cow::Borrowed(layout),
                (_, None) => return Decoded::Rejected(Reason::BadLine),
            },
        };
        let record = Record { cells, layout: &layout, device: self.device };
        match kind(record.get(Attribute::Status)) {
            None => Decoded::Rejected(Reason::BadLine),
            Some(Kind::Other) => Decoded::Ignored,
            // A line that was cut; or attributes were left out, and those behind them stand elsewhere.
            Some(Kind::Stop) if record.cells.len() < layout.columns => Decoded::Rejected(Reason::BadLine),
            Some(Kind::Stop) if !record.is_of_teams() => Decoded::Ignored,
            Some(Kind::Stop) => record.call().map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_reason_of_line(text)
    }

    fn sides(&self, line: &[u8]) -> Option<Sides> {
        let cells = loose_cells::split(&String::from_utf8_lossy(line), b',');
        if layout::is_layout_line(&cells) {
            return None;
        }
        let layout = self.layout.as_ref().map(Cow::Borrowed);
        let layout = layout.or_else(|| Layout::published(cells.len()).map(Cow::Borrowed))?;
        let record = Record { cells, layout: &layout, device: self.device };
        let is_stop = matches!(kind(record.get(Attribute::Status)), Some(Kind::Stop));
        is_stop.then(|| self.device.sides(record.realms()))
    }

    fn header(&self) -> Option<Vec<u8>> {
        self.names.clone()
    }

    fn resume(&mut self, header: &[u8]) {
        self.read_names(header);
    }
}

/// A STOP record.
struct Record<'l> {
    cells: Vec<String>,
    layout: &'l Layout,
    device: &'static Device,
}

impl Record<'_> {
    /// `""` for what the layout does not have.
    fn get(&self, attribute: Attribute) -> &str {
        let place = self.layout.place(attribute).checked_sub(1);
        place.and_then(|place| self.cells.get(place)).map_or("", String::as_str)
    }

    /// The realm that the call came from, and the one that it went to.
    fn realms(&self) -> [&str; 2] {
        [self.get(Attribute::IngressRealm), self.get(Attribute::EgressRealm)]
    }

    fn is_of_teams(&self) -> bool {
        !self.device.are_known() || self.device.is_teams(self.realms().into_iter())
    }

    fn call(&self) -> Result<Call<'static>, Reason> {
        let session = self.get(Attribute::SessionId);
        if session.is_empty() {
            return Err(Reason::NoRecordId);
        }
        let [ingress, egress] = self.realms();
        let direction = self.device.direction([ingress].into_iter(), [egress].into_iter());
        let mut unread = Unread::default();
        let text = self.get(Attribute::ConnectTime);
        let is_word = !answered::is_none(text) && !has_digit(text);
        let connected = if is_word { Err(Reason::BadTime) } else { self.time(Attribute::ConnectTime) };
        let sip = || fields::whole_number(self.get(Attribute::SipStatus).as_bytes()).ok().flatten();
        let codes = || (sip(), self.cause());
        let answered = answered::was_answered(text, connected, codes);
        let duration =
            fields::duration_seconds(fields::whole_number(self.get(Attribute::SessionTime).as_bytes()));
        let times = [
            (Attribute::DisconnectTime, UnreadField::EndTime),
            (Attribute::ConnectTime, UnreadField::StartTime),
            (Attribute::SetupTime, UnreadField::InviteTime),
        ];
        Ok(Call {
            record_id: RecordId(xxh3_128(session.as_bytes())),
            trunk: Text::from(self.device.trunk(ingress, egress)).owned(),
            direction,
            succeeded: Some(answered),
            codes: self.codes(answered, direction)?,
            ended_at: times.into_iter().find_map(|(attribute, field)| {
                let at = unread.or(field, self.time(attribute));
                at.inspect(|_| written_time::note_zone(self.get(attribute), field, self.device, &mut unread))
            }),
            duration_seconds: unread.or(UnreadField::Duration, duration),
            // Should routes that were tried before write records of their own, they have the same session.
            attempt: Attempt::Branch,
            unread,
            detail: Detail::default(),
        })
    }

    /// The phrase is there only where a rule of the SBC puts the Reason header into an attribute of the operator's.
    fn codes(&self, answered: bool, direction: Direction) -> Result<Codes<'static>, Reason> {
        let sip = fields::sip_code(fields::whole_number(self.get(Attribute::SipStatus).as_bytes()));
        // It decides nothing of a call that was answered.
        let sip = if answered { sip.unwrap_or_default() } else { sip? };
        // An address may hold a `cause=` too (RFC 4458).
        let headers = || self.cells.iter().filter(|cell| cell.contains("cause="));
        let told = || headers().map(|header| reason_header::read(header));
        let said = told().find_map(|told| told.said).filter(|_| !answered);
        Ok(Codes {
            microsoft: None,
            // 0 is no status.
            sip: sip.filter(|sip| *sip != 0),
            q850: self.cause().or_else(|| told().find_map(|told| told.q850)),
            text: Text::from(said.map_or("", |said| said.phrase)).owned(),
            words: said.map_or(Words::Other, reason_header::Said::words),
            refused_by: device::refused_by_end(direction, self.ended_by()),
        })
    }

    /// As the accounting guides number it; 0 is nobody known.
    fn ended_by(&self) -> Option<EndedBy> {
        match self.get(Attribute::Initiator) {
            "1" => Some(EndedBy::Caller),
            "2" => Some(EndedBy::Called),
            "3" => Some(EndedBy::Device),
            _ => None,
        }
    }

    fn cause(&self) -> Option<u8> {
        let causes = [Attribute::Cause, Attribute::GatewayCause].map(|attribute| self.get(attribute));
        causes.iter().find_map(|cause| cause.parse().ok().filter(|cause| (1..128).contains(cause)))
    }

    /// What stands there when there was none is not documented: nothing, zeros, words, or the first day of a calendar.
    fn time(&self, attribute: Attribute) -> Result<Option<UnixMillis>, Reason> {
        let text = self.get(attribute);
        if answered::is_none(text) || !has_digit(text) {
            return Ok(None);
        }
        let at = match written_time::read(text, self.device) {
            Some(at) => Some(at),
            None => fields::time(text.as_bytes()).map_err(|_| Reason::BadTime)?,
        };
        Ok(at.filter(|at| !answered::is_first_day(*at)))
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
