//! The variables of one leg of a call, whichever module of FreeSWITCH wrote them, and the call that they make.

use std::collections::HashMap;
use std::convert::Infallible;

use jiff::civil;

use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, Text, UnixMillis, Unread, UnreadField, Words,
};
use crate::format::Decoded;
use crate::format::device::{self, Device};
use crate::format::fields::{self, NotWhole};
use crate::reason_header;

/// The variables of a leg, by name, as they were before they were encoded.
#[derive(Debug)]
pub struct Variables {
    values: HashMap<String, String>,
}

/// Names of causes (`switch_types.h`) with their numbers in Q.850.
#[rustfmt::skip]
const CAUSES: [(&str, u8); 44] = [
    ("UNALLOCATED_NUMBER", 1), ("NO_ROUTE_TRANSIT_NET", 2), ("NO_ROUTE_DESTINATION", 3), ("CHANNEL_UNACCEPTABLE", 6),
    ("CALL_AWARDED_DELIVERED", 7), ("NORMAL_CLEARING", 16), ("USER_BUSY", 17), ("NO_USER_RESPONSE", 18), ("NO_ANSWER", 19),
    ("SUBSCRIBER_ABSENT", 20), ("CALL_REJECTED", 21), ("NUMBER_CHANGED", 22), ("REDIRECTION_TO_NEW_DESTINATION", 23),
    ("EXCHANGE_ROUTING_ERROR", 25), ("DESTINATION_OUT_OF_ORDER", 27), ("INVALID_NUMBER_FORMAT", 28), ("FACILITY_REJECTED", 29),
    ("RESPONSE_TO_STATUS_ENQUIRY", 30), ("NORMAL_UNSPECIFIED", 31), ("NORMAL_CIRCUIT_CONGESTION", 34),
    ("NETWORK_OUT_OF_ORDER", 38), ("NORMAL_TEMPORARY_FAILURE", 41), ("SWITCH_CONGESTION", 42), ("ACCESS_INFO_DISCARDED", 43),
    ("REQUESTED_CHAN_UNAVAIL", 44), ("PRE_EMPTED", 45), ("FACILITY_NOT_SUBSCRIBED", 50), ("OUTGOING_CALL_BARRED", 52),
    ("INCOMING_CALL_BARRED", 54), ("BEARERCAPABILITY_NOTAUTH", 57), ("BEARERCAPABILITY_NOTAVAIL", 58),
    ("SERVICE_UNAVAILABLE", 63), ("BEARERCAPABILITY_NOTIMPL", 65), ("CHAN_NOT_IMPLEMENTED", 66),
    ("FACILITY_NOT_IMPLEMENTED", 69), ("SERVICE_NOT_IMPLEMENTED", 79), ("INVALID_CALL_REFERENCE", 81),
    ("INCOMPATIBLE_DESTINATION", 88), ("INVALID_MSG_UNSPECIFIED", 95), ("MANDATORY_IE_MISSING", 96),
    ("WRONG_CALL_STATE", 101), ("RECOVERY_ON_TIMER_EXPIRE", 102), ("PROTOCOL_ERROR", 111), ("INTERWORKING", 127),
];

impl Variables {
    /// By their names.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: variables.into_iter().collect() }
    }

    /// Adds the code of a call that the caller gave up, where the record has none: 487 is FreeSWITCH's own number for it.
    pub fn add_code_of_cancel(&mut self) {
        let says_sip = !self.first(&["sip_invite_failure_status", "proto_specific_hangup_cause"]).is_empty();
        if self.get("hangup_cause") == "ORIGINATOR_CANCEL" && !says_sip {
            self.add("sip_term_status", "487".to_owned());
        }
    }

    /// Adds the codes that the name of the cause stands for, where the record has none.
    pub fn add_codes_of_cause(&mut self) {
        self.add_code_of_cancel();
        if let Some((_, q850)) = CAUSES.iter().find(|(name, _)| *name == self.get("hangup_cause")) {
            self.add("hangup_cause_q850", q850.to_string());
        }
    }

    /// A template writes a variable that nothing has set as an empty one.
    fn add(&mut self, name: &str, code: String) {
        let value = self.values.entry(name.to_owned()).or_default();
        if value.trim_ascii().is_empty() {
            *value = code;
        }
    }

    /// What a leg comes to, on a device of which the operator said this.
    pub fn decoded(&self, device: &Device) -> Decoded<'static> {
        match self.is_b_leg() {
            true => Decoded::Ignored,
            false => self.call(device).map_or_else(Decoded::Rejected, Decoded::Call),
        }
    }

    /// `""` for a variable that is not there.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value.trim_ascii())
    }

    /// The first of these that is there.
    fn first(&self, names: &[&str]) -> &str {
        names.iter().map(|name| self.get(name)).find(|value| !value.is_empty()).unwrap_or_default()
    }

    /// `call_uuid` is the A leg's `uuid` on both legs; an A leg that called nobody may have none.
    fn is_b_leg(&self) -> bool {
        let (call, own) = (self.get("call_uuid"), self.get("uuid"));
        !self.get("originating_leg_uuid").is_empty() || !call.is_empty() && !own.is_empty() && call != own
    }

    fn call(&self, device: &Device) -> Result<Call<'static>, Reason> {
        let record_id = fields::record_id(self.first(&["call_uuid", "uuid"]).as_bytes())?;
        let direction = self.direction(device);
        let succeeded = self.succeeded(device)?;
        let codes = self.codes(succeeded, direction)?;
        if succeeded.is_none() && codes.is_empty() {
            return Err(Reason::NoOutcome);
        }
        let mut unread = Unread::default();
        let [billed, duration_seconds] = ["billsec", "duration"]
            .map(|name| unread.or(UnreadField::Duration, fields::duration_seconds(self.whole(name))));
        let ended_at = self.ended_at(billed.filter(|_| succeeded == Some(true)), device, &mut unread);
        Ok(Call {
            record_id,
            trunk: Text::from(self.trunk(direction)).owned(),
            direction,
            succeeded,
            codes,
            ended_at,
            duration_seconds,
            attempt: Attempt::Only,
            unread,
            detail: Detail::default(),
        })
    }

    fn trunk(&self, direction: Direction) -> &str {
        match direction {
            Direction::Inbound => self.bridged_to(),
            _ => self.first(&["sip_gateway_name", "sip_gateway"]),
        }
    }

    fn ended_at(&self, lasted: Option<u32>, device: &Device, unread: &mut Unread) -> Option<UnixMillis> {
        let field = |name| if name == "end" { UnreadField::EndTime } else { UnreadField::StartTime };
        let time_of = |name| Ok::<_, Infallible>(unread.or(field(name), self.time(name, device)));
        let Ok(ended_at) = fields::ended_at(["end", "", "answer", "start"], time_of, lasted);
        ended_at
    }

    /// Whether the call has a time of answer. `hangup_cause` is NORMAL_CLEARING on calls that nobody answered, too.
    fn succeeded(&self, device: &Device) -> Result<Option<bool>, Reason> {
        let is_known = !self.first(&["answer_uepoch", "answer_epoch"]).is_empty()
            || self.values.contains_key("answer_stamp");
        let answered = self.time("answer", device)?.is_some();
        Ok(is_known.then_some(answered))
    }

    fn codes(&self, succeeded: Option<bool>, direction: Direction) -> Result<Codes<'static>, Reason> {
        let sip = match succeeded {
            // A gateway that was tried before may have refused it.
            Some(true) => self.get("sip_term_status"),
            _ => self.first(&["sip_invite_failure_status", "sip_term_status", "proto_specific_hangup_cause"]),
        };
        let sip = sip.strip_prefix("sip:").unwrap_or(sip);
        let sip = fields::sip_code(fields::whole_number(sip.as_bytes()));
        let (text, words) = match reason_header::read(self.get("sip_reason")).said {
            Some(said) => (said.phrase, said.words()),
            None => (self.get("hangup_cause"), Words::Other),
        };
        Ok(Codes {
            microsoft: None,
            // It decides nothing of a call that was answered.
            sip: if succeeded == Some(true) { sip.unwrap_or_default() } else { sip? },
            q850: self.q850(),
            text: Text::from(text).owned(),
            words,
            // The A leg shows how the B leg was refused: on a call from Teams that is the carrier's side.
            refused_by: device::refused_by(direction),
        })
    }

    /// FreeSWITCH has causes of its own above those of Q.850, and 0 for none.
    fn q850(&self) -> Option<u8> {
        let cause = self.first(&["hangup_cause_q850", "sip_term_cause"]);
        cause.parse().ok().filter(|cause| (1..128).contains(cause))
    }

    /// The gateway that the call was bridged to last: `sofia/gateway/teams/+14255550100`.
    fn bridged_to(&self) -> &str {
        let behind = self.get("last_arg").rsplit_once("sofia/gateway/").map_or("", |(_, behind)| behind);
        behind.split('/').next().unwrap_or_default()
    }

    /// From Teams, if Microsoft's SIP proxy sent the INVITE, or if its gateway is one of `teams_side`; to Teams, if it was
    /// bridged to such a gateway. Where neither is, its context tells. `direction` only tells A leg and B leg apart.
    fn direction(&self, device: &Device) -> Direction {
        let gateways = ["sip_gateway_name", "sip_gateway"].map(|name| self.get(name));
        let is_from_teams = ["sip_from_host", "sip_contact_host"]
            .into_iter()
            .any(|name| device::is_microsoft(self.get(name)));
        match () {
            () if is_from_teams || device.is_teams(gateways.into_iter()) => Direction::Outbound,
            () if device.is_teams_name(self.bridged_to()) => Direction::Inbound,
            () if device.is_teams_name(self.get("context")) => Direction::Outbound,
            () => Direction::Unknown,
        }
    }

    fn whole(&self, name: &str) -> Result<Option<u64>, NotWhole> {
        fields::whole_number(self.get(name).as_bytes())
    }

    /// `end` stands in `end_uepoch` as microseconds since 1970, in `end_epoch` as seconds, and in `end_stamp` as the time of the
    /// machine. 0 is no time.
    fn time(&self, name: &str, device: &Device) -> Result<Option<UnixMillis>, Reason> {
        let micros = self.whole(&format!("{name}_uepoch")).map_err(|_| Reason::BadTime)?;
        let seconds = self.whole(&format!("{name}_epoch")).map_err(|_| Reason::BadTime)?;
        if (micros, seconds) == (None, None) {
            return stamp(self.get(&format!("{name}_stamp")), device);
        }
        let millis = match micros {
            Some(micros @ 1..) => Some(micros / 1000),
            _ => seconds.unwrap_or(0).checked_mul(1000),
        };
        let millis = millis.filter(|millis| *millis < YEAR_10000).ok_or(Reason::BadTime)?;
        Ok((millis > 0).then_some(UnixMillis(millis.cast_signed())))
    }
}

/// `2024-11-05 09:00:20`.
fn stamp(text: &str, device: &Device) -> Result<Option<UnixMillis>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let local = text.parse::<civil::DateTime>().map_err(|_| Reason::BadTime)?;
    Ok(device.moment(local))
}

/// A later time is none: microseconds in the place of seconds.
const YEAR_10000: u64 = 253_402_300_800_000;

/// Whether a text can be the name of a gateway, which is a word: `teams-1`, `carrier.example.com`.
pub fn is_gateway(text: &str) -> bool {
    device::is_device_trunk(text) && !text.contains([' ', '/', '(', ')'])
}

/// The text with `%3B` as `;`. A per cent sign before anything else stands for itself, as where values are not encoded.
pub fn url_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(byte.unwrap_or(b'%'));
        decoded.extend_from_slice(&part.as_bytes()[if byte.is_some() { 2 } else { 0 }..]);
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
