//! FreeSWITCH `mod_json_cdr`: one JSON object to one leg of a call, its values in `variables`, URL-encoded by default.
//!
//! The A leg counts, the one that asked for the call: each call has one, it is written whatever `log-b-leg` says, and
//! `mod_sofia` notes on it how the B leg was refused. B legs, one for each device or gateway tried, are ignored.
//! What a leg says is read in [`variables`], for the other modules that write CDRs, too.
//! Read from FreeSWITCH's source: `switch_ivr_generate_json_cdr`, `mod_json_cdr.c`, `sofia.c`.

pub mod variables;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use self::variables::{Variables, is_gateway, url_decoded};
use super::device::{self, Device, Keys};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, correlation};
use crate::call::{Guid, Reason};
use crate::framing::{Framing, Holders};

/// What `mod_json_cdr` writes into its folder, a file to each leg.
pub static FORMAT: Format = Format {
    name: "freeswitch",
    aliases: &[],
    framing: Framing::Json(Holders::USUAL),
    recognise,
    is_log: false,
    // A file is written when its call ends; then it may have to be copied.
    live_within: Duration::from_mins(15),
    is_trunk: is_gateway,
    public: PUBLIC,
    broken: Reason::BadJson,
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder(device)),
        teams_side: true,
        carrier_trunk: None,
        layout: None,
    }),
    twin: None,
    config: "",
};

/// What every module of FreeSWITCH writes that names nobody.
pub const PUBLIC: Public = Public {
    words: WORDS,
    numbers: NUMBERS,
    microsoft_code: "",
    correlation_id: "call_uuid",
    trunk: &["sip_gateway", "sip_gateway_name"],
};

/// What ignored records are.
pub const IGNORED_ARE: &str = "B legs; the call counts by its A leg";

/// Names of variables, and values that are words.
#[rustfmt::skip]
pub const WORDS: &[&str] = &[
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

/// Decodes records one by one. What is made of one does not depend on the others.
#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some(IGNORED_ARE)
    }

    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        decoded(record, self.0)
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        let next = memchr::memmem::find(text.get(FIRST.len() + 1..)?, FIRST);
        let own = &text[..next.map_or(text.len(), |next| next + FIRST.len() + 1)];
        let reason = memchr::memmem::find(own, b"\"sip_reason\"").map(|at| &own[at..own.len().min(at + 200)]);
        // Microsoft's, by which its records know the call; else its own.
        reason.and_then(correlation::in_reason).or_else(|| correlation::in_object(own, "\"call_uuid\""))
    }
}

fn decoded(record: &[u8], device: &Device) -> Decoded<'static> {
    read(record).map_or_else(Decoded::Rejected, |mut variables| {
        variables.add_code_of_cancel();
        variables.decoded(device)
    })
}

#[derive(Deserialize)]
struct Record {
    variables: Option<HashMap<String, Value>>,
}

fn read(record: &[u8]) -> Result<Variables, Reason> {
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
    Ok(Variables::of(variables.into_iter().map(|(name, value)| (name, text_of(value)))))
}

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

#[cfg(test)]
mod tests;
