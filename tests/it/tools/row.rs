//! Rows of Graph's `directRoutingLogRow`, as few fields as a test needs to say.

use cdr_exporter::clock;
use jiff::Timestamp;

/// One call.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: u32,
    pub trunk: &'static str,
    pub call_type: &'static str,
    pub succeeded: bool,
    /// Microsoft code and SIP code.
    pub codes: (u64, u16),
}

impl Row {
    /// An answered call to the outside.
    pub fn answered(id: u32, trunk: &'static str) -> Self {
        Self { id, trunk, call_type: "ByotOut", succeeded: true, codes: (560_000, 0) }
    }

    /// A failed call to the outside.
    pub fn failed(id: u32, trunk: &'static str, codes: (u64, u16)) -> Self {
        Self { id, trunk, call_type: "ByotOut", succeeded: false, codes }
    }

    /// The same call, but from the outside.
    pub fn inbound(self) -> Self {
        Self { call_type: "ByotIn", ..self }
    }

    /// One line of JSON without its newline; the call has ended just now.
    pub fn json(&self) -> String {
        self.json_of(Timestamp::from_millisecond(clock::now().0).unwrap())
    }

    /// The same of a call that was answered or refused at once, lasted so many seconds, and ended so many ago.
    pub fn json_lasting(&self, seconds: u32, ago: i64) -> String {
        let end = Timestamp::from_millisecond(clock::now().0 - 1000 * ago).unwrap();
        let decided = if self.succeeded { "startDateTime" } else { "failureDateTime" };
        let duration = format!(r#""{decided}":"{end}","duration":{seconds},"#);
        self.json_of(end).replace(r#""duration":0,"#, &duration)
    }

    /// The same of a call that ended at this time.
    pub fn json_of(&self, end: Timestamp) -> String {
        let Self { id, trunk, call_type, succeeded, codes: (microsoft_code, sip_code) } = self;
        let lines = [
            format!(r#"{{"id":"d1000000-05ec-4a1b-8c2d-{id:012x}","userDisplayName":"User One","#),
            format!(r#""inviteDateTime":"{end}","endDateTime":"{end}","duration":0,"#),
            format!(r#""callType":"{call_type}","successfulCall":{succeeded},"#),
            format!(r#""callerNumber":"+1425555****","finalSipCode":{sip_code},"#),
            format!(r#""callEndSubReason":{microsoft_code},"trunkFullyQualifiedDomainName":"{trunk}"}}"#),
        ];
        lines.concat()
    }
}

/// One row a line.
pub fn ndjson(rows: &[Row]) -> String {
    rows.iter().map(|row| row.json() + "\n").collect()
}

/// One response with all rows, as Graph Explorer shows it.
pub fn response(rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(Row::json).collect();
    format!("{{\n  \"@odata.context\": \"x\",\n  \"value\": [\n    {}\n  ]\n}}\n", rows.join(",\n    "))
}
