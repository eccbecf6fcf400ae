//! STOP records as tables: a refused call with some of its attributes replaced.

use super::*;
use crate::call::RefusedBy;
use crate::format::Recognised;
use crate::format::device::TrunkFrom;
use crate::format::names::Names;

/// A record of release C6.2, with these attributes, by position, instead of its own.
fn record(changes: &[(usize, &str)]) -> String {
    let usual = [
        (1, "2"),
        (2, "\"192.0.2.1\""),
        (3, "5060"),
        (4, "\"a1@192.0.2.9\""),
        (10, "\"sip:+14255550100@carrier.example.com\""),
        (13, "0"),
        (14, "\"09:00:58.100 UTC NOV 05 2024\""),
        (16, "\"09:01:05.500 UTC NOV 05 2024\""),
        (17, "17"),
        (22, "\"teams\""),
        (23, "\"carrier-1\""),
        (134, "17"),
        (135, "486"),
    ];
    let mut cells = vec![String::new(); 171];
    usual.iter().chain(changes).for_each(|(place, cell)| (*cell).clone_into(&mut cells[place - 1]));
    cells.join(",")
}

fn device() -> Device {
    Device::parse(&["teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap()
}

fn told(device: Device) -> Decoder {
    Decoder::new(Box::leak(Box::new(device)))
}

fn call(line: &str) -> Call<'static> {
    match told(device()).decode(line.as_bytes()) {
        Decoded::Call(call) => call.owned(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn reads_a_refused_call() {
    let expected = Call {
        record_id: RecordId(xxh3_128(b"a1@192.0.2.9")),
        trunk: "teams".into(),
        direction: Direction::Inbound,
        succeeded: Some(false),
        codes: Codes {
            sip: Some(486),
            q850: Some(17),
            words: Words::Other,
            refused_by: RefusedBy::Teams,
            ..Codes::default()
        },
        ended_at: Some(UnixMillis(1_730_797_265_500)),
        duration_seconds: Some(0),
        attempt: Attempt::Branch,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(&record(&[])), expected);
    let outbound = call(&record(&[(22, "carrier-1"), (23, "TEAMS-EU")]));
    assert_eq!((outbound.direction, outbound.trunk), (Direction::Outbound, "TEAMS-EU".into()));
    assert_eq!(outbound.codes.refused_by, RefusedBy::SbcSide);
}

#[test]
fn who_ended_a_call_is_told() {
    let from_teams = [(22, "carrier-1"), (23, "teams")];
    for (initiator, outbound, inbound) in [
        ("0", RefusedBy::SbcSide, RefusedBy::Teams),
        ("1", RefusedBy::SbcSide, RefusedBy::Unknown),
        ("2", RefusedBy::SbcSide, RefusedBy::Teams),
        ("3", RefusedBy::Sbc, RefusedBy::Unknown),
    ] {
        let initiator = (133, initiator);
        assert_eq!(call(&record(&[initiator])).codes.refused_by, inbound, "{initiator:?}");
        let line = record(&[from_teams[0], from_teams[1], initiator]);
        assert_eq!(call(&line).codes.refused_by, outbound, "{initiator:?}");
    }
}

#[test]
fn a_time_of_the_first_day_is_none() {
    for never in ["00:00:00.000 UTC JAN 01 1970", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"] {
        assert_eq!(call(&record(&[(15, never)])).succeeded, Some(false), "{never}");
    }
}

#[test]
fn an_address_with_a_cause_hides_no_reason() {
    let retargeted = (9, "<sip:+14255550100@contoso.com;cause=486>");
    let reason = (
        160,
        "Q.850;cause=31;text=\"\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found.\"\"",
    );
    let reason = (reason.0, format!("\"{}\"", reason.1));
    let call = call(&record(&[retargeted, (reason.0, &reason.1), (134, ""), (135, "480")]));
    assert_eq!(call.codes.text, "No callee endpoints were found.".into());
}

#[test]
fn a_call_with_a_connect_time_was_answered() {
    let connected = (15, "\"09:01:00.000 UTC NOV 05 2024\"");
    let answered = call(&record(&[connected, (13, "5"), (134, "16"), (135, "200")]));
    assert_eq!((answered.succeeded, answered.duration_seconds), (Some(true), Some(5)));
    for none in ["", "0", "\"00:00:00.000\"", "n/a"] {
        assert_eq!(call(&record(&[(15, none)])).succeeded, Some(false), "{none}");
    }
    // As in other formats.
    let unread = (15, "\"24:00:00 UTC NOV 05 2024\"");
    for unread in [unread, (15, "\"some day\"")] {
        assert_eq!(call(&record(&[unread])).succeeded, Some(false), "{unread:?}: 486 refuses it");
        let not_refused = record(&[unread, (17, "16"), (134, "16"), (135, "200")]);
        assert_eq!(call(&not_refused).succeeded, Some(true), "{unread:?}");
    }
}

#[test]
fn reads_codes() {
    for (changes, sip, q850) in [
        ([(135, "0"), (134, "0"), (17, "0")], None, None),
        ([(135, ""), (134, ""), (17, "34")], None, Some(34)),
        ([(135, "503"), (134, "200"), (17, "0")], Some(503), None),
    ] {
        let codes = call(&record(&changes)).codes;
        assert_eq!((codes.sip, codes.q850), (sip, q850), "{changes:?}");
    }
    let said = "Q.850;cause=31;text=\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found.\"";
    let doubled = format!("\"{}\"", said.replace('"', "\"\""));
    for written in [doubled, format!("\"{said}\""), said.to_owned()] {
        let codes = call(&record(&[(140, &written), (135, "480")])).codes;
        assert_eq!(codes.text, "No callee endpoints were found.".into(), "{written}");
        assert_eq!(codes.words, Words::Microsoft, "{written}");
    }
}

#[test]
fn a_time_that_cannot_be_read_costs_itself() {
    let call = call(&record(&[(16, "\"yesterday at 9\"")]));
    assert!(call.unread.has(UnreadField::EndTime));
    assert_eq!(call.ended_at, Some(UnixMillis(1_730_797_258_100)));
}

#[test]
fn the_operators_layout_comes_first() {
    let layout = "Acct-Status-Type,Acct-Session-Id,h323-connect-time,Acme-SIP-Status";
    let mut decoder = told(device::UNKNOWN.clone().with_layout(Some(layout.to_owned())));
    let mut codes = |line: &str| match decoder.decode(line.as_bytes()) {
        Decoded::Call(call) => (call.succeeded, call.codes.sip),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(codes("2,a1,,503"), (Some(false), Some(503)));
    // A later release has more.
    assert_eq!(codes("2,a1,09:01:00.000 UTC NOV 05 2024,200,x,y"), (Some(true), Some(200)));
    assert_eq!(decoder.decode(b"2,a1,"), Decoded::Rejected(Reason::BadLine));
}

#[test]
fn names_above_the_records_are_a_layout() {
    let mut decoder = told(device::UNKNOWN.clone());
    let names = b"Acct-Status-Type,Acct-Session-Id,h323-connect-time,Acme-SIP-Status";
    assert_eq!(decoder.decode(names), Decoded::Header);
    let mut resumed = told(device::UNKNOWN.clone());
    resumed.resume(&decoder.header().unwrap());
    for decoder in [&mut decoder, &mut resumed] {
        assert!(matches!(decoder.decode(b"2,a1,,503"), Decoded::Call(_)));
    }
}

#[test]
fn what_is_no_call_of_teams() {
    for line in [
        record(&[(1, "1")]),
        record(&[(1, "3")]),
        "1,\"192.0.2.1\",5060,\"a\"".to_owned(),
        record(&[(22, "carrier-2")]),
    ] {
        assert_eq!(told(device()).decode(line.as_bytes()), Decoded::Ignored, "{line}");
    }
    let cut = record(&[])[..200].to_owned();
    for (line, reason) in [
        (cut, Reason::BadLine),
        (record(&[(1, "9")]), Reason::BadLine),
        (record(&[(4, "")]), Reason::NoRecordId),
        (record(&[(135, "4x6")]), Reason::BadCode),
    ] {
        assert_eq!(told(device()).decode(line.as_bytes()), Decoded::Rejected(reason), "{line}");
    }
}

#[test]
fn recognises_its_files() {
    use Recognised::{NeedMore, No, Yes};
    let stop = record(&[]);
    let names = "Acct-Status-Type,Acct-Session-Id,h323-connect-time,Acme-SIP-Status";
    for (text, finished, expected) in [
        (format!("{stop}\n"), false, Yes),
        (stop.clone(), true, Yes),
        (stop.clone(), false, NeedMore),
        (format!("1,\"192.0.2.1\",5060,\"a\"\n{stop}\r\n"), false, Yes),
        ("1,\"192.0.2.1\",5060,\"a\"\n".to_owned(), false, NeedMore),
        (format!("{stop},1,2,3,4,5,6\n"), false, No),
        ("2,\"192.0".to_owned(), false, NeedMore),
        ("2,\"SBC\",5060,".to_owned(), false, No),
        ("2,3,4\n".to_owned(), false, No),
        (format!("{names}\n"), false, Yes),
        ("Acct-Sta".to_owned(), false, NeedMore),
        ("Acct-Status-Type,a\n".to_owned(), false, No),
        ("{\"a\"".to_owned(), false, No),
    ] {
        assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
    }
}
