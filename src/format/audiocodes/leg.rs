//! One leg of a call, whether it stands in a log or in a table: whose it is, and what it says.

use xxhash_rust::xxh3::xxh3_128;

use super::fields::{self, Field};
use super::session;
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, RecordId, RefusedBy, Text, Unread, UnreadField, Words,
};
use crate::format::device::{self, Device, EndedBy, Sides};
use crate::format::{Decoded, answered, fields as shared, written_time};
use crate::reason_header;

/// One leg of a call.
pub struct Leg<'a> {
    pub fields: fields::Fields<'a>,
    pub device: &'static Device,
}

impl<'a> Leg<'a> {
    fn get(&self, field: Field) -> &'a [u8] {
        self.fields.get(field)
    }

    pub fn decoded(&self) -> Decoded<'a> {
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

    pub fn sides(&self) -> Sides {
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

    /// Whether what stands in the places of the manuals can be what the manuals say: else a trunk may be anybody's name. Of a line
    /// that was cut, as much as is there.
    pub fn is_as_documented(&self) -> bool {
        let is_origin = matches!(self.get(Field::Origin), b"" | b"LCL" | b"RMT" | b"UNKN");
        let times = [Field::SetupTime, Field::ConnectTime, Field::ReleaseTime].map(|field| self.get(field));
        let is_time = |text: &&[u8]| text.contains(&b':') && text.first().is_some_and(u8::is_ascii_digit);
        let have_times =
            times.iter().any(is_time) || !self.fields.has(Field::SipReason) && self.has_addresses();
        let is_reason = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        is_origin && have_times && self.get(Field::SipReason).iter().all(is_reason)
    }

    /// Whether what stands in the places of addresses can be such, as far as it is there.
    fn has_addresses(&self) -> bool {
        let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']');
        [Field::SourceIp, Field::DestinationIp].iter().all(|field| self.get(*field).iter().all(is_of_address))
    }

    /// An answered call can last 0 s, so that its time of answer tells; where the columns have none, what ended it does, or
    /// that it lasted.
    fn was_answered(&self) -> bool {
        match self.fields.has(Field::ConnectTime) {
            true => was_connected_at(self.get(Field::ConnectTime)),
            false => {
                let lasted = shared::whole_number(self.get(Field::Duration));
                let was_ended = self.get(Field::SipReason) == b"BYE" && self.cause_of_category().is_none();
                was_ended || matches!(lasted, Ok(Some(1..)))
            }
        }
    }

    /// The cause of Q.850 that a category stands for which only calls have that were not connected.
    fn cause_of_category(&self) -> Option<u8> {
        match self.get(Field::TerminationCategory) {
            b"NO_ANSWER" => Some(19),
            b"BUSY" => Some(17),
            _ => None,
        }
    }

    /// Of a call to Teams, `RMT` is Teams, and `LCL` the SBC, on its own or for the caller. Of a call from Teams, `LCL` is the answer that
    /// the SBC gave or passed on.
    fn ended_by(&self) -> Option<EndedBy> {
        match (self.direction(), self.get(Field::TerminationSide)) {
            (Direction::Inbound, b"RMT") => Some(EndedBy::Called),
            (Direction::Inbound, b"LCL") => Some(EndedBy::Device),
            (Direction::Outbound, b"RMT") => Some(EndedBy::Caller),
            _ => None,
        }
    }

    fn call(&self) -> Result<Call<'a>, Reason> {
        let answered = self.was_answered();
        let mut unread = Unread::default();
        let duration = match self.lasted() {
            Some(seconds) => Ok(Some(seconds)),
            None => shared::duration_seconds(shared::whole_number(self.get(Field::Duration))),
        };
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

    /// From answer to end, by the times: in which unit the device writes the duration is up to the operator.
    fn lasted(&self) -> Option<u32> {
        let time = |field| written_time::read(self.text(field), self.device);
        session::seconds((time(Field::ConnectTime)?, time(Field::ReleaseTime)?))
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
        let refused_by = device::refused_by_end(self.direction(), self.ended_by());
        let mut codes = codes(sip, description, answered, refused_by)?;
        if codes.sip.is_none() && !answered {
            codes.q850 = codes.q850.or_else(|| self.cause_of_category());
        }
        Ok(codes)
    }
}

/// Whether there was a time of connection: no word for none, zeros or the first day, as a database or a spreadsheet has them.
pub fn was_connected_at(time: &[u8]) -> bool {
    let is_none = |time: &str| answered::is_none(time) || time.ends_with("Jan 01 1970");
    !str::from_utf8(time).is_ok_and(is_none)
}

/// `BYE`, `CANCEL` or a SIP code; the description is the Reason header where there was one.
pub fn codes<'a>(
    sip: &[u8],
    description: &'a str,
    answered: bool,
    refused_by: RefusedBy,
) -> Result<Codes<'a>, Reason> {
    let sip = device::release_code(sip, answered)?;
    let told = reason_header::read(description);
    let words = match told.said {
        _ if answered => Words::Other,
        // A text of full length was cut, also where its quote is closed.
        Some(said) if said.is_cut || CUT_AT.contains(&length(description)) => Words::MicrosoftCut,
        Some(_) => Words::Microsoft,
        None => Words::Other,
    };
    Ok(Codes { microsoft: None, sip, q850: told.q850, text: told.phrase().into(), words, refused_by })
}

/// How long a description was before somebody put it into a text of JSON.
fn length(description: &str) -> usize {
    description.bytes().filter(|byte| *byte != b'\\').count()
}

/// How long a description can be: in releases until early 7.2, and since.
const CUT_AT: [usize; 2] = [26, 70];

/// The names in `2 (Teams)`, `Teams` or `2`: older firmware writes a number, and the name behind it. Behind anything else a
/// parenthesis is part of the name: `Teams EU (Main)`.
pub fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_number = |it: &str| it.trim().bytes().all(|byte| byte.is_ascii_digit());
    let (number, name) = match text.split_once('(').filter(|(number, _)| is_number(number)) {
        Some((number, name)) => (number.trim(), name.strip_suffix(')').unwrap_or(name).trim()),
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
