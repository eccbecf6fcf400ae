//! FreeSWITCH `mod_json_cdr`: one JSON object to one leg of a call, its values in `variables`, URL-encoded by default.
//!
//! The A leg counts, the one that asked for the call: each call has one, it is written whatever `log-b-leg` says, and
//! `mod_sofia` notes on it how the B leg was refused. B legs, one for each device or gateway tried, are ignored.
//! Read from FreeSWITCH's source: `switch_ivr_generate_json_cdr`, `mod_json_cdr.c`, `sofia.c`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::fields::{self, NotWhole};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, correlation};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Guid, Reason, RefusedBy, Text, UnixMillis, Unread, UnreadField,
    Words,
};
use crate::framing::Framing;
use crate::reason_header;

/// What `mod_json_cdr` writes into its folder, a file to each leg.
pub static FORMAT: Format = Format {
    name: "freeswitch",
    aliases: &[],
    expected: "call records of FreeSWITCH's mod_json_cdr",
    framing: Framing::Json,
    recognise,
    // A file is written when its call ends; then it may have to be copied.
    live_within: Duration::from_mins(15),
    is_trunk,
    public: Public {
        words: WORDS,
        numbers: NUMBERS,
        microsoft_code: "",
        correlation_id: "call_uuid",
        trunk: &["sip_gateway", "sip_gateway_name"],
    },
    broken: Reason::BadJson,
    decoder: &|_| Box::new(Decoder),
    told: None,
    layout: None,
    config: "",
};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "core-uuid", "switchname", "channel_data", "callStats", "variables", "app_log", "callflow", "direction", "inbound",
    "outbound", "uuid", "call_uuid", "originating_leg_uuid", "sip_from_host", "sip_contact_host", "sip_gateway",
    "sip_gateway_name", "sip_reason", "sip_invite_failure_status", "sip_invite_failure_phrase", "sip_term_status",
    "sip_term_cause", "sip_hangup_disposition", "proto_specific_hangup_cause", "hangup_cause", "hangup_cause_q850",
    "start_epoch", "start_uepoch", "answer_epoch", "answer_uepoch", "end_epoch", "end_uepoch", "duration", "billsec",
    "NORMAL_CLEARING", "ORIGINATOR_CANCEL", "USER_BUSY", "NO_ANSWER", "CALL_REJECTED", "true", "false", "null",
];

const NUMBERS: &[&str] = &[
    "sip_invite_failure_status",
    "sip_term_status",
    "sip_term_cause",
    "hangup_cause_q850",
    "duration",
    "billsec",
];

/// The first property of every record, and of no record of another format.
const FIRST: &[u8] = b"\"core-uuid\"";

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let Some(first) = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return Recognised::No };
    match first.starts_with(FIRST) {
        true => Recognised::Yes,
        false if !finished && FIRST.starts_with(first) => Recognised::NeedMore,
        false => Recognised::No,
    }
}

/// Whether a text can be the name of a gateway, which the operator gives: `teams-1`, `carrier.example.com`. Seven digits
/// may be a telephone number.
fn is_trunk(text: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    text.len() <= 64
        && text.bytes().all(in_name)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().filter(u8::is_ascii_digit).count() < 7
}

/// Decodes records one by one. What is made of one does not depend on the others.
#[derive(Debug)]
struct Decoder;

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some("B legs; the call counts by its A leg")
    }

    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        decoded(record)
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        correlation::in_json(text, "\"call_uuid\"")
    }
}

fn decoded(record: &[u8]) -> Decoded<'static> {
    let decoded = Variables::read(record).and_then(|variables| match variables.is_b_leg() {
        true => Ok(Decoded::Ignored),
        false => variables.call().map(Decoded::Call),
    });
    decoded.unwrap_or_else(Decoded::Rejected)
}

#[derive(Deserialize)]
struct Record {
    variables: Option<HashMap<String, Value>>,
}

/// The variables of a leg, by name, as they were before they were encoded.
struct Variables(HashMap<String, String>);

impl Variables {
    fn read(record: &[u8]) -> Result<Self, Reason> {
        let text = String::from_utf8_lossy(record);
        if !text.trim_ascii_start().starts_with('{') {
            let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            return Err(if is_json { Reason::NotARow } else { Reason::BadJson });
        }
        let record = serde_json::from_str::<Record>(&text)
            .or_else(|_| serde_json::from_str(&without_nan(&text)))
            .map_err(|_| Reason::BadJson)?;
        let text_of = |value| match value {
            Value::Null => String::new(),
            Value::String(text) => url_decoded(&text),
            other => other.to_string(),
        };
        let variables = record.variables.ok_or(Reason::NotARow)?;
        Ok(Self(variables.into_iter().map(|(name, value)| (name, text_of(value))).collect()))
    }

    /// `""` for a variable that is not there.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim_ascii())
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

    fn call(&self) -> Result<Call<'static>, Reason> {
        let record_id = fields::record_id(self.first(&["call_uuid", "uuid"]).as_bytes())?;
        let succeeded = self.succeeded()?;
        let codes = self.codes(succeeded)?;
        if succeeded.is_none() && codes.is_empty() {
            return Err(Reason::NoOutcome);
        }
        let mut unread = Unread::default();
        let [billed, duration_seconds] = ["billsec", "duration"]
            .map(|name| unread.or(UnreadField::Duration, fields::duration_seconds(self.whole(name))));
        let ended_at = self.ended_at(billed.filter(|_| succeeded == Some(true)), &mut unread);
        Ok(Call {
            record_id,
            trunk: Text::from(self.first(&["sip_gateway_name", "sip_gateway"])).owned(),
            direction: self.direction(),
            succeeded,
            codes,
            ended_at,
            duration_seconds,
            attempt: Attempt::Only,
            unread,
            detail: Detail::default(),
        })
    }

    fn ended_at(&self, lasted: Option<u32>, unread: &mut Unread) -> Option<UnixMillis> {
        let field = |name| if name == "end" { UnreadField::EndTime } else { UnreadField::StartTime };
        let time_of = |name| Ok::<_, Infallible>(unread.or(field(name), self.time(name)));
        let Ok(ended_at) = fields::ended_at(["end", "", "answer", "start"], time_of, lasted);
        ended_at
    }

    /// Whether the call has a time of answer. `hangup_cause` is NORMAL_CLEARING on calls that nobody answered, too.
    fn succeeded(&self) -> Result<Option<bool>, Reason> {
        let is_known = !self.first(&["answer_uepoch", "answer_epoch"]).is_empty();
        let answered = self.time("answer")?.is_some();
        Ok(is_known.then_some(answered))
    }

    fn codes(&self, succeeded: Option<bool>) -> Result<Codes<'static>, Reason> {
        let sip = match succeeded {
            // A gateway that was tried before may have refused it.
            Some(true) => self.get("sip_term_status"),
            _ => self.first(&["sip_invite_failure_status", "sip_term_status", "proto_specific_hangup_cause"]),
        };
        let sip = sip.strip_prefix("sip:").unwrap_or(sip);
        let said = reason_header::phrases(self.get("sip_reason")).find(|said| !said.phrase.is_empty());
        let (text, words) = match said {
            Some(said) => (said.phrase, said.words()),
            None => (self.get("hangup_cause"), Words::Other),
        };
        Ok(Codes {
            microsoft: None,
            sip: fields::sip_code(fields::whole_number(sip.as_bytes()))?,
            q850: self.q850()?,
            text: Text::from(text).owned(),
            words,
            refused_by: self.refused_by(),
        })
    }

    /// FreeSWITCH has causes of its own above those of Q.850, and 0 for none.
    fn q850(&self) -> Result<Option<u8>, Reason> {
        let cause = self.first(&["hangup_cause_q850", "sip_term_cause"]);
        let cause = fields::whole_number(cause.as_bytes()).map_err(|_| Reason::BadCode)?;
        Ok(cause.and_then(|cause| u8::try_from(cause).ok()).filter(|cause| (1..128).contains(cause)))
    }

    /// From Teams, if Microsoft's SIP proxy sent the INVITE. `direction` only tells A leg and B leg apart, and nothing says
    /// which gateway leads to Teams.
    fn direction(&self) -> Direction {
        let is_teams = |host: &str| {
            host.contains("pstnhub.") && (host.ends_with(".microsoft.com") || host.ends_with(".microsoft.us"))
        };
        match ["sip_from_host", "sip_contact_host"].into_iter().any(|name| is_teams(self.get(name))) {
            true => Direction::Outbound,
            false => Direction::Unknown,
        }
    }

    /// The A leg shows how the B leg was refused: on a call from Teams that is the carrier's side.
    fn refused_by(&self) -> RefusedBy {
        match self.direction() {
            Direction::Outbound => RefusedBy::SbcSide,
            Direction::Inbound => RefusedBy::Teams,
            Direction::Unknown => RefusedBy::Unknown,
        }
    }

    fn whole(&self, name: &str) -> Result<Option<u64>, NotWhole> {
        fields::whole_number(self.get(name).as_bytes())
    }

    /// `end` stands in `end_uepoch` as microseconds since 1970, and in `end_epoch` as seconds. 0 is no time.
    fn time(&self, name: &str) -> Result<Option<UnixMillis>, Reason> {
        let micros = self.whole(&format!("{name}_uepoch")).map_err(|_| Reason::BadTime)?;
        let seconds = self.whole(&format!("{name}_epoch")).map_err(|_| Reason::BadTime)?;
        let millis = match micros {
            Some(micros @ 1..) => Some(micros / 1000),
            _ => seconds.unwrap_or(0).checked_mul(1000),
        };
        let millis = millis.filter(|millis| *millis < YEAR_10000).ok_or(Reason::BadTime)?;
        Ok((millis > 0).then_some(UnixMillis(millis.cast_signed())))
    }
}

/// A later time is none: microseconds in the place of seconds.
const YEAR_10000: u64 = 253_402_300_800_000;

/// With null for each bare `nan` and `inf`: so the quality of a call without audio is written, which is no JSON.
fn without_nan(text: &str) -> Cow<'_, str> {
    static STRING_OR_NAN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?s)"(?:[^"\\]|\\.)*"|-?\b(?:nan|inf)\b"#).ok());
    let null_for_nan = |found: &Captures<'_>| match &found[0] {
        string if string.starts_with('"') => string.to_owned(),
        _ => "null".to_owned(),
    };
    STRING_OR_NAN.as_ref().map_or(Cow::Borrowed(text), |pattern| pattern.replace_all(text, null_for_nan))
}

/// The text with `%3B` as `;`. A per cent sign before anything else stands for itself, as where values are not encoded.
fn url_decoded(text: &str) -> String {
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

#[cfg(test)]
mod tests;
