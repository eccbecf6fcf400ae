//! Rows of both modules, and what becomes of them.

use super::*;
use crate::call::{Codes, Detail, RefusedBy, Unread, Words};
use crate::format::device::TrunkFrom;

const ROW: &str = r#""","+14255550100","+14255550199","from-teams","""User One"" <+14255550100>","PJSIP/teams-0000000a","PJSIP/carrier-1-0000000b","Dial","PJSIP/x",2024-11-05 09:00:00,,"2024-11-05 09:00:20",20,0,"BUSY","DOCUMENTATION","1730797200.1","SIP 486 Busy Here","","1730797200.0",7"#;
const CUSTOM: &str = r#""""User One"" <+14255550100>","+14255550100","+14255550199","from-teams","PJSIP/teams-0000000a","PJSIP/carrier-1-0000000b","Dial","PJSIP/x","2024-11-05 09:00:00","","2024-11-05 09:00:20","20","0","NO ANSWER","3","","mainserver-1730797200.1","",7"#;

fn device() -> &'static Device {
    let berlin = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    Box::leak(Box::new(Device::parse(&["teams*"], TrunkFrom::Carrier, berlin).unwrap()))
}

fn call(row: &str, device: &'static Device) -> Call<'static> {
    match Decoder::new(device).decode(row.as_bytes()) {
        Decoded::Call(call) => call.owned(),
        other => panic!("{row}: {other:?}"),
    }
}

#[test]
fn reads_a_row_of_cdr_csv() {
    let expected = Call {
        record_id: RecordId(xxh3_128(b"1730797200.0")),
        trunk: "carrier-1".into(),
        direction: Direction::Outbound,
        succeeded: Some(false),
        codes: Codes {
            sip: Some(486),
            q850: Some(17),
            words: Words::Other,
            refused_by: RefusedBy::SbcSide,
            ..Codes::default()
        },
        ended_at: Some(UnixMillis(1_730_793_620_000)),
        duration_seconds: Some(20),
        attempt: Attempt::Branch,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(ROW, device()), expected);
    let unknown = call(ROW, &device::UNKNOWN);
    assert_eq!((unknown.trunk, unknown.direction), ("".into(), Direction::Unknown));
    assert_eq!(unknown.ended_at, Some(UnixMillis(1_730_797_220_000)));
    let epoch = call(&ROW.replace("\"2024-11-05 09:00:20\"", "1730797220"), &device::UNKNOWN);
    assert!(epoch.unread.has(UnreadField::EndTime) && epoch.ended_at.is_some());
}

#[test]
fn reads_a_row_of_cdr_custom() {
    let call = call(CUSTOM, device());
    assert_eq!((call.codes.sip, call.codes.q850, call.attempt), (None, Some(19), Attempt::Branch));
    assert_eq!(call.record_id, RecordId(xxh3_128(b"mainserver-1730797200.1")));
}

#[test]
fn columns_are_those_that_the_switches_make() {
    let head = r#"a,1,2,from-teams,c,PJSIP/teams-1,PJSIP/b-2,Dial,x,2024-11-05 09:00:00,,2024-11-05 09:00:20,20,0,BUSY,3"#;
    let [unique, linked] = ["1730797200.1", "1730797200.0"].map(|id| Some(RecordId(xxh3_128(id.as_bytes()))));
    for (more, id, sip) in [
        ("", None, None),
        (",1730797200.1", unique, None),
        (",SIP 486 Busy Here", None, Some(486)),
        (",1730797200.1,SIP 486 Busy Here", unique, Some(486)),
        (",peer,1730797200.0,7", linked, None),
        (",main-1730797200.1,peer,1730797200.0,7", linked, None),
        (",SIP 486 Busy Here,peer,1730797200.0,7", linked, Some(486)),
        (",1730797200.1,SIP 486 Busy Here,peer,1730797200.0,7", linked, Some(486)),
    ] {
        let call = call(&format!("{head}{more}"), &device::UNKNOWN);
        assert_eq!((call.codes.sip, call.codes.q850), (sip, Some(17)), "{more}");
        let is_by_itself = id.is_none();
        assert_eq!(call.attempt == Attempt::Only, is_by_itself, "{more}");
        assert!(is_by_itself || Some(call.record_id) == id, "{more}");
    }
}

#[test]
fn disposition_decides() {
    for (disposition, answered, q850) in
        [("ANSWERED", true, None), ("FAILED", false, None), ("CONGESTION", false, Some(34))]
    {
        // NO ANSWER can have a time of answer: the dialplan answered.
        let row = ROW.replace("BUSY\"", &format!("{disposition}\""));
        let call = call(&row, &device::UNKNOWN);
        assert_eq!((call.succeeded, call.codes.q850), (Some(answered), q850), "{disposition}");
    }
}

#[test]
fn what_is_no_call_of_teams() {
    let phones = ROW.replace("from-teams", "internal").replace("PJSIP/teams-", "PJSIP/phone-");
    assert_eq!(Decoder::new(device()).decode(phones.as_bytes()), Decoded::Ignored);
    for (row, reason) in [
        (ROW.replace("BUSY\"", "MAYBE\""), Reason::BadSuccess),
        (ROW.replace(",7", ",7,8"), Reason::BadCsv),
        (ROW.replace("\"Dial\"", "\"Dial"), Reason::BadCsv),
    ] {
        assert_eq!(Decoder::new(device()).decode(row.as_bytes()), Decoded::Rejected(reason), "{row}");
    }
}

#[test]
fn recognises_its_rows() {
    use Recognised::{NeedMore, No, Yes};
    for (text, finished, expected) in [
        (ROW.to_owned(), false, NeedMore),
        (ROW.to_owned(), true, Yes),
        (format!("{CUSTOM}\r\n"), false, Yes),
        ("a,b,c\n".to_owned(), false, No),
        ("{\"a\":".to_owned(), false, No),
    ] {
        assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
    }
}

/// Where Teams' side is known by its context alone, that is the trunk: a peer may be a phone.
#[test]
fn the_context_that_tells_the_side_is_the_trunk() {
    let device = Device::parse(&["from-teams"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let device: &'static Device = Box::leak(Box::new(device));
    for peer in ["PJSIP/teams-0000000a", "PJSIP/user.one-0000000a"] {
        let call = call(&ROW.replace("PJSIP/teams-0000000a", peer), device);
        assert_eq!((call.trunk, call.direction), ("from-teams".into(), Direction::Outbound), "{peer}");
    }
}

#[test]
fn peers_tell_more_than_the_context() {
    let device = Device::parse(&["*teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let device: &'static Device = Box::leak(Box::new(device));
    let inbound = ROW
        .replace("PJSIP/teams-0000000a", "PJSIP/carrier-0000000a")
        .replace("PJSIP/carrier-1-0000000b", "PJSIP/teams-0000000b");
    for (row, trunk, direction) in [
        (ROW.to_owned(), "teams", Direction::Outbound),
        (inbound.clone(), "teams", Direction::Inbound),
        (inbound.replace("PJSIP/teams-", "PJSIP/carrier-2-"), "from-teams", Direction::Outbound),
        (ROW.replace("PJSIP/carrier-1-", "PJSIP/teams-2-"), "", Direction::Unknown),
    ] {
        let call = call(&row, device);
        assert_eq!((call.trunk, call.direction), (trunk.into(), direction), "{row}");
    }
}
