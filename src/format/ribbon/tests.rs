//! Records to calls: an attempt and a STOP, with some of their fields replaced.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::call::{Detail, RefusedBy, Words};
use crate::format::device::TrunkFrom;

/// A record of so many fields, with these at their positions.
fn record(kind: &str, count: usize, fields: &[(usize, &str)]) -> String {
    let mut record = vec![String::new(); count];
    kind.clone_into(&mut record[0]);
    fields.iter().for_each(|(position, field)| (*field).clone_into(&mut record[position - 1]));
    record.join(",")
}

fn variant(status: &str) -> String {
    let mut parts = vec![""; 30];
    (parts[0], parts[1], parts[18]) = ("SIP", "a@192.0.2.1", status);
    format!("\"{}\"", parts.join(","))
}

fn attempt(changes: &[(usize, &str)]) -> String {
    let (own, other) = (variant("403"), variant("403"));
    let usual = [
        (2, "SBC1"),
        (3, "0x00001"),
        (6, "11/05/2024"),
        (7, "09:01:00.0"),
        (10, "09:01:05.5"),
        (12, "21"),
        (31, "TG_TEAMS"),
        (45, &*own),
        (58, "TG_PSTN"),
        (59, &*other),
        (105, "11/05/2024"),
        (146, "1"),
    ];
    record("ATTEMPT", 186, &[&usual, changes].concat())
}

fn device() -> &'static Device {
    Box::leak(Box::new(Device::parse(&["tg_teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap()))
}

fn call(line: &str) -> Call<'static> {
    match Decoder::new(device()).decode(line.as_bytes()) {
        Decoded::Call(call) => call.owned(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn reads_an_attempt() {
    let expected = Call {
        record_id: RecordId(xxh3_128(b"SBC1\x000x00001")),
        trunk: "TG_TEAMS".into(),
        direction: Direction::Outbound,
        succeeded: Some(false),
        codes: Codes {
            sip: Some(403),
            q850: Some(21),
            words: Words::Other,
            refused_by: RefusedBy::SbcSide,
            ..Codes::default()
        },
        ended_at: Some(UnixMillis(1_730_797_265_500)),
        duration_seconds: None,
        attempt: Attempt::Final,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(&attempt(&[])), expected);
    // Releases before the indicator.
    assert_eq!(call(&attempt(&[(146, "")])).attempt, Attempt::Branch);
    let unread = call(&attempt(&[(105, "25/11/2024")]));
    assert!(unread.unread.has(UnreadField::EndTime) && unread.ended_at.is_some());
    // Where it begins on the line of the file's header.
    let first = format!("Sonus Networks, Inc.00000000FF ACT20241105090000\r{}", attempt(&[]));
    assert_eq!(call(&first), expected);
}

#[test]
fn reads_a_stop() {
    let own = variant("BYE");
    let stop = record(
        "STOP",
        223,
        &[
            (2, "SBC1"),
            (3, "0x2"),
            (11, "11/05/2024"),
            (12, "09:02:00.0"),
            (14, "1250"),
            (15, "16"),
            (34, "TG_PSTN"),
            (52, &own),
            (68, "TG_TEAMS"),
            (69, &own),
        ],
    );
    let call = call(&stop);
    assert_eq!((call.succeeded, call.duration_seconds, call.codes.sip), (Some(true), Some(12), None));
    assert_eq!((call.direction, call.trunk), (Direction::Inbound, "TG_TEAMS".into()));
    assert_eq!(call.attempt, Attempt::Branch, "it may follow an attempt of the same call");
}

#[test]
fn a_reason_header_in_a_field_of_a_script_need_not_double_its_quotes() {
    const HEADER: &str =
        "Q.850;cause=31;text=\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;No callee endpoints were found.\"";
    for header in [HEADER.to_owned(), HEADER.replace('"', "\"\"")] {
        let mut parts = vec![""; 68];
        (parts[0], parts[18], parts[62], parts[67]) = ("SIP", "480", &header, "0");
        let variant = format!("\"{}\"", parts.join(","));
        let line = attempt(&[(31, "TG_PSTN"), (45, &variant), (58, "TG_TEAMS"), (59, &variant)]);
        let call = call(&line);
        assert_eq!(call.codes.text, "No callee endpoints were found.".into(), "{line}");
        assert_eq!((call.codes.sip, call.direction), (Some(480), Direction::Inbound), "{line}");
    }
    // Cut within the field.
    let line = attempt(&[(59, &format!("\"SIP,{HEADER}"))]);
    assert_eq!(Decoder::new(device()).decode(line.as_bytes()), Decoded::Rejected(Reason::BadLine));
}

/// A field of a script with a header of several values goes on in the next one.
#[test]
fn a_reason_header_may_have_several_values_and_commas() {
    const SAID: &str = "Q.850;cause=31;text=\"5e19725b-7fad-4e89-bae3-dfc5df88bb96;PHRASE\"";
    for (header, phrase) in [
        (format!("SIP;cause=480;text=\"x\", {SAID}"), "No callee endpoints were found."),
        (format!("SIP;cause=480;text=\"x, y\",{SAID}"), "No callee endpoints were found."),
        (SAID.to_owned(), "TlsTransport is not connected, State=Disconnected"),
        (SAID.trim_end_matches('"').to_owned(), "No callee"),
    ] {
        let mut parts = vec![""; 68];
        let header = header.replace("PHRASE", phrase);
        (parts[0], parts[18], parts[63], parts[67]) = ("SIP", "480", &header, "0");
        let variant = parts.join(",");
        let row = Row { variants: [&variant, ""], ..failed() };
        assert_eq!(row.said().map(|said| said.phrase), Some(phrase), "{header}");
        let doubled = format!("\"{}\"", variant.replace('"', "\"\""));
        let line = attempt(&[(31, "TG_PSTN"), (45, &doubled), (58, "TG_TEAMS"), (59, &doubled)]);
        assert_eq!(call(&line).codes.text, phrase.into(), "{line}");
    }
}

fn failed() -> Row<'static> {
    Row {
        is_stop: false,
        gateway: "SBC1",
        accounting: "0x1",
        started: ("", ""),
        ended: ("", ""),
        duration: "",
        reason: "",
        sides: [""; 2],
        variants: [""; 2],
        initiator: "",
        is_final: "",
    }
}

#[test]
fn who_ended_a_call_is_told() {
    let to_teams = [(31, "TG_PSTN"), (58, "TG_TEAMS")];
    for (initiator, outbound, inbound) in [
        ("", RefusedBy::SbcSide, RefusedBy::Teams),
        ("0", RefusedBy::Sbc, RefusedBy::Unknown),
        ("1", RefusedBy::SbcSide, RefusedBy::Unknown),
        ("2", RefusedBy::SbcSide, RefusedBy::Teams),
    ] {
        let initiator = (57, initiator);
        assert_eq!(call(&attempt(&[initiator])).codes.refused_by, outbound, "{initiator:?}");
        let line = attempt(&[to_teams[0], to_teams[1], initiator]);
        assert_eq!(call(&line).codes.refused_by, inbound, "{initiator:?}");
    }
}

#[test]
fn what_is_no_call_of_teams() {
    for line in [
        attempt(&[(146, "0")]),
        attempt(&[(31, "TG_A"), (58, "TG_B")]),
        record("START", 172, &[]),
        "05112024 090000: File administratively closed.".to_owned(),
        "Sonus Networks, Inc.00000000FF ACT20241105090000\r".to_owned(),
    ] {
        assert_eq!(Decoder::new(device()).decode(line.as_bytes()), Decoded::Ignored, "{line}");
    }
    let cut = attempt(&[])[..60].to_owned();
    for (line, reason) in [
        (cut, Reason::BadLine),
        (attempt(&[(3, "")]), Reason::NoRecordId),
        (attempt(&[(59, &variant("4x3"))]), Reason::BadCode),
    ] {
        assert_eq!(Decoder::new(device()).decode(line.as_bytes()), Decoded::Rejected(reason), "{line}");
    }
}

#[test]
fn recognises_its_files() {
    use Recognised::{NeedMore, No, Yes};
    for (text, finished, expected) in [
        ("Sonus Networks, Inc.00000000FF", false, Yes),
        ("ATTEMPT,SBC1,", false, NeedMore),
        ("ATTEMPT,SBC1,", true, No),
        ("STOP,Name\n1,a\n", false, No),
        (&attempt(&[]), false, Yes),
        ("Sonus Net", false, NeedMore),
        ("Sonus Net", true, No),
        ("STOPPED,", false, No),
        ("a,b\n", false, No),
    ] {
        assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn what_was_read_before_changes_no_moment(
        times in proptest::collection::vec(
            ("(03/31|10/27|1/2|02/30)/2024|[0-9/]{8,11}", "0[123]:0[01](:[0-7][0-9](\\.[0-9x]{0,11})?)?|[0-9:.]{4,9}"), 1..12),
    ) {
        let zone = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let device = Device::parse(&[], TrunkFrom::Teams, zone).unwrap();
        let mut minute = LastMinute::default();
        for (date, time) in &times {
            let expected = moment(date, time, &device, &mut LastMinute::default());
            prop_assert_eq!(moment(date, time, &device, &mut minute), expected, "{} {} of {:?}", date, time, times);
        }
    }
}
