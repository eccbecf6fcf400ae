//! Cisco CUBE: call accounting as files (`gw-accounting file`, compact or detailed) and as syslog (`gw-accounting syslog`), one line to
//! each leg. There is no SIP code, only the cause of Q.850.
//!
//! The legs that the router answered count, and those of one connection are one call, answered if one of them was: it has one of them,
//! or more where it was sent on. Those that the router originated are ignored.
//! A `*` or `.` before a time says that the clock was not set by others.
//! Documented at cisco.com, "CDR Accounting for Cisco IOS Routers" and document 14068.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::answered::{self, NEVER_ANSWERED};
use super::device::{self, Device, Keys};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, loose_cells, written_time};
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, Reason, RecordId, UnixMillis, Unread, UnreadField, Words,
};
use crate::framing::Framing;

/// Accounting of a router.
pub static FORMAT: Format = Format {
    name: "cube",
    aliases: &[],
    framing: Framing::Lines,
    recognise,
    is_log: true,
    live_within: Duration::from_mins(90),
    is_trunk: device::is_device_trunk,
    public: Public::of_words(&[
        "VOIP_CALL_HISTORY",
        "answer",
        "originate",
        "DisconnectCause",
        "DisconnectText",
        "CallOrigin",
    ]),
    broken: Reason::BadLine,
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder(device)),
        teams_side: false,
        carrier_trunk: None,
        layout: None,
    }),
    twin: None,
    config: "",
};

/// What stands before the pairs of a line of syslog.
const MARK: &str = "VOIP_CALL_HISTORY: ";

/// A compact line has 35 fields, a detailed one about 130; both begin with the same.
const LEAST_FIELDS: usize = 35;

fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let is_record = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        line.contains(MARK) || Leg::of_file(&line).is_some()
    };
    match device::is_json(text) {
        true => Recognised::No,
        false => device::recognise_log(text, finished, is_record),
    }
}

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn decode<'a>(&'a mut self, line: &'a [u8]) -> Decoded<'a> {
        let line = String::from_utf8_lossy(device::without_escaped_end(line));
        let leg = match line.split_once(MARK) {
            Some((_, pairs)) => Leg::of_syslog(pairs),
            // Another line of the log; or one of a file that was cut.
            None => match Leg::of_file(&line) {
                Some(leg) => Ok(leg),
                None if begins_a_leg(&line) => Err(Reason::BadLine),
                None => return Decoded::Ignored,
            },
        };
        match leg {
            Ok(leg) if leg.was_originated => Decoded::Ignored,
            Ok(leg) => leg.call(self.0).map_or_else(Decoded::Rejected, Decoded::Call),
            Err(reason) => Decoded::Rejected(reason),
        }
    }
}

/// One leg, as either kind of line has it.
#[derive(Debug, PartialEq)]
struct Leg {
    connection: String,
    setup: String,
    connected: String,
    disconnected: String,
    cause: Option<u8>,
    was_originated: bool,
}

/// Whether a line begins as those of a file do: time, call id, kind, leg. One that does not go on so was cut.
fn begins_a_leg(line: &str) -> bool {
    let mut fields = line.split(',');
    let is_number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    fields.next().is_some_and(|time| time.len() == 10 && is_number(time))
        && fields.next().is_some_and(is_number)
}

impl Leg {
    fn of_file(line: &str) -> Option<Self> {
        if !begins_a_leg(line) {
            return None;
        }
        let cells = loose_cells::split(line, b',');
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let was_originated = match *cells.get(13)? {
            "originate" | "2" => true,
            "answer" | "1" => false,
            _ => return None,
        };
        (cells.len() >= LEAST_FIELDS).then(|| Self {
            connection: cells[4].to_owned(),
            setup: cells[7].to_owned(),
            connected: cells[9].to_owned(),
            disconnected: cells[10].to_owned(),
            cause: cause(cells[11], cells[12]),
            was_originated,
        })
    }

    /// `Name value` pairs, parted by commas; a value may have blanks.
    fn of_syslog(pairs: &str) -> Result<Self, Reason> {
        let get = |name: &str| {
            let mut pairs = pairs.split(',').map(str::trim);
            pairs.find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix(' ').unwrap_or_default().trim()))
        };
        let origin = get("CallOrigin").ok_or(Reason::BadLine)?;
        Ok(Self {
            connection: get("ConnectionId").unwrap_or_default().to_owned(),
            setup: get("SetupTime").unwrap_or_default().to_owned(),
            connected: get("ConnectTime").unwrap_or_default().to_owned(),
            disconnected: get("DisconnectTime").ok_or(Reason::BadLine)?.to_owned(),
            cause: cause(
                get("DisconnectCause").unwrap_or_default(),
                get("DisconnectText").unwrap_or_default(),
            ),
            was_originated: origin == "2",
        })
    }

    fn call(&self, device: &Device) -> Result<Call<'static>, Reason> {
        if self.connection.is_empty() {
            return Err(Reason::NoRecordId);
        }
        let mut unread = Unread::default();
        let mut time = |text: &str, field| {
            let text = text.trim_start_matches(['*', '.']);
            written_time::first([(text, field)], device, &mut unread)
        };
        let disconnected = time(&self.disconnected, UnreadField::EndTime);
        let connected = time(&self.connected, UnreadField::StartTime);
        let text = self.connected.trim_start_matches(['*', '.']);
        let read =
            if answered::is_none(text) { Ok(None) } else { connected.map(Some).ok_or(Reason::BadTime) };
        let was_connected = answered::was_answered(text, read, || (None, self.cause));
        // What stands there when nobody answered is not documented: an answered call lasts, from a time after its setup on, and ends
        // by no cause that says that nobody answered.
        let is_after_setup = connected >= time(&self.setup, UnreadField::InviteTime);
        let lasted = connected.is_none() || is_after_setup && connected < disconnected;
        let answered =
            was_connected && lasted && !self.cause.is_some_and(|cause| NEVER_ANSWERED.contains(&cause));
        let seconds = |from: UnixMillis, to: UnixMillis| u32::try_from((to.0 - from.0) / 1000).ok();
        Ok(Call {
            record_id: RecordId(xxh3_128(self.connection.as_bytes())),
            trunk: "".into(),
            direction: Direction::Unknown,
            succeeded: Some(answered),
            codes: Codes { q850: self.cause, words: Words::Other, ..Codes::default() },
            ended_at: disconnected,
            duration_seconds: connected
                .filter(|_| answered)
                .zip(disconnected)
                .and_then(|(from, to)| seconds(from, to)),
            attempt: Attempt::Branch,
            unread,
            detail: Detail::default(),
        })
    }
}

/// `10` with `normal call clearing (16)`: hexadecimal, and decimal in the text.
fn cause(hexadecimal: &str, text: &str) -> Option<u8> {
    let in_text = || text.trim_end_matches([')', '.']).rsplit_once('(')?.1.parse().ok();
    u8::from_str_radix(hexadecimal, 16).ok().or_else(in_text).filter(|cause| (1..128).contains(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(origin: &str, connected: &str, cause: &str) -> String {
        let head = format!(
            r#"1371789223,4299,1,2,"9364550F D96211E2 8F0D9C9C 52CD806F","8016804400","","*04:33:37.734 UTC Fri Jun 21 2013","","{connected}","*04:33:57.734 UTC Fri Jun 21 2013",{cause},"{origin}""#
        );
        head + &",0".repeat(21)
    }

    const SYSLOG: &str = "Dec 16 10:15:20 router 42: %VOIPAAA-5-VOIP_CALL_HISTORY: CallLegType 2, ConnectionId CA52 F 0 1, SetupTime \
        10:14:59.214 CET Thu Dec 16 2010, PeerAddress 510, PeerSubAddress , DisconnectCause 22  , DisconnectText no circuit (34), \
        ConnectTime , DisconnectTime 10:15:19.214 UTC Thu Dec 16 2010, CallOrigin 1, ChargedUnits 0";

    #[test]
    fn a_call_lasts_while_clocks_are_put_back() {
        let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let device = Device::parse(&[], device::TrunkFrom::Teams, zone).unwrap();
        let device: &'static Device = Box::leak(Box::new(device));
        let line =
            compact("answer", "*02:50:10.000 CEST Sun Oct 25 2026", r#""10","normal call clearing (16)""#)
                .replace("*04:33:37.734 UTC Fri Jun 21 2013", "*02:50:00.000 CEST Sun Oct 25 2026")
                .replace("*04:33:57.734 UTC Fri Jun 21 2013", "*02:05:00.000 CET Sun Oct 25 2026");
        let Decoded::Call(call) = Decoder(device).decode(line.as_bytes()).owned() else { panic!("a call") };
        assert_eq!((call.succeeded, call.duration_seconds), (Some(true), Some(890)));
    }

    fn decoded(line: &str) -> Decoded<'static> {
        Decoder(&device::UNKNOWN).decode(line.as_bytes()).owned()
    }

    #[test]
    fn quotes_within_a_text_need_not_be_doubled() {
        let busy = compact("answer", "", r#""11","user "busy" (17)""#);
        assert_eq!(call(&busy).codes.q850, Some(17));
        let (cut, _) = busy.split_once(" (17)").unwrap();
        assert_eq!(decoded(cut), Decoded::Rejected(Reason::BadLine));
    }

    fn call(line: &str) -> Call<'static> {
        match decoded(line) {
            Decoded::Call(call) => call,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn reads_a_leg_of_a_file() {
        let answered = call(&compact(
            "answer",
            "*04:33:47.734 UTC Fri Jun 21 2013",
            r#""10  ","normal call clearing (16)""#,
        ));
        assert_eq!((answered.succeeded, answered.duration_seconds), (Some(true), Some(10)));
        assert_eq!(answered.ended_at, Some(UnixMillis(1_371_789_237_734)));
        let busy = call(&compact("answer", "", r#""11  ","user busy (17)""#));
        assert_eq!((busy.succeeded, busy.codes.q850, busy.codes.sip), (Some(false), Some(17), None));
        let same = call(&compact("answer", "*04:33:57.734 UTC Fri Jun 21 2013", r#""22","""#));
        assert_eq!((same.succeeded, same.codes.q850), (Some(false), Some(34)));
        for (connected, cause, answered) in [
            ("*04:33:47.734 UTC Mon Jan 1 1900", r#""10","normal call clearing (16)""#, false),
            ("*04:33:47.734 UTC Thu Jan 1 1970", r#""10","normal call clearing (16)""#, false),
            ("*04:33:30.734 UTC Fri Jun 21 2013", r#""10","normal call clearing (16)""#, false),
            ("*04:33:47.734 UTC Fri Jun 21 2013", r#""11","user busy (17)""#, false),
            ("*04:33:47.734 UTC Fri Jun 21 2013", r#""66","recovery on timer expiry (102)""#, true),
        ] {
            assert_eq!(
                call(&compact("answer", connected, cause)).succeeded,
                Some(answered),
                "{connected} {cause}"
            );
        }
        for (cause, answered) in
            [(r#""11","user busy (17)""#, false), (r#""10","normal call clearing (16)""#, true)]
        {
            let unread = call(&compact("answer", "24:00:00 UTC Fri Jun 21 2013", cause));
            assert!(unread.unread.has(UnreadField::StartTime));
            assert_eq!(unread.succeeded, Some(answered), "{cause}: as in other formats");
        }
    }

    #[test]
    fn reads_a_leg_of_syslog() {
        let call = call(SYSLOG);
        assert_eq!((call.succeeded, call.codes.q850), (Some(false), Some(34)));
        assert_eq!(call.ended_at, Some(UnixMillis(1_292_494_519_214)));
        assert_eq!(call.record_id, RecordId(xxh3_128(b"CA52 F 0 1")));
    }

    #[test]
    fn an_escaped_carriage_return_is_no_part_of_a_line() {
        let (originated, _) = SYSLOG.split_once("1, ChargedUnits").unwrap();
        assert_eq!(decoded(&format!("{originated}2#015")), Decoded::Ignored);
    }

    #[test]
    fn what_is_no_call() {
        for line in [
            compact("originate", "", r#""11","user busy (17)""#),
            SYSLOG.replace("CallOrigin 1", "CallOrigin 2"),
            "Dec 16 10:15:20 router 42: %LINK-3-UPDOWN: Interface up".to_owned(),
        ] {
            assert_eq!(decoded(&line), Decoded::Ignored, "{line}");
        }
        let cut = compact("answer", "", r#""11","user busy (17)""#)[..80].to_owned();
        for (line, reason) in [
            (cut, Reason::BadLine),
            (SYSLOG[..200].to_owned(), Reason::BadLine),
            (SYSLOG.replace("ConnectionId CA52 F 0 1", "ConnectionId "), Reason::NoRecordId),
        ] {
            assert_eq!(decoded(&line), Decoded::Rejected(reason), "{line}");
        }
    }

    #[test]
    fn recognises_its_lines() {
        use Recognised::{NeedMore, No, Yes};
        let line = compact("answer", "", r#""11","user busy (17)""#);
        for (text, finished, expected) in [
            (format!("{line}\n"), false, Yes),
            (line.clone(), true, Yes),
            (line, false, NeedMore),
            (format!("09:00:00 another program\n{SYSLOG}\n"), false, Yes),
            (format!("a,b\n{SYSLOG}\n"), false, No),
            ("1371789223,4299,1".to_owned(), false, NeedMore),
            ("1371789223,4299,1\n".to_owned(), false, No),
            ("{\"a\"".to_owned(), false, No),
        ] {
            assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
        }
    }
}
