//! Rows as tables: the usual one with one thing changed, and what becomes of it.

use proptest::prelude::*;

use super::*;
use crate::call::{
    Call, Country, Detail, Direction, Kind, Shape, TwoReadings, UnixMillis, Unread, UnreadField, UnreadTime,
};
use crate::format::detail;
use crate::format::{Decode as _, Decoded};

const HEADER: &str = "CorrelationId,AAD ObjectId,UPN,Display Name,User country,Invite time,Start time,\
    Failure time,\
    End time,Duration (seconds),Success,Caller Number,Callee Number,Call type,Azure region for Media,\
    Azure region for Signaling,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN,Media bypass,\
    Shared correlation ID";

/// The cells of a failed call under [`HEADER`].
const FAILED: [&str; 22] = [
    "c98e1515-a937-4b81-b8a8-3992afde64e0",
    "db03c14b-06eb-4189-939b-7cbf3a20ba27",
    "user.one@contoso.com",
    "User One",
    "US",
    "2024-11-05T09:12:21.9490000Z",
    "2024-11-05T09:12:30.0000000Z",
    "2024-11-05T09:12:30.0000000Z",
    "",
    "9",
    "No",
    "+1425555****",
    "+1425555****",
    "Dr_Out",
    "USWE",
    "EUNO",
    "410",
    "531004",
    "IceConnectivityChecksFailed",
    "sbc1.contoso.com",
    "No",
    "",
];

/// A decoder below this header.
fn resumed(header: &[u8]) -> Decoder {
    let mut decoder = Decoder::default();
    decoder.resume(header);
    decoder
}

fn place(column: &str) -> usize {
    HEADER.split(',').position(|name| name == column).expect("a column of the header")
}

/// The row with one cell replaced.
fn with(column: &str, cell: &str) -> String {
    let mut cells = FAILED;
    cells[place(column)] = cell;
    cells.join(",")
}

fn failed() -> Call<'static> {
    let mut decoder = resumed(HEADER.as_bytes());
    let row: &'static str = "c98e1515-a937-4b81-b8a8-3992afde64e0,,,,,2024-11-05T09:12:21.9490000Z,,,,,No,\
        +1425555****,+1425555****,Dr_Out,,,,,,sbc1.contoso.com,,";
    let Decoded::Call(Call { record_id, .. }) = decoder.decode(row.as_bytes()) else {
        panic!("the row is a call")
    };
    row::failed(record_id)
}

fn failed_with_phrase(phrase: &str) -> Decoded<'_> {
    Decoded::Call(Call { codes: row::codes(Some(531_004), Some(410), phrase), ..failed() })
}

fn check(record: impl AsRef<[u8]>, expected: Decoded) {
    let record = record.as_ref();
    assert_eq!(
        detail::left_out(resumed(HEADER.as_bytes()).decode(record)),
        expected,
        "{}",
        record.escape_ascii()
    );
}

fn rejected(record: impl AsRef<[u8]>, reason: Reason) {
    check(record, Decoded::Rejected(reason));
}

#[test]
fn reads_the_detail() {
    let detail_of = |row: &str| match resumed(HEADER.as_bytes()).decode(row.as_bytes()) {
        Decoded::Call(call) => call.detail,
        other => panic!("{other:?}"),
    };
    let usual =
        Detail { setup_millis: Some(8051), kind: Kind::User, country: Country::of_code(b"US"), more: 0 };
    assert_eq!(detail_of(&FAILED.join(",")), usual);
    let french = Detail { country: Country::of_code(b"FR"), ..usual };
    assert_eq!(detail_of(&with("Callee Number", "+33155****")), french);
    let emergency = Detail { kind: Kind::Emergency, ..usual };
    assert_eq!(detail_of(&with("Call type", "dr_emergency_out")), emergency);
    assert_eq!(detail_of(&with("Invite time", "")), Detail { setup_millis: None, ..usual });
}

#[test]
fn reads_a_row() {
    let row = FAILED.join(",");
    check(&row, Decoded::Call(failed()));
    check(row.clone() + "\r", Decoded::Call(failed()));
    check(row.clone() + ",", Decoded::Call(failed()));
    check(row + ",\r", Decoded::Call(failed()));
    check(FAILED.map(|cell| format!("\"{cell}\"")).join(","), Decoded::Call(failed()));
}

#[test]
fn reads_quoted_cells() {
    let cases = [
        (r#""a, b""#, "a, b"),
        (r#""a ""b"" c""#, r#"a "b" c"#),
        (r#""""""#, "\""),
        (r#""""""""#, "\"\""),
        (r#""""a""#, "\"a"),
        (r#""a""""b""#, r#"a""b"#),
        ("\"two\r\nlines\"", "two\r\nlines"),
        ("\"\"", ""),
        ("5\" high", "5\" high"),
        (" padded ", "padded"),
    ];
    for (cell, phrase) in cases {
        check(with("Final SIP Phrase", cell), failed_with_phrase(phrase));
    }
    for cell in ["\"never closed", "\"closed\" too early", "\"a\"\"", "\"a\"b\"", "\""] {
        rejected(with("Final SIP Phrase", cell), Reason::BadCsv);
    }
}

#[test]
fn bytes_that_are_not_utf8_cost_no_call() {
    let row = FAILED.join(",");
    let replaced = |part: &str, bytes: &[u8]| {
        let (before, after) = row.split_once(part).expect("a part of the row");
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    check(replaced("User One", b"Us\xe9r One"), Decoded::Call(failed()));
    check(replaced("Ice", b"\xff"), failed_with_phrase("\u{fffd}ConnectivityChecksFailed"));
}

#[test]
fn counts_cells() {
    let row = FAILED.join(",");
    for record in [row.clone() + ",x", row.clone() + ",,", row.replacen(',', "", 1), "just text".to_owned()] {
        rejected(record, Reason::BadCsv);
    }
    // The last cell is empty, so a separator within another leaves an empty one too many, too.
    for (column, cell) in
        [("Display Name", "One, User"), ("Final SIP Phrase", "Forbidden, Call rejected"), ("UPN", ",")]
    {
        rejected(with(column, cell), Reason::BadCsv);
    }
    for record in ["", "\r", "  ", "\t\r", &",".repeat(21)] {
        check(record, Decoded::Ignored);
    }
}

#[test]
fn reads_codes_flags_times_durations() {
    let codes = |microsoft, sip| {
        let codes = row::codes(microsoft, sip, "IceConnectivityChecksFailed");
        Decoded::Call(Call { codes, ..failed() })
    };
    check(with("Final SIP code", ""), codes(Some(531_004), None));
    check(with("Final Microsoft subcode", ""), codes(None, Some(410)));
    check(with("Final Microsoft subcode", "0"), codes(Some(0), Some(410)));
    check(with("Final SIP code", "410.0"), codes(Some(531_004), Some(410)));
    for cell in ["x", "-1", "410.5", "1000", "4 10"] {
        rejected(with("Final SIP code", cell), Reason::BadCode);
    }
    for (cell, succeeded) in
        [("YES", Some(true)), ("no", Some(false)), ("True", Some(true)), ("Attempt", Some(false)), ("", None)]
    {
        check(with("Success", cell), Decoded::Call(Call { succeeded, ..failed() }));
    }
    rejected(with("Success", "perhaps"), Reason::BadSuccess);
    let mut unread = Unread::default();
    unread.add(UnreadField::Duration);
    check(
        with("Duration (seconds)", "9.5"),
        Decoded::Call(Call { duration_seconds: None, unread, ..failed() }),
    );
    unread = Unread::default();
    unread.add_time(UnreadField::FailureTime, UnreadTime::Shape(Shape::of(b"xxxxxxxxx")));
    check(with("Failure time", "yesterday"), Decoded::Call(Call { unread, ..failed() }));
    let ended_at = Some(UnixMillis(1_730_797_920_000));
    check(with("Failure time", "5.11.2024 09:12"), Decoded::Call(Call { ended_at, ..failed() }));
    unread = Unread::default();
    unread.add_time(UnreadField::FailureTime, UnreadTime::TwoReadings(TwoReadings { first: 5, second: 11 }));
    check(with("Failure time", "5/11/2024 09:12"), Decoded::Call(Call { unread, ..failed() }));
    check(with("Duration (seconds)", ""), Decoded::Call(Call { duration_seconds: None, ..failed() }));
    let mut cells = FAILED;
    for column in ["Success", "Final SIP code", "Final Microsoft subcode"] {
        cells[place(column)] = "";
    }
    rejected(cells.join(","), Reason::NoOutcome);
}

#[test]
fn finds_the_end_of_a_call() {
    let ended = |second: i64| Some(UnixMillis(1_730_797_950_000 + second * 1000));
    check(
        with("End time", "2024-11-05T10:12:35+01:00"),
        Decoded::Call(Call { ended_at: ended(5), ..failed() }),
    );
    check(
        with("Failure time", "0001-01-01T00:00:00"),
        Decoded::Call(Call { ended_at: ended(0), ..failed() }),
    );
    let mut cells = FAILED;
    (cells[place("Failure time")], cells[place("Success")]) = ("", "Yes");
    let call = Call { ended_at: ended(9), succeeded: Some(true), ..failed() };
    check(cells.join(","), Decoded::Call(call));
}

#[test]
fn a_row_is_known_by_six_cells() {
    let id = |row: &str| match resumed(HEADER.as_bytes()).decode(row.as_bytes()) {
        Decoded::Call(call) => call.record_id,
        other => panic!("{row}: {other:?}"),
    };
    let identifying =
        ["CorrelationId", "Invite time", "Call type", "SBC FQDN", "Caller Number", "Callee Number"];
    for column in HEADER.split(',').filter(|name| !["Success", "End time", "Start time"].contains(name)) {
        let cell = if column == "Invite time" { "2024-11-05T09:12:22Z" } else { "" };
        let same = id(&with(column, cell)) == failed().record_id;
        assert_eq!(same, !identifying.contains(&column), "{column}");
    }
    let numbers = |caller: &str, callee: &str| {
        let mut cells = FAILED;
        (cells[place("Caller Number")], cells[place("Callee Number")]) = (caller, callee);
        id(&cells.join(","))
    };
    assert_ne!(numbers("ab", "c"), numbers("a", "bc"));
    assert_ne!(numbers("a", ""), numbers("", "a"));
    let mut cells = FAILED;
    (cells[place("CorrelationId")], cells[place("Invite time")]) = ("", " ");
    rejected(cells.join(","), Reason::NoRecordId);
}

#[test]
fn knows_a_header() {
    let known = [
        HEADER,
        "correlation id,SUCCESS,Final SIP Code",
        "\"Success\",\"Correlation-ID\",\"Final Microsoft subcode\",\"a, b\"\r\nrow",
        " Success , CorrelationId , finalsipcode , Success ",
        "CorrelationId;Success;Final SIP code",
        "\"id\"\t\"successfulCall\"\t\"callEndSubReason\"",
        "sep=;\r\nCorrelationId;Success;Final SIP code\r\n",
        "#TYPE System.Management.Automation.PSCustomObject\r\n\"Id\",\"SuccessfulCall\",\"FinalSipCode\"\r\n",
        "final_sip_code,call_end_sub_reason,id",
    ];
    for header in known {
        assert!(Columns::from_header(header.as_bytes(), Names::default()).is_some(), "{header}");
    }
    let unknown = [
        "",
        "CorrelationId,Success",
        "CorrelationId,Final SIP code",
        "Shared correlation ID,Success,Final SIP code",
        "CorrelationId|Success|Final SIP code",
        "id,calleeNumber,callerNumber,startDateTime",
        "UsageId,Call ID,Conference ID,User Location,AAD ObjectId,UPN,Charge,Currency,Success",
        "\"CorrelationId,Success,Final SIP code",
        "row\nCorrelationId,Success,Final SIP code",
    ];
    for header in unknown {
        assert!(Columns::from_header(header.as_bytes(), Names::default()).is_none(), "{header}");
    }
}

#[test]
fn follows_headers_through_a_file() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.header(), None);
    assert_eq!(decoder.decode(FAILED.join(",").as_bytes()), Decoded::Rejected(Reason::NoHeader));
    assert_eq!(decoder.decode((HEADER.to_owned() + "\r").as_bytes()), Decoded::Header);
    assert_eq!(decoder.header(), Some(HEADER.as_bytes().to_vec()));
    assert_eq!(detail::left_out(decoder.decode(FAILED.join(",").as_bytes())), Decoded::Call(failed()));
    assert_eq!(decoder.decode(HEADER.as_bytes()), Decoded::Header);
    let reversed = |cells: Vec<&str>| cells.into_iter().rev().collect::<Vec<_>>().join(",");
    let (header, row) = (reversed(HEADER.split(',').collect()), reversed(FAILED.to_vec()));
    assert_eq!(decoder.decode(header.as_bytes()), Decoded::Header);
    assert_eq!(detail::left_out(decoder.decode(row.as_bytes())), Decoded::Call(failed()));
    let stored = decoder.header().expect("a header was seen").to_vec();
    assert_eq!(detail::left_out(resumed(&stored).decode(row.as_bytes())), Decoded::Call(failed()));
    assert_eq!(resumed(b"").decode(row.as_bytes()), Decoded::Rejected(Reason::NoHeader));
}

#[test]
fn columns_may_be_few() {
    let mut decoder = resumed(b"Success,CorrelationId,Final SIP code,New column");
    let Decoded::Call(call) = decoder.decode(b"Yes,c98e1515,0,whatever") else { panic!("the row is a call") };
    assert_eq!((call.succeeded, call.codes), (Some(true), row::codes(None, Some(0), "")));
    assert_eq!((call.ended_at, call.duration_seconds, call.direction), (None, None, Direction::Unknown));
    assert_eq!(call.trunk, "".into());
}

proptest! {
    #[test]
    fn no_bytes_at_all_make_it_panic(
        header in proptest::collection::vec(any::<u8>(), 0..100),
        record in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut decoder = resumed(&header);
        decoder.decode(&record);
        resumed(HEADER.as_bytes()).decode(&record);
    }

    #[test]
    fn a_changed_row_makes_no_panic(
        changes in proptest::collection::vec(
            (0usize..240, prop_oneof![Just(b','), Just(b'"'), any::<u8>()]), 0..6,
        ),
    ) {
        let mut record = FAILED.join(",").into_bytes();
        for (position, byte) in changes {
            if let Some(place) = record.get_mut(position) {
                *place = byte;
            }
        }
        resumed(HEADER.as_bytes()).decode(&record);
    }

    #[test]
    fn any_text_comes_back_out_of_quotes(phrase in "[a-z\", \r\n]{0,40}") {
        let quoted = format!("\"{}\"", phrase.replace('"', "\"\""));
        let row = with("Final SIP Phrase", &quoted);
        let mut decoder = resumed(HEADER.as_bytes());
        let Decoded::Call(call) = decoder.decode(row.as_bytes()) else { panic!("the row is a call") };
        prop_assert_eq!(&*call.codes.text.read(), phrase.trim_ascii());
    }
}

#[test]
fn the_correlation_id_of_a_row_is_found_whatever_stands_behind_it() {
    let id = Some("c98e1515-a937-4b81-b8a8-3992afde64e0".to_owned());
    for separator in [",", ";", "\t"] {
        let mut decoder = Decoder::new(Names::default());
        decoder.decode(HEADER.replace(',', separator).as_bytes());
        for (first, expected) in [
            (FAILED[0], &id),
            ("\"c98e1515-a937-4b81-b8a8-3992afde64e0\"", &id),
            ("", &None),
            ("+14255550123", &None),
            ("user.one@contoso.com", &None),
        ] {
            let row = [&[first], &FAILED[1..]].concat().join(separator);
            let text = format!("{row}\r\n{}\r\n", FAILED.join(separator));
            let found = decoder.correlation_id(text.as_bytes()).map(|id| id.to_string());
            assert_eq!(found, *expected, "{first:?} before {separator:?}");
        }
    }
}
