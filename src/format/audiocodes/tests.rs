//! Lines of a log to calls, by tables.

use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::call::{
    Attempt, Call, Codes, Detail, Direction, RecordId, RefusedBy, UnixMillis, Unread, UnreadField, Words,
};
use crate::format::device::{Device, TrunkFrom};

const GUID: &str = "5e19725b-7fad-4e89-bae3-dfc5df88bb96";

/// The fields of a leg to Teams that failed, by their places in the manuals.
fn failed() -> Vec<String> {
    let mut fields = vec![String::new(); 38];
    for (place, field) in [
        (0, "CALL_END            "),
        (1, "SBC "),
        (2, "4341598405122022185752@10.0.2.11"),
        (3, "c62532:22:625       "),
        (4, "LCL   "),
        (5, "10.0.2.11"),
        (7, "52.114.75.24"),
        (10, "+14255550100@carrier.example.com"),
        (12, "+14255550199@sip.pstnhub.microsoft.com:5061"),
        (14, "0"),
        (15, "RMT"),
        (18, "18:57:30.320  UTC Mon Dec 05 2022"),
        (20, "18:57:52.320  UTC Mon Dec 05 2022"),
        (25, "2 (Teams)"),
        (27, "1 (TeamsInterface)"),
        (28, "1 (TeamsProxies)"),
        (32, "480         "),
        (33, ""),
    ] {
        fields[place] = field.to_owned();
    }
    fields
}

fn line(fields: &[String]) -> String {
    format!("14:35:40.053  10.0.10.11  local1.info    [S=1] |{}", fields.join("|"))
}

fn decoded(changes: &[(usize, &str)], device: &'static Device) -> Option<Result<Call<'static>, Reason>> {
    let mut fields = failed();
    changes.iter().for_each(|(place, field)| (*field).clone_into(&mut fields[*place]));
    let line = line(&fields);
    match Decoder::new(device).decode(line.as_bytes()) {
        Decoded::Call(call) => Some(Ok(call.owned())),
        Decoded::Rejected(reason) => Some(Err(reason)),
        Decoded::Header => panic!("no header: {line}"),
        Decoded::Ignored => None,
    }
}

fn call(changes: &[(usize, &str)]) -> Call<'static> {
    decoded(changes, &device::UNKNOWN).expect("a leg on Teams' side").expect("a call")
}

/// What lines of a file come to.
pub(super) fn rows(lines: &[&str], layout: Option<&str>) -> Vec<Decoded<'static>> {
    let device = Device::parse(&["Teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let mut decoder = Decoder::new(Box::leak(Box::new(device.with_layout(layout.map(str::to_owned)))));
    lines.iter().map(|line| decoder.decode(line.as_bytes()).owned()).collect()
}

#[test]
fn reads_a_leg_to_teams() {
    let expected = Call {
        record_id: RecordId(xxh3_128(b"c62532:22:625")),
        trunk: "Teams".into(),
        direction: Direction::Inbound,
        succeeded: Some(false),
        codes: Codes {
            sip: Some(480),
            words: Words::Other,
            refused_by: RefusedBy::Teams,
            ..Codes::default()
        },
        ended_at: Some(UnixMillis(1_670_266_672_320)),
        duration_seconds: Some(0),
        attempt: Attempt::Final,
        unread: Unread::default(),
        detail: Detail::default(),
    };
    assert_eq!(call(&[]), expected);
}

#[test]
fn the_legs_of_teams_count() {
    let carrier = [(12, "+14255550199@carrier.example.com"), (7, "192.0.2.9")];
    assert_eq!(decoded(&carrier, &device::UNKNOWN), None);
    // By its address, where the host was rewritten.
    assert!(decoded(&carrier[..1], &device::UNKNOWN).is_some());
    let from_teams = [(4, "RMT"), (10, "+14255550100@sip2.pstnhub.microsoft.com"), carrier[0], carrier[1]];
    let call = call(&from_teams);
    assert_eq!((call.direction, call.attempt), (Direction::Outbound, Attempt::Only));
    assert_eq!(call.codes.refused_by, RefusedBy::SbcSide);
}

#[test]
fn the_operator_names_the_side_of_teams() {
    let device: &'static Device = Box::leak(Box::new(
        Device::parse(&["ms-*", "teamsinterface"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap(),
    ));
    let nothing = (27, "");
    for (changes, counts) in [
        (vec![], true),
        (vec![nothing], false),
        (vec![nothing, (25, "3 (MS-EU)")], true),
        (vec![nothing, (25, "ms-eu")], true),
        (vec![nothing, (28, "ms-proxies")], true),
        (vec![nothing, (12, "+1@sip.pstnhub.microsoft.com")], false),
    ] {
        assert_eq!(decoded(&changes, device).is_some(), counts, "{changes:?}");
    }
}

#[test]
fn answered_is_what_has_a_time_of_answer() {
    let connected = (19, "18:57:32.320  UTC Mon Dec 05 2022");
    let call = call(&[connected, (32, "BYE"), (14, "20")]);
    assert_eq!((call.succeeded, call.codes.sip, call.duration_seconds), (Some(true), None, Some(20)));
}

#[test]
fn reads_codes_and_what_microsoft_says() {
    let said = |text: String, sip: &str| {
        let codes = call(&[(32, sip), (33, &text)]).codes;
        (codes.sip, codes.q850, codes.text.read().into_owned(), codes.words)
    };
    let whole = format!(r#"Q.850 ;cause=31 ;text="{GUID};No callee endpoints were found""#);
    // As the device cuts: 70 characters, and the quote closed again.
    let cut = format!(r#"Q.850 ;cause=31 ;text="{GUID};No callee""#);
    assert_eq!(cut.len(), 70);
    for (text, sip, expected) in [
        (whole, "480", (Some(480), Some(31), "No callee endpoints were found", Words::Microsoft)),
        (cut, "480", (Some(480), Some(31), "No callee", Words::MicrosoftCut)),
        (
            r#"SIP ;cause=604 ;text="{604 Does Not Exist Anywhere}""#.to_owned(),
            "604",
            (Some(604), None, "", Words::Other),
        ),
        (r#"Q.850;cause=21;text="Call Rejected""#.to_owned(), "403", (Some(403), Some(21), "", Words::Other)),
        ("Q.850 ;cause=31 ;text=\"5e1".to_owned(), "480", (Some(480), Some(31), "", Words::Other)),
        (String::new(), "CANCEL", (Some(487), None, "", Words::Other)),
        // Within a text of JSON; and cut behind a word.
        (
            format!(r#"Q.850 ;cause=31 ;text=\"{GUID};No callee\""#),
            "480",
            (Some(480), Some(31), "No callee", Words::MicrosoftCut),
        ),
        (
            format!(r#"Q.850 ;cause=63 ;text="{GUID};No trunk ""#),
            "403",
            (Some(403), Some(63), "No trunk ", Words::MicrosoftCut),
        ),
    ] {
        let (code, q850, phrase, words) = expected;
        assert_eq!(said(text.clone(), sip), (code, q850, phrase.to_owned(), words), "{sip} {text}");
    }
}

#[test]
fn which_side_ended_a_call_is_told() {
    let from_teams = [(4, "RMT"), (10, "+14255550100@sip.pstnhub.microsoft.com")];
    for (side, inbound, outbound) in [
        ("RMT", RefusedBy::Teams, RefusedBy::SbcSide),
        ("LCL", RefusedBy::Unknown, RefusedBy::SbcSide),
        ("UNKN", RefusedBy::Teams, RefusedBy::SbcSide),
        ("", RefusedBy::Teams, RefusedBy::SbcSide),
    ] {
        assert_eq!(call(&[(15, side)]).codes.refused_by, inbound, "{side}");
        assert_eq!(call(&[(15, side), from_teams[0], from_teams[1]]).codes.refused_by, outbound, "{side}");
    }
}

#[test]
fn a_category_tells_where_there_is_no_code() {
    for (code, category, q850) in [
        ("BYE", "NO_ANSWER", Some(19)),
        ("", "BUSY", Some(17)),
        ("", "GENERAL_FAILED", None),
        ("480", "NO_ANSWER", None),
        ("CANCEL", "NO_ANSWER", None),
    ] {
        assert_eq!(call(&[(32, code), (17, category)]).codes.q850, q850, "{code} {category}");
    }
    let titles = "|SBCReportType |SessionId |Orig |TrmReasonCategory |ReleaseTime |IPGroup |SIPTrmReason";
    for (category, answered) in [("NO_ANSWER", false), ("NORMAL_CALL_CLEAR", true)] {
        let row = format!("|CALL_END |a:1:2 |LCL |{category} |09:01:30.000  UTC Tue Nov 05 2024 |Teams |BYE");
        let [_, Decoded::Call(call)] = &rows(&[titles, &row], None)[..] else { panic!("{row}") };
        assert_eq!(call.succeeded, Some(answered), "{row}");
    }
}

#[test]
fn what_is_no_call() {
    let mut decoder = Decoder::new(&device::UNKNOWN);
    for line in [
        "14:35:40.053  10.0.10.11  local1.info    [S=1] INVITE sip:+14255550100@carrier.example.com SIP/2.0",
        "[S=2] |CALL_START |SBC |x |c:1:2 |LCL|BYE",
        "[S=3] |MediaReportType |MediaId|",
        "[S=4] |GWReportType |Cid|SessionId|SIPTrmReason",
        "",
    ] {
        assert_eq!(decoder.decode(line.as_bytes()), Decoded::Ignored, "{line}");
    }
    let cut: Vec<String> = failed().into_iter().take(20).collect();
    assert_eq!(decoder.decode(line(&cut).as_bytes()), Decoded::Rejected(Reason::BadLine));
    // One whose columns are the operator's own is shorter as a rule.
    let own: Vec<String> = cut.into_iter().take(14).collect();
    let own =
        [&own[..5], &["10.0.2.11", "52.114.75.24", "+14255550100@x", "0", "503"].map(str::to_owned)].concat();
    assert_eq!(decoder.decode(line(&own).as_bytes()), Decoded::Rejected(Reason::UnknownColumns));
    let rejected = |changes| decoded(changes, &device::UNKNOWN);
    assert_eq!(rejected(&[(32, "4x0")]), Some(Err(Reason::BadCode)));
    assert_eq!(rejected(&[(2, ""), (3, "0")]), Some(Err(Reason::NoRecordId)));
}

#[test]
fn without_a_session_a_leg_stands_for_itself() {
    let call = call(&[(3, "0")]);
    assert_eq!(call.record_id, RecordId(xxh3_128(b"4341598405122022185752@10.0.2.11")));
    assert_eq!(call.attempt, Attempt::Only);
}

#[test]
fn a_header_says_where_fields_stand() {
    let titles = "|SBCReportType |SessionId |Orig |DstURI |Duration |ConnectTime |ReleaseTime |IPGroup (name) \
                  |SIPTrmReason |SIPTermDesc";
    let row =
        "|CALL_END |a:1:2 |LCL |1@sip.pstnhub.microsoft.com |7 | |18:57:52 GMT Mon Dec 05 2022 |Teams |503 |";
    let mut decoder = Decoder::new(&device::UNKNOWN);
    assert_eq!(decoder.decode(titles.as_bytes()), Decoded::Header);
    let header = decoder.header().unwrap().to_vec();
    let Decoded::Call(call) = decoder.decode(row.as_bytes()) else { panic!("no call") };
    assert_eq!((call.codes.sip, call.duration_seconds), (Some(503), Some(7)));
    let call = call.owned();
    let mut resumed = Decoder::new(&device::UNKNOWN);
    resumed.resume(&header);
    assert_eq!(resumed.decode(row.as_bytes()), Decoded::Call(call));
}

/// Records of the operator's own columns.
const OWN: [&str; 2] = [
    "SessionId,SIPCallId,Orig,IPGroup,ConnectTime,ReleaseTime,Durat,SIPTrmReason,SIPTermDesc",
    "10.0.10.11 [S=7] |CALL_END |a:1:0 |q0@x |LCL |Teams | |09:01:30.000  UTC Tue Nov 05 2024 |0 |503 | |7 |7",
];

#[test]
fn the_operator_says_where_fields_stand_in_a_log() {
    let [titles, record] = OWN;
    for layout in [
        titles.to_owned(),
        format!("SBCReportType,{titles}"),
        titles.replace(',', "|"),
        titles.replace(',', ";"),
    ] {
        let debug = "10.0.10.11 [S=7] INVITE sip:x@y SIP/2.0, a, b";
        let [Decoded::Ignored, Decoded::Call(call)] = &rows(&[debug, record], Some(&layout))[..] else {
            panic!("{layout}: {:?}", rows(&[debug, record], Some(&layout)))
        };
        assert_eq!(
            (call.codes.sip, call.direction, call.succeeded),
            (Some(503), Direction::Inbound, Some(false))
        );
    }
    // Without it, what such a record says is not guessed at; a gateway has records of more fields.
    assert_eq!(rows(&[record], None), [Decoded::Rejected(Reason::UnknownColumns)]);
    let of_gateway = format!("|CALL_END |{}", "7|".repeat(70));
    assert_eq!(rows(&[&of_gateway], None), [Decoded::Ignored]);
}

#[test]
fn titles_may_be_those_of_the_devices_own_table() {
    let titles = "[S=7] |SBCReportType |Session ID |SIP Call ID |Orig |IP Group Name |Connect Time |Release Time |Duration |SIP Termination \
                  Reason |SIP Termination Description";
    let record = OWN[1].replace("10.0.10.11 ", "");
    let [Decoded::Header, Decoded::Call(call)] = &rows(&[titles, &record], None)[..] else {
        panic!("no call")
    };
    assert_eq!(call.codes.sip, Some(503));
}

#[test]
fn each_device_has_its_own_header() {
    let titles =
        "09:00:00 10.0.10.22 [S=1] |SBCReportType |SessionId |Orig |IPGroup |ConnectTime |SIPTrmReason |x";
    let custom = "09:00:01 10.0.10.22 [S=2] |CALL_END |b:1 |LCL |Teams | |503 |";
    let usual = line(&failed()).replace("14:35:40.053  10.0.10.11", "09:00:02 10.0.10.11");
    let device = Device::parse(&["Teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let device: &'static Device = Box::leak(Box::new(device));
    let mut decoder = Decoder::new(device);
    assert_eq!(decoder.decode(titles.as_bytes()), Decoded::Header);
    let mut resumed = Decoder::new(device);
    resumed.resume(&decoder.header().unwrap());
    for decoder in [&mut decoder, &mut resumed] {
        for (line, sip) in [(custom, 503), (&usual, 480), (custom, 503)] {
            let Decoded::Call(call) = decoder.decode(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(call.codes.sip, Some(sip), "{line}");
        }
    }
}

#[test]
fn headers_of_two_devices_without_names_are_told_by_their_lengths() {
    let of_one = "[S=1] |SBCReportType |SessionId |Orig |IPGroup |ConnectTime |SIPTrmReason |x";
    let of_other = "[S=1] |SBCReportType |SIPTrmReason |IPGroup |ConnectTime |SessionId |Orig";
    let one = "[S=2] |CALL_END |b:1 |LCL |Teams | |503 |";
    let other = "[S=2] |CALL_END |486 |Teams | |c:1 |LCL";
    let device = Device::parse(&["Teams*"], TrunkFrom::Teams, jiff::tz::TimeZone::UTC).unwrap();
    let device: &'static Device = Box::leak(Box::new(device));
    let mut decoder = Decoder::new(device);
    for titles in [of_one, of_other] {
        assert_eq!(decoder.decode(titles.as_bytes()), Decoded::Header);
    }
    let mut resumed = Decoder::new(device);
    resumed.resume(&decoder.header().unwrap());
    for decoder in [&mut decoder, &mut resumed] {
        for (line, sip) in [(one, 503), (other, 486), (one, 503)] {
            let Decoded::Call(call) = decoder.decode(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(call.codes.sip, Some(sip), "{line}");
        }
    }
}

#[test]
fn without_a_time_of_answer_what_ended_a_call_tells() {
    let titles = "|SBCReportType |SessionId |Orig |Durat |ReleaseTime |IPGroup |SIPTrmReason";
    for (durat, reason, answered) in
        [("95", "BYE", true), ("0", "BYE", true), ("5", "x", true), ("0", "486", false)]
    {
        let row =
            format!("|CALL_END |a:1:2 |LCL |{durat} |09:01:30.000  UTC Tue Nov 05 2024 |Teams |{reason}");
        let [_, Decoded::Call(call)] = &rows(&[titles, &row], None)[..] else { panic!("{row}") };
        assert_eq!(call.succeeded, Some(answered), "{row}");
    }
}

#[test]
fn what_a_database_writes_for_no_time_of_answer_is_none() {
    for time in ["", "-", "N/A", "0", "00:00:00.000  UTC Thu Jan 01 1970"] {
        assert_eq!(call(&[(19, time), (32, "486")]).succeeded, Some(false), "{time}");
    }
    assert_eq!(call(&[(19, "18:57:32.320  UTC Mon Dec 05 2022"), (32, "BYE")]).succeeded, Some(true));
}

#[test]
fn what_decides_nothing_rejects_nothing() {
    let connected = (19, "18:57:32.320  UTC Mon Dec 05 2022");
    assert_eq!(call(&[connected, (32, "REFER")]).codes.sip, None);
    assert_eq!(call(&[(32, "Timeout")]).succeeded, Some(false));
    let mut fields = failed();
    fields.truncate(33);
    let escaped = line(&fields).trim_end().to_owned() + "#015";
    let mut decoder = Decoder::new(&device::UNKNOWN);
    let Decoded::Call(call) = decoder.decode(escaped.as_bytes()) else { panic!("{escaped}") };
    assert_eq!(call.codes.sip, Some(480));
    let unread = self::call(&[(20, "some day")]);
    assert_eq!((unread.ended_at.is_some(), unread.unread.has(UnreadField::EndTime)), (true, true));
}

#[test]
fn recognises_its_log() {
    use Recognised::{NeedMore, No, Yes};
    for (text, finished, expected) in [
        ("[S=40] |CALL_END |SBC |", false, NeedMore),
        ("[S=40] |CALL_END |SBC |", true, Yes),
        ("[S=40] |CALL_END |SBC |\n", false, Yes),
        ("Via: SIP/2.0/TLS\n|SBCReportType|\n", false, Yes),
        ("x\n|SBCReportType|\n", false, No),
        ("09:00:00 a line of another\n", false, NeedMore),
        ("10.0.10.11  local1.info [S=129] INVITE sip:x SIP/2.0\n", false, NeedMore),
        ("10.0.10.11  local1.info [S=129] INVITE sip:x SIP/2.0\n", true, No),
        ("a line of so", false, NeedMore),
        ("a line of some log\nand another", false, No),
        ("a|b|c\n1|2|3\n", false, No),
    ] {
        assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
    }
}

/// Where the columns are not those of the manuals, a name may stand in the place of the trunk.
#[test]
fn other_columns_than_those_of_the_manuals_are_no_trunk() {
    let strange = |changes: &[(usize, &str)]| decoded(changes, &device::UNKNOWN);
    assert_eq!(strange(&[(18, "User One"), (20, "Teams")]), Some(Err(Reason::UnknownColumns)));
    assert_eq!(strange(&[(32, "User One")]), Some(Err(Reason::UnknownColumns)));
}

/// Its unit is up to the operator.
#[test]
fn how_long_a_call_lasted_is_taken_from_its_times() {
    let of = |durat| {
        let times = [(19, "18:57:32.320  UTC Mon Dec 05 2022"), (32, "BYE"), (14, durat)];
        call(&times).duration_seconds
    };
    assert_eq!((of("20000"), of("20")), (Some(20), Some(20)));
}

/// Nor is what looks like a record of a log within a cell the end of a table.
#[test]
fn what_looks_like_a_record_of_a_log_ends_no_table() {
    let mut decoder = Decoder::new(&device::UNKNOWN);
    let header = b"SessionId,Orig,SourceUri,ConnectTime,IPGroup,SIPTrmReason,SrcName";
    assert_eq!(decoder.decode(header), Decoded::Header);
    let row = "1,RMT,a@sip.pstnhub.microsoft.com,,Teams,486,x";
    assert!(matches!(decoder.decode(row.as_bytes()), Decoded::Call(_)));
    decoder.decode(row.replace(",x", ",x |CALL_START |y").as_bytes());
    assert!(matches!(decoder.decode(row.as_bytes()), Decoded::Call(_)));
}

#[test]
fn only_a_number_before_parentheses_is_no_name() {
    for (text, expected) in [
        ("2 (Teams)", &["Teams", "2"][..]),
        ("2 (Teams (EU))", &["Teams (EU)", "2"]),
        ("Teams EU (Main)", &["Teams EU (Main)", "Teams EU (Main)"]),
        ("0 ()", &["0"]),
    ] {
        assert_eq!(leg::named(text).collect::<Vec<_>>(), expected, "{text}");
    }
    assert!(device::is_device_trunk("Teams EU (Main)"));
}

/// A SIP message in the same log may hold anything, as a header of the caller's.
#[test]
fn what_looks_like_the_header_of_a_table_is_none_in_a_log() {
    let line = line(&failed());
    for resumed in [false, true] {
        let mut decoder = Decoder::new(&device::UNKNOWN);
        assert!(matches!(decoder.decode(line.as_bytes()), Decoded::Call(_)));
        assert_eq!(decoder.decode(b"Subject: a,SIPTrmReason,b"), Decoded::Ignored);
        if resumed {
            let header = decoder.header();
            decoder = Decoder::new(&device::UNKNOWN);
            header.iter().for_each(|header| decoder.resume(header));
        }
        assert_eq!(decoder.decode(b"14:35:41.000  10.0.10.11  local1.info  a line"), Decoded::Ignored);
        assert!(matches!(decoder.decode(line.as_bytes()), Decoded::Call(_)));
    }
}
