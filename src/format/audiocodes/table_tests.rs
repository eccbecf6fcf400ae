//! Tables of the device's local storage: legs, and session detail records.

use super::tests::rows;
use super::*;
use crate::call::{Attempt, Direction, RefusedBy};

const TITLES: &str =
    "SBCReportType,SessionId,Orig,Durat,ConnectTime,ReleaseTime,IPGroup (name),SIPTrmReason,SIPTermDesc";
const REFUSED: &str = "CALL_END,c6:22:1,RMT,0,,09:01:30.000  UTC Tue Nov 05 2024,Teams,403,";

#[test]
fn reads_a_table_of_legs() {
    for (delimiter, quoted) in [(",", false), (";", false), ("\t", false), (",", true)] {
        let written = |line: &str| match quoted {
            true => format!("\"{}\"", line.replace(',', "\",\"")),
            false => line.replace(',', delimiter),
        };
        let other = REFUSED.replace("Teams", "Carrier");
        let start = REFUSED.replace("CALL_END", "CALL_START");
        let lines = [TITLES, REFUSED, &other, &start, "CALL_END,c6:22:2,RMT"].map(written);
        let decoded = rows(&lines.each_ref().map(String::as_str), None);
        let [Decoded::Header, Decoded::Call(call), rest @ ..] = &decoded[..] else { panic!("{decoded:?}") };
        assert_eq!(
            (call.codes.sip, call.direction, &call.trunk),
            (Some(403), Direction::Outbound, &"Teams".into())
        );
        let expected = [Decoded::Ignored, Decoded::Ignored, Decoded::Rejected(Reason::BadLine)];
        assert_eq!(rest, expected, "{delimiter:?}");
    }
    // Without a header row, the operator names the columns; else nothing is known of them.
    assert!(matches!(rows(&[REFUSED], Some(TITLES))[..], [Decoded::Call(_)]));
    assert_eq!(rows(&[REFUSED], None), [Decoded::Ignored]);
    assert!(Table::of_layout("SessionId,Orig").is_err());
}

#[test]
fn reads_sessions() {
    const TITLES: &str = "RecordType,SetupTime,ConnectTime,ReleaseTime,SessionId,IsSuccess,Ingress IPGroup (name),Egress IPGroup (name),\
        IngressSIPTrmReason,EgressSIPTrmReason,IngressSIPTrmDescr,EgressSIPTrmDescr";
    let session = |kind: &str, connected: &str, sides: &str, reasons: &str| {
        format!(
            "{kind},09:00:00.000  UTC Tue Nov 05 2024,{connected},09:01:30.000  UTC Tue Nov 05 2024,c6:22:1,yes,{sides},{reasons}"
        )
    };
    let call = |line: &str| match &rows(&[TITLES, line], None)[1] {
        Decoded::Call(call) => call.clone(),
        other => panic!("{line}: {other:?}"),
    };
    let answered = call(&session("STOP", "09:01:00.000  UTC Tue Nov 05 2024", "Teams,Carrier", "BYE,BYE,,"));
    assert_eq!((answered.succeeded, answered.duration_seconds), (Some(true), Some(30)));
    assert_eq!((answered.direction, answered.trunk), (Direction::Outbound, "Teams".into()));
    let before_the_clock_was_set =
        call(&session("STOP", "00:00:05.000  UTC Thu Jan 01 1970", "Teams,Carrier", "BYE,BYE,,"));
    assert_eq!(before_the_clock_was_set.duration_seconds, None);
    // IsSuccess says yes of an attempt, too.
    let attempt = call(&session("ATTEMPT", "", "Carrier,Teams", "480,486,,"));
    assert_eq!((attempt.succeeded, attempt.codes.sip), (Some(false), Some(486)));
    assert_eq!((attempt.direction, attempt.attempt), (Direction::Inbound, Attempt::Branch));
    for (line, expected) in [
        (session("START", "", "Teams,Carrier", ",,,"), Decoded::Ignored),
        (session("ATTEMPT", "", "A,B", ",486,,"), Decoded::Ignored),
        (session("X", "", "Teams,B", ",486,,"), Decoded::Rejected(Reason::BadLine)),
        (session("ATTEMPT", "", "Teams,B", ",4x6,,"), Decoded::Rejected(Reason::BadCode)),
    ] {
        assert_eq!(rows(&[TITLES, &line], None)[1], expected, "{line}");
    }
}

#[test]
fn a_header_row_is_what_reading_goes_on_with() {
    let mut decoder = Decoder::new(&device::UNKNOWN);
    assert_eq!(decoder.decode(TITLES.as_bytes()), Decoded::Header);
    assert_eq!(decoder.header().as_deref(), Some(TITLES.as_bytes()));
    assert_eq!(recognise(format!("{TITLES}\n").as_bytes(), false, Names::default()), Recognised::Yes);
    assert_eq!(recognise(TITLES.as_bytes(), false, Names::default()), Recognised::NeedMore);
    assert_eq!(recognise(TITLES.as_bytes(), true, Names::default()), Recognised::Yes);
}

/// Where the called side has no answer, the device gave it.
#[test]
fn which_side_of_a_session_refused_it() {
    const TITLES: &str = "RecordType,SessionId,Ingress IPGroup (name),Egress IPGroup (name),IngressSIPTrmReason,EgressSIPTrmReason";
    for (sides, reasons, expected) in [
        ("Carrier,Teams", "480,480", RefusedBy::Teams),
        ("Carrier,Teams", "408,", RefusedBy::Unknown),
        ("Teams,Carrier", "480,480", RefusedBy::SbcSide),
        ("Teams,Carrier", "480,", RefusedBy::Sbc),
    ] {
        let line = format!("ATTEMPT,c6:22:1,{sides},{reasons}");
        let [_, Decoded::Call(call)] = &rows(&[TITLES, &line], None)[..] else { panic!("{line}") };
        assert_eq!(call.codes.refused_by, expected, "{line}");
    }
}
