//! What was written, and so what must be counted, label set by label set.

use std::collections::BTreeMap;

use crate::tools::{Labels, Metrics, labels};

/// A kind of call: its codes, and what the catalogue says of it.
struct Kind {
    succeeded: bool,
    microsoft_code: u32,
    sip_code: u32,
    phrase: &'static str,
    outcome: &'static str,
    cause: &'static str,
}

const KINDS: [Kind; 5] = [
    kind(true, (540_000, 0), "BYE", "answered", ""),
    kind(false, (531_004, 410), "IceConnectivityChecksFailed", "failed", "IceConnectivityChecksFailed"),
    kind(false, (560_404, 404), "Phone Number not found", "failed", "Phone Number not found"),
    kind(false, (560_486, 486), "Call ended because remote PSTN participant was busy", "busy", ""),
    kind(false, (123_456, 599), "Never heard of", "failed", "Unlisted"),
];

const fn kind(
    succeeded: bool,
    (microsoft_code, sip_code): (u32, u32),
    phrase: &'static str,
    outcome: &'static str,
    cause: &'static str,
) -> Kind {
    Kind { succeeded, microsoft_code, sip_code, phrase, outcome, cause }
}

const TRUNKS: [&str; 2] = ["sbc1.contoso.com", "sbc2.fabrikam.com"];

pub const CSV_HEADER: &str = "CorrelationId,AAD ObjectId,UPN,Display Name,User country,Invite time,Start time,\
    Failure time,End time,Duration (seconds),Success,Caller Number,Callee Number,Call type,Azure region for Media,\
    Azure region for Signaling,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN,Media bypass,\
    Shared correlation ID\n";

/// A call, which its number says everything about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record(pub usize);

/// Records whose numbers differ by so much are as long as each other.
pub const SAME_KIND: usize = 210;

impl Record {
    fn kind(self) -> &'static Kind {
        &KINDS[self.0 % KINDS.len()]
    }

    fn trunk(self) -> &'static str {
        TRUNKS[self.0 / KINDS.len() % TRUNKS.len()]
    }

    fn is_inbound(self) -> bool {
        self.0.is_multiple_of(3)
    }

    /// One line of JSON.
    pub fn json(self) -> String {
        let Kind { succeeded, microsoft_code, sip_code, phrase, .. } = self.kind();
        let call_type = if self.is_inbound() { "ByotIn" } else { "ByotOut" };
        format!(
            "{{\"id\":\"d1000000-05ec-4a1b-8c2d-{:012x}\",\"correlationId\":\"d2000000-05ec-4a1b-8c2d-{0:012x}\",\
             \"userPrincipalName\":\"user.one@contoso.com\",\"userDisplayName\":\"User One\",\
             \"inviteDateTime\":\"2026-11-01T08:00:00Z\",\"endDateTime\":\"2026-11-01T08:01:00Z\",\"duration\":60,\
             \"callType\":\"{call_type}\",\"successfulCall\":{succeeded},\"callerNumber\":\"+1425555****\",\
             \"mediaPathLocation\":\"USWE\",\"signalingLocation\":\"EUNO\",\"finalSipCode\":{sip_code},\
             \"callEndSubReason\":{microsoft_code},\"finalSipCodePhrase\":\"{phrase}\",\
             \"trunkFullyQualifiedDomainName\":\"{}\",\"mediaBypassEnabled\":false}}\n",
            self.0,
            self.trunk()
        )
    }

    /// One row below [`CSV_HEADER`]; some have a line end within a cell.
    pub fn csv(self) -> String {
        let Kind { succeeded, microsoft_code, sip_code, phrase, .. } = self.kind();
        let call_type = if self.is_inbound() { "Dr_In" } else { "Dr_Out" };
        let success = if *succeeded { "Yes" } else { "No" };
        let name = if self.0.is_multiple_of(7) { "\"User, One\nof Contoso\"" } else { "User One" };
        format!(
            "d1000000-05ec-4a1b-8c2d-{:012x},a0000001-05ec-4a1b-8c2d-000000000001,user.one@emea.contoso.com,{name},US,\
             2026-11-01T08:00:00.0000000Z,2026-11-01T08:00:05.0000000Z,,2026-11-01T08:01:00.0000000Z,60,{success},+1425555****,+1425555****,\
             {call_type},USWE,EUNO,{sip_code},{microsoft_code},{phrase},{},No,\n",
            self.0,
            self.trunk()
        )
    }
}

pub type Counts = BTreeMap<Labels, f64>;

/// What the daemon must show.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Truth {
    pub calls: Counts,
    pub failures: Counts,
    pub counted: usize,
    pub rejected: usize,
    /// Calls written once more, where ids are remembered.
    pub again: usize,
}

impl Truth {
    /// The call is written, to its last byte.
    pub fn count(&mut self, record: Record) {
        let Kind { microsoft_code, sip_code, outcome, cause, .. } = record.kind();
        let direction = if record.is_inbound() { "inbound" } else { "outbound" };
        let place =
            [("source", "t"), ("trunk", record.trunk()), ("direction", direction), ("arrival", "live")];
        let with = |more: &[(&str, &str)]| {
            let mut all = labels(place);
            all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            all
        };
        self.counted += 1;
        *self.calls.entry(with(&[("outcome", outcome)])).or_default() += 1.0;
        if *outcome == "failed" {
            let codes = [microsoft_code.to_string(), sip_code.to_string()];
            let all = with(&[("cause", cause), ("microsoft_code", &codes[0]), ("sip_code", &codes[1])]);
            *self.failures.entry(all).or_default() += 1.0;
        }
    }

    /// Whether this page has at least as many records in all. Asked again and again, so the page is not parsed.
    pub fn is_reached(&self, page: &str) -> bool {
        let records = |result: &str| {
            let line = format!("cdr_exporter_records_total{{source=\"t\",result=\"{result}\"}} ");
            let value = page.lines().find_map(|shown| shown.strip_prefix(&line));
            value.map_or(0, |value| value.parse::<usize>().unwrap())
        };
        records("counted") >= self.counted && records("rejected") >= self.rejected
    }

    /// Fails unless every figure is the true one.
    pub fn assert_shown(&self, shown: &Metrics) {
        assert_same("cdr_calls_total", &self.calls, shown);
        assert_same("cdr_call_failures_total", &self.failures, shown);
        let records = |result| shown.sum("cdr_exporter_records_total", &[("result", result)]);
        assert_eq!(records("counted"), self.counted as f64, "counted");
        assert_eq!(records("rejected"), self.rejected as f64, "rejected");
        assert_eq!(records("ignored"), 0.0, "ignored");
        let all: f64 = ["counted", "rejected", "header", "duplicate"].into_iter().map(records).sum();
        assert_eq!(shown.sum("cdr_exporter_read_records_total", &[]), all, "the balance of records");
    }
}

fn assert_same(name: &str, expected: &Counts, shown: &Metrics) {
    let shown = shown.counted(name);
    let sum = |counts: &Counts| counts.values().sum::<f64>();
    let other =
        expected.keys().chain(shown.keys()).find(|labels| shown.get(*labels) != expected.get(*labels));
    if let Some(labels) = other {
        panic!(
            "{name}{labels:?} is {:?} and not {:?}; in all {} and not {}",
            shown.get(labels),
            expected.get(labels),
            sum(&shown),
            sum(expected)
        );
    }
}
