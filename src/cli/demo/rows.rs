//! Made-up calls as Microsoft writes them: Graph `directRoutingLogRow` as one line of JSON, and rows of the Teams
//! admin center's `DirectRouting.calls.<date>.csv`.
//!
//! Property and column names are documented at learn.microsoft.com/graph/api/resources/callrecords-directroutinglogrow
//! and learn.microsoft.com/microsoftteams/teams-analytics-and-reports/pstn-usage-report.

use std::fmt::{self, Display, Formatter, Write};

use jiff::Timestamp;

use super::traffic::{MadeUpCall, TRUNKS, Traffic};
use crate::call::{Direction, Guid, Outcome, UnixMillis};

/// The header of the admin center's file, with its line end.
pub const ADMIN_CENTER_HEADER: &str = "CorrelationId,AAD ObjectId,UPN,Display Name,User country,Invite time,Start time,\
    Failure time,End time,Duration (seconds),Success,Caller Number,Callee Number,Call type,Azure region for Media,\
    Azure region for Signaling,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN,Media bypass,\
    Shared correlation ID\r\n";

/// How Graph writes that there is no such time.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

impl Traffic {
    /// Appends the call as one line of JSON, about 750 bytes.
    pub fn graph_row(&self, call: &MadeUpCall, text: &mut String) {
        let ending = self.ending(call);
        let answered = ending.outcome == Outcome::Answered;
        let trunk = &TRUNKS[call.trunk];
        let [media, signaling] = trunk.regions;
        let (caller, callee) = call.numbers();
        let [id, correlation_id] = [call.id, call.correlation_id].map(Guid);
        let [invited, started, ended] = [call.invited_at, call.started_at, call.ended_at].map(Time);
        let _ = write!(text, r#"{{"id":"{id}","correlationId":"{correlation_id}","#);
        let _ = match call.user {
            Some((user, object_id)) => write!(
                text,
                r#""userId":"{}","userPrincipalName":"user{user}@contoso.com","userDisplayName":"User {user}","#,
                Guid(object_id)
            ),
            None => text.write_str(r#""userId":null,"userPrincipalName":null,"userDisplayName":null,"#),
        };
        let _ = write!(text, r#""inviteDateTime":"{invited}","startDateTime":"{started}","#);
        let _ = match answered {
            true => write!(text, r#""failureDateTime":"{NO_TIME}","endDateTime":"{ended}","#),
            false => write!(text, r#""failureDateTime":"{ended}","endDateTime":null,"#),
        };
        let _ = write!(
            text,
            r#""duration":{},"callType":"{}","successfulCall":{answered},"callerNumber":"{caller}","#,
            call.seconds(),
            call.graph_type()
        );
        let _ = write!(
            text,
            r#""calleeNumber":"{callee}","mediaPathLocation":"{media}","signalingLocation":"{signaling}","#
        );
        let _ = write!(
            text,
            r#""finalSipCode":{},"callEndSubReason":{},"finalSipCodePhrase":{},"#,
            ending.sip_code, ending.microsoft_code, ending.json_phrase
        );
        let _ = write!(
            text,
            r#""trunkFullyQualifiedDomainName":"{}","mediaBypassEnabled":{},"#,
            trunk.fqdn, trunk.media_bypass
        );
        text.push_str("\"userCountryCode\":\"US\",\"otherPartyCountryCode\":\"US\"}\n");
    }

    /// Appends the call as a row of CSV, about 340 bytes.
    pub fn admin_center_row(&self, call: &MadeUpCall, text: &mut String) {
        let ending = self.ending(call);
        let answered = ending.outcome == Outcome::Answered;
        let trunk = &TRUNKS[call.trunk];
        let [media, signaling] = trunk.regions;
        let (caller, callee) = call.numbers();
        let correlation_id = Guid(call.correlation_id);
        let [invited, started, ended] = [call.invited_at, call.started_at, call.ended_at].map(Time);
        let _ = write!(text, "{correlation_id},");
        let _ = match call.user {
            Some((user, object_id)) => {
                write!(text, "{},user{user}@contoso.com,User {user},US,", Guid(object_id))
            }
            None => text.write_str(",,,,"),
        };
        let _ = match answered {
            true => write!(text, "{invited},{started},,{ended},{},Yes,", call.seconds()),
            false => write!(text, "{invited},{started},{ended},,{},No,", call.seconds()),
        };
        let _ = write!(
            text,
            "{caller},{callee},{},{media},{signaling},{},{},{},{},{},{correlation_id}\r\n",
            call.admin_center_type(),
            ending.sip_code,
            ending.microsoft_code,
            ending.csv_phrase,
            trunk.fqdn,
            if trunk.media_bypass { "Yes" } else { "No" }
        );
    }
}

impl MadeUpCall {
    /// Seconds from INVITE to end or failure.
    fn seconds(&self) -> i64 {
        (self.ended_at.0 - self.invited_at.0) / 1000
    }

    /// Caller and callee, masked as Microsoft masks them.
    fn numbers(&self) -> (Number, Number) {
        let (inside, outside) = (Number(425), Number(self.area));
        match self.direction {
            Direction::Inbound => (outside, inside),
            Direction::Outbound | Direction::Unknown => (inside, outside),
        }
    }

    fn graph_type(&self) -> &'static str {
        match (self.direction, self.transferred, self.user) {
            (Direction::Inbound, _, None) => "ByotInUcap",
            (Direction::Inbound, ..) => "ByotIn",
            (_, true, _) => "ByotOutUserTransfer",
            _ => "ByotOut",
        }
    }

    fn admin_center_type(&self) -> &'static str {
        match (self.direction, self.transferred, self.user) {
            (Direction::Inbound, _, None) => "dr_in_bot",
            (Direction::Inbound, ..) => "Dr_In",
            (_, true, _) => "Dr_Out_User_Transfer",
            (_, _, None) => "dr_out_bot",
            _ => "Dr_Out",
        }
    }
}

/// A number of an area, its last digits masked.
struct Number(u16);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "+1{}555****", self.0)
    }
}

/// A time in UTC with milliseconds.
struct Time(UnixMillis);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0.0).unwrap_or_default();
        write!(f, "{time:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_795_305_600_000);

    fn rows(write: impl Fn(&Traffic, &MadeUpCall, &mut String)) -> (Vec<MadeUpCall>, Vec<String>) {
        let mut traffic = Traffic::new(4, START);
        let calls: Vec<MadeUpCall> =
            (0..6_000).map(|n| traffic.varied_call(UnixMillis(START.0 + n))).collect();
        let row = |call: &MadeUpCall| {
            let mut text = String::new();
            write(&traffic, call, &mut text);
            text
        };
        let rows = calls.iter().map(row).collect();
        (calls, rows)
    }

    #[test]
    fn graph_rows_are_objects_of_the_documented_size() {
        let (_, rows) = rows(Traffic::graph_row);
        for row in &rows {
            let object: serde_json::Value = serde_json::from_str(row).expect(row);
            assert_eq!(object.as_object().map(serde_json::Map::len), Some(23), "{row}");
        }
        let mean = rows.iter().map(String::len).sum::<usize>() / rows.len();
        assert!((700..=780).contains(&mean), "{mean}");
    }

    #[test]
    fn admin_center_rows_have_a_field_for_each_column() {
        let (calls, rows) = rows(Traffic::admin_center_row);
        let text = format!("{ADMIN_CENTER_HEADER}{}", rows.concat());
        let records: Vec<_> =
            csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<_, _>>().expect("CSV");
        assert_eq!(records.len(), calls.len());
        assert_eq!(records[0].len(), 22);
        let mean = rows.iter().map(String::len).sum::<usize>() / rows.len();
        assert!((310..=360).contains(&mean), "{mean}");
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        assert_eq!(rows(Traffic::graph_row).1, rows(Traffic::graph_row).1);
    }
}
